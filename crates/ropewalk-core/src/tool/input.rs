//! From what the model gave to typed arguments.

use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use crate::error::BoxError;

/// Makes typed arguments of what the model gave. Keys that the type does not know are ignored, as
/// in Strands; nothing at all counts as no arguments; `"5"` will do where the schema wants a number
/// or a truth value, because small models often quote them.
///
/// # Errors
/// `Validation failed for input parameters: <where>: <what>`.
pub fn parse_input<T: DeserializeOwned>(input: Value, schema: &Value) -> Result<T, BoxError> {
    let input = if input.is_null() { Value::Object(Map::new()) } else { input };
    // Keeping note of the path takes more than the reading: only what does not fit is read that way.
    T::deserialize(&input).or_else(|_| {
        serde_path_to_error::deserialize(&input).or_else(|error| {
            unquoted(&input, schema)
                .and_then(|unquoted| T::deserialize(unquoted).ok())
                // What is reported is what is wrong with the arguments as they were given.
                .ok_or_else(|| input_error(&error))
        })
    })
}

/// The input with quoted numbers and truth values taken out of their quotes, where the schema wants
/// such; none if there are none.
fn unquoted(input: &Value, schema: &Value) -> Option<Value> {
    let mut changed = false;
    let mut input = input.clone();
    for (key, value) in input.as_object_mut()? {
        let wanted = &schema["properties"][key]["type"];
        if let Some(plain) = value.as_str().and_then(|text| unquote(text, wanted.as_str()?)) {
            *value = plain;
            changed = true;
        }
    }
    changed.then_some(input)
}

/// The number or truth value that a text is, if such is wanted.
pub(crate) fn unquote(text: &str, wanted: &str) -> Option<Value> {
    let value = serde_json::from_str::<Value>(text.trim()).ok()?;
    let fits = match wanted {
        "integer" | "number" => value.is_number(),
        "boolean" => value.is_boolean(),
        _ => false,
    };
    fits.then_some(value)
}

fn input_error(error: &serde_path_to_error::Error<serde_json::Error>) -> BoxError {
    let path = error.path().to_string();
    let place = if path == "." { String::new() } else { format!("`{path}`: ") };
    format!("Validation failed for input parameters: {place}{}", error.inner()).into()
}
