//! What the caller hands to an invocation, for its hooks and tools.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use super::extensions::Extensions;
use crate::error::{Error, ErrorKind};

/// Where it stands that the loop is to end; the key is Strands'.
const STOP: &str = "stop_event_loop";

/// What the caller hands to an invocation, for its hooks and tools: who asks, on whose behalf, a
/// request's id (Strands' `invocation_state`). JSON by key, because it is kept with the run: when
/// the invocation stops for a question, it is there again in the process that goes on.
///
/// For code there are values by type besides: a connection, a handle, a sender. These are not kept with
/// the run: who goes on with it hands them over again.
///
/// A handle: clones share the values, and what one callback sets the next one sees. Nothing of it is
/// shown to the model, and nothing is added to it but what callers, hooks and tools add.
///
/// ```
/// use ropewalk_core::InvocationState;
///
/// let state = InvocationState::default();
/// state.set("user", "alice")?;
/// assert_eq!(state.get::<String>("user").as_deref(), Some("alice"));
/// assert_eq!(state.get::<u32>("user"), None);
/// # Ok::<(), ropewalk_core::Error>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct InvocationState(Arc<Inner>);

#[derive(Debug, Default)]
struct Inner {
    values: Mutex<Map<String, Value>>,
    extensions: Mutex<Extensions>,
}

impl InvocationState {
    /// The value of a type that code handed over; none if there is none.
    ///
    /// ```
    /// # use ropewalk_core::InvocationState;
    /// struct Tenant(u32);
    ///
    /// let state = InvocationState::default(); // normally `event.invocation_state()`
    /// state.insert_extension(Tenant(7));
    /// assert_eq!(state.extension::<Tenant>().map(|tenant| tenant.0), Some(7));
    /// ```
    pub fn extension<T: Send + Sync + 'static>(&self) -> Option<Arc<T>> {
        self.extensions().get()
    }

    /// Hands a value over by its type, in place of an earlier one of that type. It is not kept with the
    /// run.
    pub fn insert_extension<T: Send + Sync + 'static>(&self, value: T) {
        self.extensions().insert(value);
    }

    /// The value of a key; none if there is none, or if it is no `T`.
    pub fn get<T: DeserializeOwned>(&self, key: &str) -> Option<T> {
        self.lock().get(key).and_then(|value| T::deserialize(value).ok())
    }

    /// The value of a key, as JSON.
    pub fn value(&self, key: &str) -> Option<Value> {
        self.lock().get(key).cloned()
    }

    /// Sets a value.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidInput`] if it does not serialise to JSON: it could not be kept.
    pub fn set(&self, key: impl Into<String>, value: impl Serialize) -> Result<(), Error> {
        let key = key.into();
        let value = serde_json::to_value(value).map_err(|error| {
            let text = format!("the invocation state `{key}` can't be stored: {error}");
            Error::new(ErrorKind::InvalidInput, text).with_source(error)
        })?;
        self.lock().insert(key, value);
        Ok(())
    }

    /// Takes a value out.
    pub fn remove(&self, key: &str) -> Option<Value> {
        self.lock().remove(key)
    }

    /// Ends the loop behind the tool calls under way (Strands' `request_state["stop_event_loop"] = True`):
    /// for tools and hooks that know that there is nothing left to say. The calls come to their results,
    /// which stand in the history; the model is not asked again, and the stop reason is `tool_use`. An
    /// invocation that was to give a value, and has not, ends without it.
    ///
    /// It stands among the values, as `stop_event_loop: true`, and lasts as they do: through questions, and
    /// also if the process dies once the tool has its result. An answer in place of the model's gives
    /// [`AfterToolsEvent::set_end_turn`](crate::AfterToolsEvent::set_end_turn).
    ///
    /// ```
    /// use ropewalk_core::{ToolContext, ToolUse};
    ///
    /// fn hand_over(context: &ToolContext) -> &'static str {
    ///     context.invocation_state().stop_event_loop();
    ///     "a colleague takes over"
    /// }
    /// # hand_over(&ToolContext::detached(ToolUse::new("t1", "hand_over", serde_json::json!({}))));
    /// ```
    pub fn stop_event_loop(&self) {
        self.lock().insert(STOP.to_owned(), Value::Bool(true));
    }

    /// True if the loop is to end behind the tool calls under way.
    pub(crate) fn stops_event_loop(&self) -> bool {
        stops_event_loop(&self.lock())
    }

    /// All values, as a JSON object.
    pub fn to_json(&self) -> Value {
        Value::Object(self.to_map())
    }

    pub(crate) fn to_map(&self) -> Map<String, Value> {
        self.lock().clone()
    }

    /// Puts back what was kept: it goes before what was handed over later, since the work goes on for
    /// whoever began it.
    pub(crate) fn restore(&self, kept: &Map<String, Value>) {
        self.lock().extend(kept.iter().map(|(key, value)| (key.clone(), value.clone())));
    }

    fn lock(&self) -> MutexGuard<'_, Map<String, Value>> {
        self.0.values.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn extensions(&self) -> MutexGuard<'_, Extensions> {
        self.0.extensions.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// True if these values say that the loop is to end.
pub(crate) fn stops_event_loop(values: &Map<String, Value>) -> bool {
    values.get(STOP) == Some(&Value::Bool(true))
}
