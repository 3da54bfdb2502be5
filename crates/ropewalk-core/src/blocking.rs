//! Agents for code without async.
//!
//! [`wait`] waits for anything that an agent does; [`blocking::Agent`](Agent) is an agent whose
//! methods wait by themselves, as in Strands, where `agent("…")` does. Both work inside an async
//! runtime too: they hold up the thread that they are called on, and nothing else. (On a runtime of one
//! thread that is everything: what the agent itself needs must not run there.)
//!
//! ```
//! use ropewalk_core::blocking::Agent;
//! # use ropewalk_core::{BoxStream, Error, Model, ModelChunk, ModelRequest, StopReason, Usage};
//! # #[derive(Debug)] struct Echo;
//! # impl Model for Echo {
//! #     fn id(&self) -> &str { "echo" }
//! #     fn stream(&self, _: ModelRequest) -> BoxStream<'_, Result<ModelChunk, Error>> {
//! #         let chunks = ModelChunk::text_message("good day", StopReason::EndTurn, Usage::default());
//! #         Box::pin(futures_util::stream::iter(chunks.into_iter().map(Ok)))
//! #     }
//! # }
//! # let model = Echo;
//! let mut agent = Agent::build(ropewalk_core::Agent::builder().model(model))?;
//! assert_eq!(agent.invoke("hello")?.text(), "good day");
//! # Ok::<(), Error>(())
//! ```

mod agent;
mod runtime;

pub use agent::{Agent, Events};
pub use runtime::wait;
