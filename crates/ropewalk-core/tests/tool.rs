//! Tools: names, the registry, specs, what a call gives, and its context.
#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs)]

mod common;

use std::sync::Arc;

use common::{echo, tool};
use ropewalk_core::*;
use ropewalk_testkit::{Reply, ScriptedModel};
use serde_json::json;

mod names {
    use super::*;
    use pretty_assertions::assert_eq;

    #[test]
    fn letters_digits_underscore_and_hyphen_make_a_name() {
        let longest = "x".repeat(64);
        for name in ["a", "file_read", "Get-2", "_", "-", longest.as_str()] {
            assert_eq!(tool_name_problem(name), None, "{name}");
        }
    }

    #[test]
    fn everything_else_is_refused_in_the_words_of_strands() {
        for name in ["a b", "a\n", "ä", "a.b", "a/b", "a\0"] {
            let expected = format!("tool_name=<{name}> | invalid tool name pattern");
            assert_eq!(tool_name_problem(name), Some(expected));
        }
        assert_eq!(tool_name_problem("").as_deref(), Some("tool name missing"));
        let long = "x".repeat(65);
        let expected =
            format!("tool_name=<{long}>, tool_name_max_length=<64> | invalid tool name length");
        assert_eq!(tool_name_problem(&long), Some(expected));
    }
}

mod registry {
    use super::*;
    use pretty_assertions::assert_eq;

    fn added(names: &[&'static str]) -> Result<ToolRegistry, Error> {
        let mut registry = ToolRegistry::new();
        names.iter().try_for_each(|name| registry.add(Arc::new(echo(name))))?;
        Ok(registry)
    }

    #[test]
    fn tools_keep_the_order_in_which_they_were_added() {
        let registry = added(&["b", "a", "c"]).unwrap();
        assert_eq!(registry.names().collect::<Vec<_>>(), ["b", "a", "c"]);
        let specs: Vec<&str> = registry.specs().map(|spec| spec.name.as_str()).collect();
        assert_eq!(specs, ["b", "a", "c"]);
        assert_eq!(registry.get("a").unwrap().spec().name, "a");
        assert!(registry.get("d").is_none());
        assert!(!registry.is_empty() && ToolRegistry::new().is_empty());
    }

    #[test]
    fn a_name_that_is_taken_is_refused_and_the_first_stays() {
        let mut registry = added(&["a"]).unwrap();
        let error = registry.add(Arc::new(echo("a"))).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidInput);
        assert!(error.to_string().contains("there is a tool `a` already"), "{error}");
        assert_eq!(registry.iter().count(), 1);
    }

    #[test]
    fn names_that_differ_only_in_hyphen_and_underscore_are_refused() {
        let error = added(&["file-read", "file_read"]).unwrap_err();
        let text = error.to_string();
        assert!(text.contains("`file-read` and `file_read`"), "{text}");
    }

    #[test]
    fn what_is_no_name_is_refused() {
        assert_eq!(added(&["rm -rf"]).unwrap_err().kind(), ErrorKind::InvalidInput);
    }

    #[tokio::test]
    async fn an_agent_with_two_tools_of_one_name_is_not_built() {
        let builder = Agent::builder().no_callback_handler().model(ScriptedModel::new([]));
        let error = builder.tools([echo("a"), echo("a")]).build().await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidInput);
    }
}

mod specs {
    use super::*;
    use pretty_assertions::assert_eq;

    #[test]
    fn a_spec_has_strands_json() {
        let schema = json!({"type": "object", "properties": {}});
        let spec = ToolSpec::new("n", "does n", schema.clone());
        let json = json!({"name": "n", "description": "does n", "inputSchema": {"json": schema}});
        assert_eq!(serde_json::to_value(&spec).unwrap(), json);
        assert_eq!(serde_json::from_value::<ToolSpec>(json).unwrap(), spec);
    }

    #[test]
    fn output_schema_annotations_and_examples_are_kept() {
        let json = json!({"name": "n", "description": "", "inputSchema": {"json": {}},
            "outputSchema": {"json": {"type": "string"}}, "annotations": {"readOnlyHint": true},
            "examples": [{"request": "do n", "input": {}, "result": "r", "answer": "a"}]});
        let spec: ToolSpec = serde_json::from_value(json.clone()).unwrap();
        assert_eq!(spec.output_schema, Some(json!({"type": "string"})));
        assert_eq!(serde_json::to_value(&spec).unwrap(), json);
    }
}

mod outputs {
    use super::*;
    use pretty_assertions::assert_eq;

    fn output<K>(value: impl IntoToolOutput<K>) -> Vec<ToolResultContent> {
        let output = value.into_tool_output().unwrap();
        assert_eq!(output.status, ToolStatus::Success);
        output.content
    }

    fn text(text: &str) -> Vec<ToolResultContent> {
        vec![ToolResultContent::Text(text.into())]
    }

    #[test]
    fn a_string_is_a_text_and_everything_else_its_json() {
        assert_eq!(output("a"), text("a"));
        assert_eq!(output(String::from("7")), text("7"));
        assert_eq!(output(7), text("7"));
        assert_eq!(output(true), text("true"));
        assert_eq!(output(()), text("null"));
        assert_eq!(output(None::<u8>), text("null"));
        assert_eq!(output(json!({"ä": 1})), text("{\"ä\":1}"));
        assert_eq!(output(vec!["a"]), text("[\"a\"]"));
    }

    #[test]
    fn an_output_stays_as_it_is() {
        let content = vec![ToolResultContent::Json(json!(1))];
        assert_eq!(output(ToolOutput::json(json!(1))), content);
        let error = ToolOutput::error("no").into_tool_output().unwrap();
        assert_eq!(error.status, ToolStatus::Error);
    }

    #[test]
    fn a_value_that_has_no_json_is_an_error() {
        let map = std::collections::HashMap::from([((1, 2), 3)]);
        assert!(map.into_tool_output().is_err());
    }

    #[test]
    fn a_result_carries_the_id_and_all_of_the_output() {
        let mut output = ToolOutput::text("a");
        output.extra.insert("x".into(), json!(1));
        assert_eq!(
            serde_json::to_value(output.into_result("t")).unwrap(),
            json!({"toolUseId": "t", "status": "success", "content": [{"text": "a"}], "x": 1}),
        );
    }
}

/// What the model reads when a tool behaves like this.
async fn result_of(tool: impl IntoTool, name: &str) -> ToolResult {
    let model = ScriptedModel::new([Reply::tool(name, json!({})), Reply::text("done")]);
    let mut agent = Agent::builder()
        .no_callback_handler()
        .model(model.clone())
        .tool(tool)
        .build()
        .await
        .unwrap();
    agent.invoke("q").await.unwrap();
    let requests = model.requests();
    requests[1].messages.last().unwrap().results().next().unwrap().clone()
}

mod errors {
    use super::*;
    use pretty_assertions::assert_eq;

    #[derive(Debug, thiserror::Error)]
    #[error("the file can't be read")]
    struct Unreadable(#[source] std::io::Error);

    #[tokio::test]
    async fn an_error_is_told_to_the_model_with_its_causes() {
        let failing = tool("a", |_, _| async {
            Err(Unreadable(std::io::Error::other("no such file")).into())
        });
        let expected = ToolResult::error("t1", "Error: the file can't be read: no such file");
        assert_eq!(result_of(failing, "a").await, expected);
    }

    #[tokio::test]
    async fn a_panic_is_an_error_of_the_tool_alone() {
        let panics = tool("a", |_, _| async { panic!("the floor is gone") });
        let expected = ToolResult::error("t1", "Error: panicked: the floor is gone");
        assert_eq!(result_of(panics, "a").await, expected);
    }

    #[tokio::test]
    async fn a_panic_before_the_first_await_is_one_too() {
        let panics = tool("a", |_, _| -> std::future::Ready<Result<ToolOutput, BoxError>> {
            panic!("at once")
        });
        assert_eq!(result_of(panics, "a").await.text(), "Error: panicked: at once");
    }

    #[tokio::test]
    async fn a_tool_that_is_not_there_is_unknown() {
        let expected = ToolResult::error("t1", "Unknown tool: b");
        assert_eq!(result_of(echo("a"), "b").await, expected);
    }

    #[tokio::test]
    async fn a_name_that_is_none_is_told_to_the_model() {
        let expected =
            ToolResult::error("t1", "Error: tool_name=<a b> | invalid tool name pattern");
        assert_eq!(result_of(echo("a"), "a b").await, expected);
    }

    #[tokio::test]
    async fn an_error_output_is_an_error_result_word_for_word() {
        let fails = tool("a", |_, _| async { Ok(ToolOutput::error("not today")) });
        assert_eq!(result_of(fails, "a").await, ToolResult::error("t1", "not today"));
    }
}

mod context {
    use super::*;
    use pretty_assertions::assert_eq;

    #[tokio::test]
    async fn a_call_knows_its_use_its_agent_and_its_key() {
        let looks = tool("a", |_, context: ToolContext| async move {
            let agent = context.agent().ok_or("no agent")?;
            Ok(ToolOutput::json(json!({
                "use": context.tool_use().tool_use_id,
                "agent": agent.name(),
                "said": agent.messages()[0].text(),
                "key": context.idempotency_key().len(),
                "cancelled": context.cancel().is_cancelled(),
            })))
        });
        let expected = json!({"use": "t1", "agent": "Strands Agents", "said": "q", "key": 36,
            "cancelled": false});
        assert_eq!(result_of(looks, "a").await.content, [ToolResultContent::Json(expected)]);
    }

    #[tokio::test]
    async fn a_call_by_hand_has_no_agent_and_nobody_to_answer() {
        let context = ToolContext::detached(ToolUse::new("t", "a", json!({})));
        assert!(context.agent().is_none());
        context.send("nobody listens");
        let error = context.interrupt::<bool>("approve", "why").unwrap_err();
        let question = error.downcast::<InterruptException>().unwrap().into_interrupt();
        assert_eq!(question.id, "v1:tool_call:t:5cf56bed-067e-5438-a1ef-dbfa3405e45d");
    }

    #[tokio::test]
    async fn boxed_shared_and_owned_tools_are_all_taken() {
        let shared: Arc<dyn Tool> = Arc::new(echo("a"));
        assert_eq!(result_of(shared, "a").await.text(), "a");
        let boxed: Box<dyn Tool> = Box::new(echo("a"));
        assert_eq!(result_of(boxed, "a").await.text(), "a");
    }
}

#[test]
fn a_value_that_is_a_tool_result_already_is_used_as_it_is() {
    let value = json!({"status": "error", "content": [{"text": "no"}], "note": 1});
    let output = value.into_tool_output().unwrap();
    assert_eq!((output.status, output.content.len()), (ToolStatus::Error, 1));
    assert_eq!(output.extra["note"], 1);
    let other = json!({"status": "open", "content": [{"text": "no"}]}).into_tool_output().unwrap();
    assert_eq!(other.status, ToolStatus::Success);
}
