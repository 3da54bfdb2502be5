//! Pictures, documents, films and sound: their types, and what stands for those that can't be sent.

use ropewalk_core::{Blob, DocumentBlock, Source};
use serde_json::{Map, Value};

/// The type of a picture of this format.
pub(crate) fn image_type(format: &str) -> String {
    match format.to_ascii_lowercase().as_str() {
        "jpg" => "image/jpeg".to_owned(),
        other => format!("image/{other}"),
    }
}

/// The type of a document of this format, if it is one of those that are known.
pub(crate) fn document_type(format: &str) -> Option<&'static str> {
    Some(match format.to_ascii_lowercase().as_str() {
        "pdf" => "application/pdf",
        "csv" => "text/csv",
        "html" => "text/html",
        "txt" => "text/plain",
        "md" => "text/markdown",
        "doc" => "application/msword",
        "docx" => "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
        "xls" => "application/vnd.ms-excel",
        "xlsx" => "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
        _ => return None,
    })
}

/// The text of a document that is plain text, with its name in front: few models take such as files. None if its
/// format is none of text; an error says why the text can't be read.
pub(crate) fn document_text(block: &DocumentBlock) -> Option<Result<String, &'static str>> {
    let format = block.format.to_ascii_lowercase();
    if !matches!(format.as_str(), "txt" | "md" | "csv" | "html") {
        return None;
    }
    let Source::Bytes(bytes) = &block.source else {
        return Some(Err("its bytes are not in the message"));
    };
    let text = std::str::from_utf8(bytes).map_err(|_| "it is no UTF-8 text");
    Some(text.map(|text| format!("Document `{}` ({format}):\n\n{text}", block.name)))
}

/// The address of something that lies on the web.
pub(crate) fn web_address(source: &Source) -> Option<&str> {
    let Source::Location(location) = source else { return None };
    let uri = location.get("uri").or_else(|| location.get("url"))?.as_str()?;
    (uri.starts_with("https://") || uri.starts_with("http://")).then_some(uri)
}

/// Why something can't be sent that is not in the message.
pub(crate) const ELSEWHERE: &str = "it lies where this server can't fetch it";

/// The name of a document as a file has it, with the ending of its format.
pub(crate) fn file_name(block: &DocumentBlock) -> String {
    let ending = format!(".{}", block.format.to_ascii_lowercase());
    let name = &block.name;
    if name.ends_with(&ending) { name.clone() } else { format!("{name}{ending}") }
}

/// Bytes, in a URL that holds them.
pub(crate) fn data_url(mime: &str, bytes: &Blob) -> String {
    format!("data:{mime};base64,{}", bytes.to_base64())
}

/// What stands for something that can't be sent: the model is told that it is missing, and the log why.
pub(crate) fn left_out(what: &str, why: &str) -> String {
    tracing::warn!("{what} is not sent to the model: {why}");
    format!("[{what} is left out: {why}]")
}

/// Says that a block of a kind that this version does not know is not sent.
pub(crate) fn warn_unknown(block: &Map<String, Value>) {
    let keys: Vec<&str> = block.keys().map(String::as_str).collect();
    tracing::warn!(?keys, "a block of an unknown kind is not sent to the model");
}
