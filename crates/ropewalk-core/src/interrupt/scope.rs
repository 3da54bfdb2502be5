//! Where questions are asked from: one event or one tool call.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::{Approval, Interrupt, InterruptException, Terms};
use crate::error::BoxError;

/// Asks questions from one event or one tool call: it knows where that is, and which answers the
/// run already has. Events and tool contexts hold one; code that dispatches events of its own
/// makes one with [`InterruptScope::new`].
///
/// ```
/// use ropewalk_core::{Interrupt, InterruptScope};
///
/// let scope = InterruptScope::new("v1:before_tool_call:t1", []);
/// assert!(scope.ask::<bool>("approve", "delete 3 files").is_err()); // asks, and leaves
///
/// let id = "v1:before_tool_call:t1:5cf56bed-067e-5438-a1ef-dbfa3405e45d";
/// let mut answered = Interrupt::new(id, "approve", "delete 3 files".into());
/// answered.response = true.into();
/// let scope = InterruptScope::new("v1:before_tool_call:t1", [answered]);
/// assert_eq!(scope.ask::<bool>("approve", "delete 3 files").ok(), Some(true));
/// ```
#[derive(Clone, Debug)]
pub struct InterruptScope {
    inner: Arc<Inner>,
    /// Which wrap hook asks; 0 for callbacks, which have numbers of their own.
    layer: usize,
}

#[derive(Debug)]
struct Inner {
    /// The number of the callback that is being called.
    callback: AtomicUsize,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    site: String,
    known: BTreeMap<String, Known>,
    /// Names asked in this dispatch, and by which callback.
    asked: BTreeMap<String, (usize, usize)>,
    /// Who may answer what was asked, and until when.
    terms: BTreeMap<String, Terms>,
    /// The ids of what was asked or looked up.
    looked_up: BTreeSet<String>,
}

/// A question that was asked before, as a run knows it.
#[derive(Clone, Debug)]
pub(crate) struct Known {
    pub(crate) interrupt: Interrupt,
    pub(crate) by: Option<String>,
    pub(crate) expired: bool,
    /// The terms on which it was asked, where it was asked on any.
    pub(crate) terms: Option<Terms>,
}

impl From<Interrupt> for Known {
    fn from(interrupt: Interrupt) -> Self {
        Self { interrupt, by: None, expired: false, terms: None }
    }
}

/// A question that can't be asked as it is.
#[derive(Debug, thiserror::Error)]
enum InterruptMisuse {
    #[error(
        "interrupt_name=<{0}> | interrupt name used more than once: each callback needs a name of its own"
    )]
    NameReused(String),
    #[error("the reason of interrupt `{name}` can't be stored: {source}")]
    Reason { name: String, source: serde_json::Error },
}

/// An answer that the asking code can't read.
#[derive(Debug, thiserror::Error)]
#[error("the answer to interrupt `{}` does not fit: {source}", interrupt.name)]
pub(crate) struct BadAnswer {
    /// The question, unanswered again.
    pub(crate) interrupt: Interrupt,
    pub(crate) source: serde_json::Error,
}

impl InterruptScope {
    /// A scope at a place (`v1:before_tool_call:<toolUseId>`), with the questions that were asked
    /// there before and their answers.
    pub fn new(site: impl Into<String>, known: impl IntoIterator<Item = Interrupt>) -> Self {
        Self::with_known(site, known.into_iter().map(Known::from))
    }

    pub(crate) fn with_known(
        site: impl Into<String>,
        known: impl IntoIterator<Item = Known>,
    ) -> Self {
        let known = known.into_iter().map(|known| (known.interrupt.id.clone(), known)).collect();
        let state = State {
            site: site.into(),
            known,
            asked: BTreeMap::new(),
            terms: BTreeMap::new(),
            looked_up: BTreeSet::new(),
        };
        let inner = Inner { callback: AtomicUsize::new(0), state: Mutex::new(state) };
        Self { inner: Arc::new(inner), layer: 0 }
    }

    /// The same scope for one of the wrap hooks around a call: no two of them share a name.
    pub(crate) fn layered(&self, layer: usize) -> Self {
        Self { inner: Arc::clone(&self.inner), layer }
    }

    /// Asks: gives the answer if there is one, else raises the question.
    ///
    /// `name` says which question it is within this place; `reason` is what the person is told,
    /// anything that serialises to JSON.
    ///
    /// # Errors
    /// [`InterruptException`] when there is no answer yet: leave through `?`. Another error when
    /// the reason can't be stored, the name was used by another callback of the same event, or the
    /// answer does not fit `A` (the question is put again).
    pub fn ask<A: DeserializeOwned>(
        &self,
        name: &str,
        reason: impl Serialize,
    ) -> Result<A, BoxError> {
        let reason = serde_json::to_value(reason)
            .map_err(|source| InterruptMisuse::Reason { name: name.to_owned(), source })?;
        self.ask_with(name, reason, Value::Null)
    }

    /// Like [`ask`](Self::ask), with an answer given beforehand: unless it is null, nobody is
    /// asked.
    ///
    /// # Errors
    /// As for [`ask`](Self::ask).
    pub fn ask_with<A: DeserializeOwned>(
        &self,
        name: &str,
        reason: Value,
        response: Value,
    ) -> Result<A, BoxError> {
        read(self.record(name, reason, response)?.interrupt)
    }

    /// Asks whether a call may be made, on terms that the run holds the answer to.
    pub(crate) fn ask_approval(
        &self,
        name: &str,
        variant: &str,
        reason: Value,
        terms: Terms,
    ) -> Result<Approval, BoxError> {
        let known = self.record_as(name, variant, reason.clone(), Value::Null)?;
        // Ids can be computed: what other code raised under this one, or answered beforehand, is another
        // question, whatever the answer to it was.
        let asked = known.terms.as_ref().is_some_and(|asked| asked.are_those_of(&terms));
        let Known { interrupt, by, expired, .. } =
            if asked { known } else { Interrupt::new(known.interrupt.id, name, reason).into() };
        let id = interrupt.id.clone();
        let answer: Result<Approval, BoxError> = read(interrupt);
        if answer.is_err() {
            self.lock().terms.insert(id, terms);
        }
        Ok(Approval { by, expired, ..answer? })
    }

    /// Finds the question, or notes it: the first record of an id wins.
    fn record(&self, name: &str, reason: Value, response: Value) -> Result<Known, InterruptMisuse> {
        self.record_as(name, name, reason, response)
    }

    /// The same for a question whose id is made of more than its name.
    fn record_as(
        &self,
        name: &str,
        variant: &str,
        reason: Value,
        response: Value,
    ) -> Result<Known, InterruptMisuse> {
        let callback = (self.layer, self.inner.callback.load(Ordering::Relaxed));
        let mut state = self.lock();
        if *state.asked.entry(name.to_owned()).or_insert(callback) != callback {
            return Err(InterruptMisuse::NameReused(name.to_owned()));
        }
        let id = Interrupt::id_for(&state.site, variant);
        state.looked_up.insert(id.clone());
        let known = state
            .known
            .entry(id.clone())
            .or_insert_with(|| Interrupt { id, name: name.to_owned(), reason, response }.into());
        Ok(known.clone())
    }

    /// Says that the next questions come from the callback with this number.
    #[inline]
    pub(crate) fn enter(&self, callback: usize) {
        self.inner.callback.store(callback, Ordering::Relaxed);
    }

    /// The ids of what was asked or looked up here.
    pub(crate) fn looked_up(&self) -> BTreeSet<String> {
        self.lock().looked_up.clone()
    }

    /// The terms of what was asked here, by the questions' ids.
    pub(crate) fn take_terms(&self) -> BTreeMap<String, Terms> {
        std::mem::take(&mut self.lock().terms)
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.inner.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The answer to a question, if there is one that fits.
fn read<A: DeserializeOwned>(interrupt: Interrupt) -> Result<A, BoxError> {
    if !interrupt.is_answered() {
        return Err(InterruptException::new(interrupt).into());
    }
    match A::deserialize(&interrupt.response) {
        Ok(answer) => Ok(answer),
        Err(source) => {
            let interrupt = Interrupt { response: Value::Null, ..interrupt };
            Err(BadAnswer { interrupt, source }.into())
        }
    }
}
