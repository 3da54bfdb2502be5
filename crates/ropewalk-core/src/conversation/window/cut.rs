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
    /// The cut that lets the messages before `target` go, or as few more, or else fewer, as there must
    /// be; those that `is_kept` names stay anyway. None if nothing can be parted.
    pub(super) fn near(
        messages: &Transcript,
        target: usize,
        is_kept: impl Fn(usize) -> bool,
    ) -> Option<Self> {
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
        // For the prompt that stays another one goes.
        let room = match prompt.filter(|prompt| !is_kept(*prompt)) {
            Some(_) => {
                (target..messages.len()).find(|at| !is_kept(*at)).map_or(target, |at| at + 1)
            }
            None => target,
        };
        let at = (room.max(from)..messages.len()).find(starts);
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
