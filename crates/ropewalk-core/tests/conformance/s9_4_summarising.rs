//! §9.4 The manager that lets a model summarise the oldest messages.

use std::sync::Arc;

use pretty_assertions::assert_eq;
use ropewalk_core::*;
use ropewalk_testkit::{Reply, ScriptedModel};
use serde_json::json;

use crate::common::assert_valid;
use crate::support::{Notes, edits, exchanges, managed, says, stream_of, texts, tool_turn};

fn overflow() -> Reply {
    Reply::error(ErrorKind::ContextOverflow, "too long")
}

/// A model whose window is too small, that summarises as `summary`, and then answers.
fn summarises(summary: &str) -> ScriptedModel {
    ScriptedModel::new([overflow(), Reply::text(summary), Reply::text("ok")])
}

fn manager() -> SummarizingConversationManager {
    SummarizingConversationManager::new()
}

/// §9.4 Routine: nothing.
#[tokio::test]
async fn routine_changes_nothing() {
    let (mut agent, journal) = managed(exchanges(60), says("ok"), manager()).await;
    agent.invoke("q").await.unwrap();
    assert_eq!((agent.messages().len(), edits(&journal).await), (122, vec![]));
}

/// §9.4 Reduce, step 1: n = max(1, floor(count·ratio)), capped at count − keep; 10 messages fail, 11
/// work.
#[tokio::test]
async fn of_eleven_messages_one_is_summarised_and_of_ten_none() {
    let model = summarises("S");
    let mut history = exchanges(5);
    history[0] = Message::user("a long way to ask");
    let (mut agent, _) = managed(history.clone(), model, manager()).await;
    agent.invoke("q").await.unwrap();
    assert_eq!(texts(&agent)[..3], ["S", "a0", "q1"]);
    assert_eq!(agent.messages()[0].role, Role::User);

    let (mut agent, _) = managed(history[1..].to_vec(), summarises("S"), manager()).await;
    let error = agent.invoke("q").await.unwrap_err();
    assert!(error.is_context_overflow());
    assert!(error.to_string().contains("found nothing to leave out"), "{error}");
    assert_eq!(agent.messages().len(), 9);
}

/// §9.4 Defaults: ratio 0.3, clamped to 0.1–0.8.
#[tokio::test]
async fn the_ratio_says_how_many_and_is_clamped() {
    for (ratio, summarised) in [(None, 6), (Some(0.0), 2), (Some(0.5), 10), (Some(1.0), 16)] {
        let manager = match ratio {
            None => manager().preserve_recent_messages(2),
            Some(ratio) => manager().summary_ratio(ratio).preserve_recent_messages(2),
        };
        // 21 messages with the prompt.
        let (mut agent, journal) = managed(exchanges(10), summarises("S"), manager).await;
        agent.invoke("q").await.unwrap();
        assert_eq!(edits(&journal).await[0].removed(), summarised, "{ratio:?}");
    }
    let builder = Agent::builder()
        .no_callback_handler()
        .model(says("ok"))
        .conversation_manager(manager().summary_ratio(f64::NAN));
    assert_eq!(builder.build().await.unwrap_err().kind(), ErrorKind::InvalidInput);
}

/// §9.4 Reduce, step 2: what is summarised ends behind tool results, not before them.
#[tokio::test]
async fn a_tool_turn_is_summarised_whole() {
    let mut history = vec![Message::user("q0")];
    history.extend(tool_turn("t", "r"));
    history.extend(exchanges(2));
    // 8 messages: 2 would part the use from its result.
    let manager = manager().preserve_recent_messages(2);
    let (mut agent, _) = managed(history, summarises("S"), manager).await;
    agent.invoke("q").await.unwrap();
    assert_eq!(texts(&agent), ["S", "q0", "a0", "q1", "a1", "q", "ok"]);
    assert_valid(&agent.messages());
}

/// §9.4 Reduce, step 3: an earlier summary is among what is summarised, and is not counted again.
#[tokio::test]
async fn a_summary_is_summarised_and_counted_once() {
    let model = ScriptedModel::new([
        overflow(),
        Reply::text("S1"),
        overflow(),
        Reply::text("S2"),
        Reply::text("ok"),
    ]);
    let manager = manager().preserve_recent_messages(2);
    let (mut agent, _) = managed(exchanges(5), model.clone(), manager).await;
    agent.invoke("q").await.unwrap();
    // 3 of 11, then 2 of 9, one of which is the summary.
    assert_eq!(texts(&agent)[..2], ["S2", "q2"]);
    assert!(model.requests()[3].messages[0].text().contains("user: S1"));
    let state = agent.run().manager_state().unwrap().state.clone();
    assert_eq!(state, json!({"removed_message_count": 4, "has_summary": true}));
}

/// §9.4 Reduce, step 4: 1.21 runs the same agent (BUG, appendix A 8). Here the model is asked apart from
/// it: no hook, no message, no cycle, no event; the tokens count once.
#[tokio::test]
async fn the_summary_is_asked_for_apart_from_the_conversation() {
    let notes = Notes::default();
    let (log, added) = (notes.clone(), notes.clone());
    let model = summarises("S");
    let mut agent = Agent::builder()
        .no_callback_handler()
        .model(model.clone())
        .system_prompt("Be brief.")
        .tool(crate::common::echo("a"))
        .messages(exchanges(10))
        .conversation_manager(manager())
        .hook(move |_: &BeforeModelCallEvent| log.add("before"))
        .hook(move |event: &MessageAddedEvent| added.add(event.message().text()))
        .build()
        .await
        .unwrap();
    let events = stream_of(&mut agent, "q").await;
    assert_eq!(notes.take(), ["q", "before", "before", "ok"]);
    let texts: Vec<_> = events.iter().filter_map(|event| event["data"].as_str()).collect();
    assert_eq!(texts, ["ok"]);
    let request = &model.requests()[1];
    assert!(request.tools.is_empty());
    assert_ne!(request.system.as_ref().unwrap().text().unwrap(), "Be brief.");
    assert_eq!(request.messages.len(), 1);
    // 10 in and 1 out for the summary, and the same for the answer.
    assert_eq!(agent.run().usage(), Usage::new(20, 2));
    assert_eq!((agent.run().cycles(), agent.run().model_calls()), (1, 1));
}

/// §9.4 Reduce, step 4: no model has to accept tool blocks without the tools: they are put as text, and
/// long ones are shortened.
#[tokio::test]
async fn tool_blocks_are_put_as_text() {
    let mut history = vec![Message::user("q0")];
    history.extend(tool_turn("t", "r".repeat(50_000)));
    history.extend(exchanges(5));
    let model = summarises("S");
    let (mut agent, _) = managed(history, model.clone(), manager()).await;
    agent.invoke("q").await.unwrap();
    let request = &model.requests()[1].messages;
    assert_eq!(request[0].content.len(), 1);
    let text = request[0].text();
    assert!(text.contains("assistant: [calls the tool a with {}]\nuser: [the tool gave: rrr"));
    assert!(text.contains("characters left out") && text.len() < 3_000, "{}", text.len());
}

/// §9.4 Defaults: own prompt; another model. In Strands a prompt and an agent at once are refused, since
/// the agent has its own; a model has none, so both go together here.
#[tokio::test]
async fn another_model_and_another_prompt_make_the_summary() {
    let small = says("S");
    let shared: Arc<dyn Model> = Arc::new(small.clone());
    let manager =
        manager().summarization_model(shared).summarization_system_prompt("Say it in verse.");
    let model = ScriptedModel::new([overflow(), Reply::text("ok")]);
    let (mut agent, _) = managed(exchanges(10), model, manager).await;
    agent.invoke("q").await.unwrap();
    let system = small.requests()[0].system.as_ref().unwrap().text();
    assert_eq!(system.as_deref(), Some("Say it in verse."));
    assert_eq!(texts(&agent)[0], "S");
}

/// §9.4 Reduce, step 5: pinned messages are kept in front of the summary.
#[tokio::test]
async fn pinned_messages_stay_in_front_of_the_summary() {
    let mut history = exchanges(10);
    history[2].set_pinned(true);
    let model = summarises("S");
    let (mut agent, journal) = managed(history, model.clone(), manager()).await;
    agent.invoke("q").await.unwrap();
    assert_eq!(texts(&agent)[..3], ["q1", "S", "q3"]);
    assert!(!model.requests()[1].messages[0].text().contains("q1"));
    let again = agent.blueprint().open(Arc::new(journal)).await.unwrap();
    assert_eq!(again.messages(), agent.messages());
}

/// §9.4 Reduce, step 6: on overflow errors propagate. The prompt stays, so that `()` goes on.
#[tokio::test]
async fn on_overflow_an_error_of_the_summary_is_the_error() {
    let script =
        [overflow(), Reply::error(ErrorKind::Authentication, "no"), overflow(), Reply::text(" ")];
    let (mut agent, _) = managed(exchanges(10), ScriptedModel::new(script), manager()).await;
    let error = agent.invoke("q").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Authentication);
    assert_eq!(
        error.to_string(),
        "the conversation does not fit the model's window: the conversation can't be summarised by `scripted`: no"
    );
    let error = agent.invoke(()).await.unwrap_err();
    assert!(error.to_string().contains("the summary has no text"), "{error}");
    // What that summary took was used all the same.
    assert_eq!(agent.run().usage(), Usage::new(10, 0));
    assert_eq!(agent.messages().len(), 21);
}

/// §9.4 Reduce, step 6: when proactive, errors are reported and the model is asked all the same.
#[tokio::test]
async fn when_proactive_an_error_of_the_summary_stops_nothing() {
    let model =
        ScriptedModel::new([Reply::error(ErrorKind::Authentication, "no"), Reply::text("ok")])
            .with_window(10_000);
    let manager = manager().compression_threshold(0.001);
    let (mut agent, journal) = managed(exchanges(10), model, manager).await;
    agent.invoke("q").await.unwrap();
    assert_eq!(edits(&journal).await, []);
}

/// A cancel reaches the summary.
#[tokio::test]
async fn a_cancel_stops_the_summary() {
    let model = ScriptedModel::new([overflow(), Reply::text("S").silent_after(2)]);
    let (mut agent, journal) = managed(exchanges(10), model.clone(), manager()).await;
    let handle = agent.cancel_handle();
    let cancels = async {
        while model.requests().len() < 2 {
            tokio::task::yield_now().await;
        }
        handle.cancel();
    };
    let (result, ()) = tokio::join!(agent.invoke("q"), cancels);
    assert_eq!(result.unwrap().stop_reason, StopReason::Cancelled);
    assert_eq!(edits(&journal).await, []);
    assert_valid(&agent.messages());
}
