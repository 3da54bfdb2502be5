//! Where the time of a cycle went.

use std::borrow::Cow;
use std::time::Duration;

use serde::Serialize;

/// A stretch of time with those inside it (Strands' `Trace`). It holds no message: `tracing` spans can,
/// for whoever wants that.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Trace {
    /// What it was: `Cycle 1`, `stream_messages`, `Tool: calculator`.
    pub name: Cow<'static, str>,
    /// When it began: since the invocation did.
    #[serde(rename = "start_time", serialize_with = "seconds")]
    pub start: Duration,
    /// How long it took.
    #[serde(serialize_with = "seconds")]
    pub duration: Duration,
    /// What happened inside it, in the order in which it ended.
    pub children: Vec<Trace>,
}

impl Trace {
    pub(super) fn new(name: impl Into<Cow<'static, str>>, start: Duration, end: Duration) -> Self {
        Self { name: name.into(), start, duration: end.saturating_sub(start), children: Vec::new() }
    }
}

fn seconds<S: serde::Serializer>(time: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_f64(time.as_secs_f64())
}
