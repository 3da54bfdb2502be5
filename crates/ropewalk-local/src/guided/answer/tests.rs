#![allow(clippy::unwrap_used)]

use ropewalk_core::ToolExample;
use serde_json::{Value, json};

use super::facts::{part, told};
use super::figures::Figures;
use super::{Outcome, shown};

fn outcome(text: &str) -> Outcome {
    Outcome::example(text)
}

#[test]
fn a_calculation_is_quoted_whole_or_not_at_all() {
    let figures = Figures::new("What is (12 + 7) * 3?", &Value::Null, "57", None);
    for right in ["It is 57.", "(12 + 7) * 3 is 57."] {
        assert!(figures.permits(right, true), "{right}");
    }
    for wrong in ["12 + 7 is 57", "(12 + 7) is 57", "12 + 7 is 12 + 7 = 3*3 = 57.", "(12 + 7) * 35"]
    {
        assert!(!figures.permits(wrong, true), "{wrong}");
    }
    assert!(!figures.permits("60 times ½", true), "a number in another sign");
    assert!(
        figures.in_order("It is 57.") && !figures.in_order("To get it you multiply, which is 57.")
    );
    assert!(figures.permits("(12 +", false) && !figures.permits("(12 is", false));
    assert!(!figures.permits("12", false), "it begins with a bracket");

    let figures = Figures::new("Add seven and 8", &json!({"expression": "7 + 8"}), "15", None);
    for right in ["seven and 8 is 15", "7 and 8 is 15", "7 + 8 = 15"] {
        assert!(figures.permits(right, true), "{right}");
    }
    assert!(!figures.permits("8 + 7 = 15", true) && !figures.permits("7 is 15", true));
}

#[test]
fn other_numbers_keep_their_order() {
    let figures = Figures::new("Roll 4 dice with 8 sides", &Value::Null, "3, 5, 1, 2", None);
    assert!(figures.permits("You rolled 3, 5, 1 and 2.", true));
    assert!(!figures.permits("You rolled 7.", true));
    assert!(figures.in_order("4 dice with 8 sides gave 3, 5, 1 and 2."));
    assert!(!figures.in_order("8 dice with 4 sides gave 3, 5, 1 and 2."));
    assert!(!figures.in_order("4 8-sided dice gave 3, 5, 1 and 2."));
}

#[test]
fn an_answer_may_show_what_the_examples_answers_show() {
    let examples = [ToolExample::new("When is it full in Rome?", json!({}))
        .with_answer("2025-03-14T23:05 (Rome)", "It is full at 23:05 in Rome.")];
    let result = "2026-11-20T09:41 (Oslo)";
    assert_eq!(part("When is it?", result, &examples).unwrap(), ["09", "41"]);
    assert_eq!(part("Is it in Oslo?", result, &examples), None, "nothing tells that it is wanted");
    assert_eq!(part("When is it?", "09:41", &examples), None);
    let told = |answer: &str| {
        told(answer, "When is it full in Oslo?", &outcome(result), result, &examples)
    };
    assert!(told("It is full at 09:41 in Oslo."));
    assert!(told("2026-11-20T09:41 (Oslo)"));
    assert!(!told("It is full at 20:09 in Oslo."));
    assert!(!told("It is full at 09:41 in Rome."), "a name from the example");
    assert!(!told("It is full in Oslo."));
}

#[test]
fn long_results_are_shown_as_they_are_and_cuts_are_told() {
    let listing = "-rw-r--r--  1 root root   13 Nov 20 a.txt\n".repeat(30);
    assert_eq!(shown(&outcome(&listing)), listing.trim());
    let long = "é".repeat(3000);
    let text = shown(&outcome(&long));
    assert!(text.starts_with(&"é".repeat(2000)), "{text}");
    assert!(text.ends_with("(cut: the first 2000 of 3000 characters)"), "{text}");
    let failed = Outcome { failed: true, tool: "t".into(), ..outcome("Error: no such file") };
    assert!(shown(&failed).contains("no such file"));
}

#[test]
fn an_answer_that_speaks_of_an_examples_file_is_refused() {
    let example = ToolExample::new("Read notes.txt", json!({"path": "notes.txt"}))
        .with_answer("Buy milk.", "notes.txt says: Buy milk.");
    let result = "It is at noon.";
    let told = |answer| {
        told(answer, "Open meeting.txt", &outcome(result), result, std::slice::from_ref(&example))
    };
    assert!(told("meeting.txt says: It is at noon."));
    assert!(!told("notes.txt says: It is at noon."));
}
