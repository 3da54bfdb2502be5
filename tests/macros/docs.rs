#![doc = include_str!("../../crates/ropewalk-macros/src/tool.md")]
