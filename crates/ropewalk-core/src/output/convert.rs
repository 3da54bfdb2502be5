//! From a type to the JSON Schema that a model is told.

use schemars::generate::SchemaSettings;
use schemars::transform::{RecursiveTransform, Transform as _};
use schemars::{JsonSchema, Schema};
use serde_json::{Map, Value, json};

use crate::model::without_numeric_format;

/// The key under which a value stands that is no object itself: the arguments of a tool, and with
/// many providers an answer too, are always an object.
pub(super) const WRAP: &str = "value";

/// The JSON Schema of a type: everything inline but what refers to itself. Only what may be null is
/// nullable, which a field that merely has a default is not.
pub(super) fn schema_of<T: JsonSchema>() -> Value {
    let settings = SchemaSettings::draft2020_12().with(|settings| {
        settings.meta_schema = None;
        settings.inline_subschemas = true;
    });
    let mut schema = settings.into_generator().into_root_schema_for::<T>();
    RecursiveTransform(plain).transform(&mut schema);
    schema.to_value()
}

fn plain(schema: &mut Schema) {
    without_numeric_format(schema);
    // What a field is when it is left out is for the type to know; some providers refuse to be told.
    if let Some(properties) = schema.get_mut("properties").and_then(Value::as_object_mut) {
        for property in properties.values_mut().filter_map(Value::as_object_mut) {
            property.remove("default");
        }
    }
}

/// True if values of this schema are objects.
pub(super) fn is_of_object(schema: &Value) -> bool {
    schema.get("type").is_some_and(|kind| kind == "object")
}

/// The schema of an object that holds such a value under [`WRAP`].
pub(super) fn wrapped(mut schema: Value) -> Value {
    let mut outer = Map::new();
    for key in ["title", "description", "$schema"] {
        if let Some(value) = schema.as_object_mut().and_then(|schema| schema.remove(key)) {
            outer.insert(key.to_owned(), value);
        }
    }
    move_references(&mut schema);
    outer.insert("type".to_owned(), json!("object"));
    outer.insert("properties".to_owned(), json!({WRAP: schema}));
    outer.insert("required".to_owned(), json!([WRAP]));
    Value::Object(outer)
}

/// Lets references within the schema find their target in its new place.
fn move_references(schema: &mut Value) {
    match schema {
        Value::Array(items) => items.iter_mut().for_each(move_references),
        Value::Object(map) => {
            for (key, value) in map {
                match (key.as_str(), value) {
                    ("$ref", Value::String(target)) => {
                        if let Some(rest) = target.strip_prefix('#')
                            && (rest.is_empty() || rest.starts_with('/'))
                        {
                            *target = format!("#/properties/{WRAP}{rest}");
                        }
                    }
                    // These hold values, not schemas.
                    ("const" | "enum" | "default" | "examples", _) => {}
                    (_, value) => move_references(value),
                }
            }
        }
        _ => {}
    }
}
