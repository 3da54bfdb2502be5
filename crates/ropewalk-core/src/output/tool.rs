//! The tool through which a model gives the value.

use std::fmt::Write as _;

use serde_json::Value;

use super::OutputSchema;
use crate::error::BoxError;
use crate::model::ToolSpec;
use crate::tool::{BoxFuture, Replay, Tool, ToolContext, ToolOutput};
use crate::validate::Violation;

/// The tool through which a model gives the value: it checks it and does nothing else. What it takes,
/// the run keeps.
pub(crate) struct OutputTool {
    schema: OutputSchema,
    spec: ToolSpec,
}

impl OutputTool {
    pub(crate) fn new(schema: OutputSchema) -> Self {
        Self { spec: schema.tool_spec(), schema }
    }
}

impl Tool for OutputTool {
    fn spec(&self) -> &ToolSpec {
        &self.spec
    }

    fn call(&self, input: Value, _: ToolContext) -> BoxFuture<'_, Result<ToolOutput, BoxError>> {
        let name = &self.spec.name;
        let output = match self.schema.check_or_refuse(&input) {
            Ok(_) => ToolOutput::text(format!("The `{name}` is taken.")),
            Err(refusal) => ToolOutput::error(refusal),
        };
        Box::pin(std::future::ready(Ok(output)))
    }

    fn checks_input(&self) -> bool {
        true
    }

    fn replay(&self) -> Replay {
        Replay::Pure
    }
}

/// What the model is told of a value that does not have the form.
pub(super) fn refusal(name: &str, violations: &[Violation]) -> String {
    let mut text = format!("This is no valid `{name}`. Correct it and give all of it again:");
    for violation in violations {
        // Writing into a text does not fail.
        let _ = write!(text, "\n{violation}");
    }
    text
}
