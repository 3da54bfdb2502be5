//! What the command does.

mod ask;
mod chat;
mod decisions;
mod doctor;
mod drive;
mod models;
mod resume;
mod sessions;

use std::io::{IsTerminal as _, Read as _};

use crate::args::{Args, Command, Options, Verdict};
use crate::exit::{Failure, Status};
use crate::interrupt_key::InterruptKey;

/// Does what the command line says.
pub(crate) async fn run(args: Args, key: InterruptKey) -> Result<Status, Failure> {
    let Args { prompt, command, mut options } = args;
    match command {
        Some(Command::Resume { name, answers }) => {
            if !prompt.is_empty() || options.session.is_some() {
                return Err(Failure::usage("`resume NAME` takes neither a prompt nor --session"));
            }
            options.read_config()?;
            resume::run(&options, &name, &answers, key).await
        }
        Some(Command::Approve(verdict)) => answer(prompt, options, verdict, true, key).await,
        Some(Command::Deny(verdict)) => answer(prompt, options, verdict, false, key).await,
        Some(Command::Sessions(what)) => {
            if !prompt.is_empty() || options.session.is_some() {
                return Err(Failure::usage("`sessions` takes neither a prompt nor --session"));
            }
            sessions::run(&options, what).await
        }
        Some(Command::Models { provider }) => {
            alone(&prompt, "models")?;
            models::run(provider.as_deref(), options.json).await
        }
        Some(Command::Doctor) => {
            alone(&prompt, "doctor")?;
            options.read_config()?;
            doctor::run(&options).await
        }
        Some(Command::Decisions(what)) => {
            alone(&prompt, "decisions")?;
            decisions::run(&what, options.json)
        }
        None => {
            options.read_config()?;
            let prompt = prompt.join(" ");
            if !prompt.trim().is_empty() {
                return ask::run(&options, &prompt, key).await;
            }
            if !std::io::stdin().is_terminal() {
                let mut prompt = String::new();
                std::io::stdin().read_to_string(&mut prompt)?;
                if prompt.trim().is_empty() {
                    return Err(Failure::usage(
                        "there is no prompt: give it as an argument or on standard input (see --help)",
                    ));
                }
                return ask::run(&options, prompt.trim_end(), key).await;
            }
            if options.json {
                return Err(Failure::usage("--json needs a prompt: there is no chat in JSON"));
            }
            chat::run(&options, key).await
        }
    }
}

/// A command that takes no prompt was given none.
fn alone(prompt: &[String], command: &str) -> Result<(), Failure> {
    match prompt.is_empty() {
        true => Ok(()),
        false => Err(Failure::usage(format!("`{command}` takes no prompt"))),
    }
}

/// Gives the same answer to some of a session's questions, and goes on.
async fn answer(
    prompt: Vec<String>,
    mut options: Options,
    verdict: Verdict,
    yes: bool,
    key: InterruptKey,
) -> Result<Status, Failure> {
    let Verdict { name, questions } = verdict;
    if !prompt.is_empty() || options.session.is_some() {
        let text = "`approve` and `deny` take neither a prompt nor --session";
        return Err(Failure::usage(text));
    }
    options.read_config()?;
    let answers: Vec<String> = questions.iter().map(|id| format!("{id}={yes}")).collect();
    resume::run(&options, &name, &answers, key).await
}
