//! §2.2 Raising: what the loop does.

use pretty_assertions::assert_eq;
use ropewalk_core::*;
use serde_json::{Value, json};

use crate::common::{TestTool, echo, last_results, tool};
use crate::support::{Count, answer_all, calls, one_call, shape, stream_of};

fn asks(event: &mut BeforeToolCallEvent) -> HookResult {
    if event.tool_use().name == "a" {
        event.interrupt::<bool>("approve", event.tool_use().tool_use_id.clone())?;
    }
    Ok(())
}

/// `a` is asked about, `b` is not.
async fn agent_of(uses: &[(&str, &str)]) -> (Agent, [TestTool; 2]) {
    let tools = [echo("a"), echo("b")];
    let builder =
        Agent::builder().no_callback_handler().model(calls(uses)).tools(tools.clone()).hook(asks);
    (builder.build().await.unwrap(), tools)
}

/// §2.2 1. "Each interrupted tool call emits a stream event tool_interrupt_event"
#[tokio::test]
async fn each_interrupted_call_is_in_the_stream() {
    let (mut agent, _) = agent_of(&[("t1", "a"), ("t2", "b"), ("t3", "a")]).await;
    let events = stream_of(&mut agent, "q").await;
    let asked: Vec<_> =
        events.iter().filter_map(|event| event.get("tool_interrupt_event")).collect();
    let mut ids: Vec<_> = asked.iter().map(|event| &event["tool_use"]["toolUseId"]).collect();
    ids.sort_by_key(|id| id.to_string());
    assert_eq!(ids, [&json!("t1"), &json!("t3")]);
    assert_eq!(asked[0]["interrupts"][0]["name"], "approve");
}

/// §2.2 1. not in Strands: a question that is about no call has an event of its own
#[tokio::test]
async fn a_question_about_no_call_is_in_the_stream() {
    let asks = |event: &mut BeforeModelCallEvent| event.interrupt::<bool>("pay?", "why").map(drop);
    let mut agent =
        Agent::builder().no_callback_handler().model(one_call()).hook(asks).build().await.unwrap();
    let events = stream_of(&mut agent, "q").await;
    let asked: Vec<_> = events.iter().filter_map(|event| event.get("interrupt_event")).collect();
    assert_eq!(asked, [&json!({"interrupts": [agent.interrupts()[0].to_dict()]})]);
}

/// §2.2 2. Concurrent executor: "all run to completion; results are kept". (What the sequential
/// one does is in `s4_6_executors`.)
#[tokio::test]
async fn the_other_calls_run_to_their_end() {
    let (mut agent, [one, two]) = agent_of(&[("t1", "a"), ("t2", "b"), ("t3", "b")]).await;
    agent.invoke("q").await.unwrap();
    assert_eq!((one.count(), two.count()), (0, 2));
    answer_all(&mut agent, true).await;
    assert_eq!((one.count(), two.count()), (1, 2));
    assert_eq!(last_results(&agent.messages()), ["a", "b", "b"]);
}

/// §2.2 3. "The interrupts of all calls are collected in event order". Here in the order of the
/// model's request, whichever call was the first to ask.
#[tokio::test]
async fn the_questions_stand_in_the_order_of_the_request() {
    async fn asks(event: &mut BeforeToolCallEvent) -> HookResult {
        let waits = if event.tool_use().tool_use_id == "t1" { 5 } else { 0 };
        for _ in 0..waits {
            tokio::task::yield_now().await;
        }
        event.interrupt::<bool>("approve", event.tool_use().tool_use_id.clone()).map(drop)
    }
    let model = calls(&[("t1", "a"), ("t2", "a"), ("t3", "a")]);
    let builder = Agent::builder().no_callback_handler().model(model).tool(echo("a")).hook(asks);
    let open = builder.build().await.unwrap().invoke("q").await.unwrap().interrupts;
    let reasons: Vec<&Value> = open.iter().map(|open| &open.reason).collect();
    assert_eq!(reasons, [&json!("t1"), &json!("t2"), &json!("t3")]);
}

/// §2.2 4. "finish with stop reason interrupt, message = the assistant message with the tool uses,
/// interrupts = collected list"
#[tokio::test]
async fn the_result_is_the_message_with_the_questions() {
    let (mut agent, _) = agent_of(&[("t1", "a"), ("t2", "b")]).await;
    let result = agent.invoke("q").await.unwrap();
    assert_eq!(result.stop_reason.as_str(), "interrupt");
    let asked: Vec<_> =
        result.message.tool_uses().map(|asked| asked.tool_use_id.as_str()).collect();
    assert_eq!(asked, ["t1", "t2"]);
    assert_eq!(result.interrupts, agent.interrupts());
}

/// §2.2 5. "The tool-result message is not appended. History ends with the assistant tool-use
/// message". Here that message waits with its results: no history has a use without a result.
#[tokio::test]
async fn the_history_has_neither_uses_nor_results_yet() {
    let (mut agent, _) = agent_of(&[("t1", "a"), ("t2", "b")]).await;
    agent.invoke("q").await.unwrap();
    assert_eq!(shape(&agent.messages()), ["user text"]);
    assert!(agent.run().pending_message().is_some());
    answer_all(&mut agent, true).await;
    assert_eq!(
        shape(&agent.messages()),
        ["user text", "assistant toolUse toolUse", "user toolResult toolResult", "assistant text"]
    );
}

/// §2.2 6. "AfterInvocation fires. No further model call."
#[tokio::test]
async fn the_invocation_ends_without_another_model_call() {
    let (model, ended) = (one_call(), Count::default());
    let counter = ended.clone();
    let mut agent = Agent::builder()
        .no_callback_handler()
        .model(model.clone())
        .tool(echo("a"))
        .hook(asks)
        .hook(move |event: &AfterInvocationEvent| {
            assert_eq!(event.result().unwrap().interrupts.len(), 1);
            counter.up();
        })
        .build()
        .await
        .unwrap();
    agent.invoke("q").await.unwrap();
    assert_eq!((ended.get(), model.requests().len()), (1, 1));
}

/// §2.2 Tool-raised interrupts: with an answer given beforehand nobody is asked
#[tokio::test]
async fn a_tool_may_ask_with_an_answer_of_its_own() {
    let asks = tool("a", |_, context: ToolContext| async move {
        let number: u8 = context.interrupt_with("number", "which?".into(), 7.into())?;
        Ok(ToolOutput::text(number.to_string()))
    });
    let mut agent =
        Agent::builder().no_callback_handler().model(one_call()).tool(asks).build().await.unwrap();
    agent.invoke("q").await.unwrap();
    assert_eq!(last_results(&agent.messages()), ["7"]);
}

/// §2.2 "A custom tool class raising the interrupt error itself … is honoured and registered"
#[tokio::test]
async fn a_tool_that_raises_by_hand_asks() {
    let raised = Count::default();
    let raises = tool("a", move |_, _| {
        let first = raised.up() == 0;
        async move {
            let question = Interrupt::new("own-id", "by hand", json!("why"));
            if first {
                Err(InterruptException::new(question).into())
            } else {
                Ok(ToolOutput::text("x"))
            }
        }
    });
    let mut agent = Agent::builder()
        .no_callback_handler()
        .model(one_call())
        .tool(raises)
        .build()
        .await
        .unwrap();
    let open = agent.invoke("q").await.unwrap().interrupts;
    assert_eq!((open.len(), open[0].id.as_str()), (1, "own-id"));
    answer_all(&mut agent, true).await;
    assert_eq!(last_results(&agent.messages()), ["x"]);
}

/// §2.2 "The function-tool wrapper turns the interrupt error into an interrupt event before its generic
/// error handling"
#[tokio::test]
async fn a_question_is_no_error_result() {
    let asks = tool("a", |_, context: ToolContext| async move {
        context.interrupt::<bool>("approve", "why").map(|_| ToolOutput::text("a"))
    });
    let mut agent = Agent::builder()
        .no_callback_handler()
        .model(one_call())
        .tool(asks)
        .hook(|_: &mut AfterToolCallEvent| -> HookResult { Err("no result was expected".into()) })
        .build()
        .await
        .unwrap();
    assert_eq!(agent.invoke("q").await.unwrap().interrupts.len(), 1);
}

/// §2.2 "A tool interrupted midway is re-run from its beginning on resume"
#[tokio::test]
async fn a_tool_that_asked_begins_again() {
    let (begun, ended) = (Count::default(), Count::default());
    let (begins, ends) = (begun.clone(), ended.clone());
    let asks = tool("a", move |_, context: ToolContext| {
        let (begins, ends) = (begins.clone(), ends.clone());
        async move {
            begins.up();
            context.interrupt::<bool>("approve", "why")?;
            ends.up();
            Ok(ToolOutput::text("a"))
        }
    });
    let mut agent = Agent::builder()
        .no_callback_handler()
        .model(one_call())
        .tool(asks.clone())
        .build()
        .await
        .unwrap();
    agent.invoke("q").await.unwrap();
    answer_all(&mut agent, true).await;
    assert_eq!((begun.get(), ended.get()), (2, 1));
    let keys: Vec<_> = asks.seen().into_iter().map(|seen| seen.key).collect();
    assert_eq!(keys[0], keys[1], "it is the same call");
}
