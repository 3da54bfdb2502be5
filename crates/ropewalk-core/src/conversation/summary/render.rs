//! A conversation as plain text: no model has to accept tool blocks without the tools.

use crate::conversation::shorten::shortened;
use crate::message::{ContentBlock, Message, Role, ToolStatus, texts};

/// How many characters of each end stay of what was given to a tool and what it gave.
const KEPT: usize = 1_000;

/// The messages one after the other, each behind the name of who said it.
pub(super) fn conversation<'a>(messages: impl Iterator<Item = &'a Message>) -> String {
    let mut text = String::from("Summarise this part of a conversation.\n\n<conversation>\n");
    for message in messages {
        let who = match message.role {
            Role::User => "user",
            Role::Assistant => "assistant",
        };
        for block in &message.content {
            let Some(said) = said(block) else { continue };
            text.push_str(who);
            text.push_str(": ");
            text.push_str(&said);
            text.push('\n');
        }
    }
    text.push_str("</conversation>");
    text
}

/// What a block says. None for what a reader has no use for.
fn said(block: &ContentBlock) -> Option<String> {
    let short = |text: String| shortened(&text, KEPT).unwrap_or(text);
    Some(match block {
        ContentBlock::ToolUse(asked) => {
            format!("[calls the tool {} with {}]", asked.name, short(asked.input.to_string()))
        }
        ContentBlock::ToolResult(result) => {
            let how = match result.status {
                ToolStatus::Success => "gave",
                ToolStatus::Error => "failed with",
            };
            format!("[the tool {how}: {}]", short(result.text()))
        }
        ContentBlock::Image(image) => format!("[image: {}]", image.format),
        ContentBlock::Document(document) => format!("[document: {}]", document.name),
        ContentBlock::Video(video) => format!("[video: {}]", video.format),
        ContentBlock::Audio(audio) => format!("[audio: {}]", audio.format),
        ContentBlock::GuardContent(guarded) => guarded.text.text.clone(),
        ContentBlock::Text(_) | ContentBlock::CitationsContent(_) => {
            texts(std::slice::from_ref(block)).collect::<Vec<_>>().join("\n")
        }
        // What the model thought, caches, and what this version does not know.
        _ => return None,
    })
}
