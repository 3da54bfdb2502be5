use super::{one_line, plain};

#[test]
fn escapes_become_visible() {
    assert_eq!(plain("rm -rf x\u{1b}[2K\rls"), "rm -rf x\\u{1b}[2K\\u{d}ls");
    assert_eq!(plain("a\u{202e}b"), "a\\u{202e}b");
    assert_eq!(plain("a\n\tb — ü"), "a\n\tb — ü");
}

#[test]
fn long_texts_are_cut_and_say_so() {
    assert_eq!(one_line("abc\ndef", 100), "abc ⏎ def");
    assert_eq!(one_line("abcdef", 4), "abc…");
}
