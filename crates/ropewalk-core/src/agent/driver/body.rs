//! The body of a tool: its key, its time, its panics.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt as _;
use serde_json::Value;
use tracing::Instrument as _;

use super::Driver;
use crate::clock::has_clock;
use crate::error::{BoxError, Error, ErrorKind};
use crate::hook::panic_error;
use crate::telemetry;
use crate::tool::{Lease, Tool, ToolContext, ToolOutput};

/// How long a tool may go on after a cancel, or after its time, before it is dropped.
pub(super) const CANCEL_GRACE: Duration = Duration::from_secs(2);

/// How a body ended.
pub(super) enum Ending {
    /// By itself.
    Outcome(Result<ToolOutput, BoxError>),
    /// It was dropped after a cancel.
    Cancelled,
    /// It was dropped because its time was over.
    Overdue(Error),
}

impl Driver<'_> {
    /// Waits until no other call holds this key, and holds it. None: it was cancelled while it waited.
    pub(super) async fn lease(&self, key: &str) -> Option<Arc<Lease>> {
        let held = self.blueprint.exclusive.hold(key);
        self.cancel.run_until_cancelled(held).await
    }

    /// Runs the body of a tool: a panic is an error; after a cancel, or when its time is over, it has a
    /// moment to end by itself.
    pub(super) async fn run_body(
        &self,
        tool: &dyn Tool,
        input: Value,
        context: ToolContext,
    ) -> Ending {
        let limit = tool.timeout().or(self.blueprint.executor.timeout());
        let telemetry = &self.blueprint.telemetry;
        let span = telemetry::execute_tool(telemetry, context.tool_use(), tool.spec());
        let stopped = context.clone();
        let body = async { tool.call(input, context).await }.instrument(span.clone());
        let body = AssertUnwindSafe(body).catch_unwind();
        let too_late = async {
            self.cancel.cancelled().await;
            pause(CANCEL_GRACE).await;
        };
        let overdue = async {
            match limit.filter(|_| has_clock()) {
                None => std::future::pending().await,
                Some(limit) => {
                    pause(limit).await;
                    stopped.cancel().cancel();
                    pause(CANCEL_GRACE).await;
                    limit
                }
            }
        };
        let ending = tokio::select! {
            biased;
            outcome = body => {
                Ending::Outcome(outcome.unwrap_or_else(|panic| Err(panic_error(&*panic))))
            }
            () = too_late => Ending::Cancelled,
            limit = overdue => {
                let name = &tool.spec().name;
                let text = format!("the tool `{name}` took longer than {limit:?} and was given up");
                Ending::Overdue(Error::new(ErrorKind::Timeout, text))
            }
        };
        match &ending {
            Ending::Outcome(Ok(output)) => telemetry::tool_ended(telemetry, &span, output),
            Ending::Outcome(Err(error)) => telemetry::tool_failed(telemetry, &span, &**error),
            Ending::Overdue(error) => telemetry::tool_failed(telemetry, &span, error),
            Ending::Cancelled => {}
        }
        ending
    }
}

async fn pause(time: Duration) {
    if has_clock() {
        tokio::time::sleep(time).await;
    }
}
