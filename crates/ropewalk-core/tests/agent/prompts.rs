//! What an agent may be asked, what it is built of, and what it is after an error.

use std::sync::Arc;

use pretty_assertions::assert_eq;
use ropewalk_core::*;
use ropewalk_testkit::{Reply, ScriptedModel};
use serde_json::json;

use crate::common::{asks, assert_valid, echo};

async fn agent(replies: impl IntoIterator<Item = Reply>) -> (Agent, ScriptedModel) {
    let model = ScriptedModel::new(replies);
    let agent = Agent::builder()
        .no_callback_handler()
        .model(model.clone())
        .retry_strategy(RetryStrategy::none())
        .tool(echo("a"))
        .build()
        .await
        .unwrap();
    (agent, model)
}

#[tokio::test]
async fn text_blocks_messages_and_nothing_are_prompts() {
    let (mut agent, model) = agent((0..6).map(|_| Reply::text("ok"))).await;
    agent.invoke("one").await.unwrap();
    agent.invoke(String::from("two")).await.unwrap();
    agent.invoke(vec![ContentBlock::from("three"), "four".into()]).await.unwrap();
    agent.invoke(vec![Message::user("five"), Message::user("six")]).await.unwrap();
    agent.invoke(()).await.unwrap();
    agent.invoke(Vec::<ContentBlock>::new()).await.unwrap();
    let roles: Vec<Role> = agent.messages().iter().map(|message| message.role).collect();
    use Role::{Assistant as A, User as U};
    assert_eq!(roles, [U, A, U, A, U, A, U, U, A, A, A]);
    assert_eq!(model.requests()[2].messages[4].text(), "three\nfour");
}

#[tokio::test]
async fn a_prompt_that_can_not_stand_in_a_history_is_refused_and_changes_nothing() {
    let (mut agent, model) = agent([Reply::text("ok")]).await;
    let before = agent.run();
    let error = agent.invoke(asks([("t", "a", json!({}))])).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidInput);
    let stray = Message::tool_results([ToolResult::success("t", "x")]);
    assert!(agent.invoke(stray).await.is_err());
    assert_eq!(agent.run(), before);
    assert!(model.requests().is_empty());
    assert_eq!(agent.invoke("q").await.unwrap().text(), "ok");
}

#[tokio::test]
async fn answers_without_a_question_are_refused() {
    let (mut agent, _) = agent([]).await;
    let answer = InterruptResponse { interrupt_id: "i".into(), response: json!(true) };
    let error = agent.resume([answer]).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Interrupt);
    assert!(!agent.is_unfinished());
}

#[tokio::test]
async fn a_model_error_keeps_its_kind_and_the_agent_usable() {
    let kinds = [ErrorKind::Throttled, ErrorKind::Unavailable, ErrorKind::Authentication];
    for kind in kinds {
        let (mut agent, _) = agent([Reply::error(kind, "no"), Reply::text("ok")]).await;
        let error = agent.invoke("q").await.unwrap_err();
        assert_eq!((error.kind(), error.to_string().as_str()), (kind, "no"));
        assert!(agent.is_unfinished());
        assert_eq!(agent.messages().len(), 1);
        // `()` asks again with the same history.
        assert_eq!(agent.invoke(()).await.unwrap().text(), "ok");
        assert_eq!(agent.messages().len(), 2);
    }
}

#[tokio::test]
async fn a_prompt_that_does_not_fit_the_window_is_taken_back_and_stops_no_later_one() {
    let script =
        [Reply::text("ok"), Reply::error(ErrorKind::ContextOverflow, "no"), Reply::text("fine")];
    let model = ScriptedModel::new(script);
    let builder = Agent::builder().no_callback_handler().model(model.clone());
    let mut agent =
        builder.conversation_manager(NullConversationManager::new()).build().await.unwrap();
    agent.invoke("one").await.unwrap();
    let error = agent.invoke("far too long").await.unwrap_err();
    assert!(error.is_context_overflow());
    assert!(!agent.is_unfinished());
    assert_eq!(agent.messages().len(), 2);
    agent.invoke("two").await.unwrap();
    let asked: Vec<String> = model.requests()[2].messages.iter().map(|m| m.text()).collect();
    assert_eq!(asked, ["one", "ok", "two"]);
}

#[tokio::test]
async fn a_new_prompt_after_a_model_error_gives_the_failed_turn_up() {
    let (mut agent, model) =
        agent([Reply::error(ErrorKind::Unavailable, "no"), Reply::text("ok")]).await;
    agent.invoke("one").await.unwrap_err();
    agent.invoke("two").await.unwrap();
    let asked: Vec<String> = model.requests()[1].messages.iter().map(|m| m.text()).collect();
    assert_eq!(asked, ["one", "two"]);
    assert_valid(&agent.messages());
}

#[tokio::test]
async fn an_answer_that_breaks_off_is_an_error_and_leaves_nothing_in_the_history() {
    let half = Reply::text("half of it");
    let mut agent = {
        let model = ScriptedModel::new([
            half.clone().failing_after(3, ErrorKind::Unavailable, "dead"),
            Reply::chunks([ModelChunk::message_start(), ModelChunk::text_delta("half")]),
            Reply::text("whole"),
        ]);
        Agent::builder()
            .no_callback_handler()
            .model(model)
            .retry_strategy(RetryStrategy::none())
            .build()
            .await
            .unwrap()
    };
    assert_eq!(agent.invoke("q").await.unwrap_err().kind(), ErrorKind::Unavailable);
    assert_eq!(agent.invoke(()).await.unwrap_err().kind(), ErrorKind::Unavailable);
    assert_eq!(agent.messages().len(), 1);
    assert_eq!(agent.invoke(()).await.unwrap().text(), "whole");
}

/// Panics before it gives a stream.
struct Panics;

impl Model for Panics {
    fn id(&self) -> &str {
        "panics"
    }

    fn stream(&self, _: ModelRequest) -> BoxStream<'_, Result<ModelChunk, Error>> {
        panic!("no floor")
    }
}

/// Panics in its stream.
struct PanicsLater;

impl Model for PanicsLater {
    fn id(&self) -> &str {
        "panics"
    }

    fn stream(&self, _: ModelRequest) -> BoxStream<'_, Result<ModelChunk, Error>> {
        Box::pin(futures_util::stream::once(async { panic!("no floor") }))
    }
}

#[tokio::test]
async fn a_model_that_panics_is_a_model_that_fails() {
    let models: [Arc<dyn Model>; 2] = [Arc::new(Panics), Arc::new(PanicsLater)];
    for model in models {
        let mut agent =
            Agent::builder().no_callback_handler().shared_model(model).build().await.unwrap();
        let error = agent.invoke("q").await.unwrap_err();
        assert_eq!(error.to_string(), "the model `panics` panicked: no floor");
        assert_eq!(agent.messages().len(), 1);
    }
}

#[tokio::test]
async fn a_cut_off_answer_is_a_result_that_says_so_and_is_kept() {
    let mut chunks = ModelChunk::text_message("half", StopReason::MaxTokens, Usage::new(1, 2));
    chunks.insert(4, ModelChunk::tool_use_start("t", "a"));
    let (mut agent, _) = agent([Reply::chunks(chunks)]).await;
    let result = agent.invoke("q").await.unwrap();
    assert_eq!(result.stop_reason, StopReason::MaxTokens);
    assert_eq!(agent.messages().len(), 2);
    assert!(result.text().starts_with("half"));
}

#[tokio::test]
async fn the_model_is_told_history_system_prompt_and_tools() {
    let model = ScriptedModel::new([Reply::text("ok")]);
    let mut agent = Agent::builder()
        .no_callback_handler()
        .model(model.clone())
        .messages([Message::user("before"), Message::assistant("yes")])
        .system_prompt("Be brief.")
        .tools([echo("a"), echo("b")])
        .build()
        .await
        .unwrap();
    agent.invoke("q").await.unwrap();
    let request = &model.requests()[0];
    let texts: Vec<String> = request.messages.iter().map(|m| m.text()).collect();
    assert_eq!(texts, ["before", "yes", "q"]);
    assert_eq!(request.system.as_ref().unwrap().text().as_deref(), Some("Be brief."));
    let names: Vec<&str> = request.tools.iter().map(|spec| spec.name.as_str()).collect();
    assert_eq!(names, ["a", "b"]);
}

#[tokio::test]
async fn an_agent_that_can_not_work_is_not_built() {
    let model = || ScriptedModel::new([]);
    let builders = [
        (Agent::builder().no_callback_handler(), "needs a model"),
        (Agent::builder().no_callback_handler().model(model()).agent_id("../x"), "path separator"),
        (
            Agent::builder().no_callback_handler().model(model()).messages([asks([(
                "t",
                "a",
                json!({}),
            )])]),
            "no result",
        ),
    ];
    for (builder, words) in builders {
        let error = builder.build().await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidInput);
        assert!(error.to_string().contains(words), "{error}");
    }
    let error = Agent::builder()
        .no_callback_handler()
        .model(model())
        .session(MemoryJournal::new())
        .blueprint();
    assert!(error.unwrap_err().to_string().contains("Blueprint::open"));
}

#[tokio::test]
async fn agents_of_one_blueprint_share_hooks_and_tools_but_no_conversation() {
    let model = ScriptedModel::new([Reply::text("1"), Reply::text("2")]);
    let called = Arc::new(std::sync::Mutex::new(0));
    let counter = Arc::clone(&called);
    let blueprint = Agent::builder()
        .no_callback_handler()
        .model(model)
        .hook(move |_: &BeforeInvocationEvent| *counter.lock().unwrap() += 1)
        .blueprint()
        .unwrap();
    let blueprint = Arc::new(blueprint);
    let (mut one, mut two) = (blueprint.agent().await.unwrap(), blueprint.agent().await.unwrap());
    one.invoke("a").await.unwrap();
    two.invoke("b").await.unwrap();
    assert_eq!((one.messages()[0].text(), two.messages()[0].text()), ("a".into(), "b".into()));
    assert_ne!(one.run().id(), two.run().id());
    assert_eq!(*called.lock().unwrap(), 2);
}

#[tokio::test]
async fn an_agent_and_its_invocation_can_be_moved_to_another_thread() {
    fn is_send<T: Send>(value: T) -> T {
        value
    }
    let (mut agent, _) = agent([Reply::text("ok")]).await;
    assert_eq!(is_send(agent.invoke("q")).await.unwrap().text(), "ok");
    drop(is_send(agent.stream("q")));
    tokio::spawn(async move { agent.messages() }).await.unwrap();
}

#[tokio::test]
async fn a_result_prints_the_text_or_the_questions_and_has_the_json_of_the_page() {
    let (mut agent, _) = agent([Reply::message(Message::assistant("good day"))]).await;
    let mut result = agent.invoke("q").await.unwrap();
    assert_eq!(result.to_string(), "good day\n");
    let mut json = serde_json::to_value(&result).unwrap();
    crate::common::redact(&mut json, &["metadata"]);
    let message = json!({"role": "assistant", "content": [{"text": "good day"}],
        "metadata": "[metadata]"});
    let expected = json!({"type": "agent_result", "message": message, "stop_reason": "end_turn"});
    assert_eq!(json, expected);

    result.interrupts = vec![Interrupt::new("i", "n", json!("r"))];
    let dict = r#"{"id":"i","name":"n","reason":"r","response":null}"#;
    assert_eq!(result.to_string(), format!("{dict}\n"));
}
