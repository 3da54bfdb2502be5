//! Questions that were asked on one side and are answered on the other.

use ropewalk_core::*;
use ropewalk_testkit::{Reply, ScriptedModel};
use serde_json::{Value, json};

use crate::support::*;

const APPROVE: &str = "5cf56bed-067e-5438-a1ef-dbfa3405e45d";

fn asked(agent: &Agent) -> Vec<(String, Value)> {
    let asked = agent.interrupts();
    asked.into_iter().map(|interrupt| (interrupt.id, interrupt.reason)).collect()
}

#[tokio::test]
async fn strands_asked_and_ropewalk_is_answered() {
    for version in VERSIONS {
        let folder = fixture(version, "interrupted");
        let model = ScriptedModel::new([Reply::text("All done.")]);
        let tools = Tools::default();
        let mut agent = agent(folder.path(), &model, &tools).await;
        assert_eq!(said(&agent.messages()), ["Hi.", "Hello.", "Delete a and b."]);
        let questions = asked(&agent);
        assert_eq!(
            questions[..2],
            [
                (format!("v1:before_tool_call:t1:{APPROVE}"), json!({"path": "a"})),
                (format!("v1:before_tool_call:t3:{APPROVE}"), json!({"path": "b"})),
            ]
        );
        assert!(questions[2].0.starts_with("v1:tool_call:t4:"));

        let answers = agent.interrupts();
        let result = agent
            .invoke(vec![
                answers[0].answer("yes"),
                answers[1].answer("no"),
                answers[2].answer("yes"),
            ])
            .await
            .unwrap();
        assert_eq!(result.text(), "All done.");
        // The second call had its result already.
        assert_eq!(tools.ran(), (1, 0));
        assert_eq!(
            said(&agent.messages())[3..],
            [
                "delete() add() delete() ask()",
                "=a =2 =not approved =the user says yes",
                "All done."
            ]
        );
        assert_eq!(strands_history(folder.path()), json_of(&agent.messages()));
        let state = interrupt_state(folder.path());
        assert_eq!(state, json!({"interrupts": {}, "context": {}, "activated": false}));
    }
}

#[tokio::test]
async fn what_was_answered_in_strands_is_not_asked_again() {
    for version in VERSIONS {
        let folder = fixture(version, "partly_answered");
        let model = ScriptedModel::new([Reply::text("Done.")]);
        let tools = Tools::default();
        let mut agent = agent(folder.path(), &model, &tools).await;
        assert_eq!(
            asked(&agent),
            [(format!("v1:before_tool_call:t2:{APPROVE}"), json!({"path": "b"}))]
        );
        let answer = agent.interrupts()[0].answer("yes");
        agent.invoke(vec![answer]).await.unwrap();
        assert_eq!(tools.ran(), (1, 0));
    }
}

#[tokio::test]
async fn a_question_about_the_whole_batch_is_answered_too() {
    let folder = fixture("1.62", "before_tools");
    let model = ScriptedModel::new([Reply::text("Done.")]);
    let tools = Tools::default();
    let mut agent = Agent::builder()
        .model(model)
        .tools(tools.all())
        .hook(|event: &mut BeforeToolsEvent| -> Result<(), BoxError> {
            let answer: String = event.interrupt("batch", "all?")?;
            assert_eq!(answer, "yes");
            Ok(())
        })
        .session_manager(sessions(folder.path()))
        .no_callback_handler()
        .build()
        .await
        .unwrap();
    let answer = agent.interrupts()[0].answer("yes");
    assert!(answer.interrupt_id.starts_with("v1:before_tools:"));
    agent.invoke(vec![answer]).await.unwrap();
    assert_eq!(tools.ran(), (0, 1));
}

#[tokio::test]
async fn ropewalk_asked_and_strands_finds_questions_calls_and_results() {
    let folder = tempfile::tempdir().unwrap();
    let model = ScriptedModel::new([Reply::tools([
        ("t1", "delete", json!({"path": "a"})),
        ("t2", "add", json!({})),
    ])]);
    let tools = Tools::default();
    let mut agent = agent(folder.path(), &model, &tools).await;
    agent.invoke("Delete a.").await.unwrap();
    assert_eq!(tools.ran(), (0, 1));

    let history = strands_history(folder.path());
    assert_eq!(history.len(), 2, "the tool uses stand in the history, as Strands has it");
    let state = interrupt_state(folder.path());
    let id = format!("v1:before_tool_call:t1:{APPROVE}");
    assert_eq!(state["activated"], true);
    assert_eq!(
        state["interrupts"],
        json!({id.as_str(): {
            "id": id, "name": "approve", "reason": {"path": "a"}, "response": null,
        }})
    );
    let pending = &state["pending_tool_execution"];
    assert_eq!(pending["assistant_message"], history[1]);
    assert_eq!(
        pending["completed_tool_results"],
        json!([{"toolUseId": "t2", "status": "success", "content": [{"text": "2"}]}])
    );
    // Versions before 1.55 look for them elsewhere.
    assert_eq!(state["context"]["tool_use_message"], history[1]);
    assert_eq!(state["context"]["tool_results"], pending["completed_tool_results"]);
}

#[tokio::test]
async fn a_call_whose_outcome_nobody_knows_is_not_left_for_strands_to_make() {
    let folder = tempfile::tempdir().unwrap();
    let session = sessions(folder.path()).agent("default").await.unwrap();
    let uses = |id: &str| {
        let json = json!({"toolUse": {"toolUseId": id, "name": "delete", "input": {}}});
        serde_json::from_value(json).unwrap()
    };
    let turn = ModelTurn {
        message: Message::new(Role::Assistant, vec![uses("t1"), uses("t2")]),
        stop_reason: StopReason::ToolUse,
        usage: Usage::default(),
        metrics: Metrics::default(),
        malformed: vec![],
        redact_user: None,
    };
    let claim = Claim::new(ToolUse::new("t1", "delete", json!({})), "k", Replay::Never);
    session
        .append(&[
            Record::InvocationStarted {
                messages: vec![Message::user("go")],
                state: Default::default(),
            },
            Record::ModelAnswered { turn: turn.into(), discarded: Usage::default() },
            Record::Interrupted {
                site: Site::call("t1"),
                interrupts: vec![Interrupt::new("v1:before_tool_call:t1:x", "approve", json!(1))],
                terms: Default::default(),
            },
        ])
        .await
        .unwrap();
    let results = || interrupt_state(folder.path())["context"]["tool_results"].clone();
    assert_eq!(results(), json!([]));
    session.append(&[Record::ToolClaimed { tool_use_id: "t2".into(), claim }]).await.unwrap();
    // The process dies here.
    assert_eq!(results()[0]["toolUseId"], "t2");
    assert_eq!(results()[0]["status"], "error");
    assert!(results()[0]["content"][0]["text"].as_str().unwrap().contains("unknown"));
}

#[tokio::test]
async fn questions_older_than_the_history_are_left_out() {
    let folder = fixture("1.62", "interrupted");
    let results = ["t1", "t2", "t3", "t4"].map(|id| ToolResult::success(id, "done"));
    append_as_strands(folder.path(), &Message::tool_results(results));
    let agent = agent(folder.path(), &ScriptedModel::default(), &Tools::default()).await;
    assert!(agent.interrupts().is_empty());
    assert_eq!(said(&agent.messages())[4], "=done =done =done =done");
}

#[tokio::test]
async fn what_an_agent_inside_a_tool_asked_is_left_to_strands() {
    let folder = fixture("1.62", "interrupted");
    rewrite_as_strands(folder.path(), |agent| {
        let id = "v1:agent_as_tool:t1:v1:before_tool_call:x:y";
        agent["_internal_state"]["interrupt_state"]["interrupts"][id] =
            json!({"id": id, "name": "approve", "reason": null, "response": null});
    });
    let before = agent_file(folder.path());
    let error = sessions(folder.path()).agent("default").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unsupported);
    assert!(error.to_string().contains("answer it there first"), "{error}");
    assert_eq!(agent_file(folder.path()), before);
}
