//! `ropewalk`: a chat.

use ropewalk_core::Prompt;

use super::drive::Session;
use crate::args::Options;
use crate::exit::{Failure, Status};
use crate::interrupt_key::InterruptKey;
use crate::{show, terminal};

/// Reads lines and answers them until the input ends.
pub(crate) async fn run(options: &Options, key: InterruptKey) -> Result<Status, Failure> {
    let mut session = Session::open(options, options.session.as_deref(), key).await?;
    if !options.quiet {
        let model = session.agent.view().model_id().to_owned();
        show::note(&format!("{model}; an empty line or Ctrl-D leaves"));
    }
    if session.finish_earlier(true).await? == Status::Paused {
        return Ok(Status::Paused);
    }
    loop {
        terminal::prompt("> ")?;
        let Some(line) = terminal::read_line().await? else {
            show::blank();
            return Ok(Status::Done);
        };
        if line.trim().is_empty() {
            return Ok(Status::Done);
        }
        match session.drive(Prompt::from(line)).await {
            Ok(Status::Paused) => return Ok(Status::Paused),
            Ok(_) => {}
            // A chat goes on after an error: the history is still valid.
            Err(failure) => show::error(&failure.message),
        }
    }
}
