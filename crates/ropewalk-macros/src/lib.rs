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

// Its examples are tested in `tests/macros`, which has what they need.
#[cfg_attr(not(doctest), doc = include_str!("tool.md"))]
#[proc_macro_attribute]
pub fn tool(options: TokenStream, item: TokenStream) -> TokenStream {
    expand::tool(options.into(), item.into()).into()
}
