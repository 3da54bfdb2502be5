//! Varying the waits, so that those who were turned away together don't come back together.

use std::time::Duration;

use uuid::Uuid;

/// How waits are varied.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Jitter {
    /// Not at all.
    Off,
    /// By chance.
    Random,
    /// In the same way each time.
    Seeded(u64),
}

impl Jitter {
    /// A wait between half of this one and all of it.
    pub(super) fn vary(self, delay: Duration, attempt: u32) -> Duration {
        let number = match self {
            Self::Off => return delay,
            // A random UUID is the chance that the crate has already.
            Self::Random => Uuid::new_v4().as_u64_pair().1,
            Self::Seeded(seed) => seed.wrapping_add(u64::from(attempt)),
        };
        // Sixteen bits are fine enough: a part of 65,536 of four minutes is 4 ms.
        let [low, high, ..] = mixed(number).to_le_bytes();
        let part = u32::from(u16::from_le_bytes([low, high]));
        let half = delay / 2;
        half + half.saturating_mul(part) / u32::from(u16::MAX)
    }
}

/// Spreads neighbouring numbers over all bits (the finaliser of SplitMix64).
fn mixed(number: u64) -> u64 {
    let mut bits = number.wrapping_add(0x9e37_79b9_7f4a_7c15);
    bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    bits ^ (bits >> 31)
}
