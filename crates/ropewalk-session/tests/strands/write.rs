//! What is written, as Strands reads it.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use proptest::prelude::*;
use ropewalk_core::*;
use ropewalk_session::{FileSessionManager, StrandsSession};
use ropewalk_testkit::{Reply, ScriptedModel, conformance};
use serde_json::{Value, json};

use crate::support::*;

/// Times and ids that differ each time, made the same.
fn normalised(path: &Path) -> String {
    let mut text = fs::read_to_string(path).unwrap();
    let value = read(path);
    for key in ["created_at", "updated_at"] {
        let time = value[key].as_str().unwrap();
        let digits = time.replace(|c: char| c.is_ascii_digit(), "0");
        assert_eq!(digits, "0000-00-00T00:00:00.000000+00:00", "{time}");
        text = text.replace(time, "TIME");
    }
    let run_id = value["ropewalk"].as_str().or(value["ropewalk"]["run_id"].as_str());
    if let Some(run_id) = run_id {
        text = text.replace(run_id, "RUN");
    }
    text
}

#[tokio::test]
async fn a_session_that_begins_here_has_strands_own_files() {
    let folder = tempfile::tempdir().unwrap();
    let model = ScriptedModel::new([Reply::text("Grüezi, Ada 🏔")]);
    let mut agent = agent(folder.path(), &model, &Tools::default()).await;
    agent.state().set("visits", 1).unwrap();
    agent.invoke("I am Ada.").await.unwrap();

    let session = folder.path().join("session_s");
    assert_eq!(
        normalised(&session.join("session.json")),
        r#"{
  "session_id": "s",
  "session_type": "AGENT",
  "created_at": "TIME",
  "updated_at": "TIME"
}"#
    );
    assert!(session.join("multi_agents").is_dir());
    assert_eq!(
        normalised(&agent_folder(folder.path()).join("agent.json")),
        r#"{
  "agent_id": "default",
  "state": {
    "visits": 1
  },
  "conversation_manager_state": {
    "__name__": "SlidingWindowConversationManager",
    "removed_message_count": 0,
    "model_call_count": 0
  },
  "_internal_state": {
    "interrupt_state": {
      "interrupts": {},
      "context": {},
      "activated": false
    }
  },
  "created_at": "TIME",
  "updated_at": "TIME",
  "ropewalk": {
    "run_id": "RUN",
    "next_message": 0
  }
}"#
    );
    assert_eq!(
        normalised(&message_file(folder.path(), 0)),
        r#"{
  "message": {
    "role": "user",
    "content": [
      {
        "text": "I am Ada."
      }
    ]
  },
  "message_id": 0,
  "redact_message": null,
  "created_at": "TIME",
  "updated_at": "TIME",
  "ropewalk": "RUN"
}"#
    );
    let answer = fs::read_to_string(message_file(folder.path(), 1)).unwrap();
    assert!(answer.contains("Grüezi, Ada 🏔"), "not escaped: {answer}");
}

#[tokio::test]
async fn an_agent_that_says_nothing_yet_can_be_opened_by_strands() {
    let folder = tempfile::tempdir().unwrap();
    let _agent = agent(folder.path(), &ScriptedModel::default(), &Tools::default()).await;
    assert_eq!(strands_history(folder.path()), Vec::<Value>::new());
}

#[tokio::test]
async fn the_manager_of_a_new_session_is_the_agents() {
    let folder = tempfile::tempdir().unwrap();
    Agent::builder()
        .model(ScriptedModel::default())
        .conversation_manager(SummarizingConversationManager::new())
        .session_manager(sessions(folder.path()))
        .build()
        .await
        .unwrap();
    assert_eq!(
        agent_file(folder.path())["conversation_manager_state"],
        json!({
            "summary_message": null,
            "__name__": "SummarizingConversationManager",
            "removed_message_count": 0,
        })
    );
}

#[cfg(unix)]
#[tokio::test]
async fn nobody_else_may_read_it() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().unwrap();
    let storage = folder.path().join("sessions");
    let model = ScriptedModel::new([Reply::text("ok")]);
    agent(&storage, &model, &Tools::default()).await.invoke("x").await.unwrap();
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    let agent = agent_folder(&storage);
    for folder in [&storage, &storage.join("session_s"), &agent, &agent.join("messages")] {
        assert_eq!(mode(folder), 0o700, "{}", folder.display());
    }
    for file in ["agent.json", "ropewalk.jsonl", "messages/message_0.json"] {
        assert_eq!(mode(&agent.join(file)), 0o600, "{file}");
    }
    let left = fs::read_dir(agent.join("messages")).unwrap().count();
    assert_eq!(left, 2, "nothing else is left behind");
}

#[tokio::test]
async fn what_leaves_the_window_leaves_no_file_and_no_new_ones_are_written() {
    let folder = tempfile::tempdir().unwrap();
    let model = ScriptedModel::new((0..6).map(|n| Reply::text(n.to_string())));
    let mut agent = Agent::builder()
        .model(model)
        .conversation_manager(SlidingWindowConversationManager::new().window_size(4))
        .session_manager(sessions(folder.path()))
        .no_callback_handler()
        .build()
        .await
        .unwrap();
    for prompt in ["a", "b", "c", "d", "e", "f"] {
        agent.invoke(prompt).await.unwrap();
    }
    assert_eq!(numbers(folder.path()), (0..12).collect::<Vec<_>>());
    let manager = agent_file(folder.path())["conversation_manager_state"].clone();
    assert_eq!(manager["removed_message_count"], 8);
    assert_eq!(strands_history(folder.path()), json_of(&agent.messages()));
}

#[tokio::test]
async fn pinned_messages_are_still_there_after_a_restore() {
    let folder = tempfile::tempdir().unwrap();
    let model = ScriptedModel::new((0..6).map(|n| Reply::text(n.to_string())));
    let manager = SlidingWindowConversationManager::new().window_size(4).pin_first(1);
    let mut agent = Agent::builder()
        .model(model)
        .conversation_manager(manager)
        .session_manager(sessions(folder.path()))
        .no_callback_handler()
        .build()
        .await
        .unwrap();
    for prompt in ["a", "b", "c", "d", "e", "f"] {
        agent.invoke(prompt).await.unwrap();
    }
    assert_eq!(said(&agent.messages()), ["a", "e", "4", "f", "5"]);
    assert_eq!(strands_history(folder.path()), json_of(&agent.messages()));
    // What stood where the pinned one is shown now is still there.
    assert_eq!(numbers(folder.path()).len(), 12);
    let taken = read(&message_file(folder.path(), 7));
    assert_eq!(taken["message"]["content"][0]["text"], "3");
    assert_eq!(taken["redact_message"]["content"][0]["text"], "a");
}

#[tokio::test]
async fn a_summary_stands_where_strands_looks_for_it() {
    let folder = tempfile::tempdir().unwrap();
    let model = ScriptedModel::new([Reply::text("1"), Reply::text("2"), Reply::text("3")]);
    model.push(Reply::error(ErrorKind::ContextOverflow, "too long"));
    model.push(Reply::text("They counted."));
    model.push(Reply::text("4"));
    let manager =
        SummarizingConversationManager::new().summary_ratio(0.5).preserve_recent_messages(2);
    let mut agent = Agent::builder()
        .model(model)
        .conversation_manager(manager)
        .session_manager(sessions(folder.path()))
        .no_callback_handler()
        .build()
        .await
        .unwrap();
    for prompt in [&"a".repeat(500), "b", "c", "d"] {
        agent.invoke(prompt).await.unwrap();
    }
    assert_eq!(said(&agent.messages()), ["They counted.", "2", "c", "3", "d", "4"]);
    let manager = agent_file(folder.path())["conversation_manager_state"].clone();
    assert_eq!(manager["removed_message_count"], 3);
    assert_eq!(manager["summary_message"]["content"][0]["text"], "They counted.");
    assert_eq!(strands_history(folder.path()), json_of(&agent.messages()));
}

#[tokio::test]
async fn what_a_guardrail_took_out_is_nowhere_any_more() {
    let folder = tempfile::tempdir().unwrap();
    let redact = |text: &str| -> ModelChunk {
        serde_json::from_value(json!({"redactContent": {"redactUserContentMessage": text}}))
            .unwrap()
    };
    let mut chunks = vec![redact("[redacted]")];
    chunks.extend(ModelChunk::text_message("No.", StopReason::EndTurn, Usage::default()));
    let model = ScriptedModel::new([Reply::chunks(chunks)]);
    agent(folder.path(), &model, &Tools::default()).await.invoke("secret").await.unwrap();
    let record = read(&message_file(folder.path(), 0));
    assert_eq!(record["message"]["content"][0]["text"], "[redacted]");
    assert_eq!(record["redact_message"]["content"][0]["text"], "[redacted]");
}

#[tokio::test]
async fn results_that_were_shortened_stay_short() {
    let folder = tempfile::tempdir().unwrap();
    let model = ScriptedModel::new([Reply::tool("long", json!({})), Reply::text("ok")]);
    let mut agent = agent(folder.path(), &model, &Tools::default()).await;
    agent.invoke("go").await.unwrap();
    let results = Message::tool_results([ToolResult::error("t1", "shortened")]);
    agent.edit_messages(TranscriptEdit::new().replace(2..3, [results])).await.unwrap();
    assert_eq!(strands_history(folder.path()), json_of(&agent.messages()));
    assert_eq!(numbers(folder.path()).len(), 4);
}

/// Each name a session of its own.
struct Folder(tempfile::TempDir);

impl conformance::Journals for Folder {
    type Journal = Arc<StrandsSession>;

    async fn open(&self, name: &str) -> Result<Self::Journal, Error> {
        FileSessionManager::new(name).storage_dir(self.0.path()).agent("default").await
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn it_is_a_journal_like_any_other() {
    let folder = Folder(tempfile::tempdir().unwrap());
    let broken = conformance::journal(&folder).await.unwrap_err();
    // Strands' ids may be any name of a file: blanks, umlauts. `bad.rs` has those that are refused.
    let but = ["a name that could lead elsewhere is refused"];
    assert_eq!(broken.rules().collect::<Vec<_>>(), but, "{broken}");
}

/// What may happen to a conversation.
#[derive(Clone, Debug)]
enum Act {
    Turn,
    ToolTurn,
    Joined,
    Withdrawn,
    Drop(usize),
    Replace(usize),
    Remove(usize),
    Insert(usize),
    State(u8),
    Reopen,
}

fn act() -> impl Strategy<Value = Act> {
    prop_oneof![
        4 => Just(Act::Turn),
        2 => Just(Act::ToolTurn),
        1 => Just(Act::Joined),
        1 => Just(Act::Withdrawn),
        2 => (1usize..6).prop_map(Act::Drop),
        1 => any::<usize>().prop_map(Act::Replace),
        1 => any::<usize>().prop_map(Act::Remove),
        1 => any::<usize>().prop_map(Act::Insert),
        1 => any::<u8>().prop_map(Act::State),
        1 => Just(Act::Reopen),
    ]
}

/// The records of an act, as far as it fits the history.
fn records(run: &Run, act: &Act, number: usize) -> Vec<Record> {
    let text = |kind: &str| Message::user(format!("{kind} {number}"));
    let answer = |message: Message| {
        let stop_reason = match message.tool_uses().next() {
            Some(_) => StopReason::ToolUse,
            None => StopReason::EndTurn,
        };
        let turn = ModelTurn {
            message,
            stop_reason,
            usage: Usage::default(),
            metrics: Metrics::default(),
            malformed: vec![],
            redact_user: None,
        };
        Record::ModelAnswered { turn: turn.into(), discarded: Usage::default() }
    };
    let started = |messages| Record::InvocationStarted { messages, state: Default::default() };
    let edit = |edit| Record::HistoryEdited { edit, manager: None, usage: Usage::default() };
    let tool = |id: &str| ContentBlock::from(ToolUse::new(id, "add", json!({})));
    let finished = |id: &str| Record::ToolFinished {
        result: ToolResult::success(id, format!("result {number}")),
        finish: Finish::Ran,
    };
    let length = run.transcript().len();
    match act {
        Act::Turn => vec![
            started(vec![text("prompt")]),
            answer(Message::assistant(format!("answer {number}"))),
            Record::InvocationEnded,
        ],
        Act::ToolTurn => vec![
            started(vec![text("prompt")]),
            answer(Message::new(Role::Assistant, vec![tool("a"), tool("b")])),
            finished("b"),
            finished("a"),
            Record::ToolsFinished { end_turn: None, stop: false },
            Record::Abandoned,
        ],
        Act::Joined => vec![
            started(vec![]),
            Record::PromptJoined { content: vec![format!("joined {number}").into()] },
            Record::Abandoned,
        ],
        Act::Withdrawn => vec![started(vec![text("withdrawn")]), Record::PromptWithdrawn],
        Act::Drop(count) => vec![edit(TranscriptEdit::new().remove(0..(*count).min(length)))],
        Act::Replace(at) if length > 0 => {
            let at = at % length;
            vec![edit(TranscriptEdit::new().replace(at..at + 1, [text("replaced")]))]
        }
        Act::Remove(at) if length > 0 => {
            let at = at % length;
            vec![edit(TranscriptEdit::new().remove(at..at + 1))]
        }
        Act::Insert(at) => {
            vec![edit(TranscriptEdit::new().insert(at % (length + 1), [text("inserted")]))]
        }
        Act::State(value) => vec![Record::AgentStateChanged {
            set: [("value".to_owned(), json!(value))].into_iter().collect(),
            deleted: vec![],
            keep: true,
        }],
        Act::Replace(_) | Act::Remove(_) | Act::Reopen => vec![],
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 16, ..ProptestConfig::default() })]

    /// Whatever happens, Strands would restore the very history that the run has, and a message's number
    /// is never given to another one.
    #[test]
    fn strands_would_restore_what_the_run_has(acts in proptest::collection::vec(act(), 1..24)) {
        let folder = tempfile::tempdir().unwrap();
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            let open = async || sessions(folder.path()).agent("default").await.unwrap();
            let mut session = Some(open().await);
            let mut run = Run::new(session.as_ref().unwrap().run_id());
            let mut highest = None;
            for (number, act) in acts.iter().enumerate() {
                if matches!(act, Act::Reopen) {
                    drop(session.take());
                    session = Some(open().await);
                }
                let session = session.as_ref().unwrap();
                for record in records(&run, act, number) {
                    if run.check(&record).is_err() {
                        break;
                    }
                    run.apply(record.clone()).unwrap();
                    session.append(&[record]).await.unwrap();
                    let shown = strands_history(folder.path());
                    let mut history = json_of(run.transcript());
                    history.extend(run.pending_message().map(|m| serde_json::to_value(m).unwrap()));
                    assert_eq!(shown, history, "after {act:?}");
                    assert_eq!(agent_file(folder.path())["state"], json!(run.agent_state()));
                    let last = numbers(folder.path()).last().copied();
                    highest = highest.max(last);
                }
                let loaded = session.load().await.unwrap();
                assert_eq!(Run::new(session.run_id()).replay(loaded).unwrap(), run);
            }
            drop(session);
            let session = open().await;
            let loaded = session.load().await.unwrap();
            assert_eq!(Run::new(session.run_id()).replay(loaded).unwrap(), run, "nothing was taken over");
        });
    }
}
