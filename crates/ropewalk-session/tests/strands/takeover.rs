//! Who has gone on with a session: Strands, or Ropewalk before it died.

use std::fs;
use std::path::Path;

use ropewalk_core::*;
use ropewalk_testkit::{Reply, ScriptedModel};
use serde_json::json;

use crate::copied::copy;
use crate::support::*;

async fn one_turn(folder: &Path) {
    let model = ScriptedModel::new([Reply::text("first answer")]);
    agent(folder, &model, &Tools::default()).await.invoke("first").await.unwrap();
}

#[tokio::test]
async fn what_strands_added_is_taken_over_and_the_state_it_left() {
    let folder = tempfile::tempdir().unwrap();
    one_turn(folder.path()).await;
    append_as_strands(folder.path(), &Message::user("second"));
    append_as_strands(folder.path(), &Message::assistant("second answer"));
    rewrite_as_strands(folder.path(), |agent| agent["state"]["by"] = json!("strands"));

    let model = ScriptedModel::new([Reply::text("third answer")]);
    let mut agent = agent(folder.path(), &model, &Tools::default()).await;
    assert_eq!(agent.state().get::<String>("by").as_deref(), Some("strands"));
    agent.invoke("third").await.unwrap();
    assert_eq!(
        said(&agent.messages()),
        ["first", "first answer", "second", "second answer", "third", "third answer"]
    );
    assert_eq!(strands_history(folder.path()), json_of(&agent.messages()));
    assert_eq!(numbers(folder.path()), [0, 1, 2, 3, 4, 5]);
}

#[tokio::test]
async fn what_is_recorded_of_it_is_what_is_new() {
    let folder = tempfile::tempdir().unwrap();
    let model = ScriptedModel::new((0..15).map(|_| Reply::text("x".repeat(1_000))));
    let mut first = agent(folder.path(), &model, &Tools::default()).await;
    for _ in 0..15 {
        first.invoke("more").await.unwrap();
    }
    drop(first);
    let log = agent_folder(folder.path()).join("ropewalk.jsonl");
    let before = fs::metadata(&log).unwrap().len();
    append_as_strands(folder.path(), &Message::user("one more"));
    rewrite_as_strands(folder.path(), |_| {});
    let second = agent(folder.path(), &model, &Tools::default()).await;
    assert_eq!(second.messages().len(), 31);
    let grown = fs::metadata(&log).unwrap().len() - before;
    assert!(grown < 1_000, "{grown} bytes for a message of a few");
}

#[tokio::test]
async fn what_the_manager_keeps_here_besides_stays() {
    let folder = tempfile::tempdir().unwrap();
    let model = ScriptedModel::new((0..6).map(|n| Reply::text(n.to_string())));
    let build = async || {
        let manager = SlidingWindowConversationManager::new().window_size(2).pin_first(1);
        let builder = Agent::builder().model(model.clone()).conversation_manager(manager);
        let builder = builder.session_manager(sessions(folder.path())).no_callback_handler();
        builder.build().await.unwrap()
    };
    let mut first = build().await;
    for prompt in ["a", "b"] {
        first.invoke(prompt).await.unwrap();
    }
    drop(first);
    append_as_strands(folder.path(), &Message::user("c"));
    append_as_strands(folder.path(), &Message::assistant("c"));
    rewrite_as_strands(folder.path(), |_| {});
    let run = build().await.run();
    assert_eq!(said(run.transcript()), ["a", "b", "1", "c", "c"]);
    let kept = run.manager_state().unwrap();
    // Strands has no place for the second.
    assert_eq!(kept.state, json!({"removed_message_count": 1, "pinned_first": true}));
}

#[tokio::test]
async fn a_prompt_that_strands_stored_before_it_died_counts() {
    let folder = tempfile::tempdir().unwrap();
    one_turn(folder.path()).await;
    // It writes the agent after the message, and did not come that far.
    append_as_strands(folder.path(), &Message::user("second"));
    let agent = agent(folder.path(), &ScriptedModel::default(), &Tools::default()).await;
    assert_eq!(said(&agent.messages()), ["first", "first answer", "second"]);
}

#[tokio::test]
async fn files_that_lag_behind_are_brought_up_to_date() {
    let folder = tempfile::tempdir().unwrap();
    one_turn(folder.path()).await;
    let earlier = tempfile::tempdir().unwrap();
    copy(folder.path(), earlier.path());
    let tools = Tools::default();
    let model = ScriptedModel::new([Reply::tools([("t1", "delete", json!({"path": "a"}))])]);
    let mut first = agent(folder.path(), &model, &tools).await;
    first.invoke("second").await.unwrap();
    drop(first);
    let whole = strands_history(folder.path());
    let asked = interrupt_state(folder.path());

    // It died when the log had been written, and none, some or all of the messages.
    for written in 0..=2 {
        let crashed = tempfile::tempdir().unwrap();
        copy(earlier.path(), crashed.path());
        let log = |folder: &Path| agent_folder(folder).join("ropewalk.jsonl");
        fs::copy(log(folder.path()), log(crashed.path())).unwrap();
        for number in 2..2 + written {
            let file = message_file(crashed.path(), number);
            fs::copy(message_file(folder.path(), number), file).unwrap();
        }
        let agent = agent(crashed.path(), &ScriptedModel::default(), &tools).await;
        assert_eq!(agent.interrupts().len(), 1, "{written} were written");
        assert_eq!(strands_history(crashed.path()), whole);
        assert_eq!(interrupt_state(crashed.path()), asked);
    }
}

#[tokio::test]
async fn a_call_that_was_cut_off_here_does_not_run_again() {
    let folder = tempfile::tempdir().unwrap();
    let session = sessions(folder.path()).agent("default").await.unwrap();
    let tool_use = ToolUse::new("t1", "add", json!({}));
    let turn = ModelTurn {
        message: Message::new(Role::Assistant, vec![tool_use.into()]),
        stop_reason: StopReason::ToolUse,
        usage: Usage::default(),
        metrics: Metrics::default(),
        malformed: vec![],
        redact_user: None,
    };
    let claim = Claim::new(ToolUse::new("t1", "add", json!({})), "k", Replay::Never);
    let messages = vec![Message::user("go")];
    session
        .append(&[
            Record::InvocationStarted { messages, state: Default::default() },
            Record::ModelAnswered { turn: turn.into(), discarded: Usage::default() },
            Record::ToolClaimed { tool_use_id: "t1".into(), claim },
        ])
        .await
        .unwrap();
    drop(session);
    let model = ScriptedModel::new([Reply::text("I don't know.")]);
    let tools = Tools::default();
    let mut agent = agent(folder.path(), &model, &tools).await;
    agent.invoke(()).await.unwrap();
    assert_eq!(tools.ran(), (0, 0));
    assert!(said(&agent.messages())[2].contains("unknown"));
}

#[tokio::test]
async fn what_waits_here_keeps_its_terms_if_strands_changed_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let model = ScriptedModel::new([Reply::tools([("t1", "delete", json!({"path": "a"}))])]);
    let tools = Tools::default();
    let mut first = agent(folder.path(), &model, &tools).await;
    first.invoke("delete a").await.unwrap();
    let applied = sessions_applied(&first);
    drop(first);
    // Strands was opened, and wrote the agent as it was.
    rewrite_as_strands(folder.path(), |_| {});
    let second = agent(folder.path(), &model, &tools).await;
    assert_eq!(sessions_applied(&second), applied);
}

fn sessions_applied(agent: &Agent) -> u64 {
    agent.run().applied()
}

#[tokio::test]
async fn an_answer_that_strands_was_given_counts() {
    let folder = tempfile::tempdir().unwrap();
    let calls = [("t1", "delete", json!({"path": "a"})), ("t2", "delete", json!({"path": "b"}))];
    let model = ScriptedModel::new([Reply::tools(calls)]);
    let tools = Tools::default();
    let mut first = agent(folder.path(), &model, &tools).await;
    first.invoke("delete a and b").await.unwrap();
    let id = first.interrupts()[0].id.clone();
    drop(first);
    rewrite_as_strands(folder.path(), |agent| {
        agent["_internal_state"]["interrupt_state"]["interrupts"][&id]["response"] = json!("yes");
    });
    model.push(Reply::text("done"));
    let mut second = agent(folder.path(), &model, &tools).await;
    let open = second.interrupts();
    assert_eq!(open.len(), 1);
    second.invoke(vec![open[0].answer("no")]).await.unwrap();
    assert_eq!(tools.ran(), (1, 0));
}

#[tokio::test]
async fn a_session_without_our_log_is_strands() {
    let folder = tempfile::tempdir().unwrap();
    one_turn(folder.path()).await;
    fs::remove_file(agent_folder(folder.path()).join("ropewalk.jsonl")).unwrap();
    let model = ScriptedModel::new([Reply::text("second answer")]);
    let mut agent = agent(folder.path(), &model, &Tools::default()).await;
    agent.invoke("second").await.unwrap();
    assert_eq!(said(&agent.messages()), ["first", "first answer", "second", "second answer"]);
}

#[tokio::test]
async fn two_openers_are_told_apart() {
    let folder = tempfile::tempdir().unwrap();
    let first = sessions(folder.path()).agent("default").await.unwrap();
    let error = sessions(folder.path()).agent("default").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Journal);
    assert!(error.to_string().contains("in use by another process"), "{error}");
    sessions(folder.path()).agent("other").await.unwrap();
    drop(first);
    sessions(folder.path()).agent("default").await.unwrap();
}

#[tokio::test]
async fn two_agents_of_a_manager_need_ids_of_their_own() {
    let folder = tempfile::tempdir().unwrap();
    let manager = sessions(folder.path());
    let build = |id: &str| {
        let builder = Agent::builder().model(ScriptedModel::default()).agent_id(id);
        builder.session_manager(manager.clone()).no_callback_handler().build()
    };
    let one = build("one").await.unwrap();
    let error = build("one").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidInput);
    assert!(error.to_string().contains("agent_id=<one> | must be unique"), "{error}");
    build("two").await.unwrap();
    drop(one);
    build("one").await.unwrap();
}

#[tokio::test]
async fn a_session_and_a_session_manager_are_one_too_many() {
    let folder = tempfile::tempdir().unwrap();
    let builder = || {
        let builder = Agent::builder().model(ScriptedModel::default());
        builder.session_manager(sessions(folder.path()))
    };
    let error = builder().session(MemoryJournal::new()).build().await.unwrap_err();
    assert!(error.to_string().contains("give it one of them"), "{error}");
    let error = builder().blueprint().unwrap_err();
    assert!(error.to_string().contains("Blueprint::open"), "{error}");
}
