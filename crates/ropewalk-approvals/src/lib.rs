//! Who may do what, and who is asked.

mod canonical;
mod log;

pub use log::{DecisionLog, Head, LogEntry, LogKind, Tampered, Verified, VerifyError};
