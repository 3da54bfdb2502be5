//! Calls that fail.

use ropewalk_core::{Error, ErrorKind};

use super::heard::failure;
use super::{Case, Models};

async fn fails(
    models: &impl Models,
    case: Case,
    is_right: impl Fn(&Error) -> bool,
) -> Result<(), String> {
    let Some(model) = models.answering(case).await else { return Ok(()) };
    let error = failure(&model).await.map_err(|seen| format!("{seen}, at {case:?}"))?;
    if error.to_string().trim().is_empty() {
        return Err(format!("an error without words, at {case:?}"));
    }
    match is_right(&error) {
        true => Ok(()),
        false => Err(format!(
            "{:?} (`{error}`, to wait {:?}), at {case:?}",
            error.kind(),
            error.retry_after()
        )),
    }
}

pub(super) async fn breaks_off(models: &impl Models) -> Result<(), String> {
    fails(models, Case::BreaksOff, Error::is_retryable).await
}

pub(super) async fn fails_midway(models: &impl Models) -> Result<(), String> {
    fails(models, Case::FailsMidway, Error::is_retryable).await
}

pub(super) async fn only_alive(models: &impl Models) -> Result<(), String> {
    fails(models, Case::OnlyAlive, |error| error.kind() == ErrorKind::Timeout).await
}

pub(super) async fn throttled(models: &impl Models) -> Result<(), String> {
    let asks = |error: &Error| error.retry_after() == Some(Case::RETRY_AFTER);
    fails(models, Case::Throttled, |error| error.is_throttled() && asks(error)).await
}

pub(super) async fn too_long(models: &impl Models) -> Result<(), String> {
    fails(models, Case::TooLong, Error::is_context_overflow).await
}

pub(super) async fn refusals(models: &impl Models) -> Result<(), String> {
    let is = |kind: ErrorKind| move |error: &Error| error.kind() == kind;
    fails(models, Case::Unauthorized, is(ErrorKind::Authentication)).await?;
    fails(models, Case::Rejected, is(ErrorKind::InvalidRequest)).await?;
    fails(models, Case::Unavailable, is(ErrorKind::Unavailable)).await
}
