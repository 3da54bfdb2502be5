//! Where a history may begin.

use crate::message::{Message, Role, Transcript};

/// Where what stays of a history begins.
#[derive(Debug, PartialEq)]
pub(super) struct Cut {
    /// What the user said, if it has to stay in front of what is kept of a long turn.
    pub(super) prompt: Option<usize>,
    /// The first of the messages that stay.
    pub(super) at: usize,
}

impl Cut {
    /// The cut that lets `target` messages go, or as few more, or else fewer, as there must be. None if
    /// nothing can be parted.
    pub(super) fn near(messages: &Transcript, target: usize) -> Option<Self> {
        let target = target.min(messages.len());
        // Whole exchanges go: what stays begins with what the user said.
        if let Some(at) = (target..messages.len()).find(|at| is_prompt(&messages[*at])) {
            return Some(Self { prompt: None, at });
        }
        // All behind is one turn of many tool calls. What the user asked stays in front of what is kept
        // of it: without it no model knows what it is doing, and some refuse to go on.
        let prompt = (0..target).rev().find(|at| is_prompt(&messages[*at]));
        let from = prompt.map_or(0, |prompt| prompt + 1);
        let starts = |at: &usize| messages[*at].role == Role::Assistant;
        let room = target.saturating_add(usize::from(prompt.is_some())).max(from);
        let at = (room..messages.len()).find(starts);
        match (at.or_else(|| (from..messages.len()).rev().find(starts)), prompt) {
            (Some(at), _) => Some(Self { prompt, at }),
            // Nobody has answered yet.
            (None, Some(prompt)) => Some(Self { prompt: None, at: prompt }),
            (None, None) => None,
        }
    }
}

fn is_prompt(message: &Message) -> bool {
    message.role == Role::User && message.results().next().is_none()
}
