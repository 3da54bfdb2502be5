//! A thin decoder over candle's quantised tensors.
//!
//! The weights stay in candle's hands, the rest is plain arithmetic on slices: so the logits of *every* position
//! can be had (scoring needs them), and the cache of keys and values is a value of its own that can be kept, cut
//! and shared.

mod attention;
mod cache;
mod config;
mod layer;
mod linear;
mod math;
mod threads;

use candle_core::quantized::QTensor;

pub(crate) use cache::KvCache;
pub(crate) use config::{Config, Family};
pub use threads::Threads;

use crate::error::{LocalError, Result};
use crate::gguf::{Gguf, needs_requantising, to_q8_0};
use layer::Layer;
use linear::Linear;
use math::{Rope, rms_norm};

/// Which positions' logits are wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Want {
    Nothing,
    Last,
    All,
}

/// A model ready to run.
#[derive(Debug)]
pub(crate) struct Decoder {
    config: Config,
    threads: Threads,
    embedding: Linear,
    layers: Vec<Layer>,
    norm: Vec<f32>,
    /// `None`: the embedding is used again.
    head: Option<Linear>,
    /// The rotation of layers that see everything, and of those with a window.
    ropes: [Rope; 2],
}

impl Decoder {
    /// Reads the weights.
    pub(crate) fn load(gguf: &Gguf, threads: Threads) -> Result<Self> {
        let config = Config::read(gguf)?;
        let loader = Loader { gguf };
        let embedding = loader.matrix("token_embd.weight", config.vocabulary, config.width)?;
        let head = if gguf.tensors.contains_key("output.weight") {
            let weight = loader.matrix("output.weight", config.vocabulary, config.width)?;
            Some(Linear::new(weight, None)?)
        } else {
            None
        };
        let mut layers = Vec::new();
        for index in 0..config.layers {
            layers.push(Layer::load(&loader, &config, index)?);
        }
        let interleaved = config.family == Family::Llama;
        let factors = match gguf.tensors.contains_key("rope_freqs.weight") {
            true => Some(gguf.vector("rope_freqs.weight", config.rope_dims / 2)?),
            false => None,
        };
        let (dims, base) = (config.rope_dims, config.rope_base);
        let full = Rope::new(dims, base, config.rope_scale, interleaved, factors.as_deref());
        let local_base = config.window.map_or(base, |w| w.rope_base);
        let local = Rope::new(dims, local_base, 1.0, interleaved, None);
        Ok(Self {
            threads,
            embedding: Linear::new(embedding, None)?,
            layers,
            norm: gguf.vector("output_norm.weight", config.width)?,
            head,
            ropes: [full, local],
            config,
        })
    }

    pub(crate) fn config(&self) -> &Config {
        &self.config
    }

    pub(crate) fn new_cache(&self) -> KvCache {
        KvCache::new(&self.config)
    }

    /// Evaluates `tokens` after what `cache` holds, and extends it. The answer has one row of logits per position
    /// wanted.
    pub(crate) fn evaluate(
        &self,
        tokens: &[u32],
        cache: &mut KvCache,
        want: Want,
    ) -> Result<Vec<f32>> {
        self.evaluate_many(&mut [Part { tokens, cache }], want)
    }

    /// Evaluates several texts at once; cheaper than one after the other when each is short.
    pub(crate) fn evaluate_many(&self, parts: &mut [Part<'_>], want: Want) -> Result<Vec<f32>> {
        let tokens: Vec<u32> = parts.iter().flat_map(|part| part.tokens).copied().collect();
        if let Some(bad) = tokens.iter().find(|id| **id as usize >= self.config.vocabulary) {
            return Err(LocalError::Engine(format!("the token {bad} is not in the vocabulary")));
        }
        if tokens.is_empty() {
            return Ok(Vec::new());
        }
        self.threads.run(|| self.forward(&tokens, parts, want))
    }

    fn forward(&self, tokens: &[u32], parts: &mut [Part<'_>], want: Want) -> Result<Vec<f32>> {
        let width = self.config.width;
        let mut state = self.embedding.lookup(tokens)?;
        if self.config.family == Family::Gemma3 {
            let scale = (width as f32).sqrt();
            state.iter_mut().for_each(|x| *x *= scale);
        }
        for part in parts.iter_mut() {
            part.cache.reserve(part.tokens.len());
        }
        for (index, layer) in self.layers.iter().enumerate() {
            let windowed = self.config.reach(index).2.is_some();
            let rope = &self.ropes[usize::from(windowed)];
            layer.forward(&self.config, rope, index, &mut state, parts)?;
        }
        for part in parts.iter_mut() {
            part.cache.commit(part.tokens.len());
        }
        let wanted = match want {
            Want::Nothing => return Ok(Vec::new()),
            Want::Last => &mut state[(tokens.len() - 1) * width..],
            Want::All => &mut state[..],
        };
        rms_norm(wanted, &self.norm, self.config.epsilon);
        self.head.as_ref().unwrap_or(&self.embedding).apply(wanted)
    }
}

/// One text of an evaluation.
#[derive(Debug)]
pub(crate) struct Part<'a> {
    /// What is new.
    pub(crate) tokens: &'a [u32],
    /// What went before; it grows by what is new.
    pub(crate) cache: &'a mut KvCache,
}

/// Reads tensors, converting on the way those that would be slow.
#[derive(Debug)]
struct Loader<'a> {
    gguf: &'a Gguf,
}

impl Loader<'_> {
    fn matrix(&self, name: &str, rows: usize, columns: usize) -> Result<QTensor> {
        let tensor = self.gguf.matrix(name, rows, columns)?;
        let slow = self.gguf.tensors.get(name).is_some_and(needs_requantising);
        if slow { to_q8_0(&tensor) } else { Ok(tensor) }
    }

    fn linear(&self, name: &str, rows: usize, columns: usize) -> Result<Linear> {
        let weight = self.matrix(&format!("{name}.weight"), rows, columns)?;
        let bias = self.optional(&format!("{name}.bias"), rows)?;
        Linear::new(weight, bias)
    }

    fn vector(&self, name: &str, length: usize) -> Result<Vec<f32>> {
        self.gguf.vector(name, length)
    }

    fn optional(&self, name: &str, length: usize) -> Result<Option<Vec<f32>>> {
        self.gguf.tensors.contains_key(name).then(|| self.gguf.vector(name, length)).transpose()
    }
}

#[cfg(test)]
mod tests;
