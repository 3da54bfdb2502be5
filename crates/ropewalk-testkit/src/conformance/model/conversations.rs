//! Conversations that another provider may have led.

use ropewalk_core::{Message, ModelRequest, SystemBlock, SystemPrompt, Transcript};
use serde_json::{Value, json};

/// Conversations such as an agent may bring along: from another provider, from Strands, from a crash, from a user with
/// unusual wishes. Each is a valid transcript, so any model must take it. With a name for errors to show.
///
/// ```
/// use ropewalk_testkit::conformance::conversations;
///
/// assert!(conversations().len() > 10);
/// ```
pub fn conversations() -> Vec<(&'static str, ModelRequest)> {
    let all = [
        ("sealed and signed thoughts of another provider", thoughts()),
        ("ids of tool calls as no provider gives them", ids()),
        ("a tool whose name is none", names()),
        ("pictures and documents in tool results", results()),
        ("media of every kind, and elsewhere", media()),
        ("messages of one role in a row", in_a_row()),
        ("messages without content, and blank ones", blank()),
        ("the model speaks first", model_first()),
        ("cache points in odd places", cache_points()),
        ("cited and guarded text", cited()),
        ("blocks of a later version", unknown()),
        ("tool results with words before and behind them", words_around()),
        ("arguments that are no object", arguments()),
        ("control characters and half of an emoji's kin", characters()),
    ];
    let mut requests: Vec<(&'static str, ModelRequest)> = Vec::new();
    for (name, messages) in all {
        let read: Result<Vec<Message>, _> = serde_json::from_value(messages);
        let transcript = read.ok().and_then(|read| Transcript::from_messages(read).ok());
        // All of these are valid; a test of this crate sees to it.
        if let Some(transcript) = transcript {
            requests.push((name, ModelRequest::new(transcript)));
        }
    }
    let mut system = ModelRequest::new(Transcript::new());
    let _ = system.messages.push(Message::user("Hello."));
    requests.push(("a system prompt of blocks", system.with_system(blocks())));
    requests
}

fn blocks() -> SystemPrompt {
    let cache = || SystemBlock::CachePoint(ropewalk_core::CachePoint::default());
    let text = |text: &str| SystemBlock::Text(text.to_owned());
    SystemPrompt::new([cache(), text("Be brief."), cache(), text(""), text("Be kind."), cache()])
}

fn bytes(text: &str) -> Value {
    json!({"bytes": ropewalk_core::Blob::from(text.as_bytes().to_vec())})
}

fn user(content: Value) -> Value {
    json!({"role": "user", "content": content})
}

fn assistant(content: Value) -> Value {
    json!({"role": "assistant", "content": content})
}

fn question() -> Value {
    user(json!([{"text": "How high is Säntis?"}]))
}

fn calls(id: &str, name: &str, input: Value) -> Value {
    json!({"toolUse": {"toolUseId": id, "name": name, "input": input}})
}

fn gives(id: &str, content: Value) -> Value {
    json!({"toolResult": {"toolUseId": id, "status": "success", "content": content}})
}

fn thoughts() -> Value {
    json!([
        question(),
        assistant(json!([
            {"reasoningContent": {"reasoningText": {"text": "Unsigned."}}},
            {"reasoningContent": {"reasoningText": {"text": "Signed.", "signature": "c2lnbmVk"}}},
            {"reasoningContent": {"redactedContent": {"__bytes_encoded__": true, "data": "c2VhbGVk"}}},
            {"text": "High."},
        ])),
        user(json!([{"text": "Sure?"}])),
        assistant(json!([{"reasoningContent": {"reasoningText": {"text": "Only thoughts."}}}])),
        user(
            json!([{"reasoningContent": {"reasoningText": {"text": "Thoughts of a user."}}}, {"text": "?"}])
        ),
    ])
}

fn ids() -> Value {
    let long = "call_".repeat(40);
    let ids = ["a b/c:d", &long, "ü", "functions.look:0", "x"];
    let uses: Vec<Value> = ids.iter().map(|id| calls(id, "look", json!({"place": "x"}))).collect();
    let results: Vec<Value> = ids.iter().map(|id| gives(id, json!([{"text": "seen"}]))).collect();
    json!([question(), assistant(uses.into()), user(results.into())])
}

fn names() -> Value {
    json!([
        question(),
        assistant(json!([calls("t1", "look at <this>", json!({})), calls("t2", "", json!({}))])),
        user(json!([gives("t1", json!([{"text": "no such tool"}])), gives("t2", json!([]))])),
    ])
}

fn results() -> Value {
    let image = json!({"image": {"format": "png", "source": bytes("png")}});
    let document =
        json!({"document": {"format": "pdf", "name": "the plan: 2nd", "source": bytes("%PDF")}});
    let failed =
        json!({"toolResult": {"toolUseId": "t3", "status": "error", "content": [{"text": "no"}]}});
    json!([
        question(),
        assistant(json!([
            calls("t1", "look", json!({})),
            calls("t2", "look", json!({})),
            calls("t3", "look", json!({})),
        ])),
        user(json!([
            gives("t2", json!([{"json": {"metres": 2502}}, document, {"hologram": 1}])),
            gives("t1", json!([image, {"text": "seen"}])),
            failed,
        ])),
    ])
}

fn media() -> Value {
    let elsewhere = json!({"location": {"type": "s3", "uri": "s3://bucket/key"}});
    let web = json!({"location": {"type": "url", "uri": "https://example.org/x.png"}});
    json!([
        user(json!([
            {"text": "Look:"},
            {"image": {"format": "png", "source": bytes("png")}},
            {"image": {"format": "webp", "source": elsewhere}},
            {"image": {"format": "jpeg", "source": web}},
            {"document": {"format": "txt", "name": "notes", "source": bytes("high")}},
            {"document": {"format": "csv", "name": "numbers", "source": bytes("a,b")}},
            {"document": {"format": "docx", "name": "letter", "source": bytes("PK")}},
            {"document": {"format": "odt", "name": "other", "source": bytes("PK")}},
            {"document": {"format": "pdf", "name": "plan", "source": elsewhere}},
            {"video": {"format": "mp4", "source": bytes("mp4")}},
            {"video": {"format": "three_gp", "source": elsewhere}},
            {"audio": {"format": "wav", "source": bytes("wav")}},
            {"audio": {"format": "flac", "source": bytes("flac")}},
        ])),
        assistant(
            json!([{"text": "Seen."}, {"image": {"format": "png", "source": bytes("made")}}])
        ),
        user(json!([{"image": {"format": "png", "source": bytes("alone")}}])),
    ])
}

fn in_a_row() -> Value {
    json!([
        question(),
        user(json!([{"text": "Well?"}])),
        user(json!([{"text": "Please."}])),
        assistant(json!([{"text": "2,502"}])),
        assistant(json!([{"text": "metres."}])),
        user(json!([{"text": "Thanks."}])),
    ])
}

fn blank() -> Value {
    json!([
        user(json!([])),
        assistant(json!([])),
        user(json!([{"text": ""}])),
        assistant(json!([{"text": " \n"}])),
        user(json!([{"text": "  "}, {"text": "Well?"}])),
    ])
}

fn model_first() -> Value {
    json!([
        assistant(json!([{"text": "Good day."}])),
        question(),
        assistant(json!([{"text": "High."}]))
    ])
}

fn cache_points() -> Value {
    let point = json!({"cachePoint": {"type": "default"}});
    let hour = json!({"cachePoint": {"type": "default", "ttl": "1h"}});
    json!([
        user(json!([point, {"text": "Look."}, point, point])),
        assistant(json!([{"text": "Seen."}, hour])),
        user(json!([point])),
        user(json!([{"text": "And?"}, point, {"text": "Well?"}, hour])),
    ])
}

fn cited() -> Value {
    json!([
        user(json!([{"guardContent": {"text": {"text": "guarded", "qualifiers": ["query"]}}}])),
        assistant(json!([{"citationsContent": {
            "citations": [{"title": "Alps", "location": {"web": {"url": "https://example.org"}},
                "sourceContent": [{"text": "2,502"}]}],
            "content": [{"text": "High."}],
        }}])),
        question(),
    ])
}

fn unknown() -> Value {
    json!([
        user(json!([{"hologram": {"angle": 7}}])),
        assistant(json!([{"hologram": {"angle": 8}}, {"reasoningContent": {"sung": "la"}}])),
        user(json!([{"hologram": 9}, {"text": "Well?"}])),
    ])
}

fn words_around() -> Value {
    json!([
        question(),
        assistant(
            json!([{"text": "I look."}, calls("t1", "look", json!({"place": "x"})), {"text": "So."}])
        ),
        user(json!([{"text": "Quick!"}, gives("t1", json!([{"text": ""}])), {"text": "Thanks."}])),
        assistant(json!([{"text": "High."}])),
        user(json!([{"text": "How high?"}])),
    ])
}

fn arguments() -> Value {
    let inputs =
        [json!(null), json!([1, 2]), json!("text"), json!(7), json!({"deep": {"er": [{}]}})];
    let (mut uses, mut results) = (Vec::new(), Vec::new());
    for (at, input) in inputs.into_iter().enumerate() {
        uses.push(calls(&format!("t{at}"), "look", input));
        results.push(gives(&format!("t{at}"), json!([{"json": null}])));
    }
    json!([question(), assistant(uses.into()), user(results.into())])
}

fn characters() -> Value {
    let odd = "\u{0}\u{1b}[31m\u{202e}\u{feff}👩‍👩‍👧 \r\n\t\u{fffd}\u{10ffff}";
    json!([
        user(json!([{"text": odd}])),
        assistant(json!([calls("t1", "look", json!({odd: odd}))])),
        user(json!([gives("t1", json!([{"text": odd}]))])),
    ])
}
