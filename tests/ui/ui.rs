//! What must not compile: each file in `core` and `macros`, with what the compiler says of it.
//!
//! They stand together, and apart from their crates, for what they need is built once and is little: the crates' own
//! tests need far more than these do.
#![allow(missing_docs)]

#[test]
fn what_the_compiler_must_refuse_is_refused() {
    let cases = trybuild::TestCases::new();
    cases.compile_fail("core/*.rs");
    cases.compile_fail("macros/*.rs");
}
