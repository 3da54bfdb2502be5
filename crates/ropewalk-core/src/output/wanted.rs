//! What somebody wants of an answer: an agent always, or a caller once.

use super::OutputSchema;

/// What somebody wants of an answer.
#[derive(Clone, Debug, Default)]
pub(crate) struct Wanted {
    pub(crate) schema: Option<OutputSchema>,
    pub(crate) prompt: Option<String>,
    pub(crate) corrections: Option<u32>,
}

impl Wanted {
    /// The form, where what is not said here is taken from there.
    pub(crate) fn or(&self, default: &Self) -> Option<OutputSchema> {
        let mut schema = self.schema.clone().or_else(|| default.schema.clone())?;
        if let Some(prompt) = self.prompt.as_ref().or(default.prompt.as_ref()) {
            schema = schema.with_prompt(prompt);
        }
        Some(match self.corrections.or(default.corrections) {
            Some(corrections) => schema.with_corrections(corrections),
            None => schema,
        })
    }
}
