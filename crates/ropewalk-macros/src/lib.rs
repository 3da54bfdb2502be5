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

/// Makes a tool of a function or a method, `async` or not.
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
/// # One value after another
///
/// A function that gives an `impl Stream<Item = ..>` (or a `BoxStream` of `futures`) is a streaming
/// tool: each item goes to whoever listens to the agent's stream, as `AgentEvent::ToolStream`, and the
/// last one is the result too, as with Strands' generators. Items serialise, or are a `Result` of what
/// does; an error ends the stream and is the result. Where only some values are to be seen on the way,
/// `ToolContext::send` does that.
///
/// ```
/// use futures_util::stream::{self, Stream};
/// use ropewalk_macros::tool;
///
/// /// Counts down.
/// #[tool]
/// fn count_down(from: u32) -> impl Stream<Item = u32> {
///     stream::iter((0..=from).rev())
/// }
/// ```
///
/// # Methods
///
/// On a method, in an `impl`, the method stays what it is and gets a companion, `name_tool`, which
/// gives the tool of a value that is shared in an `Arc`. The method takes `&self`, because calls run
/// side by side (or `self: Arc<Self>`); what changes stands behind a `Mutex`.
///
/// ```
/// use std::sync::{Arc, Mutex};
///
/// use ropewalk_core::Tool;
/// use ropewalk_macros::tool;
///
/// #[derive(Default)]
/// struct Shelf {
///     books: Mutex<Vec<String>>,
/// }
///
/// impl Shelf {
///     /// Puts a book on the shelf.
///     #[tool(exclusive = "shelf")]
///     async fn put(&self, title: String) -> usize {
///         let mut books = self.books.lock().unwrap();
///         books.push(title);
///         books.len()
///     }
///
///     /// Lists the books.
///     #[tool(read_only)]
///     async fn list(&self) -> Vec<String> {
///         self.books.lock().unwrap().clone()
///     }
/// }
///
/// let shelf = Arc::new(Shelf::default());
/// let tools = [shelf.put_tool(), shelf.list_tool()]; // `.tools(tools)` gives them to an agent
/// assert_eq!(tools[1].spec().name, "list");
/// ```
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
/// | `timeout = "30s"` | how long a call may take (`ms`, `s`, `m`, `h`); see `Tool::timeout` for what happens then |
/// | `exclusive = "key"` | calls with this key never run at once, whichever tools they are of; see `Tool::exclusive_key` |
/// | `read_only` | annotation `readOnlyHint`: it changes nothing. Implies `replay = "pure"` |
/// | `destructive` | annotation `destructiveHint`: it may destroy something |
/// | `idempotent` | annotation `idempotentHint`: the same call again changes nothing more. Implies `replay = "idempotent"` |
/// | `open_world` | annotation `openWorldHint`: it deals with the world outside |
/// | `preview = path` | an `async fn(Value) -> Result<Option<Preview>, BoxError>` that says what a call with these arguments would do, for whoever is asked to approve it; it must have no effect |
/// | `input = Name` | makes the arguments a struct of this name beside the function, which [can be called with it](#calling-it-by-hand) |
/// | `example(..)` | a request that the tool serves; may be repeated; helps very small models |
/// | `crate = path` | where Ropewalk is, if under another name than its own |
///
/// An annotation may also be said not to hold: `destructive = false`.
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
/// # Calling it by hand
///
/// With `input = Name` the arguments are a struct, as visible as the function, that knows its tool: whoever
/// has an agent calls the tool with it, and the compiler checks the arguments. What the tool gave is read with
/// `ToolResult::value`. On methods there can be none.
///
/// ```
/// use ropewalk_core::{Agent, Error};
/// use ropewalk_macros::tool;
/// # use ropewalk_testkit::ScriptedModel;
///
/// /// Adds two numbers.
/// #[tool(input = AddInput)]
/// async fn add(a: i64, b: i64) -> i64 {
///     a + b
/// }
///
/// # tokio::runtime::Builder::new_current_thread().build()?.block_on(async {
/// # let model = ScriptedModel::new([]);
/// let mut agent = Agent::builder().model(model).tools([add]).build().await?;
/// let sum: i64 = agent.call(AddInput { a: 41, b: 1 }).await?.value()?;
/// assert_eq!(sum, 42);
/// # Ok::<(), Error>(()) }).unwrap();
/// # Ok::<(), std::io::Error>(())
/// ```
///
/// # Testing it
///
/// `add().try_out(json)` calls the tool as an agent would. The name now stands for the tool; only
/// within the function's own body does it still mean the function.
///
/// # Errors
/// It does not compile if there is no description; on methods that take `&mut self` or `self`, generic
/// functions, borrowed parameters and patterns; with options that it does not know.
#[proc_macro_attribute]
pub fn tool(options: TokenStream, item: TokenStream) -> TokenStream {
    expand::tool(options.into(), item.into()).into()
}
