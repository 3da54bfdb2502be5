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

fn main() {}
