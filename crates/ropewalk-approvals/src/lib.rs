//! Who may do what, and who is asked: approvals for Ropewalk's agents.
//!
//! [`Approvals`] are rules that stand before every tool call, at its final stage: [allow](Rule::allow),
//! [ask](Rule::ask) or [deny](Rule::deny) by tool and by arguments. An answer can hold once, for the
//! run, or from now on ([`GrantStore`]). [`DecisionLog`] keeps every decision in a file that shows any
//! later change.
//!
//! ```
//! use ropewalk_approvals::{Approvals, DecisionLog, FileGrants, Rule};
//! use ropewalk_core::{Agent, ApprovalScope, Risk, Tool};
//! # use ropewalk_core::{BoxError, BoxFuture, ToolContext, ToolOutput, ToolSpec};
//! # use ropewalk_testkit::{Reply, ScriptedModel};
//! # use serde_json::{Value, json};
//! # struct DeleteObjects(ToolSpec);
//! # impl Tool for DeleteObjects {
//! #     fn spec(&self) -> &ToolSpec { &self.0 }
//! #     fn call(&self, _: Value, _: ToolContext) -> BoxFuture<'_, Result<ToolOutput, BoxError>> {
//! #         Box::pin(async { Ok(ToolOutput::text("3 objects are gone")) })
//! #     }
//! # }
//! # let delete_objects = DeleteObjects(ToolSpec::new("delete_objects", "", json!({"type": "object"})));
//! # let model = ScriptedModel::new([
//! #     Reply::tool("delete_objects", json!({"bucket": "logs"})), Reply::text("Deleted."),
//! # ]);
//! # let folder = tempfile::tempdir()?;
//! # let folder = folder.path();
//!
//! # tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
//! let approvals = Approvals::new([
//!     Rule::allow("read_*"),
//!     Rule::allow("write_file").arg("path", "tmp/**"),
//!     Rule::ask("delete_*")
//!         .risk(Risk::High)
//!         .approvers(["ops@example.org"])
//!         .scopes([ApprovalScope::Once, ApprovalScope::Always]),
//!     Rule::deny("shell"),
//! ])?
//! .grants(FileGrants::open(folder.join("grants.json"))?);
//! let log = DecisionLog::open(folder.join("decisions.jsonl"))?;
//!
//! let mut agent = Agent::builder()
//!     .model(model)
//!     .tools([delete_objects])
//!     .hooks([approvals])
//!     .hooks([log.clone()])
//!     .build()
//!     .await?;
//!
//! let result = agent.invoke("Empty the bucket `logs`.").await?;
//! let question = &result.interrupts[0];
//! assert_eq!(question.reason["title"], "Run `delete_objects`?");
//! assert_eq!(question.reason["covers"], "`delete_objects` with exactly these arguments");
//!
//! let answer = question.answer(json!({"decision": "approve", "scope": "always"}));
//! let result = agent.invocation(vec![answer]).answered_by("ops@example.org").await?;
//! assert_eq!(result.text(), "Deleted.");
//! assert_eq!(DecisionLog::verify(log.path())?.entries, 1);
//! # Ok::<(), Box<dyn std::error::Error>>(()) })?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # What is not done without a clear yes
//!
//! A call that no rule fits is asked about. An argument that can't be judged is never allowed. An
//! answer counts for the run, the call, the tool and the arguments that it was given for. A store or a
//! log that fails stops the call; so does a test of one's own that panics.
//!
//! Rules judge what they are shown. They are no sandbox: what a tool does with its arguments, where a
//! link in a path leads, and what a command line starts, they can't see.

mod approvals;
mod blocking;
mod canonical;
mod files;
mod grant;
mod log;
mod rule;

pub use approvals::{Approvals, Judgement};
pub use grant::{FileGrants, Grant, GrantStore, MemoryGrants};
pub use log::{DecisionLog, Head, LogEntry, LogKind, Tampered, Verified, VerifyError};
pub use rule::{Action, Remember, Rule};
