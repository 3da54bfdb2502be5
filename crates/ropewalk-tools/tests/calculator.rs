//! Arithmetic.
#![allow(clippy::unwrap_used)]

use pretty_assertions::assert_eq;
use proptest::prelude::{ProptestConfig, proptest};
use ropewalk_core::ToolStatus;
use ropewalk_tools::calculator;
use serde_json::json;

fn calculate(expression: &str) -> (ToolStatus, String) {
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let result = runtime.block_on(calculator().try_out(json!({"expression": expression})));
    let text = serde_json::to_value(&result.content).unwrap();
    (result.status, text[0]["text"].as_str().unwrap().to_owned())
}

#[track_caller]
fn gives(expression: &str, number: &str) {
    assert_eq!(calculate(expression), (ToolStatus::Success, number.to_owned()), "{expression}");
}

#[track_caller]
fn fails(expression: &str, problem: &str) {
    assert_eq!(calculate(expression), (ToolStatus::Error, format!("Error: {problem}")));
}

#[test]
fn whole_numbers_are_exact() {
    gives("1234 * 5678", "7006652");
    gives("2 + 3 * 4 - 1", "13");
    gives("(2 + 3) * -4", "-20");
    gives("2 ^ 3 ^ 2", "512");
    gives("-2 ^ 2", "-4");
    gives("2 ** 100", "1267650600228229401496703205376");
    gives(
        "99999999999999999999 * 99999999999999999999",
        "9999999999999999999800000000000000000001",
    );
    gives("7 % 3", "1");
    gives("-7 % 3", "2");
    gives("10 % -3", "-2");
    gives("--3", "3");
    gives("0 ^ 0", "1");
    gives("(-1) ^ 99999999999999999999", "-1");
}

#[test]
fn fractions_are_exact() {
    gives("0.1 + 0.2", "0.3");
    gives("1 / 3 * 3", "1");
    gives("1 / 3", "0.3333333333333333");
    gives("2 / 3", "0.6666666666666667");
    gives("-10 / 4", "-2.5");
    gives("2 ^ -2", "0.25");
    gives(".5 + 5.", "5.5");
    gives("1e3 + 1E-3", "1000.001");
    gives("100000 / 7", "14285.71428571429");
    gives("1 / 3 / 10 ^ 60", "3.333333333333333e-61");
    gives("200 * 15%", "30");
    gives("15% of 80", "12");
    gives("10% - 3", "-2.9");
}

#[test]
fn it_is_written_as_people_write_it() {
    gives("1,234 + 1", "1235");
    gives("1,234,567 - 1'000 - 1_000", "1232567");
    gives("6 x 7", "42");
    gives("6×7÷2", "21");
    gives("5 − 3 =", "2");
    gives("[1 + 2] * 3", "9");
    gives("√16 + π", "7.14159265358979");
}

#[test]
fn functions() {
    gives("sqrt(144)", "12");
    gives("sqrt(2.25)", "1.5");
    gives("sqrt(2)", "1.4142135623731");
    gives("abs(-3) + floor(2.7) + ceil(2.1) + round(2.5)", "11");
    gives("round(3.14159, 2)", "3.14");
    gives("min(3, 1, 2) + max(1,234)", "235");
    gives("sin(0) + cos(0) + tan(0)", "1");
    gives("sin(pi)", "0");
    gives("sin(pi / 6)", "0.5");
    gives("ln(e)", "1");
    gives("log(1000)", "3");
    gives("log(8, 2)", "3");
    gives("exp(0)", "1");
    gives("4 ^ 0.5 + 2 ^ 0.5", "3.4142135623731");
    gives("MAX(1, 2)", "2");
}

#[test]
fn what_has_no_result_says_why() {
    fails("1 / 0", "division by zero");
    fails("1 % (2 - 2)", "division by zero");
    fails("0 ^ -1", "division by zero");
    fails("", "the expression is empty: give something like `2 * (3 + 4)`");
    fails("2 +", "a number or `(` is missing at the end");
    fails("2 * / 3", "a number or `(` is missing before `/` at position 5");
    fails("(2 + 3", "a `)` is missing");
    fails("2 + 3)", "`)` at position 6 is one too many, or an operator is missing before it");
    fails("2 3", "`3` at position 3 is one too many, or an operator is missing before it");
    fails("1,23", "`,` at position 2 is one too many, or an operator is missing before it");
    fails("2 $ 3", "`$` at position 3 is not understood: use numbers, + - * / % ^ and parentheses");
    fails("1.2.3", "`1.2.3` is no number");
    fails("sqrt(-1)", "a square root is not defined for -1");
    fails("ln(0)", "a logarithm is not defined for 0");
    fails("log(2, 1)", "a logarithm is not defined for base 1");
    fails("(-8) ^ 0.5", "a power with a fraction is not defined for the negative number -8");
    fails("log(1, 2, 3)", "`log` takes 1 or 2 values, not 3");
    fails("mod(1)", "`mod` takes 2 values, not 1");
    fails("sin(1, 2)", "`sin` takes 1 value, not 2");
    let (status, text) = calculate("foo(1)");
    assert_eq!(status, ToolStatus::Error);
    assert!(text.starts_with("Error: `foo` is no function and no constant: there are sqrt, "));
}

#[test]
fn size_and_depth_are_bounded() {
    let deep = format!("{}1{}", "(".repeat(60), ")".repeat(60));
    gives(&deep, "1");
    let too_deep = "parentheses and signs are nested more than 64 deep";
    fails(&"(".repeat(900), too_deep);
    fails(&"-".repeat(900), too_deep);
    fails(&format!("{}1", "2^".repeat(400)), too_deep);
    fails(&"sqrt ".repeat(150), too_deep);
    fails(&"1".repeat(1001), "the expression has 1001 characters: at most 1000 are allowed");
    let too_large = "the result is too large: numbers may have about 2457 digits";
    fails("9 ^ 9 ^ 9", too_large);
    fails("10 ^ 10 ^ 10 ^ 10", too_large);
    fails("exp(1000000)", too_large);
    fails("2 ^ 5000 * 2 ^ 5000", too_large);
    fails("1e9999999", "`1e9999999` is no number");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    /// Nothing that a model may write makes it panic or run for long.
    #[test]
    fn anything_has_an_answer(expression in "[-+*/%^(),.0-9ex ]{0,40}|(sqrt|min|round|log|e|pi|[(]|[)]|,|9|%|\\^|-){0,20}|\\PC{0,20}") {
        let start = std::time::Instant::now();
        calculate(&expression);
        assert!(start.elapsed().as_secs() < 2);
    }

    #[test]
    fn sums_and_products_are_those_of_whole_numbers(a in -1_000_000_i64..1_000_000, b in -1_000_000_i64..1_000_000) {
        gives(&format!("{a} + {b}"), &(a + b).to_string());
        gives(&format!("{a} * {b}"), &(a * b).to_string());
        gives(&format!("({a}) - ({b})"), &(a - b).to_string());
    }
}
