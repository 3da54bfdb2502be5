//! An agent's cycle, beside a model and a tool that do nothing; and an agent that does nothing itself.

use std::hint::black_box;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use futures_executor::block_on;
use futures_util::stream;
use ropewalk_core::{
    AfterToolCallEvent, Agent, AgentBuilder, BeforeToolCallEvent, Blueprint, BoxError, BoxFuture,
    BoxStream, Error, Message, Model, ModelChunk, ModelRequest, NullConversationManager, Replay,
    StopReason, Tool, ToolContext, ToolOutput, ToolSpec, Usage,
};
use serde_json::{Value, json};

use super::Case;

pub(super) const CASES: &[Case] = &[
    ("agent: a cycle", |times| cycles(times, 0, 1)),
    ("agent: a cycle behind 2,000 messages", |times| cycles(times, 0, 2_000)),
    ("agent: a cycle with 5 hooks on each side of the call", |times| cycles(times, 5, 1)),
    ("agent: one of a blueprint", idle),
];

/// A model that asks for a tool so many times.
struct Loops(AtomicUsize);

impl Model for Loops {
    fn id(&self) -> &str {
        "loops"
    }

    fn stream(&self, _: ModelRequest) -> BoxStream<'_, Result<ModelChunk, Error>> {
        let left =
            self.0.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(1));
        let chunks = if left.is_err() {
            ModelChunk::text_message("done", StopReason::EndTurn, Usage::new(1, 1))
                .into_iter()
                .collect()
        } else {
            vec![
                ModelChunk::message_start(),
                ModelChunk::tool_use_start("t1", "add"),
                ModelChunk::input_delta(r#"{"a":1,"b":2}"#),
                ModelChunk::block_stop(),
                ModelChunk::message_stop(StopReason::ToolUse),
            ]
        };
        Box::pin(stream::iter(chunks.into_iter().map(Ok)))
    }
}

/// A tool that does nothing.
struct Nothing(ToolSpec);

impl Tool for Nothing {
    fn spec(&self) -> &ToolSpec {
        &self.0
    }

    fn call(&self, _: Value, _: ToolContext) -> BoxFuture<'_, Result<ToolOutput, BoxError>> {
        Box::pin(std::future::ready(Ok(ToolOutput::text("3"))))
    }

    fn replay(&self) -> Replay {
        Replay::Pure
    }
}

fn builder(calls: usize, history: usize) -> AgentBuilder {
    let numbers = json!({"a": {"type": "integer"}, "b": {"type": "integer"}});
    let schema = json!({"type": "object", "properties": numbers});
    Agent::builder()
        .model(Loops(calls.into()))
        .tool(Nothing(ToolSpec::new("add", "adds", schema)))
        .conversation_manager(NullConversationManager::new())
        .no_callback_handler()
        .messages((0..history / 2).flat_map(|at| {
            [Message::user(format!("question {at}")), Message::assistant(format!("answer {at}"))]
        }))
}

fn blueprint(builder: AgentBuilder) -> Option<Arc<Blueprint>> {
    builder.blueprint().ok().map(Arc::new)
}

fn cycles(times: usize, hooks: usize, history: usize) {
    let mut builder = builder(times, history);
    for _ in 0..hooks {
        builder = builder
            .hook(|event: &mut BeforeToolCallEvent| {
                black_box(event.tool_use());
            })
            .hook(|event: &mut AfterToolCallEvent| {
                black_box(event.result());
            });
    }
    let result = block_on(async {
        let mut agent = blueprint(builder)?.agent().await.ok()?;
        agent.invoke("go").await.ok()
    });
    assert_eq!(result.map(|result| result.cycles as usize), Some(times + 1));
}

fn idle(times: usize) {
    let agents = block_on(async {
        let blueprint = blueprint(builder(0, 4))?;
        let mut agents = Vec::with_capacity(times);
        for _ in 0..times {
            agents.push(blueprint.agent().await.ok()?);
        }
        Some(agents)
    });
    assert_eq!(agents.map(|agents| agents.len()), Some(times));
}
