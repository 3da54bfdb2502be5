//! A model chosen for each request.

use std::fmt;
use std::future::Future;
use std::sync::Arc;

use futures_util::{StreamExt as _, stream};
use ropewalk_core::{
    BoxFuture, BoxStream, Error, ErrorKind, Model, ModelChunk, ModelRequest, NativeOutput,
};

use super::answered_by::note;
use super::members::{joined_id, smallest_limit, weakest_output};

type Choose = Arc<dyn Fn(ModelRequest) -> BoxFuture<'static, Result<String, Error>> + Send + Sync>;

/// A model chosen for each request, by a function of yours: a cheap one for what is easy, a strong one for the rest.
///
/// The function gives the name of a route. It is asked before each call of the model, so that a conversation may go
/// from one model to another at any point; adapters take what others said. A name without a route is an error of the
/// kind [`InvalidInput`](ErrorKind::InvalidInput). A model that fails has failed: for another one in its place, let the
/// route lead to a [`FallbackModel`](crate::FallbackModel).
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
    choose: Choose,
    names: Vec<String>,
    models: Vec<Arc<dyn Model>>,
    id: String,
    is_named: bool,
}

impl RouterModel {
    /// A router whose function says at once which route a request takes. It has no routes yet.
    pub fn new<R: Into<String>>(
        choose: impl Fn(&ModelRequest) -> R + Send + Sync + 'static,
    ) -> Self {
        Self::choosing_with(Arc::new(move |request| {
            let name = choose(&request).into();
            Box::pin(std::future::ready(Ok(name)))
        }))
    }

    /// A router whose function may take its time: ask another model, or a service. What it gives as an error is
    /// the error of the call; it is dropped when the call is cancelled. What it uses is not counted.
    pub fn new_async<F, R>(choose: impl Fn(ModelRequest) -> F + Send + Sync + 'static) -> Self
    where
        F: Future<Output = Result<R, Error>> + Send + 'static,
        R: Into<String>,
    {
        Self::choosing_with(Arc::new(move |request| {
            let choice = choose(request);
            Box::pin(async move { choice.await.map(Into::into) })
        }))
    }

    fn choosing_with(choose: Choose) -> Self {
        let id = joined_id("router", []);
        Self { choose, names: Vec::new(), models: Vec::new(), id, is_named: false }
    }

    /// Adds a route; one of the same name goes. A model that is shared (`Arc<dyn Model>`) is a model too.
    #[must_use]
    pub fn route(mut self, name: impl Into<String>, model: impl Model) -> Self {
        let (name, model) = (name.into(), Arc::new(model));
        match self.names.iter().position(|known| *known == name) {
            Some(at) => self.models[at] = model,
            None => {
                self.names.push(name);
                self.models.push(model);
            }
        }
        if !self.is_named {
            self.id = joined_id("router", &self.models);
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

    async fn chosen(&self, request: &ModelRequest) -> Result<&Arc<dyn Model>, Error> {
        let choice = (self.choose)(request.clone());
        let Some(name) = request.cancel.run_until_cancelled(choice).await else {
            return Err(Error::new(ErrorKind::Cancelled, "the call was cancelled"));
        };
        let name = name?;
        let Some(at) = self.names.iter().position(|known| *known == name) else {
            let names: Vec<String> = self.names.iter().map(|name| format!("`{name}`")).collect();
            let text = format!(
                "route=<{name}> | there is no such route: there are {}",
                if names.is_empty() { "none".to_owned() } else { names.join(", ") }
            );
            return Err(Error::new(ErrorKind::InvalidInput, text));
        };
        let model = &self.models[at];
        tracing::debug!(route = name, model = model.id(), "the route of a request");
        Ok(model)
    }
}

impl Model for RouterModel {
    fn id(&self) -> &str {
        &self.id
    }

    fn stream(&self, request: ModelRequest) -> BoxStream<'_, Result<ModelChunk, Error>> {
        let answer = stream::once(async move {
            match self.chosen(&request).await {
                Ok(model) => signed(model, request),
                Err(error) => stream::once(async move { Err(error) }).boxed(),
            }
        });
        answer.flatten().boxed()
    }

    fn native_output(&self) -> NativeOutput {
        weakest_output(&self.models)
    }

    fn context_limit(&self) -> Option<u64> {
        smallest_limit(&self.models)
    }
}

/// The answer of a model, with a note in its metadata whose it is.
fn signed(
    model: &Arc<dyn Model>,
    request: ModelRequest,
) -> BoxStream<'_, Result<ModelChunk, Error>> {
    let signed = model.stream(request).map(move |item| {
        item.map(|mut chunk| {
            if let ModelChunk::Metadata(metadata) = &mut chunk {
                note(metadata, model.id());
            }
            chunk
        })
    });
    signed.boxed()
}

impl fmt::Debug for RouterModel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RouterModel")
            .field("id", &self.id)
            .field("routes", &self.names)
            .field("models", &joined_id("", &self.models))
            .finish_non_exhaustive()
    }
}
