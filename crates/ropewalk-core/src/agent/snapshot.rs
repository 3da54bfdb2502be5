//! Snapshots: an agent as it stands, as a value.

mod select;
mod time;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::Agent;
use crate::error::{Error, ErrorKind};
use crate::message::SystemPrompt;
use crate::run::{Record, Restored};

pub use select::{SnapshotField, SnapshotOptions};

/// The scope of an agent's snapshot; Strands has `multiAgent` besides.
const SCOPE: &str = "agent";
/// The number of a snapshot's form (Strands' own).
const SCHEMA_VERSION: &str = "1.0";

/// An agent as it stands, as a value that can be stored as JSON (Strands' `Snapshot`). Made by
/// [`Agent::take_snapshot`], given back to an agent with [`Agent::load_snapshot`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Snapshot {
    scope: String,
    schema_version: String,
    created_at: String,
    data: Map<String, Value>,
    #[serde(default)]
    app_data: Map<String, Value>,
}

impl Snapshot {
    /// When it was taken: `2026-11-26T10:00:00.000Z`.
    pub fn created_at(&self) -> &str {
        &self.created_at
    }

    /// What it holds, by the names of its fields.
    pub fn data(&self) -> &Map<String, Value> {
        &self.data
    }

    /// What the program put in; agents don't look at it.
    pub fn app_data(&self) -> &Map<String, Value> {
        &self.app_data
    }

    fn field<T: DeserializeOwned>(&self, field: SnapshotField) -> Result<Option<T>, Error> {
        let Some(value) = self.data.get(field.name()) else { return Ok(None) };
        T::deserialize(value).map(Some).map_err(|error| {
            refuse(format!("`{}` can't be read: {error}", field.name())).with_source(error)
        })
    }
}

impl Agent {
    /// Takes a snapshot of the agent: of the fields that the options select.
    ///
    /// ```
    /// use ropewalk_core::{Agent, SnapshotField, SnapshotOptions};
    /// # use ropewalk_core::{BoxStream, Error, Model, ModelChunk, ModelRequest};
    /// # #[derive(Debug)] struct Silent;
    /// # impl Model for Silent {
    /// #     fn id(&self) -> &str { "silent" }
    /// #     fn stream(&self, _: ModelRequest) -> BoxStream<'_, Result<ModelChunk, Error>> {
    /// #         Box::pin(futures_util::stream::empty())
    /// #     }
    /// # }
    /// # let model = Silent;
    /// # futures_executor::block_on(async {
    /// let mut agent = Agent::builder().model(model).build().await?;
    /// agent.state().set("visits", 1)?;
    /// let options = SnapshotOptions::session().include([SnapshotField::SystemPrompt]);
    /// let snapshot = agent.take_snapshot(options).await?;
    ///
    /// agent.state().set("visits", 2)?;
    /// agent.load_snapshot(&snapshot).await?;
    /// assert_eq!(agent.state().get::<u32>("visits"), Some(1));
    /// # Ok::<(), Error>(()) }).unwrap();
    /// ```
    ///
    /// # Errors
    /// [`ErrorKind::InvalidInput`] if no field is selected; the journal could not be read.
    pub async fn take_snapshot(&mut self, options: SnapshotOptions) -> Result<Snapshot, Error> {
        self.driver().refresh().await?;
        let fields = options.fields()?;
        let mut data = Map::new();
        for field in fields {
            data.insert(field.name().to_owned(), self.snapshot_of(field)?);
        }
        Ok(Snapshot {
            scope: SCOPE.to_owned(),
            schema_version: SCHEMA_VERSION.to_owned(),
            created_at: time::rfc3339((self.blueprint.clock)()),
            data,
            app_data: options.into_app_data(),
        })
    }

    fn snapshot_of(&self, field: SnapshotField) -> Result<Value, Error> {
        let run = self.lock();
        let value = match field {
            SnapshotField::Messages => serde_json::to_value(run.transcript()),
            SnapshotField::ConversationManagerState => serde_json::to_value(run.manager_state()),
            SnapshotField::State => return Ok(self.state.to_json()),
            SnapshotField::InterruptState => return run.under_way().map(Value::Object),
            SnapshotField::SystemPrompt => serde_json::to_value(self.system_prompt()),
        };
        value.map_err(|error| {
            refuse(format!("`{}` can't be stored: {error}", field.name())).with_source(error)
        })
    }

    /// Puts what a snapshot holds in the place of what the agent has; fields that it does not hold stay as
    /// they are. What becomes durable does so as one record.
    ///
    /// Answers to approvals are bound to the run that they were given in: in an agent with another run
    /// they are asked for again.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidInput`] if the snapshot is of another scope or version, holds a field that is
    /// not known here, or does not fit together, or if something is unfinished that it does not replace.
    /// Nothing has changed then. The journal could not be read or written.
    pub async fn load_snapshot(&mut self, snapshot: &Snapshot) -> Result<(), Error> {
        let Snapshot { scope, schema_version, data, .. } = snapshot;
        if scope != SCOPE {
            return Err(refuse(format!("its scope is `{scope}`, and an agent's is `{SCOPE}`")));
        }
        if schema_version != SCHEMA_VERSION {
            return Err(refuse(format!(
                "its version is `{schema_version}`; this version of Ropewalk reads `{SCHEMA_VERSION}`"
            )));
        }
        if let Some(unknown) = data.keys().find(|name| SnapshotField::named(name).is_none()) {
            return Err(refuse(format!("it holds `{unknown}`, which is not known here")));
        }
        let prompt: Option<Option<SystemPrompt>> = snapshot.field(SnapshotField::SystemPrompt)?;
        let restored = Restored {
            messages: snapshot.field(SnapshotField::Messages)?,
            agent_state: snapshot.field(SnapshotField::State)?,
            manager_state: snapshot.field(SnapshotField::ConversationManagerState)?,
            under_way: snapshot.field(SnapshotField::InterruptState)?,
        };
        if restored != Restored::default() {
            self.restore(restored).await?;
        }
        if let Some(prompt) = prompt {
            self.tell(prompt);
        }
        Ok(())
    }

    async fn restore(&mut self, restored: Restored) -> Result<(), Error> {
        let driver = self.driver();
        driver.refresh().await?;
        driver.keep_state().await?;
        driver.commit(Record::SnapshotLoaded { restored: restored.into() }).await?;
        self.state.reset(self.lock().agent_state_values());
        Ok(())
    }
}

fn refuse(what: String) -> Error {
    Error::new(ErrorKind::InvalidInput, format!("the snapshot can't be used: {what}"))
}
