//! The model that agents see.

use std::fmt;
use std::path::Path;
use std::sync::Arc;

use futures_util::{StreamExt, stream};
use ropewalk_core::{
    BoxStream, Error, ErrorKind, Model, ModelChunk, ModelRequest, NativeOutput, StopReason,
    ToolSpec,
};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use crate::conversation::{Turn, chat};
use crate::decoder::Threads;
use crate::emit::Emitter;
use crate::engine::{Engine, Sampling};
use crate::error::Result;
use crate::gguf::open_fast;
use crate::guided::{self, Decision};
use crate::native;
use crate::talk::{instruction, structured, talk};
use crate::weights::{Cache, ModelSource, Progress, ProgressFn, Stage, locate};

/// How a model is brought to use tools.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Strategy {
    /// The model's own chat template and way of calling tools, under a grammar: for models trained for it.
    Native,
    /// The decision taken apart into comparisons that a very small model can make.
    Guided,
}

/// How a model is loaded.
#[derive(Clone, Default)]
#[non_exhaustive]
pub struct LocalOptions {
    /// How tools are used; by default what the model's chat template suggests: native where it knows tools.
    pub strategy: Option<Strategy>,
    /// How many threads compute.
    pub threads: Threads,
    /// Tokens in the window, where less than the model's own are wanted.
    pub context: Option<usize>,
    /// How the next token is chosen.
    pub sampling: Sampling,
    /// Is told how far fetching and loading are.
    pub progress: Option<ProgressFn>,
    /// The folder for weights; by default `$ROPEWALK_CACHE`, or `ropewalk` in the user's cache folder.
    pub cache: Option<std::path::PathBuf>,
}

impl fmt::Debug for LocalOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LocalOptions")
            .field("strategy", &self.strategy)
            .field("threads", &self.threads)
            .field("context", &self.context)
            .field("sampling", &self.sampling)
            .field("cache", &self.cache)
            .finish_non_exhaustive()
    }
}

impl LocalOptions {
    /// The defaults.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets the way of using tools.
    #[must_use]
    pub fn with_strategy(mut self, strategy: Strategy) -> Self {
        self.strategy = Some(strategy);
        self
    }

    /// Sets how many threads compute.
    #[must_use]
    pub fn with_threads(mut self, threads: Threads) -> Self {
        self.threads = threads;
        self
    }

    /// Makes the window smaller than the model's own.
    #[must_use]
    pub fn with_context(mut self, tokens: usize) -> Self {
        self.context = Some(tokens);
        self
    }

    /// Sets how the next token is chosen.
    #[must_use]
    pub fn with_sampling(mut self, sampling: Sampling) -> Self {
        self.sampling = sampling;
        self
    }

    /// Sets who is told how far it is.
    #[must_use]
    pub fn with_progress(mut self, report: impl Fn(Progress) + Send + Sync + 'static) -> Self {
        self.progress = Some(Arc::new(report));
        self
    }

    /// Sets the folder for weights.
    #[must_use]
    pub fn with_cache(mut self, folder: impl Into<std::path::PathBuf>) -> Self {
        self.cache = Some(folder.into());
        self
    }
}

/// A language model inside this process. Cloning is cheap, and clones share weights and evaluated prompts: any
/// number of agents can use one.
#[derive(Debug, Clone)]
pub struct LocalModel {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    id: String,
    engine: Engine,
    strategy: Strategy,
    sampling: Sampling,
}

impl LocalModel {
    /// Loads a model; fetches it first when it isn't on this machine.
    ///
    /// The work is done on a thread of its own. It goes on when the future is dropped.
    ///
    /// # Errors
    /// [`ErrorKind::Unavailable`] if the weights cannot be fetched now, [`ErrorKind::Other`] if there is no package
    /// client, no space or a wrong checksum, [`ErrorKind::InvalidInput`] if the file cannot be read or is damaged,
    /// [`ErrorKind::Unsupported`] if it is another kind of model.
    pub async fn load(source: &ModelSource, options: LocalOptions) -> Result<Self, Error> {
        let (source, (send, receive)) = (source.clone(), tokio::sync::oneshot::channel());
        let work = move || {
            // Who asked may be gone by now.
            let _ = send.send(Self::load_blocking(&source, options));
        };
        let spawned = std::thread::Builder::new().name("ropewalk-load".into()).spawn(work);
        let failed = |text: String| Error::new(ErrorKind::Other, text);
        spawned
            .map_err(|e| failed(format!("no thread could be started to load the model: {e}")))?;
        receive.await.unwrap_or_else(|_| Err(failed("loading the model broke off".into())))
    }

    /// Loads a model on this thread; see [`load`](Self::load).
    ///
    /// # Errors
    /// As for [`load`](Self::load).
    pub fn load_blocking(source: &ModelSource, options: LocalOptions) -> Result<Self, Error> {
        Ok(Self::open(source, options)?)
    }

    fn open(source: &ModelSource, options: LocalOptions) -> Result<Self> {
        let report: ProgressFn = options.progress.clone().unwrap_or_else(|| Arc::new(|_| {}));
        let cache = match &options.cache {
            Some(folder) => Ok(Cache::at(folder)),
            None => Cache::of_user(),
        };
        // A model file can be used without a cache; the weights to be fetched cannot.
        let folder = cache.as_ref().ok().map(|c| c.folder().to_owned());
        let path = match source {
            ModelSource::File(path) => path.clone(),
            other => locate(other, &cache?, &report)?,
        };
        let opened = open_fast(&path, folder.as_deref(), Engine::check, &mut |done, total| {
            report(Progress::new(Stage::Converting, done, Some(total)));
        })?;
        if let Some(warning) = opened.warning {
            tracing::warn!("{warning}");
        }
        report(Progress::new(Stage::Loading, 0, opened.gguf.len().ok()));
        let engine = Engine::load(&opened.gguf, options.threads, options.context)?;
        let strategy = options.strategy.unwrap_or(if engine.template.knows_tools() {
            Strategy::Native
        } else {
            Strategy::Guided
        });
        let id = match source {
            ModelSource::File(path) => format!("local:{}", file_name(path)),
            other => other.to_string(),
        };
        let inner = Inner { id, engine, strategy, sampling: options.sampling };
        Ok(Self { inner: Arc::new(inner) })
    }

    /// How tools are used.
    pub fn strategy(&self) -> Strategy {
        self.inner.strategy
    }

    /// The name that the model file gives itself.
    pub fn name(&self) -> &str {
        self.inner.engine.name()
    }

    /// How many tokens were computed since loading: those that came from kept prompts don't count.
    pub fn evaluated_tokens(&self) -> u64 {
        self.inner.engine.evaluated()
    }
}

fn file_name(path: &Path) -> String {
    path.file_name().map_or_else(|| path.display().to_string(), |n| n.to_string_lossy().into())
}

impl Model for LocalModel {
    fn id(&self) -> &str {
        &self.inner.id
    }

    fn stream(&self, request: ModelRequest) -> BoxStream<'_, Result<ModelChunk, Error>> {
        let inner = Arc::clone(&self.inner);
        let begin = async move {
            let (send, receive) = mpsc::unbounded_channel();
            // Cancelled by whoever asked, or by dropping the stream.
            let cancel = request.cancel.child_token();
            let guard = cancel.clone().drop_guard();
            let work = {
                let send = send.clone();
                move || inner.answer(&request, Emitter::new(send), &cancel)
            };
            if let Err(e) = std::thread::Builder::new().name("ropewalk-local".into()).spawn(work) {
                let text = format!("no thread could be started for the model: {e}");
                let _ = send.send(Err(Error::new(ErrorKind::Other, text)));
            }
            drop(send);
            stream::unfold((receive, guard), |(mut receive, guard)| async move {
                receive.recv().await.map(|chunk| (chunk, (receive, guard)))
            })
        };
        stream::once(begin).flatten().boxed()
    }

    /// Its grammar holds to schemas, and it may call tools before it answers.
    fn native_output(&self) -> NativeOutput {
        NativeOutput::WithTools
    }

    fn context_limit(&self) -> Option<u64> {
        Some(self.inner.engine.limit() as u64)
    }
}

impl Inner {
    fn answer(&self, request: &ModelRequest, mut emitter: Emitter, cancel: &CancellationToken) {
        let sampling = self.sampling.within(request.max_output_tokens);
        let outcome = match self.strategy {
            Strategy::Native => {
                native::respond(&self.engine, request, &sampling, &mut emitter, cancel)
            }
            Strategy::Guided => self.guided(request, &sampling, &mut emitter, cancel),
        };
        match outcome {
            Ok(reason) => emitter.finish(reason),
            Err(error) => emitter.fail(error.into()),
        }
    }

    fn guided(
        &self,
        request: &ModelRequest,
        sampling: &Sampling,
        emitter: &mut Emitter,
        cancel: &CancellationToken,
    ) -> Result<StopReason> {
        let engine = &self.engine;
        let turn = Turn::of(request);
        let tools: Vec<&ToolSpec> = request.tools.iter().map(|tool| &**tool).collect();
        let before = engine.evaluated();
        if turn.outcomes.is_empty() && !tools.is_empty() && !turn.request.trim().is_empty() {
            let choice = request.tool_choice.as_ref();
            let decision = guided::decide(engine, &turn.request, &tools, choice, cancel)?;
            let evaluated = (engine.evaluated() - before) as usize;
            if let Decision::Call { name, input } = decision {
                let written = engine.vocabulary.encode(&format!("{name} {input}")).len();
                emitter.count((evaluated.saturating_sub(written), 0, written));
                emitter.call(&name, &input);
                return Ok(StopReason::ToolUse);
            }
            emitter.count((evaluated, 0, 0));
        }
        if let Some(schema) = request.output_schema.as_deref() {
            let told = instruction(schema);
            let mut messages = chat(request, &engine.vocabulary, Some(&told), false);
            guided::add_results(&mut messages, &turn.outcomes, &engine.vocabulary);
            return structured(engine, &messages, &[], schema, sampling, emitter, cancel);
        }
        if !turn.outcomes.is_empty() {
            let text = guided::answer(engine, &turn.request, &turn.outcomes, &tools, cancel)?;
            let written = engine.vocabulary.encode(&text).len();
            let evaluated = (engine.evaluated() - before) as usize;
            emitter.count((evaluated.saturating_sub(written), 0, written));
            emitter.words(&text);
            return Ok(StopReason::EndTurn);
        }
        talk(engine, request, sampling, emitter, cancel)
    }
}
