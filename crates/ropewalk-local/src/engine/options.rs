//! How the next token is chosen.

/// How the next token is chosen. The default is greedy: the likeliest one, the same text each time.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Sampling {
    /// 0 is greedy; higher is more varied.
    pub temperature: f32,
    /// Only the likeliest tokens that together have this probability are drawn from.
    pub top_p: f32,
    /// Where chance starts; `None` takes a new one each time.
    pub seed: Option<u64>,
    /// The most tokens of one answer. `None` is 1024; the chat of a model that is guided ends sooner, after 256 at
    /// most, since very small models ramble.
    pub max_tokens: Option<usize>,
    /// What a limit of the invocation leaves for this answer.
    left: Option<usize>,
}

impl Default for Sampling {
    fn default() -> Self {
        Self { temperature: 0.0, top_p: 0.95, seed: None, max_tokens: None, left: None }
    }
}

impl Sampling {
    /// The most tokens of one answer.
    pub(crate) fn limit(&self) -> usize {
        let most = self.max_tokens.unwrap_or(1024);
        self.left.map_or(most, |left| most.min(left))
    }

    /// The same for an answer that may have so many tokens at most, whatever was set.
    pub(crate) fn within(&self, left: Option<u64>) -> Self {
        let left = left.map(|left| usize::try_from(left).unwrap_or(usize::MAX));
        Self { left, ..self.clone() }
    }

    /// Greedy: the likeliest token, the same text each time.
    pub fn greedy() -> Self {
        Self::default()
    }

    /// Drawn by chance.
    #[must_use]
    pub fn with_temperature(mut self, temperature: f32) -> Self {
        self.temperature = temperature;
        self
    }

    /// Sets [`top_p`](Self::top_p).
    #[must_use]
    pub fn with_top_p(mut self, top_p: f32) -> Self {
        self.top_p = top_p;
        self
    }

    /// Sets [`seed`](Self::seed).
    #[must_use]
    pub fn with_seed(mut self, seed: u64) -> Self {
        self.seed = Some(seed);
        self
    }

    /// Sets [`max_tokens`](Self::max_tokens).
    #[must_use]
    pub fn with_max_tokens(mut self, most: usize) -> Self {
        self.max_tokens = Some(most);
        self
    }
}
