//! The summary, as JSON.

use serde_json::{Map, Value, json};

use super::{EventLoopMetrics, InvocationMetrics, ToolMetrics};

impl EventLoopMetrics {
    /// All of it as JSON, with the keys of Strands' `get_summary()`. Times are in seconds.
    #[expect(clippy::cast_precision_loss, reason = "an average of more than 2^52 cycles")]
    pub fn summary(&self) -> Value {
        let total = self.total_duration.as_secs_f64();
        let average = if self.cycle_count == 0 { 0.0 } else { total / self.cycle_count as f64 };
        let tools: Map<String, Value> = self
            .tool_metrics
            .iter()
            .map(|(name, tool)| (name.clone(), usage_of(name, tool)))
            .collect();
        json!({
            "total_cycles": self.cycle_count,
            "total_duration": total,
            "average_cycle_time": average,
            "tool_usage": tools,
            "traces": self.traces,
            "accumulated_usage": self.accumulated_usage,
            "accumulated_metrics": self.accumulated_metrics,
            "agent_invocations": self.agent_invocations.iter().map(invocation).collect::<Vec<_>>(),
        })
    }
}

fn usage_of(name: &str, tool: &ToolMetrics) -> Value {
    json!({
        "tool_info": {"tool_use_id": tool.tool_use_id, "name": name},
        "execution_stats": {
            "call_count": tool.call_count,
            "success_count": tool.success_count,
            "error_count": tool.error_count,
            "total_time": tool.total_time.as_secs_f64(),
            "average_time": tool.average_time().as_secs_f64(),
            "success_rate": tool.success_rate(),
        },
    })
}

fn invocation(invocation: &InvocationMetrics) -> Value {
    let cycles: Vec<Value> = invocation
        .cycles
        .iter()
        .map(
            |cycle| json!({"event_loop_cycle_id": cycle.event_loop_cycle_id, "usage": cycle.usage}),
        )
        .collect();
    json!({"cycles": cycles, "usage": invocation.usage})
}
