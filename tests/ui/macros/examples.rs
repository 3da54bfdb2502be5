use ropewalk_macros::tool;

/// Lists.
#[tool(example(request = "List", input = {"prefix": a}))]
async fn value(prefix: String) {}

/// Lists.
#[tool(example(request = "List", input = {prefix: "a"}))]
async fn key(prefix: String) {}

/// Lists.
#[tool(example(request = "List", input = r#"{"prefix": "a""#))]
async fn text(prefix: String) {}

/// Lists.
#[tool(example(request = "List", input = "[1]"))]
async fn array(prefix: String) {}

/// Lists.
#[tool(example(request = "List"))]
async fn missing(prefix: String) {}

/// Lists.
#[tool(example(request = "List", input = {}, output = "a"))]
async fn unknown(prefix: String) {}

fn main() {}
