//! Where messages stand in memory.

use std::hash::Hasher;
use std::sync::Arc;

use ropewalk_core::Message;

/// By what a message is known as long as somebody holds a reference to it, be it a weak one.
pub(super) fn place(message: &Arc<Message>) -> usize {
    Arc::as_ptr(message).addr()
}

/// Where messages stand is known to nobody who could want them to collide: a multiplication spreads it well enough, at
/// a fraction of what the standard hash takes.
#[derive(Default)]
pub(super) struct PlaceHasher(u64);

impl Hasher for PlaceHasher {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        bytes.iter().for_each(|byte| self.write_usize(usize::from(*byte)));
    }

    fn write_usize(&mut self, place: usize) {
        // The golden ratio, as hash tables have used it since Knuth. The table looks at both ends.
        let spread = (self.0 ^ place as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        self.0 = spread ^ (spread >> 32);
    }
}
