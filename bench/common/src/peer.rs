//! What a library does, as the workloads see it.

use std::fmt;
use std::future::Future;

use crate::arguments::Arguments;

/// Why something could not be measured.
pub type Failure = Box<dyn std::error::Error + Send + Sync>;

/// The library has nothing of the kind.
#[derive(Clone, Copy, Debug)]
pub struct NotOffered;

impl fmt::Display for NotOffered {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("not offered")
    }
}

impl std::error::Error for NotOffered {}

/// Where the model is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// Behind HTTP, at [`server`](crate::server).
    Server,
    /// In the process: it calls the tool so many times, then says a word.
    Process {
        /// How many times.
        calls: usize,
    },
}

/// What there is once for all agents of a program.
#[derive(Clone, Debug)]
pub struct Setting {
    /// Where the model is.
    pub source: Source,
    /// Whether the agents are those that do nothing: with the tools of [`IDLE_TOOLS`](crate::IDLE_TOOLS) in place
    /// of `add`.
    pub idle: bool,
    /// All that the command line says.
    pub arguments: Arguments,
}

/// What an agent said.
#[derive(Clone, Debug, Default)]
pub struct Answer {
    /// All of it.
    pub text: String,
    /// How many pieces of text came, where they were listened to.
    pub pieces: usize,
}

/// A question and its answer, of an earlier day.
#[derive(Clone, Debug)]
pub struct Exchange {
    /// What was asked.
    pub question: String,
    /// What was said.
    pub answer: String,
}

/// A library.
pub trait Peer: Sized + Send + Sync + 'static {
    /// One agent, with its conversation.
    type Agent: Send + 'static;
    /// One agent that does nothing, with its conversation.
    type Idle;

    /// Makes what a program makes once: the client, the tools.
    fn open(setting: Setting) -> impl Future<Output = Result<Self, Failure>> + Send;

    /// Makes an agent that nothing was said to.
    fn agent(&self) -> impl Future<Output = Result<Self::Agent, Failure>> + Send;

    /// Asks an agent and waits for its answer.
    fn ask(
        agent: &mut Self::Agent,
        prompt: String,
    ) -> impl Future<Output = Result<Answer, Failure>> + Send;

    /// Asks an agent and listens to each piece of its answer.
    fn listen(
        agent: &mut Self::Agent,
        prompt: String,
    ) -> impl Future<Output = Result<Answer, Failure>> + Send;

    /// Makes an agent to which something was said before.
    fn idle(
        &self,
        number: usize,
        said: impl IntoIterator<Item = Exchange, IntoIter: Send> + Send,
    ) -> impl Future<Output = Result<Self::Idle, Failure>> + Send;
}
