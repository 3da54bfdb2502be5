//! Interventions: policies that judge what an agent is about to do, or has done, with typed
//! verdicts.
//!
//! A hook may do anything to its event, in any order. An intervention only says what it thinks of
//! it, as a [`Verdict`], and the rules of what follows stand here, once: the first refusal wins,
//! whoever fails to judge lets nothing through, and every verdict is on record.

mod engine;
mod handler;
mod list;
mod policy;
mod question;
mod stage;
mod verdict;

pub use handler::Intervention;
pub use list::Interventions;
pub use policy::{AsyncJudge, IntoJudge, OnError, Policy};
pub use question::Confirm;
pub use stage::{MayConfirm, MayDeny, MayGuide, MayTransform, Stage};
pub use verdict::{IntoVerdict, Verdict, VerdictResult};
