//! From chunks to a message.

use std::collections::BTreeSet;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::StopReason;
use super::chunk::{BlockDelta, ModelChunk, ReasoningDelta, ToolUseDelta, ToolUseStart};
use crate::error::{Error, ErrorKind};
use crate::message::{
    Blob, Citation, CitationsContent, ContentBlock, Extra, Message, MessageMetadata, Metrics,
    ReasoningContent, ReasoningText, Role, TextBlock, ToolUse, Usage,
};

/// A model's whole answer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ModelTurn {
    /// What it said.
    pub message: Message,
    /// Why it ended: [`StopReason::ToolUse`] exactly if the message holds tool uses.
    pub stop_reason: StopReason,
    /// What it used.
    #[serde(default)]
    pub usage: Usage,
    /// How long it took.
    #[serde(default)]
    pub metrics: Metrics,
    /// Tool uses whose arguments were no JSON: they must not run. Each stands in the message with
    /// an empty object as its input.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub malformed: Vec<MalformedInput>,
    /// What a guardrail wants in place of the user's last message.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub redact_user: Option<String>,
}

/// A tool use whose arguments were no JSON.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MalformedInput {
    /// The tool use.
    pub tool_use_id: String,
    /// What the model wrote.
    pub raw: String,
    /// What is wrong with it.
    pub error: String,
}

/// Puts the chunks of one answer together.
///
/// ```
/// use ropewalk_core::{MessageAssembler, ModelChunk, StopReason, Usage};
///
/// let mut assembler = MessageAssembler::new();
/// for chunk in [
///     ModelChunk::message_start(),
///     ModelChunk::tool_use_start("t1", "add"),
///     ModelChunk::input_delta("{\"a\": 1, "),
///     ModelChunk::input_delta("\"b\": 2}"),
///     ModelChunk::block_stop(),
///     ModelChunk::message_stop(StopReason::ToolUse),
/// ] {
///     assembler.push(&chunk);
/// }
/// let turn = assembler.finish()?;
/// let call = turn.message.tool_uses().next().unwrap();
/// assert_eq!(call.input, serde_json::json!({"a": 1, "b": 2}));
/// # Ok::<(), ropewalk_core::Error>(())
/// ```
#[derive(Debug, Default)]
pub struct MessageAssembler {
    content: Vec<ContentBlock>,
    text: String,
    citations: Vec<Citation>,
    reasoning: String,
    signature: Option<String>,
    redacted: Vec<u8>,
    /// Pieces of kinds that this version does not know.
    unknown: Vec<Extra>,
    tool_use: Option<OpenToolUse>,
    /// Blocks, by their place in `content`, whose arguments were no JSON.
    malformed: Vec<BadInput>,
    stop_reason: Option<StopReason>,
    /// What else the provider said of the answer.
    additional: Option<Value>,
    usage: Usage,
    metrics: Metrics,
    redact_assistant: Option<String>,
    redact_user: Option<String>,
}

#[derive(Debug)]
struct BadInput {
    block: usize,
    raw: String,
    error: String,
}

#[derive(Debug)]
struct OpenToolUse {
    start: ToolUseStart,
    input: String,
}

impl MessageAssembler {
    /// Nothing has come yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes the next chunk.
    pub fn push(&mut self, chunk: &ModelChunk) {
        match chunk {
            ModelChunk::ContentBlockStart(block) => self.open_block(block.start.tool_use.clone()),
            ModelChunk::ContentBlockDelta(block) => self.push_delta(&block.delta),
            ModelChunk::ContentBlockStop(_) => self.close_block(),
            ModelChunk::MessageStop(stop) => {
                self.close_block();
                self.stop_reason = Some(stop.stop_reason.clone());
                self.additional.clone_from(&stop.additional_model_response_fields);
            }
            ModelChunk::Metadata(metadata) => {
                self.usage = metadata.usage;
                self.metrics = metadata.metrics;
            }
            ModelChunk::RedactContent(redact) => {
                // The two sides may come in chunks of their own.
                if let Some(text) = &redact.redact_assistant_content_message {
                    self.redact_assistant = Some(text.clone());
                }
                if let Some(text) = &redact.redact_user_content_message {
                    self.redact_user = Some(text.clone());
                }
            }
            ModelChunk::MessageStart(_) | ModelChunk::Unknown(_) => {}
        }
    }

    /// The same for a chunk that nobody else wants to have: nothing of the first piece of a block is copied.
    pub(crate) fn push_owned(&mut self, chunk: ModelChunk) {
        match chunk {
            ModelChunk::ContentBlockStart(block) => self.open_block(block.start.tool_use),
            ModelChunk::ContentBlockDelta(block) => match block.delta {
                BlockDelta::Text(text) if self.text.is_empty() => self.text = text,
                BlockDelta::ToolUse(ToolUseDelta { input, tool_use_id: None, name: None })
                    if let Some(open) = &mut self.tool_use
                        && open.input.is_empty() =>
                {
                    open.input = input;
                }
                delta => self.push_delta(&delta),
            },
            other => self.push(&other),
        }
    }

    fn open_block(&mut self, tool_use: Option<ToolUseStart>) {
        self.close_block();
        self.tool_use = tool_use.map(|start| OpenToolUse { start, input: String::new() });
    }

    /// The tool use that is being written: id, name, and the arguments so far, as text.
    pub fn current_tool_use(&self) -> Option<(&str, &str, &str)> {
        let OpenToolUse { start, input } = self.tool_use.as_ref()?;
        Some((&start.tool_use_id, &start.name, input))
    }

    /// The text that has come so far, in whole blocks and in the open one: what is kept of an
    /// answer that was broken off.
    pub fn partial_text(&self) -> String {
        if let Some(redacted) = &self.redact_assistant {
            return redacted.clone();
        }
        let mut texts: Vec<&str> = crate::message::texts(&self.content).collect();
        texts.extend(Some(self.text.as_str()).filter(|text| !text.is_empty()));
        texts.join("\n")
    }

    /// What was used so far, if the model said so already.
    pub fn usage(&self) -> Usage {
        self.usage
    }

    /// The whole answer. What else the provider said of it
    /// ([`additional_model_response_fields`](super::MessageStopChunk::additional_model_response_fields)) stands
    /// in the message's metadata.
    ///
    /// # Errors
    /// [`ErrorKind::Unavailable`] if the stream broke off before `messageStop`.
    pub fn finish(mut self) -> Result<ModelTurn, Error> {
        let Some(stop_reason) = self.stop_reason.take() else {
            return Err(Error::new(
                ErrorKind::Unavailable,
                "the model's stream ended before its answer did (no `messageStop` came)",
            ));
        };
        if let Some(text) = self.redact_assistant {
            self.content = vec![ContentBlock::Text(text)];
            self.malformed.clear();
        }
        make_ids_unique(&mut self.content);
        let stop_reason = settle(stop_reason, &mut self.content);
        let mut malformed = Vec::new();
        for BadInput { block, raw, error } in self.malformed {
            if let Some(ContentBlock::ToolUse(tool_use)) = self.content.get(block) {
                let tool_use_id = tool_use.tool_use_id.clone();
                malformed.push(MalformedInput { tool_use_id, raw, error });
            }
        }
        let mut message = Message::new(Role::Assistant, self.content);
        if let Some(fields) = self.additional.filter(|fields| !fields.is_null()) {
            message.metadata = Some(MessageMetadata::of_provider(fields));
        }
        Ok(ModelTurn {
            message,
            stop_reason,
            usage: self.usage,
            metrics: self.metrics,
            malformed,
            redact_user: self.redact_user,
        })
    }

    fn push_delta(&mut self, delta: &BlockDelta) {
        match delta {
            BlockDelta::Text(text) => self.text.push_str(text),
            BlockDelta::Citation(citation) => self.citations.push(Citation::clone(citation)),
            BlockDelta::ReasoningContent(ReasoningDelta { text, signature, redacted_content }) => {
                self.reasoning.push_str(text.as_deref().unwrap_or_default());
                if let Some(signature) = signature {
                    self.signature.get_or_insert_default().push_str(signature);
                }
                self.redacted.extend_from_slice(redacted_content.as_deref().unwrap_or_default());
            }
            BlockDelta::ToolUse(ToolUseDelta { input, tool_use_id, name }) => {
                let open = self.tool_use.get_or_insert_with(|| OpenToolUse {
                    start: ToolUseStart {
                        tool_use_id: String::new(),
                        name: String::new(),
                        extra: Extra::new(),
                    },
                    input: String::new(),
                });
                open.input.push_str(input);
                if let Some(id) = tool_use_id {
                    open.start.tool_use_id.clone_from(id);
                }
                if let Some(name) = name {
                    open.start.name.clone_from(name);
                }
            }
            BlockDelta::Unknown(piece) => self.unknown.push(piece.clone()),
        }
    }

    /// Makes blocks of all that has come since the last block. Nothing is carried over.
    fn close_block(&mut self) {
        let before = self.content.len();
        let unknown = std::mem::take(&mut self.unknown);
        self.close_known();
        // A block that is nothing but one such piece is kept as it came: what the provider said of its own tools. How
        // several belong together nobody knows.
        if self.content.len() == before
            && let Ok([whole]) = <[Extra; 1]>::try_from(unknown)
        {
            self.put(ContentBlock::Unknown(whole));
        }
    }

    fn put(&mut self, block: ContentBlock) {
        // Most answers are one block, and have room for no more as long as the conversation is kept.
        if self.content.is_empty() {
            self.content.reserve_exact(1);
        }
        self.content.push(block);
    }

    fn close_known(&mut self) {
        if !self.redacted.is_empty() {
            let blob = Blob::from(std::mem::take(&mut self.redacted));
            let sealed = ReasoningContent::RedactedContent(blob);
            self.put(ContentBlock::ReasoningContent(sealed));
        }
        if !self.reasoning.is_empty() || self.signature.is_some() {
            let thoughts = ReasoningText {
                text: std::mem::take(&mut self.reasoning),
                signature: self.signature.take(),
                extra: Extra::new(),
            };
            let thoughts = ReasoningContent::ReasoningText(thoughts);
            self.put(ContentBlock::ReasoningContent(thoughts));
        }
        let text = std::mem::take(&mut self.text);
        let citations = std::mem::take(&mut self.citations);
        if !text.is_empty() && citations.is_empty() {
            self.put(ContentBlock::Text(text));
        } else if !text.is_empty() {
            let content = vec![TextBlock { text }];
            let cited = CitationsContent { citations, content, extra: Extra::new() };
            self.put(ContentBlock::CitationsContent(cited));
        }
        if let Some(OpenToolUse { start, input }) = self.tool_use.take() {
            let ToolUseStart { tool_use_id, name, extra } = start;
            let input = self.parse_input(input);
            self.put(ToolUse { tool_use_id, name, input, extra }.into());
        }
    }

    fn parse_input(&mut self, raw: String) -> Value {
        let empty = Value::Object(Extra::new());
        if raw.trim().is_empty() {
            return empty;
        }
        match serde_json::from_str(&raw) {
            Ok(input) => input,
            Err(error) => {
                let block = self.content.len();
                self.malformed.push(BadInput { block, raw, error: error.to_string() });
                empty
            }
        }
    }
}

/// Gives each tool use an id of its own: some providers repeat or omit them. The first use of an
/// id keeps it.
fn make_ids_unique(content: &mut [ContentBlock]) {
    if are_ids_unique(content) {
        return;
    }
    let mut seen: BTreeSet<String> = BTreeSet::new();
    for block in content {
        let ContentBlock::ToolUse(tool_use) = block else { continue };
        let given = &tool_use.tool_use_id;
        let base = if given.is_empty() { "tooluse" } else { given.as_str() };
        let mut id = given.clone();
        let mut number = 1;
        while id.is_empty() || seen.contains(&id) {
            id = format!("{base}_{number}");
            number += 1;
        }
        seen.insert(id.clone());
        Arc::make_mut(tool_use).tool_use_id = id;
    }
}

fn are_ids_unique(content: &[ContentBlock]) -> bool {
    let mut ids = content.iter().filter_map(|block| match block {
        ContentBlock::ToolUse(tool_use) => Some(&*tool_use.tool_use_id),
        _ => None,
    });
    // Most answers have one use at most: then no set is needed.
    let Some(first) = ids.next() else { return true };
    let mut seen = BTreeSet::new();
    !first.is_empty() && ids.all(|id| !id.is_empty() && id != first && seen.insert(id))
}

/// Brings the reason and the content together: there is a tool use exactly if the reason says so.
/// A use that was cut off by the token limit becomes a text that says it.
fn settle(stop_reason: StopReason, content: &mut [ContentBlock]) -> StopReason {
    let asks = content.iter().any(|block| matches!(block, ContentBlock::ToolUse(_)));
    match stop_reason {
        StopReason::MaxTokens => {
            for block in content {
                if let ContentBlock::ToolUse(tool_use) = block {
                    let name = if tool_use.name.is_empty() { "<unknown>" } else { &tool_use.name };
                    *block = ContentBlock::Text(format!(
                        "The call of the tool `{name}` was cut off: the limit of output tokens was reached."
                    ));
                }
            }
            StopReason::MaxTokens
        }
        StopReason::EndTurn if asks => StopReason::ToolUse,
        StopReason::ToolUse if !asks => StopReason::EndTurn,
        StopReason::EndTurn | StopReason::ToolUse => stop_reason,
        // Any other reason ends the answer: uses in it will not run.
        other => {
            for block in content {
                if let ContentBlock::ToolUse(tool_use) = block {
                    *block = ContentBlock::Text(format!(
                        "The tool `{}` was not called: the model stopped with `{}`.",
                        tool_use.name,
                        other.as_str()
                    ));
                }
            }
            other
        }
    }
}
