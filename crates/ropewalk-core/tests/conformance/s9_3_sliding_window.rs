//! §9.3 The sliding window, an agent's manager unless it is given another.

use pretty_assertions::assert_eq;
use ropewalk_core::*;
use ropewalk_testkit::{Reply, ScriptedModel};
use serde_json::json;

use crate::common::{assert_valid, echo};
use crate::support::{edits, exchanges, managed, says, shape, texts, tool_turn};

fn window(size: usize) -> SlidingWindowConversationManager {
    SlidingWindowConversationManager::new().window_size(size)
}

fn kept(agent: &Agent) -> serde_json::Value {
    serde_json::to_value(agent.run().manager_state()).unwrap()
}

/// §9.3 Defaults: window 40.
#[tokio::test]
async fn an_agent_without_a_manager_keeps_40_messages() {
    let mut agent = Agent::builder()
        .no_callback_handler()
        .model(says("ok"))
        .messages(exchanges(60))
        .build()
        .await
        .unwrap();
    agent.invoke("q").await.unwrap();
    assert_eq!(agent.messages().len(), 40);
    assert_eq!(texts(&agent)[0], "q41");
    let manager = agent.blueprint().conversation_manager();
    assert_eq!((manager.name(), manager.per_turn()), ("SlidingWindowConversationManager", None));
    assert_eq!(manager.compression_threshold(), None);
}

/// §9.3 Routine: if count ≤ window do nothing, else reduce; `removed_message_count` grows.
#[tokio::test]
async fn up_to_the_window_nothing_happens_and_beyond_it_the_oldest_go() {
    let model = ScriptedModel::new((0..4).map(|_| Reply::text("ok")));
    let (mut agent, journal) = managed([], model, window(4)).await;
    agent.invoke("1").await.unwrap();
    agent.invoke("2").await.unwrap();
    assert_eq!(edits(&journal).await, []);
    assert_eq!(kept(&agent), json!(null));
    agent.invoke("3").await.unwrap();
    agent.invoke("4").await.unwrap();
    assert_eq!(texts(&agent), ["3", "ok", "4", "ok"]);
    let edit = TranscriptEdit::new().remove(0..2);
    assert_eq!(edits(&journal).await, [edit.clone(), edit]);
    let state = json!({"removed_message_count": 4});
    assert_eq!(kept(&agent), json!({"name": "SlidingWindowConversationManager", "state": state}));
}

/// §9.3 Reduce, 1.21, step 1 (BUG, appendix A 2): routine trimming destroys no tool result.
#[tokio::test]
async fn routine_trims_and_leaves_tool_results_as_they_are() {
    let long = "x".repeat(5000);
    let body = long.clone();
    let model = ScriptedModel::new([Reply::tool("a", json!({})), Reply::text("done")]);
    let tool = crate::common::tool("a", move |_, _| {
        let body = body.clone();
        async move { Ok(ToolOutput::text(body)) }
    });
    let mut agent = Agent::builder()
        .no_callback_handler()
        .model(model)
        .tool(tool)
        .messages(exchanges(3))
        .conversation_manager(window(5))
        .build()
        .await
        .unwrap();
    agent.invoke("q").await.unwrap();
    assert_eq!(agent.messages().len(), 4);
    assert_eq!(agent.messages()[2].results().next().unwrap().text(), long);
}

/// §9.3 Reduce, 1.62, step 4: the cut moves on to a user message without tool results.
#[tokio::test]
async fn what_stays_begins_with_a_user_message_without_results() {
    let mut history = vec![Message::user("q0")];
    history.extend(tool_turn("t", "r"));
    history.extend([Message::assistant("a0")]);
    history.extend(exchanges(1));
    for size in 3..7 {
        let (mut agent, _) = managed(history.clone(), says("ok"), window(size)).await;
        agent.invoke("q").await.unwrap();
        // One that stands among the results of the first turn moves to the next prompt.
        assert_eq!(texts(&agent)[0], if size == 3 { "q" } else { "q0" }, "{size}");
        assert!(agent.messages().len() <= size);
        assert_valid(&agent.messages());
    }
}

/// §9.3 Reduce, 1.62, step 4, fallback: Strands lets what stays of one long turn begin with a tool use,
/// and the model no longer knows what it was asked. Here the prompt of the turn stays in front of it.
#[tokio::test]
async fn in_a_long_turn_its_prompt_stays() {
    let uses = (0..10).map(|n| Reply::tools([(format!("t{n}"), "a".to_owned(), json!({}))]));
    let model = ScriptedModel::new(uses.chain([Reply::text("done")]));
    let mut agent = Agent::builder()
        .no_callback_handler()
        .model(model.clone())
        .tool(echo("a"))
        .conversation_manager(window(6).per_turn(1))
        .build()
        .await
        .unwrap();
    agent.invoke("the task").await.unwrap();
    for request in model.requests() {
        assert!(request.messages.len() <= 6);
        assert_eq!(request.messages[0].text(), "the task");
        assert_valid(&request.messages);
    }
    assert_eq!(
        shape(&agent.messages()),
        [
            "user text",
            "assistant toolUse",
            "user toolResult",
            "assistant toolUse",
            "user toolResult",
            "assistant text"
        ]
    );
}

/// §9.3 Reduce, 1.62, step 2: window 0 keeps only what is pinned.
#[tokio::test]
async fn a_window_of_nothing_keeps_what_is_pinned() {
    let history = [Message::user("I am Ada.").pinned(), Message::assistant("Hello.")];
    let model = ScriptedModel::new([Reply::text("1"), Reply::text("2")]);
    let (mut agent, _) = managed(history, model.clone(), window(0)).await;
    agent.invoke("one").await.unwrap();
    assert_eq!(texts(&agent), ["I am Ada."]);
    agent.invoke("two").await.unwrap();
    let asked: Vec<_> = model.requests()[1].messages.iter().map(|message| message.text()).collect();
    assert_eq!(asked, ["I am Ada.", "two"]);
    // While the model has to answer, the prompt stays.
    let model = ScriptedModel::new([Reply::text("1")]);
    let (mut agent, _) = managed([], model.clone(), window(0).per_turn(1)).await;
    agent.invoke("one").await.unwrap();
    assert_eq!(model.requests()[0].messages.len(), 1);
}

/// §9.3 "ran: window 1 stays untrimmed": here the last exchange stays.
#[tokio::test]
async fn a_window_that_no_exchange_fits_keeps_the_last_one() {
    let (mut agent, _) = managed(exchanges(2), says("ok"), window(1)).await;
    agent.invoke("q").await.unwrap();
    assert_eq!(texts(&agent), ["q", "ok"]);
}

fn results(agent: &Agent) -> Vec<String> {
    let results = |message: &std::sync::Arc<Message>| {
        message.results().map(ToolResult::text).collect::<Vec<_>>()
    };
    agent.messages().iter().flat_map(results).collect()
}

fn overflowing(times: usize) -> ScriptedModel {
    let overflow = |_| Reply::error(ErrorKind::ContextOverflow, "too long");
    ScriptedModel::new((0..times).map(overflow).chain([Reply::text("ok")]))
}

/// §9.3 Reduce, 1.62, step 3: on overflow the oldest long result is shortened to its head and tail, with
/// what was left out; nothing is trimmed then.
#[tokio::test]
async fn on_overflow_the_oldest_long_result_is_shortened_first() {
    let long = format!("{}{}{}", "h".repeat(200), "m".repeat(1000), "ü".repeat(200));
    let mut history = vec![Message::user("q0")];
    history.extend(tool_turn("short", "s"));
    history.extend(tool_turn("t1", long.clone()));
    history.extend(tool_turn("t2", long.clone()));
    history.extend([Message::assistant("a0")]);
    let (mut agent, _) = managed(history, overflowing(1), window(40)).await;
    agent.invoke("q").await.unwrap();
    let short = format!("{}\n[… 1000 characters left out …]\n{}", "h".repeat(200), "ü".repeat(200));
    assert_eq!(results(&agent), ["s".to_owned(), short, long]);
    assert_eq!(agent.messages().len(), 10);
}

/// §9.3 Reduce, 1.62, step 3: pinned results stay; pictures become a note; the status stays; JSON, which
/// Strands leaves as it is, is shortened as text; text of 401 characters grows in Strands (WEAK).
#[tokio::test]
async fn what_is_shortened_never_grows_and_keeps_its_status() {
    let barely = "b".repeat(401);
    let image = ImageBlock {
        format: "png".into(),
        source: Source::Bytes(Blob::from(vec![0; 10])),
        extra: Extra::new(),
    };
    let content = vec![
        ToolResultContent::Text(barely.clone()),
        ToolResultContent::Image(image),
        ToolResultContent::Json(json!({"rows": "j".repeat(2000)})),
    ];
    let result = ToolResult { content, ..ToolResult::error("t", "") };
    let mut pinned = tool_turn("pinned", "p".repeat(5000));
    pinned[0].set_pinned(true);
    let mut history = vec![Message::user("q0")];
    history.extend(pinned);
    history.extend([tool_turn("t", "")[0].clone(), Message::tool_results([result])]);
    history.extend([Message::assistant("a0")]);
    let (mut agent, _) = managed(history, overflowing(1), window(40)).await;
    agent.invoke("q").await.unwrap();
    assert_eq!(results(&agent)[0].len(), 5000);
    let result = agent.messages()[4].results().next().unwrap().clone();
    assert_eq!(result.status, ToolStatus::Error);
    assert_eq!(result.content[0], ToolResultContent::Text(barely));
    assert_eq!(result.content[1], ToolResultContent::Text("[image left out: png]".into()));
    assert!(matches!(&result.content[2], ToolResultContent::Text(text) if text.len() < 500));
}

/// §9.3 Defaults: truncation can be switched off.
#[tokio::test]
async fn results_are_not_shortened_if_that_is_switched_off() {
    let mut history = vec![Message::user("q0")];
    history.extend(tool_turn("t", "r".repeat(5000)));
    history.extend([Message::assistant("a0")]);
    let manager = window(40).should_truncate_results(false);
    let (mut agent, _) = managed(history, overflowing(1), manager).await;
    agent.invoke("q").await.unwrap();
    assert_eq!(texts(&agent), ["q", "ok"]);
}

/// §9.3 Reduce, step 2 of 1.21: on overflow within the window, 2 messages go, and 2 more each time.
/// Here twice as many go each time, so that few calls are made for nothing.
#[tokio::test]
async fn on_overflow_twice_as_much_goes_each_time() {
    for (times, left) in [(1, "q1"), (2, "q3"), (3, "q7")] {
        let (mut agent, _) = managed(exchanges(9), overflowing(times), window(40)).await;
        agent.invoke("q").await.unwrap();
        assert_eq!(texts(&agent)[0], left, "{times}");
    }
}

/// §9.3 Reduce, 1.62, step 5: nothing removable is an error on overflow. Whatever was left out in vain
/// is there again.
#[tokio::test]
async fn a_prompt_that_is_too_long_by_itself_costs_no_history() {
    let model = ScriptedModel::new([Reply::text("ok")]).with_window(100);
    let (mut agent, journal) = managed(exchanges(9), model.clone(), window(40)).await;
    let before = agent.messages();
    let error = agent.invoke("x".repeat(10_000)).await.unwrap_err();
    assert!(error.is_context_overflow());
    assert!(error.to_string().contains("the prompt was taken back"), "{error}");
    assert!(edits(&journal).await.len() > 1);
    assert_eq!(agent.messages(), before);
    assert_eq!(kept(&agent), json!(null));
    let again = agent.blueprint().open(std::sync::Arc::new(journal)).await.unwrap();
    assert_eq!(again.run(), agent.run());
    agent.invoke("q").await.unwrap();
    assert_eq!(agent.messages().len(), 20);
}

/// §9.3 Per-turn: before every model call, or every n-th; the count goes on over invocations and
/// restarts (Strands' `model_call_count`).
#[tokio::test]
async fn per_turn_looks_before_every_nth_model_call() {
    let model = || ScriptedModel::new((0..8).map(|_| Reply::text("ok")));
    let model = model();
    let (mut agent, journal) = managed(exchanges(4), model.clone(), window(4).per_turn(3)).await;
    agent.edit_messages(TranscriptEdit::new().insert(8, exchanges(4))).await.unwrap();
    agent.invoke("1").await.unwrap();
    // Not before the first call, but when it had ended.
    assert_eq!(model.requests()[0].messages.len(), 17);
    agent.invoke("2").await.unwrap();
    let mut agent = agent.blueprint().open(std::sync::Arc::new(journal)).await.unwrap();
    agent.edit_messages(TranscriptEdit::new().insert(0, exchanges(4))).await.unwrap();
    agent.invoke("3").await.unwrap();
    assert_eq!(model.requests()[2].messages.len(), 3);
    assert_eq!(agent.run().model_calls(), 3);
}

/// §9.3 Per-turn: ≤ 0 is rejected.
#[tokio::test]
async fn per_turn_of_nothing_is_refused() {
    let builder = Agent::builder()
        .no_callback_handler()
        .model(says("ok"))
        .conversation_manager(window(4).per_turn(0));
    let error = builder.build().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidInput);
    assert!(error.to_string().contains("per_turn=<0>"), "{error}");
}

/// §9.3 Reduce, 1.62, step 1: `pin_first` pins the first messages when any go for the first time.
#[tokio::test]
async fn the_first_messages_are_pinned_at_the_first_reduction() {
    let model = ScriptedModel::new((0..3).map(|_| Reply::text("ok")));
    let (mut agent, journal) = managed(exchanges(2), model, window(4).pin_first(2)).await;
    agent.invoke("1").await.unwrap();
    assert!(!agent.messages()[0].is_pinned());
    agent.invoke("2").await.unwrap();
    assert!(agent.messages()[0].is_pinned() && agent.messages()[1].is_pinned());
    agent.invoke("3").await.unwrap();
    assert_eq!(texts(&agent), ["q0", "a0", "2", "ok", "3", "ok"]);
    let again = agent.blueprint().open(std::sync::Arc::new(journal)).await.unwrap();
    assert_eq!(again.messages(), agent.messages());
}
