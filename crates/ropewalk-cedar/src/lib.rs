//! [Cedar](https://www.cedarpolicy.com) policies that say which tool calls of an agent are allowed.
//!
//! ```
//! use ropewalk_cedar::{CedarPolicy, Ruling, ToolRequest};
//! use serde_json::json;
//!
//! let policy: CedarPolicy = r#"
//!     @id("read anything public")
//!     permit (principal, action == Action::"read_file", resource)
//!     when { context.input.path like "public/*" };
//!
//!     @id("ask before writing")
//!     @ask("May it write a file?")
//!     permit (principal, action == Action::"write_file", resource);
//! "#
//! .parse()?;
//!
//! let read = ToolRequest::new("read_file", json!({"path": "public/notes.md"}));
//! assert!(matches!(policy.decide(&read), Ruling::Permit { .. }));
//! let write = ToolRequest::new("write_file", json!({"path": "public/notes.md"}));
//! assert!(matches!(policy.decide(&write), Ruling::Ask { .. }));
//! let shell = ToolRequest::new("shell", json!({"command": "ls"}));
//! assert!(matches!(policy.decide(&shell), Ruling::Deny { .. })); // nothing permits it
//! # Ok::<(), ropewalk_core::Error>(())
//! ```
//!
//! An agent asks them as an intervention, with the arguments that a tool would really get:
//!
//! ```
//! # futures_executor::block_on(async {
//! use ropewalk_cedar::CedarPolicy;
//! use ropewalk_core::{Agent, Interventions};
//! # use ropewalk_testkit::{Reply, ScriptedModel};
//! # let model = ScriptedModel::new([Reply::text("Good day.")]);
//!
//! let policy: CedarPolicy = r#"permit (principal == User::"ann", action, resource);"#.parse()?;
//! let mut agent =
//!     Agent::builder().model(model).hooks([Interventions::new([policy])?]).build().await?;
//! agent.invocation("What is in my notes?").state("principal", "ann").await?;
//! # Ok::<(), ropewalk_core::Error>(()) })?;
//! # Ok::<(), ropewalk_core::Error>(())
//! ```
//!
//! # What policies are asked
//!
//! | Cedar | is |
//! |---|---|
//! | `principal` | what the invocation state holds under `principal` (a text is the id of a `User`, an object with `type` and `id` any entity), or what [`CedarPolicy::with_principal`] finds; else `Agent::"<name of the agent>"` |
//! | `action` | `Action::"<tool>"`, so that a schema can give each tool's arguments a type, or `Action::"call_tool"` for all: [`Actions`] |
//! | `resource` | `Tool::"<tool>"` |
//! | `context.input` | the final arguments, as a record |
//! | `context.agent` | the agent's name |
//! | `context.tool` | the tool's name |
//! | `context.run_id` | which run it is |
//! | `context.time` | when it is, as `datetime`; only with [`CedarPolicy::with_clock`] |
//!
//! A JSON object becomes a record and an array a set (without order, each value once). Integers are
//! `Long` where they fit. All other numbers are `decimal` where Cedar can hold them exactly (at most
//! four digits after the point), else texts. `null` is left out: `context.input has name` is false
//! then. Nothing that a model writes becomes an entity.
//!
//! # What follows
//!
//! - A `permit` holds and no `forbid`: the call is made. If every `permit` that holds has an
//!   annotation `@ask("question")`, a person is asked first.
//! - A `forbid` holds, or no `permit`: the call is denied. The model is told which policies did it,
//!   with their `@reason("…")` where they have one.
//! - A policy can't be evaluated, or the call does not fit the schema: the call is denied. (Cedar
//!   itself would leave such a policy out, also a `forbid`.)
//!
//! A policy's id is its `@id("…")`, else its place in its file: `tools/policy0`.

mod action;
mod decide;
mod guard;
mod input;
mod load;
mod policy;
mod principal;
mod request;

pub use action::Actions;
pub use decide::Ruling;
pub use policy::CedarPolicy;
pub use principal::Principal;
pub use request::ToolRequest;
