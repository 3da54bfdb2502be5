//! The block that is being written.

use ropewalk_core::{BlockDelta, ModelChunk, ReasoningDelta};
use serde_json::{Map, Value};

use super::OWN;
use super::citations::citation;
use super::sealed;
use super::wire::{Delta, DeltaKind};
use crate::http::Chunks;

/// The block that is being written.
#[derive(Debug)]
pub(super) struct Open {
    pub(super) index: Option<u64>,
    kind: Kind,
}

#[derive(Debug)]
enum Kind {
    /// Text or thoughts.
    Words,
    /// A call, with the arguments that stood in its beginning, until pieces of them come.
    Call(Option<Value>),
    /// A block of the interface's own, as it is so far, and the pieces of its input.
    Own(Map<String, Value>, String),
}

impl Open {
    /// A block begins; all that it holds already is sent on.
    pub(super) fn begin(index: Option<u64>, mut block: Value, out: &mut Chunks) -> Self {
        let mut take = |key: &str| match block.get_mut(key).map(Value::take) {
            Some(Value::String(text)) => text,
            _ => String::new(),
        };
        let kind = match take("type").as_str() {
            "text" => {
                out.push_back(ModelChunk::block_start());
                let text = take("text");
                if !text.is_empty() {
                    out.push_back(ModelChunk::text_delta(text));
                }
                let cited = block.get("citations").and_then(Value::as_array);
                out.extend(cited.into_iter().flatten().map(of_citation));
                Kind::Words
            }
            "thinking" => {
                out.push_back(ModelChunk::block_start());
                let thoughts = take("thinking");
                if !thoughts.is_empty() {
                    out.push_back(ModelChunk::reasoning_delta(thoughts));
                }
                let signature = take("signature");
                if !signature.is_empty() {
                    out.push_back(of_signature(signature));
                }
                Kind::Words
            }
            "redacted_thinking" => {
                out.push_back(ModelChunk::block_start());
                let bytes = sealed::bytes(&take("data"));
                let delta = ReasoningDelta { redacted_content: Some(bytes), ..Default::default() };
                out.push_back(ModelChunk::delta(BlockDelta::ReasoningContent(delta)));
                Kind::Words
            }
            "tool_use" => {
                let (id, name) = (take("id"), take("name"));
                out.push_back(ModelChunk::tool_use_start(id, name));
                Kind::Call(block.get_mut("input").map(Value::take).filter(holds_something))
            }
            kind => {
                out.push_back(ModelChunk::block_start());
                let mut own = match block {
                    Value::Object(own) => own,
                    _ => Map::new(),
                };
                own.insert("type".into(), kind.into());
                Kind::Own(own, String::new())
            }
        };
        Self { index, kind }
    }

    /// A block that nobody announced, for a piece of this kind.
    pub(super) fn unannounced(index: Option<u64>, out: &mut Chunks) -> Self {
        out.push_back(ModelChunk::block_start());
        Self { index, kind: Kind::Words }
    }

    /// Whether pieces of arguments belong here.
    pub(super) fn takes_input(&self) -> bool {
        !matches!(self.kind, Kind::Words)
    }

    /// Takes a piece of a kind that all know.
    pub(super) fn piece(&mut self, delta: Delta, out: &mut Chunks) {
        let words = match delta.kind {
            DeltaKind::TextDelta => delta.text.map(ModelChunk::text_delta),
            DeltaKind::ThinkingDelta => delta.thinking.map(ModelChunk::reasoning_delta),
            DeltaKind::SignatureDelta => delta.signature.map(of_signature),
            DeltaKind::InputJsonDelta => {
                let piece = delta.partial_json.filter(|piece| !piece.is_empty());
                match (&mut self.kind, piece) {
                    (Kind::Call(input), Some(piece)) => {
                        *input = None;
                        Some(ModelChunk::input_delta(piece))
                    }
                    (Kind::Own(_, input), Some(piece)) => {
                        input.push_str(&piece);
                        None
                    }
                    _ => None,
                }
            }
            DeltaKind::Other => None,
        };
        if matches!(self.kind, Kind::Words | Kind::Call(_)) {
            out.extend(words);
        }
    }

    /// Takes a piece of any other kind.
    pub(super) fn other(&mut self, delta: &Value, out: &mut Chunks) {
        let Some(delta) = delta.as_object() else { return };
        match &mut self.kind {
            Kind::Words => {
                if let Some(told) = delta.get("citation") {
                    out.push_back(of_citation(told));
                }
            }
            Kind::Call(_) => {}
            Kind::Own(own, _) => {
                for (key, value) in delta.iter().filter(|(key, _)| *key != "type") {
                    match (own.get_mut(key), value) {
                        (Some(Value::String(text)), Value::String(piece)) => text.push_str(piece),
                        _ => {
                            own.insert(key.clone(), value.clone());
                        }
                    }
                }
            }
        }
    }

    /// The block is whole.
    pub(super) fn end(self, out: &mut Chunks) {
        match self.kind {
            Kind::Words => {}
            Kind::Call(input) => {
                out.extend(input.map(|input| ModelChunk::input_delta(input.to_string())));
            }
            Kind::Own(mut own, input) => {
                if !input.is_empty() {
                    // What is no JSON is kept as the text that it is.
                    let input = serde_json::from_str(&input).unwrap_or(Value::String(input));
                    own.insert("input".into(), input);
                }
                let mut whole = Map::new();
                whole.insert(OWN.into(), Value::Object(own));
                out.push_back(ModelChunk::delta(BlockDelta::Unknown(whole)));
            }
        }
        out.push_back(ModelChunk::block_stop());
    }
}

fn holds_something(input: &Value) -> bool {
    match input {
        Value::Null => false,
        Value::Object(map) => !map.is_empty(),
        _ => true,
    }
}

fn of_signature(signature: String) -> ModelChunk {
    let delta = ReasoningDelta { signature: Some(signature), ..Default::default() };
    ModelChunk::delta(BlockDelta::ReasoningContent(delta))
}

fn of_citation(told: &Value) -> ModelChunk {
    ModelChunk::delta(BlockDelta::Citation(citation(told).into()))
}
