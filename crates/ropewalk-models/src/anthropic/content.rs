//! The blocks of one message, in the order that the interface wants.

use ropewalk_core::{CachePoint, Role};
use serde_json::Value;

use super::marks::mark;
use super::media::text;

/// What stands for a message that says nothing: the interface refuses empty ones, and blank texts.
pub(super) const BLANK: &str = "[blank text]";

/// The blocks of one message, rendered. Tool results come first: the interface takes nothing before them.
#[derive(Debug, Default)]
pub(super) struct Content {
    results: Vec<String>,
    /// What belongs to results and can't stand in them.
    of_results: Vec<String>,
    others: Vec<String>,
    /// The block that a cache point would mark.
    last: Option<(Part, usize)>,
    has_blank: bool,
}

#[derive(Clone, Copy, Debug)]
pub(super) enum Part {
    Results,
    OfResults,
    Others,
}

impl Content {
    fn part(&mut self, part: Part) -> &mut Vec<String> {
        match part {
            Part::Results => &mut self.results,
            Part::OfResults => &mut self.of_results,
            Part::Others => &mut self.others,
        }
    }

    /// Adds a block that a cache point may mark.
    pub(super) fn push(&mut self, part: Part, block: &Value) {
        let blocks = self.part(part);
        blocks.push(block.to_string());
        self.last = Some((part, blocks.len() - 1));
    }

    /// Adds a text.
    pub(super) fn text(&mut self, words: &str) {
        if words.trim().is_empty() {
            self.has_blank = true;
        } else {
            self.push(Part::Others, &text(words));
        }
    }

    /// Adds a block that no cache point may mark.
    pub(super) fn unmarked(&mut self, block: &Value) {
        self.others.push(block.to_string());
    }

    /// Marks the block before.
    pub(super) fn mark(&mut self, point: &CachePoint) {
        let last = self.last;
        match last.and_then(|(part, at)| self.part(part).get_mut(at)) {
            Some(block) => mark(block, point),
            None => tracing::warn!("a cache point with nothing before it is not sent"),
        }
    }

    /// The message; empty if nothing of it is sent.
    pub(super) fn finish(self, role: Role) -> String {
        let mut blocks: Vec<String> =
            [self.results, self.of_results, self.others].into_iter().flatten().collect();
        if blocks.is_empty() {
            if !self.has_blank {
                return String::new();
            }
            blocks.push(text(BLANK).to_string());
        }
        message(role, &blocks.join(","))
    }
}

/// A message of blocks that are rendered already.
pub(super) fn message(role: Role, blocks: &str) -> String {
    let role = match role {
        Role::User => "user",
        Role::Assistant => "assistant",
    };
    format!("{{\"role\":\"{role}\",\"content\":[{blocks}]}}")
}
