//! Mending a history that came from elsewhere.

use super::{ContentBlock, Message, Role, ToolResult};

/// The text of a result that stands in for one that was lost (Strands' own).
pub(crate) const INTERRUPTED: &str = "Tool was interrupted.";

/// One thing that was mended in a history.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Repair {
    /// A use had no result: it got an error result that says so.
    AddedResult {
        /// The place of the message with the use, in the history as it was given.
        message: usize,
        /// The tool use.
        tool_use_id: String,
    },
    /// A result answered no use: it was left out.
    DroppedResult {
        /// The place of the message, in the history as it was given.
        message: usize,
        /// The id it named.
        tool_use_id: String,
    },
    /// A block stood where it may not stand: it was left out.
    DroppedBlock {
        /// The place of the message, in the history as it was given.
        message: usize,
    },
}

/// Mends messages so that each tool use has exactly one result, in the message after it.
pub(super) fn repair(messages: impl IntoIterator<Item = Message>) -> (Vec<Message>, Vec<Repair>) {
    let mut mended: Vec<Message> = Vec::new();
    let mut repairs = Vec::new();
    // The uses of the message before, which wait for their results, and where it stood.
    let mut open: Vec<String> = Vec::new();
    let mut opened_at = 0;
    for (at, mut message) in messages.into_iter().enumerate() {
        let had_content = !message.content.is_empty();
        drop_misplaced(at, &mut message, &mut repairs);
        let mut given = take_results(&mut message);
        let mut results = Vec::new();
        for id in open.drain(..) {
            let found = given.iter().position(|result| result.tool_use_id == id);
            results.push(match found {
                Some(found) => given.remove(found),
                None => lost(opened_at, id, &mut repairs),
            });
        }
        for orphan in given {
            repairs.push(Repair::DroppedResult { message: at, tool_use_id: orphan.tool_use_id });
        }
        if !results.is_empty() {
            if message.role == Role::User {
                let rest = std::mem::take(&mut message.content);
                message.content = results.into_iter().map(ContentBlock::ToolResult).collect();
                message.content.extend(rest);
            } else {
                mended.push(Message::tool_results(results));
            }
        }
        open = message.tool_uses().map(|tool_use| tool_use.tool_use_id.clone()).collect();
        opened_at = at;
        // A message that held nothing but what was left out goes with it.
        if !(had_content && message.content.is_empty()) {
            mended.push(message);
        }
    }
    if !open.is_empty() {
        let results =
            open.into_iter().map(|id| lost(opened_at, id, &mut repairs)).collect::<Vec<_>>();
        mended.push(Message::tool_results(results));
    }
    (mended, repairs)
}

fn lost(at: usize, tool_use_id: String, repairs: &mut Vec<Repair>) -> ToolResult {
    let result = ToolResult::error(&tool_use_id, INTERRUPTED);
    repairs.push(Repair::AddedResult { message: at, tool_use_id });
    result
}

fn take_results(message: &mut Message) -> Vec<ToolResult> {
    let mut results = Vec::new();
    message.content.retain(|block| match block {
        ContentBlock::ToolResult(result) => {
            results.push(result.clone());
            false
        }
        _ => true,
    });
    results
}

fn drop_misplaced(at: usize, message: &mut Message, repairs: &mut Vec<Repair>) {
    let role = message.role;
    message.content.retain(|block| {
        let misplaced = matches!(
            (block, role),
            (ContentBlock::ToolUse(_), Role::User)
                | (ContentBlock::ToolResult(_), Role::Assistant)
                | (ContentBlock::InterruptResponse(_), _)
        );
        if misplaced {
            repairs.push(Repair::DroppedBlock { message: at });
        }
        !misplaced
    });
}
