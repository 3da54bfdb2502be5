//! The question that is put to a person.

use std::panic::AssertUnwindSafe;
use std::task::Poll;
use std::time::Duration;

use futures_util::FutureExt as _;
use ropewalk_core::{ApprovalRequest, ApprovalScope, BoxError, BoxFuture, Preview, Tool, ToolUse};

use super::covered::Covered;
use crate::rule::CheckedRule;

/// The name of the question: another rule, or a rule that was changed, asks anew.
pub(super) fn name(approvals: &str, rule: &CheckedRule) -> String {
    let version: String = rule.fingerprint.chars().take(8).collect();
    format!("{approvals}: {} ({version})", rule.label)
}

/// What is asked, and on what terms.
pub(super) fn request(
    rule: &CheckedRule,
    call: &ToolUse,
    scopes: &[ApprovalScope],
    covered: &Covered,
    preview: Option<Preview>,
) -> ApprovalRequest {
    let asking = &rule.rule.asking;
    let title = asking.title.clone().unwrap_or_else(|| format!("Run `{}`?", call.name));
    let mut request = ApprovalRequest::new(title)
        .with_risk(asking.risk)
        .with_scopes(scopes.iter().copied())
        .with_preview(preview)
        .with_rule(rule.label.as_str())
        .with_approvers(asking.approvers.iter().cloned())
        .with_on_expiry(asking.on_expiry);
    if scopes.iter().any(|scope| *scope != ApprovalScope::Once) {
        request = request.with_covers(covered.text.as_str());
    }
    if let Some(time) = asking.expires_in {
        request = request.with_expires_in(time);
    }
    if let Some(time) = asking.warn_before {
        request = request.with_warn_before(time);
    }
    request
}

/// How long a tool may take for its preview.
const PREVIEW_TIME: Duration = Duration::from_secs(10);

/// What the call would do. That the tool can't say so is shown in its place, and stops nothing.
pub(super) async fn preview(tool: &dyn Tool, call: &ToolUse) -> Option<Preview> {
    // Within the guard: what makes a future may panic as well as the future.
    let preview = async { within(tool.preview(&call.input)).await };
    let why = match AssertUnwindSafe(preview).catch_unwind().await {
        Ok(Ok(preview)) => return preview,
        Ok(Err(error)) => error.to_string(),
        Err(_) => "it panicked".to_owned(),
    };
    Some(Preview::Text(format!("There is no preview: the tool failed to make one ({why}).")))
}

/// Waits for a preview for as long as it may take. The clock is tokio's: without it there is no limit.
async fn within(
    mut preview: BoxFuture<'_, Result<Option<Preview>, BoxError>>,
) -> Result<Option<Preview>, BoxError> {
    if let Poll::Ready(ready) = futures_util::poll!(&mut preview) {
        return ready;
    }
    if tokio::runtime::Handle::try_current().is_err() {
        return preview.await;
    }
    match tokio::time::timeout(PREVIEW_TIME, preview).await {
        Ok(ready) => ready,
        Err(_) => Err(format!("it took longer than {} s", PREVIEW_TIME.as_secs()).into()),
    }
}
