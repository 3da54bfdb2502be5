//! `ropewalk PROMPT`: one prompt.

use ropewalk_core::Prompt;

use super::drive::Session;
use crate::args::Options;
use crate::exit::{Failure, Status};
use crate::interrupt_key::InterruptKey;

/// Finishes what the session had left, then asks.
pub(crate) async fn run(
    options: &Options,
    prompt: &str,
    key: InterruptKey,
) -> Result<Status, Failure> {
    let mut session = Session::open(options, options.session.as_deref(), key).await?;
    match session.finish_earlier(true).await? {
        Status::Done => session.drive(Prompt::from(prompt)).await,
        // The question comes before anything else.
        other => Ok(other),
    }
}
