//! Pictures, documents, films and sound, as parts of a message.

use ropewalk_core::{AudioBlock, DocumentBlock, ImageBlock, Source, VideoBlock};
use serde_json::{Value, json};

use crate::media::{document_text, document_type, image_type, left_out, web_address};

const ELSEWHERE: &str = "it lies where this server can't fetch it";

/// A picture.
pub(super) fn image(block: &ImageBlock) -> Value {
    let format = block.format.to_ascii_lowercase();
    let mime = match format.as_str() {
        "png" | "jpeg" | "jpg" | "webp" | "heic" | "heif" => image_type(&format),
        _ => return text(&left_out("a picture", &unknown(&format))),
    };
    media(&mime, &block.source, "a picture")
}

/// A document, with its name before it: what is plain text goes as text, PDF as a file.
pub(super) fn document(block: &DocumentBlock) -> Vec<Value> {
    let (name, format) = (&block.name, block.format.to_ascii_lowercase());
    let what = format!("the document `{name}`");
    match (document_text(block), &block.source) {
        (Some(Ok(whole)), _) => return vec![text(&whole)],
        (Some(Err(why)), Source::Bytes(_)) => return vec![text(&left_out(&what, why))],
        // The server fetches what lies elsewhere.
        (Some(Err(_)) | None, _) => {}
    }
    let mime = match (document_type(&format), format.as_str()) {
        (Some(mime), "pdf" | "txt" | "md" | "csv" | "html") => mime,
        _ => return vec![text(&left_out(&what, &unknown(&format)))],
    };
    let file = media(mime, &block.source, &what);
    match file.get("text") {
        Some(_) => vec![file],
        None => vec![text(&format!("Document `{name}` ({format}):")), file],
    }
}

/// Sound.
pub(super) fn audio(block: &AudioBlock) -> Value {
    let format = block.format.to_ascii_lowercase();
    let mime = match format.as_str() {
        "mp3" | "mpeg" | "mpga" => "audio/mpeg",
        "wav" => "audio/wav",
        "aac" | "x-aac" => "audio/aac",
        "ogg" => "audio/ogg",
        "opus" => "audio/opus",
        "flac" => "audio/flac",
        "aiff" => "audio/aiff",
        "m4a" => "audio/m4a",
        "mp4" => "audio/mp4",
        "pcm" => "audio/pcm",
        "webm" => "audio/webm",
        _ => return text(&left_out("sound", &unknown(&format))),
    };
    media(mime, &block.source, "sound")
}

/// A film.
pub(super) fn film(block: &VideoBlock) -> Value {
    let format = block.format.to_ascii_lowercase();
    let mime = match format.as_str() {
        "mp4" => "video/mp4",
        "mpeg" => "video/mpeg",
        "mpg" => "video/mpg",
        "mov" => "video/mov",
        "avi" => "video/avi",
        "flv" => "video/x-flv",
        "webm" => "video/webm",
        "wmv" => "video/wmv",
        "three_gp" | "3gp" | "3gpp" => "video/3gpp",
        _ => return text(&left_out("a film", &unknown(&format))),
    };
    media(mime, &block.source, "a film")
}

pub(super) fn text(text: &str) -> Value {
    json!({"text": text})
}

/// Bytes that are here, or the address of those that lie where Google fetches them.
fn media(mime: &str, source: &Source, what: &str) -> Value {
    if let Source::Bytes(bytes) = source {
        return json!({"inlineData": {"mimeType": mime, "data": bytes.to_base64()}});
    }
    match web_address(source).or_else(|| storage_address(source)) {
        Some(uri) => json!({"fileData": {"mimeType": mime, "fileUri": uri}}),
        None => text(&left_out(what, ELSEWHERE)),
    }
}

/// The address of something in Google's storage.
fn storage_address(source: &Source) -> Option<&str> {
    let Source::Location(location) = source else { return None };
    location.get("uri")?.as_str().filter(|uri| uri.starts_with("gs://"))
}

fn unknown(format: &str) -> String {
    format!("its format `{format}` can't be sent")
}
