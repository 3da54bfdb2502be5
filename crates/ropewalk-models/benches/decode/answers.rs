//! Long answers, in the form in which providers send them.

use std::fmt::Write as _;

/// How many pieces of text an answer has.
pub(crate) const CHUNKS: usize = 20_000;

/// What an answer is written in.
#[derive(Clone, Copy)]
#[allow(dead_code, reason = "which interfaces there are is a matter of features")]
pub(crate) enum Answer {
    Chat,
    Responses,
    Anthropic,
    Gemini,
    /// Lines of JSON.
    Ollama,
}

impl Answer {
    /// The whole HTTP answer, each event in a frame of its own.
    pub(crate) fn bytes(self) -> Vec<u8> {
        let mut events = Events(String::new());
        match self {
            Self::Chat => chat(&mut events),
            Self::Responses => responses(&mut events),
            Self::Anthropic => anthropic(&mut events),
            Self::Gemini => gemini(&mut events),
            Self::Ollama => ollama(&mut events),
        }
        let kind = match self {
            Self::Ollama => "application/x-ndjson",
            _ => "text/event-stream",
        };
        let head = format!(
            "HTTP/1.1 200 OK\r\ncontent-type: {kind}\r\ntransfer-encoding: chunked\r\n\r\n"
        );
        (head + &events.0 + "0\r\n\r\n").into_bytes()
    }
}

/// Frames of HTTP.
struct Events(String);

impl Events {
    fn frame(&mut self, event: &str) {
        write!(self.0, "{:x}\r\n{event}\r\n", event.len()).unwrap();
    }

    fn data(&mut self, data: &str) {
        self.frame(&format!("data: {data}\n\n"));
    }

    /// An event with the name that stands as its type.
    fn typed(&mut self, name: &str, rest: &str) {
        self.frame(&format!("event: {name}\ndata: {{\"type\":\"{name}\",{rest}}}\n\n"));
    }
}

/// Pieces of text, as they stand in JSON: some have something in them that is escaped.
fn words() -> impl Iterator<Item = &'static str> {
    (0..CHUNKS).map(|at| if at % 16 == 0 { ".\\n" } else { " word" })
}

fn chat(events: &mut Events) {
    let head = r#"{"id":"chatcmpl-CkZ3aW9uZSBvZiBtYW55","object":"chat.completion.chunk","created":1790000000,"model":"gpt-4o-mini-2024-07-18","service_tier":"default","system_fingerprint":"fp_560af6e559""#;
    let mut choice = |delta: &str, reason: &str| {
        events.data(&format!(
            r#"{head},"choices":[{{"index":0,"delta":{delta},"logprobs":null,"finish_reason":{reason}}}],"usage":null}}"#
        ));
    };
    choice(r#"{"role":"assistant","content":"","refusal":null}"#, "null");
    for word in words() {
        choice(&format!(r#"{{"content":"{word}"}}"#), "null");
    }
    choice("{}", r#""stop""#);
    let usage = r#"{"prompt_tokens":9,"completion_tokens":20000,"total_tokens":20009}"#;
    events.data(&format!(r#"{head},"choices":[],"usage":{usage}}}"#));
    events.data("[DONE]");
}

fn responses(events: &mut Events) {
    let response = |status: &str, output: &str, usage: &str| {
        format!(
            r#""response":{{"id":"resp_68f0a1","object":"response","created_at":1790000000,"status":"{status}","error":null,"incomplete_details":null,"instructions":null,"max_output_tokens":null,"model":"gpt-4o-mini-2024-07-18","output":[{output}],"parallel_tool_calls":true,"previous_response_id":null,"reasoning":{{"effort":null,"summary":null}},"store":true,"temperature":1.0,"text":{{"format":{{"type":"text"}}}},"tool_choice":"auto","tools":[],"top_p":1.0,"truncation":"disabled","usage":{usage},"user":null,"metadata":{{}}}}"#
        )
    };
    let part = |text: &str| {
        format!(r#"{{"type":"output_text","annotations":[],"logprobs":[],"text":"{text}"}}"#)
    };
    let item = |status: &str, content: &str| {
        format!(
            r#"{{"id":"msg_68f0a2","type":"message","status":"{status}","content":[{content}],"role":"assistant"}}"#
        )
    };
    let place = r#""item_id":"msg_68f0a2","output_index":0,"content_index":0"#;
    let text: String = words().collect();
    let begun = response("in_progress", "", "null");
    events.typed("response.created", &format!(r#""sequence_number":0,{begun}"#));
    events.typed("response.in_progress", &format!(r#""sequence_number":1,{begun}"#));
    let open = item("in_progress", "");
    events.typed(
        "response.output_item.added",
        &format!(r#""sequence_number":2,"output_index":0,"item":{open}"#),
    );
    events.typed(
        "response.content_part.added",
        &format!(r#""sequence_number":3,{place},"part":{}"#, part("")),
    );
    for (word, at) in words().zip(4..) {
        events.typed(
            "response.output_text.delta",
            &format!(
                r#""sequence_number":{at},{place},"delta":"{word}","logprobs":[],"obfuscation":"Xn3kQ0v""#
            ),
        );
    }
    events.typed(
        "response.output_text.done",
        &format!(r#""sequence_number":30001,{place},"text":"{text}","logprobs":[]"#),
    );
    events.typed(
        "response.content_part.done",
        &format!(r#""sequence_number":30002,{place},"part":{}"#, part(&text)),
    );
    let whole = item("completed", &part(&text));
    events.typed(
        "response.output_item.done",
        &format!(r#""sequence_number":30003,"output_index":0,"item":{whole}"#),
    );
    let usage = r#"{"input_tokens":9,"input_tokens_details":{"cached_tokens":0},"output_tokens":20000,"output_tokens_details":{"reasoning_tokens":0},"total_tokens":20009}"#;
    let ended = response("completed", &whole, usage);
    events.typed("response.completed", &format!(r#""sequence_number":30004,{ended}"#));
}

fn anthropic(events: &mut Events) {
    events.typed(
        "message_start",
        r#""message":{"model":"claude-sonnet-4-5-20250929","id":"msg_01XFDUDYJgAACzvnptvVoYEL","type":"message","role":"assistant","content":[],"stop_reason":null,"stop_sequence":null,"usage":{"input_tokens":9,"cache_creation_input_tokens":0,"cache_read_input_tokens":0,"output_tokens":1}}"#,
    );
    events.typed("content_block_start", r#""index":0,"content_block":{"type":"text","text":""}"#);
    for word in words() {
        events.typed(
            "content_block_delta",
            &format!(r#""index":0,"delta":{{"type":"text_delta","text":"{word}"}}"#),
        );
    }
    events.typed("content_block_stop", r#""index":0"#);
    events.typed(
        "message_delta",
        r#""delta":{"stop_reason":"end_turn","stop_sequence":null},"usage":{"output_tokens":20000}"#,
    );
    events.frame("event: message_stop\ndata: {\"type\":\"message_stop\"}\n\n");
}

fn gemini(events: &mut Events) {
    let mut part = |text: &str, reason: &str, count: usize| {
        events.frame(&format!(
            "data: {{\"candidates\": [{{\"content\": {{\"parts\": [{{\"text\": \"{text}\"}}],\"role\": \"model\"}},{reason}\"index\": 0}}],\"usageMetadata\": {{\"promptTokenCount\": 9,\"candidatesTokenCount\": {count},\"totalTokenCount\": {},\"promptTokensDetails\": [{{\"modality\": \"TEXT\",\"tokenCount\": 9}}]}},\"modelVersion\": \"gemini-2.5-flash\",\"responseId\": \"nYsQaZbXJ8u\"}}\r\n\r\n",
            count + 9
        ));
    };
    for (word, at) in words().zip(1..) {
        let reason = if at == CHUNKS { "\"finishReason\": \"STOP\"," } else { "" };
        part(word, reason, at);
    }
}

fn ollama(events: &mut Events) {
    let head = r#"{"model":"qwen3:8b","created_at":"2026-11-26T12:00:00.123456789Z""#;
    for word in words() {
        events.frame(&format!(
            "{head},\"message\":{{\"role\":\"assistant\",\"content\":\"{word}\"}},\"done\":false}}\n"
        ));
    }
    events.frame(&format!(
        "{head},\"message\":{{\"role\":\"assistant\",\"content\":\"\"}},\"done\":true,\"done_reason\":\"stop\",\"total_duration\":9000000,\"load_duration\":100000,\"prompt_eval_count\":9,\"prompt_eval_duration\":100000,\"eval_count\":20000,\"eval_duration\":8000000}}\n"
    ));
}
