//! §4.1 A conversation that does not fit the model's window, and users.md §15.26.

use pretty_assertions::assert_eq;
use ropewalk_core::*;
use ropewalk_testkit::{Reply, ScriptedModel};
use serde_json::json;

use crate::common::{assert_valid, tool};
use crate::support::{exchanges, managed, stream_of, texts};

/// §4.1 A context-overflow error → the manager reduces, run again. Each retry is a new cycle of the
/// stream; a model that refuses until the conversation is small enough is asked until it is.
#[tokio::test]
async fn the_model_is_asked_again_until_the_conversation_fits() {
    let model = ScriptedModel::new([Reply::text("ok")]).with_window(10);
    let manager = SlidingWindowConversationManager::new();
    let (mut agent, _) = managed(exchanges(20), model.clone(), manager).await;
    let events = stream_of(&mut agent, "q").await;
    let lengths: Vec<_> = model.requests().iter().map(|asked| asked.messages.len()).collect();
    assert_eq!(lengths, [41, 39, 35, 27, 11, 1]);
    let cycles = events.iter().filter(|event| event.get("start_event_loop").is_some()).count();
    assert_eq!(cycles, 6);
    let reasons: Vec<_> = events
        .iter()
        .filter_map(|event| event.pointer("/history_edited_event/reason")?.as_str())
        .collect();
    assert_eq!(reasons, ["overflow"; 5]);
    assert_eq!(texts(&agent), ["q", "ok"]);
}

/// §4.1 "unbounded as long as reduction succeeds": here it is bounded, and a reduction that makes nothing
/// smaller is none.
#[tokio::test]
async fn the_asking_ends() {
    /// Makes each message as long as it was.
    struct Busy;
    impl ConversationManager for Busy {
        fn name(&self) -> &str {
            "Busy"
        }
        fn reduce_context<'a>(
            &'a self,
            conversation: &'a Conversation<'a>,
            _: Option<&'a Error>,
        ) -> Managed<'a> {
            let same = Message::clone(&conversation.messages()[0]);
            let edit = TranscriptEdit::new().replace(0..1, [same]);
            Box::pin(async { Ok(Some(ConversationChange::new(edit))) })
        }
    }
    let model = ScriptedModel::new([]).with_window(10);
    let (mut agent, _) = managed(exchanges(20), model.clone(), Busy).await;
    let error = agent.invoke("q").await.unwrap_err();
    assert!(error.is_context_overflow());
    assert!(error.to_string().contains("`Busy` made nothing smaller"), "{error}");
    assert_eq!(model.requests().len(), 1);

    /// Lets one message go, each time.
    struct Slow;
    impl ConversationManager for Slow {
        fn name(&self) -> &str {
            "Slow"
        }
        fn reduce_context<'a>(
            &'a self,
            _: &'a Conversation<'a>,
            _: Option<&'a Error>,
        ) -> Managed<'a> {
            let edit = TranscriptEdit::new().remove(0..1);
            Box::pin(async { Ok(Some(ConversationChange::new(edit))) })
        }
    }
    let model = ScriptedModel::new([]).with_window(1);
    let (mut agent, _) = managed(exchanges(50), model.clone(), Slow).await;
    let error = agent.invoke("q").await.unwrap_err();
    assert!(error.is_context_overflow());
    assert_eq!(model.requests().len(), 17);
    // The prompt was taken back, and so was what was left out for it.
    assert_eq!(agent.messages().len(), 100);
}

/// §4.1 In the middle of a turn the tool results are shortened, and the turn goes on.
#[tokio::test]
async fn a_tool_result_that_is_too_long_is_shortened_and_the_turn_goes_on() {
    let model = ScriptedModel::new([
        Reply::tools([("t1", "read", json!({}))]),
        Reply::tools([("t2", "read", json!({}))]),
        Reply::text("done"),
    ])
    .with_window(2_000);
    let read = tool("read", |_, _| async { Ok(ToolOutput::text("x".repeat(100_000))) });
    let mut agent = Agent::builder()
        .no_callback_handler()
        .model(model.clone())
        .tool(read)
        .build()
        .await
        .unwrap();
    let result = agent.invoke("q").await.unwrap();
    assert_eq!((result.text().as_str(), result.cycles), ("done", 3));
    assert_eq!(model.requests().len(), 5);
    assert_valid(&agent.messages());
}

/// §15.26 bytes written per turn independent of history length
#[tokio::test]
async fn users_15_26_the_record_of_an_edit_is_as_long_as_what_changes() {
    let mut bytes = Vec::new();
    for length in [50, 5_000] {
        let model = ScriptedModel::new([Reply::text("ok")]);
        let manager = SlidingWindowConversationManager::new().window_size(2 * length);
        let (mut agent, journal) = managed(exchanges(length), model, manager).await;
        agent.invoke("q").await.unwrap();
        let records = journal.load().await.unwrap();
        let written: Vec<_> = records
            .iter()
            .skip(1)
            .filter(|record| !matches!(record, Record::ModelAnswered { .. }))
            .map(|record| serde_json::to_string(record).unwrap())
            .collect();
        assert!(written.iter().any(|record| record.contains("history_edited")));
        bytes.push(written.concat().len());
    }
    assert_eq!(bytes[0], bytes[1]);
}
