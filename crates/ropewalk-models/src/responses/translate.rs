//! From the server's events to the chunks of the core.

use std::collections::BTreeMap;

use ropewalk_core::{Error, ErrorKind, MessageStopChunk, Metrics, ModelChunk, StopReason, Usage};
use serde_json::{Value, json};

use super::kept::Kept;
use super::output::{Output, Sink};
use super::turns::Turns;
use super::wire::{Event, stop_reason, text_of, usage};
use crate::http::{Chunks, Endpoint, Fault, Flow, Reader, malformed, no_answer};

/// Translates one answer.
#[derive(Debug)]
pub(super) struct Translator {
    /// The digest of the conversation that is answered, if the server keeps it.
    before: Option<String>,
    started: bool,
    outputs: BTreeMap<u64, Output>,
    turns: Turns,
    outcome: Option<Outcome>,
}

/// How the answer ended.
#[derive(Debug)]
struct Outcome {
    id: String,
    reason: StopReason,
    usage: Usage,
}

impl Translator {
    pub(super) fn new(before: Option<String>) -> Self {
        Self {
            before,
            started: false,
            outputs: BTreeMap::new(),
            turns: Turns::default(),
            outcome: None,
        }
    }

    fn start(&mut self, out: &mut Chunks) {
        if !std::mem::replace(&mut self.started, true) {
            out.push_back(ModelChunk::message_start());
        }
    }

    /// The item with this number, which is of this type if nothing is known of it yet, and where its pieces go.
    fn output<'a>(
        &'a mut self,
        item: Option<u64>,
        kind: &str,
        out: &'a mut Chunks,
    ) -> (&'a mut Output, Sink<'a>) {
        self.start(out);
        // Without a number it is the one that came last.
        let last = || self.outputs.last_key_value().map(|(item, _)| *item);
        let item = item.or_else(last).unwrap_or(0);
        let output = self.outputs.entry(item).or_insert_with(|| Output::of_type(kind));
        (output, Sink { item, turns: &mut self.turns, out })
    }

    /// Takes what is new of a text or of thoughts, or all of it.
    fn take(&mut self, event: Event<'_>, out: &mut Chunks) {
        let (at, part) = (event.output_index, event.part());
        match &*event.kind {
            "response.output_text.delta" | "response.refusal.delta" => {
                if let (Output::Message(texts), mut sink) = self.output(at, "message", out) {
                    texts.piece(part, &event.piece(), &mut sink);
                }
            }
            "response.output_text.done" | "response.refusal.done" => {
                if let (Output::Message(texts), mut sink) = self.output(at, "message", out) {
                    texts.whole(part, &event.whole(), &mut sink);
                }
            }
            "response.output_text.annotation.added" => {
                if let (Output::Message(texts), mut sink) = self.output(at, "message", out) {
                    texts.cite(part, event.annotation, &mut sink);
                }
            }
            "response.reasoning_summary_text.delta" | "response.reasoning_text.delta" => {
                let is_plain = event.kind == "response.reasoning_text.delta";
                if let (Output::Thoughts(thoughts), mut sink) = self.output(at, "reasoning", out) {
                    thoughts.piece(is_plain, part, &event.piece(), &mut sink);
                }
            }
            "response.function_call_arguments.delta" => {
                if let (Output::Call(call), mut sink) = self.output(at, "function_call", out) {
                    call.piece(&event.piece(), &mut sink);
                }
            }
            "response.function_call_arguments.done" => {
                if let (Output::Call(call), mut sink) = self.output(at, "function_call", out) {
                    call.whole(&event.whole(), &mut sink);
                }
            }
            // Others tell of what the server does by itself, or say again what came.
            other => tracing::trace!(kind = other, "an event that is not looked at"),
        }
    }

    fn begin(&mut self, event: &Event<'_>, out: &mut Chunks) {
        let at = event.output_index.or_else(|| Some(self.next()));
        let (output, mut sink) = self.output(at, text_of(&event.item, "type"), out);
        output.begin(&event.item, &mut sink);
    }

    fn end(&mut self, at: Option<u64>, item: Value, endpoint: &Endpoint, out: &mut Chunks) {
        let (output, mut sink) = self.output(at, text_of(&item, "type"), out);
        output.end(item, endpoint.host(), &mut sink);
    }

    /// The number of the item that comes next.
    fn next(&self) -> u64 {
        self.outputs.last_key_value().map_or(0, |(item, _)| item + 1)
    }

    /// The answer is over. `said` is what the event says of it, where the response itself does not.
    ///
    /// # Errors
    /// It failed.
    fn settle(
        &mut self,
        mut response: Value,
        said: &str,
        endpoint: &Endpoint,
        out: &mut Chunks,
    ) -> Result<(), Error> {
        let status = match text_of(&response, "status") {
            "" => said.to_owned(),
            status => status.to_owned(),
        };
        let error = response.get_mut("error").map(Value::take).unwrap_or_default();
        if !error.is_null() {
            return Err(failure(error).in_stream(endpoint));
        }
        match status.as_str() {
            "completed" | "incomplete" => {}
            "queued" | "in_progress" => {
                let text = "the server answers in the background, which is not waited for: leave `background` out";
                return Err(endpoint.error(ErrorKind::InvalidRequest, text));
            }
            other => {
                let text = format!("the server gave the answer up (status `{other}`)");
                return Err(endpoint.error(ErrorKind::Unavailable, text));
            }
        }
        self.start(out);
        // Servers that sent it in pieces only say it again.
        if self.outputs.is_empty() {
            let items = response.get_mut("output").map(Value::take).unwrap_or_default();
            for (at, item) in (0..).zip(items.as_array().into_iter().flatten()) {
                self.end(Some(at), item.clone(), endpoint, out);
            }
        }
        self.outcome = Some(Outcome {
            id: text_of(&response, "id").to_owned(),
            reason: stop_reason(&response, &status),
            usage: usage(&response),
        });
        Ok(())
    }

    /// What stays with the message.
    fn kept(&mut self, outcome: &Outcome, endpoint: &Endpoint) -> Option<Value> {
        let let_out = std::mem::take(&mut self.turns.let_out);
        let mut kept =
            Kept { server: endpoint.host().to_owned(), phases: let_out.phases, ..Kept::default() };
        // An answer that was cut off is not gone on from: the server may hold a call in it that nobody answers.
        let is_whole = outcome.reason == StopReason::EndTurn && !outcome.id.is_empty();
        if let Some(before) = self.before.take().filter(|_| is_whole) {
            kept.id = Some(outcome.id.clone());
            kept.before = Some(before);
            kept.said = Some(let_out.said.finish());
        }
        let is_empty = kept.id.is_none() && kept.phases.is_empty();
        (!is_empty).then(|| kept.fields())
    }
}

impl Reader for Translator {
    fn event(
        &mut self,
        name: &str,
        data: &str,
        endpoint: &Endpoint,
        out: &mut Chunks,
    ) -> Result<Flow, Error> {
        if data == "[DONE]" {
            return Ok(Flow::Done);
        }
        let mut event: Event<'_> = serde_json::from_str(data).map_err(|error| {
            malformed(format_args!("the server sent what is no event ({error})"), data, endpoint)
        })?;
        if event.kind.is_empty() {
            event.kind = name.into();
        }
        match &*event.kind {
            "response.output_item.added" => self.begin(&event, out),
            "response.output_item.done" => self.end(event.output_index, event.item, endpoint, out),
            "response.completed"
            | "response.incomplete"
            | "response.failed"
            | "response.cancelled" => {
                let said = event.kind.trim_start_matches("response.");
                self.settle(event.response, said, endpoint, out)?;
                return Ok(Flow::Done);
            }
            "response.created" | "response.queued" | "response.in_progress" => {
                self.start(out);
                return Ok(Flow::Idle);
            }
            "error" => {
                let report: Value = serde_json::from_str(data).unwrap_or_default();
                return Err(failure(report).in_stream(endpoint));
            }
            kind if kind.starts_with("response.") => self.take(event, out),
            _ if !event.error.is_null() => return Err(failure(event.error).in_stream(endpoint)),
            // `keepalive`, and whatever else is no part of a response.
            _ => return Ok(Flow::Idle),
        }
        Ok(Flow::More)
    }

    fn whole(&mut self, body: &str, endpoint: &Endpoint, out: &mut Chunks) -> Result<(), Error> {
        let response: Value = serde_json::from_str(body).map_err(|error| {
            malformed(format_args!("the server sent no JSON ({error})"), body, endpoint)
        })?;
        let is_response = response.get("output").is_some_and(Value::is_array)
            || response.get("error").is_some_and(|error| !error.is_null());
        if !is_response {
            return Err(no_answer(body, endpoint));
        }
        self.settle(response, "completed", endpoint, out)
    }

    fn finish(
        &mut self,
        _: bool,
        metrics: Metrics,
        endpoint: &Endpoint,
        out: &mut Chunks,
    ) -> Result<(), Error> {
        let Some(outcome) = self.outcome.take() else {
            return Err(endpoint.broke_off(self.started));
        };
        for (item, output) in &mut self.outputs {
            output.close(&mut Sink { item: *item, turns: &mut self.turns, out });
        }
        let stop_reason = match outcome.reason {
            StopReason::EndTurn if self.turns.let_out.has_calls => StopReason::ToolUse,
            ref reason => reason.clone(),
        };
        let additional_model_response_fields = self.kept(&outcome, endpoint);
        out.push_back(ModelChunk::MessageStop(MessageStopChunk {
            stop_reason,
            additional_model_response_fields,
        }));
        out.push_back(ModelChunk::metadata(outcome.usage, metrics));
        Ok(())
    }
}

/// The report of a failure in an answer that had begun well. What is wrong with the request is found out only then, and
/// told by codes of their own.
fn failure(mut report: Value) -> Fault {
    if let Some(inner) = report.get_mut("error").filter(|inner| !inner.is_null()) {
        report = inner.take();
    }
    let code = text_of(&report, "code");
    if code.starts_with("invalid_") || code.contains("image") || code.contains("policy") {
        report["type"] = json!("invalid_request_error");
    }
    Fault::of_error(report)
}
