//! Whole conversations as they were sent, to go on with.

use std::collections::HashMap;
use std::fmt;
use std::hash::BuildHasherDefault;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use bytes::{Bytes, BytesMut};
use ropewalk_core::{Message, Transcript};

use super::place::{PlaceHasher, place};

/// Once more than this is kept, all of it is let go.
const MOST_BYTES: usize = 64 * 1024 * 1024;

/// So many messages are behind the last request at most, as a rule: an answer, its results, and what hooks say.
const MOST_NEW: usize = 16;

/// The conversations that one model leads, each as the body of its last request: the next one is written into it, behind
/// the messages that stand there already. So a request costs what is new in it, and nothing is copied.
///
/// A conversation is known by its last message and its [lineage](Transcript::lineage); where that is another, by all of
/// its messages. These are known by where they stand in memory; see [`Cache`](super::Cache).
#[derive(Default)]
pub(crate) struct Conversations(Mutex<Kept>);

#[derive(Default)]
struct Kept {
    /// By where their last message stands.
    conversations: HashMap<usize, Joined, BuildHasherDefault<PlaceHasher>>,
    bytes: usize,
    /// At how many of them those are looked for that are gone.
    sweep_at: usize,
}

/// What stands around the messages in the body of a request.
pub(crate) struct Around<'a> {
    /// From the beginning of the body to the messages, with the bracket that opens their list.
    pub(crate) head: &'a [u8],
    /// What stands in the place of the last message, in this body alone.
    pub(crate) last: Option<&'a str>,
    /// From the bracket that closes the list to the end.
    pub(crate) tail: &'a [u8],
}

/// The messages of a conversation in the body of its last request, with commas between them.
#[derive(Default)]
struct Joined {
    /// As it was sent: behind the messages stands what that request ended with.
    body: Bytes,
    /// Where the first message begins.
    head: usize,
    messages: Vec<Rendered>,
    /// Whose beginning they are.
    lineage: u64,
}

struct Rendered {
    message: Weak<Message>,
    /// Where its piece ends in the body.
    end: usize,
}

impl Conversations {
    /// The body of the next request of a conversation. What was not rendered before is rendered: each message, with a
    /// look at the one before it. An empty piece stands for a message of which nothing is sent.
    pub(crate) fn body(
        &self,
        messages: &Transcript,
        around: &Around<'_>,
        mut render: impl FnMut(&Message, Option<&Message>) -> String,
    ) -> Bytes {
        // Taken out, so that nobody waits while it is gone on with. Whoever needs it meanwhile renders it anew.
        let known = self.lock().take(messages);
        let (known, cut) = known.unwrap_or_default();
        let mut text = match messages.first() {
            Some(first) if cut > 0 => known.without(cut, around.head, &render(first, None)),
            _ => known.open(around.head),
        };
        for (at, message) in messages.iter().enumerate().skip(text.messages.len()) {
            let before = at.checked_sub(1).and_then(|at| messages.get(at));
            let piece = render(message, before.map(|before| &**before));
            text.push(Arc::downgrade(message), piece.as_bytes());
        }
        let (body, joined) = text.close(around, messages.lineage());
        if let Some(last) = messages.last() {
            self.lock().keep(place(last), joined);
        }
        body
    }

    fn lock(&self) -> MutexGuard<'_, Kept> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Kept {
    /// The longest beginning of a conversation that is known, and how many messages are to be left out of it: those
    /// that the conversation began with before.
    fn take(&mut self, messages: &Transcript) -> Option<(Joined, usize)> {
        let shortest = messages.len().saturating_sub(MOST_NEW);
        let (place, cut) = (shortest..messages.len()).rev().find_map(|last| {
            let place = place(messages.get(last)?);
            let known = self.conversations.get(&place)?;
            if known.lineage == messages.lineage() && known.messages.len() == last + 1 {
                return Some((place, 0));
            }
            Some((place, known.beyond(messages.get(..=last)?)?))
        })?;
        let joined = self.conversations.remove(&place)?;
        self.bytes = self.bytes.saturating_sub(joined.body.len());
        Some((joined, cut))
    }

    fn keep(&mut self, place: usize, joined: Joined) {
        if self.conversations.len() >= self.sweep_at {
            self.sweep();
        }
        if self.bytes.saturating_add(joined.body.len()) > MOST_BYTES {
            self.conversations.clear();
            self.bytes = 0;
        }
        self.bytes = self.bytes.saturating_add(joined.body.len());
        if let Some(old) = self.conversations.insert(place, joined) {
            self.bytes = self.bytes.saturating_sub(old.body.len());
        }
    }

    /// Lets go of conversations that are gone. Half of what is kept may be such before it happens, so that the work for
    /// one does not grow with their number.
    fn sweep(&mut self) {
        self.conversations.retain(|_, joined| joined.is_alive());
        self.bytes = self.conversations.values().map(|joined| joined.body.len()).sum();
        self.sweep_at = (self.conversations.len() * 2).max(64);
    }
}

impl Joined {
    /// Goes on with it, behind this beginning of a body.
    fn open(self, head: &[u8]) -> Text {
        let start = self.head;
        if self.body.get(..start) != Some(head) {
            return self.behind(head);
        }
        let Self { body, messages, .. } = self;
        let end = messages.last().map_or(start, |last| last.end);
        // Nobody has it any more once its request was answered; else it is copied.
        let mut text = body.try_into_mut().unwrap_or_else(|body| BytesMut::from(body.slice(..end)));
        text.truncate(end);
        Text { text, head: start, messages }
    }

    /// The same messages behind another beginning.
    fn behind(&self, head: &[u8]) -> Text {
        let mut text = Text::new(head);
        for (at, Rendered { message, .. }) in self.messages.iter().enumerate() {
            text.push(message.clone(), self.piece(at));
        }
        text
    }

    /// What is left without so many messages. The first one is rendered anew: the one before it is gone.
    fn without(&self, cut: usize, head: &[u8], first: &str) -> Text {
        let mut text = Text::new(head);
        for (at, Rendered { message, .. }) in self.messages.iter().enumerate().skip(cut) {
            let piece = if at == cut { first.as_bytes() } else { self.piece(at) };
            text.push(message.clone(), piece);
        }
        text
    }

    /// The piece of a message, without the comma before it.
    fn piece(&self, at: usize) -> &[u8] {
        let before = at.checked_sub(1).and_then(|at| self.messages.get(at));
        let start = before.map_or(self.head, |before| before.end);
        let end = self.messages.get(at).map_or(start, |message| message.end);
        let piece = self.body.get(start..end).unwrap_or_default();
        piece.strip_prefix(b",").unwrap_or(piece)
    }

    /// How many messages it has in front of these, if these are all others of it.
    fn beyond(&self, messages: &[Arc<Message>]) -> Option<usize> {
        let cut = self.messages.len().checked_sub(messages.len())?;
        let mut pairs = self.messages.iter().skip(cut).zip(messages);
        pairs.all(|(known, message)| known.message.as_ptr() == Arc::as_ptr(message)).then_some(cut)
    }

    fn is_alive(&self) -> bool {
        self.messages.last().is_some_and(|last| last.message.strong_count() > 0)
    }
}

/// The body of a request as it is written, up to the end of its messages.
struct Text {
    text: BytesMut,
    head: usize,
    messages: Vec<Rendered>,
}

impl Text {
    fn new(head: &[u8]) -> Self {
        Self { text: BytesMut::from(head), head: head.len(), messages: Vec::new() }
    }

    fn push(&mut self, message: Weak<Message>, piece: &[u8]) {
        add(&mut self.text, piece);
        self.messages.push(Rendered { message, end: self.text.len() });
    }

    /// The body, and what is kept for the next one.
    fn close(self, around: &Around<'_>, lineage: u64) -> (Bytes, Joined) {
        let Self { mut text, head, messages } = self;
        let Some(last) = around.last else {
            text.extend_from_slice(around.tail);
            let body = text.freeze();
            return (body.clone(), Joined { body, head, messages, lineage });
        };
        let end = messages.iter().rev().nth(1).map_or(head, |before| before.end);
        let mut body = BytesMut::from(text.get(..end).unwrap_or_default());
        add(&mut body, last.as_bytes());
        body.extend_from_slice(around.tail);
        (body.freeze(), Joined { body: text.freeze(), head, messages, lineage })
    }
}

/// Adds a piece to a list, with a comma before it unless it is the first.
fn add(text: &mut BytesMut, piece: &[u8]) {
    if piece.is_empty() {
        return;
    }
    if text.last().is_some_and(|last| *last != b'[') {
        text.extend_from_slice(b",");
    }
    text.extend_from_slice(piece);
}

impl fmt::Debug for Conversations {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kept = self.lock();
        f.debug_struct("Conversations")
            .field("conversations", &kept.conversations.len())
            .field("bytes", &kept.bytes)
            .finish_non_exhaustive()
    }
}
