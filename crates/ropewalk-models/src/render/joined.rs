//! Whole conversations as they were rendered, to go on with.

use std::collections::HashMap;
use std::fmt;
use std::hash::BuildHasherDefault;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use ropewalk_core::{Message, Transcript};

use super::place::{PlaceHasher, place};

/// Once more than this is kept, all of it is let go.
const MOST_BYTES: usize = 64 * 1024 * 1024;

/// So many messages are behind the last request at most, as a rule: an answer, its results, and what hooks say.
const MOST_NEW: usize = 16;

/// The conversations that one model leads, each as the text of its messages so far: a request costs what is new in it.
///
/// A conversation is known by its messages, and these by where they stand in memory; see [`Cache`](super::Cache).
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

/// The pieces of a conversation, with commas between them.
#[derive(Default)]
pub(crate) struct Joined {
    text: String,
    messages: Vec<Rendered>,
}

struct Rendered {
    message: Weak<Message>,
    /// Where its piece ends in the text.
    end: usize,
}

impl Conversations {
    /// Gives a conversation, with what was not rendered before: each message, with a look at the one before it. An
    /// empty piece stands for a message of which nothing is sent.
    pub(crate) fn with<T>(
        &self,
        messages: &Transcript,
        mut render: impl FnMut(&Message, Option<&Message>) -> String,
        give: impl FnOnce(&Joined) -> T,
    ) -> T {
        // Taken out, so that nobody waits while it is gone on with. Whoever needs it meanwhile renders it anew.
        let known = self.lock().take(messages);
        let mut joined = match (known, messages.first()) {
            (Some((known, cut)), Some(first)) if cut > 0 => {
                known.without(cut, &render(first, None))
            }
            (known, _) => known.map(|(known, _)| known).unwrap_or_default(),
        };
        for (at, message) in messages.iter().enumerate().skip(joined.messages.len()) {
            let before = at.checked_sub(1).and_then(|at| messages.get(at));
            let piece = render(message, before.map(|before| &**before));
            joined.push(Arc::downgrade(message), &piece);
        }
        let given = give(&joined);
        if let Some(last) = messages.last() {
            self.lock().keep(place(last), joined);
        }
        given
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
            let cut = self.conversations.get(&place)?.beyond(messages.get(..=last)?)?;
            Some((place, cut))
        })?;
        let joined = self.conversations.remove(&place)?;
        self.bytes = self.bytes.saturating_sub(joined.text.len());
        Some((joined, cut))
    }

    fn keep(&mut self, place: usize, joined: Joined) {
        if self.conversations.len() >= self.sweep_at {
            self.sweep();
        }
        if self.bytes.saturating_add(joined.text.len()) > MOST_BYTES {
            self.conversations.clear();
            self.bytes = 0;
        }
        self.bytes = self.bytes.saturating_add(joined.text.len());
        if let Some(old) = self.conversations.insert(place, joined) {
            self.bytes = self.bytes.saturating_sub(old.text.len());
        }
    }

    /// Lets go of conversations that are gone. Half of what is kept may be such before it happens, so that the work for
    /// one does not grow with their number.
    fn sweep(&mut self) {
        self.conversations.retain(|_, joined| joined.is_alive());
        self.bytes = self.conversations.values().map(|joined| joined.text.len()).sum();
        self.sweep_at = (self.conversations.len() * 2).max(64);
    }
}

impl Joined {
    /// All of it.
    pub(crate) fn text(&self) -> &str {
        &self.text
    }

    /// All but the last message.
    pub(crate) fn before_last(&self) -> &str {
        let end = self.messages.iter().rev().nth(1).map_or(0, |before| before.end);
        self.text.get(..end).unwrap_or_default()
    }

    /// How many messages it has in front of these, if these are all others of it.
    fn beyond(&self, messages: &[Arc<Message>]) -> Option<usize> {
        let cut = self.messages.len().checked_sub(messages.len())?;
        let mut pairs = self.messages.iter().skip(cut).zip(messages);
        pairs.all(|(known, message)| known.message.as_ptr() == Arc::as_ptr(message)).then_some(cut)
    }

    /// What is left without so many messages. The first one is rendered anew: the one before it is gone.
    fn without(self, cut: usize, first: &str) -> Self {
        let mut left = Self::default();
        for (at, Rendered { message, end }) in self.messages.iter().enumerate().skip(cut) {
            let start =
                at.checked_sub(1).and_then(|at| self.messages.get(at)).map_or(0, |it| it.end);
            let piece = self.text.get(start..*end).unwrap_or_default();
            let piece = if at == cut { first } else { piece.strip_prefix(',').unwrap_or(piece) };
            left.push(message.clone(), piece);
        }
        left
    }

    fn push(&mut self, message: Weak<Message>, piece: &str) {
        if !self.text.is_empty() && !piece.is_empty() {
            self.text.push(',');
        }
        self.text.push_str(piece);
        self.messages.push(Rendered { message, end: self.text.len() });
    }

    fn is_alive(&self) -> bool {
        self.messages.last().is_some_and(|last| last.message.strong_count() > 0)
    }
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
