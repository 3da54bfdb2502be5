//! What changes in a history, by place.

use std::ops::Range;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::Message;

/// What changes in a history: which messages go, and what stands in their place. Places are those of
/// the history before the edit, from 0, and in whatever order they are named.
///
/// It holds what is new and where, never what stays: its size does not depend on the history's.
/// [`Transcript::edited`](super::Transcript::edited) says what comes of it.
///
/// ```
/// use ropewalk_core::{Message, Transcript, TranscriptEdit};
///
/// let history = Transcript::from_messages([
///     Message::user("How high is Säntis?"),
///     Message::assistant("2,502 metres."),
///     Message::user("And Pilatus?"),
/// ])?;
/// let edit = TranscriptEdit::new().replace(0..2, [Message::user("Säntis: 2,502 metres.")]);
/// let edited = history.edited(&edit)?;
/// assert_eq!((edited.len(), edited[0].text()), (2, "Säntis: 2,502 metres.".into()));
/// # Ok::<(), ropewalk_core::TranscriptError>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(from = "Vec<Splice>")]
pub struct TranscriptEdit(Vec<Splice>);

/// One place of a [`TranscriptEdit`]: how many messages go from there on, and what comes instead.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Splice {
    /// The place, from 0, in the history before the edit.
    pub at: usize,
    /// How many messages go, from there on.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub removed: usize,
    /// What comes in their place.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub inserted: Vec<Arc<Message>>,
}

impl Splice {
    /// The place behind what goes. None if there can't be such a place.
    pub(super) fn end(&self) -> Option<usize> {
        self.at.checked_add(self.removed)
    }
}

impl TranscriptEdit {
    /// Nothing changes.
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes messages out.
    #[must_use]
    pub fn remove(self, places: Range<usize>) -> Self {
        self.replace(places, [] as [Arc<Message>; 0])
    }

    /// Puts messages in front of the one at a place, or at the end.
    #[must_use]
    pub fn insert<M: Into<Arc<Message>>>(
        self,
        at: usize,
        messages: impl IntoIterator<Item = M>,
    ) -> Self {
        self.replace(at..at, messages)
    }

    /// Puts messages in the place of others.
    #[must_use]
    pub fn replace<M: Into<Arc<Message>>>(
        mut self,
        places: Range<usize>,
        messages: impl IntoIterator<Item = M>,
    ) -> Self {
        let inserted = messages.into_iter().map(Into::into).collect();
        self.add(Splice { at: places.start, removed: places.len(), inserted });
        self
    }

    /// True if nothing changes.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// How many messages go.
    pub fn removed(&self) -> usize {
        self.0.iter().fold(0, |sum, splice| sum.saturating_add(splice.removed))
    }

    /// How many messages come.
    pub fn inserted(&self) -> usize {
        self.0.iter().map(|splice| splice.inserted.len()).sum()
    }

    /// Place by place, in their order; no two touch.
    pub fn splices(&self) -> &[Splice] {
        &self.0
    }

    /// Where the message of a place stands after the edit; if it goes, where the next one does.
    pub(crate) fn moved(&self, place: usize) -> usize {
        let before = self.0.iter().take_while(|splice| splice.at < place);
        before.fold(place, |moved, splice| {
            moved - splice.removed.min(place - splice.at) + splice.inserted.len()
        })
    }

    /// Keeps the places in order, and those that touch as one.
    fn add(&mut self, mut new: Splice) {
        if new.removed == 0 && new.inserted.is_empty() {
            return;
        }
        let mut at = self.0.partition_point(|splice| splice.at <= new.at);
        if self.0.get(at).is_some_and(|next| new.end() == Some(next.at)) {
            let next = self.0.remove(at);
            new.removed = new.removed.saturating_add(next.removed);
            new.inserted.extend(next.inserted);
        }
        if let Some(before) =
            at.checked_sub(1).filter(|before| self.0[*before].end() == Some(new.at))
        {
            at = before;
            let mut before = self.0.remove(before);
            before.removed = before.removed.saturating_add(new.removed);
            before.inserted.extend(new.inserted);
            new = before;
        }
        self.0.insert(at, new);
    }
}

impl From<Vec<Splice>> for TranscriptEdit {
    fn from(splices: Vec<Splice>) -> Self {
        let mut edit = Self::new();
        splices.into_iter().for_each(|splice| edit.add(splice));
        edit
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde calls it with a reference")]
fn is_zero(number: &usize) -> bool {
    *number == 0
}
