//! §2.3 Resuming.

use pretty_assertions::assert_eq;
use ropewalk_core::*;
use ropewalk_testkit::{Reply, ScriptedModel};
use serde_json::{Value, json};

use crate::common::{TestTool, assert_valid, echo, last_results, tool};
use crate::support::{Count, Notes, answer_all, calls, one_call, says, shape, stream_of};

fn asks(event: &mut BeforeToolCallEvent) -> HookResult {
    if event.tool_use().name == "a" {
        let yes: bool = event.interrupt("approve", "why")?;
        event.cancel_tool(!yes);
    }
    Ok(())
}

/// `a` is asked about, `b` is not. The agent has asked.
async fn asked(uses: &[(&str, &str)]) -> (Agent, [TestTool; 2]) {
    let tools = [echo("a"), echo("b")];
    let builder =
        Agent::builder().no_callback_handler().model(calls(uses)).tools(tools.clone()).hook(asks);
    let mut agent = builder.build().await.unwrap();
    agent.invoke("q").await.unwrap();
    (agent, tools)
}

/// The prompt is refused with this text, and changes nothing.
async fn refused(agent: &mut Agent, prompt: impl Into<Prompt>, text: &str) {
    let before = agent.run();
    let error = agent.invoke(prompt).await.unwrap_err();
    assert!(error.to_string().contains(text), "{error}");
    assert!(matches!(error.kind(), ErrorKind::Interrupt), "{error:?}");
    assert_eq!(agent.run(), before);
}

/// §2.3 Validation: not a list of responses
#[tokio::test]
async fn a_prompt_that_is_no_answer_is_refused() {
    let (mut agent, _) = asked(&[("t1", "a")]).await;
    refused(&mut agent, "yes", "open questions must be answered first (approve)").await;
    refused(&mut agent, Message::user("yes"), "open questions must be answered first").await;
}

/// §2.3 Validation: None. Not as in Strands, where it is a type error: `()` lets the agent go on as far
/// as it can, and gives the open questions again.
#[tokio::test]
async fn going_on_without_an_answer_gives_the_questions_again() {
    let (mut agent, [tool, _]) = asked(&[("t1", "a")]).await;
    let open = agent.interrupts();
    assert_eq!(agent.invoke(()).await.unwrap().interrupts, open);
    assert_eq!(tool.count(), 0);
}

/// §2.3 Validation: "list holding any block with a key other than interruptResponse"
#[tokio::test]
async fn an_answer_among_other_blocks_is_refused() {
    let (mut agent, _) = asked(&[("t1", "a")]).await;
    let answer = ContentBlock::InterruptResponse(agent.interrupts()[0].answer(true));
    let blocks = vec![answer, ContentBlock::from("and hurry")];
    refused(&mut agent, blocks, "open questions must be answered first").await;
}

/// §2.3 Validation: `interrupt_id=<…> | no interrupt found`
#[tokio::test]
async fn an_answer_to_an_unknown_question_is_refused() {
    let (mut agent, _) = asked(&[("t1", "a")]).await;
    let unknown = Interrupt::new("nobody", "n", Value::Null).answer(true);
    refused(&mut agent, vec![unknown], "interrupt_id=<nobody> | no interrupt found").await;
}

/// §2.3 Validation: response object lacking `response` or `interruptId`
#[test]
fn an_answer_without_its_keys_can_not_be_read() {
    for block in [json!({"interruptId": "i"}), json!({"response": true})] {
        let block = json!({"interruptResponse": block});
        assert!(serde_json::from_value::<ContentBlock>(block.clone()).is_err(), "{block}");
    }
}

/// §2.3 Validation: empty list. Not as in Strands, where it is accepted and asks again: who sends no
/// answer has made a mistake, and is told so.
#[tokio::test]
async fn no_answers_at_all_are_refused() {
    let (mut agent, _) = asked(&[("t1", "a")]).await;
    refused(&mut agent, Vec::<InterruptResponse>::new(), "no answer was given").await;
}

/// §2.3 "A null response is accepted and leaves the interrupt unanswered". Not here: null is no answer,
/// and refused.
#[tokio::test]
async fn a_null_answer_is_refused() {
    let (mut agent, _) = asked(&[("t1", "a")]).await;
    let null = agent.interrupts()[0].answer(Value::Null);
    refused(&mut agent, vec![null], "null is no answer").await;
}

/// §2.3 WEAK, Appendix A 5: "application is not atomic". Here it is: one wrong answer, and none is
/// taken.
#[tokio::test]
async fn if_one_answer_is_wrong_none_is_taken() {
    let (mut agent, [tool, _]) = asked(&[("t1", "a"), ("t2", "a")]).await;
    let open = agent.interrupts();
    let unknown = Interrupt::new("nobody", "n", Value::Null).answer(true);
    refused(&mut agent, vec![open[0].answer(true), unknown], "no interrupt found").await;
    let null = vec![open[0].answer(true), open[1].answer(Value::Null)];
    refused(&mut agent, null, "null is no answer").await;
    let twice = vec![open[0].answer(true), open[0].answer(false)];
    refused(&mut agent, twice, "two answers for one question").await;
    assert_eq!((agent.interrupts(), tool.count()), (open, 0));
}

/// §2.3 "Answering a subset is allowed … Results accumulate across resumes"
#[tokio::test]
async fn a_subset_may_be_answered() {
    let (mut agent, [one, two]) =
        asked(&[("t1", "a"), ("t2", "b"), ("t3", "a"), ("t4", "a")]).await;
    let open = agent.interrupts();
    let result = agent.resume([open[2].answer(true)]).await.unwrap();
    assert_eq!((result.interrupts, one.count()), (vec![open[0].clone(), open[1].clone()], 1));
    let result = agent.resume([open[0].answer(false)]).await.unwrap();
    assert_eq!((result.interrupts, one.count()), (vec![open[1].clone()], 1));
    agent.resume([open[1].answer(true)]).await.unwrap();
    assert_eq!((one.count(), two.count()), (2, 1));
    assert_eq!(last_results(&agent.messages()), ["tool cancelled by user", "b", "a", "a"]);
}

/// §2.3 1. "Input conversion returns no messages"
#[tokio::test]
async fn answers_are_no_messages() {
    let (mut agent, _) = asked(&[("t1", "a")]).await;
    let notes = Notes::default();
    let log = notes.clone();
    agent
        .add_hook(move |event: &BeforeInvocationEvent| log.add(event.messages().len().to_string()));
    answer_all(&mut agent, true).await;
    assert_eq!(notes.take(), ["0"]);
    let all = ["user text", "assistant toolUse", "user toolResult", "assistant text"];
    assert_eq!(shape(&agent.messages()), all);
}

/// §2.3 1. A hook can't slip messages in while tools are under way
#[tokio::test]
async fn a_hook_can_not_add_messages_to_answers() {
    let (mut agent, [tool, _]) = asked(&[("t1", "a")]).await;
    let handle = agent.add_hook(|event: &mut BeforeInvocationEvent| {
        event.set_messages(vec![Message::user("by the way")]);
    });
    let answer = agent.interrupts()[0].answer(true);
    let error = agent.resume([answer]).await.unwrap_err();
    assert_eq!((error.kind(), tool.count()), (ErrorKind::Hook, 0));
    agent.remove_hook(handle);
    assert_eq!(agent.invoke(()).await.unwrap().text(), "done", "the answer was not lost");
}

/// §2.3 2. "Model call is skipped; … It still counts as a new cycle (… start events)". Here the result
/// counts model calls: the cycle that goes on is one.
#[tokio::test]
async fn the_model_is_not_asked_again_for_the_same_answer() {
    let model = one_call();
    let builder =
        Agent::builder().no_callback_handler().model(model.clone()).tool(echo("a")).hook(asks);
    let mut agent = builder.build().await.unwrap();
    agent.invoke("q").await.unwrap();
    let answers = vec![agent.interrupts()[0].answer(true)];
    let events = stream_of(&mut agent, answers).await;
    assert_eq!(model.requests().len(), 2);
    let starts = events.iter().filter(|event| event.get("start").is_some()).count();
    assert_eq!(starts, 2, "the tools that go on, and the next model call");
    assert_eq!(agent.run().cycles(), 2);
}

/// §2.3 3. "Already completed tools are never re-run"; hooks of the others included
#[tokio::test]
async fn what_has_run_is_not_run_again_nor_are_its_hooks() {
    let notes = Notes::default();
    let log = notes.clone();
    let (mut agent, [_, done]) = asked(&[("t1", "a"), ("t2", "b")]).await;
    agent.add_hook(move |event: &BeforeToolCallEvent| log.add(event.tool_use().name.clone()));
    answer_all(&mut agent, true).await;
    assert_eq!((notes.take(), done.count()), (vec!["a".to_owned()], 1));
}

/// §2.3 4. "interrupt state cleared, tool-result message appended, MessageAdded, loop continues"
#[tokio::test]
async fn without_new_questions_the_loop_goes_on() {
    let notes = Notes::default();
    let log = notes.clone();
    let (mut agent, _) = asked(&[("t1", "a")]).await;
    agent.add_hook(move |event: &MessageAddedEvent| {
        log.add(format!("{:?} {}", event.message().role, event.message().results().count()));
    });
    assert_eq!(answer_all(&mut agent, true).await.stop_reason, StopReason::EndTurn);
    assert_eq!(notes.take(), ["User 1", "Assistant 0"]);
    assert!(agent.run().questions().is_empty());
}

/// §2.3 5. "New interrupts → state refreshed, stop again with interrupt"
#[tokio::test]
async fn new_questions_stop_it_again() {
    let asks = tool("a", |_, context: ToolContext| async move {
        let first: bool = context.interrupt("first", "why")?;
        let second: bool = context.interrupt("second", "why")?;
        Ok(ToolOutput::text(format!("{first} {second}")))
    });
    let mut agent =
        Agent::builder().no_callback_handler().model(one_call()).tool(asks).build().await.unwrap();
    agent.invoke("q").await.unwrap();
    let result = answer_all(&mut agent, true).await;
    assert_eq!(result.stop_reason, StopReason::Interrupt);
    assert_eq!(result.interrupts[0].name, "second");
    answer_all(&mut agent, false).await;
    assert_eq!(last_results(&agent.messages()), ["true false"], "the first answer was kept");
}

/// §2.3 "BeforeTools fires on every resume of the batch and its interrupt is re-evaluated"; its answer
/// holds within the same cycle, "the next batch asks again"
#[tokio::test]
async fn before_tools_fires_on_every_resume_and_its_answer_holds_for_the_batch() {
    let notes = Notes::default();
    let log = notes.clone();
    let model = ScriptedModel::new([
        Reply::tools([("t1", "a", json!({}))]),
        Reply::tools([("t2", "b", json!({}))]),
        Reply::text("done"),
    ]);
    let mut agent = Agent::builder()
        .no_callback_handler()
        .model(model)
        .tools([echo("a"), echo("b")])
        .hook(move |event: &mut BeforeToolsEvent| -> HookResult {
            log.add("asks");
            event.interrupt::<bool>("batch", "why")?;
            log.add("goes on");
            Ok(())
        })
        .hook(asks)
        .build()
        .await
        .unwrap();
    assert_eq!(agent.invoke("q").await.unwrap().interrupts[0].name, "batch");
    assert_eq!(notes.take(), ["asks"]);
    assert_eq!(answer_all(&mut agent, true).await.interrupts[0].name, "approve");
    assert_eq!(notes.take(), ["asks", "goes on"]);
    assert_eq!(answer_all(&mut agent, true).await.interrupts[0].name, "batch", "the next batch");
    assert_eq!(notes.take(), ["asks", "goes on", "asks"]);
    assert_eq!(answer_all(&mut agent, true).await.text(), "done");
}

/// §2.3 "Order inside the final message: stored results → … It may therefore differ from the order of
/// the tool uses". Not here (Appendix A 3): always in the order of the request.
#[tokio::test]
async fn results_stand_in_the_order_of_the_request() {
    let (mut agent, _) = asked(&[("t1", "a"), ("t2", "b"), ("t3", "rm -rf"), ("t4", "a")]).await;
    let open = agent.interrupts();
    agent.resume([open[1].answer(true)]).await.unwrap();
    agent.resume([open[0].answer(true)]).await.unwrap();
    let messages = agent.messages();
    let ids: Vec<_> = messages[2].results().map(|result| result.tool_use_id.as_str()).collect();
    assert_eq!(ids, ["t1", "t2", "t3", "t4"]);
    assert_valid(&messages);
}

/// §2.3 "After a cancel signal during resume: if nothing ran, the state stays so the call can be resumed
/// again; if something ran, its results are added". Not here: a cancel ends the invocation; what was
/// not run gets a result that says so, and the history is whole.
#[tokio::test]
async fn a_cancel_during_resume_ends_the_invocation() {
    let (mut agent, [one, two]) = asked(&[("t1", "a"), ("t2", "b")]).await;
    let answer = agent.interrupts()[0].answer(true);
    agent.cancel_handle().cancel();
    let result = agent.resume([answer]).await.unwrap();
    assert_eq!(result.stop_reason, StopReason::Cancelled);
    assert_eq!((one.count(), two.count()), (0, 1));
    assert_eq!(last_results(&agent.messages()), ["Tool execution cancelled", "b"]);
    assert_valid(&agent.messages());
    assert!(!agent.is_unfinished());
}

/// §2.3 A cancel while nothing but questions is left: they stay open
#[tokio::test]
async fn a_cancel_takes_no_open_question_away() {
    let (mut agent, _) = asked(&[("t1", "a")]).await;
    let open = agent.interrupts();
    agent.cancel_handle().cancel();
    assert_eq!(agent.invoke(()).await.unwrap().interrupts, open);
    assert_eq!(answer_all(&mut agent, true).await.text(), "done");
}

/// §2.3 "Limits, cancel signals and invocation_state are likewise per call, not stored" (Appendix A 6).
/// Here the state is stored with the question, and goes before what the answering caller hands over:
/// the work goes on for whoever began it. Keys that are new are taken.
#[tokio::test]
async fn the_invocation_state_is_kept_with_the_question() {
    let notes = Notes::default();
    let log = notes.clone();
    let mut agent = Agent::builder()
        .no_callback_handler()
        .model(one_call())
        .tool(echo("a"))
        .hook(asks)
        .hook(move |event: &AfterToolCallEvent| {
            let of = |key| event.invocation_state().get::<String>(key);
            log.add(format!("{:?} {:?} {:?}", of("user"), of("channel"), of("request")));
        })
        .build()
        .await
        .unwrap();
    agent.invocation("q").state("user", "alice").state("channel", "mail").await.unwrap();
    let answers = vec![agent.interrupts()[0].answer(true)];
    agent.invocation(answers).state("channel", "phone").state("request", "7").await.unwrap();
    assert_eq!(notes.take(), [r#"Some("alice") Some("mail") Some("7")"#]);
    assert!(agent.run().state().is_empty(), "gone with the invocation");
}

/// §2.3 "Limits, … per call, not stored": hooks of one invocation are given again
#[tokio::test]
async fn hooks_of_one_invocation_are_given_again() {
    let tool = echo("a");
    let mut agent = Agent::builder()
        .no_callback_handler()
        .model(one_call())
        .tool(tool.clone())
        .build()
        .await
        .unwrap();
    agent.invocation("q").hook(asks).await.unwrap();
    let answers = vec![agent.interrupts()[0].answer(false)];
    agent.invocation(answers).hook(asks).await.unwrap();
    assert_eq!(last_results(&agent.messages()), ["tool cancelled by user"]);
    assert_eq!(tool.count(), 0);
}

/// §2.3 "Sending interrupt responses when not activated: a specific value error"
#[tokio::test]
async fn answers_without_a_question_are_refused() {
    let mut agent = Agent::builder().no_callback_handler().model(says("ok")).build().await.unwrap();
    let answer = Interrupt::new("i", "n", Value::Null).answer(true);
    refused(&mut agent, vec![answer], "there is no open question").await;
}

/// §2.3 "There is no public way to abandon an interrupt. WEAK" (Appendix A 33). Here there is.
#[tokio::test]
async fn questions_can_be_abandoned() {
    let (mut agent, [one, _]) = asked(&[("t1", "a"), ("t2", "b")]).await;
    agent.abandon().await.unwrap();
    assert!(agent.interrupts().is_empty() && !agent.is_unfinished());
    assert_eq!(last_results(&agent.messages()), ["Tool was interrupted.", "b"]);
    assert_valid(&agent.messages());
    assert_eq!(agent.invoke("well then").await.unwrap().text(), "done");
    assert_eq!(one.count(), 0);
}

/// §2.3 Abandoned before an invocation began: nothing of it stays
#[tokio::test]
async fn a_prompt_that_waits_can_be_abandoned() {
    let asked = Count::default();
    let mut agent = Agent::builder()
        .no_callback_handler()
        .model(says("ok"))
        .hook(move |event: &mut BeforeInvocationEvent| -> HookResult {
            if asked.up() == 0 {
                event.interrupt::<bool>("may I?", "why").map(drop)
            } else {
                Ok(())
            }
        })
        .build()
        .await
        .unwrap();
    agent.invoke("q").await.unwrap();
    agent.abandon().await.unwrap();
    assert!(agent.messages().is_empty() && agent.interrupts().is_empty());
    assert_eq!(agent.invoke("again").await.unwrap().text(), "ok");
}

/// §2.3 "While activated: direct tool calls → runtime error"
#[tokio::test]
async fn while_a_question_waits_no_tool_is_called_by_hand() {
    let (mut agent, [one, two]) = asked(&[("t1", "a")]).await;
    let before = agent.run();
    let error = agent.tool("b").call(json!({})).await.unwrap_err();
    assert!(error.to_string().contains("can't be called while"), "{error}");
    assert_eq!((agent.run(), one.count(), two.count()), (before, 0, 0));
}

/// §2.3 "direct tool call whose tool interrupts → runtime error, interrupt state cleared, nothing
/// recorded". Not here: the caller has the error, the question stays, and its answer finishes the call.
#[tokio::test]
async fn a_call_by_hand_that_asks_is_an_error_and_waits() {
    let tools = [echo("a"), echo("b")];
    let builder =
        Agent::builder().no_callback_handler().model(one_call()).tools(tools.clone()).hook(asks);
    let mut agent = builder.build().await.unwrap();
    let error = agent.tool("a").call(json!({})).await.unwrap_err();
    assert!(error.to_string().contains("waits for answers (approve)"), "{error}");
    answer_all(&mut agent, true).await;
    assert_eq!((tools[0].count(), last_results(&agent.messages())), (1, vec!["a".to_owned()]));
    assert!(!agent.is_unfinished());
}
