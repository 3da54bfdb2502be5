//! Reading policies, with errors that say where.

use std::fmt::Write as _;
use std::path::Path;

use cedar_policy::{PolicyId, PolicySet, Schema, ValidationMode, Validator};
use miette::Diagnostic;
use ropewalk_core::{Error, ErrorKind};

/// A text and what it is called in errors.
#[derive(Clone, Debug)]
pub(crate) struct Source {
    pub(crate) name: String,
    pub(crate) text: String,
    /// What stands in front of the ids of policies that have none of their own.
    pub(crate) prefix: String,
}

impl Source {
    pub(crate) fn text(text: impl Into<String>) -> Self {
        Self { name: "policies".to_owned(), text: text.into(), prefix: String::new() }
    }

    pub(crate) fn file(path: &Path) -> Result<Self, Error> {
        let text = read(path)?;
        let stem = path.file_stem().unwrap_or(path.as_os_str()).to_string_lossy();
        Ok(Self { name: path.display().to_string(), text, prefix: format!("{stem}/") })
    }

    /// One line of an error: file, line, and what is wrong there.
    fn complaint(&self, error: &(impl Diagnostic + ?Sized), policy: Option<&PolicyId>) -> String {
        let mut complaint = self.name.clone();
        let offset =
            error.labels().and_then(|mut labels| labels.next()).map(|label| label.offset());
        if let Some(before) = offset.and_then(|offset| self.text.as_bytes().get(..offset)) {
            let line = 1 + before.iter().filter(|byte| **byte == b'\n').count();
            // Writing to a text can't fail.
            let _ = write!(complaint, ":{line}");
        }
        match policy {
            Some(id) => {
                let id: &str = id.as_ref();
                let _ = write!(complaint, ": policy `{id}`: {}", plain(error, id));
            }
            None => {
                let _ = write!(complaint, ": {error}");
            }
        }
        if let Some(help) = error.help() {
            let _ = write!(complaint, " ({help})");
        }
        complaint
    }
}

/// An error's text without the policy that stands before it already.
fn plain(error: &(impl Diagnostic + ?Sized), id: &str) -> String {
    let text = error.to_string();
    let front = format!("for policy `{id}`, ");
    text.strip_prefix(&front).map(str::to_owned).unwrap_or(text)
}

/// Policies with where each came from.
#[derive(Clone, Debug)]
pub(crate) struct Loaded {
    pub(crate) policies: PolicySet,
    sources: Vec<(Source, Vec<PolicyId>)>,
}

/// Parses policies and gives each its id.
pub(crate) fn parse(sources: Vec<Source>) -> Result<Loaded, Error> {
    let mut loaded = Loaded { policies: PolicySet::new(), sources: Vec::new() };
    let mut wrong = Vec::new();
    for source in sources {
        let parsed: PolicySet = match source.text.parse() {
            Ok(parsed) => parsed,
            Err(errors) => {
                let errors: &cedar_policy::ParseErrors = &errors;
                wrong.extend(errors.iter().map(|error| source.complaint(error, None)));
                continue;
            }
        };
        for template in parsed.templates() {
            wrong.push(format!(
                "{}: policy `{}` is a template: write the principal and the resource instead of \
                 `?principal` and `?resource`",
                source.name,
                template.id()
            ));
        }
        let mut ids = Vec::new();
        for policy in parsed.policies() {
            let id = match policy.annotation("id") {
                Some(id) if !id.trim().is_empty() => PolicyId::new(id),
                _ => PolicyId::new(format!("{}{}", source.prefix, policy.id())),
            };
            match loaded.policies.add(policy.new_id(id.clone())) {
                Ok(()) => ids.push(id),
                Err(error) => wrong.push(format!(
                    "{}: policy `{id}`: {error}: give it an `@id(\"…\")` of its own",
                    source.name
                )),
            }
        }
        loaded.sources.push((source, ids));
    }
    complain("these policies can't be used", wrong)?;
    if loaded.policies.is_empty() {
        tracing::warn!("there is no Cedar policy at all: every tool call will be denied");
    }
    Ok(loaded)
}

impl Loaded {
    /// Checks the policies against a schema. What is only doubtful goes to the log.
    pub(crate) fn validate(&self, schema: &Schema) -> Result<(), Error> {
        let validator = Validator::new(schema.clone());
        let result = validator.validate(&self.policies, ValidationMode::Strict);
        for warning in result.validation_warnings() {
            tracing::warn!("{}", self.complaint(warning, warning.policy_id()));
        }
        let wrong = result.validation_errors();
        let wrong = wrong.map(|error| self.complaint(error, error.policy_id())).collect();
        complain("these policies don't fit the schema", wrong)
    }

    fn complaint(&self, error: &impl Diagnostic, id: &PolicyId) -> String {
        match self.sources.iter().find(|(_, ids)| ids.contains(id)) {
            Some((source, _)) => source.complaint(error, Some(id)),
            None => error.to_string(),
        }
    }
}

/// Reads a schema: in Cedar's own notation, or as JSON if it begins with a brace.
pub(crate) fn schema(source: &Source) -> Result<Schema, Error> {
    let parsed = if source.text.trim_start().starts_with('{') {
        let parsed = Schema::from_json_str(&source.text);
        parsed.map_err(|error| format!("{}: {}", source.name, whole(&error)))
    } else {
        match Schema::from_cedarschema_str(&source.text) {
            Ok((schema, warnings)) => {
                warnings.for_each(|warning| tracing::warn!("{}: {warning}", source.name));
                Ok(schema)
            }
            Err(error) => Err(source.complaint(&error, None)),
        }
    };
    parsed.map_err(|wrong| invalid(format!("this schema can't be used: {wrong}")))
}

pub(crate) fn read(path: &Path) -> Result<String, Error> {
    std::fs::read_to_string(path).map_err(|error| {
        invalid(format!("`{}` can't be read: {error}", path.display())).with_source(error)
    })
}

pub(crate) fn invalid(text: impl Into<String>) -> Error {
    Error::new(ErrorKind::InvalidInput, text)
}

/// An error with its causes and Cedar's advice.
pub(crate) fn whole(error: &impl Diagnostic) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let _ = write!(text, ": {error}");
        cause = error.source();
    }
    if let Some(help) = error.help() {
        let _ = write!(text, " ({help})");
    }
    text
}

fn complain(what: &str, wrong: Vec<String>) -> Result<(), Error> {
    if wrong.is_empty() { Ok(()) } else { Err(invalid(format!("{what}:\n{}", wrong.join("\n")))) }
}
