use ropewalk_macros::tool;

#[tool]
async fn list(prefix: String) -> String {
    prefix
}

/// # Arguments
/// * `prefix` - with this the names begin
#[tool]
async fn only_arguments(prefix: String) -> String {
    prefix
}

fn main() {}
