//! §7.2: what becomes of a tool's result and of its errors.
//!
//! How values become results is in `tests/tool.rs`, and for functions in the tests of `ropewalk-macros`.
//! In Rust an error has no type name of its own: on purpose every error is `Error: <text>`, with the
//! texts of its causes.

use std::sync::Arc;

use pretty_assertions::assert_eq;
use ropewalk_core::*;
use ropewalk_testkit::{Reply, ScriptedModel};
use serde_json::{Value, json};

use crate::common::{TestTool, echo, last_results, tool};
use crate::support::*;

/// What the model reads of one call with this input, and what hooks are told of the exception.
async fn told(tool: TestTool, input: Value) -> (ToolResult, Option<Arc<str>>) {
    let name = tool.spec().name.clone();
    let model = ScriptedModel::new([Reply::tool(name, input), Reply::text("done")]);
    let exception = Arc::new(std::sync::Mutex::new(None));
    let note = Arc::clone(&exception);
    let mut agent = Agent::builder()
        .no_callback_handler()
        .model(model)
        .tool(tool)
        .hook(move |event: &AfterToolCallEvent| {
            *note.lock().unwrap() = event.exception().map(|error| {
                let source = error.source().map(ToString::to_string);
                Arc::from(format!("{error}; {}", source.unwrap_or_default()))
            });
        })
        .build()
        .await
        .unwrap();
    agent.invoke("q").await.unwrap();
    let result = agent.messages()[2].results().next().unwrap().clone();
    let exception = exception.lock().unwrap().clone();
    (result, exception)
}

#[derive(Debug, thiserror::Error)]
#[error("the order can't be read")]
struct Outer(#[source] std::io::Error);

#[tokio::test]
async fn an_error_is_told_with_its_causes() {
    let fails =
        tool("a", |_, _| async { Err(Outer(std::io::Error::other("no such file")).into()) });
    let (result, exception) = told(fails, json!({})).await;
    assert_eq!(result.status, ToolStatus::Error);
    assert_eq!(result.text(), "Error: the order can't be read: no such file");
    assert_eq!(exception.as_deref(), Some("the order can't be read; no such file"));
}

#[tokio::test]
async fn what_is_behind_a_tool_failure_is_for_the_operator_alone() {
    // Strands has no such thing.
    let fails = tool("a", |_, _| async {
        let refused = std::io::Error::other("db7.internal refused `svc_bot`");
        Err(ToolFailure::new("orders can't be read now").with_source(refused).into())
    });
    let (result, exception) = told(fails, json!({})).await;
    assert_eq!(result, ToolResult::error(&result.tool_use_id, "Error: orders can't be read now"));
    let detail = "orders can't be read now; db7.internal refused `svc_bot`";
    assert_eq!(exception.as_deref(), Some(detail));
}

#[tokio::test]
async fn an_unknown_tool_and_a_cancelled_one_are_errors_in_the_words_of_strands() {
    let model = calls(&[("t1", "nope"), ("t2", "a"), ("t3", "b")]);
    let mut agent = Agent::builder()
        .no_callback_handler()
        .model(model)
        .tools([echo("a"), echo("b")])
        .hook(|event: &mut BeforeToolCallEvent| match &*event.tool_use().name {
            "a" => event.cancel_tool(true),
            "b" => event.cancel_tool("not today"),
            _ => {}
        })
        .build()
        .await
        .unwrap();
    agent.invoke("q").await.unwrap();
    let expected = ["Unknown tool: nope", "tool cancelled by user", "not today"];
    assert_eq!(last_results(&agent.messages()), expected);
}

mod input_that_does_not_fit_the_schema {
    use pretty_assertions::assert_eq;

    use super::*;

    fn strict() -> TestTool {
        echo("a").schema(json!({
            "type": "object",
            "properties": {
                "city": {"type": "string"},
                "days": {"type": "array", "items": {"type": "integer", "maximum": 9}},
            },
            "required": ["city"],
            "additionalProperties": false,
        }))
    }

    #[tokio::test]
    async fn is_told_and_never_runs() {
        for (input, problem) in [
            (json!({}), "`city`: is missing"),
            (Value::Null, "`city`: is missing"),
            (json!({"city": 1}), "`city`: 1 is not of type \"string\""),
            (
                json!({"city": "x", "days": [1, 99]}),
                "`days.1`: 99 is greater than the maximum of 9",
            ),
            (json!("x"), "\"x\" is not of type \"object\""),
        ] {
            let tool = strict();
            let (result, exception) = told(tool.clone(), input).await;
            let text = format!("Validation failed for input parameters: {problem}");
            assert_eq!(
                (result.status, result.text()),
                (ToolStatus::Error, format!("Error: {text}"))
            );
            assert_eq!(exception.as_deref(), Some(&*format!("{text}; ")));
            assert_eq!(tool.count(), 0);
        }
        let tool = strict();
        let (result, _) = told(tool.clone(), json!({"city": "Bern", "days": [1]})).await;
        assert_eq!((&*result.text(), tool.count()), ("a", 1));
    }

    #[tokio::test]
    async fn all_that_is_wrong_is_told_at_once() {
        let (result, _) = told(strict(), json!({"days": ["x"], "more": 1})).await;
        let text = result.text();
        for part in ["`city`: is missing", "`days.0`: ", "more"] {
            assert!(text.contains(part), "{part} in {text}");
        }
    }

    #[tokio::test]
    async fn is_what_hooks_made_of_it_and_nobody_is_asked_about_it() {
        let (tool, asked) = (strict(), Count::default());
        let (spoil, count) = (json!({"city": 5}), asked.clone());
        let mut agent = Agent::builder()
            .no_callback_handler()
            .model(ScriptedModel::new([
                Reply::tool("a", json!({"city": "Bern"})),
                Reply::text("done"),
            ]))
            .tool(tool.clone())
            .hook(move |event: &mut BeforeToolCallEvent| event.set_input(spoil.clone()))
            .hook(move |_: &mut ToolCallGuardEvent| {
                count.up();
            })
            .build()
            .await
            .unwrap();
        agent.invoke("q").await.unwrap();
        assert!(last_results(&agent.messages())[0].starts_with("Error: Validation failed"));
        assert_eq!((tool.count(), asked.get()), (0, 0));
    }

    #[tokio::test]
    async fn is_also_that_of_a_tool_that_a_hook_selected() {
        let (listed, selected) = (echo("a"), strict());
        let other: Arc<dyn Tool> = Arc::new(selected.clone());
        let mut agent = Agent::builder()
            .no_callback_handler()
            .model(one_call())
            .tool(listed)
            .hook(move |event: &mut BeforeToolCallEvent| {
                event.set_selected_tool(Some(Arc::clone(&other)));
            })
            .build()
            .await
            .unwrap();
        agent.invoke("q").await.unwrap();
        assert!(last_results(&agent.messages())[0].starts_with("Error: Validation failed"));
        assert_eq!(selected.count(), 0);
    }

    #[tokio::test]
    async fn is_that_of_a_call_by_hand_too() {
        let mut agent = Agent::builder()
            .no_callback_handler()
            .model(says("x"))
            .tool(strict())
            .build()
            .await
            .unwrap();
        let result = agent.tool("a").call(json!({"city": 1})).await.unwrap();
        assert!(result.text().starts_with("Error: Validation failed"), "{}", result.text());
    }
}
