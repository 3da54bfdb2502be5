//! From what a program printed to a result.

use std::time::Duration;

use ropewalk_core::{IntoToolOutput as _, ToolOutput, ToolResultContent};
use serde_json::Value;

use crate::process::{End, Ended, Output};

/// What a call gives.
pub(super) fn of(ended: &Ended, timeout: Duration) -> ToolOutput {
    let (out, err) = (ended.out.text(), ended.err.text());
    // What went wrong stands on standard error, in a well-behaved program.
    let said = match (err.is_empty(), out.is_empty()) {
        (false, _) => err,
        (true, false) => out,
        (true, true) => "(it printed nothing)".to_owned(),
    };
    match ended.end {
        End::Exit(status) if status.success() => success(&ended.out),
        End::Exit(status) => match status.code() {
            Some(code) => ToolOutput::error(format!("Exit code {code}.\n{said}")),
            None => ToolOutput::error(format!("The tool was killed ({status}).\n{said}")),
        },
        End::Timeout => {
            let seconds = timeout.as_secs_f64();
            ToolOutput::error(format!(
                "The tool was stopped because it took longer than {seconds} seconds.\n{said}"
            ))
        }
        End::Cancelled => ToolOutput::error(format!(
            "The tool was stopped because the run was cancelled.\n{said}"
        )),
    }
}

fn success(out: &Output) -> ToolOutput {
    if let Some(mut output) = out.whole().and_then(tool_result) {
        output.content.iter_mut().for_each(bound);
        return output;
    }
    match out.text() {
        empty if empty.is_empty() => ToolOutput::text("(it printed nothing)"),
        text => ToolOutput::text(text),
    }
}

/// The tool result that was printed, if it is one.
fn tool_result(printed: &[u8]) -> Option<ToolOutput> {
    let value: Value = serde_json::from_slice(printed).ok()?;
    let is_result = value.get("status").is_some() && value.get("content").is_some();
    value.into_tool_output().ok().filter(|_| is_result)
}

/// Cuts what is more than a model should see.
fn bound(content: &mut ToolResultContent) {
    match content {
        ToolResultContent::Text(text) => *text = Output::of(text).text(),
        ToolResultContent::Json(value) => {
            let text = value.to_string();
            let shown = Output::of(&text).text();
            if shown.len() < text.len() {
                *content = ToolResultContent::Text(shown);
            }
        }
        _ => {}
    }
}
