//! Asking the person at the terminal.

use std::io::{self, IsTerminal as _, Write as _};

use ropewalk_core::{Interrupt, InterruptResponse};
use serde_json::Value;

use crate::approval::{Approvals, Decision, Question};
use crate::show::{self, style};

/// True if there is somebody to ask.
pub(crate) fn is_there() -> bool {
    io::stdin().is_terminal() && io::stderr().is_terminal()
}

/// A line from standard input, without its end; none at its end. It blocks no other work.
pub(crate) async fn read_line() -> io::Result<Option<String>> {
    let read = tokio::task::spawn_blocking(|| {
        let mut line = String::new();
        let count = io::stdin().read_line(&mut line)?;
        Ok((count > 0).then(|| line.trim_end_matches(['\n', '\r']).to_owned()))
    });
    read.await.map_err(io::Error::other)?
}

/// Puts the open questions; none if the person left instead of answering.
pub(crate) async fn ask(
    interrupts: &[Interrupt],
    approvals: &Approvals,
) -> io::Result<Option<Vec<InterruptResponse>>> {
    let mut answers = Vec::new();
    for interrupt in interrupts {
        if approvals.settles(interrupt) {
            answers.push(interrupt.answer(Decision::Always.to_json()));
            continue;
        }
        let answer = match Question::of(interrupt) {
            Question::MayRun { tool, input, preview } => {
                show::question(&tool, &input, preview.as_ref());
                let Some(decision) = ask_decision(&tool).await? else { return Ok(None) };
                approvals.note(interrupt, decision);
                decision.to_json()
            }
            Question::Other => {
                show::note(&format!("{}: {}", interrupt.name, interrupt.reason));
                let Some(answer) = ask_anything().await? else { return Ok(None) };
                answer
            }
        };
        answers.push(interrupt.answer(answer));
    }
    Ok(Some(answers))
}

async fn ask_decision(tool: &str) -> io::Result<Option<Decision>> {
    forget_typed();
    loop {
        prompt(&format!("Run it? [y]es, [n]o, [a]lways ({tool}, until this command ends): "))?;
        let Some(line) = read_line().await? else { return Ok(None) };
        if let Some(decision) = Decision::from_word(&line) {
            return Ok(Some(decision));
        }
    }
}

async fn ask_anything() -> io::Result<Option<Value>> {
    loop {
        prompt("Your answer (JSON or text): ")?;
        let Some(line) = read_line().await? else { return Ok(None) };
        let answer = serde_json::from_str(&line).unwrap_or(Value::String(line));
        if !answer.is_null() {
            return Ok(Some(answer));
        }
    }
}

/// Forgets what was typed or pasted before the question was put: it was no answer to it.
fn forget_typed() {
    #[cfg(unix)]
    if let Err(error) =
        rustix::termios::tcflush(io::stdin(), rustix::termios::QueueSelector::IFlush)
    {
        tracing::debug!("what was typed before can't be forgotten: {error}");
    }
}

/// Asks for a line on standard error, so that standard output holds answers only.
pub(crate) fn prompt(text: &str) -> io::Result<()> {
    let mut stderr = anstream::stderr().lock();
    write!(stderr, "{}{text}{}", style::ASK.render(), style::ASK.render_reset())?;
    stderr.flush()
}
