//! Whose answer it is.

use ropewalk_core::MetadataChunk;

/// The key of the metadata under which the model that answered stands.
const ANSWERED_BY: &str = "answeredBy";

/// Notes whose answer it is, unless one that stands nearer to it did already.
pub(super) fn note(metadata: &mut MetadataChunk, id: &str) {
    metadata.extra.entry(ANSWERED_BY).or_insert_with(|| id.into());
}
