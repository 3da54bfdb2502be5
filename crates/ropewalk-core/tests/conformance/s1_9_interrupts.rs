//! §1.9 Interrupts from hooks. In Strands three events may ask; here every event of an agent may, and
//! the module `every_event` shows each of them, answered in the same agent and after a restart.
//!
//! Not as in Strands: what is answered beforehand is kept for the dispatch in which it was, and not in the
//! run. Ids of teams' nodes, of the middleware around an agent's stream and of agents as tools are not
//! here, as these are not.

mod every_event;

use std::sync::{Arc, Mutex};

use pretty_assertions::assert_eq;
use ropewalk_core::*;
use ropewalk_testkit::{Reply, ScriptedModel};
use serde_json::{Value, json};

use crate::common::{assert_valid, echo, last_results, tool};
use crate::support::{
    Count, Notes, WAYS, Way, answer_all, calls, info, one_call, onward, says, shape, strands_id,
    texts,
};

/// A hook that asks before each call.
fn asks(event: &mut BeforeToolCallEvent) -> HookResult {
    event.interrupt::<bool>("approve", "why").map(drop)
}

async fn one_call_with<Kind>(
    hook: impl IntoCallback<BeforeToolCallEvent, Kind>,
) -> (Agent, crate::common::TestTool) {
    let tool = echo("a");
    let builder =
        Agent::builder().no_callback_handler().model(one_call()).tool(tool.clone()).hook(hook);
    (builder.build().await.unwrap(), tool)
}

/// §1.9 API: `event.interrupt(name, reason)`; algorithm: no record, so one is made and raised; with an
/// answer it is returned.
#[tokio::test]
async fn interrupt_raises_without_an_answer_and_gives_it_when_there_is_one() {
    let notes = Notes::default();
    let log = notes.clone();
    let (mut agent, tool) = one_call_with(move |event: &mut BeforeToolCallEvent| -> HookResult {
        log.add("asked");
        let answer: String = event.interrupt("approve", json!({"n": 1}))?;
        log.add(answer);
        Ok(())
    })
    .await;
    let open = agent.invoke("q").await.unwrap().interrupts;
    assert_eq!((open.len(), tool.count()), (1, 0));
    assert_eq!((open[0].name.as_str(), &open[0].reason), ("approve", &json!({"n": 1})));
    assert_eq!(open[0].response, Value::Null);
    answer_all(&mut agent, "go").await;
    assert_eq!(notes.take(), ["asked", "asked", "go"]);
    assert_eq!(tool.count(), 1);
}

/// §1.9 "The first record wins: on later calls with the same id, new reason/response arguments are
/// ignored"
#[tokio::test]
async fn the_first_record_wins() {
    let times = Count::default();
    let (mut agent, tool) = one_call_with(move |event: &mut BeforeToolCallEvent| -> HookResult {
        match times.up() {
            0 => event.interrupt::<Value>("approve", "first").map(drop),
            _ => {
                let answer: Value =
                    event.interrupt_with("approve", "second".into(), "own".into())?;
                assert_eq!(answer, json!("theirs"));
                Ok(())
            }
        }
    })
    .await;
    let open = agent.invoke("q").await.unwrap().interrupts;
    assert_eq!(open[0].reason, json!("first"));
    answer_all(&mut agent, "theirs").await;
    assert_eq!(tool.count(), 1);
}

/// §1.9 "Pre-emptive response: a non-None response argument is returned at once and no pause happens"
#[tokio::test]
async fn an_answer_given_beforehand_asks_nobody() {
    let (mut agent, tool) = one_call_with(|event: &mut BeforeToolCallEvent| -> HookResult {
        let yes: bool = event.interrupt_with("approve", "why".into(), true.into())?;
        event.cancel_tool(!yes);
        Ok(())
    })
    .await;
    assert_eq!(agent.invoke("q").await.unwrap().text(), "done");
    assert_eq!(tool.count(), 1);
}

/// §1.9 Pre-emptive response None: asks
#[tokio::test]
async fn null_given_beforehand_is_no_answer() {
    let (mut agent, tool) = one_call_with(|event: &mut BeforeToolCallEvent| -> HookResult {
        event.interrupt_with::<bool>("approve", "why".into(), Value::Null).map(drop)
    })
    .await;
    assert_eq!(agent.invoke("q").await.unwrap().interrupts.len(), 1);
    assert_eq!(tool.count(), 0);
}

/// §1.9 "None is the only unanswered value. false, 0, "" count as answers"
#[tokio::test]
async fn falsy_answers_are_answers() {
    for answer in [json!(false), json!(0), json!(""), json!([]), json!({})] {
        let got = Arc::new(Mutex::new(Vec::new()));
        let slot = Arc::clone(&got);
        let (mut agent, tool) = one_call_with(move |event: &mut BeforeToolCallEvent| {
            let answer: Value = event.interrupt("approve", "why")?;
            slot.lock().unwrap().push(answer);
            HookResult::Ok(())
        })
        .await;
        agent.invoke("q").await.unwrap();
        assert_eq!(answer_all(&mut agent, answer.clone()).await.text(), "done");
        assert_eq!((&*got.lock().unwrap(), tool.count()), (&vec![answer], 1));
    }
}

/// §1.9 "dispatch continues with the next callback after catching it, so several callbacks may each
/// raise a distinct interrupt for one tool call"
#[tokio::test]
async fn several_callbacks_may_ask_about_one_call() {
    let tool = echo("a");
    let ask = |name: &'static str| {
        move |event: &mut BeforeToolCallEvent| event.interrupt::<bool>(name, "why").map(drop)
    };
    let mut agent = Agent::builder()
        .no_callback_handler()
        .model(one_call())
        .tool(tool.clone())
        .hook(ask("legal"))
        .hook(ask("finance"))
        .build()
        .await
        .unwrap();
    let open = agent.invoke("q").await.unwrap().interrupts;
    let names: Vec<_> = open.iter().map(|open| open.name.as_str()).collect();
    assert_eq!(names, ["legal", "finance"]);
    agent.resume([open[0].answer(true)]).await.unwrap();
    assert_eq!((agent.interrupts(), tool.count()), (vec![open[1].clone()], 0));
    agent.resume([open[1].answer(true)]).await.unwrap();
    assert_eq!(tool.count(), 1);
}

/// §1.9 "Each callback may interrupt once per event": the second question comes when the first has its
/// answer
#[tokio::test]
async fn one_callback_asks_one_question_after_the_other() {
    let (mut agent, tool) = one_call_with(|event: &mut BeforeToolCallEvent| -> HookResult {
        event.interrupt::<bool>("first", "why")?;
        event.interrupt::<bool>("second", "why").map(drop)
    })
    .await;
    agent.invoke("q").await.unwrap();
    assert_eq!(agent.interrupts()[0].name, "first");
    answer_all(&mut agent, true).await;
    assert_eq!((agent.interrupts()[0].name.as_str(), agent.interrupts().len()), ("second", 1));
    answer_all(&mut agent, true).await;
    assert_eq!(tool.count(), 1);
}

/// §1.9 Name uniqueness: `interrupt_name=<…> | interrupt name used more than once`; never swallowed
/// (1.21's BUG, Appendix A 1)
#[tokio::test]
async fn one_name_in_two_callbacks_is_an_error() {
    let tool = echo("a");
    let mut agent = Agent::builder()
        .no_callback_handler()
        .model(one_call())
        .tool(tool.clone())
        .hook(asks)
        .hook(asks)
        .build()
        .await
        .unwrap();
    let error = agent.invoke("q").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Hook);
    let text = "interrupt_name=<approve> | interrupt name used more than once";
    assert!(error.to_string().contains(text), "{error}");
    assert_eq!(tool.count(), 0);
}

/// §1.9 "Different tool calls may share a name (ids differ)"
#[tokio::test]
async fn two_calls_may_share_a_name() {
    let tool = echo("a");
    let model = calls(&[("t1", "a"), ("t2", "a")]);
    let mut agent = Agent::builder()
        .no_callback_handler()
        .model(model)
        .tool(tool.clone())
        .hook(asks)
        .build()
        .await
        .unwrap();
    let open = agent.invoke("q").await.unwrap().interrupts;
    assert_eq!((open[0].name.as_str(), open[1].name.as_str()), ("approve", "approve"));
    assert_ne!(open[0].id, open[1].id);
    agent.resume([open[1].answer(true)]).await.unwrap();
    assert_eq!(tool.seen()[0].id, "t2");
}

/// §1.9 "interrupts take precedence over cancellation"
#[tokio::test]
async fn a_question_goes_before_a_cancel() {
    for asks_first in [true, false] {
        let tool = echo("a");
        let mut builder =
            Agent::builder().no_callback_handler().model(one_call()).tool(tool.clone());
        let cancels = |event: &mut BeforeToolCallEvent| event.cancel_tool("no");
        builder = match asks_first {
            true => builder.hook(asks).hook(cancels),
            false => builder.hook(cancels).hook(asks),
        };
        let mut agent = builder.build().await.unwrap();
        assert_eq!(agent.invoke("q").await.unwrap().interrupts.len(), 1);
        answer_all(&mut agent, true).await;
        assert_eq!((last_results(&agent.messages()), tool.count()), (vec!["no".to_owned()], 0));
    }
}

/// §1.9 "interrupts take precedence over cancellation": not at the guards. What one of them has refused
/// nobody is asked about.
#[tokio::test]
async fn a_guards_refusal_goes_before_a_question() {
    for asks_first in [true, false] {
        let tool = echo("a");
        let ask = |event: &mut ToolCallGuardEvent| {
            event.ask_approval("approve", ApprovalRequest::new("Do it?")).map(drop)
        };
        let refuse = |event: &mut ToolCallGuardEvent| event.cancel_tool("never");
        let builder = Agent::builder().no_callback_handler().model(one_call()).tool(tool.clone());
        let builder = match asks_first {
            true => builder.hook(ask).hook(refuse),
            false => builder.hook(refuse).hook(ask),
        };
        let mut agent = builder.build().await.unwrap();
        assert_eq!(agent.invoke("q").await.unwrap().text(), "done");
        assert_eq!((last_results(&agent.messages()), tool.count()), (vec!["never".to_owned()], 0));
    }
}

/// §1.9 "On resume all callbacks run again from the start for that tool call; side effects before the
/// interrupt call repeat"
#[tokio::test]
async fn with_the_answer_all_callbacks_run_again() {
    let notes = Notes::default();
    let (first, second) = (notes.clone(), notes.clone());
    let mut agent = Agent::builder()
        .no_callback_handler()
        .model(calls(&[("t1", "a"), ("t2", "b")]))
        .tools([echo("a"), echo("b")])
        .hook(move |event: &mut BeforeToolCallEvent| {
            first.add(format!("first {}", event.tool_use().tool_use_id));
        })
        .hook(move |event: &mut BeforeToolCallEvent| -> HookResult {
            if event.tool_use().name == "a" {
                second.add("asks");
                event.interrupt::<bool>("approve", "why")?;
            }
            Ok(())
        })
        .build()
        .await
        .unwrap();
    agent.invoke("q").await.unwrap();
    assert_eq!(notes.take(), ["first t1", "asks", "first t2"]);
    answer_all(&mut agent, true).await;
    assert_eq!(notes.take(), ["first t1", "asks"], "and only for that call");
}

/// §1.9 Id of a BeforeToolCall hook
#[tokio::test]
async fn the_id_of_a_question_before_a_call() {
    let (mut agent, _) = one_call_with(asks).await;
    let open = agent.invoke("q").await.unwrap().interrupts;
    assert_eq!(open[0].id, "v1:before_tool_call:t1:5cf56bed-067e-5438-a1ef-dbfa3405e45d");
}

/// §1.9 Id of a tool context
#[tokio::test]
async fn the_id_of_a_question_from_a_tool() {
    let asks = tool("a", |_, context: ToolContext| async move {
        context.interrupt::<bool>("approve", "why").map(|_| ToolOutput::text("a"))
    });
    let mut agent =
        Agent::builder().no_callback_handler().model(one_call()).tool(asks).build().await.unwrap();
    let open = agent.invoke("q").await.unwrap().interrupts;
    assert_eq!(open[0].id, "v1:tool_call:t1:5cf56bed-067e-5438-a1ef-dbfa3405e45d");
}

/// §1.9 Id of a BeforeTools hook (not bound to a batch)
#[tokio::test]
async fn the_id_of_a_question_before_the_batch() {
    let asks = |event: &mut BeforeToolsEvent| event.interrupt::<bool>("approve", "why").map(drop);
    let builder =
        Agent::builder().no_callback_handler().model(one_call()).tool(echo("a")).hook(asks);
    let open = builder.build().await.unwrap().invoke("q").await.unwrap().interrupts;
    assert_eq!(open[0].id, "v1:before_tools:5cf56bed-067e-5438-a1ef-dbfa3405e45d");
}

/// §1.9 Id of a tool middleware
#[tokio::test]
async fn the_id_of_a_question_around_a_call() {
    async fn asks(request: ToolCallRequest, next: ToolNext<'_>) -> Result<ToolResult, BoxError> {
        request.interrupt::<bool>("approve", "why")?;
        next.run(request).await
    }
    let builder = Agent::builder()
        .no_callback_handler()
        .model(one_call())
        .tool(echo("a"))
        .wrap_tool_call(asks);
    let open = builder.build().await.unwrap().invoke("q").await.unwrap().interrupts;
    assert_eq!(open[0].id, "v1:middleware_execute_tool:t1:5cf56bed-067e-5438-a1ef-dbfa3405e45d");
}

/// §1.9 "Check value: uuid5(OID, `approve`)"
#[test]
fn the_check_value() {
    assert_eq!(strands_id("x", "approve"), "x:5cf56bed-067e-5438-a1ef-dbfa3405e45d");
}

/// §1.9 "Raising the interrupt error by hand … is caught by the dispatcher and dropped silently". Not
/// here: it is honoured wherever a question can be answered, which is at every event of an agent.
#[tokio::test]
async fn a_question_raised_by_hand_is_a_question() {
    let by_hand = || -> HookResult {
        Err(InterruptException::new(Interrupt::new("own-id", "by hand", json!("why"))).into())
    };
    let mut agent = Agent::builder()
        .no_callback_handler()
        .model(says("ok"))
        .hook(move |event: &mut AfterModelCallEvent| {
            // What is raised by hand is also looked up by hand.
            if event.invocation_state().get::<bool>("asked").is_some() {
                return Ok(());
            }
            event.invocation_state().set("asked", true)?;
            by_hand()
        })
        .build()
        .await
        .unwrap();
    let result = agent.invoke("q").await.unwrap();
    assert_eq!(
        (result.stop_reason, result.interrupts[0].id.as_str()),
        (StopReason::Interrupt, "own-id")
    );
    assert_eq!(answer_all(&mut agent, true).await.text(), "ok");
}

/// §1.9 The same in an event that can't be asked from (an announcement): an error, not silence.
#[tokio::test]
async fn a_question_where_nobody_can_be_asked_is_an_error() {
    assert!(!info::<DecisionEvent>().interruptible);
    let mut agent = Agent::builder()
        .no_callback_handler()
        .model(says("ok"))
        .hook(|event: &mut BeforeModelCallEvent| {
            event.record_decision(DecisionRecord::new("me", "BeforeModelCallEvent", "allow"));
        })
        .hook(|_: &mut DecisionEvent| -> HookResult {
            Err(InterruptException::new(Interrupt::new("i", "n", json!("why"))).into())
        })
        .build()
        .await
        .unwrap();
    let error = agent.invoke("q").await.unwrap_err();
    assert!(error.to_string().contains("can't be interrupted"), "{error}");
    assert!(agent.interrupts().is_empty());
}

/// §1.9 / Appendix A 30: a reason that can't be stored is refused when it is raised, not when the
/// session is saved.
#[tokio::test]
async fn a_reason_that_can_not_be_stored_is_refused_at_once() {
    let (mut agent, tool) = one_call_with(|event: &mut BeforeToolCallEvent| -> HookResult {
        let unstorable = std::collections::HashMap::from([(vec![1_u8], "no JSON key")]);
        event.interrupt::<bool>("approve", unstorable).map(drop)
    })
    .await;
    let error = agent.invoke("q").await.unwrap_err();
    assert!(
        error.to_string().contains("the reason of interrupt `approve` can't be stored"),
        "{error}"
    );
    assert_eq!((agent.interrupts().len(), tool.count()), (0, 0));
}

/// §1.9, not in Strands: who may only look can't ask. It does not compile (`tests/ui/core`); raised by hand
/// it is reported, and nothing stops.
#[tokio::test]
async fn an_observer_can_not_ask_by_hand_either() {
    let (mut agent, tool) = one_call_with(|_: &BeforeToolCallEvent| -> HookResult {
        Err(InterruptException::new(Interrupt::new("i", "n", json!("why"))).into())
    })
    .await;
    assert_eq!(agent.invoke("q").await.unwrap().text(), "done");
    assert_eq!(tool.count(), 1);
}

/// §1.9, not in Strands: an answer that does not fit what the callback wants is asked for again.
#[tokio::test]
async fn an_answer_of_another_type_puts_the_question_again() {
    let (mut agent, tool) = one_call_with(asks).await;
    let open = agent.invoke("q").await.unwrap().interrupts;
    let again = answer_all(&mut agent, "certainly").await;
    assert_eq!((again.interrupts, tool.count()), (open, 0));
    answer_all(&mut agent, true).await;
    assert_eq!(tool.count(), 1);
}
