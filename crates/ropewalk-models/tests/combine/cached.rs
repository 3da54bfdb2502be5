//! Answers that are kept.

use std::sync::Arc;
use std::time::Duration;

use pretty_assertions::assert_eq;
use ropewalk_core::{
    Agent, BoxError, BoxFuture, ContentBlock, ErrorKind, Message, MessageMetadata, Metrics,
    ModelChunk, ModelRequest, RedactChunk, Role, StopReason, Tool, ToolChoice, ToolContext,
    ToolOutput, ToolResult, ToolSpec, ToolUse, Transcript, Usage,
};
use ropewalk_models::CachedModel;
use ropewalk_testkit::{Reply, ScriptedModel};
use serde_json::{Value, json};
use tokio::time::advance;

use crate::support::{ask, away, collect, extra, text, turn, usage};

/// A model that answers with `1`, `2` and so on.
fn counting() -> ScriptedModel {
    ScriptedModel::new((1..50).map(|number| Reply::text(number.to_string())))
}

#[tokio::test]
async fn the_same_is_answered_from_the_cache_for_nothing() {
    let message = Message::new(
        Role::Assistant,
        vec![
            ContentBlock::Text("I add.".to_owned()),
            ContentBlock::from(ToolUse::new("t1", "add", json!({"a": 1, "b": [2]}))),
        ],
    );
    let scripted = ScriptedModel::new([Reply::message(message)]);
    let model = CachedModel::new(scripted.clone());
    let (first, _) = collect(&model, ask("?")).await;
    let (again, error) = collect(&model.clone(), ask("?")).await;
    assert!(error.is_none());
    assert_eq!(scripted.requests().len(), 1);
    let but_last = |chunks: &[ModelChunk]| chunks[..chunks.len() - 1].to_vec();
    assert_eq!(but_last(&again), but_last(&first));
    assert_eq!((usage(&first), usage(&again)), (Usage::new(10, 5), Usage::default()));
    assert_eq!((extra(&first), extra(&again)), (json!({}), json!({"cached": true})));
}

#[tokio::test]
async fn an_answer_without_metadata_gets_some() {
    let mute = Reply::chunks([
        ModelChunk::message_start(),
        ModelChunk::text_delta("Hi."),
        ModelChunk::message_stop(StopReason::EndTurn),
    ]);
    let model = CachedModel::new(ScriptedModel::new([mute]));
    assert_eq!(collect(&model, ask("?")).await.0.len(), 3);
    assert_eq!(extra(&collect(&model, ask("?")).await.0), json!({"cached": true}));
}

fn full() -> ModelRequest {
    let mut request = ask("?").with_system("Be brief.").with_tools([ToolSpec::new(
        "add",
        "Adds.",
        json!({"type": "object", "properties": {"a": {"type": "integer"}}}),
    )]);
    request.tool_choice = Some(ToolChoice::Auto {});
    request.output_schema = Some(Arc::new(json!({"type": "object"})));
    request.max_output_tokens = Some(100);
    request
}

#[tokio::test]
async fn all_that_determines_the_answer_counts() {
    type Change = fn(&mut ModelRequest);
    let changes: [(&str, Change); 12] = [
        ("nothing", |_| ()),
        ("another text", |it| it.messages = ask("!").messages),
        ("another role", |it| {
            it.messages = Transcript::from_messages([Message::assistant("?")]).unwrap();
        }),
        ("more messages", |it| it.messages.push(Message::assistant("?")).unwrap()),
        ("no system prompt", |it| it.system = None),
        ("another system prompt", |it| it.system = Some("Be long.".into())),
        ("no tools", |it| it.tools = Arc::new([])),
        ("another tool", |it| {
            *it = it.clone().with_tools([ToolSpec::new("add", "Adds up.", json!({}))]);
        }),
        ("no choice", |it| it.tool_choice = None),
        ("another choice", |it| it.tool_choice = Some(ToolChoice::Any {})),
        ("no schema", |it| it.output_schema = None),
        ("another limit", |it| it.max_output_tokens = Some(101)),
    ];
    let model = CachedModel::new(counting());
    for (number, (what, change)) in changes.iter().enumerate() {
        for _ in 0..2 {
            let mut request = full();
            change(&mut request);
            let answer = turn(&model, request).await.unwrap().message.text();
            assert_eq!(answer, (number + 1).to_string(), "{what}");
        }
    }
}

#[tokio::test]
async fn neither_the_order_of_keys_nor_measurements_count() {
    let parsed = |json: &str| serde_json::from_str::<Value>(json).unwrap();
    let orders = [
        (r#"{"type": "object", "properties": {}}"#, r#"{"a": 1, "b": {"c": 2, "d": 3}}"#),
        (r#"{"properties": {}, "type": "object"}"#, r#"{"b": {"d": 3, "c": 2}, "a": 1}"#),
    ];
    let scripted = counting();
    let model = CachedModel::new(scripted.clone());
    for (at, (schema, input)) in orders.into_iter().enumerate() {
        let call = ToolUse::new("t1", "add", parsed(input));
        let mut message = Message::new(Role::Assistant, vec![call.into()]);
        message.metadata = Some(MessageMetadata {
            metrics: Some(Metrics { latency_ms: at as u64, time_to_first_byte_ms: None }),
            ..MessageMetadata::default()
        });
        let mut messages = ask("?").messages;
        let result = ToolResult::success("t1", "3");
        messages.push_tool_turn(message, vec![result]).unwrap();
        let tool = ToolSpec::new("add", "Adds.", parsed(schema));
        let mut request = ModelRequest::new(messages).with_tools([tool]);
        request.output_schema = Some(Arc::new(parsed(schema)));
        assert_eq!(turn(&model, request).await.unwrap().message.text(), "1");
    }
    assert_eq!(scripted.requests().len(), 1);
}

#[tokio::test]
async fn only_whole_good_answers_are_kept() {
    let redacted = Reply::chunks([
        ModelChunk::message_start(),
        ModelChunk::text_delta("secret"),
        ModelChunk::RedactContent(RedactChunk {
            redact_assistant_content_message: Some("[gone]".to_owned()),
            ..RedactChunk::default()
        }),
        ModelChunk::message_stop(StopReason::EndTurn),
    ]);
    let empty =
        Reply::chunks([ModelChunk::message_start(), ModelChunk::message_stop(StopReason::EndTurn)]);
    let bad = [
        away(),
        Reply::text("one two three").failing_after(4, ErrorKind::Unavailable, "gone"),
        // The error comes when all has been said.
        Reply::text("one").failing_after(5, ErrorKind::Unavailable, "gone"),
        Reply::text("one two").breaking_off_after(4),
        Reply::text("cut").stopping_with(StopReason::MaxTokens),
        Reply::text("no").stopping_with(StopReason::ContentFiltered),
        Reply::text("no").stopping_with(StopReason::GuardrailIntervened),
        Reply::text("?").stopping_with(StopReason::Other("odd".to_owned())),
        Reply::raw_tool("add", "{\"a\": "),
        redacted,
        empty,
    ];
    for reply in bad {
        let shown = format!("{reply:?}");
        let model = CachedModel::new(ScriptedModel::new([reply, Reply::text("good")]));
        let _ = turn(&model, ask("?")).await;
        assert_eq!(text(&model, "?").await.unwrap(), "good", "{shown}");
        assert_eq!(text(&model, "?").await.unwrap(), "good", "{shown}");
    }
}

#[tokio::test]
async fn who_leaves_early_keeps_nothing() {
    use futures_util::StreamExt as _;
    use ropewalk_core::Model as _;
    let model = CachedModel::new(counting());
    let mut stream = model.stream(ask("?"));
    for _ in 0..4 {
        stream.next().await.unwrap().unwrap();
    }
    drop(stream);
    assert_eq!(text(&model, "?").await.unwrap(), "2");
}

#[tokio::test(start_paused = true)]
async fn an_answer_is_good_for_a_time() {
    let model = CachedModel::new(counting()).time_to_live(Duration::from_secs(60));
    assert_eq!(text(&model, "?").await.unwrap(), "1");
    advance(Duration::from_secs(59)).await;
    assert_eq!(text(&model, "?").await.unwrap(), "1");
    advance(Duration::from_secs(1)).await;
    assert_eq!(text(&model, "?").await.unwrap(), "2");
    assert_eq!(text(&model, "?").await.unwrap(), "2");
}

#[tokio::test]
async fn an_answer_may_be_good_for_ever() {
    let model = CachedModel::new(counting()).time_to_live(Duration::MAX);
    assert_eq!(text(&model, "?").await.unwrap(), "1");
    assert_eq!(text(&model, "?").await.unwrap(), "1");
}

#[tokio::test]
async fn those_not_asked_for_the_longest_go_first() {
    let model = CachedModel::new(counting()).max_entries(2);
    let asked = async |prompt| text(&model, prompt).await.unwrap();
    assert_eq!((asked("a").await, asked("b").await), ("1".to_owned(), "2".to_owned()));
    assert_eq!(asked("a").await, "1");
    assert_eq!(asked("c").await, "3");
    assert_eq!((asked("a").await, asked("b").await), ("1".to_owned(), "4".to_owned()));
    model.clear();
    assert_eq!(asked("a").await, "5");

    let none = CachedModel::new(counting()).max_entries(0);
    assert_eq!(text(&none, "?").await.unwrap(), "1");
    assert_eq!(text(&none, "?").await.unwrap(), "2");
}

#[tokio::test]
async fn the_bytes_are_bounded_too() {
    let long = |letter: &str| Reply::text(letter.repeat(6_000));
    let scripted = ScriptedModel::new([long("a"), long("b"), long("c"), long("a")]);
    let model = CachedModel::new(scripted.clone()).max_bytes(16_000);
    for prompt in ["a", "b", "b", "c", "c", "b", "a"] {
        assert!(text(&model, prompt).await.unwrap().starts_with(prompt));
    }
    assert_eq!(scripted.requests().len(), 4, "{model:?}");
    // One that is larger than all there is, is not kept, and drives nobody out.
    scripted.push(Reply::text("x".repeat(20_000)));
    scripted.push(Reply::text("x"));
    assert_eq!(text(&model, "x").await.unwrap().len(), 20_000);
    assert_eq!(text(&model, "x").await.unwrap(), "x");
    assert!(text(&model, "a").await.unwrap().starts_with('a'));
    assert_eq!(scripted.requests().len(), 6);
}

#[tokio::test]
async fn what_is_skipped_is_neither_looked_up_nor_kept() {
    let model = CachedModel::new(counting())
        .skip_if(|request| request.messages[0].text() == "anew")
        .skip_tools();
    let asked = async |request| turn(&model, request).await.unwrap().message.text();
    assert_eq!((asked(ask("anew")).await, asked(ask("anew")).await), ("1".into(), "2".into()));
    assert_eq!((asked(full()).await, asked(full()).await), ("3".into(), "4".into()));
    assert_eq!((asked(ask("?")).await, asked(ask("?")).await), ("5".into(), "5".into()));
}

struct Add(ToolSpec);

impl Add {
    fn new() -> Self {
        Self(ToolSpec::new("add", "Adds.", json!({"type": "object"})))
    }
}

impl Tool for Add {
    fn spec(&self) -> &ToolSpec {
        &self.0
    }

    fn call(&self, _: Value, _: ToolContext) -> BoxFuture<'_, Result<ToolOutput, BoxError>> {
        Box::pin(async { Ok(ToolOutput::text("3")) })
    }
}

/// A second agent that is asked the same does all the same, with its tools, and pays nothing.
#[tokio::test]
async fn in_agents_a_whole_tool_loop_is_answered_from_the_cache() {
    let scripted =
        ScriptedModel::new([Reply::tool("add", json!({"a": 1})), Reply::text("It is 3.")]);
    let model = CachedModel::new(scripted.clone());
    for (times, tokens) in [(1, 28), (2, 0)] {
        let builder = Agent::builder().model(model.clone()).tool(Add::new()).no_callback_handler();
        let mut agent = builder.build().await.unwrap();
        let result = agent.invoke("What is 1 + 2?").await.unwrap();
        assert_eq!(result.text(), "It is 3.");
        assert_eq!(result.metrics.accumulated_usage.total_tokens, tokens, "time {times}");
    }
    assert_eq!(scripted.requests().len(), 2);
}
