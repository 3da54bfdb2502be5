//! What a cycle of an agent costs beside its model and its tool, which do nothing here: one model call
//! and one tool call, with no hooks and with five, on a history of one message and of 2,000; and what an
//! idle agent of a shared blueprint costs.
//!
//! The history must make no difference: what a cycle does is the same, however long the conversation is.
//!
//! ```console
//! $ cargo bench -p ropewalk-core --bench cycle
//! ```
#![allow(clippy::unwrap_used, missing_docs)]

use std::hint::black_box;
use std::sync::Arc;

use divan::{AllocProfiler, Bencher};
use futures_executor::block_on;
use ropewalk_core::*;
use serde_json::{Value, json};

#[global_allocator]
static ALLOCATOR: AllocProfiler = AllocProfiler::system();

/// How many cycles an invocation has: what it costs to begin and to end one is spread over them.
const CYCLES: u32 = 100;

fn main() {
    divan::main();
}

/// A model that asks for a tool as long as it has not had enough results.
struct Loops {
    asks: Vec<ModelChunk>,
    ends: Vec<ModelChunk>,
}

impl Loops {
    fn new() -> Self {
        let mut asks = vec![
            ModelChunk::message_start(),
            ModelChunk::tool_use_start("t1", "nothing"),
            ModelChunk::input_delta("{}"),
            ModelChunk::block_stop(),
        ];
        asks.push(ModelChunk::message_stop(StopReason::ToolUse));
        let ends = ModelChunk::text_message("done", StopReason::EndTurn, Usage::new(1, 1));
        Self { asks, ends: ends.into_iter().collect() }
    }
}

impl Model for Loops {
    fn id(&self) -> &str {
        "loops"
    }

    fn stream(&self, request: ModelRequest) -> BoxStream<'_, Result<ModelChunk, Error>> {
        let since = request
            .messages
            .iter()
            .rev()
            .take_while(|said| said.role == Role::Assistant || said.results().next().is_some());
        let enough = since.count() as u32 / 2 + 1 >= CYCLES;
        let chunks = if enough { &self.ends } else { &self.asks };
        Box::pin(futures_util::stream::iter(chunks.iter().cloned().map(Ok)))
    }
}

/// A tool that does nothing.
struct Nothing(ToolSpec);

impl Tool for Nothing {
    fn spec(&self) -> &ToolSpec {
        &self.0
    }

    fn call(&self, _: Value, _: ToolContext) -> BoxFuture<'_, Result<ToolOutput, BoxError>> {
        Box::pin(std::future::ready(Ok(ToolOutput::text("ok"))))
    }

    fn replay(&self) -> Replay {
        Replay::Pure
    }
}

fn blueprint(hooks: usize, history: usize) -> Arc<Blueprint> {
    let messages = (0..history / 2).flat_map(|at| {
        [Message::user(format!("question {at}")), Message::assistant(format!("answer {at}"))]
    });
    let schema = json!({"type": "object", "properties": {}});
    let mut builder = Agent::builder()
        .model(Loops::new())
        .tool(Nothing(ToolSpec::new("nothing", "does nothing", schema)))
        .conversation_manager(NullConversationManager::new())
        .messages(messages);
    for _ in 0..hooks {
        builder = builder
            .hook(|event: &mut BeforeToolCallEvent| {
                black_box(event.tool_use());
            })
            .hook(|event: &mut AfterToolCallEvent| {
                black_box(event.result());
            });
    }
    Arc::new(builder.blueprint().unwrap())
}

/// An invocation of a hundred cycles.
#[divan::bench(args = [(0, 1), (0, 2_000), (5, 1), (5, 2_000)], sample_count = 50)]
fn hundred_cycles(bencher: Bencher<'_, '_>, (hooks, history): (usize, usize)) {
    let blueprint = blueprint(hooks, history);
    bencher
        .counter(divan::counter::ItemsCount::new(CYCLES))
        .with_inputs(|| block_on(blueprint.agent()).unwrap())
        .bench_local_values(|mut agent| {
            let result = block_on(agent.invoke("go")).unwrap();
            assert_eq!(result.cycles, CYCLES);
            agent
        });
}

/// An agent of a shared blueprint that does nothing: time, and memory.
#[divan::bench(args = [10_000])]
fn idle_agents(bencher: Bencher<'_, '_>, count: usize) {
    let blueprint = blueprint(5, 0);
    bencher.counter(divan::counter::ItemsCount::new(count)).bench_local(|| {
        (0..count).map(|_| block_on(blueprint.agent()).unwrap()).collect::<Vec<_>>()
    });
}
