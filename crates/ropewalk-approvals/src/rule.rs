//! Rules: which calls are allowed, refused, or asked about.

mod argument;
mod check;
mod file;
mod pattern;
mod set;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use ropewalk_core::ToolUse;
use serde::{Deserialize, Serialize};

use ropewalk_core::{ApprovalScope, Decision, Risk};

pub(crate) use argument::pointer;
pub(crate) use check::CheckedRule;
pub(crate) use file::RulesFile;
pub(crate) use set::RuleSet;

/// What becomes of a call. The later, the stricter.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Action {
    /// It is made, and nobody is asked.
    Allow,
    /// Somebody is asked first.
    Ask,
    /// It is not made.
    Deny,
}

/// What a remembered answer covers, of the calls that its rule asks about.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Remember {
    /// The same tool with exactly the same arguments.
    #[default]
    Call,
    /// The same tool with the same values of these arguments, whatever the others are. They are
    /// named as in [`Rule::arg`].
    Arguments(Vec<String>),
    /// The same tool, whatever its arguments are.
    Tool,
}

type Predicate = dyn Fn(&ToolUse) -> bool + Send + Sync;

/// One rule: a tool, what its arguments must look like, and what becomes of such a call.
///
/// The tool is a glob over tool names (`*`, `?`, `[ab]`, `{a,b}`). What is wrong with a rule is said
/// when it is given to [`Approvals::new`](crate::Approvals::new).
///
/// ```
/// use std::time::Duration;
/// use ropewalk_approvals::{Approvals, Remember, Rule};
/// use ropewalk_core::{ApprovalScope, Risk};
///
/// let approvals = Approvals::new([
///     Rule::allow("read_*"),
///     Rule::allow("write_file").arg("path", "tmp/**"),
///     Rule::ask("delete_*")
///         .named("deletions")
///         .risk(Risk::High)
///         .approvers(["ops@example.org"])
///         .expires_in(Duration::from_secs(3600))
///         .scopes([ApprovalScope::Once, ApprovalScope::Session])
///         .remember(Remember::Arguments(vec!["bucket".into()])),
///     Rule::deny("shell").when(|call| call.input["command"] != "ls"),
/// ])?;
/// # Ok::<(), ropewalk_core::Error>(())
/// ```
#[derive(Clone)]
pub struct Rule {
    pub(crate) tool: String,
    pub(crate) action: Action,
    pub(crate) arguments: Vec<(String, String)>,
    pub(crate) predicates: Vec<Arc<Predicate>>,
    pub(crate) name: Option<String>,
    pub(crate) asking: Asking,
    /// The settings that were made and only make sense for a question.
    pub(crate) only_for_questions: Vec<&'static str>,
}

/// How a rule asks.
#[derive(Clone, Debug)]
pub(crate) struct Asking {
    pub(crate) risk: Risk,
    pub(crate) title: Option<String>,
    pub(crate) approvers: Vec<String>,
    pub(crate) expires_in: Option<Duration>,
    pub(crate) warn_before: Option<Duration>,
    pub(crate) on_expiry: Decision,
    pub(crate) scopes: Vec<ApprovalScope>,
    pub(crate) remember: Remember,
}

impl Rule {
    /// Such calls are made, and nobody is asked.
    ///
    /// It fits only what it surely fits: a call whose arguments can't be judged (see
    /// [`arg`](Self::arg)) is not allowed by it.
    pub fn allow(tool: impl Into<String>) -> Self {
        Self::new(tool.into(), Action::Allow)
    }

    /// Somebody is asked before such calls.
    pub fn ask(tool: impl Into<String>) -> Self {
        Self::new(tool.into(), Action::Ask)
    }

    /// Such calls are not made; the model is told so.
    pub fn deny(tool: impl Into<String>) -> Self {
        Self::new(tool.into(), Action::Deny)
    }

    pub(crate) fn new(tool: String, action: Action) -> Self {
        let asking = Asking {
            risk: Risk::Medium,
            title: None,
            approvers: Vec::new(),
            expires_in: None,
            warn_before: None,
            on_expiry: Decision::Deny,
            scopes: vec![ApprovalScope::Once],
            remember: Remember::Call,
        };
        Self {
            tool,
            action,
            arguments: Vec::new(),
            predicates: Vec::new(),
            name: None,
            asking,
            only_for_questions: Vec::new(),
        }
    }

    /// Only calls whose argument fits a glob. May be given several times: all must fit.
    ///
    /// `path` is the argument's name; for one within another, `outer.inner` or a JSON pointer
    /// (`/outer/inner`). In the glob `*` stands for anything but `/`, `**` for any folders. Whole
    /// numbers, true and false are read as their text, of a list every item must fit.
    ///
    /// An argument that is missing, that is something else, or that holds `..` can't be judged. Nor
    /// can one that fits only in another reading: in another case, with `%2e` for a dot, with `*` for
    /// several folders. A rule that can't be judged counts if it asks or denies, and there is nothing
    /// stricter further down; it never allows.
    ///
    /// A glob sees text, not what it does: `ls *` fits `ls; rm -rf x` too, and a link may lead out of
    /// a folder.
    #[must_use]
    pub fn arg(mut self, path: impl Into<String>, glob: impl Into<String>) -> Self {
        self.arguments.push((path.into(), glob.into()));
        self
    }

    /// Only calls for which this says true. The call has the name of the tool that will run, and the
    /// arguments that it will get. If it panics, the call is not made. Who changes the test names the
    /// rule anew ([`named`](Self::named)), so that no answer is remembered for the old one.
    #[must_use]
    pub fn when(mut self, test: impl Fn(&ToolUse) -> bool + Send + Sync + 'static) -> Self {
        self.predicates.push(Arc::new(test));
        self
    }

    /// Names the rule, for questions, remembered answers and the log. Without a name it is called by
    /// what it says.
    #[must_use]
    pub fn named(mut self, name: impl Into<String>) -> Self {
        self.name = Some(name.into());
        self
    }

    /// Sets how bad it would be if such a call went wrong; [`Risk::Medium`] unless set.
    #[must_use]
    pub fn risk(mut self, risk: Risk) -> Self {
        self.asking.risk = risk;
        self.only_for_questions("risk")
    }

    /// Sets what is asked, in one line; ``Run `<tool>`?`` unless set.
    #[must_use]
    pub fn title(mut self, title: impl Into<String>) -> Self {
        self.asking.title = Some(title.into());
        self.only_for_questions("title")
    }

    /// Sets who may answer; whoever, unless set. An answer in another name is refused.
    #[must_use]
    pub fn approvers<N: Into<String>>(mut self, names: impl IntoIterator<Item = N>) -> Self {
        self.asking.approvers = names.into_iter().map(Into::into).collect();
        self.only_for_questions("approvers")
    }

    /// Sets how long an answer is waited for; without end, unless set.
    #[must_use]
    pub fn expires_in(mut self, time: Duration) -> Self {
        self.asking.expires_in = Some(time);
        self.only_for_questions("expires_in")
    }

    /// Sets how long before the end of that time a warning is given; none, unless set.
    #[must_use]
    pub fn warn_before(mut self, time: Duration) -> Self {
        self.asking.warn_before = Some(time);
        self.only_for_questions("warn_before")
    }

    /// Sets what stands when nobody answered in time; [`Decision::Deny`] unless set.
    #[must_use]
    pub fn on_expiry(mut self, decision: Decision) -> Self {
        self.asking.on_expiry = decision;
        self.only_for_questions("on_expiry")
    }

    /// Sets for how long a person may say yes or no; only [`ApprovalScope::Once`] unless set.
    #[must_use]
    pub fn scopes(mut self, scopes: impl IntoIterator<Item = ApprovalScope>) -> Self {
        self.asking.scopes = scopes.into_iter().collect();
        self.only_for_questions("scopes")
    }

    /// Sets what an answer for longer than once covers; [`Remember::Call`] unless set.
    #[must_use]
    pub fn remember(mut self, what: Remember) -> Self {
        self.asking.remember = what;
        self.only_for_questions("remember")
    }

    fn only_for_questions(mut self, setting: &'static str) -> Self {
        self.only_for_questions.push(setting);
        self
    }

    /// Its name, or what it says.
    pub(crate) fn label(&self) -> String {
        if let Some(name) = &self.name {
            return name.clone();
        }
        let action = match self.action {
            Action::Allow => "allow",
            Action::Ask => "ask",
            Action::Deny => "deny",
        };
        let mut conditions: Vec<String> =
            self.arguments.iter().map(|(path, glob)| format!("{path}: {glob}")).collect();
        if !self.predicates.is_empty() {
            conditions.push("…".to_owned());
        }
        match conditions.as_slice() {
            [] => format!("{action} {}", self.tool),
            conditions => format!("{action} {} ({})", self.tool, conditions.join(", ")),
        }
    }
}

impl fmt::Debug for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Rule")
            .field("tool", &self.tool)
            .field("action", &self.action)
            .field("arguments", &self.arguments)
            .field("predicates", &self.predicates.len())
            .field("name", &self.name)
            .field("asking", &self.asking)
            .finish_non_exhaustive()
    }
}
