//! Ids: by chance, and of what belongs to a run.

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

/// The id of a cycle of a run, not written yet.
#[derive(Clone, Debug)]
pub(crate) struct CycleId {
    pub(crate) run: Arc<str>,
    pub(crate) invocation: u64,
    pub(crate) cycle: u32,
}

impl CycleId {
    pub(crate) fn text(&self) -> String {
        let Self { run, invocation, cycle } = self;
        let mut id = String::with_capacity(run.len() + 24);
        id.push_str(run);
        push_numbers(&mut id, *invocation, *cycle);
        id
    }
}

/// The key of a tool call of a run, which is the same in every process.
pub(crate) fn call_key(run: &str, invocation: u64, cycle: u32, tool_use_id: &str) -> String {
    let mut name = String::with_capacity(run.len() + tool_use_id.len() + 32);
    // The length keeps apart ids that hold a slash.
    name.push_str(itoa::Buffer::new().format(run.len()));
    name.push(':');
    name.push_str(run);
    push_numbers(&mut name, invocation, cycle);
    name.push('/');
    name.push_str(tool_use_id);
    let key = Uuid::new_v5(&Uuid::NAMESPACE_OID, name.as_bytes());
    key.hyphenated().encode_lower(&mut Uuid::encode_buffer()).to_owned()
}

/// Without what formatting macros cost: it is done in each cycle.
fn push_numbers(text: &mut String, invocation: u64, cycle: u32) {
    let mut digits = itoa::Buffer::new();
    text.push('/');
    text.push_str(digits.format(invocation));
    text.push('/');
    text.push_str(digits.format(cycle));
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
