//! AI agents as durable values.
//!
//! Ropewalk runs an agent so that every step passes typed hooks, which may observe, change, stop
//! or wait for a person; and a run that stops on one machine goes on, on another, with nothing lost
//! and nothing done twice. It is the Strands Agents system (its `Agent`, hook registry and
//! interrupts), native in Rust.
//!
//! ```
//! use ropewalk::prelude::*;
//!
//! /// Adds two numbers.
//! #[tool(replay = "pure")]
//! fn add(a: i64, b: i64) -> i64 {
//!     a + b
//! }
//!
//! # use ropewalk_testkit::{Reply, ScriptedModel};
//! # let model = ScriptedModel::new([
//! #     Reply::tool("add", serde_json::json!({"a": 1, "b": 2})),
//! #     Reply::text("It is 3."),
//! # ]);
//! # tokio::runtime::Builder::new_current_thread().build()?.block_on(async {
//! let mut agent = Agent::builder()
//!     .model(model)
//!     .tools([add])
//!     .hook(|event: &AfterToolCallEvent| println!("{}", event.result().text()))
//!     .build()
//!     .await?;
//!
//! let result = agent.invoke("What is 1 + 2?").await?;
//! assert_eq!(result.text(), "It is 3.");
//! # Ok::<(), Error>(()) })?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Features
//!
//! | feature | what it brings | default |
//! |---|---|---|
//! | `approvals` | approval rules, remembered answers, the log of decisions: [`approvals`] | yes |
//! | `config` | agents from a file: [`AgentConfig`] | yes |
//! | `session` | sessions on file: [`session`] | yes |
//! | `tools` | the tools that ship: [`tools`] | yes |
//! | `validate` | arguments of tools and answers are checked against JSON Schemas | yes |
//! | `openai` | OpenAI-compatible chat models: `models` | no |
//! | `combine` | models made of models: fallback, turns and routes, a cache, a limit of rate: `models` | no |
//! | `cedar` | Cedar policies over tool calls: `cedar` | no |
//! | `local` | the embedded model: `local` | no |

mod builder;
#[cfg(feature = "config")]
mod config;
mod feature;
mod model;

pub use ropewalk_core::*;
pub use ropewalk_macros::tool;

pub use builder::AgentBuilderExt;
#[cfg(feature = "config")]
pub use config::{
    AgentConfig, ConversationConfig, RetryConfig, SessionConfig, SlidingWindowConfig,
    SummarizingConfig,
};
pub use model::{ModelName, ModelOptions, model};
#[cfg(feature = "tools")]
pub use ropewalk_tools::{ProgramTool, ToolDirectory, ToolDirectoryOptions, ToolProblem};

#[cfg(feature = "approvals")]
pub use ropewalk_approvals as approvals;
#[cfg(feature = "cedar")]
pub use ropewalk_cedar as cedar;
#[cfg(feature = "local")]
pub use ropewalk_local as local;
#[cfg(any(feature = "combine", feature = "openai"))]
pub use ropewalk_models as models;
#[cfg(feature = "session")]
pub use ropewalk_session as session;
#[cfg(feature = "tools")]
pub use ropewalk_tools as tools;

#[doc(hidden)]
pub use ropewalk_core::__macro_support;

/// What most programs need.
pub mod prelude {
    pub use ropewalk_core::{
        AfterInvocationEvent, AfterModelCallEvent, AfterToolCallEvent, AfterToolsEvent, Agent,
        AgentEvent, AgentInitializedEvent, AgentResult, BeforeInvocationEvent,
        BeforeModelCallEvent, BeforeToolCallEvent, BeforeToolsEvent, Error, HookEvent as _,
        HookProvider, HookRegistry, HookResult, Interrupt, Intervention, Interventions, Message,
        MessageAddedEvent, Model, Plugin, Policy, StopReason, Tool, ToolCallGuardEvent,
        ToolContext, ToolOutput, Verdict, VerdictResult, bind,
    };
    pub use ropewalk_macros::tool;

    pub use crate::AgentBuilderExt as _;
    #[cfg(feature = "config")]
    pub use crate::AgentConfig;
    #[cfg(feature = "tools")]
    pub use crate::ToolDirectory;
}

/// Compiles the README's code.
#[cfg(all(doctest, feature = "session"))]
#[doc = include_str!("../../../README.md")]
struct Readme;

/// Compiles and runs the guide's code.
#[cfg(all(doctest, feature = "approvals", feature = "session"))]
#[doc = include_str!("../../../docs/guide/hooks-and-interrupts.md")]
struct HooksAndInterrupts;

/// Compiles and runs the code of the chapter on sessions.
#[cfg(all(doctest, feature = "session"))]
#[doc = include_str!("../../../docs/guide/runs-that-survive.md")]
struct RunsThatSurvive;

/// Compiles and runs the code of the guide for who knows Strands.
#[cfg(all(doctest, feature = "session", feature = "tools"))]
#[doc = include_str!("../../../docs/guide/coming-from-strands.md")]
struct ComingFromStrands;

/// Compiles and runs the code of the page on models made of models.
#[cfg(all(doctest, feature = "combine"))]
#[doc = include_str!("../../../docs/guide/models/combining.md")]
struct CombiningModels;
