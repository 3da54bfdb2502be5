//! JSON Schemas, as far as the interface holds answers to them.

use serde_json::{Map, Value};

/// What the interface refuses, and so is only told to the model in words; the answer is checked all the same.
const ONLY_TOLD: [&str; 12] = [
    "minimum",
    "maximum",
    "exclusiveMinimum",
    "exclusiveMaximum",
    "multipleOf",
    "minLength",
    "maxLength",
    "maxItems",
    "uniqueItems",
    "minProperties",
    "maxProperties",
    "contains",
];

/// A schema that the interface takes, as near to this one as it can be: objects are closed, and limits stand in the
/// descriptions.
pub(super) fn held(schema: &Value) -> Value {
    let Value::Object(map) = schema else { return schema.clone() };
    let mut held = Map::new();
    let mut told = Vec::new();
    for (key, value) in map {
        match (key.as_str(), value) {
            ("properties" | "$defs" | "definitions", Value::Object(named)) => {
                let named = named.iter().map(|(name, inner)| (name.clone(), self::held(inner)));
                held.insert(key.clone(), Value::Object(named.collect()));
            }
            ("anyOf" | "allOf" | "prefixItems", Value::Array(all)) => {
                held.insert(key.clone(), all.iter().map(self::held).collect());
            }
            ("oneOf", Value::Array(all)) => {
                held.insert("anyOf".into(), all.iter().map(self::held).collect());
            }
            ("items" | "additionalProperties", Value::Object(_)) => {
                held.insert(key.clone(), self::held(value));
            }
            ("minItems", _) if value.as_u64().is_some_and(|least| least > 1) => {
                told.push(format!("{key}: {value}"));
                held.insert(key.clone(), 1.into());
            }
            (name, _) if ONLY_TOLD.contains(&name) => told.push(format!("{key}: {value}")),
            _ => {
                held.insert(key.clone(), value.clone());
            }
        }
    }
    let has_properties =
        map.get("properties").and_then(Value::as_object).is_some_and(|all| !all.is_empty());
    // An object of any keys can't be closed; the interface says what it makes of it.
    let is_open = map.get("additionalProperties").is_some_and(|more| more != &Value::Bool(false));
    if has_properties || (map.get("type").is_some_and(|kind| kind == "object") && !is_open) {
        held.insert("additionalProperties".into(), false.into());
    }
    if !told.is_empty() {
        let told = format!("({})", told.join(", "));
        let description = match held.get("description").and_then(Value::as_str) {
            Some(description) => format!("{description} {told}"),
            None => told,
        };
        held.insert("description".into(), description.into());
    }
    Value::Object(held)
}
