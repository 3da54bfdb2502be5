//! AutoAgents: its ReAct agent, asked directly; OpenAI's backend in the mode of chat completions.
//!
//! Answers are streamed; with `BENCH_MODE=block` they come in one piece.

mod scripted;
mod tools;

use std::env;
use std::process::ExitCode;
use std::sync::Arc;

use autoagents::core::agent::memory::{MemoryProvider as _, SlidingWindowMemory};
use autoagents::core::agent::prebuilt::executor::ReActAgent;
use autoagents::core::agent::task::Task;
use autoagents::core::agent::{AgentBuilder, DirectAgent, DirectAgentHandle};
use autoagents::llm::LLMProvider;
use autoagents::llm::backends::openai::{OpenAI, OpenAIApiMode};
use autoagents::llm::builder::LLMBuilder;
use autoagents::llm::chat::ChatMessage;
use bench_common::{Answer, Arguments, Exchange, Failure, KEY, Peer, Setting, Source, server};
use futures_util::StreamExt as _;

use scripted::Scripted;
use tools::{Bench, Idle};

/// How many messages an agent that works remembers: all.
const ALL: usize = 1_000_000;

struct AutoAgents {
    model: Arc<dyn LLMProvider>,
}

impl Peer for AutoAgents {
    type Agent = DirectAgentHandle<ReActAgent<Bench>>;
    type Idle = DirectAgentHandle<ReActAgent<Idle>>;

    async fn open(setting: Setting) -> Result<Self, Failure> {
        let model: Arc<dyn LLMProvider> = match setting.source {
            Source::Server => {
                let builder = LLMBuilder::<OpenAI>::new()
                    .api_key(KEY)
                    .base_url(format!("{}/", server()))
                    .model("bench")
                    .api_mode(OpenAIApiMode::ChatCompletions);
                builder.build()?
            }
            Source::Process { calls } => Arc::new(Scripted { calls }),
        };
        Ok(Self { model })
    }

    async fn agent(&self) -> Result<Self::Agent, Failure> {
        let react = ReActAgent::with_max_turns(Bench {}, ALL);
        let mut agent = AgentBuilder::<_, DirectAgent>::new(react)
            .llm(Arc::clone(&self.model))
            .memory(Box::new(SlidingWindowMemory::new(ALL)))
            .build()
            .await?;
        // Its channel of events is bounded: if nobody read them, it would stand still.
        let mut events = std::mem::replace(&mut agent.rx, Box::pin(futures_util::stream::empty()));
        tokio::spawn(async move { while events.next().await.is_some() {} });
        Ok(agent)
    }

    async fn ask(agent: &mut Self::Agent, prompt: String) -> Result<Answer, Failure> {
        if env::var("BENCH_MODE").is_ok_and(|mode| mode == "block") {
            let text = agent.agent.run(Task::new(prompt)).await?;
            return Ok(Answer { text, pieces: 0 });
        }
        Self::listen(agent, prompt).await
    }

    async fn listen(agent: &mut Self::Agent, prompt: String) -> Result<Answer, Failure> {
        let mut answer = Answer::default();
        let mut outputs = agent.agent.run_stream(Task::new(prompt)).await?;
        while let Some(output) = outputs.next().await {
            let text = output?;
            answer.pieces += 1;
            if !text.is_empty() {
                answer.text = text;
            }
        }
        Ok(answer)
    }

    async fn idle(
        &self,
        _: usize,
        said: impl IntoIterator<Item = Exchange, IntoIter: Send> + Send,
    ) -> Result<Self::Idle, Failure> {
        let mut memory = SlidingWindowMemory::new(40);
        for Exchange { question, answer } in said {
            memory.remember(&ChatMessage::user().content(question).build()).await?;
            memory.remember(&ChatMessage::assistant().content(answer).build()).await?;
        }
        let agent = AgentBuilder::<_, DirectAgent>::new(ReActAgent::new(Idle {}))
            .llm(Arc::clone(&self.model))
            .memory(Box::new(memory));
        Ok(agent.build().await?)
    }
}

fn main() -> ExitCode {
    bench_common::run::<AutoAgents>(&Arguments::from_env())
}
