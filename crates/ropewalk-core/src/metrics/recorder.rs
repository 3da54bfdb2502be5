//! Noting what an invocation takes, while it does.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::{CycleMetrics, EventLoopMetrics, InvocationMetrics, Trace, keep_latest};
use crate::message::{Metrics, ToolStatus, ToolUse, Usage};

/// Notes what an invocation takes.
#[derive(Debug)]
pub(crate) struct Recorder {
    began: Instant,
    inner: Mutex<Inner>,
}

#[derive(Debug, Default)]
struct Inner {
    metrics: EventLoopMetrics,
    cycles: Vec<Arc<CycleMetrics>>,
    open: Option<Cycle>,
}

/// A cycle that has not ended.
#[derive(Debug)]
struct Cycle {
    id: String,
    start: Duration,
    usage: Usage,
    children: Vec<Trace>,
}

impl Recorder {
    pub(crate) fn new() -> Self {
        Self { began: Instant::now(), inner: Mutex::default() }
    }

    /// A cycle begins; the one before it has ended.
    pub(crate) fn cycle(&self, id: String) {
        let now = self.began.elapsed();
        let mut inner = self.lock();
        inner.close(now);
        // The model's answer and one tool call.
        let children = Vec::with_capacity(2);
        inner.open = Some(Cycle { id, start: now, usage: Usage::default(), children });
    }

    /// The model has answered, in an answer that may be thrown away still.
    pub(crate) fn answer(&self, metrics: &Metrics, usage: Usage) {
        let now = self.began.elapsed();
        let mut inner = self.lock();
        let total = &mut inner.metrics.accumulated_metrics;
        total.latency_ms += metrics.latency_ms;
        if metrics.time_to_first_byte_ms.is_some() {
            total.time_to_first_byte_ms = metrics.time_to_first_byte_ms;
        }
        if let Some(cycle) = &mut inner.open {
            cycle.usage += usage;
            let start = now.saturating_sub(Duration::from_millis(metrics.latency_ms));
            cycle.children.push(Trace::new("stream_messages", start, now));
        }
    }

    /// A tool call has ended, which ran so long, if it did.
    pub(crate) fn tool(&self, tool_use: &ToolUse, took: Option<Duration>, status: ToolStatus) {
        let ToolUse { tool_use_id, name, .. } = tool_use;
        let now = self.began.elapsed();
        let mut inner = self.lock();
        let took = took.unwrap_or_default();
        let tools = &mut inner.metrics.tool_metrics;
        match tools.get_mut(name) {
            Some(known) => known.count(tool_use_id, status, took),
            None => tools.entry(name.clone()).or_default().count(tool_use_id, status, took),
        }
        if let Some(cycle) = &mut inner.open {
            let label = ["Tool: ", name].concat();
            cycle.children.push(Trace::new(label, now.saturating_sub(took), now));
        }
    }

    /// What it took so far, with the tokens that the run has counted.
    pub(crate) fn metrics(&self, usage: Usage) -> EventLoopMetrics {
        let now = self.began.elapsed();
        let mut inner = self.lock();
        inner.close(now);
        let mut metrics = inner.metrics.clone();
        metrics.accumulated_usage = usage;
        metrics.agent_invocations = vec![InvocationMetrics { cycles: inner.cycles.clone(), usage }];
        metrics
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inner {
    fn close(&mut self, now: Duration) {
        let Some(Cycle { id, start, usage, children }) = self.open.take() else { return };
        let duration = now.saturating_sub(start);
        self.metrics.cycle_count += 1;
        self.metrics.total_duration += duration;
        let name = ["Cycle ", itoa::Buffer::new().format(self.metrics.cycle_count)].concat();
        self.metrics.traces.push(Arc::new(Trace { children, ..Trace::new(name, start, now) }));
        keep_latest(&mut self.metrics.traces);
        self.cycles.push(Arc::new(CycleMetrics { event_loop_cycle_id: id, usage, duration }));
        keep_latest(&mut self.cycles);
    }
}
