//! Making long texts and tool results short.

use crate::message::{ContentBlock, Message, ToolResult, ToolResultContent};

/// How many characters a shortened text keeps at its beginning, and as many at its end (as in Strands).
const KEPT: usize = 200;

/// The text without its middle, and how much that was. None if it would not become much shorter: what
/// was shortened once stays as it is.
pub(super) fn shortened(text: &str, kept: usize) -> Option<String> {
    let head = text.char_indices().nth(kept)?.0;
    let tail = text.char_indices().rev().nth(kept.checked_sub(1)?)?.0;
    let middle = text.get(head..tail)?.chars().count();
    let marker = format!("\n[… {middle} characters left out …]\n");
    let worth_it = middle > 2 * marker.chars().count();
    worth_it.then(|| [&text[..head], &marker, &text[tail..]].concat())
}

/// The message with its tool results shortened: texts and JSON to their head and tail, pictures and
/// documents to a note. Their status stays. None if they are short already.
pub(super) fn with_short_results(message: &Message) -> Option<Message> {
    let long = |result: &ToolResult| result.content.iter().any(|item| short(item).is_some());
    if !message.results().any(long) {
        return None;
    }
    let mut message = message.clone();
    for block in &mut message.content {
        let ContentBlock::ToolResult(result) = block else { continue };
        for item in &mut result.content {
            if let Some(text) = short(item) {
                *item = ToolResultContent::Text(text);
            }
        }
    }
    Some(message)
}

fn short(item: &ToolResultContent) -> Option<String> {
    match item {
        ToolResultContent::Text(text) => shortened(text, KEPT),
        ToolResultContent::Json(value) => shortened(&value.to_string(), KEPT),
        ToolResultContent::Image(image) => Some(format!("[image left out: {}]", image.format)),
        ToolResultContent::Document(document) => {
            Some(format!("[document left out: {}]", document.name))
        }
        ToolResultContent::Unknown(_) => None,
    }
}
