//! How far a server that keeps conversations knows this one.

use ropewalk_core::{ContentBlock, Message, Role, Transcript};
use sha2::{Digest as _, Sha256};

use super::kept::Kept;
use crate::render::Pieces;

/// A digest that grows with a conversation.
#[derive(Clone, Debug, Default)]
pub(super) struct Digest(Sha256);

impl Digest {
    /// A digest that begins with this.
    pub(super) fn new(first: &str) -> Self {
        let mut digest = Self::default();
        digest.add(first);
        digest
    }

    /// Goes on with a piece.
    pub(super) fn add(&mut self, piece: &str) {
        self.0.update(piece.as_bytes());
        self.0.update([0]);
    }

    /// Goes on with a piece of a text that may be cut anywhere.
    pub(super) fn add_text(&mut self, text: &str) {
        self.0.update(text.as_bytes());
    }

    /// As a text. Half of it tells conversations apart well enough.
    pub(super) fn finish(self) -> String {
        self.0.finalize().iter().take(16).map(|byte| format!("{byte:02x}")).collect()
    }

    /// That of what was said in a message: its texts and calls, as an answer's reader adds them.
    fn of_said(message: &Message) -> Self {
        let mut digest = Self::default();
        for block in &message.content {
            match block {
                ContentBlock::Text(text) => digest.add_text(text),
                ContentBlock::CitationsContent(cited) => {
                    cited.content.iter().for_each(|part| digest.add_text(&part.text));
                }
                ContentBlock::ToolUse(call) => digest.add_call(&call.tool_use_id, &call.name),
                _ => {}
            }
        }
        digest
    }

    /// Goes on with a call.
    pub(super) fn add_call(&mut self, id: &str, name: &str) {
        self.add("");
        self.add(id);
        self.add(name);
    }
}

/// What of a conversation the server knows.
#[derive(Debug)]
pub(super) struct Known {
    /// Under which id.
    pub(super) id: String,
    /// How many messages of it.
    pub(super) messages: usize,
}

/// Finds the newest answer from which the server can go on: one that it keeps, before which nothing of the conversation
/// has been changed since, and after which something stands. `first` is what stands before the messages, as far as the
/// server keeps that too.
pub(super) fn known(
    first: &str,
    messages: &Transcript,
    pieces: &Pieces,
    server: &str,
) -> Option<Known> {
    let mut digest = Digest::new(first);
    let mut found = None;
    for (at, (message, piece)) in messages.iter().zip(pieces).enumerate() {
        if message.role == Role::Assistant
            && let Some(kept) = Kept::of(message, server)
            && let Some(id) = kept.id
            && kept.before == Some(digest.clone().finish())
            && kept.said == Some(Digest::of_said(message).finish())
        {
            found = Some(Known { id, messages: at + 1 });
        }
        digest.add(piece);
    }
    let has_more =
        |known: &Known| pieces.iter().skip(known.messages).any(|piece| !piece.is_empty());
    found.filter(has_more)
}

/// The digest of a whole conversation.
pub(super) fn digest(first: &str, pieces: &Pieces) -> String {
    let mut digest = Digest::new(first);
    pieces.iter().for_each(|piece| digest.add(piece));
    digest.finish()
}
