use std::sync::Arc;

use ropewalk_macros::tool;

struct Bucket;

impl Bucket {
    /// Empties the bucket.
    #[tool]
    async fn empty(&mut self) {}

    /// Throws the bucket away.
    #[tool]
    async fn drop_it(self) {}

    /// Keeps it in a box.
    #[tool]
    async fn boxed(self: Box<Self>) {}

    /// Puts something into it.
    #[tool(preview = Self::shown)]
    async fn put(&self, thing: String) -> String {
        thing
    }

    /// Looks into it.
    #[tool(input = Look)]
    async fn look(&self) {}
}

fn main() {
    let bucket = Arc::new(Bucket);
    // What is wrong is said once: the tools are there all the same.
    let _ = [bucket.empty_tool(), bucket.put_tool()];
}
