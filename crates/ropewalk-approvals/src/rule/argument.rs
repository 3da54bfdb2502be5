//! The arguments that a rule looks at.

use serde_json::Value;

use super::pattern::{Fit, Pattern};

/// What an argument must look like.
#[derive(Clone, Debug)]
pub(crate) struct Argument {
    pointer: String,
    pattern: Pattern,
}

impl Argument {
    /// # Errors
    /// Says what is wrong with the path or the glob.
    pub(crate) fn new(path: &str, glob: &str) -> Result<Self, String> {
        let pattern = Pattern::new(glob).map_err(|why| format!("argument `{path}`: {why}"))?;
        Ok(Self { pointer: pointer(path)?, pattern })
    }

    /// Whether the argument fits. One that is missing, or that is neither text, a whole number, true
    /// nor false, can't be judged. Of a list, every item must fit.
    pub(crate) fn fits(&self, input: &Value) -> Fit {
        input.pointer(&self.pointer).map_or(Fit::Unsure, |value| self.fits_value(value))
    }

    fn fits_value(&self, value: &Value) -> Fit {
        match value {
            Value::String(text) => self.pattern.fits_text(text),
            Value::Bool(_) => self.pattern.fits_text(&value.to_string()),
            Value::Number(number) if !number.is_f64() => self.pattern.fits_text(&value.to_string()),
            Value::Array(items) => {
                let mut fits = items.iter().map(|item| self.fits_value(item));
                let Some(first) = fits.next() else { return Fit::Unsure };
                fits.fold(first, |all, fit| if fit == all { all } else { Fit::Unsure })
            }
            Value::Null | Value::Number(_) | Value::Object(_) => Fit::Unsure,
        }
    }
}

/// `a.b` and `/a/b` as a JSON pointer.
///
/// # Errors
/// Says what is wrong with it.
pub(crate) fn pointer(path: &str) -> Result<String, String> {
    if path.starts_with('/') {
        return Ok(path.to_owned());
    }
    if path.split('.').any(str::is_empty) {
        return Err(format!(
            "`{path}` names no argument: use its name, `outer.inner`, or a JSON pointer (`/outer/in.ner`)"
        ));
    }
    Ok(path
        .split('.')
        .map(|part| format!("/{}", part.replace('~', "~0").replace('/', "~1")))
        .collect())
}
