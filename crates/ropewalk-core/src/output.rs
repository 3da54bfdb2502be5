//! The form that an answer must have: where it comes from, how a model is told, how it is checked.

mod convert;
mod error;
mod lenient;
mod partial;
mod schema;
mod spec;
mod text;
mod tool;
mod typed;
mod wanted;

pub use error::OutputError;
pub(crate) use partial::PartialOutput;
pub use partial::partial_json;
pub use schema::{OutputSchema, StructuredOutput};
pub use spec::OutputSpec;
pub(crate) use text::read;
pub(crate) use tool::OutputTool;
pub use typed::Output;
pub(crate) use wanted::Wanted;

/// What a model is told when it has ended its turn without the value (the user's message of the
/// forcing turn).
pub const DEFAULT_OUTPUT_PROMPT: &str =
    "Give the answer that you have just given once more, now in the form that was asked for.";

/// How often a model may correct a value that does not have the form asked for.
pub const DEFAULT_OUTPUT_CORRECTIONS: u32 = 3;
