//! One text in the making.

use tokio_util::sync::CancellationToken;

use super::sampler::{Sampler, best};
use super::{Engine, Sampling};
use crate::decoder::{KvCache, Want};
use crate::error::{LocalError, Result};
use crate::grammar::Grammar;
use crate::vocabulary::TextStream;

/// Why a text ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ending {
    /// The model, or the grammar, was done.
    Done,
    /// The limit of tokens, or the window's end, was reached.
    Length,
    /// Whoever took the text wanted no more.
    Enough,
}

/// A prompt that was evaluated, and what was written after it. Cloning is cheap.
#[derive(Debug, Clone)]
pub(crate) struct Session<'e> {
    engine: &'e Engine,
    tokens: Vec<u32>,
    cache: KvCache,
    /// For the token after the last.
    logits: Vec<f32>,
    cancel: CancellationToken,
    prompt: usize,
    cached: usize,
}

impl<'e> Session<'e> {
    /// Evaluates a prompt, as far as it is new.
    pub(crate) fn open(
        engine: &'e Engine,
        prompt: &[u32],
        cancel: &CancellationToken,
    ) -> Result<Self> {
        engine.check_window(prompt.len())?;
        let Some((last, before)) = prompt.split_last() else {
            return Err(LocalError::Config("the prompt is empty".into()));
        };
        let (mut cache, cached) = engine.prefill(before, true, cancel)?;
        let logits = engine.evaluate(&[*last], &mut cache, Want::Last)?;
        Ok(Self {
            engine,
            tokens: prompt.to_vec(),
            cache,
            logits,
            cancel: cancel.clone(),
            prompt: prompt.len(),
            cached,
        })
    }

    /// Tokens of the prompt, those of them that were known already, and those written since.
    pub(crate) fn counts(&self) -> (usize, usize, usize) {
        (self.prompt, self.cached, self.tokens.len() - self.prompt)
    }

    /// Keeps what was evaluated for the next prompt that begins the same.
    pub(crate) fn keep(&self) {
        self.engine.keep(&self.tokens, &self.cache);
    }

    /// Adds tokens.
    pub(crate) fn push(&mut self, tokens: &[u32]) -> Result<()> {
        if self.cancel.is_cancelled() {
            return Err(LocalError::Cancelled);
        }
        if !tokens.is_empty() {
            self.logits = self.engine.evaluate(tokens, &mut self.cache, Want::Last)?;
            self.tokens.extend(tokens);
        }
        Ok(())
    }

    /// The likeliest next token of those `allowed` says yes to; tokens are tried from the likeliest on.
    pub(crate) fn best_where(&self, mut allowed: impl FnMut(u32) -> bool) -> Option<u32> {
        let first = best(&self.logits);
        if allowed(first) {
            return Some(first);
        }
        let mut order: Vec<u32> = (0..self.logits.len() as u32).collect();
        let logit = |id: &u32| self.logits[*id as usize];
        // The first few hundred are nearly always enough; the rest is sorted only when they are not.
        let few = 512.min(order.len().saturating_sub(1));
        order.select_nth_unstable_by(few, |a, b| logit(b).total_cmp(&logit(a)));
        let (likely, rest) = order.split_at_mut(few);
        likely.sort_by(|a, b| logit(b).total_cmp(&logit(a)));
        likely.iter().copied().find(|id| allowed(*id)).or_else(|| {
            rest.sort_by(|a, b| logit(b).total_cmp(&logit(a)));
            rest.iter().copied().find(|id| allowed(*id))
        })
    }

    /// Writes one of several texts, whichever the model finds likeliest token by token. None if no token fits.
    pub(crate) fn write_among(&mut self, texts: &[Vec<u8>]) -> Result<Option<usize>> {
        let vocabulary = &self.engine.vocabulary;
        let mut written = 0;
        let mut alive: Vec<usize> = (0..texts.len()).collect();
        loop {
            if let [only] = alive[..] {
                // Nothing left to decide: write the rest at once.
                let rest = String::from_utf8_lossy(&texts[only][written..]).into_owned();
                self.push(&vocabulary.encode(&rest))?;
                return Ok(Some(only));
            }
            let fits = |token: u32| {
                let bytes = vocabulary.bytes(token);
                !bytes.is_empty()
                    && !vocabulary.is_control(token)
                    && alive.iter().any(|i| texts[*i][written..].starts_with(bytes))
            };
            let Some(token) = self.best_where(fits) else { return Ok(None) };
            self.push(&[token])?;
            let bytes = vocabulary.bytes(token);
            alive.retain(|i| texts[*i][written..].starts_with(bytes));
            written += bytes.len();
            if let Some(done) = alive.iter().find(|i| texts[**i].len() == written) {
                return Ok(Some(*done));
            }
        }
    }

    fn room(&self) -> bool {
        self.tokens.len() + 1 < self.engine.limit
    }

    /// Writes freely until the model ends its turn. `take` gets each piece of text, and stops by saying false.
    pub(crate) fn write(
        &mut self,
        sampling: &Sampling,
        mut take: impl FnMut(&str) -> bool,
    ) -> Result<Ending> {
        let mut sampler = Sampler::new(sampling);
        let mut stream = TextStream::default();
        let start = self.tokens.len();
        let mut ending = Ending::Length;
        while self.tokens.len() - start < sampling.limit() && self.room() {
            let token = sampler.choose(&self.logits);
            if self.engine.vocabulary.is_stop(token) || repeats(&self.tokens[start..]) {
                ending = Ending::Done;
                break;
            }
            self.push(&[token])?;
            if self.engine.vocabulary.is_control(token) {
                continue;
            }
            let text = stream.push(self.engine.vocabulary.bytes(token));
            if !text.is_empty() && !take(&text) {
                return Ok(Ending::Enough);
            }
        }
        let rest = stream.finish();
        if !rest.is_empty() {
            take(&rest);
        }
        Ok(ending)
    }

    /// Writes under a grammar until it is complete.
    pub(crate) fn write_grammar(
        &mut self,
        grammar: &mut Grammar,
        sampling: &Sampling,
        mut take: impl FnMut(&str) -> bool,
    ) -> Result<Ending> {
        let mut sampler = Sampler::new(sampling);
        let mut stream = TextStream::default();
        let start = self.tokens.len();
        while let Some(mask) = grammar.allowed()? {
            if self.tokens.len() - start >= sampling.limit() || !self.room() {
                return Ok(Ending::Length);
            }
            let mut logits = self.logits.clone();
            // A vocabulary padded beyond the tokenizer's has logits without a token.
            logits.truncate(self.engine.vocabulary.len());
            for (id, logit) in logits.iter_mut().enumerate() {
                if !mask.is_allowed(id as u32) {
                    *logit = f32::NEG_INFINITY;
                }
            }
            let token = sampler.choose(&logits);
            if self.engine.vocabulary.is_stop(token) {
                break;
            }
            grammar.advance(token)?;
            self.push(&[token])?;
            let text = stream.push(self.engine.vocabulary.bytes(token));
            if !text.is_empty() && !take(&text) {
                return Ok(Ending::Enough);
            }
        }
        if grammar.accepts() { Ok(Ending::Done) } else { Ok(Ending::Length) }
    }
}

/// Whether the text goes round in circles: very small models do. Short rounds must come more often.
fn repeats(tokens: &[u32]) -> bool {
    const ROUNDS: usize = 3;
    const LEAST: usize = 24;
    (1..=80).any(|period| {
        let rounds = ROUNDS.max(LEAST.div_ceil(period));
        let Some(start) = tokens.len().checked_sub(period * rounds) else { return false };
        let tail = &tokens[start..];
        tail[period..].iter().zip(tail).all(|(a, b)| a == b)
    })
}
