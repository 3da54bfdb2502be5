//! §2.5 Persistence.

use std::sync::Arc;

use pretty_assertions::assert_eq;
use ropewalk_core::*;
use serde_json::json;

use crate::common::{echo, last_results, tool};
use crate::support::{Way, answer_all, calls, one_call, onward};

fn asks(event: &mut BeforeToolCallEvent) -> HookResult {
    if event.tool_use().name == "a" {
        event.interrupt::<bool>("approve", json!({"n": 1}))?;
    }
    Ok(())
}

async fn stored_run(journal: &MemoryJournal) -> Run {
    Run::new(journal.run_id()).replay(journal.load().await.unwrap()).unwrap()
}

/// §2.5 "Saved at AfterInvocation". Here each record is, as it happens: the question is stored before
/// the caller has it.
#[tokio::test]
async fn a_question_is_stored_before_it_is_told() {
    let journal = MemoryJournal::new();
    let stored = journal.clone();
    async fn look(journal: &MemoryJournal, event: &AfterInvocationEvent) {
        let open = stored_run(journal).await.open_interrupts();
        assert_eq!(open, event.result().unwrap().interrupts);
    }
    let mut agent = Agent::builder()
        .no_callback_handler()
        .model(one_call())
        .tool(echo("a"))
        .session(journal)
        .hook(asks)
        // As one that may stop the run, so that the assertion counts.
        .hook(bind(stored, async |journal: &MemoryJournal, event: &mut AfterInvocationEvent| {
            look(journal, event).await;
        }))
        .build()
        .await
        .unwrap();
    assert_eq!(agent.invoke("q").await.unwrap().interrupts.len(), 1);
}

/// §2.5 / Appendix A 30: "reason must be JSON-serialisable … otherwise saving raises a type error out of
/// the invocation". Here it is refused when it is raised, with a journal or without; the history and
/// the session stay whole.
#[tokio::test]
async fn a_reason_that_can_not_be_stored_never_gets_to_the_journal() {
    let journal = MemoryJournal::new();
    let mut agent = Agent::builder()
        .no_callback_handler()
        .model(one_call())
        .tool(echo("a"))
        .session(journal.clone())
        .hook(|event: &mut BeforeToolCallEvent| -> HookResult {
            let unstorable = std::collections::HashMap::from([((1, 2), "no JSON key")]);
            event.interrupt::<bool>("approve", unstorable).map(drop)
        })
        .build()
        .await
        .unwrap();
    assert_eq!(agent.invoke("q").await.unwrap_err().kind(), ErrorKind::Hook);
    assert!(stored_run(&journal).await.questions().is_empty());
    assert_eq!(stored_run(&journal).await, agent.run());
}

/// §2.5 / Appendix A 29: "Completed tool results containing bytes: fails to save". Here bytes are
/// encoded as in the sessions of Strands.
#[tokio::test]
async fn results_with_bytes_are_stored() {
    fn bytes() -> serde_json::Value {
        json!({"__bytes_encoded__": true, "data": "iVBORw0KGgo="})
    }
    let picture = tool("b", |_, _| async {
        let image = json!({"image": {"format": "png", "source": {"bytes": bytes()}}});
        Ok(ToolOutput { content: vec![serde_json::from_value(image)?], ..ToolOutput::default() })
    });
    let model = calls(&[("t1", "a"), ("t2", "b")]);
    let builder = Agent::builder()
        .no_callback_handler()
        .model(model.clone())
        .tools([echo("a"), picture])
        .hook(asks);
    let mut agent = builder.build().await.unwrap();
    agent.invoke("q").await.unwrap();
    let mut agent = onward(agent, Way::Restart).await;
    answer_all(&mut agent, true).await;
    let seen = serde_json::to_value(&model.requests()[1].messages).unwrap();
    let stored = seen.pointer("/2/content/1/toolResult/content/0/image/source/bytes");
    assert_eq!(stored, Some(&bytes()));
}

/// §2.5 "A new process that builds the same agent with the same session restores … and can resume"
#[tokio::test]
async fn a_new_process_with_the_same_session_goes_on() {
    let journal = MemoryJournal::new();
    let tool = echo("a");
    let blueprint = Arc::new(
        Agent::builder()
            .no_callback_handler()
            .model(one_call())
            .tool(tool.clone())
            .hook(asks)
            .blueprint()
            .unwrap(),
    );
    let mut agent = blueprint.open(Arc::new(journal.clone())).await.unwrap();
    let open = agent.invoke("q").await.unwrap().interrupts;
    drop(agent);
    let mut agent = blueprint.open(Arc::new(journal.clone())).await.unwrap();
    assert_eq!(agent.interrupts(), open);
    assert_eq!(answer_all(&mut agent, true).await.text(), "done");
    assert_eq!((tool.count(), stored_run(&journal).await), (1, agent.run()));
}

/// §2.5 The same without a session: the run is a value that can be stored anywhere
#[tokio::test]
async fn a_stored_run_goes_on_with_all_it_had() {
    let (one, two) = (echo("a"), echo("b"));
    let model = calls(&[("t1", "a"), ("t2", "b"), ("t3", "a")]);
    let builder = Agent::builder()
        .no_callback_handler()
        .model(model)
        .tools([one.clone(), two.clone()])
        .hook(asks);
    let mut agent = builder.build().await.unwrap();
    agent.invocation("q").state("user", "alice").await.unwrap();
    let before = agent.run();
    let mut agent = onward(agent, Way::Restart).await;
    assert_eq!(agent.run(), before);
    let open = agent.interrupts();
    agent.resume([open[1].answer(true)]).await.unwrap();
    let mut agent = onward(agent, Way::Restart).await;
    assert_eq!(agent.interrupts(), [open[0].clone()]);
    answer_all(&mut agent, true).await;
    assert_eq!((one.count(), two.count()), (2, 1));
    assert_eq!(last_results(&agent.messages()), ["a", "b", "a"]);
}

/// §2.5 "Restore does not repair the trailing tool-use message, so resume stays possible": it is no part
/// of the history, so that there is nothing to repair
#[tokio::test]
async fn a_restored_run_has_its_pending_message_beside_its_history() {
    let builder =
        Agent::builder().no_callback_handler().model(one_call()).tool(echo("a")).hook(asks);
    let mut agent = builder.build().await.unwrap();
    let result = agent.invoke("q").await.unwrap();
    let agent = onward(agent, Way::Restart).await;
    assert_eq!(agent.messages().len(), 1);
    assert_eq!(agent.run().pending_message(), Some(&result.message));
}

/// §2.5 not in Strands: a run of a newer version is refused, not guessed at
#[tokio::test]
async fn a_run_of_a_newer_format_is_refused() {
    let mut stored = serde_json::to_value(Run::new("r")).unwrap();
    stored["version"] = json!(FORMAT_VERSION + 1);
    let error = serde_json::from_value::<Run>(stored).unwrap_err();
    assert!(error.to_string().contains("use a newer one"), "{error}");
}
