//! No library: the loop that somebody writes by hand who needs one agent, over hyper and `serde_json`. What a
//! library costs is what it costs above this.
//!
//! It renders each message once and polls its connection in the agent's own task. With `BENCH_FLOOR=naive` it
//! renders the whole history for each request and gives the connection a task of its own, as most do.

mod agent;
mod connection;
mod hooks;
mod message;
mod stream;
mod tools;

use std::env;
use std::process::ExitCode;
use std::sync::Arc;

use bench_common::{Answer, Arguments, Exchange, Failure, IDLE_TOOLS, Peer, Setting, Source};

use agent::Agent;
use message::Message;
use tools::Tools;

struct Floor {
    tools: Arc<Tools>,
    naive: bool,
    scripted: Option<usize>,
}

impl Floor {
    fn make(&self) -> Agent {
        Agent::new(Arc::clone(&self.tools), self.naive, self.scripted)
    }
}

impl Peer for Floor {
    type Agent = Agent;
    type Idle = Agent;

    async fn open(setting: Setting) -> Result<Self, Failure> {
        let tools =
            if setting.idle { Tools::new(&IDLE_TOOLS, false) } else { Tools::new(&["add"], true) };
        let scripted = match setting.source {
            Source::Server => None,
            Source::Process { calls } => Some(calls),
        };
        let naive = env::var("BENCH_FLOOR").is_ok_and(|kind| kind == "naive");
        Ok(Self { tools: Arc::new(tools?), naive, scripted })
    }

    async fn agent(&self) -> Result<Agent, Failure> {
        Ok(self.make())
    }

    async fn ask(agent: &mut Agent, prompt: String) -> Result<Answer, Failure> {
        let text = agent.run(prompt, |_| {}).await?;
        Ok(Answer { text, pieces: 0 })
    }

    async fn listen(agent: &mut Agent, prompt: String) -> Result<Answer, Failure> {
        let mut pieces = 0;
        let text = agent.run(prompt, |_| pieces += 1).await?;
        Ok(Answer { text, pieces })
    }

    async fn idle(
        &self,
        _: usize,
        said: impl IntoIterator<Item = Exchange, IntoIter: Send> + Send,
    ) -> Result<Agent, Failure> {
        let mut agent = self.make();
        for Exchange { question, answer } in said {
            agent.say(Message::User { content: question });
            agent.say(Message::Assistant { content: Some(answer), tool_calls: Vec::new() });
        }
        Ok(agent)
    }
}

fn main() -> ExitCode {
    let arguments = Arguments::from_env();
    match arguments.workload() {
        "hooks" => bench_common::finish(hooks::all()),
        "dispatch" => bench_common::finish(hooks::some(&arguments)),
        _ => bench_common::run::<Floor>(&arguments),
    }
}
