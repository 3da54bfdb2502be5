//! Reading lists that have one entry as a rule.

use std::fmt;
use std::marker::PhantomData;

use serde::de::{Deserialize, Deserializer, SeqAccess, Visitor};

/// Reads a list with room for one entry where there is one, and for some more only where there are more. Of a conversation
/// that is read all lists are kept, and room for four in each would be most of its memory.
pub(super) fn read<'de, D: Deserializer<'de>, T: Deserialize<'de>>(
    deserializer: D,
) -> Result<Vec<T>, D::Error> {
    deserializer.deserialize_seq(Few(PhantomData))
}

struct Few<T>(PhantomData<T>);

impl<'de, T: Deserialize<'de>> Visitor<'de> for Few<T> {
    type Value = Vec<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a sequence")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut entries: A) -> Result<Vec<T>, A::Error> {
        let Some(first) = entries.next_element()? else { return Ok(Vec::new()) };
        let Some(second) = entries.next_element()? else { return Ok(vec![first]) };
        let mut few = Vec::with_capacity(4);
        few.extend([first, second]);
        while let Some(entry) = entries.next_element()? {
            few.push(entry);
        }
        Ok(few)
    }
}
