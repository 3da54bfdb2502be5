//! What a tool took.

use std::time::Duration;

use crate::message::ToolStatus;

/// What the calls of one tool took (Strands' `ToolMetrics`).
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct ToolMetrics {
    /// The id of the latest call. Its arguments are not kept: they may be large, and secret.
    pub tool_use_id: String,
    /// How many calls there were, those that did not run included.
    pub call_count: u64,
    /// How many of them ended with a success.
    pub success_count: u64,
    /// How many of them ended with an error.
    pub error_count: u64,
    /// How long they ran, together.
    pub total_time: Duration,
}

impl ToolMetrics {
    /// How long a call ran on average.
    pub fn average_time(&self) -> Duration {
        match u32::try_from(self.call_count) {
            Ok(calls) if calls > 0 => self.total_time / calls,
            _ => Duration::ZERO,
        }
    }

    /// The share of calls that succeeded, from 0 to 1; 0 if there were none.
    #[expect(clippy::cast_precision_loss, reason = "nobody makes 2^52 calls")]
    pub fn success_rate(&self) -> f64 {
        if self.call_count == 0 { 0.0 } else { self.success_count as f64 / self.call_count as f64 }
    }

    /// Counts a call that has ended.
    pub(super) fn count(&mut self, tool_use_id: &str, status: ToolStatus, took: Duration) {
        tool_use_id.clone_into(&mut self.tool_use_id);
        self.call_count += 1;
        match status {
            ToolStatus::Success => self.success_count += 1,
            ToolStatus::Error => self.error_count += 1,
        }
        self.total_time += took;
    }

    pub(super) fn add(&mut self, other: &Self) {
        let Self { tool_use_id, call_count, success_count, error_count, total_time } = other;
        self.tool_use_id.clone_from(tool_use_id);
        self.call_count += call_count;
        self.success_count += success_count;
        self.error_count += error_count;
        self.total_time += *total_time;
    }
}
