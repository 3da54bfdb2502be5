//! What Strands wrote, as an agent finds it.

use ropewalk_core::*;
use ropewalk_testkit::{Reply, ScriptedModel};
use serde_json::json;

use crate::support::*;

async fn opened(version: &str, case: &str) -> (tempfile::TempDir, Agent) {
    let folder = fixture(version, case);
    let agent = agent(folder.path(), &ScriptedModel::default(), &Tools::default()).await;
    (folder, agent)
}

#[tokio::test]
async fn texts_and_tool_calls_stand_in_the_history_as_strands_has_them() {
    for version in VERSIONS {
        for case in ["text", "tools", "picture", "answered", "window", "summary", "redacted"] {
            let before = strands_history(fixture(version, case).path());
            let (folder, agent) = opened(version, case).await;
            assert_eq!(json_of(&agent.messages()), before, "{version} {case}");
            assert_eq!(strands_history(folder.path()), before, "{version} {case}");
            assert!(!agent.is_unfinished(), "{version} {case}");
        }
    }
    let (_folder, agent) = opened("1.62", "tools").await;
    assert_eq!(
        said(&agent.messages()),
        [
            "What is 2 + 3? Note it.",
            "Let me see. add() note()",
            "=5 =noted",
            "nothing()",
            "=Unknown tool: nothing",
            "It is 5.",
        ]
    );
}

#[tokio::test]
async fn the_agents_state_comes_along() {
    for version in VERSIONS {
        let (_folder, agent) = opened(version, "tools").await;
        assert_eq!(agent.state().get("user"), Some(json!({"name": "Ada", "visits": 1})));
        assert_eq!(agent.state().get("notes"), Some(json!(["sum"])));
    }
}

#[tokio::test]
async fn a_restored_session_stands_in_place_of_what_the_builder_was_given() {
    for version in VERSIONS {
        let folder = fixture(version, "text");
        let agent = Agent::builder()
            .model(ScriptedModel::default())
            .messages([Message::user("something else")])
            .state(json!({"other": true}))
            .session_manager(sessions(folder.path()))
            .build()
            .await
            .unwrap();
        assert_eq!(agent.messages().len(), 4);
        assert_eq!(agent.state().get::<bool>("other"), None);
    }
}

#[tokio::test]
async fn bytes_are_bytes() {
    for version in VERSIONS {
        let (_folder, agent) = opened(version, "picture").await;
        let ContentBlock::Image(image) = &agent.messages()[0].content[1] else { panic!() };
        let Source::Bytes(bytes) = &image.source else { panic!() };
        assert_eq!(&bytes[..4], b"\x89PNG");
    }
}

#[tokio::test]
async fn messages_that_a_window_left_out_stay_left_out() {
    for version in VERSIONS {
        let (folder, agent) = opened(version, "window").await;
        assert_eq!(said(&agent.messages()), ["c", "3", "d", "4"]);
        assert_eq!(numbers(folder.path()).len(), 8);
    }
}

#[tokio::test]
async fn a_summary_stands_before_what_it_is_not_of() {
    let (_folder, agent) = opened("1.62", "summary").await;
    assert_eq!(said(&agent.messages()), ["They counted.", "2", "c", "3", "d", "4"]);
}

#[tokio::test]
async fn a_turn_that_was_cut_off_is_mended_and_the_next_one_works() {
    for version in VERSIONS {
        let folder = fixture(version, "cut_off");
        let model = ScriptedModel::new([Reply::text("Sorry.")]);
        let tools = Tools::default();
        let mut agent = agent(folder.path(), &model, &tools).await;
        agent.invoke("What happened?").await.unwrap();
        assert_eq!(
            said(&agent.messages()),
            [
                "Go.",
                "add() die()",
                "What happened? =Tool was interrupted. =Tool was interrupted.",
                "Sorry."
            ]
        );
        assert_eq!(tools.ran(), (0, 0));
        assert_eq!(strands_history(folder.path()), json_of(&agent.messages()));
    }
}

#[tokio::test]
async fn what_was_mended_is_told() {
    let folder = fixture("1.21", "cut_off");
    let session = sessions(folder.path()).agent("default").await.unwrap();
    let added = |id: &str| Repair::AddedResult { message: 1, tool_use_id: id.to_owned() };
    assert_eq!(session.repairs(), [added("t1"), added("t2")]);
    drop(session);
    // It is mended in the files too: the next time there is nothing to mend.
    let session = sessions(folder.path()).agent("default").await.unwrap();
    assert_eq!(session.repairs(), []);
}

#[tokio::test]
async fn results_that_answer_nothing_are_left_out_wherever_they_stand() {
    let folder = fixture("1.62", "tools");
    // Pages of an archive that were lost: the first tool use, and the second results.
    for lost in [1, 4] {
        std::fs::remove_file(message_file(folder.path(), lost)).unwrap();
    }
    let agent = agent(folder.path(), &ScriptedModel::default(), &Tools::default()).await;
    assert_eq!(
        said(&agent.messages()),
        ["What is 2 + 3? Note it.", "nothing()", "=Tool was interrupted.", "It is 5."]
    );
    assert_eq!(strands_history(folder.path()), json_of(&agent.messages()));
}

#[tokio::test]
async fn what_strands_keeps_for_itself_stays() {
    let folder = fixture("1.62", "text");
    rewrite_as_strands(folder.path(), |agent| {
        agent["_internal_state"]["model_state"] = json!({"response_id": "r1"});
        agent["_internal_state"]["later"] = json!([1]);
        agent["conversation_manager_state"]["model_call_count"] = json!(7);
        agent["future"] = json!("yes");
    });
    let graph = folder.path().join("session_s/multi_agents/multi_agent_g/multi_agent.json");
    std::fs::create_dir_all(graph.parent().unwrap()).unwrap();
    std::fs::write(&graph, "{}").unwrap();
    let created = agent_file(folder.path())["created_at"].clone();
    let model = ScriptedModel::new([Reply::text("Bye.")]);
    let mut agent = agent(folder.path(), &model, &Tools::default()).await;
    agent.invoke("Bye").await.unwrap();
    let file = agent_file(folder.path());
    assert_eq!(file["_internal_state"]["model_state"], json!({"response_id": "r1"}));
    assert_eq!(file["_internal_state"]["later"], json!([1]));
    assert_eq!(file["conversation_manager_state"]["model_call_count"], 7);
    assert_eq!(file["future"], "yes");
    assert_eq!(file["created_at"], created);
    assert_eq!(std::fs::read_to_string(graph).unwrap(), "{}");
}
