//! From the server's lines to chunks of the core.

use ropewalk_core::{
    Error, Extra, MetadataChunk, Metrics, ModelChunk, StopReason, ToolUseStart, Usage,
};
use serde_json::{Map, Value};

use super::wire::{Line, Message, ToolCall};
use crate::http::{Chunks, Endpoint, Fault, Flow, Reader, malformed};
use crate::json::Text;
use crate::sequence::Sequence;

/// Translates one answer.
#[derive(Debug, Default)]
pub(super) struct Translator {
    started: bool,
    sequence: Sequence,
    done_reason: Option<String>,
    /// What the last line tells beside the end of the answer.
    told: Map<String, Value>,
}

impl Translator {
    /// Takes one line.
    ///
    /// # Errors
    /// It is no line of an answer, or it is the server's report of a failure.
    fn take(&mut self, text: &str, endpoint: &Endpoint, out: &mut Chunks) -> Result<Flow, Error> {
        let line: Line<'_> = serde_json::from_str(text).map_err(|error| {
            malformed(format!("the server sent what is no answer ({error})"), text, endpoint)
        })?;
        if let Some(error) = line.error.filter(|error| !error.is_null()) {
            return Err(Fault::of_error(error).in_stream(endpoint));
        }
        if line.message.is_some() && !std::mem::replace(&mut self.started, true) {
            out.push_back(ModelChunk::message_start());
        }
        let before = out.len();
        if let Some(message) = line.message {
            self.message(message, out);
        }
        if line.done {
            self.done_reason = line.done_reason.map(into_owned);
            // Counts and times stand beside the answer. Read by itself: the many lines before have none.
            let told = serde_json::from_str::<Map<String, Value>>(text).unwrap_or_default();
            let is_told = |key: &str| !matches!(key, "message" | "done" | "done_reason");
            self.told = told.into_iter().filter(|(key, _)| is_told(key)).collect();
            return Ok(Flow::Done);
        }
        Ok(if out.len() > before { Flow::More } else { Flow::Idle })
    }

    fn message(&mut self, message: Message<'_>, out: &mut Chunks) {
        if let Some(Text(piece)) = &message.thinking {
            self.sequence.reasoning(piece, out);
        }
        if let Some(Text(piece)) = &message.content {
            self.sequence.text(piece, out);
        }
        for ToolCall { id, function } in message.tool_calls.into_iter().flatten() {
            let start = ToolUseStart {
                tool_use_id: id.map(into_owned).unwrap_or_default(),
                name: function.name.map(into_owned).unwrap_or_default(),
                extra: Extra::new(),
            };
            self.sequence.call(start, function.arguments, out);
        }
    }

    fn stop_reason(&self) -> StopReason {
        match self.done_reason.as_deref() {
            None | Some("stop" | "tool_calls" | "load" | "unload" | "") => {
                match self.sequence.has_calls() {
                    true => StopReason::ToolUse,
                    false => StopReason::EndTurn,
                }
            }
            Some("length") => StopReason::MaxTokens,
            Some(other) => StopReason::from(other),
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
        self.take(data, endpoint, out)
    }

    fn whole(&mut self, body: &str, endpoint: &Endpoint, out: &mut Chunks) -> Result<(), Error> {
        self.take(body, endpoint, out).map(drop)
    }

    fn finish(
        &mut self,
        marked: bool,
        metrics: Metrics,
        endpoint: &Endpoint,
        out: &mut Chunks,
    ) -> Result<(), Error> {
        if !marked || !self.started {
            return Err(endpoint.broke_off(self.started));
        }
        self.sequence.close(out);
        out.push_back(ModelChunk::message_stop(self.stop_reason()));
        let extra = std::mem::take(&mut self.told);
        let metadata = MetadataChunk { usage: usage(&extra), metrics, extra };
        out.push_back(ModelChunk::Metadata(metadata.into()));
        Ok(())
    }
}

fn into_owned(Text(text): Text<'_>) -> String {
    text.into_owned()
}

/// What the answer used: tokens of the prompt are read, those of the answer written.
fn usage(told: &Map<String, Value>) -> Usage {
    let number = |key: &str| told.get(key).and_then(Value::as_u64).unwrap_or(0);
    Usage::new(number("prompt_eval_count"), number("eval_count"))
}
