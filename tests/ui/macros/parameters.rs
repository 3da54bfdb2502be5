use ropewalk_macros::tool;

/// Lists.
#[tool]
async fn contexts(a: ropewalk_core::ToolContext, prefix: String, b: ropewalk_core::ToolContext) {}

/// Lists.
#[tool]
async fn attribute(#[inline] prefix: String) {}

/// Lists.
#[tool]
async fn option(#[tool(optional)] prefix: String) {}

/// Lists.
///
/// # Arguments
/// * `prefx` - with this the names begin
#[tool]
async fn misspelt(prefix: String) {}

/// Lists.
///
/// # Arguments
/// * `prefix` - with this the names begin
#[tool]
async fn described_twice(
    /// with this the names begin
    prefix: String,
) {
}

fn main() {}
