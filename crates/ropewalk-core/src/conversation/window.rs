//! The newest messages stay.

mod cut;

use serde::Deserialize;
use serde_json::{Value, json};

use super::shorten::with_short_results;
use super::threshold::check_threshold;
use super::{
    Conversation, ConversationChange, ConversationManager, DEFAULT_COMPRESSION_THRESHOLD,
    EditReason, Managed,
};
use crate::error::{Error, ErrorKind};
use crate::message::{Message, Transcript, TranscriptEdit};

use cut::Cut;

/// Keeps the newest messages (Strands' `SlidingWindowConversationManager`), 40 unless set. The manager
/// of an agent that is given none.
///
/// When a pass has ended and the history is longer than the window, the oldest messages go. What stays
/// begins with a user message: either one of the newest, or, in a turn of many tool calls, the one that
/// the turn began with. Pinned messages stay ([`Message::pinned`]).
///
/// When the model's window is too small, long tool results are shortened first, the oldest before the
/// others: 200 characters of each end stay, and pictures become a note. Then messages go. Each time
/// that this does not suffice, twice as much goes.
///
/// ```
/// use ropewalk_core::SlidingWindowConversationManager;
///
/// let manager = SlidingWindowConversationManager::new().window_size(20).per_turn(1);
/// ```
#[derive(Clone, Debug)]
pub struct SlidingWindowConversationManager {
    window_size: usize,
    truncate_results: bool,
    per_turn: Option<u32>,
    pin_first: usize,
    threshold: Option<f64>,
}

impl Default for SlidingWindowConversationManager {
    fn default() -> Self {
        Self {
            window_size: 40,
            truncate_results: true,
            per_turn: None,
            pin_first: 0,
            threshold: None,
        }
    }
}

/// What is kept with the run; the first key is Strands'.
#[derive(Default, Deserialize)]
#[serde(default)]
struct State {
    removed_message_count: usize,
    pinned_first: bool,
}

impl State {
    fn to_json(&self) -> Value {
        let mut json = json!({"removed_message_count": self.removed_message_count});
        if self.pinned_first {
            json["pinned_first"] = Value::Bool(true);
        }
        json
    }
}

impl SlidingWindowConversationManager {
    /// A window of 40 messages.
    pub fn new() -> Self {
        Self::default()
    }

    /// How many messages stay. Pinned ones come on top, and the last exchange stays while the model has
    /// to answer it. With 0 a pass leaves only the pinned ones.
    #[must_use]
    pub fn window_size(mut self, messages: usize) -> Self {
        self.window_size = messages;
        self
    }

    /// Whether long tool results are shortened before messages go, when the conversation does not fit
    /// the model's window: true unless set.
    #[must_use]
    pub fn should_truncate_results(mut self, truncate: bool) -> Self {
        self.truncate_results = truncate;
        self
    }

    /// Looks before every `n`th model call too, not only when a pass has ended. 0 is refused when the
    /// agent is built.
    #[must_use]
    pub fn per_turn(mut self, n: u32) -> Self {
        self.per_turn = Some(n);
        self
    }

    /// Pins the first messages, when any go for the first time: 0 unless set.
    #[must_use]
    pub fn pin_first(mut self, messages: usize) -> Self {
        self.pin_first = messages;
        self
    }

    /// Makes the conversation smaller before it fills the model's window: from
    /// [`DEFAULT_COMPRESSION_THRESHOLD`] of it on.
    #[must_use]
    pub fn proactive_compression(self) -> Self {
        self.compression_threshold(DEFAULT_COMPRESSION_THRESHOLD)
    }

    /// The same from another part of the window on, above 0 and up to 1. Others are refused when the
    /// agent is built.
    #[must_use]
    pub fn compression_threshold(mut self, part: f64) -> Self {
        self.threshold = Some(part);
        self
    }

    fn managed(&self, conversation: &Conversation<'_>) -> Option<ConversationChange> {
        let change = self.slide(conversation, self.begin(conversation)?);
        if change.is_none() {
            tracing::warn!(
                messages = conversation.messages().len(),
                window = self.window_size,
                "the history is longer than its window, and there is no place to cut it"
            );
        }
        change
    }

    fn reduced(&self, conversation: &Conversation<'_>) -> Option<ConversationChange> {
        let messages = conversation.messages();
        let far = 1usize.checked_shl(conversation.reductions()).unwrap_or(usize::MAX);
        let overflow = conversation.reason() == EditReason::Overflow;
        if overflow && self.truncate_results {
            let edit = shorten_results(messages, far);
            if !edit.is_empty() {
                return Some(ConversationChange::new(edit));
            }
        }
        let excess = if overflow { 0 } else { self.excess(conversation) };
        let mut target = self.begin(conversation).unwrap_or(2).saturating_mul(far);
        loop {
            // What is pinned, or one long turn, may stand before the first place to cut.
            let change = self.slide(conversation, target);
            let enough = |change: &ConversationChange| {
                excess == 0 || removed_tokens(messages, &change.edit) >= excess
            };
            if change.as_ref().is_some_and(enough) || target >= messages.len() {
                return change;
            }
            target = target.saturating_mul(2);
        }
    }

    /// Where the window begins. None if the history is no longer than it.
    fn begin(&self, conversation: &Conversation<'_>) -> Option<usize> {
        let messages = conversation.messages();
        if messages.len() <= self.window_size {
            return None;
        }
        let first = self.first(conversation);
        let mut free = (0..messages.len()).rev().filter(|place| !is_kept(messages, *place, first));
        free.nth(self.window_size).map(|place| place + 1)
    }

    /// How many of the first messages are about to be pinned.
    fn first(&self, conversation: &Conversation<'_>) -> usize {
        let state: State = conversation.state().unwrap_or_default();
        if state.pinned_first { 0 } else { self.pin_first.min(conversation.messages().len()) }
    }

    /// How many tokens there are beyond the threshold.
    fn excess(&self, conversation: &Conversation<'_>) -> u64 {
        let limit = conversation.context_limit() as f64 * self.threshold.unwrap_or(1.0);
        conversation.projected_tokens().saturating_sub(limit as u64)
    }

    /// Lets the oldest messages go, `target` of them if they can be parted from the others there. None
    /// if there are none.
    fn slide(&self, conversation: &Conversation<'_>, target: usize) -> Option<ConversationChange> {
        let messages = conversation.messages();
        let first = self.first(conversation);
        let all = self.window_size == 0 && !conversation.is_under_way();
        let cut = if all {
            Cut { prompt: None, at: messages.len() }
        } else {
            Cut::near(messages, target, |place| is_kept(messages, place, first))?
        };
        let goes = |place: usize| Some(place) != cut.prompt && !is_kept(messages, place, first);
        let mut edit = TranscriptEdit::new();
        for place in (0..cut.at).filter(|place| goes(*place)) {
            edit = edit.remove(place..place + 1);
        }
        if edit.is_empty() {
            return None;
        }
        let mut state: State = conversation.state().unwrap_or_default();
        state.removed_message_count = state.removed_message_count.saturating_add(edit.removed());
        state.pinned_first |= self.pin_first > 0;
        for place in (0..first).filter(|place| !messages[*place].is_pinned()) {
            edit = edit.replace(place..place + 1, [Message::clone(&messages[place]).pinned()]);
        }
        Some(ConversationChange::new(edit).with_state(state.to_json()))
    }
}

/// Pinned, or one of the first messages, which are about to be, with the results of its tool uses.
fn is_kept(messages: &Transcript, place: usize, first: usize) -> bool {
    let answers = || messages[place].results().next().is_some();
    place < first || place == first && first > 0 && answers() || messages.is_pinned(place)
}

/// Shortens the oldest long tool results that are not pinned, in so many messages.
fn shorten_results(messages: &Transcript, most: usize) -> TranscriptEdit {
    let free = (0..messages.len()).filter(|place| !messages.is_pinned(*place));
    let short = free.filter_map(|place| Some((place, with_short_results(&messages[place])?)));
    short.take(most).fold(TranscriptEdit::new(), |edit, (place, message)| {
        edit.replace(place..place + 1, [message])
    })
}

fn removed_tokens(messages: &Transcript, edit: &TranscriptEdit) -> u64 {
    let gone = edit.splices().iter().flat_map(|splice| &messages[splice.at..][..splice.removed]);
    gone.map(|message| message.estimated_tokens()).fold(0, u64::saturating_add)
}

impl ConversationManager for SlidingWindowConversationManager {
    fn name(&self) -> &str {
        "SlidingWindowConversationManager"
    }

    fn validate(&self) -> Result<(), Error> {
        if self.per_turn == Some(0) {
            let text = "per_turn=<0> | the window can't be looked at before every 0th model call: give 1 or more";
            return Err(Error::new(ErrorKind::InvalidInput, text));
        }
        check_threshold(self.threshold)
    }

    fn per_turn(&self) -> Option<u32> {
        self.per_turn
    }

    fn compression_threshold(&self) -> Option<f64> {
        self.threshold
    }

    fn apply_management<'a>(&'a self, conversation: &'a Conversation<'a>) -> Managed<'a> {
        Box::pin(std::future::ready(Ok(self.managed(conversation))))
    }

    fn reduce_context<'a>(
        &'a self,
        conversation: &'a Conversation<'a>,
        _: Option<&'a Error>,
    ) -> Managed<'a> {
        Box::pin(std::future::ready(Ok(self.reduced(conversation))))
    }
}
