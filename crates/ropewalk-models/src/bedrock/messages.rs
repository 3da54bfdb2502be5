//! What is in a message, as Bedrock wants it.

use ropewalk_core::{
    CachePoint, CitationsContent, ContentBlock, GuardContent, Message, ReasoningContent, Role,
    ToolResult, ToolResultContent, ToolStatus, ToolUse, tool_name_problem,
};
use serde_json::{Map, Value, json};

use super::caching::point;
use super::family::Family;
use super::media::{audio, document, film, image};
use super::names::fit;
use super::plan::How;
use super::settings::Bedrock;
use crate::media::{left_out, warn_unknown};
use crate::render::{IdRule, plain_signature, word};

/// What stands for a message that says nothing: Bedrock refuses blank texts.
pub(super) const BLANK: &str = "[blank text]";
/// What stands for a name that no tool can have. The history keeps what the model wrote.
const INVALID_NAME: &str = "INVALID_TOOL_NAME";
/// What stands for a result without content: some models refuse it.
const NO_OUTPUT: &str = "[no output]";
/// What goes with a document: Bedrock refuses one without a text beside it.
const SEE_DOCUMENT: &str = "[See the document.]";
const IDS: IdRule = IdRule { longest: 64, takes: word, is_exact: false };
/// Why something can't stand in a message of the model.
const OF_MODEL: &str = "a message of the model can't hold it here";

/// What is in a message: blocks of JSON with commas between them, or nothing.
pub(super) fn content(message: &Message, how: How, bedrock: &Bedrock) -> String {
    let mut pen = Pen { bedrock, how, blocks: Vec::new() };
    match message.role {
        Role::User => pen.user(message),
        Role::Assistant => pen.assistant(message),
    }
    pen.blocks.iter().map(Value::to_string).collect::<Vec<_>>().join(",")
}

pub(super) fn text_block(text: &str) -> Value {
    json!({"text": text})
}

/// Writes one message.
struct Pen<'a> {
    bedrock: &'a Bedrock,
    how: How,
    blocks: Vec<Value>,
}

impl Pen<'_> {
    /// Results come first: nothing may stand between them and the calls that they answer.
    fn user(&mut self, message: &Message) {
        for result in message.results() {
            let result = self.result(result);
            self.blocks.push(result);
        }
        let mut has_document = false;
        for block in &message.content {
            match block {
                ContentBlock::Text(text) => self.words(text),
                ContentBlock::Image(block) => {
                    let mut picture = image(block);
                    if self.how.is_guarded
                        && let Some(inner) = picture.get_mut("image").map(Value::take)
                    {
                        picture = json!({"guardContent": {"image": inner}});
                    }
                    self.blocks.push(picture);
                }
                ContentBlock::Document(block) => {
                    has_document = true;
                    let name = self.name(&block.name, &block.format);
                    self.blocks.push(document(block, &name));
                }
                ContentBlock::Video(block) => self.blocks.push(film(block)),
                ContentBlock::Audio(block) => self.blocks.push(audio(block)),
                ContentBlock::GuardContent(guarded) => self.guarded(guarded),
                ContentBlock::CachePoint(point) => self.point(point),
                ContentBlock::CitationsContent(cited) => self.plain_texts(cited),
                ContentBlock::ReasoningContent(_) => {
                    tracing::warn!("thoughts in a user message are not sent to the model");
                }
                // They stand in front already, and a transcript holds neither of the others under this role.
                ContentBlock::ToolResult(_)
                | ContentBlock::ToolUse(_)
                | ContentBlock::InterruptResponse(_) => {}
                ContentBlock::Unknown(block) if block.contains_key("searchResult") => {
                    self.blocks.push(Value::Object(block.clone()));
                }
                other => warn_other(other),
            }
        }
        if has_document && !self.blocks.iter().any(|block| block.get("text").is_some()) {
            self.blocks.push(text_block(SEE_DOCUMENT));
        }
        if !self.blocks.iter().any(|block| block.get("cachePoint").is_none()) {
            self.blocks.insert(0, text_block(BLANK));
        }
    }

    fn assistant(&mut self, message: &Message) {
        let mut is_left_out = false;
        for block in &message.content {
            match block {
                ContentBlock::Text(text) => self.words(text),
                ContentBlock::ToolUse(tool_use) => self.blocks.push(call(tool_use)),
                ContentBlock::ReasoningContent(thoughts) => match self.thoughts(thoughts) {
                    Ok(block) => self.blocks.push(block),
                    Err(why) => {
                        is_left_out = true;
                        tracing::warn!(
                            "thoughts of an earlier answer are not sent to the model: {why}"
                        );
                    }
                },
                ContentBlock::CitationsContent(cited) => self.cited(cited),
                ContentBlock::GuardContent(guarded) => self.words(&guarded.text.text),
                ContentBlock::CachePoint(point) => self.point(point),
                ContentBlock::Image(_) => self.note("a picture"),
                ContentBlock::Document(_) => self.note("a document"),
                ContentBlock::Audio(_) => self.note("sound"),
                ContentBlock::Video(_) => self.note("a film"),
                // A transcript holds neither under this role.
                ContentBlock::ToolResult(_) | ContentBlock::InterruptResponse(_) => {}
                other => {
                    is_left_out = true;
                    warn_other(other);
                }
            }
        }
        if !self.blocks.iter().any(|block| block.get("cachePoint").is_none()) {
            self.blocks.clear();
            // A message of which everything is left out goes with it.
            if !is_left_out {
                self.blocks.push(text_block(BLANK));
            }
        }
    }

    /// A text, unless it is blank: Bedrock refuses those.
    fn words(&mut self, text: &str) {
        if text.trim().is_empty() {
            return;
        }
        self.blocks.push(match self.how.is_guarded {
            true => json!({"guardContent": {"text": {"text": text}}}),
            false => text_block(text),
        });
    }

    fn note(&mut self, what: &str) {
        self.blocks.push(text_block(&left_out(what, OF_MODEL)));
    }

    fn guarded(&mut self, guarded: &GuardContent) {
        if guarded.text.text.trim().is_empty() {
            return;
        }
        let mut text = json!({"text": guarded.text.text});
        if let (Some(qualifiers), Some(text)) =
            (guarded.text.qualifiers.as_ref().filter(|all| !all.is_empty()), text.as_object_mut())
        {
            text.insert("qualifiers".into(), qualifiers.clone().into());
        }
        self.blocks.push(json!({"guardContent": {"text": text}}));
    }

    fn point(&mut self, own: &CachePoint) {
        // One with nothing new before it covers nothing.
        let covers = self.blocks.last().is_some_and(|last| last.get("cachePoint").is_none());
        if self.how.without_points > 0 {
            self.how.without_points -= 1;
        } else if !covers {
            tracing::warn!("a cache point with nothing new before it is left out");
        } else if self.bedrock.family.caches() {
            let rendered = serde_json::from_str(&point(own.ttl.as_deref()));
            self.blocks.extend(rendered.ok());
        } else {
            tracing::warn!(
                model = self.bedrock.id,
                "a cache point is left out: this model takes none"
            );
        }
    }

    fn name(&mut self, name: &str, format: &str) -> String {
        self.how.names.pop_front().unwrap_or_else(|| fit(name, format))
    }

    fn result(&mut self, result: &ToolResult) -> Value {
        let mut parts = Vec::new();
        for item in &result.content {
            match item {
                ToolResultContent::Text(text) => parts.push(text_block(text)),
                ToolResultContent::Json(value) => {
                    // Bedrock takes objects only, and Nova none.
                    let as_json = value.is_object() && self.bedrock.family != Family::Nova;
                    parts.push(match (as_json, value) {
                        (true, value) => json!({"json": value}),
                        (false, Value::String(text)) => text_block(text),
                        (false, value) => text_block(&value.to_string()),
                    });
                }
                ToolResultContent::Image(block) => parts.push(image(block)),
                ToolResultContent::Document(block) => {
                    let name = self.name(&block.name, &block.format);
                    parts.push(document(block, &name));
                }
                ToolResultContent::Unknown(item) if item.contains_key("searchResult") => {
                    parts.push(Value::Object(item.clone()));
                }
                ToolResultContent::Unknown(item) => warn_unknown(item),
                _ => tracing::warn!(
                    "a part of a tool result of a later kind is not sent to the model"
                ),
            }
        }
        if parts.is_empty() {
            parts.push(text_block(NO_OUTPUT));
        }
        let mut rendered = json!({"toolUseId": IDS.fit(&result.tool_use_id), "content": parts});
        if let Some(rendered) = rendered.as_object_mut().filter(|_| self.bedrock.tool_status) {
            let status = match result.status {
                ToolStatus::Success => "success",
                ToolStatus::Error => "error",
            };
            rendered.insert("status".into(), status.into());
        }
        json!({"toolResult": rendered})
    }

    /// Thoughts go back to whom they came from only.
    fn thoughts(&self, thoughts: &ReasoningContent) -> Result<Value, &'static str> {
        let family = self.bedrock.family;
        if family == Family::DeepSeek {
            return Err("DeepSeek takes none back");
        }
        match thoughts {
            ReasoningContent::ReasoningText(thoughts) => {
                let signature = plain_signature(thoughts);
                let signature = signature.ok_or("they are not signed by a model of Bedrock")?;
                let signed = json!({"text": thoughts.text, "signature": signature});
                Ok(json!({"reasoningContent": {"reasoningText": signed}}))
            }
            ReasoningContent::RedactedContent(sealed) if family.is_claude_like() => {
                Ok(json!({"reasoningContent": {"redactedContent": sealed.to_base64()}}))
            }
            ReasoningContent::RedactedContent(_) => Err("they were sealed for another model"),
            _ => Err("they are of a later kind"),
        }
    }

    /// Text with its sources, as far as this model gives such sources itself; others are left out.
    fn cited(&mut self, cited: &CitationsContent) {
        let family = self.bedrock.family;
        let citations: Vec<Value> = cited
            .citations
            .iter()
            .filter(|citation| {
                let kind = citation.location.as_ref().and_then(Value::as_object);
                let kind = kind.and_then(|location| location.keys().next()).map(String::as_str);
                match kind {
                    Some(
                        "documentChar" | "documentPage" | "documentChunk" | "searchResultLocation",
                    ) => family.is_claude_like(),
                    Some("web") => family == Family::Nova,
                    _ => false,
                }
            })
            .filter_map(|citation| serde_json::to_value(citation).ok())
            .collect();
        if citations.len() < cited.citations.len() {
            tracing::warn!("sources of a cited text are not sent to the model: it knows none such");
        }
        let texts: Vec<Value> = cited
            .content
            .iter()
            .filter(|part| !part.text.trim().is_empty())
            .map(|part| text_block(&part.text))
            .collect();
        if citations.is_empty() || texts.is_empty() {
            self.plain_texts(cited);
        } else {
            let mut block = Map::new();
            block.insert("content".into(), texts.into());
            block.insert("citations".into(), citations.into());
            self.blocks.push(json!({"citationsContent": block}));
        }
    }

    fn plain_texts(&mut self, cited: &CitationsContent) {
        cited.content.iter().for_each(|part| self.words(&part.text));
    }
}

fn call(tool_use: &ToolUse) -> Value {
    let name = match tool_name_problem(&tool_use.name) {
        None => &tool_use.name,
        Some(_) => INVALID_NAME,
    };
    let input = match &tool_use.input {
        Value::Object(input) => input.clone(),
        other => {
            tracing::warn!(name, input = %other, "arguments that are no object are sent as an empty one");
            Map::new()
        }
    };
    json!({"toolUse": {
        "toolUseId": IDS.fit(&tool_use.tool_use_id), "name": name, "input": input,
    }})
}

fn warn_other(block: &ContentBlock) {
    if let ContentBlock::Unknown(block) = block {
        warn_unknown(block);
    } else {
        tracing::warn!("a block of a later kind is not sent to the model");
    }
}
