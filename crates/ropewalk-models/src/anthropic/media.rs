//! Pictures and documents, as blocks of a message.

use ropewalk_core::{DocumentBlock, ImageBlock, Source};
use serde_json::{Map, Value, json};

use crate::media::{image_type, left_out, web_address};

const ELSEWHERE: &str = "it lies where this provider can't fetch it";

/// A picture; a note in its place if it can't be sent.
pub(super) fn image(block: &ImageBlock) -> Value {
    let source = match &block.source {
        Source::Bytes(bytes) => {
            let media_type = image_type(&block.format);
            if !matches!(&*media_type, "image/png" | "image/jpeg" | "image/gif" | "image/webp") {
                let why = format!("its format `{}` can't be sent", block.format);
                return text(&left_out("a picture", &why));
            }
            json!({"type": "base64", "media_type": media_type, "data": bytes.to_base64()})
        }
        source => match web_address(source) {
            Some(url) => json!({"type": "url", "url": url}),
            None => return text(&left_out("a picture", ELSEWHERE)),
        },
    };
    json!({"type": "image", "source": source})
}

/// A document; a note in its place if it can't be sent.
pub(super) fn document(block: &DocumentBlock) -> Value {
    let source = match source(block) {
        Ok(source) => source,
        Err(why) => return text(&left_out(&format!("the document `{}`", block.name), &why)),
    };
    let mut document = Map::new();
    document.insert("type".into(), "document".into());
    document.insert("source".into(), source);
    if !block.name.trim().is_empty() {
        document.insert("title".into(), block.name.as_str().into());
    }
    for key in ["context", "citations"] {
        if let Some(value) = block.extra.get(key).filter(|value| !value.is_null()) {
            document.insert(key.into(), value.clone());
        }
    }
    Value::Object(document)
}

fn source(block: &DocumentBlock) -> Result<Value, String> {
    let format = block.format.to_ascii_lowercase();
    match (format.as_str(), &block.source) {
        ("pdf", Source::Bytes(bytes)) => {
            let data = bytes.to_base64();
            Ok(json!({"type": "base64", "media_type": "application/pdf", "data": data}))
        }
        ("pdf", source) => match web_address(source) {
            Some(url) => Ok(json!({"type": "url", "url": url})),
            None => Err(ELSEWHERE.into()),
        },
        ("txt" | "md" | "csv" | "html", Source::Bytes(bytes)) => match std::str::from_utf8(bytes) {
            Ok(text) if text.trim().is_empty() => Err("it is empty".into()),
            Ok(text) => Ok(json!({"type": "text", "media_type": "text/plain", "data": text})),
            Err(_) => Err("it is no UTF-8 text".into()),
        },
        ("txt" | "md" | "csv" | "html", _) => Err("its bytes are not in the message".into()),
        _ => Err(format!("its format `{format}` can't be sent")),
    }
}

pub(super) fn text(text: &str) -> Value {
    json!({"type": "text", "text": text})
}
