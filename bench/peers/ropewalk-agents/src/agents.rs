//! Agents in one shape or another, for the workloads.

use std::sync::Arc;

use bench_common::{Answer, Arguments, Exchange, Failure, Peer, Setting};
use futures_util::StreamExt as _;
use ropewalk::{Agent, AgentBuilder, AgentEvent, Blueprint, Message, Run, Transcript};

use crate::builder;

/// What agents have besides a model, tools and a system prompt.
pub trait Shape: Sized + Send + Sync + 'static {
    /// Makes what all agents share.
    ///
    /// # Errors
    /// It can't be made.
    fn open(arguments: &Arguments) -> impl Future<Output = Result<Self, Failure>> + Send;

    /// Adds to what an agent is made of.
    fn add_to(&self, builder: AgentBuilder) -> AgentBuilder;

    /// An agent that nothing was said to.
    ///
    /// # Errors
    /// It can't be made.
    fn agent(
        &self,
        blueprint: &Arc<Blueprint>,
    ) -> impl Future<Output = Result<Agent, Failure>> + Send;
}

/// Nothing more: the default shape.
#[derive(Debug)]
pub struct Bare;

impl Shape for Bare {
    async fn open(_: &Arguments) -> Result<Self, Failure> {
        Ok(Self)
    }

    fn add_to(&self, builder: AgentBuilder) -> AgentBuilder {
        builder
    }

    async fn agent(&self, blueprint: &Arc<Blueprint>) -> Result<Agent, Failure> {
        Ok(blueprint.agent().await?)
    }
}

/// Agents in a shape.
#[derive(Debug)]
pub struct Agents<S> {
    blueprint: Arc<Blueprint>,
    shape: S,
    /// Whether idle agents have the same history, that of their blueprint.
    shared: bool,
}

impl<S: Shape> Peer for Agents<S> {
    type Agent = Agent;
    type Idle = Agent;

    async fn open(setting: Setting) -> Result<Self, Failure> {
        let shape = S::open(&setting.arguments).await?;
        let shared = setting.arguments.number("shared", 0) > 0;
        let mut builder = shape.add_to(builder(&setting)?);
        if shared {
            builder = builder.messages(messages((0..2).map(|at| Exchange {
                question: format!("question {at} about the weather in some city"),
                answer: format!("answer {at}: it is sunny and twenty degrees"),
            })));
        }
        Ok(Self { blueprint: Arc::new(builder.blueprint()?), shape, shared })
    }

    async fn agent(&self) -> Result<Agent, Failure> {
        self.shape.agent(&self.blueprint).await
    }

    async fn ask(agent: &mut Agent, prompt: String) -> Result<Answer, Failure> {
        let result = agent.invoke(prompt).await?;
        Ok(Answer { text: result.text(), pieces: 0 })
    }

    async fn listen(agent: &mut Agent, prompt: String) -> Result<Answer, Failure> {
        let mut answer = Answer::default();
        let mut events = agent.stream(prompt);
        while let Some(event) = events.next().await {
            match event? {
                AgentEvent::Text(_) => answer.pieces += 1,
                AgentEvent::Result(result) => answer.text = result.text(),
                _ => {}
            }
        }
        Ok(answer)
    }

    async fn idle(
        &self,
        number: usize,
        said: impl IntoIterator<Item = Exchange, IntoIter: Send> + Send,
    ) -> Result<Agent, Failure> {
        if self.shared {
            return self.agent().await;
        }
        let history = Transcript::from_messages(messages(said))?;
        let run = Run::with_history(format!("run {number}"), history);
        Ok(self.blueprint.resume(run).await?)
    }
}

fn messages(said: impl IntoIterator<Item = Exchange>) -> impl Iterator<Item = Message> {
    said.into_iter().flat_map(|Exchange { question, answer }| {
        [Message::user(question), Message::assistant(answer)]
    })
}
