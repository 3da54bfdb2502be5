//! adk-rust: an agent of a language model, its runner, sessions in memory; the client for servers that are
//! compatible with OpenAI's chat completions. How it streams is left as it is.

mod scripted;

use std::collections::HashMap;
use std::process::ExitCode;
// The prelude brings another.
use std::result::Result;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use adk_rust::prelude::*;
use adk_rust::session::{CreateRequest, InMemorySessionService, SessionService};
use bench_common::{
    Answer, Arguments, Exchange, Failure, IDLE_TOOLS, KEY, Peer, SYSTEM_PROMPT, Setting, Source,
    TOOL_DESCRIPTION, called, server,
};
use futures_util::StreamExt as _;
use serde_json::{Value, json};

use scripted::Scripted;

const APP: &str = "bench";
const USER: &str = "user";

struct Adk {
    model: Arc<dyn Llm>,
    tools: Vec<Arc<dyn Tool>>,
    sessions: Arc<dyn SessionService>,
    next: AtomicUsize,
}

struct Conversation {
    runner: Runner,
    session: String,
}

#[derive(schemars::JsonSchema, serde::Serialize, serde::Deserialize)]
struct Addends {
    /// first operand
    a: i64,
    /// second operand
    b: i64,
}

impl Peer for Adk {
    type Agent = Conversation;
    type Idle = Conversation;

    async fn open(setting: Setting) -> Result<Self, Failure> {
        let model: Arc<dyn Llm> = match setting.source {
            Source::Server => {
                Arc::new(OpenAIClient::new(OpenAIConfig::compatible(KEY, server(), "bench"))?)
            }
            Source::Process { calls } => Arc::new(Scripted { calls }),
        };
        let tools = if setting.idle {
            IDLE_TOOLS.iter().map(|name| tool(name, false)).collect()
        } else {
            vec![tool("add", true)]
        };
        let sessions = Arc::new(InMemorySessionService::new());
        Ok(Self { model, tools, sessions, next: AtomicUsize::new(0) })
    }

    async fn agent(&self) -> Result<Conversation, Failure> {
        let mut builder = LlmAgentBuilder::new("bench")
            .instruction(SYSTEM_PROMPT)
            .model(Arc::clone(&self.model))
            .max_iterations(1_000_000);
        for tool in &self.tools {
            builder = builder.tool(Arc::clone(tool));
        }
        let agent: Arc<dyn Agent> = Arc::new(builder.build()?);
        let session = format!("s{}", self.next.fetch_add(1, Ordering::Relaxed));
        let request = CreateRequest {
            app_name: APP.into(),
            user_id: USER.into(),
            session_id: Some(session.clone()),
            state: HashMap::new(),
        };
        self.sessions.create(request).await?;
        let runner = Runner::builder()
            .app_name(APP)
            .agent(agent)
            .session_service(Arc::clone(&self.sessions))
            .build()?;
        Ok(Conversation { runner, session })
    }

    async fn ask(agent: &mut Conversation, prompt: String) -> Result<Answer, Failure> {
        Self::listen(agent, prompt).await
    }

    async fn listen(agent: &mut Conversation, prompt: String) -> Result<Answer, Failure> {
        let content = Content::new("user").with_text(prompt);
        let mut events = agent.runner.run_str(USER, &agent.session, content).await?;
        let mut answer = Answer::default();
        while let Some(event) = events.next().await {
            let Some(content) = event?.llm_response.content else { continue };
            for text in content.parts.iter().filter_map(|part| part.text()) {
                if !text.is_empty() {
                    answer.text.push_str(text);
                    answer.pieces += 1;
                }
            }
        }
        Ok(answer)
    }

    async fn idle(
        &self,
        _: usize,
        said: impl IntoIterator<Item = Exchange, IntoIter: Send> + Send,
    ) -> Result<Conversation, Failure> {
        let conversation = self.agent().await?;
        for Exchange { question, answer } in said {
            for (author, role, text) in [("user", "user", question), ("bench", "model", answer)] {
                let mut event = Event::new("earlier");
                event.author = author.into();
                event.llm_response.content = Some(Content::new(role).with_text(text));
                self.sessions.append_event(&conversation.session, event).await?;
            }
        }
        Ok(conversation)
    }
}

fn tool(name: &str, counted: bool) -> Arc<dyn Tool> {
    let add = move |_, arguments: Value| async move {
        if counted {
            called();
        }
        let operand = |name: &str| arguments[name].as_i64().unwrap_or(0);
        Ok(json!(operand("a") + operand("b")))
    };
    Arc::new(FunctionTool::new(name, TOOL_DESCRIPTION, add).with_parameters_schema::<Addends>())
}

fn main() -> ExitCode {
    bench_common::run::<Adk>(&Arguments::from_env())
}
