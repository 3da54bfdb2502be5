//! From text to a description, and errors that say where.

use std::fmt::Display;
use std::path::Path;

use ropewalk_core::{Error, ErrorKind};

use super::AgentConfig;

/// How alike two keys must be for one to be proposed, 1 being the same.
const ALIKE: f64 = 0.75;

/// How a description is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Format {
    Json,
    Toml,
}

impl Format {
    /// By the extension, or by the text.
    pub(super) fn of(path: &Path, text: &str) -> Self {
        match path.extension() {
            Some(it) if it.eq_ignore_ascii_case("json") => Self::Json,
            Some(it) if it.eq_ignore_ascii_case("toml") => Self::Toml,
            _ => Self::of_text(text),
        }
    }

    pub(super) fn of_text(text: &str) -> Self {
        if text.trim_start().starts_with('{') { Self::Json } else { Self::Toml }
    }
}

/// What is wrong, and where.
struct Wrong {
    line: usize,
    column: usize,
    /// The key of the value that is wrong; empty if it is none's.
    key: String,
    text: String,
}

/// Reads a description; `shown` is what it is called in errors.
pub(super) fn read(text: &str, format: Format, shown: &str) -> Result<AgentConfig, Error> {
    let read = match format {
        Format::Json => json(text),
        Format::Toml => toml(text),
    };
    read.map_err(|Wrong { line, column, key, text }| {
        let what = unknown_key(&text).unwrap_or_else(|| match key.is_empty() {
            true => text,
            false => format!("`{key}`: {text}"),
        });
        let text = format!("{shown}, line {line}, column {column}: {what}");
        Error::new(ErrorKind::InvalidInput, text)
    })
}

fn json(text: &str) -> Result<AgentConfig, Wrong> {
    let wrong = |error: &serde_json::Error, key: String| {
        let place = format!(" at line {} column {}", error.line(), error.column());
        let text = error.to_string();
        let text = text.strip_suffix(&place).unwrap_or(&text).to_owned();
        Wrong { line: error.line(), column: error.column(), key, text }
    };
    let mut json = serde_json::Deserializer::from_str(text);
    let config = serde_path_to_error::deserialize(&mut json)
        .map_err(|error| wrong(error.inner(), key(error.path())))?;
    json.end().map_err(|error| wrong(&error, String::new()))?;
    Ok(config)
}

fn toml(text: &str) -> Result<AgentConfig, Wrong> {
    let wrong = |error: &toml::de::Error, key: String| {
        let before = &text[..error.span().map_or(0, |span| span.start)];
        let line = before.matches('\n').count() + 1;
        let column = before.chars().rev().take_while(|it| *it != '\n').count() + 1;
        Wrong { line, column, key, text: error.message().to_owned() }
    };
    let toml = toml::Deserializer::parse(text).map_err(|error| wrong(&error, String::new()))?;
    serde_path_to_error::deserialize(toml).map_err(|error| wrong(error.inner(), key(error.path())))
}

/// The path of a value: `session.name`.
fn key(path: &impl Display) -> String {
    let path = path.to_string();
    if matches!(path.as_str(), "." | "?") { String::new() } else { path }
}

/// What serde says of an unknown key, `` unknown field `nmae`, expected one of `name`, … ``, with the one
/// that was perhaps meant; none if it says something else.
fn unknown_key(text: &str) -> Option<String> {
    let mut quoted = text.strip_prefix("unknown field ")?.split('`').skip(1).step_by(2);
    let given = quoted.next()?;
    let known: Vec<&str> = quoted.collect();
    let alike = |known: &&str| strsim::jaro_winkler(given, known);
    let nearest = known.iter().copied().max_by(|one, other| alike(one).total_cmp(&alike(other)));
    let meant = match nearest.filter(|known| alike(known) >= ALIKE) {
        Some(known) => format!("did you mean `{known}`? "),
        None => String::new(),
    };
    Some(format!("there is no key `{given}`: {meant}There are {}", known.join(", ")))
}
