use super::watch::{Seen, Watch};

fn feed(pieces: &[&str]) -> (String, bool) {
    let mut watch = Watch::new(false, false);
    let mut shown = String::new();
    for piece in pieces {
        match watch.push(piece) {
            Seen::Text(text) => shown.push_str(&text),
            Seen::Call => return (shown, true),
        }
    }
    (shown + &watch.rest(), false)
}

#[test]
fn calls_are_seen_in_every_familys_way() {
    assert_eq!(feed(&["<tool", "_call>", "\n"]), (String::new(), true));
    assert_eq!(feed(&["Let me see. <", "tool_call>"]), ("Let me see. ".into(), true));
    assert_eq!(feed(&["{", "\"na", "me\": \"x\""]), (String::new(), true));
    assert_eq!(feed(&["```json\n", "{\n  \"name\"", ": \"x\""]), (String::new(), true));
    assert_eq!(feed(&["<|python_tag|>"]), (String::new(), true));
}

#[test]
fn text_is_text() {
    assert_eq!(feed(&["a < b", " and <b>"]), ("a < b and <b>".into(), false));
    assert_eq!(feed(&["{\"age\"", ": 3}"]), ("{\"age\": 3}".into(), false));
    assert_eq!(feed(&["```", "rust\nfn"]), ("```rust\nfn".into(), false));
    assert_eq!(feed(&["so <tool"]), ("so <tool".into(), false));
}
