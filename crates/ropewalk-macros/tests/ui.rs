//! What the compiler says where `#[tool]` can't make a tool.

#[test]
fn errors() {
    trybuild::TestCases::new().compile_fail("tests/ui/*.rs");
}
