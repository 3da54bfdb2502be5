//! The arithmetic between the matrix products.

use pulp::Arch;

/// Runs `work` compiled for the widest vectors of this processor.
pub(super) fn vectorised<R>(work: impl FnOnce() -> R) -> R {
    struct Work<F>(F);
    impl<R, F: FnOnce() -> R> pulp::NullaryFnOnce for Work<F> {
        type Output = R;
        #[inline(always)]
        fn call(self) -> R {
            (self.0)()
        }
    }
    Arch::new().dispatch(Work(work))
}

#[inline(always)]
pub(super) fn dot(a: &[f32], b: &[f32]) -> f32 {
    const LANES: usize = 16;
    let mut sums = [0.0_f32; LANES];
    let (a_chunks, b_chunks) = (a.chunks_exact(LANES), b.chunks_exact(LANES));
    let rest: f32 = a_chunks.remainder().iter().zip(b_chunks.remainder()).map(|(x, y)| x * y).sum();
    for (x, y) in a_chunks.zip(b_chunks) {
        for lane in 0..LANES {
            sums[lane] += x[lane] * y[lane];
        }
    }
    sums.iter().sum::<f32>() + rest
}

#[inline(always)]
pub(super) fn add_scaled(into: &mut [f32], from: &[f32], scale: f32) {
    for (a, b) in into.iter_mut().zip(from) {
        *a += b * scale;
    }
}

/// Root-mean-square norm of each row of `weight.len()` numbers.
pub(super) fn rms_norm(numbers: &mut [f32], weight: &[f32], epsilon: f32) {
    vectorised(|| {
        for row in numbers.chunks_exact_mut(weight.len()) {
            let mean = dot(row, row) / row.len() as f32;
            let scale = 1.0 / (mean + epsilon).sqrt();
            for (x, w) in row.iter_mut().zip(weight) {
                *x *= scale * w;
            }
        }
    });
}

pub(super) fn softmax(scores: &mut [f32]) {
    let most = scores.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let mut sum = 0.0;
    for score in scores.iter_mut() {
        *score = (*score - most).exp();
        sum += *score;
    }
    for score in scores.iter_mut() {
        *score /= sum;
    }
}

pub(super) fn silu(x: f32) -> f32 {
    x / (1.0 + (-x).exp())
}

/// The tanh form of GELU.
pub(super) fn gelu(x: f32) -> f32 {
    const ROOT: f32 = 0.797_884_6;
    0.5 * x * (1.0 + (ROOT * (x + 0.044_715 * x * x * x)).tanh())
}

/// Sines and cosines for the rotations of one kind of layer.
#[derive(Debug)]
pub(super) struct Rope {
    frequencies: Vec<f64>,
    /// Pairs of neighbours (Llama) rather than of halves.
    interleaved: bool,
}

impl Rope {
    pub(super) fn new(
        dims: usize,
        base: f64,
        scale: f64,
        interleaved: bool,
        factors: Option<&[f32]>,
    ) -> Self {
        let frequency = |pair: usize| {
            let plain = base.powf(-(2.0 * pair as f64) / dims as f64) / scale;
            plain / factors.and_then(|f| f.get(pair)).map_or(1.0, |f| f64::from(*f))
        };
        Self { frequencies: (0..dims / 2).map(frequency).collect(), interleaved }
    }

    /// Sines and cosines of one position.
    pub(super) fn angles(&self, position: usize) -> Vec<(f32, f32)> {
        let angle = |frequency: &f64| {
            let (sin, cos) = (position as f64 * frequency).sin_cos();
            (sin as f32, cos as f32)
        };
        self.frequencies.iter().map(angle).collect()
    }

    /// Rotates every head of one position.
    pub(super) fn rotate(&self, heads: &mut [f32], head_dim: usize, angles: &[(f32, f32)]) {
        let half = angles.len();
        for head in heads.chunks_exact_mut(head_dim) {
            for (pair, (sin, cos)) in angles.iter().enumerate() {
                let (i, j) =
                    if self.interleaved { (2 * pair, 2 * pair + 1) } else { (pair, pair + half) };
                let (a, b) = (head[i], head[j]);
                head[i] = a * cos - b * sin;
                head[j] = a * sin + b * cos;
            }
        }
    }
}
