//! Ids by chance.

use std::cell::RefCell;
use std::sync::Arc;

use uuid::{Builder, Uuid};

/// For how many ids a thread asks the system for random bytes at once: asking takes longer than all else that an agent
/// needs to begin.
const AT_ONCE: usize = 64;

thread_local! {
    static RANDOM: RefCell<Vec<[u8; 16]>> = const { RefCell::new(Vec::new()) };
}

/// The id of a run that nobody else has: a UUID of version 4.
pub(crate) fn new_run_id() -> Arc<str> {
    let mut text = Uuid::encode_buffer();
    Arc::from(&*random_uuid().hyphenated().encode_lower(&mut text))
}

fn random_uuid() -> Uuid {
    let bytes = RANDOM.with_borrow_mut(|left| {
        if left.is_empty() {
            let mut fresh = [[0; 16]; AT_ONCE];
            getrandom::fill(fresh.as_flattened_mut()).ok()?;
            left.extend_from_slice(&fresh);
        }
        left.pop()
    });
    bytes.map_or_else(Uuid::new_v4, |bytes| Builder::from_random_bytes(bytes).into_uuid())
}
