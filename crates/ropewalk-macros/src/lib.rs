//! The `#[tool]` attribute of Ropewalk: a function becomes a tool that a model may call.
//!
//! Use it through the `ropewalk` facade, which re-exports it.

mod docs;
mod expand;
mod json;
mod options;
mod paths;
mod signature;

use proc_macro::TokenStream;

/// Makes a tool of a free function, `async` or not.
///
/// `#[tool] async fn add(a: i64, b: i64) -> i64` becomes `fn add() -> FunctionTool`, and the name
/// `add` can be handed to an agent as it is: `.tools([add, subtract])`. A function that is not
/// `async` runs on a thread where it may block.
///
/// ```
/// use ropewalk_core::{Tool, ToolResult};
/// use ropewalk_macros::tool;
/// use serde_json::json;
///
/// /// Adds two numbers.
/// ///
/// /// # Arguments
/// /// * `a` - the first number
/// /// * `b` - what to add to it
/// #[tool(replay = "pure")]
/// async fn add(a: i64, #[tool(default = 1)] b: i64) -> Result<i64, String> {
///     a.checked_add(b).ok_or_else(|| format!("{a} + {b} is too large"))
/// }
///
/// # tokio::runtime::Builder::new_current_thread().build()?.block_on(async {
/// assert_eq!(add.spec().description, "Adds two numbers.");
/// assert_eq!(add.spec().input_schema["properties"]["b"]["description"], "what to add to it");
///
/// let result = add().try_out(json!({"a": 41})).await;
/// assert_eq!(result, ToolResult::success("try_out", "42"));
/// # });
/// # Ok::<(), std::io::Error>(())
/// ```
///
/// # What the model is told
///
/// The description is the doc comment, without its `# Arguments` section. That section's entries
/// (``* `name` - text``), or a doc comment on the parameter itself, describe the parameters. The
/// schema of the arguments is made from their types by `schemars`; `#[serde(..)]` and
/// `#[schemars(..)]` on a parameter do what they do on a field:
///
/// ```
/// use ropewalk_macros::tool;
///
/// /// Sends a letter.
/// #[tool]
/// async fn send(
///     /// where it goes
///     #[schemars(regex(pattern = "^[0-9]{4}$"))]
///     post_code: String,
///     #[serde(default)] express: bool,
///     /// what stands above the text
///     title: Option<String>,
/// ) -> String {
///     format!("to {post_code}, express {express}: {title:?}")
/// }
/// ```
///
/// A parameter of type `Option<_>` may be left out, as may one with `#[tool(default = value)]` or
/// `#[serde(default)]`. A parameter of type `ToolContext` is not part of the schema: it gives the
/// function its call's context (the agent, questions to a person, cancelling).
///
/// # What the function may return
///
/// Anything that is `IntoToolOutput`: a string becomes a text, everything else that serialises its
/// JSON, a `ToolOutput` is itself. Or a `Result` (of that name) of such a value and any error that
/// can be boxed, `anyhow::Error` and `String` too: an error becomes an error result, which the
/// model reads. An `InterruptException` stops the run until it is answered.
///
/// # Options
///
/// | option | meaning |
/// |---|---|
/// | `name = ".."` | the tool's name, if not the function's |
/// | `description = ".."` | the description, if not the doc comment |
/// | `replay = "never"` | a call of which nobody knows whether it ran is not run again (the default) |
/// | `replay = "idempotent"` | it is run again with the same idempotency key |
/// | `replay = "pure"` | it has no effects and is run again |
/// | `preview = path` | an `async fn(Value) -> Result<Option<Preview>, BoxError>` that says what a call with these arguments would do, for whoever is asked to approve it; it must have no effect |
/// | `example(..)` | a request that the tool serves; may be repeated; helps very small models |
/// | `crate = path` | where Ropewalk is, if under another name than its own |
///
/// ```
/// use ropewalk_core::Tool;
/// use ropewalk_macros::tool;
///
/// /// Tells what a stock costs.
/// #[tool(
///     name = "stock_price",
///     replay = "pure",
///     example(
///         request = "How much is ACME?",
///         input = {"symbol": "ACME"},
///         result = "12.50 USD",
///         answer = "ACME costs 12.50 dollars.",
///     )
/// )]
/// fn price(symbol: String) -> String {
///     format!("{symbol}: 12.50 USD")
/// }
///
/// assert_eq!(price.spec().name, "stock_price");
/// assert_eq!(price.spec().examples[0].input["symbol"], "ACME");
/// ```
///
/// # Testing it
///
/// `add().try_out(json)` calls the tool as an agent would. The name now stands for the tool; only
/// within the function's own body does it still mean the function.
///
/// # Errors
/// It does not compile if there is no description; on methods, generic functions, borrowed
/// parameters and patterns; with options that it does not know.
#[proc_macro_attribute]
pub fn tool(options: TokenStream, item: TokenStream) -> TokenStream {
    expand::tool(options.into(), item.into()).into()
}
