//! From Bedrock's events to the chunks of the core.

use std::borrow::Cow;

use ropewalk_core::{
    Blob, BlockDelta, Error, Extra, MessageStopChunk, MetadataChunk, Metrics, ModelChunk,
    ReasoningDelta, StopReason, Usage,
};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::settings::Bedrock;
use crate::http::{Chunks, Flow};

/// The events that are known.
const EVENTS: [&str; 6] = [
    "messageStart",
    "contentBlockStart",
    "contentBlockDelta",
    "contentBlockStop",
    "messageStop",
    "metadata",
];

/// A piece of a text or of a call's arguments, and nothing else.
#[derive(Deserialize)]
struct Piece<'a> {
    #[serde(rename = "contentBlockIndex", default)]
    number: u64,
    #[serde(borrow)]
    delta: Plain<'a>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Plain<'a> {
    #[serde(borrow, default)]
    text: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    tool_use: Option<Fragment<'a>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Fragment<'a> {
    #[serde(borrow)]
    input: Cow<'a, str>,
}

impl<'a> Piece<'a> {
    fn read(name: &str, payload: &'a [u8]) -> Option<Self> {
        let piece = (name == "contentBlockDelta").then(|| serde_json::from_slice(payload).ok());
        piece
            .flatten()
            .filter(|piece: &Self| piece.delta.text.is_some() != piece.delta.tool_use.is_some())
    }
}

/// Translates one answer.
#[derive(Debug, Default)]
pub(super) struct Translator {
    started: bool,
    /// The block that is open, by its number.
    open: Option<Open>,
    has_calls: bool,
    stop: Option<MessageStopChunk>,
    /// What Bedrock told of the answer beside its content.
    told: Map<String, Value>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Open {
    number: u64,
    is_call: bool,
}

impl Translator {
    /// Takes one event of a stream.
    ///
    /// # Errors
    /// It is not what an event of this name is.
    pub(super) fn event(
        &mut self,
        name: &str,
        payload: &[u8],
        bedrock: &Bedrock,
        out: &mut Chunks,
    ) -> Result<Flow, Error> {
        // Nearly all events are such, and they say nothing else.
        if let Some(piece) = Piece::read(name, payload) {
            if let Some(text) = piece.delta.text {
                self.text(piece.number, text.into_owned(), out);
            } else if let Some(Fragment { input }) = piece.delta.tool_use {
                self.input(piece.number, input.into_owned(), out).map_err(|problem| {
                    bedrock.malformed(format_args!("the event `{name}` {problem}"), payload)
                })?;
            }
            return Ok(Flow::More);
        }
        if !EVENTS.contains(&name) {
            tracing::debug!(model = bedrock.id, name, "an event of an unknown kind is passed over");
            return Ok(Flow::Idle);
        }
        let value: Map<String, Value> = serde_json::from_slice(payload).map_err(|error| {
            bedrock
                .malformed(format_args!("the event `{name}` is no JSON object ({error})"), payload)
        })?;
        self.take(name, value, out).map_err(|problem| {
            bedrock.malformed(format_args!("the event `{name}` {problem}"), payload)
        })
    }

    /// Takes an answer in one piece, as the events that it would have come in.
    ///
    /// # Errors
    /// There is no answer in it.
    pub(super) fn whole(
        &mut self,
        body: &[u8],
        bedrock: &Bedrock,
        out: &mut Chunks,
    ) -> Result<(), Error> {
        let malformed = |problem: String| bedrock.malformed(problem, body);
        let answer: Map<String, Value> = serde_json::from_slice(body)
            .map_err(|error| malformed(format!("the answer is no JSON object ({error})")))?;
        let events = super::whole::events(answer)
            .ok_or_else(|| malformed("there is no message in the answer".to_owned()))?;
        for (name, event) in events {
            self.take(name, event, out)
                .map_err(|problem| malformed(format!("a `{name}` of the answer {problem}")))?;
        }
        Ok(())
    }

    fn take(
        &mut self,
        name: &str,
        mut event: Map<String, Value>,
        out: &mut Chunks,
    ) -> Result<Flow, &'static str> {
        let number = event.get("contentBlockIndex").and_then(Value::as_u64).unwrap_or(0);
        match name {
            "messageStart" => self.start(out),
            "contentBlockStart" => match event.remove("start") {
                Some(Value::Object(start)) => self.block_start(number, start, out)?,
                _ => return Err("has no start"),
            },
            "contentBlockDelta" => match event.remove("delta") {
                Some(Value::Object(delta)) => self.delta(number, delta, out)?,
                _ => return Err("has no piece"),
            },
            "contentBlockStop" => self.close(out),
            "messageStop" => {
                self.start(out);
                self.close(out);
                let reason = event.get("stopReason").and_then(Value::as_str);
                self.stop = Some(MessageStopChunk {
                    stop_reason: stop_reason(reason.ok_or("has no reason to stop")?),
                    additional_model_response_fields: event
                        .remove("additionalModelResponseFields")
                        .filter(|fields| !fields.is_null()),
                });
            }
            _ => {
                self.told = event;
                return Ok(if self.stop.is_some() { Flow::Done } else { Flow::More });
            }
        }
        Ok(Flow::More)
    }

    /// The answer is over.
    ///
    /// # Errors
    /// The stream broke off.
    pub(super) fn finish(
        &mut self,
        metrics: Metrics,
        bedrock: &Bedrock,
        out: &mut Chunks,
    ) -> Result<(), Error> {
        let Some(mut stop) = self.stop.take() else { return Err(bedrock.broke_off(self.started)) };
        if stop.stop_reason == StopReason::EndTurn && self.has_calls {
            stop.stop_reason = StopReason::ToolUse;
        }
        if let Some(guardrail) = &bedrock.guardrail {
            out.extend(guardrail.redactions(&stop.stop_reason, self.told.get("trace")));
        }
        out.push_back(ModelChunk::MessageStop(stop));
        out.push_back(ModelChunk::Metadata(
            metadata(std::mem::take(&mut self.told), metrics).into(),
        ));
        Ok(())
    }

    fn start(&mut self, out: &mut Chunks) {
        if !std::mem::replace(&mut self.started, true) {
            out.push_back(ModelChunk::message_start());
        }
    }

    fn block_start(
        &mut self,
        number: u64,
        start: Map<String, Value>,
        out: &mut Chunks,
    ) -> Result<(), &'static str> {
        let Some(call) = start.get("toolUse") else {
            // Blocks of other kinds begin with their first piece.
            self.start(out);
            self.close(out);
            return Ok(());
        };
        let text = |key: &str| call.get(key).and_then(Value::as_str);
        let (id, name) = (text("toolUseId").unwrap_or_default(), text("name"));
        self.open(Open { number, is_call: true }, out);
        self.has_calls = true;
        out.push_back(ModelChunk::tool_use_start(id, name.ok_or("names no tool")?));
        Ok(())
    }

    fn delta(
        &mut self,
        number: u64,
        mut delta: Map<String, Value>,
        out: &mut Chunks,
    ) -> Result<(), &'static str> {
        if let Some(call) = delta.get("toolUse") {
            let input = match call.get("input") {
                Some(Value::String(fragment)) => fragment.clone(),
                None | Some(Value::Null) => String::new(),
                Some(other) => other.to_string(),
            };
            return self.input(number, input, out);
        }
        let piece = if let Some(text) = delta.get_mut("text") {
            match text.take() {
                Value::String(text) => {
                    self.text(number, text, out);
                    return Ok(());
                }
                _ => return Err("has a text that is none"),
            }
        } else if let Some(thoughts) = delta.get_mut("reasoningContent") {
            match reasoning(thoughts.take()) {
                Some(piece) => BlockDelta::ReasoningContent(piece),
                None => BlockDelta::Unknown(delta),
            }
        } else if let Some(citation) = delta.get("citation") {
            match serde_json::from_value(citation.clone()) {
                Ok(citation) => BlockDelta::Citation(citation),
                Err(_) => BlockDelta::Unknown(delta),
            }
        } else {
            BlockDelta::Unknown(delta)
        };
        if let BlockDelta::Unknown(delta) = &piece {
            let keys: Vec<&str> = delta.keys().map(String::as_str).collect();
            tracing::warn!(?keys, "a piece of the answer of an unknown kind can't be kept");
        }
        self.piece(number, piece, out);
        Ok(())
    }

    fn text(&mut self, number: u64, text: String, out: &mut Chunks) {
        if !text.is_empty() {
            self.piece(number, BlockDelta::Text(text), out);
        }
    }

    /// A fragment of a call's arguments, as it came.
    fn input(
        &mut self,
        number: u64,
        fragment: String,
        out: &mut Chunks,
    ) -> Result<(), &'static str> {
        if self.open != Some(Open { number, is_call: true }) {
            return Err("has arguments without a call");
        }
        if !fragment.is_empty() {
            out.push_back(ModelChunk::input_delta(fragment));
        }
        Ok(())
    }

    /// A piece of a block that begins with its first piece.
    fn piece(&mut self, number: u64, piece: BlockDelta, out: &mut Chunks) {
        let block = Open { number, is_call: false };
        if self.open != Some(block) {
            self.open(block, out);
            out.push_back(ModelChunk::block_start());
        }
        out.push_back(ModelChunk::delta(piece));
    }

    fn open(&mut self, block: Open, out: &mut Chunks) {
        self.start(out);
        self.close(out);
        self.open = Some(block);
    }

    fn close(&mut self, out: &mut Chunks) {
        if self.open.take().is_some() {
            out.push_back(ModelChunk::block_stop());
        }
    }
}

fn reasoning(thoughts: Value) -> Option<ReasoningDelta> {
    let Value::Object(mut thoughts) = thoughts else { return None };
    let mut text = |key: &str| match thoughts.remove(key) {
        Some(Value::String(text)) => Some(text),
        _ => None,
    };
    let mut piece =
        ReasoningDelta { text: text("text"), signature: text("signature"), redacted_content: None };
    if let Some(sealed) = text("redactedContent") {
        let sealed = json!({"__bytes_encoded__": true, "data": sealed});
        piece.redacted_content = Some(serde_json::from_value::<Blob>(sealed).ok()?);
    }
    (piece != ReasoningDelta::default()).then_some(piece)
}

/// What was used and how long it took. Bedrock's own time counts where it tells it; what else it tells is kept.
fn metadata(mut told: Map<String, Value>, mut metrics: Metrics) -> MetadataChunk {
    let mut extra = Extra::new();
    let mut usage = Usage::default();
    if let Some(Value::Object(mut counted)) = told.remove("usage") {
        let number = |key: &str| counted.get(key).and_then(Value::as_u64);
        let (input, output) = (number("inputTokens"), number("outputTokens"));
        usage = Usage::new(input.unwrap_or(0), output.unwrap_or(0));
        if let Some(total) = number("totalTokens") {
            usage.total_tokens = total;
        }
        usage.cache_read_input_tokens = number("cacheReadInputTokens");
        usage.cache_write_input_tokens = number("cacheWriteInputTokens");
        for key in ["cacheDetails", "serverToolUsage"] {
            if let Some(details) = counted.remove(key).filter(|details| !is_empty(details)) {
                extra.insert(key.to_owned(), details);
            }
        }
    }
    if let Some(latency) = told.remove("metrics").and_then(|told| told.get("latencyMs")?.as_u64()) {
        metrics.latency_ms = latency;
    }
    // Bedrock fills its events up, so that their length tells nothing.
    told.remove("p");
    extra.extend(told.into_iter().filter(|(_, value)| !is_empty(value)));
    MetadataChunk { usage, metrics, extra }
}

fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Object(map) => map.is_empty(),
        Value::Array(items) => items.is_empty(),
        _ => false,
    }
}

fn stop_reason(reason: &str) -> StopReason {
    match reason {
        // The window was full: what there is of the answer is cut off.
        "model_context_window_exceeded" => StopReason::MaxTokens,
        other => StopReason::from(other),
    }
}
