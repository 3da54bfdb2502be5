//! Putting what a snapshot holds in the place of what a run has.

use serde::{Deserialize, Deserializer, Serialize};
use serde_json::{Map, Value};

use super::Run;
use crate::conversation::ManagerState;
use crate::error::{Error, ErrorKind};
use crate::message::Message;

/// What of a run is not of what is under way: all else is.
const LASTING: [&str; 8] =
    ["id", "transcript", "edits", "agent_state", "tokens", "highest", "total_usage", "applied"];

/// The parts of a run that a snapshot holds. Those that it does not hold stay as they are.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Restored {
    /// The history.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub messages: Option<Vec<Message>>,
    /// The agent's state.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub agent_state: Option<Map<String, Value>>,
    /// What the conversation manager keeps; null if it keeps nothing.
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "also_null")]
    pub manager_state: Option<Option<ManagerState>>,
    /// What was under way, with its questions; empty if nothing was.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub under_way: Option<Map<String, Value>>,
}

impl Run {
    /// All that a snapshot may hold: put in another run's place, that one stands where this one does.
    ///
    /// # Errors
    /// [`ErrorKind::Malformed`] if what is under way can't be written as JSON.
    pub fn parts(&self) -> Result<Restored, Error> {
        Ok(Restored {
            messages: Some(self.transcript.iter().map(|message| Message::clone(message)).collect()),
            agent_state: Some(self.agent_state().clone()),
            manager_state: Some(self.manager_state().cloned()),
            under_way: Some(self.under_way()?),
        })
    }

    /// What is under way, with its questions; empty if there is nothing.
    pub(crate) fn under_way(&self) -> Result<Map<String, Value>, Error> {
        if self.is_idle() && self.questions.is_empty() {
            return Ok(Map::new());
        }
        let mut whole = self.as_object()?;
        whole.retain(|key, _| !LASTING.contains(&key.as_str()));
        Ok(whole)
    }

    /// The run with these parts in place of its own.
    pub(super) fn with_restored(&self, parts: &Restored) -> Result<Self, Error> {
        let mut next = self.clone();
        if let Some(under_way) = &parts.under_way {
            next = next.replaced(under_way, parts.messages.as_deref())?;
        } else if !self.is_idle() {
            let text = "a snapshot can't be loaded while something is unfinished: `abandon` it, or load one that holds `interrupt_state`";
            return Err(Error::new(ErrorKind::InvalidInput, text));
        } else if let Some(messages) = &parts.messages {
            let mut idle = next.as_object()?;
            idle.insert("transcript".to_owned(), value(messages)?);
            idle.insert("started_at".to_owned(), Value::from(0));
            idle.remove("edits");
            next = read(idle)?;
            next.restore_manager(self.manager_state().cloned());
        }
        if let Some(manager) = &parts.manager_state {
            next.restore_manager(manager.clone());
        }
        if let Some(values) = &parts.agent_state {
            next.agent_state.replace(values.clone());
        }
        Ok(next)
    }

    fn replaced(
        &self,
        under_way: &Map<String, Value>,
        messages: Option<&[Message]>,
    ) -> Result<Self, Error> {
        let mut next = self.clone();
        next.tokens.give_up();
        next.rest();
        let mut next = next.as_object()?;
        if let Some(messages) = messages {
            next.insert("transcript".to_owned(), value(messages)?);
            next.insert("started_at".to_owned(), Value::from(0));
        }
        let taken = under_way.iter().filter(|(key, _)| !LASTING.contains(&key.as_str()));
        next.extend(taken.map(|(key, value)| (key.clone(), value.clone())));
        // Numbers that were given before are not given again.
        next.insert("highest".to_owned(), Value::from(self.highest.max(self.invocation)));
        read(next)
    }

    fn as_object(&self) -> Result<Map<String, Value>, Error> {
        match value(self)? {
            Value::Object(object) => Ok(object),
            other => Err(Error::new(ErrorKind::Malformed, format!("a run is no object: {other}"))),
        }
    }
}

/// A null that is there is another thing than nothing.
fn also_null<'de, D: Deserializer<'de>, T: Deserialize<'de>>(
    deserializer: D,
) -> Result<Option<T>, D::Error> {
    T::deserialize(deserializer).map(Some)
}

fn value(part: impl Serialize) -> Result<Value, Error> {
    serde_json::to_value(part).map_err(|error| {
        let text = format!("the run can't be stored: {error}");
        Error::new(ErrorKind::Malformed, text).with_source(error)
    })
}

fn read(run: Map<String, Value>) -> Result<Run, Error> {
    Run::deserialize(Value::Object(run)).map_err(|error| {
        let text = format!("the snapshot does not fit together: {error}");
        Error::new(ErrorKind::InvalidInput, text).with_source(error)
    })
}
