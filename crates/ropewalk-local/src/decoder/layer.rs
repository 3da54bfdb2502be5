//! One layer: attention, then the feed-forward network.

use super::attention::attend;
use super::linear::{Linear, Rows};
use super::math::{Rope, gelu, rms_norm, silu};
use super::{Config, Family, Loader, Part};
use crate::error::Result;

#[derive(Debug)]
pub(super) struct Layer {
    attention_norm: Vec<f32>,
    query: Linear,
    key: Linear,
    value: Linear,
    output: Linear,
    /// Norms over each head (Qwen 3, Gemma 3).
    query_norm: Option<Vec<f32>>,
    key_norm: Option<Vec<f32>>,
    /// Norms after each half (Gemma 3).
    after_attention: Option<Vec<f32>>,
    after_network: Option<Vec<f32>>,
    network_norm: Vec<f32>,
    gate: Linear,
    up: Linear,
    down: Linear,
}

impl Layer {
    pub(super) fn load(loader: &Loader<'_>, config: &Config, index: usize) -> Result<Self> {
        let name = |part: &str| format!("blk.{index}.{part}");
        let (width, inner, dim) = (config.width, config.inner, config.head_dim);
        let (q_width, kv_width) = (config.heads * dim, config.kv_heads * dim);
        let head_norms = matches!(config.family, Family::Qwen3 | Family::Gemma3);
        let head_norm = |part: &str| match head_norms {
            true => loader.vector(&name(part), dim).map(Some),
            false => Ok(None),
        };
        let after = |part: &str| match config.family {
            Family::Gemma3 => loader.vector(&name(part), width).map(Some),
            _ => Ok(None),
        };
        Ok(Self {
            attention_norm: loader.vector(&name("attn_norm.weight"), width)?,
            query: loader.linear(&name("attn_q"), q_width, width)?,
            key: loader.linear(&name("attn_k"), kv_width, width)?,
            value: loader.linear(&name("attn_v"), kv_width, width)?,
            output: loader.linear(&name("attn_output"), width, q_width)?,
            query_norm: head_norm("attn_q_norm.weight")?,
            key_norm: head_norm("attn_k_norm.weight")?,
            after_attention: after("post_attention_norm.weight")?,
            after_network: after("post_ffw_norm.weight")?,
            network_norm: loader.vector(&name("ffn_norm.weight"), width)?,
            gate: loader.linear(&name("ffn_gate"), inner, width)?,
            up: loader.linear(&name("ffn_up"), inner, width)?,
            down: loader.linear(&name("ffn_down"), width, inner)?,
        })
    }

    pub(super) fn forward(
        &self,
        config: &Config,
        rope: &Rope,
        index: usize,
        state: &mut [f32],
        parts: &mut [Part<'_>],
    ) -> Result<()> {
        let mut input = state.to_vec();
        rms_norm(&mut input, &self.attention_norm, config.epsilon);
        let mixed = self.attention(config, rope, index, &input, parts)?;
        let mut change = self.output.apply(&mixed)?;
        if let Some(weight) = &self.after_attention {
            rms_norm(&mut change, weight, config.epsilon);
        }
        add(state, &change);

        let mut input = state.to_vec();
        rms_norm(&mut input, &self.network_norm, config.epsilon);
        let mut change = self.network(config, &input)?;
        if let Some(weight) = &self.after_network {
            rms_norm(&mut change, weight, config.epsilon);
        }
        add(state, &change);
        Ok(())
    }

    fn attention(
        &self,
        config: &Config,
        rope: &Rope,
        index: usize,
        input: &[f32],
        parts: &mut [Part<'_>],
    ) -> Result<Vec<f32>> {
        let dim = config.head_dim;
        let matrix = Rows::new(input, config.width);
        let mut query = self.query.forward(&matrix)?;
        let mut key = self.key.forward(&matrix)?;
        let value = self.value.forward(&matrix)?;
        if let Some(weight) = &self.query_norm {
            rms_norm(&mut query, weight, config.epsilon);
        }
        if let Some(weight) = &self.key_norm {
            rms_norm(&mut key, weight, config.epsilon);
        }
        let (q_width, kv_width) = (config.heads * dim, config.kv_heads * dim);
        let mut mixed = Vec::with_capacity(query.len());
        let mut row = 0;
        for Part { tokens, cache } in parts {
            let first_row = row;
            for position in cache.len()..cache.len() + tokens.len() {
                let angles = rope.angles(position);
                rope.rotate(&mut query[row * q_width..][..q_width], dim, &angles);
                let key = &mut key[row * kv_width..][..kv_width];
                rope.rotate(key, dim, &angles);
                cache.store(index, 0, position, key);
                cache.store(index, 1, position, &value[row * kv_width..][..kv_width]);
                row += 1;
            }
            let query = &query[first_row * q_width..row * q_width];
            mixed.extend(attend(config, index, query, cache));
        }
        Ok(mixed)
    }

    fn network(&self, config: &Config, input: &[f32]) -> Result<Vec<f32>> {
        let matrix = Rows::new(input, config.width);
        let mut gate = self.gate.forward(&matrix)?;
        let up = self.up.forward(&matrix)?;
        let activation = if config.family == Family::Gemma3 { gelu } else { silu };
        for (g, u) in gate.iter_mut().zip(&up) {
            *g = activation(*g) * u;
        }
        self.down.apply(&gate)
    }
}

fn add(state: &mut [f32], change: &[f32]) {
    state.iter_mut().zip(change).for_each(|(x, c)| *x += c);
}
