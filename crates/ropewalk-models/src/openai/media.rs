//! Pictures, documents and sound, as parts of a message.

use ropewalk_core::{AudioBlock, Blob, DocumentBlock, Error, ErrorKind, ImageBlock, Source};
use serde_json::{Value, json};

use super::messages::text_part;

/// A picture: inline, or by its address on the web.
pub(super) fn image(block: &ImageBlock) -> Result<Value, Error> {
    let url = match &block.source {
        Source::Bytes(bytes) => {
            let kind = match block.format.to_ascii_lowercase().as_str() {
                "jpg" => "jpeg".to_owned(),
                other => other.to_owned(),
            };
            data_url(&format!("image/{kind}"), bytes)
        }
        Source::Location(location) => {
            web_address(location).ok_or_else(|| elsewhere("the picture", location))?.to_owned()
        }
        other => return Err(elsewhere("the picture", other)),
    };
    Ok(json!({"type": "image_url", "image_url": {"url": url}}))
}

/// A document: what is plain text goes as text, because most servers take no such files.
pub(super) fn document(block: &DocumentBlock) -> Result<Value, Error> {
    let name = &block.name;
    let bytes = inline(&format!("the document `{name}`"), &block.source)?;
    let format = block.format.to_ascii_lowercase();
    let mime = match format.as_str() {
        "txt" | "md" | "csv" | "html" => {
            let text = std::str::from_utf8(bytes).map_err(|error| {
                let text = format!("the document `{name}` ({format}) is no UTF-8 text");
                Error::new(ErrorKind::InvalidInput, text).with_source(error)
            })?;
            return Ok(text_part(&format!("Document `{name}` ({format}):\n\n{text}")));
        }
        "pdf" => "application/pdf",
        "doc" => "application/msword",
        "docx" => "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
        "xls" => "application/vnd.ms-excel",
        "xlsx" => "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
        _ => {
            let text = format!(
                "the document `{name}` has the format `{format}`, which can't be sent: pdf, doc, \
                 docx, xls, xlsx, txt, md, csv and html can"
            );
            return Err(Error::new(ErrorKind::Unsupported, text));
        }
    };
    let ending = format!(".{format}");
    let file = if name.ends_with(&ending) { name.clone() } else { format!("{name}{ending}") };
    Ok(json!({
        "type": "file",
        "file": {"filename": file, "file_data": data_url(mime, bytes)},
    }))
}

/// Sound.
pub(super) fn audio(block: &AudioBlock) -> Result<Value, Error> {
    let format = block.format.to_ascii_lowercase();
    if !matches!(format.as_str(), "mp3" | "wav") {
        let text = format!("sound of the format `{format}` can't be sent: mp3 and wav can");
        return Err(Error::new(ErrorKind::Unsupported, text));
    }
    let data = inline("the sound", &block.source)?.to_base64();
    Ok(json!({"type": "input_audio", "input_audio": {"data": data, "format": format}}))
}

fn inline<'a>(what: &str, source: &'a Source) -> Result<&'a Blob, Error> {
    match source {
        Source::Bytes(bytes) => Ok(bytes),
        Source::Location(location) => Err(elsewhere(what, location)),
        other => Err(elsewhere(what, other)),
    }
}

fn data_url(mime: &str, bytes: &Blob) -> String {
    format!("data:{mime};base64,{}", bytes.to_base64())
}

fn web_address(location: &Value) -> Option<&str> {
    let uri = location.get("uri")?.as_str()?;
    (uri.starts_with("https://") || uri.starts_with("http://")).then_some(uri)
}

fn elsewhere(what: &str, source: impl serde::Serialize) -> Error {
    let place = serde_json::to_string(&source).unwrap_or_default();
    let text = format!(
        "{what} lies at {place}, where an OpenAI-compatible server can't fetch it: put its bytes \
         into the message"
    );
    Error::new(ErrorKind::Unsupported, text)
}
