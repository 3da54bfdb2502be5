use ropewalk_macros::tool;

/// Lists.
#[tool(title = "List")]
async fn unknown() {}

/// Lists.
#[tool(replay = "twice")]
async fn replay() {}

/// Lists.
#[tool(name = "list objects")]
async fn name() {}

/// Lists.
#[tool(name = "a", name = "b")]
async fn twice() {}

/// Lists.
#[tool(description = "")]
async fn empty() {}

/// Lists.
#[tool(timeout = "soon")]
async fn timeout() {}

/// Lists.
#[tool(exclusive = " ")]
async fn exclusive() {}

/// Lists.
#[tool(read_only, destructive)]
async fn both() {}

/// Lists.
#[tool(read_only = "yes")]
async fn flag() {}

fn main() {}
