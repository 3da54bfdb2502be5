//! From logits to a token.

use std::collections::hash_map::RandomState;
use std::hash::{BuildHasher, Hasher};

use super::Sampling;

/// Chooses tokens.
#[derive(Debug, Clone)]
pub(super) struct Sampler {
    sampling: Sampling,
    state: u64,
}

impl Sampler {
    pub(super) fn new(sampling: &Sampling) -> Self {
        let seed = sampling.seed.unwrap_or_else(|| RandomState::new().build_hasher().finish());
        Self { sampling: sampling.clone(), state: seed }
    }

    /// A number from 0 to 1, by SplitMix64.
    fn chance(&mut self) -> f64 {
        self.state = self.state.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.state;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        ((z ^ (z >> 31)) >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// The next token, of those whose logit is above minus infinity.
    pub(super) fn choose(&mut self, logits: &[f32]) -> u32 {
        if self.sampling.temperature <= 0.0 {
            return best(logits);
        }
        let most = logits.iter().copied().fold(f32::NEG_INFINITY, f32::max);
        let mut weights: Vec<(u32, f64)> = logits
            .iter()
            .enumerate()
            .map(|(id, logit)| {
                let weight = f64::from((logit - most) / self.sampling.temperature).exp();
                (id as u32, weight)
            })
            .filter(|(_, weight)| *weight > 1e-9)
            .collect();
        weights.sort_by(|a, b| b.1.total_cmp(&a.1));
        let total: f64 = weights.iter().map(|(_, w)| w).sum();
        let mut kept = 0.0;
        let enough = total * f64::from(self.sampling.top_p.clamp(0.0, 1.0));
        let fits = |(_, weight): &&(u32, f64)| {
            let within = kept < enough;
            kept += weight;
            within
        };
        let count = weights.iter().take_while(fits).count();
        weights.truncate(count.max(1));
        let mut left = self.chance() * weights.iter().map(|(_, w)| w).sum::<f64>();
        for (id, weight) in &weights {
            left -= weight;
            if left <= 0.0 {
                return *id;
            }
        }
        best(logits)
    }
}

/// The likeliest token.
pub(super) fn best(logits: &[f32]) -> u32 {
    let likeliest = logits.iter().enumerate().max_by(|a, b| a.1.total_cmp(b.1));
    likeliest.map_or(0, |(id, _)| id as u32)
}

/// The logarithm of a token's probability.
pub(super) fn log_probability(logits: &[f32], token: u32) -> f64 {
    let most = logits.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let sum: f64 = logits.iter().map(|logit| f64::from((logit - most).exp())).sum();
    let own = logits.get(token as usize).copied().unwrap_or(f32::NEG_INFINITY);
    f64::from(own - most) - sum.ln()
}
