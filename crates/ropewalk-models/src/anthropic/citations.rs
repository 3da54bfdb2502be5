//! Sources of what the model says, both ways.

use ropewalk_core::{Citation, CitationsContent, TextBlock};
use serde_json::{Map, Value, json};

use super::OWN;

/// A place in a source: what the interface calls it, its number and its range; and what Strands calls it, and its
/// number.
struct Place {
    kind: &'static str,
    number: &'static str,
    start: &'static str,
    end: &'static str,
    ours: &'static str,
    our_number: &'static str,
}

const PLACES: [Place; 4] = [
    Place {
        kind: "char_location",
        number: "document_index",
        start: "start_char_index",
        end: "end_char_index",
        ours: "documentChar",
        our_number: "documentIndex",
    },
    Place {
        kind: "page_location",
        number: "document_index",
        start: "start_page_number",
        end: "end_page_number",
        ours: "documentPage",
        our_number: "documentIndex",
    },
    Place {
        kind: "content_block_location",
        number: "document_index",
        start: "start_block_index",
        end: "end_block_index",
        ours: "documentChunk",
        our_number: "documentIndex",
    },
    Place {
        kind: "search_result_location",
        number: "search_result_index",
        start: "start_block_index",
        end: "end_block_index",
        ours: "searchResultLocation",
        our_number: "searchResultIndex",
    },
];

const OF_WEB: &str = "web_search_result_location";

/// A source as the interface tells it. One of an unknown kind is kept as it came.
pub(super) fn citation(told: &Value) -> Citation {
    let text = |key: &str| told.get(key).and_then(Value::as_str).map(str::to_owned);
    let kind = told.get("type").and_then(Value::as_str).unwrap_or_default();
    let mut citation = Citation {
        title: text("title").or_else(|| text("document_title")),
        source_content: text("cited_text").map(|text| vec![TextBlock { text }]),
        ..Citation::default()
    };
    let place = PLACES.iter().find(|place| place.kind == kind);
    citation.location = Some(match place {
        Some(place) => {
            let number = |key: &str| told.get(key).cloned().unwrap_or_default();
            let inner = json!({
                place.our_number: number(place.number),
                "start": number(place.start),
                "end": number(place.end),
            });
            json!({place.ours: inner})
        }
        None if kind == OF_WEB => json!({"web": {"url": told.get("url")}}),
        None => json!({OWN: told}),
    });
    // Without these it can't go back.
    for key in ["encrypted_index", "source", "file_id"] {
        if let Some(value) = told.get(key).filter(|value| !value.is_null()) {
            citation.extra.insert(key.into(), value.clone());
        }
    }
    citation
}

/// A text with its sources, as a block. Sources that the interface can't carry are left out.
pub(super) fn cited(content: &CitationsContent) -> Option<Value> {
    let text: String = content.content.iter().map(|part| part.text.as_str()).collect();
    if text.trim().is_empty() {
        return None;
    }
    let told: Vec<Value> = content.citations.iter().filter_map(source).collect();
    if told.len() < content.citations.len() {
        tracing::warn!("sources of another provider are not sent to the model");
    }
    let mut block = Map::new();
    block.insert("type".into(), "text".into());
    block.insert("text".into(), text.into());
    if !told.is_empty() {
        block.insert("citations".into(), told.into());
    }
    Some(Value::Object(block))
}

fn source(citation: &Citation) -> Option<Value> {
    let location = citation.location.as_ref()?;
    if let Some(own) = location.get(OWN) {
        return Some(own.clone());
    }
    let parts = citation.source_content.iter().flatten();
    let cited: String = parts.map(|part| part.text.as_str()).collect();
    let extra = |key: &str| citation.extra.get(key).filter(|value| value.is_string());
    if let Some(web) = location.get("web") {
        return Some(json!({
            "type": OF_WEB,
            "cited_text": cited,
            "encrypted_index": extra("encrypted_index")?,
            "title": citation.title,
            "url": web.get("url")?,
        }));
    }
    let place = PLACES.iter().find(|place| location.get(place.ours).is_some())?;
    let inner = location.get(place.ours)?;
    let number = |key: &str| inner.get(key).filter(|number| number.is_u64());
    let mut told = json!({
        "type": place.kind,
        "cited_text": cited,
        place.number: number(place.our_number)?,
        place.start: number("start")?,
        place.end: number("end")?,
    });
    if place.ours == "searchResultLocation" {
        told["source"] = extra("source")?.clone();
        told["title"] = citation.title.clone().into();
    } else {
        told["document_title"] = citation.title.clone().into();
    }
    Some(told)
}
