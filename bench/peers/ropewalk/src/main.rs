//! Ropewalk in two shapes: as the builder gives it, with its journal in memory and nobody who takes its spans; and,
//! with `BENCH_SHAPE=full`, with five hooks, sessions in SQLite, and a subscriber that takes all spans.

mod hooks;
mod noted;
mod scripted;
mod sessions;
mod shape;
mod spans;
mod tools;

use std::env;
use std::process::ExitCode;
use std::sync::Arc;

use bench_common::{Answer, Arguments, Exchange, Failure, Peer, Setting};
use futures_util::StreamExt as _;
use ropewalk::{Agent, AgentEvent, Blueprint, Message, Run, Transcript};

use shape::Sessions;

struct Ropewalk {
    blueprint: Arc<Blueprint>,
    /// Where conversations are kept; none in the default shape.
    sessions: Option<Sessions>,
    /// Whether idle agents have the same history, that of their blueprint.
    shared: bool,
}

impl Peer for Ropewalk {
    type Agent = Agent;
    type Idle = Agent;

    async fn open(setting: Setting) -> Result<Self, Failure> {
        let full = env::var("BENCH_SHAPE").is_ok_and(|shape| shape == "full");
        let shared = setting.arguments.number("shared", 0) > 0;
        let mut builder = shape::builder(&setting)?;
        if full {
            spans::take()?;
            builder = shape::with_hooks(builder);
        }
        if shared {
            builder = builder.messages(messages((0..2).map(|at| Exchange {
                question: format!("question {at} about the weather in some city"),
                answer: format!("answer {at}: it is sunny and twenty degrees"),
            })));
        }
        let sessions = if full { Some(Sessions::open(&setting.arguments).await?) } else { None };
        Ok(Self { blueprint: Arc::new(builder.blueprint()?), sessions, shared })
    }

    async fn agent(&self) -> Result<Agent, Failure> {
        Ok(match &self.sessions {
            Some(sessions) => self.blueprint.open(sessions.next().await?).await?,
            None => self.blueprint.agent().await?,
        })
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

fn main() -> ExitCode {
    let arguments = Arguments::from_env();
    match arguments.workload() {
        "hooks" => bench_common::finish(hooks::all()),
        "dispatch" => bench_common::finish(hooks::some(&arguments)),
        "session" => bench_common::finish(sessions::run(&arguments)),
        _ => bench_common::run::<Ropewalk>(&arguments),
    }
}
