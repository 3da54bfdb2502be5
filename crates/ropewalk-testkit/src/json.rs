//! JSON for snapshots.

use serde::Serialize;
use serde_json::Value;

/// A value as JSON with its keys sorted, for snapshots. Without that, the order of keys depends on
/// what else is in the build: some crates let `serde_json` keep the order in which they came.
///
/// ```
/// use ropewalk_testkit::sorted_json;
///
/// let text = sorted_json(serde_json::json!({"b": 1, "a": {"d": 2, "c": 3}})).to_string();
/// assert_eq!(text, r#"{"a":{"c":3,"d":2},"b":1}"#);
/// ```
///
/// # Panics
/// The value does not serialise to JSON.
#[expect(clippy::expect_used, reason = "a test ends where its data is no JSON")]
pub fn sorted_json(value: impl Serialize) -> Value {
    let mut json = serde_json::to_value(value).expect("the value serialises to JSON");
    json.sort_all_objects();
    json
}
