//! The lists of all event types.

use std::any::TypeId;
use std::hash::{Hash, Hasher};

use super::BaseHookEvent;
use super::list::{AnyList, Entry, List, downcast, downcast_mut};

/// How many slots there are for types.
const SLOTS: usize = 64;

/// Lists by event type, none of them empty. They are few; and most events that are looked for have none,
/// which a free slot tells.
#[derive(Clone)]
pub(super) struct Lists {
    /// By slot; of types that share one, the first that came.
    slots: [Option<Box<dyn AnyList>>; SLOTS],
    /// Those whose slot was taken.
    others: Vec<Box<dyn AnyList>>,
}

impl Default for Lists {
    fn default() -> Self {
        Self { slots: [const { None }; SLOTS], others: Vec::new() }
    }
}

impl Lists {
    /// The list of a type.
    #[inline]
    pub(super) fn of<E: BaseHookEvent>(&self) -> Option<&List<E>> {
        let list = self.slots[slot(TypeId::of::<List<E>>())].as_ref()?;
        downcast(&**list).or_else(|| self.other())
    }

    #[cold]
    #[inline(never)]
    fn other<E: BaseHookEvent>(&self) -> Option<&List<E>> {
        self.others.iter().find_map(|list| downcast(&**list))
    }

    /// Puts a callback into the list of its type.
    pub(super) fn insert<E: BaseHookEvent>(&mut self, entry: Entry<E>) {
        let own = self.iter_mut().find_map(|list| downcast_mut(&mut **list));
        match own {
            Some(list) => list.insert(entry),
            None => self.add(Box::new(List::from_iter([entry]))),
        }
    }

    /// Puts the callbacks of another list behind those of its type.
    pub(super) fn append(&mut self, others: &dyn AnyList) {
        let joined = self.iter_mut().find_map(|list| {
            *list = list.appended(others)?;
            Some(())
        });
        if joined.is_none() {
            self.add(others.share());
        }
    }

    /// Adds the list of a type that has none.
    fn add(&mut self, list: Box<dyn AnyList>) {
        let slot = &mut self.slots[slot((*list).type_id())];
        match slot {
            None => *slot = Some(list),
            Some(_) => self.others.push(list),
        }
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &dyn AnyList> {
        self.slots.iter().flatten().chain(&self.others).map(|list| &**list)
    }

    fn iter_mut(&mut self) -> impl Iterator<Item = &mut Box<dyn AnyList>> {
        self.slots.iter_mut().flatten().chain(&mut self.others)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.iter().next().is_none()
    }
}

impl FromIterator<Box<dyn AnyList>> for Lists {
    fn from_iter<I: IntoIterator<Item = Box<dyn AnyList>>>(lists: I) -> Self {
        let mut all = Self::default();
        lists.into_iter().for_each(|list| all.add(list));
        all
    }
}

/// The slot of a list's type: its id is a hash already. Known when it is compiled, where the type is.
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
