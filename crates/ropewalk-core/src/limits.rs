//! What an invocation may use at most.

mod money;
mod prices;
mod used;

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::error::{Error, ErrorKind};
use crate::model::StopReason;

pub use money::Money;
pub use prices::{Price, Prices};
pub use used::Used;

/// What an invocation may use at most (Strands' `limits`, with more of them): turns, tokens, money,
/// time, tool calls.
///
/// A limit that is reached is a result and no error: its stop reason says which one it was, the text
/// that the model had said and the usage are kept, the history is valid, and the next turn works. A
/// model call that would break a limit is not made: what it will read is estimated beforehand
/// (a token for four bytes of what the model has not counted yet). What it will write is not known then:
/// it is told how many tokens its answer may have, where it can be
/// ([`ModelRequest::max_output_tokens`](crate::ModelRequest::max_output_tokens)); one that can't may pass a
/// limit on output by one answer.
///
/// Limits stand in the agent ([`AgentBuilder::limits`](crate::AgentBuilder::limits)), in an invocation
/// ([`Invocation::limits`](crate::Invocation::limits)), or in both: the tighter one counts. They are
/// kept with the run, and so is what was used of them: an invocation that waits for an answer goes on
/// with what was left (in Strands it starts anew).
///
/// As JSON it is an object with the names of the methods; unknown keys, zeros and negative numbers
/// are refused.
///
/// ```
/// use std::time::Duration;
/// use ropewalk_core::Limits;
///
/// let limits = Limits::new().turns(20).total_tokens(200_000).time(Duration::from_secs(120));
/// # let _ = limits;
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Limits {
    #[serde(skip_serializing_if = "Option::is_none")]
    turns: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    input_tokens: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    output_tokens: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    total_tokens: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    cost: Option<Money>,
    #[serde(skip_serializing_if = "Option::is_none")]
    time_ms: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tool_calls: Option<u64>,
}

impl Limits {
    /// No limit.
    pub fn new() -> Self {
        Self::default()
    }

    /// How often the model may answer; the stop reason is `limit_turns`. The tools of the last answer
    /// are run.
    #[must_use]
    pub fn turns(mut self, most: u64) -> Self {
        self.turns = Some(most);
        self
    }

    /// How many tokens may be read, over all model calls; the stop reason is `limit_input_tokens`.
    #[must_use]
    pub fn input_tokens(mut self, most: u64) -> Self {
        self.input_tokens = Some(most);
        self
    }

    /// How many tokens may be written; the stop reason is `limit_output_tokens`, also of an answer that is
    /// cut off there.
    #[must_use]
    pub fn output_tokens(mut self, most: u64) -> Self {
        self.output_tokens = Some(most);
        self
    }

    /// How many tokens may be read and written; the stop reason is `limit_total_tokens`.
    #[must_use]
    pub fn total_tokens(mut self, most: u64) -> Self {
        self.total_tokens = Some(most);
        self
    }

    /// What all model calls may cost, by the [`Prices`] that the agent was given; the stop reason is
    /// `limit_cost`. Without a price for the model nothing is begun.
    #[must_use]
    pub fn cost(mut self, most: Money) -> Self {
        self.cost = Some(most);
        self
    }

    /// How long it may work, to the millisecond; the stop reason is `limit_time`. A model call or tools
    /// that still run then are stopped as by a cancel. The time that it waits for answers does not
    /// count. Without a Tokio runtime that keeps the time it is looked at between model calls only.
    #[must_use]
    pub fn time(mut self, most: Duration) -> Self {
        self.time_ms = Some(u64::try_from(most.as_millis()).unwrap_or(u64::MAX));
        self
    }

    /// How many tool calls may be made; the stop reason is `limit_tool_calls`. Calls beyond it, in the
    /// order of the model's request, get an error result that says so. One that is made again, because
    /// of a question or of a hook, is the same call. The tool through which a value comes
    /// ([`Agent::invoke_as`](crate::Agent::invoke_as)) does not count.
    #[must_use]
    pub fn tool_calls(mut self, most: u64) -> Self {
        self.tool_calls = Some(most);
        self
    }

    /// The tighter one of each.
    #[must_use]
    pub fn tighter(&self, other: &Self) -> Self {
        Self {
            turns: least(self.turns, other.turns),
            input_tokens: least(self.input_tokens, other.input_tokens),
            output_tokens: least(self.output_tokens, other.output_tokens),
            total_tokens: least(self.total_tokens, other.total_tokens),
            cost: least(self.cost, other.cost),
            time_ms: least(self.time_ms, other.time_ms),
            tool_calls: least(self.tool_calls, other.tool_calls),
        }
    }

    /// Refuses limits with which nothing could be done.
    pub(crate) fn check(&self) -> Result<(), Error> {
        let zeros = [
            ("turns", self.turns),
            ("input_tokens", self.input_tokens),
            ("output_tokens", self.output_tokens),
            ("total_tokens", self.total_tokens),
            ("cost", self.cost.map(|cost| u64::from(!cost.is_zero()))),
            ("time_ms", self.time_ms),
            ("tool_calls", self.tool_calls),
        ];
        match zeros.iter().find(|(_, most)| *most == Some(0)) {
            None => Ok(()),
            Some((name, _)) => {
                let text =
                    format!("{name}=<0> | a limit must be more than 0: leave it out for none");
                Err(Error::new(ErrorKind::InvalidInput, text))
            }
        }
    }

    /// True if nothing is limited.
    pub(crate) fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// True if what the model will read must be known beforehand.
    pub(crate) fn looks_ahead(&self) -> bool {
        self.input_tokens.is_some() || self.total_tokens.is_some() || self.cost.is_some()
    }

    pub(crate) fn has_cost(&self) -> bool {
        self.cost.is_some()
    }

    /// How much time is left.
    pub(crate) fn time_left(&self, used: &Used) -> Option<Duration> {
        let left = self.time_ms?.saturating_sub(used.time_ms);
        Some(Duration::from_millis(left))
    }

    /// How many of so many further tool calls may be made.
    pub(crate) fn calls_left(&self, used: &Used) -> Option<u64> {
        Some(self.tool_calls?.saturating_sub(used.tool_calls))
    }

    /// How many tokens the next answer may have.
    pub(crate) fn output_left(&self, used: &Used) -> Option<u64> {
        Some(self.output_tokens?.saturating_sub(used.usage.output_tokens))
    }

    /// True if an answer of so many tokens, behind what was used before it, has come to the limit of
    /// tokens written.
    pub(crate) fn ends_output(&self, used: &Used, written: u64) -> bool {
        self.output_left(used).is_some_and(|left| written >= left)
    }

    /// Which limit keeps a model call from being made, if one does. Those of Strands come first, in
    /// its order.
    pub(crate) fn reached(&self, used: &Used, next: &Ahead) -> Option<Reached> {
        let over = |most: Option<u64>, used: u64, next: u64| {
            most.is_some_and(|most| used >= most || used.saturating_add(next) > most)
        };
        let tokens = used.usage;
        let in_words = |number: u64, what: &str| format!("{number} {what}");
        let (reason, most) = if over(self.turns, used.turns, 1) {
            (StopReason::LimitTurns, in_words(self.turns?, "turns"))
        } else if over(self.total_tokens, tokens.total_tokens, next.input_tokens) {
            (StopReason::LimitTotalTokens, in_words(self.total_tokens?, "tokens"))
        } else if over(self.output_tokens, tokens.output_tokens, 0) {
            (StopReason::LimitOutputTokens, in_words(self.output_tokens?, "output tokens"))
        } else if over(self.input_tokens, tokens.input_tokens, next.input_tokens) {
            (StopReason::LimitInputTokens, in_words(self.input_tokens?, "input tokens"))
        } else if self
            .cost
            .is_some_and(|most| used.cost >= most || used.cost.saturating_add(next.cost) > most)
        {
            (StopReason::LimitCost, format!("a cost of {}", self.cost?))
        } else if over(self.time_ms, used.time_ms, 0) {
            return self.out_of_time();
        } else if self.tool_calls.is_some_and(|most| used.tool_calls > most) {
            (StopReason::LimitToolCalls, in_words(self.tool_calls?, "tool calls"))
        } else {
            return None;
        };
        Some(Reached::new(reason, &most))
    }

    /// The limit of time, as one that is reached.
    pub(crate) fn out_of_time(&self) -> Option<Reached> {
        let most = Duration::from_millis(self.time_ms?);
        Some(Reached::new(StopReason::LimitTime, &format!("{most:?}")))
    }
}

/// What a model call will take, as far as that is known beforehand.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Ahead {
    pub(crate) input_tokens: u64,
    pub(crate) cost: Money,
}

/// A limit that is reached.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Reached {
    pub(crate) reason: StopReason,
    /// What stands as the assistant's last message, if it said nothing else.
    pub(crate) text: String,
}

impl Reached {
    fn new(reason: StopReason, most: &str) -> Self {
        Self { reason, text: format!("Stopped: the limit of {most} was reached.") }
    }
}

fn least<T: Ord>(a: Option<T>, b: Option<T>) -> Option<T> {
    match (a, b) {
        (Some(a), Some(b)) => Some(a.min(b)),
        (a, b) => a.or(b),
    }
}
