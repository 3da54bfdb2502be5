//! What models cost.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::Money;
use crate::message::Usage;

/// What a million tokens of a model cost.
///
/// ```
/// use ropewalk_core::Price;
///
/// let price = Price::new("0.15".parse()?, "0.60".parse()?).cache_read("0.075".parse()?);
/// # let _ = price;
/// # Ok::<(), ropewalk_core::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Price {
    input: Money,
    output: Money,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    cache_read: Option<Money>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    cache_write: Option<Money>,
}

impl Price {
    /// What a million tokens cost that are read, and that are written.
    pub fn new(input: Money, output: Money) -> Self {
        Self { input, output, cache_read: None, cache_write: None }
    }

    /// What a million tokens cost that come from a cache; as much as others unless set.
    #[must_use]
    pub fn cache_read(mut self, price: Money) -> Self {
        self.cache_read = Some(price);
        self
    }

    /// What a million tokens cost that go into a cache; as much as others unless set.
    #[must_use]
    pub fn cache_write(mut self, price: Money) -> Self {
        self.cache_write = Some(price);
        self
    }

    /// What a model call cost that used so many tokens.
    pub fn of(&self, usage: Usage) -> Money {
        let read = usage.cache_read_input_tokens.unwrap_or(0);
        let written = usage.cache_write_input_tokens.unwrap_or(0);
        // Some providers count what concerns the cache beside the input, others as a part of it: the total tells.
        let all = [usage.input_tokens, usage.output_tokens, read, written];
        let all = all.into_iter().fold(0, u64::saturating_add);
        let plain = match all == usage.total_tokens {
            true => usage.input_tokens,
            false => usage.input_tokens.saturating_sub(read).saturating_sub(written),
        };
        [
            self.input.of_a_million(plain),
            self.cache_read.unwrap_or(self.input).of_a_million(read),
            self.cache_write.unwrap_or(self.input).of_a_million(written),
            self.output.of_a_million(usage.output_tokens),
        ]
        .into_iter()
        .fold(Money::ZERO, Money::saturating_add)
    }

    /// The most that so many tokens can cost when they are read.
    pub(crate) fn most_for_input(&self, tokens: u64) -> Money {
        let dearest = self.input.max(self.cache_write.unwrap_or(self.input));
        dearest.of_a_million(tokens)
    }
}

/// What models cost, by their ids ([`Model::id`](crate::Model::id)). The currency is yours: a limit
/// on cost is in the same one.
///
/// As JSON it is an object: `{"openai:gpt-4o-mini": {"input": "0.15", "output": "0.60"}}`.
///
/// ```
/// use ropewalk_core::{Price, Prices};
///
/// let prices = Prices::new()
///     .model("openai:gpt-4o-mini", Price::new("0.15".parse()?, "0.60".parse()?));
/// assert!(prices.get("openai:gpt-4o-mini").is_some());
/// # Ok::<(), ropewalk_core::Error>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Prices(BTreeMap<String, Price>);

impl Prices {
    /// No prices.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets what a model costs.
    #[must_use]
    pub fn model(mut self, id: impl Into<String>, price: Price) -> Self {
        self.0.insert(id.into(), price);
        self
    }

    /// What a model costs, where that is known.
    pub fn get(&self, id: &str) -> Option<&Price> {
        self.0.get(id)
    }

    /// True if nothing has a price.
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}
