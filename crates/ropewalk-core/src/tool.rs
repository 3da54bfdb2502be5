//! The tools an agent may call.

mod context;
mod function;
mod input;
mod name;
mod output;
mod registry;

use std::pin::Pin;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::error::BoxError;
use crate::interrupt::Preview;
use crate::model::ToolSpec;

pub(crate) use context::Progress;
pub use context::ToolContext;
pub use function::{FunctionTool, IntoTool};
pub(crate) use input::unquote;
pub use name::tool_name_problem;
pub use output::{IntoToolOutput, ToolOutput};
pub use registry::ToolRegistry;

/// A future on the heap.
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// Something that the model may ask for and the agent then runs.
///
/// Most tools are functions with `#[tool]`; this trait is what that writes, and what a tool whose
/// schema is known only at run time implements.
///
/// ```
/// use ropewalk_core::{BoxError, BoxFuture, Tool, ToolContext, ToolOutput, ToolSpec};
/// use serde_json::{Value, json};
///
/// #[derive(Debug)]
/// struct Reverse(ToolSpec);
///
/// impl Tool for Reverse {
///     fn spec(&self) -> &ToolSpec {
///         &self.0
///     }
///
///     fn call(&self, input: Value, _: ToolContext) -> BoxFuture<'_, Result<ToolOutput, BoxError>> {
///         Box::pin(async move {
///             let text = input["text"].as_str().ok_or("`text` must be a string")?;
///             Ok(ToolOutput::text(text.chars().rev().collect::<String>()))
///         })
///     }
/// }
///
/// let schema = json!({"type": "object", "properties": {"text": {"type": "string"}}});
/// let tool = Reverse(ToolSpec::new("reverse", "Reverses a text.", schema));
/// assert_eq!(tool.spec().name, "reverse");
/// ```
pub trait Tool: Send + Sync + 'static {
    /// What the model is told about the tool.
    fn spec(&self) -> &ToolSpec;

    /// Runs the tool once. `input` is what the model gave, or what a hook made of it.
    ///
    /// # Errors
    /// Any error becomes an error result that the model reads (`Error: <text>`), except an
    /// [`InterruptException`](crate::InterruptException), which stops the run until it is answered;
    /// the call is then made again from its beginning.
    fn call(
        &self,
        input: Value,
        context: ToolContext,
    ) -> BoxFuture<'_, Result<ToolOutput, BoxError>>;

    /// What a call with these arguments would do, for whoever is asked to approve it: a text or a
    /// diff. It must have no effect. Unless said otherwise: none is shown.
    ///
    /// # Errors
    /// It can't be said; whoever asks shows why.
    fn preview<'a>(&'a self, input: &'a Value) -> BoxFuture<'a, Result<Option<Preview>, BoxError>> {
        let _ = input;
        Box::pin(std::future::ready(Ok(None)))
    }

    /// What may be done with a call of which nobody knows whether it ran, because the process died
    /// in it. Unless said otherwise: nothing.
    fn replay(&self) -> Replay {
        Replay::Never
    }
}

/// What may be done with a call of which nobody knows whether it ran.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Replay {
    /// It is not run again: the model and the person are told that its outcome is unknown.
    #[default]
    Never,
    /// It is run again with the same [idempotency key](ToolContext::idempotency_key).
    Idempotent,
    /// It has no effects: it is run again.
    Pure,
}

/// What `#[tool]` writes its code with. Not part of the interface.
#[doc(hidden)]
pub mod macro_support {
    pub use schemars;
    pub use serde;
    pub use serde_json;

    pub use super::function::FunctionDefinition;
    pub use super::input::parse_input;
    pub use super::output::run_blocking;
    pub use super::{BoxFuture, FunctionTool, IntoToolOutput, Replay, ToolContext, ToolOutput};
    pub use crate::error::BoxError;
    pub use crate::interrupt::Preview;
    pub use crate::model::{ToolExample, ToolSpec, schema_of};
}
