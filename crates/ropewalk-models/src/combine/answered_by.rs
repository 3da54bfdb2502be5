//! Whose answer it is.

use futures_util::StreamExt as _;
use ropewalk_core::{BoxStream, Error, MetadataChunk, ModelChunk};

/// The key of the metadata under which the model that answered stands.
const ANSWERED_BY: &str = "answeredBy";

/// Notes whose answer it is, unless one that stands nearer to it did already.
pub(super) fn note(metadata: &mut MetadataChunk, id: &str) {
    metadata.extra.entry(ANSWERED_BY).or_insert_with(|| id.into());
}

/// The same answer, with a note in its metadata whose it is.
#[cfg(feature = "router")]
pub(super) fn sign<'a>(
    id: &'a str,
    answer: BoxStream<'a, Result<ModelChunk, Error>>,
) -> BoxStream<'a, Result<ModelChunk, Error>> {
    let signed = answer.map(move |item| {
        item.map(|mut chunk| {
            if let ModelChunk::Metadata(metadata) = &mut chunk {
                note(metadata, id);
            }
            chunk
        })
    });
    signed.boxed()
}
