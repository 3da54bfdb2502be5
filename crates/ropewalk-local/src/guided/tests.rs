#![allow(clippy::unwrap_used)]

use super::arithmetic::{Certainty, certainty, expressions, is_expression};
use super::candidates::spans;
use super::edges::Edges;
use super::numbers;

fn numbers_of(text: &str) -> Vec<String> {
    numbers::find(text).into_iter().map(|n| n.text).collect()
}

#[test]
fn numbers_are_found_in_digits_and_words() {
    assert_eq!(numbers_of("1,234,567 apples, 3.5 pears and -4"), ["1234567", "3.5", "-4"]);
    assert_eq!(numbers_of("twenty-five and two hundred three"), ["25", "203"]);
    assert_eq!(numbers_of("three thousand and a dozen"), ["3000", "12"]);
    assert_eq!(numbers_of("the phone, often, 7-3"), ["7", "3"]);
    assert_eq!(numbers_of("20-sided"), ["20"]);
    let most = u64::MAX.to_string();
    let hundreds = "nine ".to_owned() + &"hundred ".repeat(20);
    assert_eq!(numbers_of(&(hundreds + "million one million and one")), [most, "1".into()]);
}

#[test]
fn arithmetic_is_read_as_written() {
    for (request, expression) in [
        ("What is 1234 * 5678?", "1234 * 5678"),
        ("compute (3 + 4) * 12 please", "(3 + 4) * 12"),
        ("What's 7 times (8 minus 2)?", "7 * (8 - 2)"),
        ("How much is twelve divided by four?", "12 / 4"),
        ("2 to the power of 10", "2 ** 10"),
        ("subtract 8 from 20", "20 - 8"),
        ("Add 3, 4 and 5", "3 + 4 + 5"),
        ("What is 15% of 80?", "80 * 15 / 100"),
        ("6 x 7", "6 * 7"),
        ("what is 10-3", "10 - 3"),
        ("the square root of 144", "144 ** 0.5"),
    ] {
        assert_eq!(expressions(request), [expression], "{request}");
    }
    assert!(expressions("What do 3 and 4 make?").len() > 1);
    assert_eq!(certainty("no numbers here"), Certainty::No);
    assert_eq!(certainty("(3 + 4) * 12"), Certainty::Written);
    assert!(is_expression("12 * (3 + 4)") && !is_expression("2024") && !is_expression("a + b"));
}

#[test]
fn spans_are_whole_words_without_marks() {
    let texts = |request: &str| spans(request).into_iter().map(|s| s.text).collect::<Vec<_>>();
    let found = texts("Read src/main.rs, please.");
    assert!(found.contains(&"src/main.rs".to_owned()));
    assert!(!found.contains(&"src/main.rs,".to_owned()));
    let found = texts("Write 'buy milk' to todo.txt");
    assert!(found.contains(&"buy milk".to_owned()) && !found.contains(&"milk".to_owned()));
    assert!(texts("What's Anna's age?").contains(&"Anna".to_owned()));
    assert!(texts("open .gitignore").contains(&".gitignore".to_owned()));
    assert!(texts("").is_empty());
    assert!(texts(&"word ".repeat(3000)).len() < 10_000);
}

#[test]
fn values_are_cut_out_as_in_the_examples() {
    let rooms = Edges::learn(&[("Light up the ", "hall", ""), ("Heat the ", "attic", " to 20")]);
    assert!(rooms.fit("room", "Heat the ", "blue room", " now"));
    assert!(!rooms.fit("room", "Heat the ", "blue", " room now"), "the argument's own name");
    assert!(!rooms.fit("room", "Heat ", "the blue room", " now"), "an article");
    assert!(!rooms.fit("room", "Heat ", "in the blue room", " now"), "a small word");

    let inns = Edges::learn(&[("Go to ", "the Lion", ""), ("Go to ", "Mario", "")]);
    assert!(inns.fit("inn", "Book ", "the Mill", "") && !inns.fit("inn", "Book the ", "Mill", ""));

    let lists = Edges::learn(&[("to my ", "shopping", " list"), ("on the ", "to-do", " list")]);
    assert!(lists.fit("list", "to the ", "weekend", " list"));
    assert!(lists.closes(" list") && !lists.closes(" plan"));
}
