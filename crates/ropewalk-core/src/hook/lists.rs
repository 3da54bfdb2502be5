//! The lists of all event types.

use std::any::TypeId;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use super::list::AnyList;

/// Lists by event type. They are few; and most events that are looked for have none, which a bit tells.
#[derive(Clone, Default)]
pub(super) struct Lists {
    /// A bit for each type that has a list; one may stand for several types.
    bits: u64,
    lists: Vec<(TypeId, Arc<dyn AnyList>)>,
}

impl Lists {
    #[inline]
    pub(super) fn get(&self, of: TypeId) -> Option<&Arc<dyn AnyList>> {
        if self.bits & bit(of) == 0 {
            return None;
        }
        self.lists.iter().find_map(|(known, list)| (*known == of).then_some(list))
    }

    /// Puts a list in the place of the one that there was.
    pub(super) fn insert(&mut self, of: TypeId, list: Arc<dyn AnyList>) {
        self.bits |= bit(of);
        match self.lists.iter_mut().find(|(known, _)| *known == of) {
            Some((_, own)) => *own = list,
            None => self.lists.push((of, list)),
        }
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (TypeId, &Arc<dyn AnyList>)> {
        self.lists.iter().map(|(of, list)| (*of, list))
    }

    pub(super) fn is_empty(&self) -> bool {
        self.lists.is_empty()
    }
}

impl FromIterator<(TypeId, Arc<dyn AnyList>)> for Lists {
    fn from_iter<I: IntoIterator<Item = (TypeId, Arc<dyn AnyList>)>>(lists: I) -> Self {
        let mut all = Self::default();
        lists.into_iter().for_each(|(of, list)| all.insert(of, list));
        all
    }
}

/// The bit of a type: its id is a hash already. Known when it is compiled, where the type is.
#[inline]
fn bit(of: TypeId) -> u64 {
    let mut hash = IdHasher(0);
    of.hash(&mut hash);
    1 << (hash.finish() % 64)
}

struct IdHasher(u64);

impl Hasher for IdHasher {
    #[inline]
    fn finish(&self) -> u64 {
        self.0
    }

    #[inline]
    fn write_u64(&mut self, number: u64) {
        self.0 = number;
    }

    fn write(&mut self, bytes: &[u8]) {
        // Not called as things are; right all the same should ids be hashed otherwise one day.
        for byte in bytes {
            self.0 = self.0.rotate_left(8) ^ u64::from(*byte);
        }
    }
}
