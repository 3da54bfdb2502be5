//! What an invocation took: cycles, tokens, tools, time.
//!
//! The figures of Strands' `EventLoopMetrics`, without its messages: what is kept does not grow with
//! the conversation.

mod recorder;
mod summary;
mod tool;
mod trace;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use crate::message::{Metrics, Usage};

pub(crate) use recorder::Recorder;
pub use tool::ToolMetrics;
pub use trace::Trace;

/// How many invocations an agent's metrics tell apart, and how many cycles an invocation's: the
/// latest ones. The sums count all.
const KEPT: usize = 100;

/// What an invocation, or all of an agent's, took (Strands' `EventLoopMetrics`).
///
/// Tokens, each counted once, are the run's: they are kept with the session. Times and counts of tools
/// are those of this process: what another process did before a pause is not in them.
///
/// ```
/// # use ropewalk_core::{Agent, BoxStream, Error, Model, ModelChunk, ModelRequest, StopReason, Usage};
/// # #[derive(Debug)] struct Echo;
/// # impl Model for Echo {
/// #     fn id(&self) -> &str { "echo" }
/// #     fn stream(&self, _: ModelRequest) -> BoxStream<'_, Result<ModelChunk, Error>> {
/// #         let chunks = ModelChunk::text_message("good day", StopReason::EndTurn, Usage::new(3, 2));
/// #         Box::pin(futures_util::stream::iter(chunks.into_iter().map(Ok)))
/// #     }
/// # }
/// # futures_executor::block_on(async {
/// let mut agent = Agent::builder().model(Echo).no_callback_handler().build().await?;
/// agent.invoke("hello").await?;
/// let result = agent.invoke("hello again").await?;
/// assert_eq!(result.metrics.accumulated_usage.total_tokens, 5);
/// assert_eq!(agent.metrics().accumulated_usage.total_tokens, 10);
/// assert_eq!(agent.metrics().summary()["total_cycles"], 2);
/// # Ok::<(), Error>(()) }).unwrap();
/// ```
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct EventLoopMetrics {
    /// How many cycles there were: model calls with the tools that they led to.
    pub cycle_count: u64,
    /// How long all cycles took together.
    pub total_duration: Duration,
    /// What each tool took, by its name.
    pub tool_metrics: BTreeMap<String, ToolMetrics>,
    /// What each invocation took, the latest 100, oldest first.
    pub agent_invocations: Vec<InvocationMetrics>,
    /// The tokens of all model calls, also of answers that were thrown away.
    pub accumulated_usage: Usage,
    /// How long the model took, all calls together; until its first chunk, the latest call.
    pub accumulated_metrics: Metrics,
    /// Where the time went in the latest cycles, up to 100, oldest first.
    pub traces: Vec<Arc<Trace>>,
}

/// What one invocation took.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct InvocationMetrics {
    /// The tokens of its cycles, the latest 100, oldest first.
    pub cycles: Vec<Arc<CycleMetrics>>,
    /// Its tokens.
    pub usage: Usage,
}

/// What one cycle took.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct CycleMetrics {
    /// The cycle's id: the run's id, the number of the invocation, the number of the cycle.
    pub event_loop_cycle_id: String,
    /// The tokens of the answer that counted.
    pub usage: Usage,
    /// How long it took, its tools included.
    pub duration: Duration,
}

impl EventLoopMetrics {
    /// Adds what an invocation took.
    pub(crate) fn add(&mut self, invocation: &Self) {
        let Self {
            cycle_count,
            total_duration,
            tool_metrics,
            agent_invocations,
            accumulated_usage,
            accumulated_metrics,
            traces,
        } = invocation;
        self.cycle_count += cycle_count;
        self.total_duration += *total_duration;
        for (name, tool) in tool_metrics {
            self.tool_metrics.entry(name.clone()).or_default().add(tool);
        }
        self.agent_invocations.extend(agent_invocations.iter().cloned());
        keep_latest(&mut self.agent_invocations);
        self.accumulated_usage += *accumulated_usage;
        self.accumulated_metrics.latency_ms += accumulated_metrics.latency_ms;
        if accumulated_metrics.time_to_first_byte_ms.is_some() {
            self.accumulated_metrics.time_to_first_byte_ms =
                accumulated_metrics.time_to_first_byte_ms;
        }
        self.traces.extend(traces.iter().cloned());
        keep_latest(&mut self.traces);
    }
}

/// Drops the oldest ones beyond what is kept.
fn keep_latest<T>(list: &mut Vec<T>) {
    if list.len() > KEPT {
        list.drain(..list.len() - KEPT);
    }
}
