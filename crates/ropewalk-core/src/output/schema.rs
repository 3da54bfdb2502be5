//! The form that an answer must have: from a type, or from a JSON Schema.

use std::convert::Infallible;
use std::fmt;
use std::sync::Arc;

use schemars::JsonSchema;
use serde::de::DeserializeOwned;
use serde_json::Value;
use serde_path_to_error::Segment;

use super::convert::{WRAP, is_of_object, schema_of, wrapped};
use super::{DEFAULT_OUTPUT_CORRECTIONS, DEFAULT_OUTPUT_PROMPT, OutputSpec, OutputTool};
use crate::error::{Error, ErrorKind};
use crate::model::ToolSpec;
use crate::tool::ToolRegistry;
use crate::validate::{self, Validator, Violation};

/// What an answer can be asked for as: every type that derives `serde::Deserialize` and
/// `schemars::JsonSchema`.
#[diagnostic::on_unimplemented(
    message = "an agent can't be asked for a `{Self}`",
    note = "derive `serde::Deserialize` and `schemars::JsonSchema` for it"
)]
pub trait StructuredOutput: DeserializeOwned + JsonSchema + Send + 'static {}

impl<T: DeserializeOwned + JsonSchema + Send + 'static> StructuredOutput for T {}

/// The form that an answer must have (Strands' structured output): made of a type, or of a JSON Schema.
/// Cheap to clone.
///
/// ```
/// use ropewalk_core::OutputSchema;
/// use schemars::JsonSchema;
/// use serde::Deserialize;
///
/// /// A city and how many live there.
/// #[derive(Deserialize, JsonSchema)]
/// struct City {
///     name: String,
///     inhabitants: Option<u64>,
/// }
///
/// let schema = OutputSchema::of::<City>()?;
/// assert_eq!(schema.name(), "City");
/// assert_eq!(schema.json()["required"], serde_json::json!(["name"]));
/// # Ok::<(), ropewalk_core::Error>(())
/// ```
#[derive(Clone)]
pub struct OutputSchema {
    spec: OutputSpec,
    checks: Arc<Checks>,
}

/// How a value is checked.
struct Checks {
    /// Against the schema. None if this build can't.
    validator: Option<Validator>,
    /// By making the type of it, where there is one.
    parse: Option<Parse>,
}

type Parse = fn(&Value) -> Result<(), Violation>;

impl OutputSchema {
    /// The form of a type. The name is the type's, the description the first words of its docs. A type
    /// that is no object (`Vec<City>`, an enum with data, a number) is asked for as an object that holds
    /// it under the key `value`; what comes back is the value itself.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidInput`] if what the type says of itself is no JSON Schema.
    pub fn of<T: StructuredOutput>() -> Result<Self, Error> {
        let schema = schema_of::<T>();
        let name = T::schema_name();
        Self::new(&name, schema, Some(parses::<T>))
            .map_err(|error| error.context(format!("the type `{name}` can't be asked for")))
    }

    /// The form that a JSON Schema describes. The name is its `title` (or `output`), the description its
    /// `description`. References that leave the schema are not followed.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidInput`] if it is no JSON Schema; [`ErrorKind::Unsupported`] if this build
    /// has not the feature `validate`, without which nothing could be checked against it.
    pub fn from_json(schema: Value) -> Result<Self, Error> {
        if !schema.is_object() {
            let text = format!("`{schema}` is no JSON Schema of an answer: give an object");
            return Err(Error::new(ErrorKind::InvalidInput, text));
        }
        if !validate::AVAILABLE {
            Validator::new(&schema)?;
        }
        let title = schema.get("title").and_then(Value::as_str).unwrap_or_default().to_owned();
        Self::new(&title, schema, None)
    }

    /// The form that was stored with a run.
    ///
    /// # Errors
    /// As for [`from_json`](Self::from_json).
    pub(crate) fn stored(spec: &OutputSpec) -> Result<Self, Error> {
        let validator = Validator::new(&spec.schema).map_err(|error| {
            let name = &spec.name;
            error.context(format!("the answer must be a `{name}` (or give the type: `resume_as`)"))
        })?;
        let checks = Arc::new(Checks { validator: Some(validator), parse: None });
        Ok(Self { spec: spec.clone(), checks })
    }

    fn new(name: &str, schema: Value, parse: Option<Parse>) -> Result<Self, Error> {
        let name = tool_name(name);
        let said = schema.get("description").and_then(Value::as_str);
        let description = describe(&match said {
            Some(text) => text.to_owned(),
            None => format!("{name} structured output tool"),
        });
        let is_wrapped = !is_of_object(&schema);
        let schema = Arc::new(if is_wrapped { wrapped(schema) } else { schema });
        let validator = validate::AVAILABLE.then(|| Validator::new(&schema)).transpose()?;
        let spec = OutputSpec {
            name,
            description,
            schema,
            wrapped: is_wrapped,
            prompt: DEFAULT_OUTPUT_PROMPT.to_owned(),
            corrections: DEFAULT_OUTPUT_CORRECTIONS,
        };
        Ok(Self { spec, checks: Arc::new(Checks { validator, parse }) })
    }

    /// Another name. What no tool may be called (see [`tool_name_problem`](crate::tool_name_problem))
    /// is made so.
    #[must_use]
    pub fn with_name(mut self, name: impl AsRef<str>) -> Self {
        self.spec.name = tool_name(name.as_ref());
        self
    }

    /// What the model is told about the answer, in place of what the schema says.
    #[must_use]
    pub fn with_description(mut self, description: impl AsRef<str>) -> Self {
        self.spec.description = describe(description.as_ref());
        self
    }

    pub(crate) fn with_prompt(mut self, prompt: &str) -> Self {
        prompt.clone_into(&mut self.spec.prompt);
        self
    }

    pub(crate) fn with_corrections(mut self, corrections: u32) -> Self {
        self.spec.corrections = corrections;
        self
    }

    /// The name: that of the type, as far as a tool can have it.
    pub fn name(&self) -> &str {
        &self.spec.name
    }

    /// The JSON Schema that the model is told: always that of an object.
    pub fn json(&self) -> &Value {
        &self.spec.schema
    }

    /// What the model is told of the tool through which it gives the value.
    pub(crate) fn tool_spec(&self) -> ToolSpec {
        let OutputSpec { name, description, schema, .. } = &self.spec;
        ToolSpec::new(name, description, Value::clone(schema))
    }

    /// The tools with the one through which the model gives the value.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidInput`] if one of them has its name.
    pub(crate) fn added_to(&self, tools: &ToolRegistry) -> Result<ToolRegistry, Error> {
        let mut tools = tools.clone();
        let added = tools.add(Arc::new(OutputTool::new(self.clone())));
        added.map(|()| tools).map_err(|error| {
            error.context(format!(
                "the structured output `{}` is given through a tool of its name (`OutputSchema::with_name` gives it another)",
                self.name()
            ))
        })
    }

    pub(crate) fn spec(&self) -> &OutputSpec {
        &self.spec
    }

    /// The value in what a model gave, or what it is told of it.
    pub(crate) fn check_or_refuse(&self, given: &Value) -> Result<Value, String> {
        self.check(given).map_err(|violations| super::tool::refusal(self.name(), &violations))
    }

    /// The value in what a model gave, or what is wrong with it.
    fn check(&self, given: &Value) -> Result<Value, Vec<Violation>> {
        let given = super::lenient::unquoted(given, &self.spec.schema);
        if let Some(validator) = &self.checks.validator {
            let violations = validator.check(&given);
            if !violations.is_empty() {
                return Err(violations);
            }
        }
        if self.spec.wrapped && given.get(WRAP).is_none() {
            let message = "is missing".to_owned();
            return Err(vec![Violation { path: vec![WRAP.to_owned()], message }]);
        }
        let value = self.spec.value_of(&given);
        if let Some(parse) = self.checks.parse {
            parse(&value).map_err(|mut violation| {
                if self.spec.wrapped {
                    violation.path.insert(0, WRAP.to_owned());
                }
                vec![violation]
            })?;
        }
        Ok(value)
    }
}

impl TryFrom<Value> for OutputSchema {
    type Error = Error;

    fn try_from(schema: Value) -> Result<Self, Error> {
        Self::from_json(schema)
    }
}

impl From<Infallible> for Error {
    fn from(never: Infallible) -> Self {
        match never {}
    }
}

impl fmt::Debug for OutputSchema {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OutputSchema")
            .field("name", &self.spec.name)
            .field("json", &self.spec.schema)
            .finish_non_exhaustive()
    }
}

fn parses<T: DeserializeOwned>(value: &Value) -> Result<(), Violation> {
    serde_path_to_error::deserialize::<_, T>(value).map(drop).map_err(|error| {
        let path = error.path().iter().filter_map(|segment| match segment {
            Segment::Seq { index } => Some(index.to_string()),
            Segment::Map { key } => Some(key.clone()),
            Segment::Enum { variant } => Some(variant.clone()),
            Segment::Unknown => None,
        });
        Violation { path: path.collect(), message: error.inner().to_string() }
    })
}

/// What a tool can be called, as near to the name as that is possible.
fn tool_name(name: &str) -> String {
    let fits = |c: char| if c.is_ascii_alphanumeric() || c == '_' || c == '-' { c } else { '_' };
    let name: String = name.trim().chars().map(fits).take(64).collect();
    if name.is_empty() { "output".to_owned() } else { name }
}

fn describe(what: &str) -> String {
    format!(
        "Gives the answer in the form that was asked for. Call it last, when there is nothing left to find out or to do.\n<description>{what}</description>"
    )
}
