//! A model chosen for each request.

mod classifier;

use std::fmt;
use std::future::Future;
use std::sync::Arc;

use futures_util::{StreamExt as _, stream};
use ropewalk_core::{
    BoxFuture, BoxStream, Error, ErrorKind, Metrics, Model, ModelChunk, ModelRequest, NativeOutput,
    Usage,
};

use super::answered_by::note;
use super::members::{joined_id, smallest_limit, weakest_output};

type Choose = Arc<dyn Fn(ModelRequest) -> BoxFuture<'static, Result<String, Error>> + Send + Sync>;

/// A model chosen for each request, by a function of yours or by [a model](Self::chosen_by): a cheap one for what is
/// easy, a strong one for the rest.
///
/// The function gives the name of a route. It is asked before each call of the model, so that a conversation may go
/// from one model to another at any point; adapters take what others said. A name without a route is an error of the
/// kind [`InvalidInput`](ErrorKind::InvalidInput). A model that fails has failed: for another one in its place, let the
/// route lead to a `FallbackModel`.
///
/// What it says of itself holds for whoever answers: [`context_limit`](Model::context_limit) is the smallest that is
/// known, [`native_output`](Model::native_output) the weakest. Its [`id`](Model::id) is `router(one, other)` unless
/// [named](Self::named); prices and limits of cost go by it. The metadata of the answer say in `answeredBy` whose it is.
///
/// ```
/// use ropewalk_core::{Agent, ModelRequest};
/// use ropewalk_models::RouterModel;
/// use ropewalk_testkit::{Reply, ScriptedModel};
///
/// # tokio::runtime::Builder::new_current_thread().build()?.block_on(async {
/// let cheap = ScriptedModel::new([Reply::text("Good day.")]);
/// let strong = ScriptedModel::new([]);
/// let model = RouterModel::new(|request: &ModelRequest| {
///     let tokens: u64 = request.messages.iter().map(|message| message.estimated_tokens()).sum();
///     if tokens < 1_000 && request.tools.is_empty() { "cheap" } else { "strong" }
/// })
/// .route("cheap", cheap)
/// .route("strong", strong);
/// let mut agent = Agent::builder().model(model).no_callback_handler().build().await?;
/// assert_eq!(agent.invoke("Hello!").await?.text(), "Good day.");
/// # Ok::<(), ropewalk_core::Error>(()) })?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct RouterModel {
    chooser: Chooser,
    routes: Vec<Route>,
    id: String,
    is_named: bool,
}

#[derive(Clone)]
enum Chooser {
    Function(Choose),
    Model(Arc<dyn Model>),
}

#[derive(Clone)]
struct Route {
    name: String,
    /// What it is for, told to a model that chooses.
    purpose: Option<String>,
    model: Arc<dyn Model>,
}

impl RouterModel {
    /// A router whose function says at once which route a request takes. It has no routes yet.
    pub fn new<R: Into<String>>(
        choose: impl Fn(&ModelRequest) -> R + Send + Sync + 'static,
    ) -> Self {
        Self::with(Chooser::Function(Arc::new(move |request| {
            let name = choose(&request).into();
            Box::pin(std::future::ready(Ok(name)))
        })))
    }

    /// A router whose function may take its time: ask another model, or a service. What it gives as an error is
    /// the error of the call; it is dropped when the call is cancelled. What it uses is not counted.
    pub fn new_async<F, R>(choose: impl Fn(ModelRequest) -> F + Send + Sync + 'static) -> Self
    where
        F: Future<Output = Result<R, Error>> + Send + 'static,
        R: Into<String>,
    {
        Self::with(Chooser::Function(Arc::new(move |request| {
            let choice = choose(request);
            Box::pin(async move { choice.await.map(Into::into) })
        })))
    }

    /// A router for which a model chooses, a small one best: it is told which routes there are, what they are
    /// [for](Self::route_for), and what was asked last. Nothing else of the conversation goes to it. If it fails, or
    /// gives no name of a route, the first route is taken, with a warning. What it uses counts with the answer.
    ///
    /// It is asked before each call of the model, also of those within one turn. A `CachedModel` around it answers all
    /// but the first of them, since they ask the same.
    ///
    /// ```
    /// use ropewalk_core::Model;
    /// use ropewalk_models::RouterModel;
    ///
    /// # fn combined(tiny: impl Model, cheap: impl Model, strong: impl Model) {
    /// let model = RouterModel::chosen_by(tiny)
    ///     .route_for("easy", "small talk, and facts that everybody knows", cheap)
    ///     .route_for("hard", "all that takes thought: sums, plans, code", strong);
    /// # }
    /// ```
    pub fn chosen_by(model: impl Model) -> Self {
        Self::with(Chooser::Model(Arc::new(model)))
    }

    fn with(chooser: Chooser) -> Self {
        Self { chooser, routes: Vec::new(), id: joined_id("router", []), is_named: false }
    }

    /// Adds a route; one of the same name goes. A model that is shared (`Arc<dyn Model>`) is a model too.
    #[must_use]
    pub fn route(self, name: impl Into<String>, model: impl Model) -> Self {
        self.add(Route { name: name.into(), purpose: None, model: Arc::new(model) })
    }

    /// Adds a route, and says what it is for to a model that [chooses](Self::chosen_by).
    #[must_use]
    pub fn route_for(
        self,
        name: impl Into<String>,
        purpose: impl Into<String>,
        model: impl Model,
    ) -> Self {
        let purpose = Some(purpose.into());
        self.add(Route { name: name.into(), purpose, model: Arc::new(model) })
    }

    fn add(mut self, route: Route) -> Self {
        match self.routes.iter_mut().find(|known| known.name == route.name) {
            Some(known) => *known = route,
            None => self.routes.push(route),
        }
        if !self.is_named {
            self.id = joined_id("router", self.models());
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

    fn models(&self) -> impl Iterator<Item = &Arc<dyn Model>> {
        self.routes.iter().map(|route| &route.model)
    }

    /// The model for a request, and what it took to choose it.
    async fn chosen(&self, request: &ModelRequest) -> Result<(&Arc<dyn Model>, Usage), Error> {
        let choice = request.cancel.run_until_cancelled(self.choose(request)).await;
        let (route, spent) = choice.unwrap_or_else(|| {
            Err(Error::new(ErrorKind::Cancelled, "the call was cancelled while a route was chosen"))
        })?;
        tracing::debug!(route = route.name, model = route.model.id(), "the route of a request");
        Ok((&route.model, spent))
    }

    async fn choose(&self, request: &ModelRequest) -> Result<(&Route, Usage), Error> {
        let name = match &self.chooser {
            Chooser::Function(choose) => choose(request.clone()).await?,
            Chooser::Model(model) => return classifier::choose(model, &self.routes, request).await,
        };
        let route = self.routes.iter().find(|route| route.name == name).ok_or_else(|| {
            let names: Vec<_> =
                self.routes.iter().map(|route| format!("`{}`", route.name)).collect();
            let names = if names.is_empty() { "none".to_owned() } else { names.join(", ") };
            let text = format!("route=<{name}> | there is no such route: there are {names}");
            Error::new(ErrorKind::InvalidInput, text)
        })?;
        Ok((route, Usage::default()))
    }
}

impl Model for RouterModel {
    fn id(&self) -> &str {
        &self.id
    }

    fn stream(&self, request: ModelRequest) -> BoxStream<'_, Result<ModelChunk, Error>> {
        let answer = stream::once(async move {
            match self.chosen(&request).await {
                Ok((model, spent)) => signed(model, request, spent),
                Err(error) => stream::once(async move { Err(error) }).boxed(),
            }
        });
        answer.flatten().boxed()
    }

    fn native_output(&self) -> NativeOutput {
        weakest_output(self.models())
    }

    fn context_limit(&self) -> Option<u64> {
        smallest_limit(self.models())
    }
}

/// The answer of a model, with a note in its metadata whose it is, and with what was spent before in its usage.
fn signed(
    model: &Arc<dyn Model>,
    request: ModelRequest,
    spent: Usage,
) -> BoxStream<'_, Result<ModelChunk, Error>> {
    let mut is_untold = spent != Usage::default();
    let signed = model.stream(request).flat_map(move |mut item| {
        let mut before = None;
        match &mut item {
            Ok(ModelChunk::Metadata(metadata)) => {
                metadata.usage += spent;
                note(metadata, model.id());
                is_untold = false;
            }
            Err(_) if is_untold => {
                before = Some(Ok(ModelChunk::metadata(spent, Metrics::default())));
            }
            _ => {}
        }
        stream::iter(before.into_iter().chain([item]))
    });
    signed.boxed()
}

impl fmt::Debug for RouterModel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RouterModel")
            .field("id", &self.id)
            .field("routes", &self.routes.iter().map(|route| &route.name).collect::<Vec<_>>())
            .field("models", &joined_id("", self.models()))
            .finish_non_exhaustive()
    }
}
