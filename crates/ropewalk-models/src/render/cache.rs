//! What was rendered before.

use std::collections::HashMap;
use std::fmt;
use std::hash::BuildHasherDefault;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use ropewalk_core::{Message, ToolSpec, Transcript};

use super::Tools;
use super::place::{PlaceHasher, place};

/// Once more than this is kept, all of it is let go.
const MOST_BYTES: usize = 64 * 1024 * 1024;

/// The pieces of a request.
pub(crate) type Pieces = Vec<Arc<str>>;

/// What was rendered before, of all conversations that one model leads.
///
/// A message is known by where it stands in memory. That tells them apart for sure, because the cache holds a weak
/// reference to it: as long as it does, the place is given to no other message, and nobody can change the message
/// in place.
#[derive(Default)]
pub(crate) struct Cache {
    messages: Mutex<Messages>,
    tools: Tools,
}

#[derive(Default)]
struct Messages {
    pieces: HashMap<usize, Entry, BuildHasherDefault<PlaceHasher>>,
    bytes: usize,
    /// At how many pieces those of messages that are gone are looked for.
    sweep_at: usize,
}

struct Entry {
    message: Weak<Message>,
    /// A tool result is rendered with a look at the calls before it.
    before: Option<Weak<Message>>,
    piece: Arc<str>,
}

impl Cache {
    /// The pieces of a conversation, one for each message. What was not rendered before is rendered: the message,
    /// with the one before it. An empty piece stands for a message of which nothing is sent.
    pub(crate) fn messages(
        &self,
        messages: &Transcript,
        mut render: impl FnMut(&Message, Option<&Message>) -> String,
    ) -> Pieces {
        let mut pieces = Pieces::with_capacity(messages.len());
        while pieces.len() < messages.len() {
            {
                let kept = lock(&self.messages);
                let rest = messages.iter().enumerate().skip(pieces.len());
                pieces.extend(
                    rest.map_while(|(at, message)| kept.find(message, before(messages, at))),
                );
            }
            // As a rule the newest one: the lock is not held while it is rendered.
            let at = pieces.len();
            let Some(message) = messages.get(at) else { break };
            let before = before(messages, at);
            let piece: Arc<str> = render(message, before.map(|before| &**before)).into();
            lock(&self.messages).keep(message, before, Arc::clone(&piece));
            pieces.push(piece);
        }
        pieces
    }

    /// The piece of the tools, rendered once as long as they stay the same.
    pub(crate) fn tools(
        &self,
        tools: &Arc<[Arc<ToolSpec>]>,
        render: impl FnOnce(&[Arc<ToolSpec>]) -> String,
    ) -> Arc<str> {
        self.tools.piece(tools, render)
    }
}

impl Messages {
    fn find(&self, message: &Arc<Message>, before: Option<&Arc<Message>>) -> Option<Arc<str>> {
        let entry = self.pieces.get(&place(message))?;
        let is_before = match (&entry.before, before) {
            (Some(known), Some(before)) => known.as_ptr() == Arc::as_ptr(before),
            (None, None) => true,
            _ => false,
        };
        is_before.then(|| Arc::clone(&entry.piece))
    }

    fn keep(&mut self, message: &Arc<Message>, before: Option<&Arc<Message>>, piece: Arc<str>) {
        if self.pieces.len() >= self.sweep_at {
            self.sweep();
        }
        if self.bytes.saturating_add(piece.len()) > MOST_BYTES {
            self.pieces.clear();
            self.bytes = 0;
        }
        self.bytes = self.bytes.saturating_add(piece.len());
        let entry =
            Entry { message: Arc::downgrade(message), before: before.map(Arc::downgrade), piece };
        if let Some(old) = self.pieces.insert(place(message), entry) {
            self.bytes = self.bytes.saturating_sub(old.piece.len());
        }
    }

    /// Lets go what belongs to messages that are gone. Half of what is kept may be such before it happens, so that
    /// the work for one message does not grow with their number.
    fn sweep(&mut self) {
        self.pieces.retain(|_, entry| entry.message.strong_count() > 0);
        self.bytes = self.pieces.values().map(|entry| entry.piece.len()).sum();
        self.sweep_at = (self.pieces.len() * 2).max(256);
    }
}

fn before(messages: &Transcript, at: usize) -> Option<&Arc<Message>> {
    messages.get(at.checked_sub(1)?)
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl fmt::Debug for Cache {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kept = lock(&self.messages);
        f.debug_struct("Cache")
            .field("pieces", &kept.pieces.len())
            .field("bytes", &kept.bytes)
            .finish_non_exhaustive()
    }
}
