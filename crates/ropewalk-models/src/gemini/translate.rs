//! From the server's answers to chunks of the core.

use ropewalk_core::{
    Citation, Error, MessageStopChunk, MetadataChunk, Metrics, ModelChunk, StopReason,
    ToolUseStart, Usage,
};
use serde::Deserialize as _;
use serde_json::{Map, Value};

use super::contents::{marked, own, signed};
use super::finish::{blocked, failed, stop_reason};
use super::sources::citations;
use super::wire::{Counts, Plain};
use crate::http::{Chunks, Endpoint, Fault, Flow, Reader, malformed, no_answer};
use crate::sequence::Sequence;

/// Translates one answer. Each event is an answer in itself, with what is new of the whole.
#[derive(Debug, Default)]
pub(super) struct Translator {
    started: bool,
    sequence: Sequence,
    /// The last one counts: after a reason to stop more may come.
    finish_reason: Option<String>,
    blocked: bool,
    usage: Usage,
    cited: Vec<Citation>,
    /// What else is said of the answer.
    said_of_answer: Map<String, Value>,
    /// What else is said of the call.
    said_of_call: Map<String, Value>,
}

impl Translator {
    /// Takes the text of one event, or of a whole answer in one piece.
    ///
    /// # Errors
    /// The text is no answer, or it is the server's report of a failure.
    fn take(&mut self, text: &str, endpoint: &Endpoint, out: &mut Chunks) -> Result<Flow, Error> {
        // Nearly all events are such, and nothing of them is copied but the piece.
        if let Ok(plain) = serde_json::from_str::<Plain<'_>>(text)
            && let Some((piece, is_thought)) = plain.piece()
        {
            if let Some(counts) = plain.usage_metadata {
                self.usage = counts.usage();
            }
            self.start(out);
            match is_thought {
                true => self.sequence.reasoning(piece, out),
                false => self.sequence.text(piece, out),
            }
            return Ok(if piece.is_empty() { Flow::Idle } else { Flow::More });
        }
        self.take_value(text, endpoint, out)
    }

    /// As [`take`](Self::take), for events that say anything at all.
    fn take_value(
        &mut self,
        text: &str,
        endpoint: &Endpoint,
        out: &mut Chunks,
    ) -> Result<Flow, Error> {
        let no_json =
            |error| malformed(format!("the server sent no JSON ({error})"), text, endpoint);
        let value: Value = serde_json::from_str(text).map_err(no_json)?;
        // Asked without `alt=sse`, the server sends all events as one list.
        let answers = match value {
            Value::Array(answers) => answers,
            one => vec![one],
        };
        let mut flow = Flow::Idle;
        for answer in answers {
            let Value::Object(answer) = answer else {
                return Err(malformed("the server sent what is no answer", text, endpoint));
            };
            if answer.get("error").is_some_and(|error| !error.is_null()) {
                return Err(Fault::of_body(answer.into()).in_stream(endpoint));
            }
            if self.answer(answer, text, endpoint, out)? {
                flow = Flow::More;
            }
        }
        Ok(flow)
    }

    /// Takes one answer, and says whether there was anything of the whole in it.
    fn answer(
        &mut self,
        mut answer: Map<String, Value>,
        text: &str,
        endpoint: &Endpoint,
        out: &mut Chunks,
    ) -> Result<bool, Error> {
        // An answer is worth more than its bill: counts that can't be read are as if they were not told.
        if let Some(Ok(counts)) = answer.get("usageMetadata").map(Counts::deserialize) {
            self.usage = counts.usage();
        }
        let mut says = false;
        if let Some(feedback) = answer.remove("promptFeedback") {
            self.blocked |= blocked(&feedback);
            says = self.blocked;
            self.said_of_answer.insert("promptFeedback".into(), feedback);
        }
        let candidates = answer.remove("candidates");
        self.said_of_call.extend(answer);
        let Some(Value::Array(candidates)) = candidates else { return Ok(says) };
        // Only one was asked for; others come only if a parameter asked for them.
        let is_first = |candidate: &Map<String, Value>| {
            candidate.get("index").and_then(Value::as_u64).unwrap_or(0) == 0
        };
        let objects = candidates.into_iter().filter_map(|candidate| match candidate {
            Value::Object(candidate) => Some(candidate),
            _ => None,
        });
        let Some(candidate) = objects.into_iter().find(is_first) else { return Ok(says) };
        Ok(self.candidate(candidate, text, endpoint, out)? || says)
    }

    fn candidate(
        &mut self,
        mut candidate: Map<String, Value>,
        text: &str,
        endpoint: &Endpoint,
        out: &mut Chunks,
    ) -> Result<bool, Error> {
        self.start(out);
        candidate.remove("index");
        let content = candidate.remove("content");
        let reason = candidate.remove("finishReason");
        // Before the parts: sources come with the last of them, which may close the text.
        for source in citations(&candidate) {
            // Later events tell those of earlier ones again.
            let is_same =
                |known: &Citation| known.location == source.location && known.title == source.title;
            if !self.cited.iter().any(is_same) {
                self.cited.push(source.clone());
                self.sequence.citation(source);
            }
        }
        let mut says = false;
        if let Some(Value::Object(mut content)) = content
            && let Some(Value::Array(parts)) = content.remove("parts")
        {
            for part in parts {
                let Value::Object(part) = part else { continue };
                says |= self.part(part, text, endpoint, out)?;
            }
        }
        if let Some(Value::String(reason)) = reason
            && !matches!(reason.as_str(), "" | "FINISH_REASON_UNSPECIFIED")
        {
            if let Some(error) = failed(&reason, &candidate, endpoint) {
                return Err(error);
            }
            self.finish_reason = Some(reason);
            says = true;
        }
        self.said_of_answer.extend(candidate);
        Ok(says)
    }

    fn start(&mut self, out: &mut Chunks) {
        if !std::mem::replace(&mut self.started, true) {
            out.push_back(ModelChunk::message_start());
        }
    }

    /// Takes one part, and says whether there was anything in it.
    fn part(
        &mut self,
        mut part: Map<String, Value>,
        text: &str,
        endpoint: &Endpoint,
        out: &mut Chunks,
    ) -> Result<bool, Error> {
        let signature = match part.get("thoughtSignature") {
            Some(Value::String(signature)) => Some(signature.clone()),
            _ => None,
        };
        if let Some(Value::Object(call)) = part.remove("functionCall") {
            return self.call(call, signature, text, endpoint, out);
        }
        let Some(piece) = part.get("text").and_then(Value::as_str) else {
            self.sequence.own(own(part), out);
            return Ok(true);
        };
        let is_thought = part.get("thought").and_then(Value::as_bool) == Some(true);
        if is_thought {
            self.sequence.reasoning(piece, out);
        }
        let is_signed = signature.is_some();
        if let Some(signature) = signature {
            self.sequence.signature(marked(&signature), out);
        }
        if !is_thought {
            self.sequence.text(piece, out);
        }
        Ok(is_signed || !piece.is_empty())
    }

    fn call(
        &mut self,
        mut call: Map<String, Value>,
        signature: Option<String>,
        text: &str,
        endpoint: &Endpoint,
        out: &mut Chunks,
    ) -> Result<bool, Error> {
        if call.contains_key("partialArgs") || call.contains_key("willContinue") {
            let problem =
                "the server sent a call in pieces: don't set `streamFunctionCallArguments`";
            return Err(malformed(problem, text, endpoint));
        }
        let mut word = |key: &str| match call.remove(key) {
            Some(Value::String(word)) => word,
            _ => String::new(),
        };
        let (tool_use_id, name) = (word("id"), word("name"));
        let start = ToolUseStart { tool_use_id, name, extra: signed(signature) };
        self.sequence.call(start, call.remove("args"), out);
        Ok(true)
    }

    fn stop_reason(&self, endpoint: &Endpoint) -> StopReason {
        let reason = match self.finish_reason.as_deref() {
            Some(reason) => stop_reason(reason),
            None if self.blocked => StopReason::GuardrailIntervened,
            None => {
                tracing::warn!(model = endpoint.id, "the server gave no reason to stop");
                StopReason::EndTurn
            }
        };
        match reason {
            StopReason::EndTurn if self.sequence.has_calls() => StopReason::ToolUse,
            reason => reason,
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
        // Some servers put the mark of another interface at the end.
        if data == "[DONE]" {
            return Ok(Flow::Done);
        }
        self.take(data, endpoint, out)
    }

    fn whole(&mut self, body: &str, endpoint: &Endpoint, out: &mut Chunks) -> Result<(), Error> {
        self.take(body, endpoint, out)?;
        if self.started || self.blocked {
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
        let is_whole = self.blocked || self.finish_reason.is_some() || (marked && self.started);
        if !is_whole {
            return Err(endpoint.broke_off(self.started));
        }
        self.start(out);
        self.sequence.close(out);
        let said = std::mem::take(&mut self.said_of_answer);
        out.push_back(ModelChunk::MessageStop(MessageStopChunk {
            stop_reason: self.stop_reason(endpoint),
            additional_model_response_fields: (!said.is_empty()).then(|| said.into()),
        }));
        let extra = std::mem::take(&mut self.said_of_call);
        let usage = self.usage;
        out.push_back(ModelChunk::Metadata(MetadataChunk { usage, metrics, extra }.into()));
        Ok(())
    }
}
