//! The run: an agent's work as a plain value.
//!
//! [`Run`] does no I/O, awaits nothing, and knows neither clock nor chance. [`Run::next`] says
//! what must happen now; [`Run::apply`] is the only way it ever changes. A run is the fold of its
//! records: keep the records and the run is kept.

mod apply;
mod batch;
mod check;
mod outcome;
mod record;
mod step;

use std::sync::Arc;

use serde::{Deserialize, Deserializer, Serialize};
use uuid::Uuid;

use crate::error::{Error, ErrorKind};
use crate::interrupt::Interrupt;
use crate::message::{Message, Transcript, Usage};

pub(crate) use apply::UNKNOWN_OUTCOME;
pub use batch::{CallState, ToolCall};
pub use outcome::Outcome;
pub use record::{Claim, Finish, Record, Site};
pub use step::Step;

use batch::Batch;

/// The number of the stored form of runs and records. A reader refuses a higher one.
pub const FORMAT_VERSION: u32 = 1;

/// An agent's work as a plain value: what was said, what is under way, which questions are open.
///
/// ```
/// use ropewalk_core::{Message, ModelTurn, Record, Run, Step, StopReason, Usage, Metrics};
///
/// let mut run = Run::new("demo");
/// run.apply(Record::InvocationStarted { messages: vec![Message::user("hello")] })?;
/// assert!(matches!(run.next(), Step::Model));
///
/// let turn = ModelTurn {
///     message: Message::assistant("good day"),
///     stop_reason: StopReason::EndTurn,
///     usage: Usage::new(3, 2),
///     metrics: Metrics::default(),
///     malformed: vec![],
///     redact_user: None,
/// };
/// run.apply(Record::ModelAnswered { turn, discarded: Usage::default() })?;
/// assert!(matches!(run.next(), Step::Finish(_)));
/// # Ok::<(), ropewalk_core::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Run {
    #[serde(deserialize_with = "readable_version")]
    version: u32,
    id: String,
    transcript: Transcript,
    phase: Phase,
    /// How many messages there were before the current invocation.
    #[serde(default)]
    started_at: usize,
    /// Counts up with each invocation; part of the idempotency keys.
    invocation: u64,
    /// Model calls of the current invocation.
    cycles: u32,
    /// Tokens of the current invocation.
    usage: Usage,
    /// Tokens of all invocations.
    total_usage: Usage,
    /// How many records were applied.
    applied: u64,
}

/// Where a run stands.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Phase {
    /// Nothing is asked of it.
    Idle,
    /// The model must be asked.
    Model,
    /// The model asked for tools.
    Tools(Batch),
    /// The invocation has come to its end, which has to be announced.
    Ended(Outcome),
}

impl Run {
    /// A run in which nothing has happened. The id is part of the idempotency keys of its tool
    /// calls: no two runs share one.
    pub fn new(id: impl Into<String>) -> Self {
        Self {
            version: FORMAT_VERSION,
            id: id.into(),
            transcript: Transcript::new(),
            phase: Phase::Idle,
            started_at: 0,
            invocation: 0,
            cycles: 0,
            usage: Usage::default(),
            total_usage: Usage::default(),
            applied: 0,
        }
    }

    /// A run with a history that it did not make itself.
    pub fn with_history(id: impl Into<String>, transcript: Transcript) -> Self {
        Self { transcript, ..Self::new(id) }
    }

    /// The run that these records make, from the first one on.
    ///
    /// # Errors
    /// [`ErrorKind::IllegalRecord`], naming the first record that does not fit.
    pub fn replay(mut self, records: impl IntoIterator<Item = Record>) -> Result<Self, Error> {
        for (at, record) in records.into_iter().enumerate() {
            self.apply(record).map_err(|error| error.context(format!("record {at}")))?;
        }
        Ok(self)
    }

    /// What must happen now. Asking changes nothing.
    pub fn next(&self) -> Step<'_> {
        match &self.phase {
            Phase::Idle => Step::Idle,
            Phase::Model => Step::Model,
            Phase::Ended(outcome) => Step::Finish(outcome),
            Phase::Tools(batch) => batch.next(),
        }
    }

    /// The run's id.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// What was said. A tool turn that is under way is not in it yet.
    pub fn transcript(&self) -> &Transcript {
        &self.transcript
    }

    /// The assistant's message whose tools are under way, if there is one.
    pub fn pending_message(&self) -> Option<&Arc<Message>> {
        self.batch().map(|batch| &batch.message)
    }

    /// The tool calls that are under way, in the order of the model's request.
    pub fn calls(&self) -> &[ToolCall] {
        self.batch().map_or(&[], |batch| &batch.calls)
    }

    /// The questions that wait for an answer: those about the whole batch, then those about the
    /// calls in the order of the model's request.
    pub fn open_interrupts(&self) -> Vec<Interrupt> {
        let open = self.batch().into_iter().flat_map(Batch::open);
        open.map(|question| question.interrupt.clone()).collect()
    }

    /// The questions of the batch under way that were asked from one place, with their answers.
    pub fn interrupts_at(&self, site: &Site) -> Vec<Interrupt> {
        let all = self.batch().into_iter().flat_map(|batch| &batch.questions);
        all.filter(|question| question.site == *site)
            .map(|question| question.interrupt.clone())
            .collect()
    }

    /// True if nothing is under way.
    pub fn is_idle(&self) -> bool {
        matches!(self.phase, Phase::Idle)
    }

    /// True if nothing can go on before a question is answered.
    pub fn is_waiting(&self) -> bool {
        matches!(self.next(), Step::Wait(_))
    }

    /// How many model calls the current invocation made.
    pub fn cycles(&self) -> u32 {
        self.cycles
    }

    /// The tokens of the current invocation.
    pub fn usage(&self) -> Usage {
        self.usage
    }

    /// The tokens of all invocations.
    pub fn total_usage(&self) -> Usage {
        self.total_usage
    }

    /// How many records made this run.
    pub fn applied(&self) -> u64 {
        self.applied
    }

    /// The key of one tool call: the same each time that very call is made, in every process, and
    /// different for every other call of every run.
    pub fn idempotency_key(&self, tool_use_id: &str) -> String {
        let Self { id, invocation, cycles, .. } = self;
        // The length keeps apart ids that hold a slash.
        let name = format!("{}:{id}/{invocation}/{cycles}/{tool_use_id}", id.len());
        Uuid::new_v5(&Uuid::NAMESPACE_OID, name.as_bytes()).to_string()
    }

    fn batch(&self) -> Option<&Batch> {
        match &self.phase {
            Phase::Tools(batch) => Some(batch),
            _ => None,
        }
    }

    /// Says why a stored run can't be read by this version, if it can't.
    ///
    /// # Errors
    /// [`ErrorKind::Unsupported`] if a newer version wrote it.
    pub fn check_version(version: u32) -> Result<(), Error> {
        if version > FORMAT_VERSION {
            return Err(Error::new(
                ErrorKind::Unsupported,
                format!(
                    "this run was stored in format {version}; this version of Ropewalk reads up to {FORMAT_VERSION}: use a newer one"
                ),
            ));
        }
        Ok(())
    }
}

fn readable_version<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u32, D::Error> {
    let version = u32::deserialize(deserializer)?;
    Run::check_version(version).map_err(serde::de::Error::custom)?;
    Ok(version)
}
