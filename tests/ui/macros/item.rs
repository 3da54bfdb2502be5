use ropewalk_macros::tool;

/// A bucket.
#[tool]
struct Bucket;

fn main() {}
