//! The lists of all event types.

use std::any::TypeId;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use super::BaseHookEvent;
use super::list::{AnyList, List, downcast};

/// How many places there are for the slots of types.
const SLOTS: usize = 64;

/// The place of types of which none has a list.
const NOWHERE: u8 = u8::MAX;

/// Lists by event type. They are few; and most events that are looked for have none, which their slot tells.
#[derive(Clone)]
pub(super) struct Lists {
    /// Where the list of a type is likely to be, by its slot; of types that share one, the first.
    places: [u8; SLOTS],
    lists: Vec<(TypeId, Arc<dyn AnyList>)>,
}

impl Default for Lists {
    fn default() -> Self {
        Self { places: [NOWHERE; SLOTS], lists: Vec::new() }
    }
}

impl Lists {
    /// The list of a type.
    #[inline]
    pub(super) fn of<E: BaseHookEvent>(&self) -> Option<&List<E>> {
        // Nowhere is behind the last list; or, if there are so many, at another type's.
        let place = self.places[slot(TypeId::of::<E>())];
        let (_, list) = self.lists.get(usize::from(place))?;
        downcast(&**list).or_else(|| self.searched())
    }

    #[cold]
    #[inline(never)]
    fn searched<E: BaseHookEvent>(&self) -> Option<&List<E>> {
        self.lists.iter().find_map(|(_, list)| downcast(&**list))
    }

    pub(super) fn get(&self, of: TypeId) -> Option<&Arc<dyn AnyList>> {
        if self.places[slot(of)] == NOWHERE {
            return None;
        }
        self.lists.iter().find_map(|(known, list)| (*known == of).then_some(list))
    }

    /// Puts a list in the place of the one that there was.
    pub(super) fn insert(&mut self, of: TypeId, list: Arc<dyn AnyList>) {
        match self.lists.iter_mut().find(|(known, _)| *known == of) {
            Some((_, own)) => *own = list,
            None => {
                let place = &mut self.places[slot(of)];
                if *place == NOWHERE {
                    // Far behind, any place will do: what is found there is another type's.
                    *place = u8::try_from(self.lists.len()).unwrap_or(0).min(NOWHERE - 1);
                }
                self.lists.push((of, list));
            }
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

/// The slot of a type: its id is a hash already. Known when it is compiled, where the type is.
#[inline]
fn slot(of: TypeId) -> usize {
    let mut hash = IdHasher(0);
    of.hash(&mut hash);
    hash.finish() as usize % SLOTS
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
