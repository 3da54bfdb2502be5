//! What users of other SDKs ran into, turned into tests (the numbers are those of the list of users'
//! complaints). Item 9 stands in `nested.rs`, more of item 5 in `forged.rs`, the items after 19 elsewhere.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use pretty_assertions::assert_eq;
use ropewalk_core::*;
use ropewalk_testkit::{Reply, ScriptedModel};
use serde_json::{Value, json};

use crate::common::{Fault, TestJournal, TestTool, assert_valid, echo, last_results, tool};
use crate::support::{
    Count, Notes, WAYS, Way, answer_all, calls, one_call, onward, says, stream_of, texts,
};

/// A guard that asks for an approval of each call.
fn guard(event: &mut ToolCallGuardEvent) -> HookResult {
    let request = ApprovalRequest::new("Do it?");
    let approval = event.ask_approval("approve", request)?;
    event.cancel_tool(!approval.is_approved());
    Ok(())
}

async fn guarded() -> (Agent, TestTool) {
    let tool = echo("a");
    let builder =
        Agent::builder().no_callback_handler().model(one_call()).tool(tool.clone()).hook(guard);
    (builder.build().await.unwrap(), tool)
}

/// §15.1 deny ⇒ tool body never entered, any tool kind
#[tokio::test]
async fn users_15_1_denied_by_any_means_no_tool_of_any_kind_is_entered() {
    async fn refuses(request: ToolCallRequest, _: ToolNext<'_>) -> Result<ToolResult, BoxError> {
        Ok(ToolResult::error(&request.tool_use().tool_use_id, "no"))
    }
    type Deny = fn(AgentBuilder) -> AgentBuilder;
    let denials: [(&str, Deny); 6] = [
        ("BeforeTools", |b| b.hook(|event: &mut BeforeToolsEvent| event.cancel("no"))),
        ("BeforeToolCall", |b| b.hook(|event: &mut BeforeToolCallEvent| event.cancel_tool("no"))),
        ("no tool", |b| b.hook(|event: &mut BeforeToolCallEvent| event.set_selected_tool(None))),
        ("guard", |b| b.hook(|event: &mut ToolCallGuardEvent| event.cancel_tool("no"))),
        ("host's guard", |b| b.host_hook(|event: &mut ToolCallGuardEvent| event.cancel_tool("no"))),
        ("wrap", |b| b.wrap_tool_call(refuses)),
    ];
    for (name, deny) in denials {
        for replay in [Replay::Never, Replay::Idempotent, Replay::Pure] {
            let entered = echo("a").replayed(replay);
            let other = echo("z");
            let put_in_place: Arc<dyn Tool> = Arc::new(other.clone());
            let builder = Agent::builder()
                .no_callback_handler()
                .model(one_call())
                .tool(entered.clone())
                .hook(move |event: &mut BeforeToolCallEvent| {
                    // A tool that is not registered is held back as well.
                    if event.tool_use().tool_use_id == "t2" {
                        event.set_selected_tool(Some(Arc::clone(&put_in_place)));
                    }
                });
            let model = ScriptedModel::new([
                Reply::tools([("t1", "a", json!({})), ("t2", "a", json!({}))]),
                Reply::text("done"),
            ]);
            let mut agent = deny(builder.model(model)).build().await.unwrap();
            agent.invoke("q").await.unwrap();
            assert_eq!((entered.count(), other.count()), (0, 0), "{name}");
            assert_valid(&agent.messages());
        }
    }
}

/// §15.1 denied by a person's answer, after a restart too
#[tokio::test]
async fn users_15_1_denied_by_a_person() {
    for way in WAYS {
        let (mut agent, tool) = guarded().await;
        agent.invoke("q").await.unwrap();
        let mut agent = onward(agent, way).await;
        answer_all(&mut agent, "no").await;
        assert_eq!((tool.count(), last_results(&agent.messages()).len()), (0, 1));
    }
}

/// §15.2 no decision ⇒ not executed: whatever else happens to the run meanwhile
#[tokio::test]
async fn users_15_2_without_a_decision_nothing_is_executed() {
    for way in WAYS {
        let (mut agent, tool) = guarded().await;
        agent.invoke("q").await.unwrap();
        agent.invoke(()).await.unwrap();
        agent.invoke("just do it").await.unwrap_err();
        let mut agent = onward(agent, way).await;
        agent.check_expiry().await.unwrap();
        agent.invoke(()).await.unwrap();
        agent.abandon().await.unwrap();
        agent.invoke("well?").await.unwrap();
        assert_eq!(tool.count(), 0);
        assert_valid(&agent.messages());
    }
}

/// §15.3 args rewritten after approval ⇒ approval void
#[tokio::test]
async fn users_15_3_an_approval_holds_for_its_arguments_only() {
    for way in WAYS {
        let tool = echo("a");
        let passes = Count::default();
        let mut agent = Agent::builder()
            .no_callback_handler()
            .model(one_call())
            .tool(tool.clone())
            .hook(move |event: &mut BeforeToolCallEvent| {
                // The third time it is as the first time.
                let n = if passes.up() == 1 { 1000 } else { 1 };
                event.set_input(json!({"n": n}));
            })
            .hook(guard)
            .build()
            .await
            .unwrap();
        let first = agent.invoke("q").await.unwrap().interrupts;
        assert_eq!(first[0].reason["input"], json!({"n": 1}));
        let mut agent = onward(agent, way).await;
        let second = agent.resume([first[0].answer(true)]).await.unwrap().interrupts;
        assert_eq!(second[0].reason["input"], json!({"n": 1000}), "asked anew");
        assert_ne!(first[0].id, second[0].id);
        assert_eq!(tool.count(), 0);
        let mut agent = onward(agent, way).await;
        agent.resume([second[0].answer(false)]).await.unwrap();
        assert_eq!(
            tool.seen().iter().map(|seen| &seen.input).collect::<Vec<_>>(),
            [&json!({"n": 1})]
        );
    }
}

/// §15.3 another tool in the place of the approved one ⇒ approval void
#[tokio::test]
async fn users_15_3_an_approval_holds_for_its_tool_only() {
    let (harmless, other) = (echo("a"), echo("b"));
    let passes = Count::default();
    let mut agent = Agent::builder()
        .no_callback_handler()
        .model(one_call())
        .tools([harmless.clone(), other.clone()])
        .hook(move |event: &mut BeforeToolCallEvent| -> Result<(), Error> {
            let name = if passes.up() == 0 { "a" } else { "b" };
            event.set_tool_use(ToolUse { name: name.into(), ..event.tool_use().clone() })
        })
        .hook(guard)
        .build()
        .await
        .unwrap();
    agent.invoke("q").await.unwrap();
    let again = answer_all(&mut agent, true).await.interrupts;
    assert_eq!(
        (again[0].reason["tool"].as_str(), harmless.count(), other.count()),
        (Some("b"), 0, 0)
    );
}

/// §15.3 a wrap hook stands before the guard: what it rewrites is what is approved
#[tokio::test]
async fn users_15_3_nothing_rewrites_arguments_behind_the_guard() {
    async fn rewrites(
        mut request: ToolCallRequest,
        next: ToolNext<'_>,
    ) -> Result<ToolResult, BoxError> {
        request.set_input(json!({"n": 1000}));
        next.run(request).await
    }
    let tool = echo("a");
    let mut agent = Agent::builder()
        .no_callback_handler()
        .model(one_call())
        .tool(tool.clone())
        .hook(guard)
        .wrap_tool_call(rewrites)
        .build()
        .await
        .unwrap();
    let open = agent.invoke("q").await.unwrap().interrupts;
    assert_eq!(open[0].reason["input"], json!({"n": 1000}));
    answer_all(&mut agent, true).await;
    assert_eq!(tool.seen()[0].input, json!({"n": 1000}));
}

/// §15.4 same approval delivered twice ⇒ one execution
#[tokio::test]
async fn users_15_4_an_approval_delivered_twice_runs_once() {
    for way in WAYS {
        let tool = echo("a");
        let model = calls(&[("t1", "a"), ("t2", "a")]);
        let builder =
            Agent::builder().no_callback_handler().model(model).tool(tool.clone()).hook(guard);
        let mut agent = builder.build().await.unwrap();
        let open = agent.invoke("q").await.unwrap().interrupts;
        agent.resume([open[0].answer(true)]).await.unwrap();
        let mut agent = onward(agent, way).await;
        let error = agent.resume([open[0].answer(true)]).await.unwrap_err();
        assert!(
            error.to_string().contains("no interrupt found")
                || error.to_string().contains("answered already"),
            "{error}"
        );
        assert_eq!(tool.count(), 1);
        agent.resume([open[1].answer(true)]).await.unwrap();
        assert_eq!(
            agent.resume([open[1].answer(true)]).await.unwrap_err().kind(),
            ErrorKind::Interrupt
        );
        assert_eq!(tool.count(), 2);
    }
}

/// §15.4 one approval, and the hook retries the call: it is asked for anew
#[tokio::test]
async fn users_15_4_an_approval_holds_once() {
    let tool = echo("a");
    let again = Count::default();
    let mut agent = Agent::builder()
        .no_callback_handler()
        .model(one_call())
        .tool(tool.clone())
        .hook(guard)
        .hook(move |event: &mut AfterToolCallEvent| event.set_retry(again.up() == 0))
        .build()
        .await
        .unwrap();
    agent.invoke("q").await.unwrap();
    assert_eq!(answer_all(&mut agent, true).await.interrupts.len(), 1);
    assert_eq!(tool.count(), 1);
    answer_all(&mut agent, false).await;
    assert_eq!(tool.count(), 1);
}

/// §15.5 approval from another principal ⇒ rejected
#[tokio::test]
async fn users_15_5_only_an_approver_can_answer() {
    for way in WAYS {
        let tool = echo("a");
        let notes = Notes::default();
        let log = notes.clone();
        let mut agent = Agent::builder()
            .no_callback_handler()
            .model(one_call())
            .tool(tool.clone())
            .hook(move |event: &mut ToolCallGuardEvent| -> HookResult {
                let request = ApprovalRequest::new("Do it?").with_approvers(["alice", "bob"]);
                let approval = event.ask_approval("approve", request)?;
                log.add(format!("{:?}", approval.by));
                Ok(())
            })
            .build()
            .await
            .unwrap();
        agent.invoke("q").await.unwrap();
        let mut agent = onward(agent, way).await;
        let interrupt = agent.interrupts().remove(0);
        let before = agent.run();
        let forged = json!({"decision": "approve", "by": "alice"});
        let nobody = agent.resume([interrupt.answer(true)]).await.unwrap_err();
        assert!(nobody.to_string().contains("only alice, bob may answer"), "{nobody}");
        for answer in [json!(true), forged] {
            let prompt = vec![interrupt.answer(answer)];
            let error = agent.invocation(prompt).answered_by("mallory").await.unwrap_err();
            assert!(error.to_string().contains("not mallory"), "{error}");
        }
        assert_eq!((agent.run(), tool.count()), (before, 0));
        agent.invocation(vec![interrupt.answer(true)]).answered_by("alice").await.unwrap();
        assert_eq!((tool.count(), notes.take()), (1, vec![r#"Some("alice")"#.to_owned()]));
    }
}

/// §15.5 an answer can't say itself who gave it
#[tokio::test]
async fn users_15_5_an_answer_does_not_name_its_giver() {
    let (mut agent, tool) = guarded().await;
    agent.invoke("q").await.unwrap();
    let forged = json!({"decision": "approve", "by": "alice", "expired": false});
    assert_eq!(answer_all(&mut agent, forged).await.interrupts.len(), 1, "put again");
    assert_eq!(tool.count(), 0);
}

/// §15.6 approval given, then run fails ⇒ answer not lost
#[tokio::test]
async fn users_15_6_an_answer_outlives_a_failure_after_it() {
    for way in WAYS {
        let tool = echo("a");
        let broken = Count::default();
        let counter = broken.clone();
        let mut agent = Agent::builder()
            .no_callback_handler()
            .model(one_call())
            .tool(tool.clone())
            .hook(guard)
            .hook(move |event: &mut ToolCallGuardEvent| -> HookResult {
                // Fails behind the answer, the first time.
                let answered = event.interrupt_with::<bool>("second", Value::Null, true.into())?;
                if answered && counter.up() == 1 { Err("power cut".into()) } else { Ok(()) }
            })
            .build()
            .await
            .unwrap();
        agent.invoke("q").await.unwrap();
        let answer = agent.interrupts()[0].answer(true);
        agent.resume([answer]).await.unwrap_err();
        assert_eq!(tool.count(), 0);
        let mut agent = onward(agent, way).await;
        assert_eq!(agent.invoke(()).await.unwrap().text(), "done", "nobody is asked again");
        assert_eq!((tool.count(), broken.get()), (1, 3));
    }
}

/// §15.6 the model fails behind the approved call
#[tokio::test]
async fn users_15_6_what_was_approved_is_not_done_again_after_a_model_error() {
    for way in WAYS {
        let tool = echo("a");
        let model = ScriptedModel::new([
            Reply::tool("a", json!({})),
            Reply::error(ErrorKind::Unavailable, "gone"),
            Reply::text("done"),
        ]);
        let builder = Agent::builder()
            .no_callback_handler()
            .model(model)
            .retry_strategy(RetryStrategy::none())
            .tool(tool.clone())
            .hook(guard);
        let mut agent = builder.build().await.unwrap();
        agent.invoke("q").await.unwrap();
        let answer = agent.interrupts()[0].answer(true);
        assert_eq!(agent.resume([answer]).await.unwrap_err().kind(), ErrorKind::Unavailable);
        let mut agent = onward(agent, way).await;
        assert_eq!(agent.invoke(()).await.unwrap().text(), "done");
        assert_eq!(tool.count(), 1);
    }
}

/// §15.6 the journal fails at each append after the answer: the answer is taken or refused, never half
#[tokio::test]
async fn users_15_6_an_answer_is_not_lost_when_the_journal_fails() {
    for fault in [Fault::Lost, Fault::WrittenAllTheSame] {
        for nth in 0..6 {
            let (tool, journal) = (echo("a"), TestJournal::new());
            let model = one_call();
            // An answer of the model that could not be written is asked for again.
            model.push(Reply::text("done"));
            let builder =
                Agent::builder().no_callback_handler().model(model).tool(tool.clone()).hook(guard);
            let mut agent = builder.session(journal.clone()).build().await.unwrap();
            let open = agent.invoke("q").await.unwrap().interrupts;
            journal.fail_at(nth, fault);
            if agent.resume([open[0].answer(true)]).await.is_err() {
                // Given again where it did not get through, else it goes on by itself.
                if agent.resume([open[0].answer(true)]).await.is_err() {
                    agent.invoke(()).await.unwrap();
                }
            }
            assert!(agent.interrupts().is_empty() && !agent.is_unfinished(), "{fault:?} {nth}");
            assert!(tool.count() <= 1, "{fault:?} {nth}");
            assert_eq!(last_results(&agent.messages()).len(), 1, "{fault:?} {nth}");
            assert_valid(&agent.messages());
        }
    }
}

/// §15.7 N parallel calls, k interrupt ⇒ N-k results kept, none re-run
#[tokio::test]
async fn users_15_7_of_five_calls_the_three_that_need_no_answer_run_once() {
    for way in WAYS {
        let (asked, free) = (echo("a"), echo("b"));
        let model = calls(&[("t1", "b"), ("t2", "a"), ("t3", "b"), ("t4", "a"), ("t5", "b")]);
        let mut agent = Agent::builder()
            .no_callback_handler()
            .model(model)
            .tools([asked.clone(), free.clone()])
            .hook(|event: &mut ToolCallGuardEvent| match event.tool_use().name.as_str() {
                "a" => guard(event),
                _ => Ok(()),
            })
            .build()
            .await
            .unwrap();
        assert_eq!(agent.invoke("q").await.unwrap().interrupts.len(), 2);
        assert_eq!((asked.count(), free.count()), (0, 3));
        let mut agent = onward(agent, way).await;
        answer_all(&mut agent, true).await;
        assert_eq!((asked.count(), free.count()), (2, 3));
        assert_eq!(last_results(&agent.messages()), ["b", "a", "b", "a", "b"]);
    }
}

/// §15.8 answer k interrupts in any order / one at a time
#[tokio::test]
async fn users_15_8_in_every_order_one_at_a_time() {
    let orders = [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]];
    for (order, way) in orders.iter().flat_map(|order| WAYS.map(|way| (order, way))) {
        let tool = echo("a");
        let model = calls(&[("t1", "a"), ("t2", "a"), ("t3", "a")]);
        let builder =
            Agent::builder().no_callback_handler().model(model).tool(tool.clone()).hook(guard);
        let mut agent = builder.build().await.unwrap();
        let open = agent.invoke("q").await.unwrap().interrupts;
        for (done, at) in order.iter().enumerate() {
            assert_eq!((tool.count(), agent.interrupts().len()), (done, 3 - done));
            agent = onward(agent, way).await;
            agent.resume([open[*at].answer(true)]).await.unwrap();
        }
        let ran: Vec<_> = tool.seen().into_iter().map(|seen| seen.id).collect();
        let expected: Vec<_> = order.iter().map(|at| format!("t{}", at + 1)).collect();
        assert_eq!(ran, expected);
        assert_eq!(last_results(&agent.messages()), ["a", "a", "a"]);
    }
}

/// §15.10 two fresh runs with identical provider call ids ⇒ isolated
#[tokio::test]
async fn users_15_10_an_approval_of_one_run_is_none_for_another() {
    let tool = echo("a");
    let model = ScriptedModel::new([
        Reply::tool("a", json!({"n": 1})),
        Reply::tool("a", json!({"n": 1})),
        Reply::text("done"),
        Reply::text("done"),
    ]);
    let builder =
        Agent::builder().no_callback_handler().model(model).tool(tool.clone()).hook(guard);
    let blueprint = Arc::new(builder.blueprint().unwrap());
    let (mut one, mut two) = (blueprint.agent().await.unwrap(), blueprint.agent().await.unwrap());
    let first = one.invoke("q").await.unwrap().interrupts;
    let second = two.invoke("q").await.unwrap().interrupts;
    assert_eq!(first[0].reason, second[0].reason, "the very same call");
    let error = two.resume([first[0].answer(true)]).await.unwrap_err();
    assert!(error.to_string().contains("no interrupt found"), "{error}");
    one.resume([first[0].answer(true)]).await.unwrap();
    assert_eq!((tool.count(), two.interrupts().len()), (1, 1));
    two.resume([second[0].answer(true)]).await.unwrap();
    let keys: Vec<_> = tool.seen().into_iter().map(|seen| seen.key).collect();
    assert_ne!(keys[0], keys[1]);
}

/// §15.10 the same call id again in a later turn of one run: what was answered before does not hold
#[tokio::test]
async fn users_15_10_an_approval_of_one_turn_is_none_for_the_next() {
    let tool = echo("a");
    let model = ScriptedModel::new([
        Reply::tool("a", json!({"n": 1})),
        Reply::tool("a", json!({"n": 1})),
        Reply::text("done"),
    ]);
    let mut agent = Agent::builder()
        .no_callback_handler()
        .model(model)
        .tool(tool.clone())
        .hook(guard)
        .build()
        .await
        .unwrap();
    agent.invoke("q").await.unwrap();
    assert_eq!(answer_all(&mut agent, true).await.interrupts.len(), 1);
    assert_eq!(tool.count(), 1);
    answer_all(&mut agent, false).await;
    assert_eq!(tool.count(), 1);
}

/// §15.11 falsy / null / unknown / partial resume payload ⇒ defined outcome
#[tokio::test]
async fn users_15_11_every_payload_has_a_defined_outcome() {
    enum Outcome {
        Runs,
        Denied,
        AskedAgain,
        Refused,
    }
    use Outcome::{AskedAgain, Denied, Refused, Runs};
    let payloads = [
        (json!(true), Runs),
        (json!("yes"), Runs),
        (json!(" Y "), Runs),
        (json!({"decision": "approve"}), Runs),
        (json!({"decision": "approve", "scope": "once", "comment": "fine"}), Runs),
        (json!(false), Denied),
        (json!("no"), Denied),
        (json!({"decision": "deny"}), Denied),
        (json!(0), AskedAgain),
        (json!(1), AskedAgain),
        (json!(""), AskedAgain),
        (json!([]), AskedAgain),
        (json!({}), AskedAgain),
        (json!({"decision": null}), AskedAgain),
        (json!({"decision": "approve", "extra": 1}), AskedAgain),
        (json!("perhaps"), AskedAgain),
        (Value::Null, Refused),
    ];
    for (payload, outcome) in payloads {
        let (mut agent, tool) = guarded().await;
        agent.invoke("q").await.unwrap();
        let before = agent.run();
        let answer = agent.interrupts()[0].answer(payload.clone());
        let result = agent.resume([answer]).await;
        let ran = match outcome {
            Runs => (1, Some("done")),
            Denied => (0, Some("done")),
            AskedAgain => (0, Some("")),
            Refused => (0, None),
        };
        let said = result.as_ref().ok().map(AgentResult::text);
        assert_eq!((tool.count(), said.as_deref()), ran, "{payload}");
        if matches!(outcome, Refused) {
            assert_eq!(agent.run(), before);
        }
        if matches!(outcome, AskedAgain) {
            assert_eq!(agent.interrupts().len(), 1, "{payload}");
        }
    }
}

/// A guard whose question expires in a minute, on a clock of its own; the count is the time in minutes.
async fn expiring(on_expiry: Decision) -> (Agent, TestTool, Count) {
    let (tool, minutes) = (echo("a"), Count::default());
    let clock = minutes.clone();
    let model =
        ScriptedModel::new([Reply::tool("a", json!({})), Reply::text("done"), Reply::text("next")]);
    let mut agent = Agent::builder()
        .no_callback_handler()
        .model(model)
        .tool(tool.clone())
        .clock(move || SystemTime::UNIX_EPOCH + Duration::from_secs(60 * clock.get() as u64))
        .hook(move |event: &mut ToolCallGuardEvent| -> HookResult {
            let request = ApprovalRequest::new("Do it?")
                .with_expires_in(Duration::from_secs(60))
                .with_on_expiry(on_expiry);
            let approval = event.ask_approval("approve", request)?;
            assert_eq!((approval.expired, &approval.by), (true, &None));
            event.cancel_tool(!approval.is_approved());
            Ok(())
        })
        .build()
        .await
        .unwrap();
    agent.invoke("q").await.unwrap();
    (agent, tool, minutes)
}

/// §15.12 expiry reached ⇒ policy outcome, thread usable
#[tokio::test]
async fn users_15_12_an_expired_question_has_the_outcome_of_its_policy() {
    for way in WAYS {
        for (policy, runs) in [(Decision::Deny, 0), (Decision::Approve, 1)] {
            let (mut agent, tool, minutes) = expiring(policy).await;
            let due = agent.check_expiry().await.unwrap();
            assert_eq!(due, Some(SystemTime::UNIX_EPOCH + Duration::from_secs(60)));
            assert_eq!(agent.invoke(()).await.unwrap().interrupts.len(), 1, "not yet");
            let mut agent = onward(agent, way).await;
            minutes.up();
            assert_eq!(agent.check_expiry().await.unwrap(), None);
            assert!(agent.interrupts().is_empty());
            let mut agent = onward(agent, way).await;
            assert_eq!(agent.invoke(()).await.unwrap().text(), "done");
            assert_eq!(tool.count(), runs);
            assert_eq!(agent.invoke("and now?").await.unwrap().text(), "next");
            assert_valid(&agent.messages());
        }
    }
}

/// §15.12 nobody called `check_expiry`: a late answer finds it expired all the same
#[tokio::test]
async fn users_15_12_a_late_answer_is_refused_and_the_thread_goes_on() {
    let (mut agent, tool, minutes) = expiring(Decision::Deny).await;
    let answer = agent.interrupts()[0].answer(true);
    minutes.up();
    let error = agent.resume([answer]).await.unwrap_err();
    assert!(error.to_string().contains("nobody answered it in time"), "{error}");
    assert_eq!(agent.invoke(()).await.unwrap().text(), "done");
    assert_eq!(last_results(&agent.messages()), ["tool cancelled by user"]);
    assert_eq!(agent.invoke("and now?").await.unwrap().text(), "next");
    assert_eq!(texts(&agent), ["q", "", "", "done", "and now?", "next"]);
    assert_eq!(tool.count(), 0);
}

/// §15.12 nobody called `check_expiry`: the next prompt finds it expired; what the policy says is done
/// first
#[tokio::test]
async fn users_15_12_a_new_prompt_finds_the_question_expired() {
    for (policy, runs) in [(Decision::Deny, 0), (Decision::Approve, 1)] {
        let (mut agent, tool, minutes) = expiring(policy).await;
        minutes.up();
        assert_eq!(agent.invoke("and now?").await.unwrap().text(), "next");
        assert_eq!(texts(&agent), ["q", "", "", "done", "and now?", "next"]);
        assert_eq!(tool.count(), runs);
    }
}

/// §15.15 guard panics / hangs / returns garbage ⇒ denied and reported
#[tokio::test(start_paused = true)]
async fn users_15_15_a_broken_guard_lets_nothing_through_and_is_named() {
    async fn hangs(_: &mut ToolCallGuardEvent) {
        std::future::pending::<()>().await;
    }
    let panics = |event: &mut ToolCallGuardEvent| assert_eq!(event.tool_use().name, "nobody");
    let fails = |_: &mut ToolCallGuardEvent| -> HookResult { Err("no ink".into()) };
    let guards: [(HookCallback<ToolCallGuardEvent>, &str); 3] = [
        (callback(panics).named("panicking guard"), "panicked"),
        (callback(hangs).named("hanging guard"), "took longer than 30 s"),
        (callback(fails).named("failing guard"), "no ink"),
    ];
    for (guard, text) in guards {
        let (tool, name) = (echo("a"), guard.name().to_owned());
        let builder =
            Agent::builder().no_callback_handler().model(one_call()).tool(tool.clone()).hook(guard);
        let mut agent = builder.build().await.unwrap();
        let events = stream_of(&mut agent, "q").await;
        let error = events.last().unwrap()["error"].as_str().unwrap();
        assert!(error.contains(&name) && error.contains(text), "{error}");
        assert!(events.iter().any(|event| event.get("force_stop").is_some()));
        assert_eq!(tool.count(), 0);
        agent.abandon().await.unwrap();
        assert_valid(&agent.messages());
    }
}

/// §15.15 garbage as the result of a wrap hook: the result of another call
#[tokio::test]
async fn users_15_15_a_wrap_hook_that_gives_garbage_is_reported() {
    async fn garbage(_: ToolCallRequest, _: ToolNext<'_>) -> Result<ToolResult, BoxError> {
        Ok(ToolResult::success("somebody else's", "ok"))
    }
    let tool = echo("a");
    let builder = Agent::builder()
        .no_callback_handler()
        .model(one_call())
        .tool(tool.clone())
        .wrap_tool_call(garbage);
    let mut agent = builder.build().await.unwrap();
    let error = agent.invoke("q").await.unwrap_err();
    assert!(error.to_string().contains("the result of `somebody else's`"), "{error}");
    assert_eq!(tool.count(), 0);
}

/// A provider that notes all events.
struct Matrix(Notes);

impl HookProvider for Matrix {
    fn register_hooks(&self, registry: &mut HookRegistry) {
        let notes = self.0.clone();
        registry.observe_all(move |event: &ObservedEvent| notes.add(event.name()));
    }
}

/// §15.16 event matrix: every hook fires in run/stream/resume
#[tokio::test]
async fn users_15_16_every_event_fires_in_run_stream_and_resume() {
    let all = [
        "BeforeInvocationEvent",
        "MessageAddedEvent",
        "BeforeModelCallEvent",
        "AfterModelCallEvent",
        "MessageAddedEvent",
        "BeforeToolsEvent",
        "BeforeToolCallEvent",
        "ToolCallGuardEvent",
        "AfterToolCallEvent",
        "AfterToolsEvent",
        "MessageAddedEvent",
        "BeforeModelCallEvent",
        "AfterModelCallEvent",
        "MessageAddedEvent",
        "AfterInvocationEvent",
    ];
    let notes = Notes::default();
    let builder = |asks: bool| {
        Agent::builder()
            .no_callback_handler()
            .model(one_call())
            .tool(echo("a"))
            .hooks([Matrix(notes.clone())])
            .hook(move |event: &mut BeforeToolCallEvent| -> HookResult {
                if asks { event.interrupt::<bool>("ok", "why").map(drop) } else { Ok(()) }
            })
    };
    let mut agent = builder(false).build().await.unwrap();
    assert_eq!(notes.take(), ["AgentInitializedEvent"]);
    agent.invoke("q").await.unwrap();
    assert_eq!(notes.take(), all);

    let mut agent = builder(false).build().await.unwrap();
    notes.take();
    stream_of(&mut agent, "q").await;
    assert_eq!(notes.take(), all);

    for way in WAYS {
        let mut agent = builder(true).build().await.unwrap();
        notes.take();
        agent.invoke("q").await.unwrap();
        let expected: Vec<_> = all[..7].iter().chain(&all[14..]).copied().collect();
        assert_eq!(notes.take(), expected);
        let mut agent = onward(agent, way).await;
        notes.take();
        answer_all(&mut agent, true).await;
        let expected: Vec<_> = all[..1].iter().chain(&all[5..]).copied().collect();
        assert_eq!(notes.take(), expected, "{way:?}");
    }
}

/// §15.17 cloning or per-request building keeps every hook
#[tokio::test]
async fn users_15_17_every_agent_of_a_blueprint_has_every_hook() {
    let count = Count::default();
    let counter = count.clone();
    async fn counts(request: ToolCallRequest, next: ToolNext<'_>) -> Result<ToolResult, BoxError> {
        request.invocation_state().set("wrapped", true)?;
        next.run(request).await
    }
    let model =
        ScriptedModel::new((0..4).flat_map(|_| [Reply::tool("a", json!({})), Reply::text("done")]));
    let builder = Agent::builder()
        .no_callback_handler()
        .model(model)
        .tool(echo("a"))
        .wrap_tool_call(counts)
        .host_hook(|event: &mut ToolCallGuardEvent| {
            let wrapped = event.invocation_state().get::<bool>("wrapped");
            event.cancel_tool(wrapped != Some(true));
        })
        .hook(move |_: &BeforeToolCallEvent| {
            counter.up();
        });
    let blueprint = Arc::new(builder.blueprint().unwrap());
    let one = blueprint.agent().await.unwrap();
    let two = blueprint.open(Arc::new(MemoryJournal::new())).await.unwrap();
    let three = blueprint.resume(Run::new("own")).await.unwrap();
    let mut four = blueprint.agent().await.unwrap();
    // An agent that has hooks of its own has those of the blueprint too.
    four.add_hook(|_: &BeforeToolCallEvent| {});
    for mut agent in [one, two, three, four] {
        agent.invoke("q").await.unwrap();
        assert_eq!(last_results(&agent.messages()), ["a"], "wrapped, then let through");
    }
    assert_eq!(count.get(), 4);
}

/// §15.17 a clone of a registry keeps all, and is one of its own
#[test]
fn users_15_17_a_clone_of_a_registry_keeps_every_hook() {
    let mut registry = HookRegistry::new();
    registry.add_hook(&Matrix(Notes::default()));
    registry.add_callback(guard);
    let mut clone = registry.clone();
    assert_eq!(clone.pipeline(), registry.pipeline());
    clone.add_callback(guard);
    assert_ne!(clone.pipeline(), registry.pipeline());
}

/// §15.18 no control-flow jump skips the approval stage
#[tokio::test]
async fn users_15_18_no_jump_skips_the_guard() {
    async fn straight(
        request: ToolCallRequest,
        next: ToolNext<'_>,
    ) -> Result<ToolResult, BoxError> {
        // Whatever became of the first time, it tries again, and then gives a result of its own.
        let _ = next.run(request.clone()).await;
        let _ = next.run(request.clone()).await;
        Ok(ToolResult::success(&request.tool_use().tool_use_id, "done all the same"))
    }
    let other = echo("z");
    let selected = other.clone();
    type Jump = Box<dyn FnOnce(AgentBuilder) -> AgentBuilder>;
    let resumed = Count::default();
    let jumps: Vec<(&str, Jump)> = vec![
        ("plain", Box::new(|b| b)),
        ("wrap", Box::new(|b| b.wrap_tool_call(straight))),
        (
            "another tool",
            Box::new(move |b| {
                b.hook(move |event: &mut BeforeToolCallEvent| {
                    event.set_selected_tool(Some(Arc::new(selected.clone())));
                })
            }),
        ),
        (
            "no cancel",
            Box::new(|b| {
                b.hook(|event: &mut BeforeToolCallEvent| event.cancel_tool(false))
                    .hook(|event: &mut ToolCallGuardEvent| event.cancel_tool(false))
            }),
        ),
        (
            "resume of a hook",
            Box::new(move |b| {
                b.hook(move |event: &mut AfterInvocationEvent| {
                    if resumed.up() == 0 {
                        event.set_resume(());
                    }
                })
            }),
        ),
    ];
    for (name, jump) in jumps {
        let tool = echo("a");
        let builder = Agent::builder().no_callback_handler().model(one_call()).tool(tool.clone());
        let builder = jump(builder.hook(guard));
        let mut agent = builder.build().await.unwrap();
        let result = agent.invoke("q").await.unwrap();
        assert_eq!(result.interrupts.len(), 1, "{name}");
        assert_eq!((tool.count(), other.count()), (0, 0), "{name}");
        agent.invoke(()).await.unwrap();
        let mut agent = onward(agent, Way::Restart).await;
        agent.invoke(()).await.unwrap();
        assert_eq!((tool.count(), other.count()), (0, 0), "{name}");
        answer_all(&mut agent, false).await;
        assert_eq!((tool.count(), other.count()), (0, 0), "{name}");
    }
}

/// §15.18 a call that was cut off goes through the guard when it is made again
#[tokio::test]
async fn users_15_18_a_call_made_again_after_a_crash_passes_the_guard() {
    let guarded = Count::default();
    let counter = guarded.clone();
    let stuck = tool("a", |_, _| std::future::pending()).replayed(Replay::Pure);
    let mut agent = Agent::builder()
        .no_callback_handler()
        .model(one_call())
        .tool(stuck.clone())
        .hook(move |event: &mut ToolCallGuardEvent| event.cancel_tool(counter.up() > 0))
        .build()
        .await
        .unwrap();
    {
        let mut cut = Box::pin(agent.invoke("q"));
        let waker = futures_util::task::noop_waker();
        let mut context = std::task::Context::from_waker(&waker);
        while stuck.count() == 0 {
            assert!(cut.as_mut().poll(&mut context).is_pending());
        }
    }
    let mut agent = onward(agent, Way::Restart).await;
    assert_eq!(agent.invoke(()).await.unwrap().text(), "done");
    assert_eq!((guarded.get(), stuck.count()), (2, 1), "the guard refused the second time");
}

/// §15.19 exceptions from concurrent after-hooks are not dropped
#[tokio::test]
async fn users_15_19_a_failing_hook_after_one_of_several_calls_is_told_and_loses_nothing() {
    for failing in ["t1", "t2", "t3"] {
        let tool = echo("a");
        let broken = Count::default();
        let mut agent = Agent::builder()
            .no_callback_handler()
            .model(calls(&[("t1", "a"), ("t2", "a"), ("t3", "a")]))
            .tool(tool.clone())
            .hook(move |event: &mut AfterToolCallEvent| -> HookResult {
                let breaks = event.tool_use().tool_use_id == failing && broken.up() == 0;
                if breaks { Err(format!("{failing} broke").into()) } else { Ok(()) }
            })
            .build()
            .await
            .unwrap();
        let error = agent.invoke("q").await.unwrap_err();
        assert!(error.to_string().contains(&format!("{failing} broke")), "{error}");
        assert_eq!(tool.count(), 3, "the others came to their end");
        assert_eq!(agent.invoke(()).await.unwrap().text(), "done");
        assert_eq!((tool.count(), last_results(&agent.messages()).len()), (3, 3));
    }
}

/// §15.19 several fail: one is told, none is forgotten when it goes on
#[tokio::test]
async fn users_15_19_several_failing_hooks_are_each_met_again() {
    let tool = echo("a");
    let fixed = Count::default();
    let switch = fixed.clone();
    let mut agent = Agent::builder()
        .no_callback_handler()
        .model(calls(&[("t1", "a"), ("t2", "a")]))
        .tool(tool.clone())
        .hook(move |_: &mut AfterToolCallEvent| -> HookResult {
            if switch.get() == 0 { Err("broken".into()) } else { Ok(()) }
        })
        .build()
        .await
        .unwrap();
    assert_eq!(agent.invoke("q").await.unwrap_err().kind(), ErrorKind::Hook);
    assert_eq!(agent.invoke(()).await.unwrap_err().kind(), ErrorKind::Hook);
    fixed.up();
    assert_eq!(agent.invoke(()).await.unwrap().text(), "done");
    assert_eq!(tool.count(), 2);
}

/// §15.16 and none fires for what does not happen
#[tokio::test]
async fn users_15_16_events_of_tools_do_not_fire_without_tools() {
    let notes = Notes::default();
    let builder =
        Agent::builder().no_callback_handler().model(says("ok")).hooks([Matrix(notes.clone())]);
    builder.build().await.unwrap().invoke("q").await.unwrap();
    assert!(notes.take().iter().all(|name| !name.contains("Tool")));
}
