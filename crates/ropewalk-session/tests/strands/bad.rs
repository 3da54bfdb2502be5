//! Files that are no session, or that somebody meddled with.

use std::fs;
use std::path::Path;

use proptest::prelude::*;
use ropewalk_core::*;
use ropewalk_session::FileSessionManager;
use serde_json::{Value, json};

use crate::support::*;

async fn refused(folder: &Path) -> Error {
    sessions(folder).agent("default").await.unwrap_err()
}

/// Changes a file of a session and looks what is said of it.
async fn changed(file: &str, change: impl FnOnce(&mut Value)) -> String {
    let folder = fixture("1.62", "interrupted");
    let path = agent_folder(folder.path()).join(file);
    let mut value = read(&path);
    change(&mut value);
    write(&path, &value);
    let error = refused(folder.path()).await;
    assert_eq!(error.kind(), ErrorKind::Journal, "{error}");
    assert_eq!(read(&path), value, "it is left as it is");
    error.to_string()
}

#[tokio::test]
async fn ids_that_would_leave_the_folder_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    for id in ["", ".", "..", "../x", "a/b", "a\\b", "/etc", "a\0b"] {
        let manager = FileSessionManager::new(id).storage_dir(folder.path());
        let error = manager.agent("default").await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidInput, "{id:?}");
        assert!(error.to_string().starts_with("session_id=<"), "{error}");
        let error = sessions(folder.path()).agent(id).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidInput, "{id:?}");
        assert!(error.to_string().starts_with("agent_id=<"), "{error}");
    }
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
    // As Strands has them.
    let manager = FileSessionManager::new("Ada's 2nd: größer").storage_dir(folder.path());
    manager.agent("helper 1").await.unwrap();
}

#[tokio::test]
async fn a_missing_field_or_a_wrong_type_is_named_with_the_file() {
    let missing = |key: &'static str| {
        move |value: &mut Value| {
            value.as_object_mut().unwrap().remove(key);
        }
    };
    for (file, key) in [
        ("agent.json", "agent_id"),
        ("agent.json", "state"),
        ("agent.json", "conversation_manager_state"),
        ("messages/message_0.json", "message"),
        ("messages/message_0.json", "message_id"),
    ] {
        let text = changed(file, missing(key)).await;
        assert!(text.contains(file) && text.contains(&format!("missing field `{key}`")), "{text}");
    }
    let text = changed("agent.json", |agent| agent["state"] = json!([1])).await;
    assert!(text.contains("agent.json") && text.contains("invalid type"), "{text}");
    let text = changed("agent.json", |agent| {
        agent["_internal_state"]["interrupt_state"]["interrupts"] = json!([1]);
    })
    .await;
    assert!(text.contains("invalid type: sequence"), "{text}");
    let text = changed("messages/message_1.json", |message| {
        message["message"]["content"] = json!("hello");
    })
    .await;
    assert!(text.contains("message_1.json"), "{text}");
}

#[tokio::test]
async fn a_file_under_the_name_of_another_is_refused() {
    let text = changed("messages/message_1.json", |message| message["message_id"] = json!(7)).await;
    assert!(text.contains("it holds the message 7"), "{text}");
    let text = changed("agent.json", |agent| agent["agent_id"] = json!("other")).await;
    assert!(text.contains("it is that of the agent `other`"), "{text}");
}

#[tokio::test]
async fn a_file_that_was_cut_off_is_refused_and_left_as_it_is() {
    for file in ["agent.json", "messages/message_1.json"] {
        let whole = fs::read(agent_folder(fixture("1.62", "text").path()).join(file)).unwrap();
        for length in (0..whole.len()).step_by(17) {
            let folder = fixture("1.62", "text");
            let path = agent_folder(folder.path()).join(file);
            fs::write(&path, &whole[..length]).unwrap();
            let text = refused(folder.path()).await.to_string();
            assert!(text.contains(file), "{text}");
            assert_eq!(fs::read(&path).unwrap(), &whole[..length]);
        }
    }
}

#[tokio::test]
async fn numbers_that_are_none_are_refused() {
    for name in ["message_x.json", "message_-1.json", "message_007.json", "message_.json"] {
        let folder = fixture("1.62", "text");
        let path = agent_folder(folder.path()).join("messages").join(name);
        fs::copy(message_file(folder.path(), 0), path).unwrap();
        let text = refused(folder.path()).await.to_string();
        assert!(text.contains(name) && text.contains("its name has no number"), "{text}");
    }
    let huge = "message_99999999999999999999999999.json";
    let folder = fixture("1.62", "text");
    fs::copy(
        message_file(folder.path(), 0),
        agent_folder(folder.path()).join("messages").join(huge),
    )
    .unwrap();
    assert!(refused(folder.path()).await.to_string().contains(huge));
}

#[tokio::test]
async fn counts_that_cannot_be_are_no_reason_to_fail() {
    let folder = fixture("1.62", "text");
    rewrite_as_strands(folder.path(), |agent| {
        agent["conversation_manager_state"]["removed_message_count"] = json!(u64::MAX);
    });
    let session = sessions(folder.path()).agent("default").await.unwrap();
    session
        .append(&[Record::InvocationStarted {
            messages: vec![Message::user("next")],
            state: Default::default(),
        }])
        .await
        .unwrap();
    assert_eq!(strands_history(folder.path()).len(), 1);
    let text = changed("agent.json", |agent| {
        agent["conversation_manager_state"]["removed_message_count"] = json!(-1);
    })
    .await;
    assert!(text.contains("agent.json"), "{text}");
}

#[tokio::test]
async fn the_last_number_there_can_be_has_none_after_it() {
    let folder = fixture("1.62", "text");
    let number = u64::MAX - 1;
    let mut record = read(&message_file(folder.path(), 3));
    record["message_id"] = json!(number);
    write(&message_file(folder.path(), number), &record);
    let session = sessions(folder.path()).agent("default").await.unwrap();
    let started = Record::InvocationStarted {
        messages: vec![Message::user("next")],
        state: Default::default(),
    };
    let error = session.append(&[started]).await.unwrap_err();
    assert!(error.to_string().contains("no numbers left"), "{error}");
}

#[cfg(unix)]
#[tokio::test]
async fn links_are_not_followed() {
    use std::os::unix::fs::symlink;
    let places = [
        "",
        "session.json",
        "agents",
        "agents/agent_default",
        "agents/agent_default/agent.json",
        "agents/agent_default/messages",
        "agents/agent_default/messages/message_1.json",
    ];
    for place in places {
        let folder = fixture("1.62", "text");
        let elsewhere = tempfile::tempdir().unwrap();
        let moved = elsewhere.path().join("moved");
        let path = folder.path().join("session_s").join(place);
        // A path that ends with a slash would be followed.
        let path = path.components().collect::<std::path::PathBuf>();
        fs::rename(&path, &moved).unwrap();
        symlink(&moved, &path).unwrap();
        let text = refused(folder.path()).await.to_string();
        assert!(text.contains("is a symbolic link"), "{place}: {text}");
    }
}

#[cfg(unix)]
#[tokio::test]
async fn a_link_put_there_meanwhile_is_not_written_through() {
    use std::os::unix::fs::symlink;
    let folder = fixture("1.62", "text");
    let session = sessions(folder.path()).agent("default").await.unwrap();
    let target = folder.path().join("target");
    fs::write(&target, "precious").unwrap();
    symlink(&target, message_file(folder.path(), 4)).unwrap();
    let started = || Record::InvocationStarted {
        messages: vec![Message::user("next")],
        state: Default::default(),
    };
    let error = session.append(&[started()]).await.unwrap_err();
    assert!(error.to_string().contains("is a symbolic link"), "{error}");
    assert_eq!(fs::read_to_string(&target).unwrap(), "precious");
    // Once it is gone, what was recorded is there.
    fs::remove_file(message_file(folder.path(), 4)).unwrap();
    let loaded = session.load().await.unwrap();
    assert_eq!(loaded.last(), Some(&started()));
    assert_eq!(strands_history(folder.path()).len(), 5);
}

#[tokio::test]
async fn what_is_not_json_says_so() {
    let folder = fixture("1.62", "text");
    let path = agent_folder(folder.path()).join("agent.json");
    let text =
        fs::read_to_string(&path).unwrap().replace("\"state\": {}", "\"state\": {\"x\": NaN}");
    fs::write(&path, text).unwrap();
    let text = refused(folder.path()).await.to_string();
    assert!(text.contains("agent.json") && text.contains("line 3"), "{text}");
    let deep = format!("{{\"agent_id\": \"default\", \"state\": {{\"x\": {}", "[".repeat(100_000));
    fs::write(&path, deep).unwrap();
    let text = refused(folder.path()).await.to_string();
    assert!(text.contains("recursion limit"), "{text}");
}

/// A JSON value somewhere in another one, replaced by something else.
fn mutate(value: &mut Value, path: &[u8], with: Value) {
    let Some((step, rest)) = path.split_first() else {
        *value = with;
        return;
    };
    match value {
        Value::Object(map) if !map.is_empty() => {
            let at = usize::from(*step) % map.len();
            if let Some(inner) = map.values_mut().nth(at) {
                mutate(inner, rest, with);
            }
        }
        Value::Array(list) if !list.is_empty() => {
            let at = usize::from(*step) % list.len();
            mutate(&mut list[at], rest, with);
        }
        other => *other = with,
    }
}

fn anything() -> impl Strategy<Value = Value> {
    prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        "[a-z]{0,3}".prop_map(Value::from),
        Just(json!([])),
        Just(json!({})),
        Just(json!({"toolUse": {"toolUseId": "t1", "name": "x", "input": {}}})),
        Just(json!({"role": "user", "content": []})),
        Just(json!({"__bytes_encoded__": true, "data": "%"})),
    ]
}

/// The history that Strands would restore, without what says nothing, such as nulls.
fn as_read(folder: &Path) -> Vec<Value> {
    let message = |json| std::sync::Arc::new(serde_json::from_value(json).unwrap());
    let messages: Vec<_> = strands_history(folder).into_iter().map(message).collect();
    json_of(&messages)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 120, ..ProptestConfig::default() })]

    /// Whatever is in the files, there is an answer; and if it is a session, it can be gone on with.
    #[test]
    fn any_change_of_any_file_is_read_or_refused(
        case in 0usize..6,
        file in 0usize..4,
        path in proptest::collection::vec(any::<u8>(), 1..8),
        with in anything(),
    ) {
        let cases = ["interrupted", "partly_answered", "summary", "tools", "picture", "cut_off"];
        let folder = fixture(VERSIONS[case % 2], cases[case]);
        let files = ["agent.json", "messages/message_0.json", "messages/message_1.json", "agent.json"];
        let file = agent_folder(folder.path()).join(files[file]);
        let mut value = read(&file);
        mutate(&mut value, &path, with);
        write(&file, &value);
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            let Ok(session) = sessions(folder.path()).agent("default").await else { return };
            let records = session.load().await.unwrap();
            let mut run = Run::new(session.run_id()).replay(records).unwrap();
            let mut shown = json_of(run.transcript());
            shown.extend(run.pending_message().map(|m| serde_json::to_value(m).unwrap()));
            assert_eq!(as_read(folder.path()), shown);
            let started = Record::InvocationStarted {
                messages: vec![Message::user("next")],
                state: Default::default(),
            };
            for record in [Record::Abandoned, started] {
                if run.apply(record.clone()).is_ok() {
                    session.append(&[record]).await.unwrap();
                }
            }
            assert_eq!(as_read(folder.path()), json_of(run.transcript()));
        });
    }
}
