//! §3.8: calling a tool by hand.

use std::time::Duration;

use pretty_assertions::assert_eq;
use ropewalk_core::*;
use serde::Serialize;
use serde_json::{Value, json};

use crate::common::{TestJournal, TestTool, assert_valid, echo, tool};
use crate::support::*;

/// A tool that says what it was given, with this schema.
fn given(name: &str, schema: Value) -> impl Tool {
    Raw { spec: ToolSpec::new(name, name, schema) }
}

struct Raw {
    spec: ToolSpec,
}

impl Tool for Raw {
    fn spec(&self) -> &ToolSpec {
        &self.spec
    }

    fn call(&self, input: Value, _: ToolContext) -> BoxFuture<'_, Result<ToolOutput, BoxError>> {
        Box::pin(async move { Ok(ToolOutput::json(input)) })
    }
}

fn lists(keys: &[&str]) -> Value {
    let properties: serde_json::Map<_, _> =
        keys.iter().map(|key| ((*key).to_owned(), json!({}))).collect();
    json!({"type": "object", "properties": properties})
}

async fn agent(tool: impl Tool) -> Agent {
    Agent::builder().no_callback_handler().model(says("hello")).tool(tool).build().await.unwrap()
}

#[tokio::test]
async fn four_messages_are_recorded_in_the_words_of_strands() {
    let mut agent = agent(given("look-up", lists(&["city", "days"]))).await;
    let input = json!({"city": "Zürich", "days": [1, 2]});
    let result = agent.tool("look_up").call(input).await.unwrap();
    assert_eq!(result.status, ToolStatus::Success);
    let messages = serde_json::to_value(agent.messages()).unwrap();
    let id = messages[1]["content"][0]["toolUse"]["toolUseId"].as_str().unwrap();
    assert!(id.starts_with("tooluse_look_up_"), "{id} has the name as it was called");
    assert_eq!(
        messages,
        json!([
            {"role": "user", "content": [{
                // On purpose letters beyond ASCII stay letters.
                "text": "agent.tool.look-up direct tool call.\nInput parameters: {\"city\": \"Zürich\", \"days\": [1, 2]}\n",
            }]},
            {"role": "assistant", "content": [{"toolUse": {
                "toolUseId": id, "name": "look-up", "input": {"city": "Zürich", "days": [1, 2]},
            }}]},
            {"role": "user", "content": [{"toolResult": {
                "toolUseId": id, "status": "success",
                "content": [{"json": {"city": "Zürich", "days": [1, 2]}}],
            }}]},
            {"role": "assistant", "content": [{"text": "agent.tool.look-up was called."}]},
        ])
    );
    assert_valid(&agent.messages());
}

#[tokio::test]
async fn a_user_message_stands_first() {
    let mut agent = agent(echo("a")).await;
    agent.tool("a").user_message("On behalf of Ann.").call(json!({})).await.unwrap();
    let first = &agent.messages()[0];
    let texts: Vec<_> =
        first.content.iter().map(|block| serde_json::to_value(block).unwrap()).collect();
    assert_eq!(texts[0], json!({"text": "On behalf of Ann.\n"}));
    assert_eq!(texts[1]["text"], "agent.tool.a direct tool call.\nInput parameters: {}\n");
}

#[tokio::test]
async fn a_name_is_found_as_it_is_or_with_hyphens() {
    let tools = [echo("exact_name"), echo("hyphen-ated_name")];
    let mut agent =
        Agent::builder().no_callback_handler().model(says("x")).tools(tools).build().await.unwrap();
    for (name, found) in [
        ("exact_name", "exact_name"),
        ("hyphen-ated_name", "hyphen-ated_name"),
        ("hyphen_ated_name", "hyphen-ated_name"),
    ] {
        assert_eq!(agent.tool(name).call(json!({})).await.unwrap().text(), found);
    }
    for unknown in ["exact-name", "exact name", "Exact_name", ""] {
        let error = agent.tool(unknown).call(json!({})).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidInput);
        assert!(error.to_string().starts_with(&format!("Tool '{unknown}' not found")), "{error}");
    }
}

#[tokio::test]
async fn hooks_stand_around_it() {
    let notes = Notes::default();
    let (before, after) = (notes.clone(), notes.clone());
    let mut agent = Agent::builder()
        .no_callback_handler()
        .model(says("x"))
        .tool(echo("a"))
        .hook(move |event: &BeforeToolCallEvent| {
            before.add(format!("before {}", event.tool_use().name));
        })
        .hook(move |event: &AfterToolCallEvent| {
            after.add(format!("after {}", event.result().text()))
        })
        .build()
        .await
        .unwrap();
    agent.tool("a").call(json!({})).await.unwrap();
    assert_eq!(notes.take(), ["before a", "after a"]);
}

#[tokio::test]
async fn the_arguments_are_not_handed_to_hooks_as_invocation_state() {
    // In Strands the keyword arguments double as the invocation state. On purpose they do not here:
    // what a tool is asked is no business of other tools and hooks.
    let notes = Notes::default();
    let seen = notes.clone();
    let look = move |event: &BeforeToolCallEvent| {
        seen.add(event.invocation_state().to_json().to_string());
    };
    let mut agent = Agent::builder()
        .no_callback_handler()
        .model(says("x"))
        .tool(echo("a"))
        .hook(look)
        .build()
        .await
        .unwrap();
    agent.tool("a").call(json!({"secret": 1})).await.unwrap();
    assert_eq!(notes.take(), ["{}"]);
}

#[tokio::test]
async fn arguments_that_the_schema_does_not_know_are_left_out() {
    let mut agent = agent(given("a", lists(&["known"]))).await;
    let input = json!({"known": 1, "password": "hunter2"});
    // In Strands the tool gets them and ignores them; here what is recorded is what ran.
    let result = agent.tool("a").call(input).await.unwrap();
    assert_eq!(json!(result.content), json!([{"json": {"known": 1}}]));
    assert!(!json!(agent.messages()).to_string().contains("hunter2"));
}

#[tokio::test]
async fn a_schema_that_takes_other_arguments_or_lists_none_gets_all() {
    let open = json!({"properties": {"known": {}}, "additionalProperties": {"type": "integer"}});
    for schema in [open, json!({"type": "object"})] {
        let mut agent = agent(given("a", schema)).await;
        let result = agent.tool("a").call(json!({"known": 1, "other": 2})).await.unwrap();
        assert_eq!(json!(result.content), json!([{"json": {"known": 1, "other": 2}}]));
    }
}

#[tokio::test]
async fn any_value_that_serialises_to_an_object_is_an_argument() {
    #[derive(Serialize)]
    struct Arguments {
        city: &'static str,
    }
    let mut agent = agent(given("a", lists(&["city"]))).await;
    let result = agent.tool("a").call(Arguments { city: "Bern" }).await.unwrap();
    assert_eq!(json!(result.content), json!([{"json": {"city": "Bern"}}]));
    // In Strands a value that does not serialise stands as `<<non-serializable: …>>` in the text; here
    // there is no such argument.
    let keys_are_no_text = std::collections::BTreeMap::from([(vec![1], 1)]);
    let error = agent.tool("a").call(keys_are_no_text).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidInput);
}

#[tokio::test]
async fn a_tool_that_fails_gives_its_error_as_a_result() {
    let mut agent = agent(tool("a", |_, _| async { Err("no luck".into()) })).await;
    let result = agent.tool("a").call(json!({})).await.unwrap();
    assert_eq!(result.status, ToolStatus::Error);
    assert_eq!(result.text(), "Error: no luck");
    assert_eq!(agent.messages().len(), 4);
}

#[tokio::test]
async fn a_call_that_is_not_recorded_leaves_nothing_in_the_history() {
    let built = |record| {
        Agent::builder()
            .no_callback_handler()
            .model(says("hello"))
            .tool(echo("a"))
            .record_direct_tool_call(record)
            .build()
    };
    let mut agent = built(false).await.unwrap();
    let heard = Notes::default();
    let note = heard.clone();
    agent.add_hook(move |event: &MessageAddedEvent| note.add(event.message().text()));
    assert_eq!(agent.tool("a").call(json!({})).await.unwrap().text(), "a");
    assert!(agent.messages().is_empty());
    assert_eq!(heard.len(), 0);
    assert!(!agent.is_unfinished());
    agent.tool("a").record(true).call(json!({})).await.unwrap();
    assert_eq!(agent.messages().len(), 4);
    agent.invoke("q").await.unwrap();
    assert_valid(&agent.messages());

    let mut agent = built(true).await.unwrap();
    agent.tool("a").record(false).call(json!({})).await.unwrap();
    assert!(agent.messages().is_empty());
}

fn asking() -> TestTool {
    tool("a", |_, context: ToolContext| async move {
        let answer: String = context.interrupt("which", ())?;
        Ok(ToolOutput::text(answer))
    })
}

#[tokio::test]
async fn a_question_in_an_unrecorded_call_can_be_answered_and_leaves_nothing() {
    // In Strands an interrupt in a direct call is an error.
    for way in WAYS {
        let mut agent = agent(asking()).await;
        let error = agent.tool("a").record(false).call(json!({})).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Interrupt);
        let mut agent = onward(agent, way).await;
        let result = answer_all(&mut agent, "this one").await;
        assert_eq!(result.stop_reason, StopReason::EndTurn);
        let results: Vec<_> = result.message.results().map(ToolResult::text).collect();
        assert_eq!(results, ["this one"]);
        assert!(agent.messages().is_empty());
        assert_eq!(agent.invoke("q").await.unwrap().text(), "hello");
    }
}

#[tokio::test]
async fn an_unrecorded_call_that_is_given_up_leaves_nothing() {
    let mut agent = agent(asking()).await;
    agent.tool("a").record(false).call(json!({})).await.unwrap_err();
    agent.abandon().await.unwrap();
    assert!(agent.messages().is_empty());
    assert_eq!(agent.invoke("q").await.unwrap().text(), "hello");
    assert_valid(&agent.messages());
}

#[tokio::test]
async fn an_unrecorded_call_is_claimed_before_it_runs_all_the_same() {
    let journal = TestJournal::new();
    let blueprint = Agent::builder()
        .no_callback_handler()
        .model(says("x"))
        .tool(echo("a"))
        .blueprint()
        .unwrap();
    let blueprint = std::sync::Arc::new(blueprint);
    let mut agent = blueprint.open(std::sync::Arc::new(journal.clone())).await.unwrap();
    agent.tool("a").record(false).call(json!({})).await.unwrap();
    let records = journal.records().await;
    assert!(records.iter().any(|record| matches!(record, Record::ToolClaimed { .. })));
    // Cut off at any record behind the first two, which are written as one, it is taken up, and again
    // leaves nothing.
    for cut in 2..records.len() {
        let held = TestJournal::holding(&records[..cut]).await;
        let mut agent = blueprint.open(std::sync::Arc::new(held)).await.unwrap();
        if agent.is_unfinished() {
            agent.invoke(()).await.unwrap();
        }
        assert!(agent.messages().is_empty(), "cut at {cut}");
    }
}

#[tokio::test]
async fn nobody_can_pass_a_models_turn_off_as_a_call_by_hand() {
    async fn direct(request: ModelCallRequest, next: ModelNext<'_>) -> Result<ModelTurn, BoxError> {
        pass_off(request, next, "direct_tool_call").await
    }
    async fn unrecorded(
        request: ModelCallRequest,
        next: ModelNext<'_>,
    ) -> Result<ModelTurn, BoxError> {
        pass_off(request, next, "unrecorded_direct_tool_call").await
    }
    async fn pass_off(
        request: ModelCallRequest,
        next: ModelNext<'_>,
        reason: &str,
    ) -> Result<ModelTurn, BoxError> {
        let mut turn = next.run(request).await?;
        if turn.stop_reason == StopReason::ToolUse {
            turn.stop_reason = StopReason::Other(reason.to_owned());
        }
        Ok(turn)
    }
    let builder = || Agent::builder().no_callback_handler().model(one_call()).tool(echo("a"));
    for builder in [builder().wrap_model_call(direct), builder().wrap_model_call(unrecorded)] {
        let mut agent = builder.build().await.unwrap();
        assert_eq!(agent.invoke("q").await.unwrap().text(), "done");
        let shape = shape(&agent.messages());
        let whole = ["user text", "assistant toolUse", "user toolResult", "assistant text"];
        assert_eq!(shape, whole);
    }
}

/// Of the agent's limits that of time holds for a call by hand. Those of turns, tokens and cost are about
/// models, which it does not ask, and it is one tool call, which every limit of them allows.
#[tokio::test(start_paused = true)]
async fn the_limit_of_time_stops_a_call_by_hand() {
    let hangs = tool("a", |_, _| std::future::pending());
    let limits = Limits::new().time(Duration::from_secs(30)).turns(1).tool_calls(1);
    let builder = Agent::builder().no_callback_handler().model(says("hello"));
    let mut agent = builder.tools([hangs, echo("b")]).limits(limits).build().await.unwrap();
    let error = agent.tool("a").call(json!({})).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Timeout);
    assert!(error.to_string().contains("the limit of 30s was reached"), "{error}");
    assert_valid(&agent.messages());
    assert!(!agent.is_unfinished());
    for _ in 0..2 {
        assert_eq!(agent.tool("b").call(json!({})).await.unwrap().text(), "b");
    }
    assert_eq!(agent.invoke("q").await.unwrap().text(), "hello");
}
