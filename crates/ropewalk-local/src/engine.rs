//! A loaded model with everything around the decoder: text in, text out, nothing evaluated twice.

mod options;
mod prefixes;
mod sampler;
mod session;

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, OnceLock, PoisonError};

use tokio_util::sync::CancellationToken;

pub use options::Sampling;
pub(crate) use session::{Ending, Session};

use crate::decoder::{Config, Decoder, KvCache, Part, Threads, Want};
use crate::error::{LocalError, Result};
use crate::gguf::Gguf;
use crate::grammar::Grammars;
use crate::template::ChatTemplate;
use crate::vocabulary::Vocabulary;
use prefixes::Prefixes;

/// Tokens of a prompt evaluated between two looks at the cancellation.
const CHUNK: usize = 64;

/// The engine; shared by every agent that uses the model.
#[derive(Debug)]
pub(crate) struct Engine {
    name: String,
    decoder: Decoder,
    pub(crate) vocabulary: Vocabulary,
    pub(crate) template: ChatTemplate,
    grammars: OnceLock<Grammars>,
    prefixes: Mutex<Prefixes>,
    /// Tokens in the window.
    limit: usize,
    evaluated: AtomicU64,
}

impl Engine {
    /// Loads a model. `context` makes the window smaller than the model's own.
    pub(crate) fn load(gguf: &Gguf, threads: Threads, context: Option<usize>) -> Result<Self> {
        let vocabulary = Vocabulary::read(gguf)?;
        let decoder = Decoder::load(gguf, threads)?;
        let own = decoder.config().context;
        let stem = gguf.path().file_stem().map(|s| s.to_string_lossy().into_owned());
        Ok(Self {
            name: gguf
                .metadata
                .string("general.name")
                .map(str::to_owned)
                .or(stem)
                .unwrap_or_default(),
            template: ChatTemplate::read(gguf, &vocabulary)?,
            vocabulary,
            decoder,
            grammars: OnceLock::new(),
            prefixes: Mutex::new(Prefixes::default()),
            limit: context.map_or(own, |c| c.min(own)),
            evaluated: AtomicU64::new(0),
        })
    }

    /// Whether a file can be loaded, as far as that is seen without its weights.
    pub(crate) fn check(gguf: &Gguf) -> Result<()> {
        Config::read(gguf)?;
        ChatTemplate::read(gguf, &Vocabulary::read(gguf)?)?;
        Ok(())
    }

    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// Tokens in the window.
    pub(crate) fn limit(&self) -> usize {
        self.limit
    }

    /// How many tokens went through the decoder since the model was loaded.
    pub(crate) fn evaluated(&self) -> u64 {
        self.evaluated.load(Ordering::Relaxed)
    }

    pub(crate) fn grammars(&self) -> Result<&Grammars> {
        if let Some(made) = self.grammars.get() {
            return Ok(made);
        }
        let made = Grammars::new(&self.vocabulary)?;
        Ok(self.grammars.get_or_init(|| made))
    }

    fn evaluate(&self, tokens: &[u32], cache: &mut KvCache, want: Want) -> Result<Vec<f32>> {
        self.evaluated.fetch_add(tokens.len() as u64, Ordering::Relaxed);
        self.decoder.evaluate(tokens, cache, want)
    }

    fn check_window(&self, needed: usize) -> Result<()> {
        if needed < self.limit {
            return Ok(());
        }
        Err(LocalError::Overflow { model: self.name.clone(), needed, limit: self.limit })
    }

    /// The cache for all of `tokens`, as far as possible from what was evaluated before. The second value is how
    /// many tokens were found.
    fn prefill(
        &self,
        tokens: &[u32],
        keep: bool,
        cancel: &CancellationToken,
    ) -> Result<(KvCache, usize)> {
        let lock = || self.prefixes.lock().unwrap_or_else(PoisonError::into_inner);
        let mut cache = lock().find(tokens).unwrap_or_else(|| self.decoder.new_cache());
        let found = cache.len();
        for chunk in tokens[found..].chunks(CHUNK) {
            if cancel.is_cancelled() {
                return Err(LocalError::Cancelled);
            }
            self.evaluate(chunk, &mut cache, Want::Nothing)?;
        }
        if keep && found < tokens.len() {
            lock().keep(tokens, &cache);
        }
        Ok((cache, found))
    }

    /// Keeps what a session has evaluated for later prompts with the same beginning.
    fn keep(&self, tokens: &[u32], cache: &KvCache) {
        self.prefixes.lock().unwrap_or_else(PoisonError::into_inner).keep(tokens, cache);
    }

    /// The log probability of each token of the second text after the first, for each pair. What was evaluated for
    /// the first texts is kept.
    pub(crate) fn score(
        &self,
        pairs: &[(&[u32], &[u32])],
        cancel: &CancellationToken,
    ) -> Result<Vec<Vec<f64>>> {
        let mut prepared = Vec::new();
        for (prefix, target) in pairs {
            let (Some((last, before)), Some((_, start))) =
                (prefix.split_last(), target.split_last())
            else {
                return Err(LocalError::Engine("an empty text was to be scored".into()));
            };
            self.check_window(prefix.len() + target.len())?;
            let (cache, _) = self.prefill(before, true, cancel)?;
            let mut tokens = vec![*last];
            tokens.extend(start);
            prepared.push((tokens, cache));
        }
        let mut scores = Vec::new();
        let vocabulary = self.decoder.config().vocabulary;
        let longest = pairs.iter().map(|(_, target)| target.len()).max().unwrap_or(1);
        let at_once = (2 * CHUNK / longest).max(1);
        for (some, pairs) in prepared.chunks_mut(at_once).zip(pairs.chunks(at_once)) {
            if cancel.is_cancelled() {
                return Err(LocalError::Cancelled);
            }
            let mut parts: Vec<Part<'_>> =
                some.iter_mut().map(|(tokens, cache)| Part { tokens, cache }).collect();
            let count: usize = parts.iter().map(|part| part.tokens.len()).sum();
            self.evaluated.fetch_add(count as u64, Ordering::Relaxed);
            let logits = self.decoder.evaluate_many(&mut parts, Want::All)?;
            let mut rows = logits.chunks_exact(vocabulary);
            for (_, target) in pairs {
                let score = |(row, token): (&[f32], &u32)| sampler::log_probability(row, *token);
                scores.push(rows.by_ref().take(target.len()).zip(*target).map(score).collect());
            }
        }
        Ok(scores)
    }

    /// The tokens of a prompt with the mark of a beginning where the model wants one.
    pub(crate) fn begin(&self, text: &str) -> Vec<u32> {
        let mut tokens = Vec::new();
        if self.vocabulary.add_bos {
            tokens.extend(self.vocabulary.bos);
        }
        tokens.extend(self.vocabulary.encode(text));
        tokens
    }

    /// The tokens of a rendered chat, which brings its own mark of a beginning.
    pub(crate) fn begin_chat(&self, text: &str) -> Vec<u32> {
        let mut tokens = self.vocabulary.encode_prompt(text);
        if self.vocabulary.add_bos
            && let Some(bos) = self.vocabulary.bos
            && tokens.first() != Some(&bos)
        {
            tokens.insert(0, bos);
        }
        tokens
    }
}

#[cfg(test)]
mod tests;
