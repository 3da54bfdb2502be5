//! Pictures and documents, as parts of a message or of a tool's result.

use ropewalk_core::{DocumentBlock, ImageBlock, Source};
use serde_json::{Value, json};

use crate::media::{
    ELSEWHERE, data_url, document_text, document_type, file_name, image_type, left_out, web_address,
};

/// A text that the model reads.
pub(super) fn text(text: &str) -> Value {
    json!({"type": "input_text", "text": text})
}

/// A picture: inline, or by its address on the web.
pub(super) fn image(block: &ImageBlock) -> Value {
    let url = match &block.source {
        Source::Bytes(bytes) => data_url(&image_type(&block.format), bytes),
        source => match web_address(source) {
            Some(url) => url.to_owned(),
            None => return text(&left_out("a picture", ELSEWHERE)),
        },
    };
    json!({"type": "input_image", "image_url": url})
}

/// A document: inline, or by its address on the web. What is plain text goes as text: not all servers take such files.
pub(super) fn document(block: &DocumentBlock) -> Value {
    let left_out = |why: &str| text(&left_out(&format!("the document `{}`", block.name), why));
    if let Some(url) = web_address(&block.source) {
        return json!({"type": "input_file", "file_url": url});
    }
    match document_text(block) {
        Some(Ok(plain)) => return text(&plain),
        Some(Err(why)) => return left_out(why),
        None => {}
    }
    let Some(mime) = document_type(&block.format) else {
        return left_out(&format!("its format `{}` can't be sent", block.format));
    };
    let Source::Bytes(bytes) = &block.source else { return left_out(ELSEWHERE) };
    json!({"type": "input_file", "filename": file_name(block), "file_data": data_url(mime, bytes)})
}

/// What stands for sound.
pub(super) fn sound() -> Value {
    text(&left_out("sound", "this interface takes none"))
}

/// What stands for a film.
pub(super) fn film() -> Value {
    text(&left_out("a film", "this interface takes none"))
}
