//! The questions of one dispatch.

use std::fmt;
use std::ops::Deref;
use std::{slice, vec};

use super::Interrupt;

/// The questions that an event raised, in the order in which they were asked: a list that is read as a slice, or
/// taken apart.
///
/// As a rule nobody asks: then it is a word that says so, and there is nothing to drop.
///
/// ```
/// use ropewalk_core::{HookRegistry, Interrupt, Interrupts};
/// # use ropewalk_core::BaseHookEvent;
/// # struct StockRanOut;
/// # impl BaseHookEvent for StockRanOut {}
///
/// let (_, interrupts) = HookRegistry::new().invoke_callbacks(StockRanOut)?;
/// assert!(interrupts.is_empty());
/// let interrupts: Vec<Interrupt> = interrupts.into();
/// assert_eq!(Interrupts::from(interrupts).len(), 0);
/// # Ok::<(), ropewalk_core::Error>(())
/// ```
#[derive(Clone, Default, PartialEq)]
#[expect(
    clippy::box_collection,
    reason = "one word, and only one thing to look at when it is dropped"
)]
pub struct Interrupts(Option<Box<Vec<Interrupt>>>);

impl Interrupts {
    /// None.
    #[inline]
    pub(crate) fn none() -> Self {
        Self(None)
    }

    pub(crate) fn push(&mut self, interrupt: Interrupt) {
        self.0.get_or_insert_default().push(interrupt);
    }
}

impl Deref for Interrupts {
    type Target = [Interrupt];

    #[inline]
    fn deref(&self) -> &[Interrupt] {
        self.0.as_deref().map_or(&[], Vec::as_slice)
    }
}

impl From<Interrupts> for Vec<Interrupt> {
    fn from(interrupts: Interrupts) -> Self {
        interrupts.0.map_or_else(Self::new, |interrupts| *interrupts)
    }
}

impl From<Vec<Interrupt>> for Interrupts {
    fn from(interrupts: Vec<Interrupt>) -> Self {
        Self((!interrupts.is_empty()).then(|| Box::new(interrupts)))
    }
}

impl IntoIterator for Interrupts {
    type Item = Interrupt;
    type IntoIter = vec::IntoIter<Interrupt>;

    fn into_iter(self) -> Self::IntoIter {
        Vec::from(self).into_iter()
    }
}

impl<'a> IntoIterator for &'a Interrupts {
    type Item = &'a Interrupt;
    type IntoIter = slice::Iter<'a, Interrupt>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl fmt::Debug for Interrupts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self).finish()
    }
}
