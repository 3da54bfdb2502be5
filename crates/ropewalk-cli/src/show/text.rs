//! The events of a run, for people.

use std::collections::HashMap;
use std::io::{self, Write as _};

use ropewalk_core::{AgentEvent, Message, Role, ToolCall, ToolStatus};

use super::plain::{one_line, plain};
use super::style;

/// How much of a tool call or its result is shown in its line.
const WIDTH: usize = 110;

/// Shows text as it comes, and each tool call in a line.
#[derive(Debug)]
pub(crate) struct Text {
    quiet: bool,
    /// True while standard output stands within a line.
    in_line: bool,
    /// The tools' names by the ids of their uses.
    names: HashMap<String, String>,
}

impl Text {
    pub(super) fn new(quiet: bool) -> Self {
        Self { quiet, in_line: false, names: HashMap::new() }
    }

    pub(super) fn event(&mut self, event: &AgentEvent) -> io::Result<()> {
        match event {
            AgentEvent::Text(text) => {
                let mut stdout = anstream::stdout().lock();
                write!(stdout, "{}", plain(text))?;
                stdout.flush()?;
                if let Some(last) = text.chars().last() {
                    self.in_line = last != '\n';
                }
            }
            AgentEvent::Message(message) => {
                self.end_line()?;
                if !self.quiet {
                    self.tools(message);
                }
            }
            AgentEvent::Rollback { .. } => {
                // What stands on the screen can't be taken back, but said to count for nothing.
                self.end_line()?;
                super::note("the answer so far counts for nothing: the model is asked again");
            }
            AgentEvent::ThrottledDelay { delay, error, .. } => {
                self.end_line()?;
                let seconds = delay.as_secs_f64();
                super::note(&format!("{error}; trying again in {seconds:.0} s"));
            }
            AgentEvent::ToolOutcomeUnknown { tool_use } => {
                super::note(&format!(
                    "it is not known whether {} ran before it was cut off; it was not run again",
                    tool_use.name
                ));
            }
            AgentEvent::Result(result) => {
                self.end_line()?;
                if result.stop_reason.is_limit() {
                    super::note(&format!("stopped by a limit ({})", result.stop_reason.as_str()));
                }
                if result.stop_reason.as_str() == "max_tokens" {
                    super::note("the answer was cut off: the model reached its limit of tokens");
                }
            }
            _ => {}
        }
        Ok(())
    }

    pub(super) fn under_way(&mut self, calls: &[ToolCall]) {
        for ToolCall { tool_use, .. } in calls {
            self.names.insert(tool_use.tool_use_id.clone(), tool_use.name.clone());
        }
    }

    pub(super) fn end_line(&mut self) -> io::Result<()> {
        if self.in_line {
            self.in_line = false;
            writeln!(io::stdout())?;
        }
        Ok(())
    }

    fn tools(&mut self, message: &Message) {
        let (on, off) = (style::TOOL.render(), style::TOOL.render_reset());
        if message.role == Role::Assistant {
            for call in message.tool_uses() {
                let input = one_line(&call.input.to_string(), WIDTH);
                anstream::eprintln!("{on}→ {}{off} {input}", plain(&call.name));
                self.names.insert(call.tool_use_id.clone(), call.name.clone());
            }
        }
        for result in message.results() {
            let name = self.names.remove(&result.tool_use_id).unwrap_or_default();
            let text = one_line(&result.text(), WIDTH);
            let (on, off) = match result.status {
                ToolStatus::Success => (style::DIM.render(), style::DIM.render_reset()),
                ToolStatus::Error => (style::ERROR.render(), style::ERROR.render_reset()),
            };
            anstream::eprintln!("{on}← {}{off} {text}", plain(&name));
        }
    }
}
