//! What can be said of several models at once.

use std::sync::Arc;

use ropewalk_core::{Model, NativeOutput};

/// `what(id, id)`.
pub(super) fn joined_id<'a>(
    what: &str,
    models: impl IntoIterator<Item = &'a Arc<dyn Model>>,
) -> String {
    let ids: Vec<&str> = models.into_iter().map(|model| model.id()).collect();
    format!("{what}({})", ids.join(", "))
}

/// What fits the smallest of the windows that are known fits wherever it goes.
pub(super) fn smallest_limit<'a>(
    models: impl IntoIterator<Item = &'a Arc<dyn Model>>,
) -> Option<u64> {
    models.into_iter().filter_map(|model| model.context_limit()).min()
}

/// How far each of the models holds to a JSON Schema: a request that asks for more may go to one that can't.
pub(super) fn weakest_output<'a>(
    models: impl IntoIterator<Item = &'a Arc<dyn Model>>,
) -> NativeOutput {
    let rank = |output: &NativeOutput| match output {
        NativeOutput::WithTools => 2,
        NativeOutput::WithoutTools => 1,
        _ => 0,
    };
    models.into_iter().map(|model| model.native_output()).min_by_key(rank).unwrap_or_default()
}
