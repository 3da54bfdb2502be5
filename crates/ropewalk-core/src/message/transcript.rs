//! The history of a conversation, in which a tool use is never without its result.

use std::fmt;
use std::ops::Deref;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use serde::de::{Error as _, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::edit::TranscriptEdit;
use super::repair::{self, Repair};
use super::{ContentBlock, Message, Role, ToolResult};

/// The history of a conversation. It can't hold a tool use without its result, nor a result
/// without its use: a turn with tools is added whole ([`push_tool_turn`](Self::push_tool_turn)).
///
/// Cloning costs nothing: the messages are shared, and adding to one copy leaves the other as it
/// was. It derefs to a slice of messages.
///
/// ```
/// use ropewalk_core::{Message, Transcript};
///
/// let mut transcript = Transcript::new();
/// transcript.push(Message::user("hello"))?;
/// let before = transcript.clone();
/// transcript.push(Message::assistant("good day"))?;
/// assert_eq!((before.len(), transcript.len()), (1, 2));
/// # Ok::<(), ropewalk_core::TranscriptError>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Transcript(Arc<History>);

/// The messages. A copy has a lineage of its own.
#[derive(Clone, Debug, Default, PartialEq)]
struct History {
    messages: Vec<Arc<Message>>,
    lineage: Lineage,
}

/// See [`Transcript::lineage`]. It is no part of what a history says.
#[derive(Debug)]
struct Lineage(u64);

impl Default for Lineage {
    fn default() -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        Self(NEXT.fetch_add(1, Ordering::Relaxed))
    }
}

impl Clone for Lineage {
    fn clone(&self) -> Self {
        Self::default()
    }
}

impl PartialEq for Lineage {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

/// Why messages can't stand in a transcript.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TranscriptError {
    /// A tool use has no result in the next message.
    #[error("message {message}: tool use `{tool_use_id}` has no result in the message after it")]
    MissingResult {
        /// The message's place, from 0.
        message: usize,
        /// The tool use.
        tool_use_id: String,
    },
    /// A tool result has no use in the message before it.
    #[error(
        "message {message}: tool result `{tool_use_id}` answers no use in the message before it"
    )]
    OrphanResult {
        /// The message's place, from 0.
        message: usize,
        /// The id it names.
        tool_use_id: String,
    },
    /// A block stands under the wrong role, or where it may not stand at all.
    #[error("message {message}: {problem}")]
    Misplaced {
        /// The message's place, from 0.
        message: usize,
        /// What is wrong.
        problem: &'static str,
    },
}

impl Transcript {
    /// An empty one.
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes messages as they are.
    ///
    /// # Errors
    /// The first place where a use or a result stands alone. [`Transcript::repair`] mends instead.
    pub fn from_messages(
        messages: impl IntoIterator<Item = Message>,
    ) -> Result<Self, TranscriptError> {
        Self::of(messages.into_iter().map(Arc::new).collect())
    }

    fn of(messages: Vec<Arc<Message>>) -> Result<Self, TranscriptError> {
        Self::check(messages.iter().map(|message| &**message))?;
        Ok(Self::made_of(messages))
    }

    fn made_of(messages: Vec<Arc<Message>>) -> Self {
        Self(Arc::new(History { messages, lineage: Lineage::default() }))
    }

    /// To add to them. Where another copy shares them, they are copied.
    fn for_adding(&mut self) -> &mut Vec<Arc<Message>> {
        &mut Arc::make_mut(&mut self.0).messages
    }

    /// To change them otherwise.
    fn for_changing(&mut self) -> &mut Vec<Arc<Message>> {
        let history = Arc::make_mut(&mut self.0);
        history.lineage = Lineage::default();
        &mut history.messages
    }

    /// A number, in this process, by which a cache can tell that it knows the beginning of a history without looking at
    /// each message: of two transcripts with the same lineage, the shorter is the beginning of the longer.
    ///
    /// Adding messages leaves it as it is, as long as no other copy shares them; whatever else is done gives another.
    ///
    /// ```
    /// use ropewalk_core::{Message, Transcript};
    ///
    /// let mut transcript = Transcript::from_messages([Message::user("hello")])?;
    /// let lineage = transcript.lineage();
    /// transcript.push(Message::assistant("good day"))?;
    /// assert_eq!(transcript.lineage(), lineage);
    /// let shared = transcript.clone();
    /// transcript.push(Message::user("how are you?"))?;
    /// assert_eq!(shared.lineage(), lineage);
    /// assert_ne!(transcript.lineage(), lineage);
    /// # Ok::<(), ropewalk_core::TranscriptError>(())
    /// ```
    pub fn lineage(&self) -> u64 {
        self.0.lineage.0
    }

    /// Says whether messages can be a transcript.
    pub(crate) fn check<'a>(
        messages: impl IntoIterator<Item = &'a Message>,
    ) -> Result<(), TranscriptError> {
        let (mut at, mut open) = (0, None);
        for message in messages {
            check_roles(at, message)?;
            check_pairs(at, open, Some(message))?;
            open = Some(message);
            at += 1;
        }
        check_pairs(at, open, None)
    }

    /// Says whether a message can stand in a transcript once its tool uses have their results.
    pub(crate) fn check_asking(message: &Message) -> Result<(), TranscriptError> {
        check_roles(0, message)?;
        check_pairs(0, None, Some(message))
    }

    /// Takes foreign or damaged messages and mends what is wrong; says what it mended.
    ///
    /// A use without a result gets the error result `Tool was interrupted.`; a result without a
    /// use is left out; results come into the order of their uses.
    pub fn repair(messages: impl IntoIterator<Item = Message>) -> (Self, Vec<Repair>) {
        let (messages, repairs) = repair::repair(messages);
        (Self::made_of(messages.into_iter().map(Arc::new).collect()), repairs)
    }

    /// Adds a message that has no part in a tool turn.
    ///
    /// # Errors
    /// The message holds a tool use, a tool result or an answer to an interrupt.
    pub fn push(&mut self, message: impl Into<Arc<Message>>) -> Result<(), TranscriptError> {
        let message = message.into();
        let at = self.len();
        check_roles(at, &message)?;
        check_pairs(at, None, Some(&message))?;
        check_pairs(at + 1, Some(&message), None)?;
        self.for_adding().push(message);
        Ok(())
    }

    /// Adds a whole tool turn: the assistant's message with its uses, and the result of each.
    /// Gives back the message that was made of the results.
    ///
    /// # Errors
    /// The results are not exactly one for each use. Nothing was added then.
    pub fn push_tool_turn(
        &mut self,
        assistant: impl Into<Arc<Message>>,
        results: Vec<ToolResult>,
    ) -> Result<Arc<Message>, TranscriptError> {
        let assistant = assistant.into();
        let ids = results.iter().map(|result| &*result.tool_use_id);
        self.check_tool_turn(&assistant, ids)?;
        Ok(self.push_checked_turn(assistant, results))
    }

    /// Says whether a tool turn fits: the assistant's message, and the uses that the results are for.
    pub(crate) fn check_tool_turn<'a>(
        &self,
        assistant: &'a Message,
        results: impl Iterator<Item = &'a str> + Clone,
    ) -> Result<(), TranscriptError> {
        let at = self.len();
        check_roles(at, assistant)?;
        check_pairs(at, None, Some(assistant))?;
        check_ids(at + 1, assistant.tool_uses().map(|asked| &*asked.tool_use_id), results)
    }

    /// Adds a tool turn that fits.
    pub(crate) fn push_checked_turn(
        &mut self,
        assistant: Arc<Message>,
        results: Vec<ToolResult>,
    ) -> Arc<Message> {
        let answer = Arc::new(Message::tool_results(results));
        let messages = self.for_adding();
        messages.push(assistant);
        messages.push(Arc::clone(&answer));
        answer
    }

    /// The history after an edit; this one stays as it is. The messages that are in both are shared.
    ///
    /// # Errors
    /// The edit names a place that is not there or one place twice, or leaves a tool use without its
    /// result or a result without its use. `message` is then the place before the edit.
    pub fn edited(&self, edit: &TranscriptEdit) -> Result<Self, TranscriptError> {
        self.check_edit(edit)?;
        let mut messages = Vec::with_capacity(self.len() - edit.removed() + edit.inserted());
        let mut from = 0;
        for splice in edit.splices() {
            messages.extend_from_slice(&self[from..splice.at]);
            messages.extend_from_slice(&splice.inserted);
            from = splice.at + splice.removed;
        }
        messages.extend_from_slice(&self[from..]);
        Ok(Self::made_of(messages))
    }

    /// Looks at the places of an edit and their neighbours only: elsewhere nothing changes.
    pub(crate) fn check_edit(&self, edit: &TranscriptEdit) -> Result<(), TranscriptError> {
        let refuse = |message, problem| Err(TranscriptError::Misplaced { message, problem });
        let mut from = 0;
        for splice in edit.splices() {
            if splice.at < from {
                return refuse(splice.at, "an edit names this place twice");
            }
            match splice.end() {
                Some(end) if end <= self.len() => from = end,
                _ => return refuse(self.len(), "an edit names this place, and there is none"),
            }
            let mut before = splice.at.checked_sub(1).map(|before| &*self[before]);
            for message in &splice.inserted {
                check_roles(splice.at, message)?;
                check_pairs(splice.at, before, Some(message))?;
                before = Some(message);
            }
            check_pairs(from, before, self.get(from).map(|next| &**next))?;
        }
        Ok(())
    }

    /// Adds all of another transcript.
    pub(crate) fn append(&mut self, other: Self) {
        if other.is_empty() {
            return;
        }
        let messages = self.for_adding();
        messages.extend(other.iter().cloned());
    }

    /// Takes back what was said after the first `length` messages.
    pub(crate) fn truncate(&mut self, length: usize) {
        if length < self.len() {
            self.for_changing().truncate(length);
        }
    }

    /// Adds blocks to the end of a message.
    pub(crate) fn lengthen(&mut self, at: usize, blocks: Vec<ContentBlock>) {
        if let Some(message) = self.for_changing().get_mut(at) {
            Arc::make_mut(message).content.extend(blocks);
        }
    }

    /// Takes blocks from the end of a message.
    pub(crate) fn shorten(&mut self, at: usize, blocks: usize) {
        if blocks == 0 {
            return;
        }
        if let Some(message) = self.for_changing().get_mut(at) {
            let content = &mut Arc::make_mut(message).content;
            content.truncate(content.len().saturating_sub(blocks));
        }
    }

    /// Puts a text in place of what the last message says, as a guardrail asks; of tool results
    /// only the content changes, so that their uses keep them.
    pub(crate) fn redact_last(&mut self, text: &str) {
        let messages = self.for_changing();
        let Some(last) = messages.last_mut() else { return };
        let message = Arc::make_mut(last);
        if message.results().next().is_none() {
            message.content = vec![ContentBlock::Text(text.to_owned())];
            return;
        }
        message.content.retain_mut(|block| match block {
            ContentBlock::ToolResult(result) => {
                result.content = vec![super::ToolResultContent::Text(text.to_owned())];
                true
            }
            _ => false,
        });
    }
}

/// Tool uses belong to the assistant, results to the user, answers to interrupts to neither.
fn check_roles(at: usize, message: &Message) -> Result<(), TranscriptError> {
    let misplaced = |problem| Err(TranscriptError::Misplaced { message: at, problem });
    for block in &message.content {
        match (block, message.role) {
            (ContentBlock::ToolUse(_), Role::User) => {
                return misplaced("a user message can't hold a tool use");
            }
            (ContentBlock::ToolResult(_), Role::Assistant) => {
                return misplaced("an assistant message can't hold a tool result");
            }
            (ContentBlock::InterruptResponse(_), _) => {
                return misplaced(
                    "an answer to an interrupt belongs in a prompt, not in the history",
                );
            }
            _ => {}
        }
    }
    Ok(())
}

/// Each use in `before` has one result in `message` and the other way round. `at` is the place of
/// `message`.
fn check_pairs(
    at: usize,
    before: Option<&Message>,
    message: Option<&Message>,
) -> Result<(), TranscriptError> {
    // As with most messages.
    if !before.is_some_and(Message::asks) && !message.is_some_and(Message::answers) {
        return Ok(());
    }
    let uses = before.into_iter().flat_map(Message::tool_uses).map(|asked| &*asked.tool_use_id);
    let results = message.into_iter().flat_map(Message::results).map(|result| &*result.tool_use_id);
    check_ids(at, uses, results)
}

/// The same for the ids of the uses, and of the uses that the results are for.
fn check_ids<'a>(
    at: usize,
    uses: impl Iterator<Item = &'a str> + Clone,
    results: impl Iterator<Item = &'a str> + Clone,
) -> Result<(), TranscriptError> {
    // Mostly in this order: then nothing has to be remembered.
    if uses.clone().eq(results.clone()) {
        return Ok(());
    }
    let mut open: Vec<&str> = uses.collect();
    for result in results {
        let Some(found) = open.iter().position(|id| *id == result) else {
            let tool_use_id = result.to_owned();
            return Err(TranscriptError::OrphanResult { message: at, tool_use_id });
        };
        open.remove(found);
    }
    match open.first() {
        None => Ok(()),
        Some(id) => Err(TranscriptError::MissingResult {
            message: at.saturating_sub(1),
            tool_use_id: (*id).to_owned(),
        }),
    }
}

impl Deref for Transcript {
    type Target = [Arc<Message>];

    fn deref(&self) -> &Self::Target {
        &self.0.messages
    }
}

impl<'a> IntoIterator for &'a Transcript {
    type Item = &'a Arc<Message>;
    type IntoIter = std::slice::Iter<'a, Arc<Message>>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl Serialize for Transcript {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.messages.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Transcript {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_seq(Messages)
    }
}

/// Reads the messages of a transcript, each into its place: a list of them that grows would be copied again and again.
struct Messages;

impl<'de> Visitor<'de> for Messages {
    type Value = Transcript;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a sequence of messages")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut sequence: A) -> Result<Transcript, A::Error> {
        let mut messages = Vec::new();
        while let Some(message) = sequence.next_element()? {
            messages.push(Arc::new(message));
        }
        Transcript::of(messages).map_err(A::Error::custom)
    }
}
