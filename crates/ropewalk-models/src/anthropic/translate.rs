//! From the server's events to the chunks of the core.

use ropewalk_core::{Error, MessageStopChunk, MetadataChunk, Metrics, ModelChunk, StopReason};
use serde::Deserialize as _;
use serde_json::{Map, Value};

use super::OWN;
use super::open::Open;
use super::usage::Told;
use super::wire::{DeltaKind, Event, EventKind};
use crate::http::{Chunks, Endpoint, Fault, Flow, Reader, malformed, no_answer};

/// Translates one answer.
#[derive(Debug, Default)]
pub(super) struct Translator {
    started: bool,
    open: Option<Open>,
    has_calls: bool,
    stop_reason: Option<String>,
    /// What else is said about the end.
    fields: Map<String, Value>,
    /// The answer's id and the model that gave it.
    origin: Map<String, Value>,
    usage: Told,
}

impl Translator {
    fn start(&mut self, message: Option<&Value>, out: &mut Chunks) {
        if !std::mem::replace(&mut self.started, true) {
            out.push_back(ModelChunk::message_start());
        }
        for key in ["id", "model"] {
            if let Some(value) = message.and_then(|message| message.get(key)) {
                self.origin.insert(key.into(), value.clone());
            }
        }
        self.usage.take(message.and_then(|message| message.get("usage")));
    }

    fn begin(&mut self, index: Option<u64>, block: Value, out: &mut Chunks) {
        self.close(out);
        self.has_calls |= block.get("type").is_some_and(|kind| kind == "tool_use");
        self.open = Some(Open::begin(index, block, out));
    }

    fn close(&mut self, out: &mut Chunks) {
        if let Some(open) = self.open.take() {
            open.end(out);
        }
    }

    /// The block that a piece belongs to. Words may come unannounced; arguments may not, since nobody would know
    /// whose they are.
    fn block(
        &mut self,
        event: &Event,
        text: &str,
        endpoint: &Endpoint,
        out: &mut Chunks,
    ) -> Result<&mut Open, Error> {
        let is_input =
            event.delta.as_ref().is_some_and(|delta| delta.kind == DeltaKind::InputJsonDelta);
        let fits = |open: &Open| open.index == event.index && (!is_input || open.takes_input());
        if !self.open.as_ref().is_some_and(fits) {
            if is_input {
                let problem = "the server sent arguments that belong to no open call";
                return Err(malformed(problem, text, endpoint));
            }
            self.close(out);
        }
        Ok(self.open.get_or_insert_with(|| Open::unannounced(event.index, out)))
    }

    /// What is said about the end.
    fn told_end(&mut self, told: Option<&Value>) {
        let Some(told) = told.and_then(Value::as_object) else { return };
        if let Some(reason) = told.get("stop_reason").and_then(Value::as_str) {
            self.stop_reason = Some(reason.to_owned());
        }
        for key in ["stop_sequence", "stop_details", "container", "context_management"] {
            if let Some(value) = told.get(key).filter(|value| !value.is_null()) {
                self.fields.insert(key.into(), value.clone());
            }
        }
    }

    /// Takes one event.
    ///
    /// # Errors
    /// The text is no event, or it is the server's report of a failure.
    fn take(&mut self, text: &str, endpoint: &Endpoint, out: &mut Chunks) -> Result<Flow, Error> {
        let event: Event = match serde_json::from_str(text) {
            Ok(event) => event,
            // Of a kind that this version does not know, with other things under names that it knows.
            Err(_) if is_strange(text) => return Ok(Flow::Idle),
            Err(error) => {
                let problem = format!("the server sent what is no event ({error})");
                return Err(malformed(problem, text, endpoint));
            }
        };
        match event {
            Event { kind: EventKind::ContentBlockDelta, delta: Some(ref delta), .. }
                if delta.kind != DeltaKind::Other =>
            {
                self.start(None, out);
                let open = self.block(&event, text, endpoint, out)?;
                if let Some(delta) = event.delta {
                    open.piece(delta, out);
                }
                return Ok(Flow::More);
            }
            Event { kind: EventKind::ContentBlockStop, index, .. } => {
                if self.open.as_ref().is_some_and(|open| open.index == index) {
                    self.close(out);
                }
                return Ok(Flow::More);
            }
            Event { kind: EventKind::MessageStop, .. } => return Ok(Flow::Done),
            _ => {}
        }
        let mut value: Value = serde_json::from_str(text).map_err(|error| {
            malformed(format!("the server sent no JSON ({error})"), text, endpoint)
        })?;
        match event.kind {
            EventKind::MessageStart => self.start(value.get("message"), out),
            EventKind::ContentBlockStart => {
                self.start(None, out);
                let block = value.get_mut("content_block").map(Value::take).unwrap_or_default();
                self.begin(event.index, block, out);
            }
            EventKind::ContentBlockDelta => {
                self.start(None, out);
                let open = self.block(&event, text, endpoint, out)?;
                open.other(value.get("delta").unwrap_or(&Value::Null), out);
            }
            EventKind::MessageDelta => {
                self.start(None, out);
                self.told_end(value.get("delta"));
                self.told_end(Some(&value));
                self.usage.take(value.get("usage"));
            }
            EventKind::Message => self.message(value, out),
            EventKind::Error => return Err(Fault::of_body(value).in_stream(endpoint)),
            EventKind::ContentBlockStop | EventKind::MessageStop | EventKind::Other => {
                if value.get("error").is_some_and(|error| !error.is_null()) {
                    return Err(Fault::of_body(value).in_stream(endpoint));
                }
                // A ping, or what this version does not know: a sign of life, and nothing of the answer.
                return Ok(Flow::Idle);
            }
        }
        Ok(Flow::More)
    }

    /// Takes a whole answer.
    fn message(&mut self, mut message: Value, out: &mut Chunks) {
        let content = message.get_mut("content").map(Value::take);
        self.start(Some(&message), out);
        if let Some(Value::Array(blocks)) = content {
            for block in blocks {
                self.begin(None, block, out);
            }
        }
        self.close(out);
        self.told_end(Some(&message));
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
        // Gateways to other interfaces end with it.
        if data == "[DONE]" {
            return Ok(Flow::Done);
        }
        self.take(data, endpoint, out)
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
        if !self.started || (self.stop_reason.is_none() && !marked) {
            return Err(endpoint.broke_off(self.started));
        }
        self.close(out);
        let told = self.stop_reason.take();
        if told.is_none() {
            tracing::warn!(model = endpoint.id, "the server gave no reason to stop");
        }
        let told = told.unwrap_or_else(|| "end_turn".to_owned());
        let mut reason = stop_reason(&told);
        if reason == StopReason::EndTurn && self.has_calls {
            reason = StopReason::ToolUse;
        }
        let mut fields = std::mem::take(&mut self.fields);
        if reason.as_str() != told {
            fields.insert("stop_reason".into(), told.into());
        }
        let additional = (!fields.is_empty()).then_some(Value::Object(fields));
        out.push_back(ModelChunk::MessageStop(MessageStopChunk {
            stop_reason: reason,
            additional_model_response_fields: additional,
        }));
        let usage = std::mem::take(&mut self.usage);
        let tokens = usage.tokens();
        let mut own = std::mem::take(&mut self.origin);
        own.insert("usage".into(), Value::Object(usage.whole()));
        let mut extra = Map::new();
        extra.insert(OWN.into(), Value::Object(own));
        let metadata = MetadataChunk { usage: tokens, metrics, extra };
        out.push_back(ModelChunk::Metadata(metadata.into()));
        Ok(())
    }
}

/// Whether a text is an event of a kind that this version does not know.
fn is_strange(text: &str) -> bool {
    let kind = |event: Value| EventKind::deserialize(event.get("type")?).ok();
    serde_json::from_str(text).ok().and_then(kind) == Some(EventKind::Other)
}

fn stop_reason(told: &str) -> StopReason {
    match told {
        "refusal" => StopReason::ContentFiltered,
        // The answer is cut off here too, and calls in it may be.
        "model_context_window_exceeded" => StopReason::MaxTokens,
        other => StopReason::from(other),
    }
}
