//! About how many tokens a message is.

use std::io;
use std::sync::Arc;

use serde::Serialize;

use super::{
    ContentBlock, DocumentBlock, Message, ReasoningContent, Source, ToolResultContent, Transcript,
    TranscriptEdit, Usage,
};

/// What a picture, a film, sound or a document that is no text counts for.
const MEDIA: u64 = 1_500;
/// The formats of documents that are read as text.
const TEXTS: [&str; 4] = ["txt", "md", "csv", "html"];

impl Message {
    /// About how many tokens a model reads of this message, whichever model it is: one for four
    /// characters of text, one for two of JSON (as in Strands), and a flat 1,500 for a picture, film,
    /// sound or a document that is no text.
    pub fn estimated_tokens(&self) -> u64 {
        self.content.iter().map(of_block).fold(0, u64::saturating_add)
    }
}

impl Transcript {
    /// About how many tokens a model reads of all messages.
    pub(crate) fn estimated_tokens(&self) -> u64 {
        self.iter().map(|message| message.estimated_tokens()).fold(0, u64::saturating_add)
    }

    /// About how many tokens the model will read: those of its last call, with an estimate of what was
    /// added since, and `edited`, what [`edited_tokens`](Self::edited_tokens) gave since. None if no
    /// message says how many it took.
    pub(crate) fn projected_tokens(&self, edited: i64) -> Option<u64> {
        let mut added = 0u64;
        for message in self.iter().rev() {
            if let Some(usage) = usage_of(message) {
                let known = usage.total_tokens;
                return (known > 0)
                    .then(|| known.saturating_add(added).saturating_add_signed(edited));
            }
            added = added.saturating_add(message.estimated_tokens());
        }
        None
    }

    /// About how many tokens more or less the part of the history is after an edit that the model has
    /// said the tokens of.
    pub(crate) fn edited_tokens(&self, edit: &TranscriptEdit) -> i64 {
        let known = self.iter().rposition(|message| usage_of(message).is_some());
        let mut change = 0i64;
        for splice in edit.splices() {
            // The message with that number goes: there is nothing to correct any more.
            match known {
                Some(known) if known < splice.at => break,
                Some(known) if known >= splice.at + splice.removed => {}
                _ => return 0,
            }
            let gone = self[splice.at..][..splice.removed].iter();
            let come = splice.inserted.iter();
            let sum = |tokens: u64, message: &Arc<Message>| {
                tokens.saturating_add(message.estimated_tokens())
            };
            let (come, gone) = (come.fold(0, sum), gone.fold(0, sum));
            change = change.saturating_add_unsigned(come).saturating_sub_unsigned(gone);
        }
        change
    }
}

fn usage_of(message: &Message) -> Option<Usage> {
    message.metadata.as_ref().and_then(|metadata| metadata.usage)
}

fn of_block(block: &ContentBlock) -> u64 {
    match block {
        ContentBlock::Text(text) => prose(text),
        ContentBlock::Image(_) | ContentBlock::Video(_) | ContentBlock::Audio(_) => MEDIA,
        ContentBlock::Document(document) => of_document(document),
        ContentBlock::ToolUse(asked) => prose(&asked.name) + json(&asked.input),
        ContentBlock::ToolResult(result) => {
            result.content.iter().map(of_item).fold(0, u64::saturating_add)
        }
        ContentBlock::ReasoningContent(reasoning) => match reasoning {
            ReasoningContent::ReasoningText(thoughts) => prose(&thoughts.text),
            ReasoningContent::RedactedContent(sealed) => quarter(sealed.len()),
            ReasoningContent::Unknown(map) => json(map),
        },
        ContentBlock::CachePoint(_) => 0,
        ContentBlock::GuardContent(guarded) => prose(&guarded.text.text),
        ContentBlock::CitationsContent(cited) => {
            cited.content.iter().map(|part| prose(&part.text)).fold(0, u64::saturating_add)
        }
        ContentBlock::InterruptResponse(answer) => json(&answer.response),
        ContentBlock::Unknown(map) => json(map),
    }
}

fn of_item(item: &ToolResultContent) -> u64 {
    match item {
        ToolResultContent::Text(text) => prose(text),
        ToolResultContent::Json(value) => json(value),
        ToolResultContent::Image(_) => MEDIA,
        ToolResultContent::Document(document) => of_document(document),
        ToolResultContent::Unknown(map) => json(map),
    }
}

fn of_document(document: &DocumentBlock) -> u64 {
    match &document.source {
        Source::Bytes(bytes) if TEXTS.contains(&document.format.as_str()) => quarter(bytes.len()),
        _ => MEDIA,
    }
}

fn prose(text: &str) -> u64 {
    quarter(text.chars().count())
}

fn quarter(count: usize) -> u64 {
    u64::try_from(count.div_ceil(4)).unwrap_or(u64::MAX)
}

fn json(value: &impl Serialize) -> u64 {
    let mut length = Length(0);
    // Neither the counter nor a JSON value can fail; what was counted until then would stand.
    let _ = serde_json::to_writer(&mut length, value);
    u64::try_from(length.0.div_ceil(2)).unwrap_or(u64::MAX)
}

/// Counts what is written to it.
struct Length(usize);

impl io::Write for Length {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0 = self.0.saturating_add(bytes.len());
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
