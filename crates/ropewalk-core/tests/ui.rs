//! What must not compile: each file in `tests/ui` with what the compiler says of it.
#![allow(missing_docs)]

#[test]
fn what_the_compiler_must_refuse_is_refused() {
    trybuild::TestCases::new().compile_fail("tests/ui/*.rs");
}
