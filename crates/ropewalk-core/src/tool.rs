//! The tools an agent may call.

mod arguments;
mod context;
mod definition;
mod executor;
mod failure;
mod function;
mod input;
mod into;
mod key;
mod lease;
mod method;
mod name;
mod normal;
mod output;
mod provider;
mod registry;
mod stream;

use std::borrow::Cow;
use std::pin::Pin;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::error::BoxError;
use crate::interrupt::Preview;
use crate::model::ToolSpec;

pub use arguments::ToolInput;
pub(crate) use context::Progress;
pub use context::ToolContext;
pub use executor::ToolExecutor;
pub use failure::ToolFailure;
pub use function::FunctionTool;
pub(crate) use input::unquote;
pub use into::IntoTool;
pub(crate) use key::CallKey;
pub(crate) use lease::Lease;
pub use method::MethodTool;
pub use name::tool_name_problem;
pub use output::{IntoToolOutput, ToolOutput};
pub use provider::{DynamicTools, ToolProvider};
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
    /// Any error becomes an error result that the model reads (`Error: <text>`, with the texts of its
    /// causes; a [`ToolFailure`] keeps these from it), except an
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

    /// How long a call may take; unless said otherwise, what the [`ToolExecutor`] says.
    ///
    /// When the time is over, [`ToolContext::cancel`] is cancelled; what has not ended two seconds later
    /// is given up. The model then gets an error result. Of a tool with [`Replay::Never`] nobody knows
    /// what it did: its call counts as one of unknown outcome, which no hook can have made again.
    /// A blocking function can't be stopped: it goes on, and nobody waits for it.
    fn timeout(&self) -> Option<Duration> {
        None
    }

    /// Calls with the same key never run at once, in all agents of one
    /// [`Blueprint`](crate::Blueprint) (other processes know nothing of it). Unless said otherwise: they
    /// may. The key may depend on the arguments, as where each account is to be changed by one call at
    /// a time. A call that waits for its key has not begun, and its timeout does not run yet.
    ///
    /// Do not wait, in a tool, for another call with the same key: it waits for this one.
    fn exclusive_key<'a>(&'a self, input: &'a Value) -> Option<Cow<'a, str>> {
        let _ = input;
        None
    }

    /// True if the tool itself refuses arguments that do not fit its schema, as those with `#[tool]`
    /// do. Of all others the arguments are checked before they run, where the build can do so (feature
    /// `validate`).
    fn checks_input(&self) -> bool {
        false
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

    pub use super::definition::ToolDefinition;
    pub use super::input::parse_input;
    pub use super::output::{run_blocking, run_blocking_in};
    pub use super::stream::{stream_item, stream_output};
    pub use super::{
        BoxFuture, FunctionTool, IntoToolOutput, MethodTool, Replay, ToolContext, ToolInput,
        ToolOutput,
    };
    pub use crate::error::BoxError;
    pub use crate::interrupt::Preview;
    pub use crate::model::{ToolExample, ToolSpec, schema_of};
}
