//! Answers that hold for longer than one call.

mod file;
mod memory;

use ropewalk_core::{BoxFuture, Error, ErrorKind};
use serde::{Deserialize, Serialize};

use ropewalk_core::Decision;

pub use file::FileGrants;
pub use memory::MemoryGrants;

/// An answer that holds from now on, or as long as a run lives, for what it says and nothing else.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Grant {
    /// Says which calls it covers: the SHA-256, as 64 hexadecimal digits, of the rule it was given
    /// for, the tool, what of the arguments was agreed on and, where it holds for a run, that run. A rule
    /// that is changed has other keys.
    pub key: String,
    /// The rule, by its name.
    pub rule: String,
    /// The tool.
    pub tool: String,
    /// What it covers, as the person read it.
    pub covers: String,
    /// Whether such calls may be made.
    pub decision: Decision,
    /// Who said so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<String>,
    /// When: RFC 3339, in UTC.
    pub given_at: String,
    /// The run that it holds for; none if it holds for all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub run_id: Option<String>,
}

impl Grant {
    /// An answer that was given now.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidInput`] if the key is none: it must be 64 hexadecimal digits.
    pub fn new(
        key: impl Into<String>,
        rule: impl Into<String>,
        tool: impl Into<String>,
        covers: impl Into<String>,
        decision: Decision,
        by: Option<String>,
    ) -> Result<Self, Error> {
        let key = key.into();
        if !is_key(&key) {
            let text = format!("`{key}` is no key of a grant: it must be 64 hexadecimal digits");
            return Err(Error::new(ErrorKind::InvalidInput, text));
        }
        let given_at = jiff::Timestamp::now().to_string();
        let (rule, tool, covers) = (rule.into(), tool.into(), covers.into());
        Ok(Self { key, rule, tool, covers, decision, by, given_at, run_id: None })
    }

    /// Lets it hold for one run only.
    #[must_use]
    pub fn for_run(mut self, run_id: impl Into<String>) -> Self {
        self.run_id = Some(run_id.into());
        self
    }
}

fn is_key(key: &str) -> bool {
    key.len() == 64 && key.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

/// Where answers are kept that hold for longer than one call. Who shares a store shares the answers: keep one for
/// each person or tenant.
///
/// If it fails, the call it was asked about is not made.
pub trait GrantStore: Send + Sync + 'static {
    /// The answer with this key, if there is one.
    ///
    /// # Errors
    /// It can't be read.
    fn find<'a>(&'a self, key: &'a str) -> BoxFuture<'a, Result<Option<Grant>, Error>>;

    /// Keeps an answer, in place of one with the same key. When it comes back, the answer is durable.
    ///
    /// # Errors
    /// It can't be written.
    fn add(&self, grant: Grant) -> BoxFuture<'_, Result<(), Error>>;

    /// Takes an answer back. False: there was none with this key.
    ///
    /// # Errors
    /// It can't be written.
    fn revoke<'a>(&'a self, key: &'a str) -> BoxFuture<'a, Result<bool, Error>>;

    /// All answers, in the order of their keys.
    ///
    /// # Errors
    /// They can't be read.
    fn list(&self) -> BoxFuture<'_, Result<Vec<Grant>, Error>>;
}
