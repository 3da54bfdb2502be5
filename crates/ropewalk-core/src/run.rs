//! The run: an agent's work as a plain value.
//!
//! [`Run`] does no I/O, awaits nothing, and knows neither clock nor chance. [`Run::next`] says
//! what must happen now; [`Run::apply`] is the only way it ever changes. A run is the fold of its
//! records: keep the records and the run is kept.

mod agent_state;
mod apply;
mod batch;
mod budget;
mod check;
mod claim;
mod held;
mod history;
mod outcome;
mod output;
mod place;
mod record;
mod site;
mod snapshot;
mod step;
mod stored;
mod token;

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::error::{Error, ErrorKind};
use crate::id::{CycleId, call_key};
use crate::interrupt::Interrupt;
use crate::message::{Message, ToolUse, Transcript, Usage};
use crate::tool::CallKey;
use crate::view::StateValues;

pub(crate) use apply::{CANCELLED, RAN_BEFORE, UNKNOWN_OUTCOME};
pub use batch::{CallState, ToolCall};
pub(crate) use batch::{DIRECT_CALL, UNRECORDED_CALL, is_direct_call};
pub use claim::Claim;
pub use held::{HeldAnswer, HeldReport};
pub use outcome::Outcome;
pub use output::OutputState;
pub use record::{Finish, Record};
pub use site::{Question, Site};
pub use snapshot::Restored;
pub use step::Step;
pub(crate) use token::{Fate, Tokened};

use agent_state::TurnState;
use batch::Batch;
use budget::BudgetBox;
use history::Edits;
use token::Tokens;

/// The number of the stored form of runs and records. A reader refuses a higher one.
pub const FORMAT_VERSION: u32 = 2;

/// An agent's work as a plain value: what was said, what is under way, which questions are open.
///
/// ```
/// use ropewalk_core::{Message, ModelTurn, Record, Run, Step, StopReason, Usage, Metrics};
///
/// let mut run = Run::new("demo");
/// run.apply(Record::InvocationStarted {
///     messages: vec![Message::user("hello")],
///     state: Default::default(),
/// })?;
/// assert!(matches!(run.next(), Step::Model));
///
/// let turn = ModelTurn {
///     message: Message::assistant("good day"),
///     stop_reason: StopReason::EndTurn,
///     usage: Usage::new(3, 2),
///     metrics: Metrics::default(),
///     malformed: vec![],
///     redact_user: None,
/// };
/// run.apply(Record::ModelAnswered { turn: turn.into(), discarded: Usage::default() })?;
/// assert!(matches!(run.next(), Step::Finish(_)));
/// # Ok::<(), ropewalk_core::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "stored::StoredRun")]
pub struct Run {
    version: u32,
    id: Arc<str>,
    transcript: Transcript,
    phase: Phase,
    /// What was asked, with the answers, for as long as these may be looked up.
    questions: Vec<Question>,
    /// What the caller handed to the current invocation.
    state: Map<String, Value>,
    /// What the agent keeps of its own.
    #[serde(skip_serializing_if = "TurnState::is_empty")]
    agent_state: TurnState,
    /// The value that the current invocation is to give, if it is to give one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    output: Option<Box<OutputState>>,
    /// How many messages there were before the current invocation.
    started_at: usize,
    /// How many blocks of the current prompt were put to the message before it.
    #[serde(skip_serializing_if = "is_zero")]
    joined: usize,
    /// The invocations that were given a token.
    #[serde(skip_serializing_if = "Tokens::is_empty")]
    tokens: Tokens,
    /// The highest number that an invocation had before a snapshot was loaded.
    #[serde(skip_serializing_if = "is_none_yet")]
    highest: u64,
    /// Counts up with each invocation; part of the idempotency keys.
    invocation: u64,
    /// Model calls of the current invocation.
    cycles: u32,
    /// Tokens of the current invocation.
    usage: Usage,
    /// Tokens of all invocations.
    total_usage: Usage,
    /// What is kept for the edits of the history.
    #[serde(skip_serializing_if = "Edits::is_default")]
    edits: Edits,
    /// Its limits, and what was used of them.
    #[serde(skip_serializing_if = "BudgetBox::is_unused")]
    budget: BudgetBox,
    /// How many records were applied.
    applied: u64,
}

/// Where a run stands.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Phase {
    /// Nothing is asked of it.
    Idle,
    /// An invocation waits to begin.
    Held {
        /// What it will begin with.
        messages: Vec<Message>,
    },
    /// The model must be asked.
    Model,
    /// The model has answered or failed, which does not count yet.
    Answer(HeldAnswer),
    /// The model asked for tools.
    Tools(Batch),
    /// The model has ended its turn, or tried often enough, without giving the value asked for.
    Output(Outcome),
    /// The invocation has come to its end, which has to be announced.
    Ended(Outcome),
}

impl Run {
    /// A run in which nothing has happened. The id is part of the idempotency keys of its tool
    /// calls: no two runs share one.
    pub fn new(id: impl Into<Arc<str>>) -> Self {
        Self {
            version: FORMAT_VERSION,
            id: id.into(),
            transcript: Transcript::new(),
            phase: Phase::Idle,
            questions: Vec::new(),
            state: Map::new(),
            agent_state: TurnState::default(),
            output: None,
            started_at: 0,
            joined: 0,
            tokens: Tokens::default(),
            highest: 0,
            invocation: 0,
            cycles: 0,
            usage: Usage::default(),
            total_usage: Usage::default(),
            edits: Edits::default(),
            budget: BudgetBox::default(),
            applied: 0,
        }
    }

    /// A run with a history that it did not make itself.
    pub fn with_history(id: impl Into<Arc<str>>, transcript: Transcript) -> Self {
        Self { transcript, ..Self::new(id) }
    }

    /// The run that these records make, from the first one on.
    ///
    /// # Errors
    /// [`ErrorKind::IllegalRecord`], naming the first record that does not fit.
    pub fn replay(mut self, records: impl IntoIterator<Item = Record>) -> Result<Self, Error> {
        for (at, record) in records.into_iter().enumerate() {
            self.apply(record).map_err(|error| error.context(format!("record {at}")))?;
        }
        Ok(self)
    }

    /// What must happen now. Asking changes nothing.
    pub fn next(&self) -> Step<'_> {
        if self.open().any(|question| question.site.tool_use_id().is_none()) {
            return self.wait();
        }
        match &self.phase {
            Phase::Idle => Step::Idle,
            Phase::Held { messages } => Step::Begin(messages),
            Phase::Model => Step::Model,
            Phase::Answer(held) => Step::Answer(held),
            Phase::Output(outcome) => Step::Output(outcome),
            Phase::Ended(outcome) => Step::Finish(outcome),
            Phase::Tools(batch) => {
                // What can run does; the run waits only when nothing can.
                let runnable = batch.runnable(&self.questions);
                let stuck = runnable.is_empty() && self.open().next().is_some();
                if stuck { self.wait() } else { Step::Tools(runnable) }
            }
        }
    }

    fn wait(&self) -> Step<'_> {
        Step::Wait(self.open().map(|question| &question.interrupt).collect())
    }

    fn open(&self) -> impl Iterator<Item = &Question> {
        self.questions.iter().filter(|question| question.is_open())
    }

    /// The run's id.
    pub fn id(&self) -> &str {
        &self.id
    }

    pub(crate) fn shared_id(&self) -> Arc<str> {
        Arc::clone(&self.id)
    }

    /// What was said. A tool turn that is under way is not in it yet.
    pub fn transcript(&self) -> &Transcript {
        &self.transcript
    }

    /// The assistant's message whose tools are under way, if there is one.
    pub fn pending_message(&self) -> Option<&Arc<Message>> {
        self.batch().map(|batch| &batch.message)
    }

    /// The tool calls that are under way, in the order of the model's request.
    pub fn calls(&self) -> &[ToolCall] {
        self.batch().map_or(&[], |batch| &batch.calls)
    }

    /// The questions that wait for an answer: those about a tool call last, in the order of the
    /// model's request.
    pub fn open_interrupts(&self) -> Vec<Interrupt> {
        self.open().map(|question| question.interrupt.clone()).collect()
    }

    /// What was asked, open or answered, with the terms, for as long as it may be looked up.
    pub fn questions(&self) -> &[Question] {
        &self.questions
    }

    /// The questions that were asked from one place, with their answers.
    pub fn interrupts_at(&self, site: &Site) -> Vec<Interrupt> {
        let there = self.questions.iter().filter(|question| question.site == *site);
        there.map(|question| question.interrupt.clone()).collect()
    }

    /// What the caller handed to the current invocation; see
    /// [`InvocationState`](crate::InvocationState).
    pub fn state(&self) -> &Map<String, Value> {
        &self.state
    }

    /// What the agent keeps of its own; see [`AgentState`](crate::AgentState). It holds what the turn
    /// under way has changed.
    pub fn agent_state(&self) -> &Map<String, Value> {
        self.agent_state.values()
    }

    pub(crate) fn agent_state_values(&self) -> &StateValues {
        self.agent_state.values()
    }

    /// The number of the invocation that is under way, or of the next one: from 1.
    pub fn invocation(&self) -> u64 {
        match self.phase {
            Phase::Idle => self.invocation + 1,
            _ => self.invocation,
        }
    }

    /// The invocation that was given this token.
    pub(crate) fn tokened(&self, token: &str) -> Option<&Tokened> {
        self.tokens.get(token)
    }

    /// True if the tool call under way was made by hand: no model asked for it, and none will be told.
    pub(crate) fn is_direct_call(&self) -> bool {
        self.batch().is_some_and(|batch| batch.direct)
    }

    /// True if the tool call under way will leave nothing in the history.
    pub fn is_unrecorded(&self) -> bool {
        self.batch().is_some_and(|batch| batch.unrecorded)
    }

    /// True if nothing is under way.
    pub fn is_idle(&self) -> bool {
        matches!(self.phase, Phase::Idle)
    }

    /// True if nothing can go on before a question is answered.
    pub fn is_waiting(&self) -> bool {
        matches!(self.next(), Step::Wait(_))
    }

    /// How many model calls the current invocation made.
    pub fn cycles(&self) -> u32 {
        self.cycles
    }

    /// The tokens of the current invocation.
    pub fn usage(&self) -> Usage {
        self.usage
    }

    /// The tokens of all invocations.
    pub fn total_usage(&self) -> Usage {
        self.total_usage
    }

    /// How many records made this run.
    pub fn applied(&self) -> u64 {
        self.applied
    }

    /// The key of a call of the answer under way, not worked out yet.
    pub(crate) fn call_key(&self, tool_use: &Arc<ToolUse>) -> CallKey {
        CallKey::new(self.cycle_id(self.cycles), Arc::clone(tool_use))
    }

    /// The id of the cycle that begins now.
    pub(crate) fn next_cycle_id(&self) -> CycleId {
        self.cycle_id(self.cycles + 1)
    }

    fn cycle_id(&self, cycle: u32) -> CycleId {
        CycleId { run: Arc::clone(&self.id), invocation: self.invocation, cycle }
    }

    /// The key of one tool call: the same each time that very call is made, in every process, and
    /// different for every other call of every run.
    pub fn idempotency_key(&self, tool_use_id: &str) -> String {
        call_key(&self.id, self.invocation, self.cycles, tool_use_id)
    }

    fn batch(&self) -> Option<&Batch> {
        match &self.phase {
            Phase::Tools(batch) => Some(batch),
            _ => None,
        }
    }

    /// Says why a stored run can't be read by this version, if it can't.
    ///
    /// # Errors
    /// [`ErrorKind::Unsupported`] if a newer version wrote it.
    pub fn check_version(version: u32) -> Result<(), Error> {
        if version > FORMAT_VERSION {
            return Err(Error::new(
                ErrorKind::Unsupported,
                format!(
                    "this run was stored in format {version}; this version of Ropewalk reads up to {FORMAT_VERSION}: use a newer one"
                ),
            ));
        }
        Ok(())
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde calls it with a reference")]
fn is_zero(count: &usize) -> bool {
    *count == 0
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde calls it with a reference")]
fn is_none_yet(number: &u64) -> bool {
    *number == 0
}
