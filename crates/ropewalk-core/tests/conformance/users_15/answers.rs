//! Answers in any order and of any form, and questions that nobody answers in time: items 7, 8, 11
//! and 12.

use std::time::{Duration, SystemTime};

use pretty_assertions::assert_eq;
use ropewalk_core::*;
use ropewalk_testkit::{Reply, ScriptedModel};
use serde_json::{Value, json};

use super::guarded;
use crate::common::{TestTool, assert_valid, echo, last_results};
use crate::support::{Count, WAYS, answer_all, calls, guard, onward, texts};

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
