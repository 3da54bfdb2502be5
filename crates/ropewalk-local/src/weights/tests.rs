#![allow(clippy::unwrap_used)]

use super::ModelSource;

#[test]
fn sources_are_read_and_written() {
    for (text, again) in [
        ("local", "local"),
        ("local:", "local"),
        ("local:./m.gguf", "local:./m.gguf"),
        ("local:m.gguf", "local:m.gguf"),
        ("local:/x/y.gguf", "local:/x/y.gguf"),
        ("local:owner/name/file.gguf", "local:owner/name/file.gguf"),
        ("local:owner/name/sub/file.gguf", "local:owner/name/sub/file.gguf"),
    ] {
        assert_eq!(ModelSource::parse(text).unwrap().to_string(), again);
    }
    let error = ModelSource::parse("local:tinyllama").unwrap_err();
    assert!(error.to_string().contains("local:/path"), "{error}");
    assert!(ModelSource::parse("local:a/b.gguf").is_err());
}
