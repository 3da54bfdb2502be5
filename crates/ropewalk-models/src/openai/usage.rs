//! What an answer used, as servers tell it. Nothing of it is relied on: an answer is worth more than its bill.

use std::fmt;
use std::marker::PhantomData;

use ropewalk_core::Usage;
use serde::Deserialize;
use serde::de::value::MapAccessDeserializer;
use serde::de::{Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};

#[derive(Debug, Deserialize)]
pub(super) struct OfGroq {
    #[serde(default)]
    pub(super) usage: Lenient<Told>,
}

/// What was used, as far as the server tells.
#[derive(Clone, Copy, Debug, Deserialize)]
pub(super) struct Told {
    #[serde(default)]
    prompt_tokens: Count,
    #[serde(default)]
    completion_tokens: Count,
    #[serde(default)]
    total_tokens: Count,
    /// DeepSeek's name for those of a cache.
    #[serde(default)]
    prompt_cache_hit_tokens: Count,
    #[serde(default, deserialize_with = "details")]
    prompt_tokens_details: Details,
    #[serde(default, deserialize_with = "details")]
    completion_tokens_details: Details,
}

#[derive(Clone, Copy, Debug, Default, Deserialize)]
struct Details {
    #[serde(default)]
    cached_tokens: Count,
    #[serde(default)]
    cache_write_tokens: Count,
    #[serde(default)]
    reasoning_tokens: Count,
}

fn details<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Details, D::Error> {
    Lenient::deserialize(deserializer).map(|Lenient(details)| *details.unwrap_or_default())
}

impl Told {
    pub(super) fn usage(&self) -> Usage {
        let input = self.prompt_tokens.0.unwrap_or(0);
        let output = self.completion_tokens.0.unwrap_or(0);
        let mut usage = Usage::new(input, output);
        if let Some(total) = self.total_tokens.0 {
            usage.total_tokens = total;
        }
        let of_cache = self.prompt_tokens_details.cached_tokens.0;
        usage.cache_read_input_tokens = of_cache.or(self.prompt_cache_hit_tokens.0);
        usage.cache_write_input_tokens = self.prompt_tokens_details.cache_write_tokens.0;
        usage.reasoning_output_tokens = self.completion_tokens_details.reasoning_tokens.0;
        // xAI counts thoughts beside the completion: the total tells.
        let thoughts = usage.reasoning_output_tokens.unwrap_or(0);
        let beside = output.saturating_add(thoughts);
        if input.saturating_add(beside) == usage.total_tokens {
            usage.output_tokens = beside;
        }
        usage
    }
}

/// An object, or what is none: of that nothing is read. Boxed: most chunks have none.
#[derive(Debug)]
pub(super) struct Lenient<T>(pub(super) Option<Box<T>>);

impl<T> Default for Lenient<T> {
    fn default() -> Self {
        Self(None)
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Lenient<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Object(PhantomData))
    }
}

struct Object<T>(PhantomData<T>);

impl<'de, T: Deserialize<'de>> Visitor<'de> for Object<T> {
    type Value = Lenient<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_map<A: MapAccess<'de>>(self, entries: A) -> Result<Lenient<T>, A::Error> {
        T::deserialize(MapAccessDeserializer::new(entries))
            .map(|read| Lenient(Some(Box::new(read))))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Lenient<T>, A::Error> {
        while items.next_element::<IgnoredAny>()?.is_some() {}
        Ok(Lenient(None))
    }

    fn visit_bool<E: Error>(self, _: bool) -> Result<Lenient<T>, E> {
        Ok(Lenient(None))
    }

    fn visit_i64<E: Error>(self, _: i64) -> Result<Lenient<T>, E> {
        Ok(Lenient(None))
    }

    fn visit_u64<E: Error>(self, _: u64) -> Result<Lenient<T>, E> {
        Ok(Lenient(None))
    }

    fn visit_f64<E: Error>(self, _: f64) -> Result<Lenient<T>, E> {
        Ok(Lenient(None))
    }

    fn visit_str<E: Error>(self, _: &str) -> Result<Lenient<T>, E> {
        Ok(Lenient(None))
    }

    fn visit_unit<E: Error>(self) -> Result<Lenient<T>, E> {
        Ok(Lenient(None))
    }
}

/// A number that may be missing, or be none: a count that can't be read counts as not told.
#[derive(Clone, Copy, Debug, Default)]
struct Count(Option<u64>);

impl<'de> Deserialize<'de> for Count {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Number)
    }
}

struct Number;

impl<'de> Visitor<'de> for Number {
    type Value = Count;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_u64<E: Error>(self, count: u64) -> Result<Count, E> {
        Ok(Count(Some(count)))
    }

    fn visit_i64<E: Error>(self, _: i64) -> Result<Count, E> {
        Ok(Count(None))
    }

    fn visit_f64<E: Error>(self, _: f64) -> Result<Count, E> {
        Ok(Count(None))
    }

    fn visit_bool<E: Error>(self, _: bool) -> Result<Count, E> {
        Ok(Count(None))
    }

    fn visit_str<E: Error>(self, _: &str) -> Result<Count, E> {
        Ok(Count(None))
    }

    fn visit_unit<E: Error>(self) -> Result<Count, E> {
        Ok(Count(None))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Count, A::Error> {
        while items.next_element::<IgnoredAny>()?.is_some() {}
        Ok(Count(None))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Count, A::Error> {
        while entries.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(Count(None))
    }
}
