//! A model within a limit of rate.

use std::fmt;
use std::sync::Arc;

use futures_util::{StreamExt as _, stream};
use ropewalk_core::{BoxStream, Error, Model, ModelChunk, ModelRequest, NativeOutput};

use super::rate_limit::{RateLimit, estimated_input};

/// A model that is asked no more often than a [`RateLimit`] lets it: calls wait for their turn, in order.
///
/// The limit comes before the call, so that the provider need not refuse it. What it refuses all the same is an error
/// as ever; if it says for how long ([`Error::retry_after`]), all calls under this limit wait for so long.
///
/// A call that would wait for longer than the limit's [longest wait](crate::RateLimitBuilder::longest_wait) fails at
/// once with [`Throttled`](ropewalk_core::ErrorKind::Throttled) and says when to come back. With the agent's
/// [`RetryStrategy`](ropewalk_core::RetryStrategy) it does come back then; in a
/// `FallbackModel` the next model is asked instead.
///
/// A wait is time in which the model says nothing:
/// [`ModelTimeouts::first_data`](ropewalk_core::ModelTimeouts::first_data) should be longer than the longest wait. A
/// cancel ends it.
///
/// ```
/// use ropewalk_core::{Agent, Error};
/// use ropewalk_models::{RateLimit, RateLimitedModel};
/// use ropewalk_testkit::{Reply, ScriptedModel};
///
/// # tokio::runtime::Builder::new_current_thread().enable_time().build()?.block_on(async {
/// // What the account may use, whichever of its models is asked.
/// let account = RateLimit::builder().requests_per_minute(60).tokens_per_minute(90_000).build()?;
/// let large = RateLimitedModel::new(ScriptedModel::new([Reply::text("Good day.")]), &account);
/// let small = RateLimitedModel::new(ScriptedModel::new([]), &account);
/// # let _ = small;
/// let mut agent = Agent::builder().model(large).no_callback_handler().build().await?;
/// assert_eq!(agent.invoke("Hello!").await?.text(), "Good day.");
/// # Ok::<(), Error>(()) })?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct RateLimitedModel {
    model: Arc<dyn Model>,
    limit: RateLimit,
}

impl RateLimitedModel {
    /// The model under a limit, which it shares with all others under it. A model that is shared (`Arc<dyn Model>`) is
    /// a model too.
    pub fn new(model: impl Model, limit: &RateLimit) -> Self {
        Self { model: Arc::new(model), limit: limit.clone() }
    }
}

impl Model for RateLimitedModel {
    fn id(&self) -> &str {
        self.model.id()
    }

    fn stream(&self, request: ModelRequest) -> BoxStream<'_, Result<ModelChunk, Error>> {
        let answer = stream::once(async move {
            match self.limit.admit(estimated_input(&request), &request.cancel).await {
                Ok(mut bill) => {
                    let answer = self.model.stream(request);
                    answer.inspect(move |item| bill.see(item)).boxed()
                }
                Err(error) => {
                    let error = error.context(self.model.id());
                    stream::once(async move { Err(error) }).boxed()
                }
            }
        });
        answer.flatten().boxed()
    }

    fn native_output(&self) -> NativeOutput {
        self.model.native_output()
    }

    fn context_limit(&self) -> Option<u64> {
        self.model.context_limit()
    }
}

impl fmt::Debug for RateLimitedModel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RateLimitedModel")
            .field("model", &self.model.id())
            .field("limit", &self.limit)
            .finish()
    }
}
