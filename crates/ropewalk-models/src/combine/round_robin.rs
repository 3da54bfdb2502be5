//! Models in turn.

mod turns;

use std::fmt;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use ropewalk_core::{BoxStream, Error, ErrorKind, Model, ModelChunk, ModelRequest, NativeOutput};
use tokio::time::Instant;

use super::attempts::{self, Candidates};
use super::goes_on::GoesOn;
use super::lock;
use super::members::{joined_id, smallest_limit, weakest_output};
use turns::Turns;

/// Models that answer in turn: several keys of one provider, several servers with one model.
///
/// A model that fails rests for a time, as long as its provider asks ([`Error::retry_after`]) or else for the
/// [cool-down](Self::cool_down), and gets no calls meanwhile. If it failed before anything of its answer was given out,
/// another one that does not rest answers the same call. If all rest, the one whose rest ends first is asked: it is no
/// worse than not to ask. What counts as a failure of the model is what counts for
/// `FallbackModel`, and can be [set](Self::on).
///
/// Turns are by call, not by conversation: a provider that caches prompts does so best if a conversation stays with it.
/// [`RouterModel`](crate::RouterModel) can see to that.
///
/// What it says of itself holds for whoever answers: [`context_limit`](Model::context_limit) is the smallest that is
/// known, [`native_output`](Model::native_output) the weakest. Its [`id`](Model::id) is
/// `round_robin(one, other)` unless [named](Self::named); prices and limits of cost go by it.
///
/// Clones share the turns and the rests.
///
/// ```
/// use std::time::Duration;
/// use ropewalk_core::Model;
/// use ropewalk_models::RoundRobinModel;
///
/// # fn combined(large: impl Model, small: impl Model) {
/// // Of each four calls three go to the large server.
/// let model = RoundRobinModel::new()
///     .weighted(3, large)
///     .with(small)
///     .cool_down(Duration::from_secs(10));
/// # }
/// ```
#[derive(Clone)]
pub struct RoundRobinModel {
    models: Vec<Arc<dyn Model>>,
    weights: Vec<u32>,
    id: String,
    is_named: bool,
    goes_on: GoesOn,
    cool_down: Duration,
    turns: Arc<Mutex<Turns>>,
}

impl RoundRobinModel {
    /// No models yet; a call without any fails.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a model. One that is shared (`Arc<dyn Model>`) is a model too.
    #[must_use]
    pub fn with(self, model: impl Model) -> Self {
        self.weighted(1, model)
    }

    /// Adds a model that gets so many turns where one of weight 1 gets one. They lie apart from each other. With 0 it
    /// gets calls only while all others rest.
    #[must_use]
    pub fn weighted(mut self, weight: u32, model: impl Model) -> Self {
        self.models.push(Arc::new(model));
        self.weights.push(weight);
        if !self.is_named {
            self.id = joined_id("round_robin", &self.models);
        }
        self
    }

    /// Sets the [`id`](Model::id).
    #[must_use]
    pub fn named(mut self, id: impl Into<String>) -> Self {
        self.id = id.into();
        self.is_named = true;
        self
    }

    /// How long a model rests that failed without saying for how long: 30 seconds unless set.
    #[must_use]
    pub fn cool_down(mut self, time: Duration) -> Self {
        self.cool_down = time;
        self
    }

    /// The kinds of errors that are failures of a model, in place of [`Throttled`](ErrorKind::Throttled),
    /// [`Unavailable`](ErrorKind::Unavailable) and [`Timeout`](ErrorKind::Timeout). After others nobody rests and nobody
    /// else is asked.
    #[must_use]
    pub fn on(mut self, kinds: impl IntoIterator<Item = ErrorKind>) -> Self {
        self.goes_on = GoesOn::Kinds(kinds.into_iter().collect());
        self
    }

    /// Says which errors are failures of a model, in place of the three kinds.
    #[must_use]
    pub fn on_if(mut self, goes_on: impl Fn(&Error) -> bool + Send + Sync + 'static) -> Self {
        self.goes_on = GoesOn::If(Arc::new(goes_on));
        self
    }
}

impl Default for RoundRobinModel {
    fn default() -> Self {
        Self {
            models: Vec::new(),
            weights: Vec::new(),
            id: joined_id("round_robin", []),
            is_named: false,
            goes_on: GoesOn::Retryable,
            cool_down: Duration::from_secs(30),
            turns: Arc::default(),
        }
    }
}

impl Candidates for RoundRobinModel {
    fn next(&self, asked: &[usize]) -> Option<usize> {
        lock(&self.turns).next(&self.weights, asked, Instant::now())
    }

    fn model(&self, at: usize) -> &Arc<dyn Model> {
        &self.models[at]
    }

    fn goes_on_after(&self, error: &Error) -> bool {
        self.goes_on.after(error)
    }

    fn answers(&self, at: usize, asked: Instant) {
        lock(&self.turns).answers(at, asked);
    }

    fn failed(&self, at: usize, error: &Error) {
        let time = error.retry_after().unwrap_or(self.cool_down);
        tracing::debug!(model = self.models[at].id(), ?time, "the model rests");
        lock(&self.turns).rest(at, Instant::now(), time);
    }
}

impl Model for RoundRobinModel {
    fn id(&self) -> &str {
        &self.id
    }

    fn stream(&self, request: ModelRequest) -> BoxStream<'_, Result<ModelChunk, Error>> {
        attempts::stream(self, request)
    }

    fn native_output(&self) -> NativeOutput {
        weakest_output(&self.models)
    }

    fn context_limit(&self) -> Option<u64> {
        smallest_limit(&self.models)
    }
}

impl fmt::Debug for RoundRobinModel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RoundRobinModel")
            .field("id", &self.id)
            .field("models", &joined_id("", &self.models))
            .field("weights", &self.weights)
            .field("goes_on", &self.goes_on)
            .field("cool_down", &self.cool_down)
            .field("turns", &lock(&self.turns))
            .finish_non_exhaustive()
    }
}
