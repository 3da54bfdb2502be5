//! Testing agents built with Ropewalk, without a model: [`ScriptedModel`] says what it is told,
//! fails when told, and records what it was asked. And [`conformance`]: rules that what implements the core's
//! traits must keep.
//!
//! ```
//! use ropewalk_core::Agent;
//! use ropewalk_testkit::{Reply, ScriptedModel};
//!
//! # futures_executor::block_on(async {
//! let model = ScriptedModel::new([Reply::text("Good day.")]);
//! let mut agent = Agent::builder().model(model.clone()).build().await?;
//! assert_eq!(agent.invoke("Hello!").await?.text(), "Good day.");
//! assert_eq!(model.requests()[0].messages[0].text(), "Hello!");
//! # Ok::<(), ropewalk_core::Error>(()) }).unwrap();
//! ```

pub mod conformance;
mod json;
mod script;

pub use json::sorted_json;
pub use script::{Reply, ScriptedModel};
