//! What an agent keeps of its own, apart from its conversation.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use crate::error::{Error, ErrorKind};

/// What an agent keeps of its own, apart from its conversation: JSON by key, which lasts from one
/// invocation to the next (Strands' `AgentState`). Nothing of it is shown to the model.
///
/// A handle: clones share the values. The agent, its hooks ([`AgentView::state`](crate::AgentView::state))
/// and its tools have the same one. What they change in a turn becomes durable with that turn, and is
/// as it was before if the turn is thrown away: given up before anything of it stood in the history,
/// taken back because it does not fit the model's window, or cut off. What is changed between two
/// invocations becomes durable with the next one, or with [`Agent::save_state`](crate::Agent::save_state).
///
/// ```
/// use ropewalk_core::AgentState;
///
/// let state = AgentState::default(); // normally `agent.state()`
/// state.set("visits", 3)?;
/// assert_eq!(state.get::<u32>("visits"), Some(3));
/// state.delete("visits");
/// assert_eq!(state.value("visits"), None);
/// assert!(state.set(" ", 1).is_err());
/// # Ok::<(), ropewalk_core::Error>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct AgentState(Arc<Mutex<Live>>);

/// The values of an agent's state by their keys; shared, not copied.
pub(crate) type StateValues = Arc<Map<String, Value>>;

#[derive(Debug, Default)]
struct Live {
    values: StateValues,
    /// The keys that were changed since they were last recorded.
    changed: BTreeSet<String>,
}

/// What was changed of a state.
#[derive(Debug, PartialEq)]
pub(crate) struct StateChanges {
    pub(crate) set: Map<String, Value>,
    pub(crate) deleted: Vec<String>,
}

impl AgentState {
    pub(crate) fn new(values: StateValues) -> Self {
        Self(Arc::new(Mutex::new(Live { values, changed: BTreeSet::new() })))
    }

    /// The value of a key; none if there is none, or if it is no `T`.
    pub fn get<T: DeserializeOwned>(&self, key: &str) -> Option<T> {
        self.lock().values.get(key).and_then(|value| T::deserialize(value).ok())
    }

    /// The value of a key, as JSON.
    pub fn value(&self, key: &str) -> Option<Value> {
        self.lock().values.get(key).cloned()
    }

    /// Sets a value.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidInput`] if the key is blank, or if the value does not serialise to JSON: it
    /// could not be kept.
    pub fn set(&self, key: impl Into<String>, value: impl Serialize) -> Result<(), Error> {
        let key = key.into();
        named(&key)?;
        let value = serde_json::to_value(value).map_err(|error| {
            let text = format!("the agent's state `{key}` can't be stored: {error}");
            Error::new(ErrorKind::InvalidInput, text).with_source(error)
        })?;
        let mut live = self.lock();
        Arc::make_mut(&mut live.values).insert(key.clone(), value);
        live.changed.insert(key);
        Ok(())
    }

    /// Deletes a key, and gives what it held; a key that is not there is fine.
    pub fn delete(&self, key: &str) -> Option<Value> {
        let mut live = self.lock();
        if !live.values.contains_key(key) {
            return None;
        }
        live.changed.insert(key.to_owned());
        Arc::make_mut(&mut live.values).remove(key)
    }

    /// All values, as a JSON object.
    pub fn to_json(&self) -> Value {
        Value::Object(Map::clone(&self.lock().values))
    }

    /// True if something was changed since the last time.
    pub(crate) fn is_changed(&self) -> bool {
        !self.lock().changed.is_empty()
    }

    /// What was changed since the last time; it counts as recorded then.
    pub(crate) fn take_changes(&self) -> Option<StateChanges> {
        let mut live = self.lock();
        if live.changed.is_empty() {
            return None;
        }
        let (mut set, mut deleted) = (Map::new(), Vec::new());
        for key in std::mem::take(&mut live.changed) {
            match live.values.get(&key) {
                Some(value) => drop(set.insert(key, value.clone())),
                None => deleted.push(key),
            }
        }
        Some(StateChanges { set, deleted })
    }

    /// Stands on what is recorded, with what was changed since.
    pub(crate) fn rebase(&self, recorded: &StateValues) {
        let mut live = self.lock();
        let Live { values, changed } = &mut *live;
        let earlier = std::mem::replace(values, Arc::clone(recorded));
        for key in changed.iter() {
            match earlier.get(key) {
                Some(value) => drop(Arc::make_mut(values).insert(key.clone(), value.clone())),
                None => drop(Arc::make_mut(values).remove(key)),
            }
        }
    }

    /// Stands on what is recorded, and nothing else.
    pub(crate) fn reset(&self, recorded: &StateValues) {
        *self.lock() = Live { values: Arc::clone(recorded), changed: BTreeSet::new() };
    }

    fn lock(&self) -> MutexGuard<'_, Live> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The values that an agent begins with: of a JSON object, or what serialises to one.
pub(crate) fn initial_values(values: impl Serialize) -> Result<StateValues, Error> {
    let refuse = |text: String| Error::new(ErrorKind::InvalidInput, text);
    let values = serde_json::to_value(values).map_err(|error| {
        refuse(format!("the agent's state can't be stored: {error}")).with_source(error)
    })?;
    let Value::Object(values) = values else {
        return Err(refuse(format!("the agent's state must be an object of values, not {values}")));
    };
    values.keys().try_for_each(|key| named(key))?;
    Ok(Arc::new(values))
}

fn named(key: &str) -> Result<(), Error> {
    if !key.trim().is_empty() {
        return Ok(());
    }
    let text = "a key of the agent's state can't be blank: name it";
    Err(Error::new(ErrorKind::InvalidInput, text))
}
