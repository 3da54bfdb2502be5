//! §4.7 History repair, with §10.5 and the row of §3.4 that it points to.

use pretty_assertions::assert_eq;
use proptest::prelude::*;
use ropewalk_core::*;
use ropewalk_testkit::{Reply, ScriptedModel};
use serde_json::json;

use crate::common;

fn asks(ids: &[&str]) -> Message {
    common::asks(ids.iter().map(|id| (*id, "n", json!({}))))
}

fn gives(ids: &[&str]) -> Message {
    Message::tool_results(ids.iter().map(|id| ToolResult::success(*id, *id)))
}

fn lost(id: &str) -> ToolResult {
    ToolResult::error(id, "Tool was interrupted.")
}

#[track_caller]
fn mends(broken: &[Message], whole: &[Message]) -> Vec<Repair> {
    let (transcript, repairs) = Transcript::repair(broken.iter().cloned());
    let messages: Vec<Message> = transcript.iter().map(|message| (**message).clone()).collect();
    assert_eq!(messages, whole);
    common::assert_valid(&transcript);
    repairs
}

fn added(message: usize, id: &str) -> Repair {
    Repair::AddedResult { message, tool_use_id: id.into() }
}

fn dropped(message: usize, id: &str) -> Repair {
    Repair::DroppedResult { message, tool_use_id: id.into() }
}

/// §4.7 What is whole is not touched
#[test]
fn a_whole_history_stays_as_it_is() {
    let whole = [Message::user("q"), asks(&["a"]), gives(&["a"]), Message::assistant("x")];
    assert_eq!(mends(&whole, &whole), []);
    let (empty, repairs) = Transcript::repair([Message::new(Role::User, vec![])]);
    assert_eq!((empty.len(), repairs.len()), (1, 0));
}

/// §10.5 "First message is a user message with tool results → removed"
#[test]
fn results_at_the_beginning_are_left_out() {
    assert_eq!(
        mends(&[gives(&["z"]), Message::user("q")], &[Message::user("q")]),
        [dropped(0, "z")],
    );
}

/// §10.5 "orphan results anywhere are removed (message kept if other content remains)"
#[test]
fn an_orphan_result_goes_and_what_stands_beside_it_stays() {
    let mut mixed = gives(&["z"]);
    mixed.content.push("and?".into());
    assert_eq!(mends(&[mixed], &[Message::user("and?")]), [dropped(0, "z")]);
}

/// §10.5 "error results `Tool was interrupted.`". Strands leaves the last message of a history as it is; here it
/// can't stand without results either.
#[test]
fn a_use_at_the_end_gets_a_result_that_says_it_was_interrupted() {
    assert_eq!(
        mends(&[asks(&["a"])], &[asks(&["a"]), Message::tool_results([lost("a")])]),
        [added(0, "a")],
    );
}

/// §10.5 "results missing in the next message are added there"; "mismatched pairs are rebuilt in tool-use order,
/// unknown results dropped"
#[test]
fn missing_results_join_the_ones_that_are_there_in_the_order_of_the_uses() {
    let mut whole = gives(&["a", "b", "c"]);
    whole.content[1] = ContentBlock::ToolResult(lost("b"));
    assert_eq!(
        mends(&[asks(&["a", "b", "c"]), gives(&["c", "z", "a"])], &[asks(&["a", "b", "c"]), whole]),
        [added(0, "b"), dropped(1, "z")],
    );
}

/// §10.5 "existing non-result content kept after the results"; §3.4 "two consecutive user messages (WEAK)": here
/// it is one
#[test]
fn a_prompt_after_an_open_use_keeps_its_text_behind_the_result() {
    let mut whole = Message::tool_results([lost("a")]);
    whole.content.push("go on".into());
    assert_eq!(
        mends(&[asks(&["a"]), Message::user("go on")], &[asks(&["a"]), whole]),
        [added(0, "a")],
    );
}

/// §10.5 "if the next message has no results at all, a user message with them is inserted"
#[test]
fn an_answer_after_an_open_use_gets_the_result_in_front() {
    assert_eq!(
        mends(
            &[asks(&["a"]), Message::assistant("x")],
            &[asks(&["a"]), Message::tool_results([lost("a")]), Message::assistant("x")]
        ),
        [added(0, "a")],
    );
}

/// §3.4 "Roles and alternation are not validated anywhere": here a block under the wrong role is mended too
#[test]
fn blocks_under_the_wrong_role_are_left_out() {
    let wrong = Message { role: Role::User, ..asks(&["a"]) };
    let repairs = mends(&[wrong, Message::user("q")], &[Message::user("q")]);
    assert_eq!(repairs, [Repair::DroppedBlock { message: 0 }]);
}

fn block() -> impl Strategy<Value = ContentBlock> {
    let id = || prop::sample::select(vec!["a", "b", "c"]);
    prop_oneof![
        "[a-z]{0,3}".prop_map(ContentBlock::Text),
        id().prop_map(|id| ContentBlock::from(ToolUse::new(id, "n", json!({})))),
        id().prop_map(|id| ContentBlock::ToolResult(ToolResult::success(id, "r"))),
        id().prop_map(|id| ContentBlock::InterruptResponse(InterruptResponse {
            interrupt_id: id.into(),
            response: json!(true),
        })),
    ]
}

fn message() -> impl Strategy<Value = Message> {
    let role = prop_oneof![Just(Role::User), Just(Role::Assistant)];
    (role, prop::collection::vec(block(), 0..5))
        .prop_map(|(role, content)| Message::new(role, content))
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn whatever_comes_the_mended_history_is_valid_and_needs_no_second_mending(
        messages in prop::collection::vec(message(), 0..7),
    ) {
        let valid = Transcript::from_messages(messages.clone()).is_ok();
        let (mended, repairs) = Transcript::repair(messages.clone());
        common::assert_valid(&mended);
        let (again, none) = Transcript::repair(mended.iter().map(|m| (**m).clone()));
        prop_assert_eq!(&again, &mended);
        prop_assert_eq!(none, vec![]);
        // Only what is broken is mended.
        prop_assert_eq!(valid, repairs.is_empty());
    }
}

/// §3.4, §10.5 Strands mends what it is given and says nothing. Here an agent refuses a broken history and
/// names what mends it: whoever has one decides.
#[tokio::test]
async fn an_agent_takes_a_mended_history_and_no_broken_one() {
    let broken = [Message::user("q"), asks(&["a"]), Message::user("go on")];
    let model = ScriptedModel::new([Reply::text("ok")]);
    let builder =
        |messages| Agent::builder().no_callback_handler().model(model.clone()).messages(messages);
    let error = builder(broken.to_vec()).build().await.unwrap_err();
    assert!(error.to_string().contains("`Transcript::repair` mends it"), "{error}");

    let (mended, _) = Transcript::repair(broken);
    let mended = mended.iter().map(|message| (**message).clone()).collect();
    let mut agent = builder(mended).build().await.unwrap();
    assert_eq!(agent.invoke("and?").await.unwrap().text(), "ok");
    common::assert_valid(&model.requests()[0].messages);
}

/// §4.7 "Before sending (assistant messages only): empty content → one `[blank text]` block …"; "a deep copy".
/// Here the model is asked with the very messages of the history, none copied. What a provider refuses is its
/// adapter's to fill in, in what it sends (`blank_answers_of_the_model_are_filled_in` in `ropewalk-models`,
/// and beside it that names which no tool can have become `INVALID_TOOL_NAME`, §4.5).
#[tokio::test]
async fn a_model_is_asked_with_the_history_as_it_is() {
    let history = [
        Message::user("q"),
        Message::new(Role::Assistant, vec![]),
        Message::new(Role::User, vec![]),
        Message::assistant(" \n"),
        common::asks([("t1", "no name", json!({}))]),
        gives(&["t1"]),
    ];
    let model = ScriptedModel::new([Reply::text("ok")]);
    let mut agent = Agent::builder()
        .no_callback_handler()
        .model(model.clone())
        .messages(history.clone())
        .build()
        .await
        .unwrap();
    agent.invoke(()).await.unwrap();
    let sent = &model.requests()[0].messages;
    for (at, message) in history.iter().enumerate() {
        assert_eq!(&*sent[at], message);
        assert!(
            std::sync::Arc::ptr_eq(&sent[at], &agent.messages()[at]),
            "message {at} was copied"
        );
    }
}
