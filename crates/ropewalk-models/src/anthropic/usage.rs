//! What an answer used.

use ropewalk_core::Usage;
use serde_json::{Map, Value};

/// What a server told of it so far: first when the answer begins, then with its end. The last word counts.
#[derive(Debug, Default)]
pub(super) struct Told(Map<String, Value>);

impl Told {
    /// Takes a report.
    pub(super) fn take(&mut self, usage: Option<&Value>) {
        let told = usage.and_then(Value::as_object).into_iter().flatten();
        for (key, value) in told.filter(|(_, value)| !value.is_null()) {
            self.0.insert(key.clone(), value.clone());
        }
    }

    /// The tokens. Those of the cache stand beside the input; the total is the sum of all.
    pub(super) fn tokens(&self) -> Usage {
        let number = |key: &str| self.0.get(key).and_then(Value::as_u64);
        let (read, written) =
            (number("cache_read_input_tokens"), number("cache_creation_input_tokens"));
        let input = number("input_tokens").unwrap_or(0);
        let mut usage = Usage::new(input, number("output_tokens").unwrap_or(0));
        let of_cache = [read, written].into_iter().flatten();
        usage.total_tokens = of_cache.fold(usage.total_tokens, u64::saturating_add);
        usage.cache_read_input_tokens = read;
        usage.cache_write_input_tokens = written;
        let details = self.0.get("output_tokens_details");
        usage.reasoning_output_tokens =
            details.and_then(|details| details.get("thinking_tokens")?.as_u64());
        usage
    }

    /// All that was told.
    pub(super) fn whole(self) -> Map<String, Value> {
        self.0
    }
}
