//! Another model where one fails.

use std::fmt;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use ropewalk_core::{BoxStream, Error, ErrorKind, Model, ModelChunk, ModelRequest, NativeOutput};
use tokio::time::Instant;

use super::attempts::{self, Candidates};
use super::goes_on::GoesOn;
use super::lock;
use super::members::{joined_id, smallest_limit, weakest_output};

/// Models in order of preference: the first one answers; if it fails, the next one does.
///
/// It goes on to the next after errors that say that a model is not to be had just now
/// ([`Throttled`](ErrorKind::Throttled), [`Unavailable`](ErrorKind::Unavailable), [`Timeout`](ErrorKind::Timeout)),
/// or after those that are [set](Self::on), and only as long as nothing of an answer was given out. A model that
/// fails in the middle of its answer has failed: what was read of it can't be taken back, and is never said twice.
/// The agent's [`RetryStrategy`](ropewalk_core::RetryStrategy) then takes it back for all listeners, and asks again.
///
/// Each step from one model to the next is a warning in the log. The metadata of the answer say in `answeredBy` whose
/// it is. If no model answers, the error tells all failures; its source is the first one.
///
/// What it says of itself holds for whoever answers: [`context_limit`](Model::context_limit) is the smallest that is
/// known, [`native_output`](Model::native_output) the weakest. Its [`id`](Model::id) is
/// `fallback(first, second)` unless [named](Self::named); prices and limits of cost go by it.
///
/// Clones share what is known of who answers.
///
/// ```
/// use ropewalk_core::{Agent, ErrorKind};
/// use ropewalk_models::FallbackModel;
/// use ropewalk_testkit::{Reply, ScriptedModel};
///
/// # tokio::runtime::Builder::new_current_thread().build()?.block_on(async {
/// let first = ScriptedModel::new([Reply::error(ErrorKind::Unavailable, "away")]);
/// let second = ScriptedModel::new([Reply::text("Good day.")]);
/// let model = FallbackModel::new(first).or(second);
/// let mut agent = Agent::builder().model(model).no_callback_handler().build().await?;
/// assert_eq!(agent.invoke("Hello!").await?.text(), "Good day.");
/// # Ok::<(), ropewalk_core::Error>(()) })?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct FallbackModel {
    models: Vec<Arc<dyn Model>>,
    id: String,
    is_named: bool,
    goes_on: GoesOn,
    stick_for: Option<Duration>,
    patience: Option<Duration>,
    stuck: Arc<Mutex<Option<Stuck>>>,
}

/// A model that took over, and until when it is asked first.
#[derive(Clone, Copy, Debug)]
struct Stuck {
    at: usize,
    /// None: longer than clocks go.
    until: Option<Instant>,
}

impl FallbackModel {
    /// The model that is asked first. One that is shared (`Arc<dyn Model>`) is a model too.
    pub fn new(first: impl Model) -> Self {
        Self {
            models: Vec::new(),
            id: String::new(),
            is_named: false,
            goes_on: GoesOn::Retryable,
            stick_for: None,
            patience: None,
            stuck: Arc::default(),
        }
        .or(first)
    }

    /// Adds the model that is asked if all before it fail.
    #[must_use]
    pub fn or(mut self, next: impl Model) -> Self {
        self.models.push(Arc::new(next));
        if !self.is_named {
            self.id = joined_id("fallback", &self.models);
        }
        self
    }

    /// Sets the [`id`](Model::id). With the id of the dearest of the models, a limit of cost is kept to at its
    /// prices.
    #[must_use]
    pub fn named(mut self, id: impl Into<String>) -> Self {
        self.id = id.into();
        self.is_named = true;
        self
    }

    /// The kinds of errors after which the next model is asked, in place of the three.
    ///
    /// ```
    /// use ropewalk_core::{ErrorKind, Model};
    /// use ropewalk_models::FallbackModel;
    ///
    /// # fn combined(first: impl Model, second: impl Model) {
    /// // Where the key may have been withdrawn.
    /// let kinds = [ErrorKind::Unavailable, ErrorKind::Authentication];
    /// let model = FallbackModel::new(first).or(second).on(kinds);
    /// # }
    /// ```
    #[must_use]
    pub fn on(mut self, kinds: impl IntoIterator<Item = ErrorKind>) -> Self {
        self.goes_on = GoesOn::Kinds(kinds.into_iter().collect());
        self
    }

    /// Says after which errors the next model is asked, in place of the three kinds. A cancel always ends the call.
    #[must_use]
    pub fn on_if(mut self, goes_on: impl Fn(&Error) -> bool + Send + Sync + 'static) -> Self {
        self.goes_on = GoesOn::If(Arc::new(goes_on));
        self
    }

    /// After a model took over, it is asked first for so long: those before it need not fail anew in each call.
    /// Unless set, each call begins with the first model.
    #[must_use]
    pub fn stick_for(mut self, time: Duration) -> Self {
        self.stick_for = Some(time);
        self
    }

    /// Gives a model up that says nothing for so long, if another one is left: as long as it likes unless set (the
    /// model's own limits and [`ModelTimeouts`](ropewalk_core::ModelTimeouts) hold all the same). That is an error
    /// of the kind [`Timeout`](ErrorKind::Timeout). It needs a Tokio runtime that keeps the time.
    #[must_use]
    pub fn patience(mut self, longest: Duration) -> Self {
        self.patience = Some(longest);
        self
    }

    fn begins_with(&self) -> usize {
        let mut stuck = lock(&self.stuck);
        *stuck = stuck.filter(|stuck| stuck.until.is_none_or(|until| Instant::now() < until));
        stuck.map_or(0, |stuck| stuck.at)
    }
}

impl Candidates for FallbackModel {
    fn next(&self, asked: &[usize]) -> Option<usize> {
        let mut order = std::iter::once(self.begins_with()).chain(0..self.models.len());
        order.find(|at| !asked.contains(at))
    }

    fn model(&self, at: usize) -> &Arc<dyn Model> {
        &self.models[at]
    }

    fn goes_on_after(&self, error: &Error) -> bool {
        self.goes_on.after(error)
    }

    fn answers(&self, at: usize, _: Instant) {
        let Some(time) = self.stick_for else { return };
        let until = Instant::now().checked_add(time);
        let mut stuck = lock(&self.stuck);
        // The time is not begun anew with each answer: those before it get another chance after it.
        if stuck.is_none_or(|stuck| stuck.at != at) {
            *stuck = (at > 0).then_some(Stuck { at, until });
        }
    }

    fn failed(&self, at: usize, _: &Error) {
        let mut stuck = lock(&self.stuck);
        *stuck = stuck.filter(|stuck| stuck.at != at);
    }

    fn patience(&self, asked: &[usize]) -> Option<Duration> {
        // The last one is waited for: there is nobody to go on to.
        self.patience.filter(|_| asked.len() < self.models.len())
    }
}

impl Model for FallbackModel {
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

impl fmt::Debug for FallbackModel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FallbackModel")
            .field("id", &self.id)
            .field("models", &joined_id("", &self.models))
            .field("goes_on", &self.goes_on)
            .field("stick_for", &self.stick_for)
            .field("patience", &self.patience)
            .finish_non_exhaustive()
    }
}
