//! Checking JSON against its JSON Schema, where the build can (feature `validate`).

use std::fmt;

use serde_json::Value;

use crate::error::{Error, ErrorKind};

/// What is wrong at one place of a value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Violation {
    /// The keys and indexes that lead there; none for the value itself.
    pub(crate) path: Vec<String>,
    /// What is wrong.
    pub(crate) message: String,
}

impl fmt::Display for Violation {
    /// One line as Strands writes it: `- Field 'address -> city': …`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let place = if self.path.is_empty() { "root".to_owned() } else { self.path.join(" -> ") };
        write!(f, "- Field '{place}': {}", self.message)
    }
}

/// A JSON Schema, ready to check values.
#[derive(Debug)]
pub(crate) struct Validator {
    #[cfg(feature = "validate")]
    compiled: jsonschema::Validator,
    #[cfg(not(feature = "validate"))]
    compiled: std::convert::Infallible,
}

/// True if this build can check values against schemas.
pub(crate) const AVAILABLE: bool = cfg!(feature = "validate");

#[cfg(feature = "validate")]
impl Validator {
    /// A validator for this schema. References that leave it are not followed.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidInput`] if it is no JSON Schema.
    pub(crate) fn new(schema: &Value) -> Result<Self, Error> {
        match jsonschema::validator_for(schema) {
            Ok(compiled) => Ok(Self { compiled }),
            Err(error) => {
                let place = error.instance_path().as_str();
                let place = if place.is_empty() { "its root" } else { place };
                let text = format!("this is no usable JSON Schema, at {place}: {error}");
                Err(Error::new(ErrorKind::InvalidInput, text))
            }
        }
    }

    /// What is wrong with a value; nothing if it follows the schema.
    pub(crate) fn check(&self, value: &Value) -> Vec<Violation> {
        if self.compiled.is_valid(value) {
            return Vec::new();
        }
        self.compiled.iter_errors(value).map(|error| violation(&error)).collect()
    }
}

#[cfg(feature = "validate")]
fn violation(error: &jsonschema::ValidationError<'_>) -> Violation {
    use jsonschema::error::ValidationErrorKind;

    let mut path: Vec<String> =
        error.instance_path().segments().map(|segment| segment.to_string()).collect();
    // What is missing is named by its own place.
    if let ValidationErrorKind::Required { property } = error.kind()
        && let Some(name) = property.as_str()
    {
        path.push(name.to_owned());
        return Violation { path, message: "is missing".to_owned() };
    }
    Violation { path, message: error.to_string() }
}

#[cfg(not(feature = "validate"))]
impl Validator {
    /// Refuses: this build has no validator.
    ///
    /// # Errors
    /// [`ErrorKind::Unsupported`].
    pub(crate) fn new(_: &Value) -> Result<Self, Error> {
        let text = "this build can't check JSON against a JSON Schema: switch on the feature `validate` of ropewalk-core (`ropewalk` has it by default)";
        Err(Error::new(ErrorKind::Unsupported, text))
    }

    /// Never called: there is no validator.
    pub(crate) fn check(&self, _: &Value) -> Vec<Violation> {
        match self.compiled {}
    }
}
