//! Rules as JSON, for those who run a program instead of writing it.

use std::fmt;
use std::time::Duration;

use serde::Deserialize;
use serde::de::{Deserializer, Error as _, MapAccess, Visitor};

use super::{Action, Remember, Rule};
use ropewalk_core::{ApprovalScope, Decision, Risk};

/// What a file of rules holds.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct RulesFile {
    pub(crate) rules: Vec<FileRule>,
    #[serde(default)]
    pub(crate) otherwise: Option<Action>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct FileRule {
    allow: Option<String>,
    ask: Option<String>,
    deny: Option<String>,
    #[serde(default)]
    args: Arguments,
    name: Option<String>,
    risk: Option<Risk>,
    title: Option<String>,
    approvers: Option<Vec<String>>,
    expires_in_seconds: Option<u64>,
    warn_before_seconds: Option<u64>,
    on_expiry: Option<Decision>,
    scopes: Option<Vec<ApprovalScope>>,
    remember: Option<Remember>,
}

impl FileRule {
    /// # Errors
    /// Says what is wrong with it.
    pub(crate) fn into_rule(self) -> Result<Rule, String> {
        let mut rule = match (self.allow, self.ask, self.deny) {
            (Some(tool), None, None) => Rule::allow(tool),
            (None, Some(tool), None) => Rule::ask(tool),
            (None, None, Some(tool)) => Rule::deny(tool),
            _ => {
                return Err(
                    "it must have one of `allow`, `ask` and `deny`, with a tool's name or a glob"
                        .to_owned(),
                );
            }
        };
        for (path, glob) in self.args.0 {
            rule = rule.arg(path, glob);
        }
        if let Some(name) = self.name {
            rule = rule.named(name);
        }
        if let Some(risk) = self.risk {
            rule = rule.risk(risk);
        }
        if let Some(title) = self.title {
            rule = rule.title(title);
        }
        if let Some(approvers) = self.approvers {
            rule = rule.approvers(approvers);
        }
        if let Some(seconds) = self.expires_in_seconds {
            rule = rule.expires_in(Duration::from_secs(seconds));
        }
        if let Some(seconds) = self.warn_before_seconds {
            rule = rule.warn_before(Duration::from_secs(seconds));
        }
        if let Some(decision) = self.on_expiry {
            rule = rule.on_expiry(decision);
        }
        if let Some(scopes) = self.scopes {
            rule = rule.scopes(scopes);
        }
        if let Some(remember) = self.remember {
            rule = rule.remember(remember);
        }
        Ok(rule)
    }
}

/// Paths and globs. A path that stands there twice is refused: only one of them would count.
#[derive(Debug, Default)]
struct Arguments(Vec<(String, String)>);

impl<'de> Deserialize<'de> for Arguments {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Pairs;

        impl<'de> Visitor<'de> for Pairs {
            type Value = Arguments;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object from arguments to globs")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Arguments, A::Error> {
                let mut pairs: Vec<(String, String)> = Vec::new();
                while let Some((path, glob)) = map.next_entry::<String, String>()? {
                    if pairs.iter().any(|(other, _)| *other == path) {
                        return Err(A::Error::custom(format!(
                            "the argument `{path}` stands twice"
                        )));
                    }
                    pairs.push((path, glob));
                }
                Ok(Arguments(pairs))
            }
        }
        deserializer.deserialize_map(Pairs)
    }
}
