//! §3.4 `request_state["stop_event_loop"] = true` "ends the loop after the current tool batch with stop reason
//! `tool_use`". Since 1.62 Strands deprecates it for the deferred cancel, which is here too (§3.6); this one
//! is an end, and no cancel.

use pretty_assertions::assert_eq;
use ropewalk_core::*;
use ropewalk_testkit::{Reply, ScriptedModel};
use serde_json::json;

use crate::common::{TestJournal, TestTool, assert_valid, echo, last_results, tool};
use crate::support::{City, WAYS, answer_all, calls, onward, paris, shape};

fn stops() -> TestTool {
    tool("stops", |_, context: ToolContext| async move {
        context.invocation_state().stop_event_loop();
        Ok(ToolOutput::text("stopped"))
    })
}

fn builder(model: &ScriptedModel) -> AgentBuilder {
    Agent::builder().no_callback_handler().model(model.clone()).tools([stops(), echo("a")])
}

/// The batch comes to its end, and the model is not asked again; the next turn works.
#[tokio::test]
async fn a_tool_ends_the_loop_behind_its_batch() {
    let model = calls(&[("t1", "stops"), ("t2", "a")]);
    let mut agent = builder(&model).build().await.unwrap();
    let result = agent.invoke("q").await.unwrap();
    assert_eq!((result.stop_reason, result.cycles), (StopReason::ToolUse, 1));
    assert_eq!(result.message.tool_uses().count(), 2);
    assert_eq!(result.state["stop_event_loop"], json!(true));
    assert_eq!(last_results(&agent.messages()), ["stopped", "a"]);
    assert_eq!(model.requests().len(), 1);
    assert!(!agent.is_unfinished());
    // It was that invocation's; the prompt joins the results.
    assert_eq!(agent.invoke("and?").await.unwrap().text(), "done");
    let expected = [
        "user text",
        "assistant toolUse toolUse",
        "user toolResult toolResult text",
        "assistant text",
    ];
    assert_eq!(shape(&agent.messages()), expected);
    assert_valid(&agent.messages());
}

/// A hook ends it too, and so does whoever hands it over.
#[tokio::test]
async fn a_hook_or_the_caller_ends_it() {
    let model = calls(&[("t1", "a")]);
    let hook = |event: &AfterToolCallEvent| event.invocation_state().stop_event_loop();
    let mut agent = builder(&model).hook(hook).build().await.unwrap();
    assert_eq!(agent.invoke("q").await.unwrap().stop_reason, StopReason::ToolUse);
    assert_eq!(model.requests().len(), 1);

    let model = calls(&[("t1", "a")]);
    let mut agent = builder(&model).build().await.unwrap();
    let result = agent.invocation("q").state("stop_event_loop", true).await.unwrap();
    assert_eq!(result.stop_reason, StopReason::ToolUse);
    // Anything but true is the caller's own.
    let result = agent.invocation("q").state("stop_event_loop", "no").await.unwrap();
    assert_eq!(result.stop_reason, StopReason::EndTurn);
}

/// "After appending: end-turn hook, cancel, stop flag, structured-output stop": a value that was given is
/// kept here, and what a hook ends the turn with is said.
#[tokio::test]
async fn what_is_said_or_given_goes_before_it() {
    let model = calls(&[("t1", "stops")]);
    let hook = |event: &mut AfterToolsEvent| event.set_end_turn("that is all");
    let mut agent = builder(&model).hook(hook).build().await.unwrap();
    let result = agent.invoke("q").await.unwrap();
    let text = result.text();
    assert_eq!((result.stop_reason, text.as_str()), (StopReason::EndTurn, "that is all"));

    let both = Reply::tools([("t1", "stops", json!({})), ("t2", "City", paris())]);
    let model = ScriptedModel::new([both, Reply::tool("stops", json!({}))]);
    let mut agent = builder(&model).build().await.unwrap();
    assert_eq!(agent.invoke_as::<City>("q").await.unwrap(), City::paris());
    // One that was not given is missing, and the result is there all the same.
    let error = agent.invoke_as::<City>("q").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::StructuredOutput);
    assert_eq!(error.result().unwrap().stop_reason, StopReason::ToolUse);
    assert_eq!(model.requests().len(), 2);
}

/// A question in the same batch does not make it forgotten.
#[tokio::test]
async fn it_lasts_through_a_question() {
    for way in WAYS {
        let asks = tool("a", |_, context: ToolContext| async move {
            let _: bool = context.interrupt("sure?", ())?;
            Ok(ToolOutput::text("a"))
        });
        let model = calls(&[("t1", "stops"), ("t2", "a")]);
        let builder = Agent::builder().no_callback_handler().model(model.clone());
        let mut agent = builder.tools([stops(), asks]).build().await.unwrap();
        agent.invoke("q").await.unwrap();
        let mut agent = onward(agent, way).await;
        let result = answer_all(&mut agent, true).await;
        assert_eq!(
            (result.stop_reason, model.requests().len()),
            (StopReason::ToolUse, 1),
            "{way:?}"
        );
    }
}

/// Nor does a crash, once the tool has its result.
#[tokio::test]
async fn it_lasts_through_a_crash() {
    let journal = TestJournal::new();
    let mut agent =
        builder(&calls(&[("t1", "stops")])).session(journal.clone()).build().await.unwrap();
    agent.invoke("q").await.unwrap();
    let records = journal.records().await;
    let returned = |record: &Record| matches!(record, Record::ToolReturned { .. });
    let at = records.iter().position(returned).unwrap() + 1;
    for cut in at..records.len() - 1 {
        let model = ScriptedModel::new([]);
        let journal = TestJournal::holding(&records[..cut]).await;
        let mut agent = builder(&model).session(journal).build().await.unwrap();
        let result = agent.invoke(()).await.unwrap();
        assert_eq!(result.stop_reason, StopReason::ToolUse, "cut behind {cut} records");
        assert!(model.requests().is_empty());
    }
}
