// Nothing but the documentation of `#[tool]`, so that its examples are tested here.
#![doc = include_str!("../../crates/ropewalk-macros/src/tool.md")]
