//! From the server's chunks to those of the core.

use std::borrow::Cow;

use ropewalk_core::{Error, ErrorKind, Metrics, ModelChunk, StopReason, Usage};
use serde::Deserialize as _;
use serde_json::Value;

use super::wire::{Chunk, Delta, Function};
use crate::blocks::{Blocks, Fragment};
use crate::http::{Chunks, Endpoint, Fault, Flow, Reader, malformed, no_answer};
use crate::json::{Loose, Text};

/// Translates one answer.
#[derive(Debug, Default)]
pub(crate) struct Translator {
    started: bool,
    blocks: Blocks,
    finish_reason: Option<StopReason>,
    usage: Option<Usage>,
}

impl Translator {
    /// Takes the text of one chunk, or of a whole answer in one piece.
    ///
    /// # Errors
    /// The text is no chunk, or it is the server's report of a failure.
    fn take(&mut self, text: &str, endpoint: &Endpoint, out: &mut Chunks) -> Result<(), Error> {
        match serde_json::from_str::<Chunk<'_>>(text) {
            Ok(chunk) if !chunk.is_odd() => self.chunk(chunk, endpoint, out),
            // The report of a failure, or something odd, such as a name that stands twice.
            _ => self.take_value(text, endpoint, out),
        }
    }

    /// As [`take`](Self::take), by way of a copy that takes any JSON.
    fn take_value(
        &mut self,
        text: &str,
        endpoint: &Endpoint,
        out: &mut Chunks,
    ) -> Result<(), Error> {
        let malformed = |problem: String| malformed(problem, text, endpoint);
        let value: Value = serde_json::from_str(text)
            .map_err(|error| malformed(format!("the server sent no JSON ({error})")))?;
        if value.get("object").and_then(Value::as_str) == Some("error") {
            return Err(Fault::of_body(value).in_stream(endpoint));
        }
        let chunk = Chunk::deserialize(&value).map_err(|error| {
            malformed(format!("the server sent what is no chat completion ({error})"))
        })?;
        self.chunk(chunk, endpoint, out)
    }

    fn chunk(
        &mut self,
        chunk: Chunk<'_>,
        endpoint: &Endpoint,
        out: &mut Chunks,
    ) -> Result<(), Error> {
        // Some servers count along with each chunk: the last count is the whole.
        let usage = chunk.usage();
        if let Some(error) = chunk.error {
            return Err(Fault::of_error(*error).in_stream(endpoint));
        }
        self.usage = usage.or(self.usage);
        let Some(choice) = chunk.choice.flatten() else { return Ok(()) };
        if let Some(error) = choice.error {
            return Err(Fault::of_error(*error).in_stream(endpoint));
        }
        self.start(out);
        // Some servers repeat the whole message beside each new piece.
        let whole = choice.delta.is_none();
        if let Some(delta) = choice.delta.or_else(|| choice.message.map(|whole| *whole)) {
            self.delta(delta, whole, out).map_err(|error| error.context(&endpoint.id))?;
        }
        let reason =
            choice.finish_reason.map(|reason| reason.0).filter(|reason| !reason.is_empty());
        if let Some(reason) = reason {
            if let Some(error) = failed(&reason, endpoint) {
                return Err(error);
            }
            self.finish_reason = Some(stop_reason(&reason));
        }
        Ok(())
    }

    fn start(&mut self, out: &mut Chunks) {
        if !std::mem::replace(&mut self.started, true) {
            out.push_back(ModelChunk::message_start());
        }
    }

    fn delta(&mut self, delta: Delta<'_>, whole: bool, out: &mut Chunks) -> Result<(), Error> {
        // Servers that send both names send the same thoughts twice.
        let thoughts = [&delta.reasoning_content, &delta.reasoning];
        let thoughts = thoughts.into_iter().flatten().filter_map(|piece| piece.as_str());
        if let Some(piece) = thoughts.into_iter().find(|piece| !piece.is_empty()) {
            self.blocks.reasoning(piece, out);
        }
        match &delta.content {
            Some(Loose::Text(piece)) => self.blocks.text(piece, out),
            Some(Loose::Other(other)) => {
                let parts = other.as_array().into_iter().flatten();
                parts.for_each(|part| self.part(part, out));
            }
            None => {}
        }
        if let Some(refusal) = &delta.refusal {
            self.blocks.text(&refusal.0, out);
        }
        for (call, at) in delta.tool_calls.into_iter().flatten().zip(0..) {
            let id = text(call.id.filter(|id| id.0 != "null"));
            // In a whole message each entry is a call of its own, numbered or not.
            let index = call.index.or_else(|| whole.then_some(at));
            self.blocks.call(fragment(index, id, call.function), out)?;
        }
        if let Some(function) = delta.function_call {
            self.blocks.call(fragment(Some(0), Cow::default(), Some(*function)), out)?;
        }
        Ok(())
    }

    /// A part of a content that is a list: Mistral's thinking models send such.
    fn part(&mut self, part: &Value, out: &mut Chunks) {
        match part.get("type").and_then(Value::as_str) {
            Some("thinking") => match part.get("thinking") {
                Some(Value::Array(texts)) => {
                    for text in texts.iter().filter_map(|text| text.get("text")?.as_str()) {
                        self.blocks.reasoning(text, out);
                    }
                }
                Some(Value::String(text)) => self.blocks.reasoning(text, out),
                _ => {}
            },
            _ => {
                for key in ["text", "refusal"] {
                    if let Some(text) = part.get(key).and_then(Value::as_str) {
                        self.blocks.text(text, out);
                    }
                }
            }
        }
    }
}

impl Reader for Translator {
    fn event(
        &mut self,
        _: &str,
        data: &str,
        endpoint: &Endpoint,
        out: &mut Chunks,
    ) -> Result<Flow, Error> {
        if data == "[DONE]" {
            return Ok(Flow::Done);
        }
        self.take(data, endpoint, out)?;
        Ok(Flow::More)
    }

    fn whole(&mut self, body: &str, endpoint: &Endpoint, out: &mut Chunks) -> Result<(), Error> {
        self.take(body, endpoint, out)?;
        if self.started {
            return Ok(());
        }
        Err(no_answer(body, endpoint))
    }

    fn finish(
        &mut self,
        marked: bool,
        metrics: Metrics,
        endpoint: &Endpoint,
        out: &mut Chunks,
    ) -> Result<(), Error> {
        if !self.started || (self.finish_reason.is_none() && !marked) {
            return Err(endpoint.broke_off(self.started));
        }
        self.blocks.finish(out);
        let reason = match self.finish_reason.take() {
            Some(reason) => reason,
            None => {
                tracing::warn!(model = endpoint.id, "the server gave no reason to stop");
                StopReason::EndTurn
            }
        };
        let reason = match reason {
            StopReason::EndTurn if self.blocks.has_calls() => StopReason::ToolUse,
            reason => reason,
        };
        out.push_back(ModelChunk::message_stop(reason));
        out.push_back(ModelChunk::metadata(self.usage.unwrap_or_default(), metrics));
        Ok(())
    }
}

fn fragment<'a>(
    index: Option<u64>,
    id: Cow<'a, str>,
    function: Option<Function<'a>>,
) -> Fragment<'a> {
    let (name, arguments) = match function {
        Some(Function { name, arguments }) => (text(name), arguments),
        None => (Cow::default(), None),
    };
    let arguments = match arguments {
        None => Cow::default(),
        Some(Loose::Text(text)) => text,
        Some(Loose::Other(other)) => other.to_string().into(),
    };
    Fragment { index, id, name, arguments }
}

fn text(text: Option<Text<'_>>) -> Cow<'_, str> {
    text.map(|Text(text)| text).unwrap_or_default()
}

/// The error behind reasons that say that the server gave up.
fn failed(reason: &str, endpoint: &Endpoint) -> Option<Error> {
    let why = match reason {
        "error" => "the provider failed in the middle of the answer",
        "insufficient_system_resource" => "the provider ran out of resources",
        _ => return None,
    };
    let text = format!("{why} (finish_reason `{reason}`)");
    Some(endpoint.error(ErrorKind::Unavailable, text))
}

fn stop_reason(reason: &str) -> StopReason {
    match reason {
        "stop" | "eos" | "eos_token" => StopReason::EndTurn,
        "tool_calls" | "function_call" => StopReason::ToolUse,
        "length" | "model_length" => StopReason::MaxTokens,
        "content_filter" => StopReason::ContentFiltered,
        other => StopReason::from(other),
    }
}
