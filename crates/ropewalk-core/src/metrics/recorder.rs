//! Noting what an invocation takes, while it does.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::{CycleMetrics, EventLoopMetrics, InvocationMetrics, KEPT, Trace};
use crate::id::CycleId;
use crate::message::{Metrics, ToolStatus, ToolUse, Usage};

/// Notes what an invocation takes.
#[derive(Debug)]
pub(crate) struct Recorder {
    began: Instant,
    inner: Mutex<Inner>,
}

#[derive(Debug, Default)]
struct Inner {
    /// The sums.
    metrics: EventLoopMetrics,
    /// The latest cycles that have ended.
    cycles: VecDeque<Cycle>,
    open: Option<Cycle>,
}

/// A cycle. What is told of it is written when somebody wants to know.
#[derive(Debug)]
struct Cycle {
    id: CycleId,
    /// Which one of the invocation it is, from 1.
    number: u64,
    start: Duration,
    end: Duration,
    usage: Usage,
    children: Vec<Trace>,
}

impl Cycle {
    fn metrics(&self) -> CycleMetrics {
        let duration = self.end.saturating_sub(self.start);
        CycleMetrics { event_loop_cycle_id: self.id.text(), usage: self.usage, duration }
    }

    fn trace(&self) -> Trace {
        let children = self.children.clone();
        Trace { children, ..Trace::new(format!("Cycle {}", self.number), self.start, self.end) }
    }
}

impl Recorder {
    pub(crate) fn new() -> Self {
        Self { began: Instant::now(), inner: Mutex::default() }
    }

    /// A cycle begins; the one before it has ended.
    pub(crate) fn cycle(&self, id: CycleId) {
        let now = self.began.elapsed();
        let mut inner = self.lock();
        inner.close(now);
        // The model's answer and one tool call.
        let children = Vec::with_capacity(2);
        let number = inner.metrics.cycle_count + 1;
        let usage = Usage::default();
        inner.open = Some(Cycle { id, number, start: now, end: now, usage, children });
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
        let cycles = inner.cycles.iter().map(|cycle| Arc::new(cycle.metrics())).collect();
        EventLoopMetrics {
            accumulated_usage: usage,
            agent_invocations: vec![InvocationMetrics { cycles, usage }],
            traces: inner.cycles.iter().map(|cycle| Arc::new(cycle.trace())).collect(),
            ..inner.metrics.clone()
        }
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inner {
    fn close(&mut self, now: Duration) {
        let Some(cycle) = self.open.take() else { return };
        self.metrics.cycle_count += 1;
        self.metrics.total_duration += now.saturating_sub(cycle.start);
        if self.cycles.len() >= KEPT {
            self.cycles.pop_front();
        }
        self.cycles.push_back(Cycle { end: now, ..cycle });
    }
}
