//! rig: the facade, with OpenAI's provider on the route of chat completions.
//!
//! Answers are streamed; with `BENCH_MODE=block` they come in one piece.

use std::env;
use std::process::ExitCode;

use bench_common::{
    Answer, Arguments, Exchange, Failure, IDLE_TOOLS, KEY, NotOffered, Peer, SYSTEM_PROMPT,
    Setting, Source, TOOL_DESCRIPTION, called, server,
};
use futures_util::StreamExt as _;
use rig::DynModel;
use rig::agent::{
    Agent, AgentBuilder, AgentHook, DispatchAction, DispatchEvent, HookContext, OutcomeAction,
    OutcomeEvent,
};
use rig::message::{Message, ToolName};
use rig::operation::Completion;
use rig::prelude::*;
use rig::providers::openai::{OpenAIConfig, Route};
use rig::streaming::{Item, StreamEvent};
use rig::tool::{DynamicTool, ToolOutput};
use serde_json::{Value, json};

struct Rig {
    model: DynModel<Completion>,
    tools: Vec<DynamicTool>,
    hooks: usize,
}

struct Nothing;

impl AgentHook for Nothing {
    async fn on_dispatch(&self, _: &HookContext, _: DispatchEvent<'_>) -> DispatchAction {
        DispatchAction::proceed()
    }

    async fn on_outcome(&self, _: &HookContext, _: OutcomeEvent<'_>) -> OutcomeAction {
        OutcomeAction::proceed()
    }
}

impl Rig {
    fn make(&self) -> Agent {
        let mut builder = AgentBuilder::new(self.model.clone())
            .preamble(SYSTEM_PROMPT)
            .dynamic_tools(self.tools.clone())
            .default_max_turns(1_000_000);
        for _ in 0..self.hooks {
            builder = builder.add_hook(Nothing);
        }
        builder.build()
    }
}

impl Peer for Rig {
    type Agent = Agent;
    type Idle = (Agent, Vec<Message>);

    async fn open(setting: Setting) -> Result<Self, Failure> {
        if setting.source != Source::Server {
            return Err(NotOffered.into());
        }
        let client =
            OpenAIConfig::new(KEY).with_base_url(server()).with_route(Route::Chat).client();
        let tools = if setting.idle {
            IDLE_TOOLS.iter().map(|name| tool(name, false)).collect::<Result<_, _>>()?
        } else {
            vec![tool("add", true)?]
        };
        let hooks = setting.arguments.number("hooks", 0);
        Ok(Self { model: client.completion("bench").into(), tools, hooks })
    }

    async fn agent(&self) -> Result<Agent, Failure> {
        Ok(self.make())
    }

    async fn ask(agent: &mut Agent, prompt: String) -> Result<Answer, Failure> {
        if env::var("BENCH_MODE").is_ok_and(|mode| mode == "block") {
            let text = agent.prompt(prompt).await?.output().to_string();
            return Ok(Answer { text, pieces: 0 });
        }
        Self::listen(agent, prompt).await
    }

    async fn listen(agent: &mut Agent, prompt: String) -> Result<Answer, Failure> {
        let mut answer = Answer::default();
        let mut items = agent.prompt(prompt).stream();
        while let Some(item) = items.next().await {
            match item? {
                MultiTurnStreamItem::StreamAssistantItem(Item::Event(StreamEvent::Text {
                    ..
                })) => answer.pieces += 1,
                MultiTurnStreamItem::FinalResponse(last) => answer.text = last.output().to_string(),
                _ => {}
            }
        }
        Ok(answer)
    }

    async fn idle(
        &self,
        _: usize,
        said: impl IntoIterator<Item = Exchange, IntoIter: Send> + Send,
    ) -> Result<(Agent, Vec<Message>), Failure> {
        let messages = said.into_iter().flat_map(|Exchange { question, answer }| {
            [Message::user(question), Message::assistant(answer)]
        });
        Ok((self.make(), messages.collect()))
    }
}

fn tool(name: &str, counted: bool) -> Result<DynamicTool, Failure> {
    let operand = |which| json!({"type": "integer", "description": which});
    let schema = json!({
        "type": "object",
        "properties": {"a": operand("first operand"), "b": operand("second operand")},
        "required": ["a", "b"],
    });
    let add = move |arguments: Value| {
        Box::pin(async move {
            if counted {
                called();
            }
            let operand = |name: &str| arguments[name].as_i64().unwrap_or(0);
            Ok(ToolOutput::json(json!(operand("a") + operand("b"))))
        }) as _
    };
    Ok(DynamicTool::new(ToolName::new(name)?, TOOL_DESCRIPTION, schema, add))
}

fn main() -> ExitCode {
    bench_common::run::<Rig>(&Arguments::from_env())
}
