//! The messages of a conversation, in an order that the interface takes.

use std::sync::Arc;

use ropewalk_core::{ContentBlock, Message, ModelRequest, Role};

use super::OWN;
use super::content::{BLANK, message as of_blocks};
use super::dialect::Anthropic;
use super::ids::{Ids, repeated};
use super::media::text;
use super::messages::message;
use super::runs::{Whole, across};
use crate::render::Pieces;

/// What the model is told where a conversation ends with its own words: newer models refuse to go on with those.
const GO_ON: &str = "Please go on.";

/// The pieces of a conversation. It begins and ends with the user, save where the model paused.
pub(super) fn conversation(request: &ModelRequest, model: &Anthropic) -> Pieces {
    let messages = &request.messages;
    let none = Whole::new();
    let mut pieces = model.cache.messages(messages, |said, _| message(said, Ids::default(), &none));
    // What a message alone does not tell is rendered each time; it is rare.
    let (whole, mut again) = across(messages);
    let repeated = repeated(messages);
    again.extend(repeated.iter().flat_map(|at| [*at, at + 1]));
    for at in again {
        if let (Some(said), Some(piece)) = (messages.get(at), pieces.get_mut(at)) {
            let mut near = [Some(at), at.checked_sub(1)].into_iter().flatten();
            let calls_at = near.find(|at| repeated.contains(at));
            *piece = message(said, calls_at.map_or_else(Ids::default, Ids::again), &whole).into();
        }
    }
    let paused = messages.last().filter(|last| is_paused(last));
    let role = |at: Option<usize>| at.and_then(|at| messages.get(at)).map(|said| said.role);
    let first = role(pieces.iter().position(|piece| !piece.is_empty()));
    let last = role(pieces.iter().rposition(|piece| !piece.is_empty()));
    if first != Some(Role::User) {
        pieces.insert(0, of_user(BLANK));
    }
    if last == Some(Role::Assistant) && paused.is_none() {
        pieces.push(of_user(GO_ON));
    }
    pieces
}

fn of_user(words: &str) -> Arc<str> {
    of_blocks(Role::User, &text(words).to_string()).into()
}

/// Whether a message ends with something that runs at the provider.
fn is_paused(message: &Message) -> bool {
    message.role == Role::Assistant
        && matches!(message.content.last(), Some(ContentBlock::Unknown(map)) if map.contains_key(OWN))
}
