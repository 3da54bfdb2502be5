//! Exact arithmetic.

mod functions;
mod number;
mod parse;
mod token;

use ropewalk_macros::tool;

/// The tool `calculator`: works out an arithmetic expression. Whole numbers and fractions are exact,
/// what sines, logarithms and most roots give has 15 digits.
///
/// It takes `expression` and gives the number as text. An expression that is none, a division by
/// zero and numbers of more than about 2,400 digits are error results.
///
/// ```
/// # tokio::runtime::Builder::new_current_thread().build()?.block_on(async {
/// use ropewalk_core::ToolResult;
/// use ropewalk_tools::calculator;
///
/// let result = calculator().try_out(serde_json::json!({"expression": "1234 * 5678"})).await;
/// assert_eq!(result, ToolResult::success("try_out", "7006652"));
/// # });
/// # Ok::<(), std::io::Error>(())
/// ```
#[tool(
    description = "Calculates: adds, subtracts, multiplies and divides numbers, exactly.",
    replay = "pure",
    example(
        request = "What is 17 times 23?",
        input = {"expression": "17 * 23"},
        result = "391",
        answer = "17 times 23 is 391.",
    ),
    example(
        request = "Add 12.5 and 30, please.",
        input = {"expression": "12.5 + 30"},
        result = "42.5",
        answer = "12.5 plus 30 is 42.5.",
    ),
    example(
        request = "How much is 96 divided by 8?",
        input = {"expression": "96 / 8"},
        result = "12",
        answer = "96 divided by 8 is 12.",
    ),
    example(
        request = "Calculate 905 - 618",
        input = {"expression": "905 - 618"},
        result = "287",
        answer = "905 minus 618 is 287.",
    )
)]
pub fn calculator(
    /// numbers with + - * / % ^ and parentheses; also sqrt abs round floor ceil min max sin cos tan
    /// ln log exp pi e
    #[schemars(
        length(min = 1, max = 1000),
        regex(
            pattern = "^([-+*/%^()., 0-9]|sqrt|abs|round|floor|ceil|min|max|sin|cos|tan|ln|log|exp|pi|e)+$"
        )
    )]
    expression: String,
) -> Result<String, CalculatorError> {
    let tokens = token::tokens(&expression)?;
    Ok(number::text(&parse::evaluate(&tokens)?))
}

/// Why an expression has no result.
#[derive(Debug, PartialEq, thiserror::Error)]
pub(crate) enum CalculatorError {
    #[error("the expression is empty: give something like `2 * (3 + 4)`")]
    Empty,
    #[error("the expression has {0} characters: at most {max} are allowed", max = token::MAX_LENGTH)]
    TooLong(usize),
    #[error("`{0}` at position {1} is not understood: use numbers, + - * / % ^ and parentheses")]
    Character(char, usize),
    #[error("`{0}` is no number")]
    Number(String),
    #[error("`{0}` is no function and no constant: there are {names}", names = functions::NAMES.join(", "))]
    Name(String),
    #[error("a number or `(` is missing {0}")]
    OperandMissing(String),
    #[error("`{0}` at position {1} is one too many, or an operator is missing before it")]
    Unexpected(String, usize),
    #[error("a `)` is missing")]
    Unclosed,
    #[error("parentheses and signs are nested more than {} deep", parse::MAX_DEPTH)]
    TooDeep,
    #[error("division by zero")]
    DivisionByZero,
    #[error("the result is too large: numbers may have about {} digits", number::MAX_BITS * 3 / 10)]
    TooLarge,
    #[error("{0} is not defined for {1}")]
    Undefined(&'static str, String),
    #[error("`{name}` takes {wanted}, not {given}")]
    Arity { name: &'static str, wanted: &'static str, given: usize },
}
