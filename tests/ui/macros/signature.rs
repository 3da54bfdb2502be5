use ropewalk_macros::tool;

/// Lists.
#[tool]
async fn generic<T: Send>(prefix: T) -> String {
    String::new()
}

/// Lists.
#[tool]
async fn anything(prefix: impl Send) -> String {
    String::new()
}

/// Lists.
#[tool]
async fn borrowed(prefix: &str) -> String {
    prefix.to_owned()
}

/// Lists.
#[tool]
async fn pattern((a, b): (u8, u8)) -> u8 {
    a + b
}

/// Lists.
#[tool]
async unsafe fn dangerous() {}

fn main() {}
