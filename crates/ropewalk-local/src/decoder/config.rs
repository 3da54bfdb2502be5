//! What the metadata says about a model's shape.

use crate::error::{LocalError, Result};
use crate::gguf::Gguf;

/// The families of models that can be run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Family {
    Llama,
    Qwen2,
    Qwen3,
    Gemma3,
}

impl Family {
    const ALL: [(&'static str, Self); 4] = [
        ("llama", Self::Llama),
        ("qwen2", Self::Qwen2),
        ("qwen3", Self::Qwen3),
        ("gemma3", Self::Gemma3),
    ];

    fn of(gguf: &Gguf) -> Result<(&str, Self)> {
        let name = gguf
            .metadata
            .string("general.architecture")
            .ok_or_else(|| gguf.bad("the metadata entry `general.architecture` is missing"))?;
        let found = Self::ALL.iter().find(|(known, _)| *known == name);
        found.map(|(_, family)| (name, *family)).ok_or_else(|| {
            let known: Vec<_> = Self::ALL.iter().map(|(known, _)| *known).collect();
            let what = format!(
                "{} is a model of the architecture `{name}`; these can be run: {} (SmolLM2 is `llama`)",
                gguf.path().display(),
                known.join(", ")
            );
            LocalError::Unsupported { what }
        })
    }
}

/// The numbers that shape a decoder.
#[derive(Debug, Clone)]
pub(crate) struct Config {
    pub(crate) family: Family,
    pub(crate) layers: usize,
    pub(crate) width: usize,
    pub(crate) inner: usize,
    pub(crate) heads: usize,
    pub(crate) kv_heads: usize,
    pub(crate) head_dim: usize,
    pub(crate) rope_dims: usize,
    pub(crate) rope_base: f64,
    /// Positions are divided by this (linear scaling).
    pub(crate) rope_scale: f64,
    pub(crate) epsilon: f32,
    pub(crate) context: usize,
    pub(crate) vocabulary: usize,
    /// Gemma: most layers see only this many last positions, with a rotation base of their own.
    pub(crate) window: Option<Window>,
}

/// Sliding-window attention.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Window {
    pub(crate) positions: usize,
    /// Every n-th layer sees everything.
    pub(crate) every: usize,
    pub(crate) rope_base: f64,
}

impl Config {
    pub(crate) fn read(gguf: &Gguf) -> Result<Self> {
        let (arch, family) = Family::of(gguf)?;
        let meta = &gguf.metadata;
        let number = |key: &str| meta.integer(&format!("{arch}.{key}"));
        let needed = |key: &str, most: u64| -> Result<usize> {
            let name = format!("{arch}.{key}");
            let value = meta
                .integer(&name)
                .ok_or_else(|| gguf.bad(format!("the metadata entry `{name}` is missing")))?;
            if value == 0 || value > most {
                return Err(gguf.bad(format!("`{name}` is {value}; it must be from 1 to {most}")));
            }
            Ok(value as usize)
        };
        let width = needed("embedding_length", 1 << 20)?;
        let heads = needed("attention.head_count", 1 << 14)?;
        let kv_heads = match number("attention.head_count_kv") {
            Some(_) => needed("attention.head_count_kv", 1 << 14)?,
            None => heads,
        };
        let head_dim = match number("attention.key_length") {
            Some(_) => needed("attention.key_length", 1 << 14)?,
            None => width / heads,
        };
        if !heads.is_multiple_of(kv_heads) || head_dim == 0 || !head_dim.is_multiple_of(2) {
            return Err(gguf.bad(format!(
                "{heads} heads, {kv_heads} key heads and {head_dim} numbers per head don't fit together"
            )));
        }
        if number("attention.value_length").is_some_and(|v| v as usize != head_dim) {
            return Err(LocalError::Unsupported {
                what: format!("{}: keys and values of different lengths", gguf.path().display()),
            });
        }
        if number("expert_count").is_some_and(|n| n > 0) {
            return Err(LocalError::Unsupported {
                what: format!("{}: mixtures of experts can't be run", gguf.path().display()),
            });
        }
        let rope_dims = number("rope.dimension_count").map_or(head_dim, |n| n as usize);
        if rope_dims == 0 || rope_dims > head_dim || !rope_dims.is_multiple_of(2) {
            return Err(gguf.bad(format!("`{arch}.rope.dimension_count` is {rope_dims}")));
        }
        let vocabulary = gguf
            .tensors
            .get("token_embd.weight")
            .and_then(|info| info.dims.first().copied())
            .ok_or_else(|| gguf.bad("the tensor `token_embd.weight` is missing"))?;
        let config = Self {
            family,
            layers: needed("block_count", 4096)?,
            width,
            inner: needed("feed_forward_length", 1 << 22)?,
            heads,
            kv_heads,
            head_dim,
            rope_dims,
            rope_base: meta.float(&format!("{arch}.rope.freq_base")).unwrap_or(match family {
                Family::Gemma3 => 1_000_000.0,
                _ => 10_000.0,
            }),
            rope_scale: rope_scale(gguf, arch)?,
            epsilon: meta.float(&format!("{arch}.attention.layer_norm_rms_epsilon")).unwrap_or(1e-6)
                as f32,
            context: needed("context_length", 1 << 24)?,
            vocabulary,
            window: match family {
                Family::Gemma3 => number("attention.sliding_window").filter(|n| *n > 0).map(|n| {
                    let base = meta.float(&format!("{arch}.rope.local.freq_base"));
                    Window { positions: n as usize, every: 6, rope_base: base.unwrap_or(10_000.0) }
                }),
                _ => None,
            },
        };
        if !config.rope_base.is_finite() || config.rope_base <= 1.0 || !config.epsilon.is_finite() {
            return Err(gguf.bad(format!(
                "`{arch}.rope.freq_base` is {} and the norm's epsilon {}",
                config.rope_base, config.epsilon
            )));
        }
        Ok(config)
    }

    /// Rotation base and scale, and the number of positions seen, of one layer.
    pub(crate) fn reach(&self, layer: usize) -> (f64, f64, Option<usize>) {
        match self.window {
            Some(window) if !(layer + 1).is_multiple_of(window.every) => {
                (window.rope_base, 1.0, Some(window.positions))
            }
            _ => (self.rope_base, self.rope_scale, None),
        }
    }
}

fn rope_scale(gguf: &Gguf, arch: &str) -> Result<f64> {
    let meta = &gguf.metadata;
    let kind = meta.string(&format!("{arch}.rope.scaling.type")).unwrap_or("none");
    let factor = meta.float(&format!("{arch}.rope.scaling.factor")).unwrap_or(1.0);
    match kind {
        "none" => Ok(1.0),
        "linear" if factor.is_finite() && factor > 0.0 => Ok(factor),
        other => Err(LocalError::Unsupported {
            what: format!(
                "{}: `{arch}.rope.scaling.type` is `{other}` with the factor {factor}; \
                 `none` and `linear` are supported",
                gguf.path().display()
            ),
        }),
    }
}
