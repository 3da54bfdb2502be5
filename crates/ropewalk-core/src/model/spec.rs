//! What the model is told about a tool.

use schemars::generate::SchemaSettings;
use schemars::transform::{RecursiveTransform, Transform};
use schemars::{JsonSchema, Schema};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::message::Extra;

/// What the model is told about a tool. As JSON it is Strands' `ToolSpec`, the schema standing
/// under `inputSchema.json`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ToolSpec {
    /// 1 to 64 letters, digits, `_` and `-`.
    pub name: String,
    /// What it does and when to use it.
    pub description: String,
    /// The JSON Schema of its arguments: always that of an object.
    #[serde(rename = "inputSchema", with = "under_json")]
    pub input_schema: Value,
    /// The JSON Schema of what it gives, if it says so.
    #[serde(
        rename = "outputSchema",
        default,
        skip_serializing_if = "Option::is_none",
        with = "option_under_json"
    )]
    pub output_schema: Option<Value>,
    /// Hints such as `readOnlyHint` and `destructiveHint`.
    #[serde(default, skip_serializing_if = "Extra::is_empty")]
    pub annotations: Extra,
    /// Requests that this tool serves, each with the call it leads to. They teach very small
    /// models what words cannot.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub examples: Vec<ToolExample>,
}

/// A request that a tool serves, and the call it leads to.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ToolExample {
    /// What a person says.
    pub request: String,
    /// The arguments that serve it.
    pub input: Value,
    /// What the tool gives then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub result: Option<String>,
    /// What the person is told then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub answer: Option<String>,
}

impl ToolSpec {
    /// A spec with a name, a description, and the JSON Schema of the arguments.
    pub fn new(
        name: impl Into<String>,
        description: impl Into<String>,
        input_schema: Value,
    ) -> Self {
        Self {
            name: name.into(),
            description: description.into(),
            input_schema,
            output_schema: None,
            annotations: Extra::new(),
            examples: Vec::new(),
        }
    }

    /// Adds an annotation: a hint such as `readOnlyHint`, which hooks and policies may go by.
    ///
    /// ```
    /// let spec = ropewalk_core::ToolSpec::new("look", "Looks.", serde_json::json!({}))
    ///     .with_annotation("readOnlyHint", true);
    /// assert!(spec.is_read_only() && !spec.is_destructive());
    /// ```
    #[must_use]
    pub fn with_annotation(mut self, key: impl Into<String>, value: impl Into<Value>) -> Self {
        self.annotations.insert(key.into(), value.into());
        self
    }

    /// True if the tool says that it changes nothing (`readOnlyHint`).
    pub fn is_read_only(&self) -> bool {
        self.hint("readOnlyHint")
    }

    /// True if the tool says that it may destroy something (`destructiveHint`).
    pub fn is_destructive(&self) -> bool {
        self.hint("destructiveHint")
    }

    /// True if the tool says that calling it again with the same arguments changes nothing more
    /// (`idempotentHint`).
    pub fn is_idempotent(&self) -> bool {
        self.hint("idempotentHint")
    }

    fn hint(&self, key: &str) -> bool {
        self.annotations.get(key).and_then(Value::as_bool).unwrap_or(false)
    }

    /// Adds an example.
    #[must_use]
    pub fn with_example(mut self, example: ToolExample) -> Self {
        self.examples.push(example);
        self
    }
}

impl ToolExample {
    /// A request and the arguments that serve it.
    pub fn new(request: impl Into<String>, input: Value) -> Self {
        Self { request: request.into(), input, result: None, answer: None }
    }

    /// Adds what the tool gives and what the person is told then.
    #[must_use]
    pub fn with_answer(mut self, result: impl Into<String>, answer: impl Into<String>) -> Self {
        self.result = Some(result.into());
        self.answer = Some(answer.into());
        self
    }
}

/// The JSON Schema of a type as models take it: everything inline, no `$schema`, no `title`, no
/// numeric `format` that providers refuse, and no `null` for what may be left out anyway.
pub fn schema_of<T: JsonSchema>() -> Value {
    let settings = SchemaSettings::draft2020_12().with(|settings| {
        settings.meta_schema = None;
        settings.inline_subschemas = true;
    });
    let mut schema = settings.into_generator().into_root_schema_for::<T>();
    RecursiveTransform(plain).transform(&mut schema);
    let mut value = schema.to_value();
    if let Some(object) = value.as_object_mut() {
        object.entry("type").or_insert_with(|| "object".into());
        object.entry("properties").or_insert_with(|| Extra::new().into());
        object.entry("required").or_insert_with(|| Vec::<Value>::new().into());
        // The description of the arguments' struct says nothing that the tool's does not.
        object.remove("description");
    }
    value
}

fn plain(schema: &mut Schema) {
    schema.remove("title");
    let required = schema.get("required").cloned().unwrap_or_default();
    let is_required =
        |name: &str| required.as_array().is_some_and(|names| names.iter().any(|it| it == name));
    if let Some(properties) = schema.get_mut("properties").and_then(Value::as_object_mut) {
        for (name, property) in properties {
            if let Some(property) = property.as_object_mut().filter(|_| !is_required(name)) {
                without_null(property);
            }
        }
    }
    let numeric = schema
        .get("format")
        .and_then(Value::as_str)
        .is_some_and(|format| format.starts_with(['u', 'i', 'f', 'd']) && is_number(format));
    if numeric {
        schema.remove("format");
    }
}

/// Takes the `null` out of "this or null": a model that is offered both choices likes to give the
/// text `null`.
fn without_null(property: &mut Extra) {
    if let Some(Value::Array(types)) = property.get_mut("type") {
        types.retain(|kind| kind != "null");
        if let [only] = &types[..] {
            let only = only.clone();
            property.insert("type".to_owned(), only);
        }
    }
    if let Some(Value::Array(values)) = property.get_mut("enum") {
        values.retain(|value| !value.is_null());
    }
    if let Some(Value::Array(choices)) = property.get_mut("anyOf") {
        choices.retain(|choice| choice["type"] != "null");
        if let [Value::Object(only)] = &choices[..] {
            let only = only.clone();
            property.remove("anyOf");
            for (key, value) in only {
                // What is said of the parameter itself wins over what is said of its type.
                property.entry(key).or_insert(value);
            }
        }
    }
    if property.get("default").is_some_and(Value::is_null) {
        property.remove("default");
    }
}

fn is_number(format: &str) -> bool {
    matches!(format, "float" | "double" | "int" | "uint")
        || format.trim_start_matches("uint").trim_start_matches("int").parse::<u8>().is_ok()
}

mod under_json {
    use serde::{Deserialize, Deserializer, Serialize, Serializer};
    use serde_json::Value;

    #[derive(Serialize, Deserialize)]
    pub(super) struct Wrapped<T> {
        pub(super) json: T,
    }

    pub(super) fn serialize<S: Serializer>(
        value: &Value,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        Wrapped { json: value }.serialize(serializer)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Value, D::Error> {
        Wrapped::deserialize(deserializer).map(|wrapped| wrapped.json)
    }
}

mod option_under_json {
    use serde::{Deserialize, Deserializer, Serialize, Serializer};
    use serde_json::Value;

    use super::under_json::Wrapped;

    pub(super) fn serialize<S: Serializer>(
        value: &Option<Value>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        value.as_ref().map(|json| Wrapped { json }).serialize(serializer)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Option<Value>, D::Error> {
        Option::<Wrapped<Value>>::deserialize(deserializer)
            .map(|wrapped| wrapped.map(|wrapped| wrapped.json))
    }
}
