use ropewalk_macros::tool;

struct Bucket;

impl Bucket {
    /// Lists the objects.
    #[tool]
    async fn list(&self, prefix: String) -> String {
        prefix
    }
}

fn main() {}
