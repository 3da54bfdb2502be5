//! Pictures, documents, films and sound, as blocks.

use ropewalk_core::{AudioBlock, DocumentBlock, Extra, ImageBlock, Source, VideoBlock};
use serde_json::{Map, Value, json};

use super::messages::text_block;
use crate::media::left_out;

const IMAGES: [&str; 4] = ["png", "jpeg", "gif", "webp"];
const DOCUMENTS: [&str; 9] = ["pdf", "csv", "doc", "docx", "xls", "xlsx", "html", "txt", "md"];
const FILMS: [&str; 9] = ["mkv", "mov", "mp4", "webm", "flv", "mpeg", "mpg", "wmv", "three_gp"];
const SOUNDS: [&str; 15] = [
    "mp3", "opus", "wav", "aac", "flac", "mp4", "ogg", "mkv", "mka", "x-aac", "m4a", "mpeg",
    "mpga", "pcm", "webm",
];

/// A picture.
pub(super) fn image(block: &ImageBlock) -> Value {
    medium("image", "a picture", &block.format, &IMAGES, &block.source)
}

/// A film.
pub(super) fn film(block: &VideoBlock) -> Value {
    medium("video", "a film", &block.format, &FILMS, &block.source)
}

/// Sound.
pub(super) fn audio(block: &AudioBlock) -> Value {
    medium("audio", "sound", &block.format, &SOUNDS, &block.source)
}

/// A document, under this name.
pub(super) fn document(block: &DocumentBlock, name: &str) -> Value {
    let what = format!("the document `{}`", block.name);
    let mut rendered = medium("document", &what, &block.format, &DOCUMENTS, &block.source);
    if let Some(document) = rendered.get_mut("document").and_then(Value::as_object_mut) {
        document.insert("name".into(), name.into());
        for key in ["citations", "context"] {
            keep(key, &block.extra, document);
        }
    }
    rendered
}

fn keep(key: &str, from: &Extra, into: &mut Map<String, Value>) {
    if let Some(value) = from.get(key).filter(|value| !value.is_null()) {
        into.insert(key.to_owned(), value.clone());
    }
}

fn medium(key: &str, what: &str, format: &str, known: &[&str], source: &Source) -> Value {
    let mut format = format.to_ascii_lowercase();
    for (other, own) in [("jpg", "jpeg"), ("3gp", "three_gp"), ("markdown", "md"), ("htm", "html")]
    {
        if format == other {
            own.clone_into(&mut format);
        }
    }
    if !known.contains(&format.as_str()) {
        return text_block(&left_out(
            what,
            &format!("Bedrock does not take its format `{format}`"),
        ));
    }
    let source = match source {
        Source::Bytes(bytes) => json!({"bytes": bytes.to_base64()}),
        Source::Location(location) => match in_s3(location) {
            Some(place) => json!({"s3Location": place}),
            None => return text_block(&left_out(what, "Bedrock fetches from S3 only")),
        },
        _ => return text_block(&left_out(what, "its source is of a kind that can't be sent")),
    };
    json!({key: {"format": format, "source": source}})
}

/// The place in S3 that a location names.
fn in_s3(location: &Value) -> Option<Value> {
    let uri = location.get("uri")?.as_str()?;
    let kind = location.get("type").and_then(Value::as_str);
    if !uri.starts_with("s3://") || kind.is_some_and(|kind| kind != "s3") {
        return None;
    }
    let mut place = json!({"uri": uri});
    if let (Some(owner), Some(place)) = (location.get("bucketOwner"), place.as_object_mut()) {
        place.insert("bucketOwner".into(), owner.clone());
    }
    Some(place)
}
