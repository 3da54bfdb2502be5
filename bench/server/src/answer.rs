//! The answers, as OpenAI's chat completions have them.

use serde_json::json;

use crate::script::Script;

/// The head of an answer that is a stream of events.
pub(crate) const STREAM_HEAD: &[u8] = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream; charset=utf-8\r\ncache-control: no-cache\r\ntransfer-encoding: chunked\r\n\r\n";

/// The end of an answer that is a stream of events.
pub(crate) const STREAM_END: &[u8] = b"0\r\n\r\n";

/// The pieces in which a call's arguments come, as strings of JSON hold them.
const ARGUMENTS: [&str; 2] = [r#"{\"a\":1,"#, r#"\"b\":2}"#];

const WORD: &str = "word ";

/// Adds one event, as one chunk of HTTP.
fn event(out: &mut Vec<u8>, data: &str) {
    let length = "data: ".len() + data.len() + "\n\n".len();
    out.extend_from_slice(format!("{length:x}\r\ndata: {data}\n\n\r\n").as_bytes());
}

fn chunk(rest: &str) -> String {
    format!(
        r#"{{"id":"chatcmpl-bench","object":"chat.completion.chunk","created":1700000000,"model":"bench","system_fingerprint":"fp_bench",{rest}}}"#
    )
}

fn delta(out: &mut Vec<u8>, delta: &str, finish: &str) {
    let choice =
        format!(r#"{{"index":0,"delta":{delta},"logprobs":null,"finish_reason":{finish}}}"#);
    event(out, &chunk(&format!(r#""choices":[{choice}]"#)));
}

/// How an answer begins.
pub(crate) fn opening(out: &mut Vec<u8>) {
    delta(out, r#"{"role":"assistant","content":"","refusal":null}"#, "null");
}

/// The events of a tool call, each handed to `each` when it stands in `out`.
pub(crate) fn call(out: &mut Vec<u8>, script: &Script, mut each: impl FnMut(&Vec<u8>)) {
    let id = call_id(script);
    let begin = format!(
        r#"{{"tool_calls":[{{"index":0,"id":"{id}","type":"function","function":{{"name":"add","arguments":""}}}}]}}"#
    );
    delta(out, &begin, "null");
    each(out);
    for piece in ARGUMENTS {
        let piece =
            format!(r#"{{"tool_calls":[{{"index":0,"function":{{"arguments":"{piece}"}}}}]}}"#);
        delta(out, &piece, "null");
        each(out);
    }
    delta(out, "{}", r#""tool_calls""#);
}

/// One piece of text.
pub(crate) fn word(out: &mut Vec<u8>) {
    delta(out, &format!(r#"{{"content":"{WORD}"}}"#), "null");
}

/// Says that the text is whole.
pub(crate) fn stop(out: &mut Vec<u8>) {
    delta(out, "{}", r#""stop""#);
}

/// What stands at the end of every stream.
pub(crate) fn closing(out: &mut Vec<u8>, tokens: u64) {
    let usage = format!(
        r#"{{"prompt_tokens":10,"completion_tokens":{tokens},"total_tokens":{}}}"#,
        tokens + 10
    );
    event(out, &chunk(&format!(r#""choices":[],"usage":{usage}"#)));
    event(out, "[DONE]");
    out.extend_from_slice(STREAM_END);
}

/// The whole answer in one piece.
pub(crate) fn document(out: &mut Vec<u8>, script: &Script) {
    let (message, finish) = if script.called < script.calls {
        let function = json!({"name": "add", "arguments": r#"{"a":1,"b":2}"#});
        let calls = json!([{"id": call_id(script), "type": "function", "function": function}]);
        let message =
            json!({"role": "assistant", "content": null, "refusal": null, "tool_calls": calls});
        (message, "tool_calls")
    } else {
        let text = WORD.repeat(script.tokens as usize);
        (json!({"role": "assistant", "content": text, "refusal": null}), "stop")
    };
    let usage = json!({
        "prompt_tokens": 10, "completion_tokens": script.tokens, "total_tokens": script.tokens + 10,
    });
    let body = json!({
        "id": "chatcmpl-bench", "object": "chat.completion", "created": 1_700_000_000, "model": "bench",
        "system_fingerprint": "fp_bench", "usage": usage,
        "choices": [{"index": 0, "message": message, "logprobs": null, "finish_reason": finish}],
    })
    .to_string();
    let head = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length:";
    out.extend_from_slice(format!("{head} {}\r\n\r\n{body}", body.len()).as_bytes());
}

fn call_id(script: &Script) -> String {
    format!("call_{:08}", script.called)
}
