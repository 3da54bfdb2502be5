//! Sessions, for people and programs.

use std::io::{self, Write as _};

use ropewalk_core::Run;
use ropewalk_session::Verified;
use serde_json::{Value, json};

/// A session in one line of a list.
pub(crate) fn line(name: &str, verified: &Verified, json: bool) -> io::Result<()> {
    if json {
        return text(&value(name, verified).to_string());
    }
    let Verified { messages, questions, .. } = verified;
    let open = match questions {
        0 => String::new(),
        1 => "  1 open question".to_owned(),
        more => format!("  {more} open questions"),
    };
    text(&format!("{name}  {messages} messages{open}"))
}

/// A session of which every record is as it was written.
pub(crate) fn verified(name: &str, verified: &Verified, json: bool) -> io::Result<()> {
    if json {
        return text(&value(name, verified).to_string());
    }
    let Verified { records, messages, .. } = verified;
    text(&format!("{name}  whole: {records} records, {messages} messages"))
}

/// A run as it is stored.
pub(crate) fn json(run: &Run) -> io::Result<()> {
    text(&serde_json::to_string(run)?)
}

/// Text on standard output, with a line end.
pub(crate) fn text(text: &str) -> io::Result<()> {
    let mut out = io::stdout().lock();
    writeln!(out, "{}", text.trim_end())?;
    out.flush()
}

fn value(name: &str, verified: &Verified) -> Value {
    let Verified { run_id, records, messages, questions, forked_from, .. } = verified;
    let origin =
        forked_from.as_ref().map(|(run_id, records)| json!({"run_id": run_id, "records": records}));
    json!({
        "name": name,
        "run_id": run_id,
        "records": records,
        "messages": messages,
        "open_questions": questions,
        "forked_from": origin,
    })
}
