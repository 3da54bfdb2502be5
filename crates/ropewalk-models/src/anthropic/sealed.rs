//! Thoughts that the provider sealed: base64 on the wire, and bytes in a message, as Bedrock and Strands have them.

use ropewalk_core::Blob;
use serde_json::json;

/// Stands before a text that is no base64 after all, so that it can go back as it came.
const AS_TEXT: &[u8] = b"anthropic:";

/// The bytes that stand in a message.
pub(super) fn bytes(data: &str) -> Blob {
    decoded(data).unwrap_or_else(|| Blob::from([AS_TEXT, data.as_bytes()].concat()))
}

fn decoded(data: &str) -> Option<Blob> {
    let encoded = json!({"__bytes_encoded__": true, "data": data});
    let bytes: Blob = serde_json::from_value(encoded).ok()?;
    // It must come out as it went in.
    (bytes.to_base64() == data && !bytes.starts_with(AS_TEXT)).then_some(bytes)
}

/// What is sent of them.
pub(super) fn data(bytes: &Blob) -> String {
    match bytes.strip_prefix(AS_TEXT).and_then(|text| std::str::from_utf8(text).ok()) {
        Some(text) => text.to_owned(),
        None => bytes.to_base64(),
    }
}
