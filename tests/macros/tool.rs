//! What `#[tool]` makes of a function.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use pretty_assertions::assert_eq;
use ropewalk_core::{
    BoxError, FunctionTool, InterruptException, IntoTool, Preview, Replay, Tool, ToolContext,
    ToolOutput, ToolStatus, ToolUse,
};
use ropewalk_macros::tool;
use ropewalk_testkit::sorted_json;
use serde_json::{Value, json};

/// Adds two
/// numbers.
///
/// # Arguments
/// * `a` - the first
/// * `b` - the second,
///   which is added
///
/// # Note
/// It is exact.
#[tool(replay = "pure")]
async fn add(a: i64, b: i64) -> i64 {
    a + b
}

/// Subtracts.
#[tool(name = "minus", replay = "idempotent")]
fn subtract(
    /// from this
    a: i64,
    /// this
    b: i64,
) -> Result<i64, String> {
    a.checked_sub(b).ok_or_else(|| format!("{a} - {b} is too small"))
}

/// Says what it was given.
#[tool]
async fn optional(
    name: Option<String>,
    #[tool(default = "a text")] text: String,
    #[tool(default = 2 + 3)] number: u8,
    #[serde(default)] flag: bool,
    #[serde(rename = "in")] inside: Vec<f64>,
) -> Value {
    json!([name, text, number, flag, inside])
}

async fn call(tool: FunctionTool, input: Value) -> (ToolStatus, Value) {
    let result = tool.try_out(input).await;
    let content = serde_json::to_value(&result.content).unwrap();
    let text = content[0]["text"].clone();
    (result.status, if text.is_null() { content } else { text })
}

fn ok(text: &str) -> (ToolStatus, Value) {
    (ToolStatus::Success, text.into())
}

fn error(text: &str) -> (ToolStatus, Value) {
    (ToolStatus::Error, text.into())
}

#[test]
fn the_spec_comes_from_the_signature_and_the_comment() {
    insta::assert_json_snapshot!(sorted_json([add.spec(), subtract.spec(), optional.spec()]));
    assert_eq!(add.replay(), Replay::Pure);
    assert_eq!(subtract.replay(), Replay::Idempotent);
    assert_eq!(optional.replay(), Replay::Never);
    assert!(std::ptr::eq(add().static_spec(), add().static_spec()), "it is made once");
}

#[tokio::test]
async fn it_runs() {
    assert_eq!(call(add(), json!({"a": 1, "b": 2})).await, ok("3"));
    assert_eq!(call(subtract(), json!({"a": 1, "b": 2})).await, ok("-1"));
    let input = json!({"in": []});
    assert_eq!(call(optional(), input).await, ok(r#"[null,"a text",5,false,[]]"#));
    let input = json!({"in": [1], "name": "x", "text": "y", "number": 7, "flag": true});
    assert_eq!(call(optional(), input).await, ok(r#"["x","y",7,true,[1.0]]"#));
    let input = json!({"in": [1], "name": null});
    assert_eq!(call(optional(), input).await, ok(r#"[null,"a text",5,false,[1.0]]"#));
}

#[tokio::test]
async fn unknown_arguments_are_ignored_and_quoted_numbers_taken() {
    assert_eq!(call(add(), json!({"a": 1, "b": 2, "c": "x"})).await, ok("3"));
    assert_eq!(call(add(), json!({"a": "1", "b": " 2 "})).await, ok("3"));
    let input = json!({"in": [], "flag": "true", "text": "5"});
    assert_eq!(call(optional(), input).await, ok(r#"[null,"5",5,true,[]]"#));
}

#[tokio::test]
async fn wrong_arguments_are_named() {
    let text = "Error: Validation failed for input parameters: ";
    for (tool, input, problem) in [
        (add(), json!({"a": 1}), "missing field `b`"),
        (add(), json!({}), "missing field `a`"),
        (add(), Value::Null, "missing field `a`"),
        (add(), json!({"a": 1, "b": "x"}), "`b`: invalid type: string \"x\", expected i64"),
        (add(), json!({"a": 1, "b": "1.5"}), "`b`: invalid type: string \"1.5\", expected i64"),
        (add(), json!({"a": 1, "b": null}), "`b`: invalid type: null, expected i64"),
        (
            optional(),
            json!({"in": [1, true]}),
            "`in[1]`: invalid type: boolean `true`, expected f64",
        ),
        (
            optional(),
            json!({"in": [], "number": 256}),
            "`number`: invalid value: integer `256`, expected u8",
        ),
        (add(), json!("x"), "invalid type: string \"x\", expected an object with the arguments"),
    ] {
        assert_eq!(call(tool, input).await, error(&format!("{text}{problem}")));
    }
}

#[tokio::test]
async fn errors_of_every_kind_become_error_results() {
    /// Fails.
    #[tool]
    async fn io() -> std::io::Result<()> {
        Err(std::io::Error::other("no disk"))
    }
    /// Fails.
    #[tool]
    async fn text() -> Result<String, &'static str> {
        Err("no luck")
    }
    /// Fails.
    #[tool]
    fn boxed() -> std::result::Result<ToolOutput, BoxError> {
        Err("no box".into())
    }
    /// Fails.
    #[tool]
    async fn any(number: String) -> anyhow::Result<u8> {
        anyhow::Context::context(number.parse(), "no number")
    }
    let problem = "Error: no number: invalid digit found in string";
    assert_eq!(call(any(), json!({"number": "x"})).await, error(problem));
    assert_eq!(call(io(), json!({})).await, error("Error: no disk"));
    assert_eq!(call(text(), json!({})).await, error("Error: no luck"));
    assert_eq!(call(boxed(), json!({})).await, error("Error: no box"));
    let text = "Error: 0 - -9223372036854775808 is too small";
    assert_eq!(call(subtract(), json!({"a": 0, "b": i64::MIN})).await, error(text));
}

#[tokio::test]
async fn every_kind_of_value_may_be_given() {
    // `serde` is no dependency of this crate: neither must it be of a user's.
    #[derive(ropewalk_core::__macro_support::serde::Serialize)]
    #[serde(crate = "ropewalk_core::__macro_support::serde")]
    struct Point {
        x: u8,
    }
    /// Gives nothing.
    #[tool]
    async fn nothing() {}
    /// Gives a struct.
    #[tool]
    async fn point(x: u8) -> Point {
        Point { x }
    }
    /// Gives JSON to see as such.
    #[tool]
    fn output() -> ToolOutput {
        ToolOutput::json(json!([1]))
    }
    assert_eq!(call(nothing(), json!({})).await, ok("null"));
    assert_eq!(call(point(), json!({"x": 1})).await, ok(r#"{"x":1}"#));
    assert_eq!(call(output(), json!({})).await, (ToolStatus::Success, json!([{"json": [1]}])));
}

#[tokio::test]
async fn the_context_is_given_and_is_no_argument() {
    /// Asks.
    ///
    /// # Arguments
    /// * `what` - the question
    /// * `context` - for asking
    #[tool]
    async fn ask(what: String, context: ToolContext) -> Result<String, BoxError> {
        let answer: String = context.interrupt("really", &what)?;
        Ok(format!("{} {answer}", context.tool_use().name))
    }
    assert!(ask.spec().input_schema["properties"].get("context").is_none());
    let context = ToolContext::detached(ToolUse::new("t1", "ask", json!({})));
    let error = Tool::call(&ask, json!({"what": "x"}), context).await.unwrap_err();
    let question = error.downcast::<InterruptException>().expect("the question leaves as it is");
    assert_eq!(question.interrupt().reason, "x");
}

#[test]
fn names_go_into_arrays_vectors_and_alone() {
    fn take<T: IntoTool>(tools: impl IntoIterator<Item = T>) -> Vec<String> {
        tools.into_iter().map(|tool| tool.into_tool().spec().name.clone()).collect()
    }
    assert_eq!(take([add, subtract, optional]), ["add", "minus", "optional"]);
    assert_eq!(take([add]), ["add"]);
    assert_eq!(take(vec![add, subtract]), ["add", "minus"]);
    assert_eq!(take([add(), subtract()]), ["add", "minus"]);
    assert_eq!(take([add.into_tool(), Arc::new(subtract) as Arc<dyn Tool>]), ["add", "minus"]);
    let boxed: Box<dyn Tool> = Box::new(add);
    assert_eq!(take([boxed]), ["add"]);
}

#[tokio::test]
async fn names_do_not_get_into_each_others_way() {
    mod other {
        use super::*;

        type Number = u8;

        /// Has types, helpers and names of its own module.
        #[tool]
        pub(super) async fn context(
            arguments: Number,
            input: self::Number,
            r#type: Option<Number>,
            mut spec: Number,
        ) -> Number {
            spec += helper();
            arguments + input + r#type.unwrap_or_default() + spec
        }

        fn helper() -> Number {
            1
        }

        /// Calls itself.
        #[tool]
        pub(super) fn down(n: u8) -> u8 {
            if n == 0 { 0 } else { down(n - 1) }
        }
    }
    // A tool's name is an ordinary function's name: variables may be called the same.
    let add = add();
    assert_eq!(call(add, json!({"a": 1, "b": 1})).await, ok("2"));
    let input = json!({"arguments": 1, "input": 2, "type": 3, "spec": 4});
    assert_eq!(call(other::context(), input).await, ok("11"));
    assert_eq!(call(other::down(), json!({"n": 3})).await, ok("0"));
}

#[test]
fn what_may_be_left_out_is_not_offered_as_null() {
    use ropewalk_core::__macro_support::{schemars, serde};

    #[derive(serde::Deserialize, schemars::JsonSchema)]
    #[serde(crate = "ropewalk_core::__macro_support::serde", rename_all = "lowercase")]
    #[schemars(crate = "ropewalk_core::__macro_support::schemars")]
    enum Unit {
        Metre,
        Foot,
    }

    /// Measures.
    #[tool]
    fn measure(
        /// what the answer is in
        unit: Option<Unit>,
        others: Option<Vec<Option<Unit>>>,
    ) -> usize {
        usize::from(matches!(unit, Some(Unit::Metre | Unit::Foot)))
            + others.map_or(0, |others| others.into_iter().flatten().count())
    }
    let properties = &measure.spec().input_schema["properties"];
    let unit = json!({
        "description": "what the answer is in", "enum": ["metre", "foot"], "type": "string",
    });
    assert_eq!(properties["unit"], unit);
    assert_eq!(properties["others"]["type"], "array");
    assert!(properties["others"]["items"].to_string().contains("null"), "there it means something");
}

#[test]
fn the_path_of_the_crate_can_be_said() {
    use ropewalk_core as renamed;

    /// Is found.
    #[tool(crate = renamed, description = "Is described here.")]
    async fn found() {}
    assert_eq!(found.spec().description, "Is described here.");
}

#[test]
fn examples_are_part_of_the_spec() {
    /// Is shown.
    #[tool(
        example(request = "One", input = {"a": 1, "b": [true, null, -1.5, {"c": "d"}],}),
        example(request = "Two", input = r#"{"a": 2}"#, result = "2", answer = "It is two."),
    )]
    async fn shown(a: i64) -> i64 {
        a
    }
    insta::assert_json_snapshot!(sorted_json(&shown.spec().examples));
}

#[tokio::test]
async fn a_blocking_function_does_not_block_the_others() {
    static INSIDE: AtomicUsize = AtomicUsize::new(0);
    /// Waits for another one of its kind.
    #[tool]
    fn meet() -> &'static str {
        INSIDE.fetch_add(1, Ordering::SeqCst);
        let start = Instant::now();
        while INSIDE.load(Ordering::SeqCst) < 2 {
            if start.elapsed() > Duration::from_secs(20) {
                return "nobody came";
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        "met"
    }
    let (one, two) = tokio::join!(call(meet(), json!({})), call(meet(), json!({})));
    assert_eq!((one, two), (ok("met"), ok("met")));
}

#[tokio::test]
async fn a_preview_is_asked_with_the_arguments_and_tools_without_one_show_none() {
    async fn what_it_would_do(input: Value) -> Result<Option<Preview>, BoxError> {
        let path = input["path"].as_str().ok_or("`path` is missing")?;
        Ok(Some(Preview::Text(format!("{path} would be gone"))))
    }

    /// Deletes a file.
    #[tool(preview = what_it_would_do)]
    fn delete(path: String) -> String {
        path
    }

    /// Does nothing.
    #[tool]
    fn nothing() {}

    let shown = Tool::preview(&delete, &json!({"path": "a"})).await.unwrap();
    assert_eq!(shown, Some(Preview::Text("a would be gone".into())));
    assert!(delete().preview(&json!({})).await.is_err());
    assert_eq!(nothing().preview(&json!({})).await.unwrap(), None);
}

#[test]
fn what_the_attribute_says_is_known_of_the_tool() {
    /// Changes nothing.
    #[tool(read_only, open_world = false, timeout = "1500ms")]
    async fn reads() {}
    /// Changes the same once.
    #[tool(idempotent, destructive, timeout = "2m", exclusive = "disk")]
    async fn writes() {}
    /// Changes nothing, and costs something.
    #[tool(read_only, replay = "never")]
    fn costs() {}

    let spec = reads.spec();
    assert_eq!(json!(spec.annotations), json!({"readOnlyHint": true, "openWorldHint": false}));
    assert!(spec.is_read_only() && !spec.is_destructive() && !spec.is_idempotent());
    assert_eq!(reads.replay(), Replay::Pure);
    assert_eq!(reads.timeout(), Some(Duration::from_millis(1500)));
    assert_eq!(reads.exclusive_key(&Value::Null), None);

    let spec = writes.spec();
    assert_eq!(json!(spec.annotations), json!({"idempotentHint": true, "destructiveHint": true}));
    assert_eq!(writes().replay(), Replay::Idempotent);
    assert_eq!(writes().timeout(), Some(Duration::from_secs(120)));
    assert_eq!(writes.exclusive_key(&Value::Null).as_deref(), Some("disk"));

    assert_eq!((costs.replay(), costs.timeout()), (Replay::Never, None));
    assert_eq!(json!(add.spec().annotations), json!({}));
}
