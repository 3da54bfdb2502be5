//! What people and programs see.
//!
//! Answers go to standard output, everything else to standard error. Colours are left out where
//! nobody would see them.

pub(crate) mod decisions;
pub(crate) mod doctor;
pub(crate) mod log;
pub(crate) mod models;
pub(crate) mod plain;
pub(crate) mod progress;
pub(crate) mod sessions;
pub(crate) mod style;
mod text;

use std::io::{self, Write as _};

use ropewalk_core::{AgentEvent, Interrupt, Preview, ToolCall};
use serde_json::Value;

use crate::approval::Question;
use plain::{one_line, plain};

/// Shows the events of a run.
pub(crate) enum Show {
    /// One event a line.
    Json,
    /// For people.
    Text(text::Text),
}

impl Show {
    pub(crate) fn new(json: bool, quiet: bool) -> Self {
        if json { Self::Json } else { Self::Text(text::Text::new(quiet)) }
    }

    pub(crate) fn event(&mut self, event: &AgentEvent) -> io::Result<()> {
        match self {
            Self::Json => {
                let mut stdout = io::stdout().lock();
                serde_json::to_writer(&mut stdout, event)?;
                stdout.write_all(b"\n")?;
                stdout.flush()
            }
            Self::Text(text) => text.event(event),
        }
    }

    /// Learns of tool calls that are under way, so that their results can be named.
    pub(crate) fn under_way(&mut self, calls: &[ToolCall]) {
        if let Self::Text(text) = self {
            text.under_way(calls);
        }
    }

    /// Ends a line of text that was begun.
    pub(crate) fn end_line(&mut self) -> io::Result<()> {
        match self {
            Self::Json => Ok(()),
            Self::Text(text) => text.end_line(),
        }
    }
}

/// What went wrong, for people.
pub(crate) fn error(message: &str) {
    let (on, off) = (style::ERROR.render(), style::ERROR.render_reset());
    anstream::eprintln!("{on}error:{off} {}", plain(message));
}

/// Something to know, for people.
pub(crate) fn note(message: &str) {
    let (on, off) = (style::DIM.render(), style::DIM.render_reset());
    anstream::eprintln!("{on}{}{off}", plain(message));
}

pub(crate) fn blank() {
    anstream::eprintln!();
}

/// What a tool would do, whole: nothing is cut, nothing can hide itself.
pub(crate) fn question(tool: &str, input: &Value, preview: Option<&Preview>) {
    let (on, off) = (style::ASK.render(), style::ASK.render_reset());
    anstream::eprintln!("{on}The agent wants to run {}:{off}", plain(tool));
    match input.as_object() {
        Some(fields) if !fields.is_empty() => {
            for (key, value) in fields {
                let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
                let text = plain(&text);
                if text.contains('\n') {
                    anstream::eprintln!("  {}:", one_line(key, usize::MAX));
                    for line in text.split('\n') {
                        anstream::eprintln!("  | {line}");
                    }
                } else {
                    anstream::eprintln!("  {}: {text}", one_line(key, usize::MAX));
                }
            }
        }
        _ => anstream::eprintln!("  {}", plain(&input.to_string())),
    }
    let shown = match preview {
        Some(Preview::Text(text) | Preview::Diff(text)) => plain(text),
        _ => return,
    };
    anstream::eprintln!("{on}It would:{off}");
    for line in shown.trim_end().split('\n') {
        let colour = match line.as_bytes().first() {
            Some(b'+') => style::ADDED,
            Some(b'-') => style::REMOVED,
            _ => style::PLAIN,
        };
        anstream::eprintln!("  {}{line}{}", colour.render(), colour.render_reset());
    }
}

/// Why the command stops with questions open, and how to answer them.
pub(crate) fn paused(open: &[Interrupt], resume_with: Option<&str>) {
    note("paused: what follows was not run and waits for an answer");
    for (number, interrupt) in open.iter().enumerate() {
        let what = match Question::of(interrupt) {
            Question::MayRun { tool, input, .. } => format!("may {tool} run? {input}"),
            Question::Other => format!("{}: {}", interrupt.name, interrupt.reason),
        };
        note(&format!("  {}. {} ({})", number + 1, one_line(&what, usize::MAX), interrupt.id));
    }
    match resume_with {
        Some(command) => {
            note(&format!("answer with `{command} --answer 1=true`, or `1=false`"));
        }
        None => note(
            "this run was not kept: use `--session NAME` to answer later, or `--yes` or `--deny` to answer beforehand",
        ),
    }
}
