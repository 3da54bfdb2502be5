//! An answer in one piece, as the events that it would have come in.

use serde_json::{Map, Value, json};

type Event = (&'static str, Map<String, Value>);

/// The events; none if there is no message in the answer.
pub(super) fn events(mut answer: Map<String, Value>) -> Option<Vec<Event>> {
    let blocks = answer.get_mut("output")?.get_mut("message")?.get_mut("content")?.take();
    let Value::Array(blocks) = blocks else { return None };
    let mut events = Events(vec![("messageStart", Map::new())]);
    for (block, number) in blocks.into_iter().zip(0_u64..) {
        let Value::Object(block) = block else { return None };
        for (kind, content) in block {
            events.block(number, &kind, content);
        }
        events.push("contentBlockStop", json!({"contentBlockIndex": number}));
    }
    answer.remove("output");
    let mut stop = Map::new();
    for key in ["stopReason", "additionalModelResponseFields"] {
        stop.extend(answer.remove(key).map(|value| (key.to_owned(), value)));
    }
    events.0.push(("messageStop", stop));
    events.0.push(("metadata", answer));
    Some(events.0)
}

struct Events(Vec<Event>);

impl Events {
    fn push(&mut self, name: &'static str, event: Value) {
        if let Value::Object(event) = event {
            self.0.push((name, event));
        }
    }

    fn delta(&mut self, number: u64, delta: Value) {
        self.push("contentBlockDelta", json!({"contentBlockIndex": number, "delta": delta}));
    }

    fn block(&mut self, number: u64, kind: &str, mut content: Value) {
        match kind {
            "toolUse" => {
                let input = content.get("input").map(Value::to_string).unwrap_or_default();
                self.push(
                    "contentBlockStart",
                    json!({"contentBlockIndex": number, "start": {"toolUse": content}}),
                );
                self.delta(number, json!({"toolUse": {"input": input}}));
            }
            "reasoningContent" => match content.get_mut("reasoningText").map(Value::take) {
                Some(Value::Object(thoughts)) => {
                    for (key, value) in thoughts {
                        self.delta(number, json!({"reasoningContent": {key: value}}));
                    }
                }
                _ => self.delta(number, json!({"reasoningContent": content})),
            },
            "citationsContent" => {
                let mut all = |key: &str| match content.get_mut(key).map(Value::take) {
                    Some(Value::Array(items)) => items,
                    _ => Vec::new(),
                };
                let (texts, citations) = (all("content"), all("citations"));
                texts.into_iter().for_each(|text| self.delta(number, text));
                for citation in citations {
                    self.delta(number, json!({"citation": citation}));
                }
            }
            _ => self.delta(number, json!({kind: content})),
        }
    }
}
