//! Answers that are kept.

mod kept;
mod key;
mod record;

use std::fmt;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures_util::{StreamExt as _, stream};
use ropewalk_core::{BoxStream, Error, Model, ModelChunk, ModelRequest, NativeOutput};
use tokio::time::Instant;

use super::lock;
use kept::Kept;
use record::{Answer, Record};

use crate::render::Cache;

type Predicate = Arc<dyn Fn(&ModelRequest) -> bool + Send + Sync>;

/// A model whose answers are kept: who asks the same again gets the same answer at once, and for nothing.
///
/// *The same* is all that determines an answer: the model, what it was told (the system prompt), the conversation, the
/// tools, which of them it may or must use, the form of the answer, and its limit of tokens. In which order the keys of
/// a JSON object stand makes no difference, nor what was measured of earlier messages. What else the model was set to
/// (its temperature, say) it must keep: one `CachedModel` is for one model.
///
/// Only whole, good answers are kept: those that ended by themselves (with the end of the turn, a stop sequence or
/// well-formed tool calls) and that no guardrail touched. An answer from the cache is streamed as it was streamed first.
/// Its usage is zero, since nobody was asked, and its metadata say `cached: true`.
///
/// A cache gives the same answer however often it is asked. Where another one is wanted (a hook that lets the model
/// try again with the same conversation, several answers to choose from) let it [skip](Self::skip_if) those requests.
/// Two calls that ask the same at the same time both ask the model.
///
/// The cache is in memory. Clones share it.
///
/// ```
/// use std::time::Duration;
/// use ropewalk_core::Agent;
/// use ropewalk_models::CachedModel;
/// use ropewalk_testkit::{Reply, ScriptedModel};
///
/// # tokio::runtime::Builder::new_current_thread().build()?.block_on(async {
/// let scripted = ScriptedModel::new([Reply::text("2,502 metres.")]);
/// let model = CachedModel::new(scripted.clone()).time_to_live(Duration::from_secs(600));
/// for _ in 0..2 {
///     let model = model.clone();
///     let mut agent = Agent::builder().model(model).no_callback_handler().build().await?;
///     assert_eq!(agent.invoke("How high is Säntis?").await?.text(), "2,502 metres.");
/// }
/// assert_eq!(scripted.requests().len(), 1);
/// # Ok::<(), ropewalk_core::Error>(()) })?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct CachedModel {
    model: Arc<dyn Model>,
    max_entries: usize,
    max_bytes: usize,
    time_to_live: Duration,
    skips_tools: bool,
    skip: Option<Predicate>,
    kept: Arc<Mutex<Kept>>,
    /// The hashes of messages, so that of a conversation only what is new is hashed.
    hashes: Arc<Cache>,
}

impl CachedModel {
    /// The model whose answers are kept. One that is shared (`Arc<dyn Model>`) is a model too.
    pub fn new(model: impl Model) -> Self {
        Self {
            model: Arc::new(model),
            max_entries: 1_000,
            max_bytes: 64 * 1024 * 1024,
            time_to_live: Duration::from_secs(3_600),
            skips_tools: false,
            skip: None,
            kept: Arc::default(),
            hashes: Arc::default(),
        }
    }

    /// How many answers are kept at most: 1,000 unless set. The one that was not asked for the longest goes first.
    #[must_use]
    pub fn max_entries(mut self, entries: usize) -> Self {
        self.max_entries = entries;
        self
    }

    /// How much memory the answers may take, counted as JSON: 64 MiB unless set.
    #[must_use]
    pub fn max_bytes(mut self, bytes: usize) -> Self {
        self.max_bytes = bytes;
        self
    }

    /// How long an answer is good: an hour unless set.
    #[must_use]
    pub fn time_to_live(mut self, time: Duration) -> Self {
        self.time_to_live = time;
        self
    }

    /// Asks the model anew whenever it is offered tools: what they find may have changed since.
    #[must_use]
    pub fn skip_tools(mut self) -> Self {
        self.skips_tools = true;
        self
    }

    /// Says which requests have nothing to do with the cache: for them nothing is looked up and nothing kept.
    #[must_use]
    pub fn skip_if(mut self, skip: impl Fn(&ModelRequest) -> bool + Send + Sync + 'static) -> Self {
        self.skip = Some(Arc::new(skip));
        self
    }

    /// Forgets all answers.
    pub fn clear(&self) {
        lock(&self.kept).clear();
    }

    /// Under which key the answer to a request is kept; none if it is not.
    fn key(&self, request: &ModelRequest) -> Option<[u8; 32]> {
        let is_skipped = self.skips_tools && !request.tools.is_empty()
            || self.skip.as_ref().is_some_and(|skip| skip(request));
        if is_skipped {
            return None;
        }
        let key = key::of(self.model.id(), request, &self.hashes);
        if key.is_none() {
            tracing::warn!(
                model = self.model.id(),
                "the request has no JSON form: it passes the cache by"
            );
        }
        key
    }

    /// Asks the model, and keeps what it says if that is good.
    fn ask(
        &self,
        key: [u8; 32],
        request: ModelRequest,
    ) -> BoxStream<'_, Result<ModelChunk, Error>> {
        let mut record = Some(Record::new(self.max_bytes));
        let answer = self.model.stream(request).map(Some).chain(stream::iter([None]));
        let noted = answer.filter_map(move |item| {
            match &item {
                Some(Ok(chunk)) => {
                    if let Some(record) = &mut record {
                        record.push(chunk);
                    }
                }
                Some(Err(_)) => record = None,
                None => {
                    if let Some(answer) = record.take().and_then(Record::finish) {
                        self.keep(key, answer);
                    }
                }
            }
            std::future::ready(item)
        });
        noted.boxed()
    }

    fn keep(&self, key: [u8; 32], answer: Answer) {
        let until = Instant::now().checked_add(self.time_to_live);
        lock(&self.kept).insert(key, answer, until, self.max_entries, self.max_bytes);
    }
}

impl Model for CachedModel {
    fn id(&self) -> &str {
        self.model.id()
    }

    fn stream(&self, request: ModelRequest) -> BoxStream<'_, Result<ModelChunk, Error>> {
        // Looked up when the stream is polled, as a request is sent only then.
        let answer = stream::once(async move {
            let Some(key) = self.key(&request) else { return self.model.stream(request) };
            let known = lock(&self.kept).get(&key, Instant::now());
            match known {
                Some(answer) => {
                    tracing::debug!(model = self.model.id(), "answered from the cache");
                    stream::iter(answer.replayed().map(Ok)).boxed()
                }
                None => self.ask(key, request),
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

impl fmt::Debug for CachedModel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CachedModel")
            .field("model", &self.model.id())
            .field("max_entries", &self.max_entries)
            .field("max_bytes", &self.max_bytes)
            .field("time_to_live", &self.time_to_live)
            .field("skips_tools", &self.skips_tools)
            .field("kept", &lock(&self.kept))
            .finish_non_exhaustive()
    }
}
