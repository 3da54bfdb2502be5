//! Pictures, documents and sound, as parts of a message.

use ropewalk_core::{AudioBlock, Blob, DocumentBlock, ImageBlock, Source};
use serde_json::{Value, json};

use super::messages::text_part;
use crate::media::{document_text, document_type, image_type, left_out, web_address};

const ELSEWHERE: &str = "it lies where this server can't fetch it";

/// A picture: inline, or by its address on the web.
pub(super) fn image(block: &ImageBlock) -> Value {
    let url = match &block.source {
        Source::Bytes(bytes) => data_url(&image_type(&block.format), bytes),
        source => match web_address(source) {
            Some(url) => url.to_owned(),
            None => return text_part(&left_out("a picture", ELSEWHERE)),
        },
    };
    json!({"type": "image_url", "image_url": {"url": url}})
}

/// A document: what is plain text goes as text, because most servers take no such files.
pub(super) fn document(block: &DocumentBlock) -> Value {
    let (name, format) = (&block.name, block.format.to_ascii_lowercase());
    let left_out = |why: &str| text_part(&left_out(&format!("the document `{name}`"), why));
    match document_text(block) {
        Some(Ok(text)) => return text_part(&text),
        Some(Err(why)) => return left_out(why),
        None => {}
    }
    let Some(mime) = document_type(&format) else {
        return left_out(&format!("its format `{format}` can't be sent"));
    };
    let Source::Bytes(bytes) = &block.source else { return left_out(ELSEWHERE) };
    let ending = format!(".{format}");
    let file = if name.ends_with(&ending) { name.clone() } else { format!("{name}{ending}") };
    json!({
        "type": "file",
        "file": {"filename": file, "file_data": data_url(mime, bytes)},
    })
}

/// Sound.
pub(super) fn audio(block: &AudioBlock) -> Value {
    let format = block.format.to_ascii_lowercase();
    let left_out = |why: &str| text_part(&left_out("sound", why));
    if !matches!(format.as_str(), "mp3" | "wav") {
        return left_out(&format!("its format `{format}` can't be sent, mp3 and wav can"));
    }
    let Source::Bytes(bytes) = &block.source else { return left_out(ELSEWHERE) };
    let data = bytes.to_base64();
    json!({"type": "input_audio", "input_audio": {"data": data, "format": format}})
}

/// What stands for a film: no server of this interface takes one.
pub(super) fn film() -> Value {
    text_part(&left_out("a film", "this interface takes none"))
}

fn data_url(mime: &str, bytes: &Blob) -> String {
    format!("data:{mime};base64,{}", bytes.to_base64())
}
