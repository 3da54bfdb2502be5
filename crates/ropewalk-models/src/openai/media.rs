//! Pictures, documents and sound, as parts of a message.

use ropewalk_core::{AudioBlock, DocumentBlock, ImageBlock, Source};
use serde_json::json;

use super::manner::{Files, Manner};
use super::part::Part;
use crate::media::{
    ELSEWHERE, data_url, document_text, document_type, file_name, image_type, left_out, web_address,
};

/// A picture: inline, or by its address on the web.
pub(super) fn image(block: &ImageBlock) -> Part<'static> {
    let url = match &block.source {
        Source::Bytes(bytes) => data_url(&image_type(&block.format), bytes),
        source => match web_address(source) {
            Some(url) => url.to_owned(),
            None => return Part::text(left_out("a picture", ELSEWHERE)),
        },
    };
    Part::Other(json!({"type": "image_url", "image_url": {"url": url}}))
}

/// A document: what is plain text goes as text, because most servers take no such files.
pub(super) fn document(block: &DocumentBlock, manner: &Manner) -> Part<'static> {
    let (name, format) = (&block.name, block.format.to_ascii_lowercase());
    let left_out = |why: &str| Part::text(left_out(&format!("the document `{name}`"), why));
    if let (Files::Bare, Some(url)) = (manner.files, web_address(&block.source)) {
        return document_url(block, url);
    }
    match document_text(block) {
        Some(Ok(text)) => return Part::text(text),
        Some(Err(why)) => return left_out(why),
        None => {}
    }
    let Some(mime) = document_type(&format) else {
        return left_out(&format!("its format `{format}` can't be sent"));
    };
    let Source::Bytes(bytes) = &block.source else { return left_out(ELSEWHERE) };
    let url = data_url(mime, bytes);
    match manner.files {
        Files::Described => Part::Other(
            json!({"type": "file", "file": {"filename": file_name(block), "file_data": url}}),
        ),
        Files::Bare => document_url(block, &url),
    }
}

fn document_url(block: &DocumentBlock, url: &str) -> Part<'static> {
    Part::Other(
        json!({"type": "document_url", "document_url": url, "document_name": file_name(block)}),
    )
}

/// Sound.
pub(super) fn audio(block: &AudioBlock, manner: &Manner) -> Part<'static> {
    let format = block.format.to_ascii_lowercase();
    let left_out = |why: &str| Part::text(left_out("sound", why));
    if !matches!(format.as_str(), "mp3" | "wav") {
        return left_out(&format!("its format `{format}` can't be sent, mp3 and wav can"));
    }
    let Source::Bytes(bytes) = &block.source else { return left_out(ELSEWHERE) };
    let data = bytes.to_base64();
    match manner.files {
        Files::Described => Part::Other(
            json!({"type": "input_audio", "input_audio": {"data": data, "format": format}}),
        ),
        Files::Bare => Part::Other(json!({"type": "input_audio", "input_audio": data})),
    }
}

/// What stands for a film: no server of this interface takes one.
pub(super) fn film() -> Part<'static> {
    Part::text(left_out("a film", "this interface takes none"))
}
