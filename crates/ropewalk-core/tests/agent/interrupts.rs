//! Questions to a person: put, kept, answered in any order, in any process.

use std::collections::BTreeMap;
use std::sync::Arc;

use pretty_assertions::assert_eq;
use ropewalk_core::*;
use ropewalk_testkit::{Reply, ScriptedModel};
use serde_json::{Value, json};

use crate::common::{RuleModel, TestTool, asks, assert_valid, echo, last_results, tool};

/// Asks before every call of `danger`; a no is a cancel.
async fn approve(event: &mut BeforeToolCallEvent) -> HookResult {
    if event.tool_use().name == "danger" {
        let yes: bool = event.interrupt("approve", event.tool_use().input.clone())?;
        if !yes {
            event.cancel_tool("the user said no");
        }
    }
    Ok(())
}

/// Three dangerous calls among two others, then the end.
fn rule(history: &Transcript) -> Message {
    if history.iter().any(|message| message.results().next().is_some()) {
        return Message::assistant("done");
    }
    asks([
        ("t1", "danger", json!({"n": 1})),
        ("t2", "safe", json!({"n": 2})),
        ("t3", "danger", json!({"n": 3})),
        ("t4", "safe", json!({"n": 4})),
        ("t5", "danger", json!({"n": 5})),
    ])
}

fn builder(tools: &[TestTool]) -> AgentBuilder {
    Agent::builder()
        .no_callback_handler()
        .model(RuleModel::new(rule))
        .tools(tools.to_vec())
        .hook(approve)
}

fn tools() -> [TestTool; 2] {
    [echo("danger"), echo("safe")]
}

fn ids(tool: &TestTool) -> Vec<String> {
    let mut ids: Vec<String> = tool.seen().into_iter().map(|seen| seen.id).collect();
    ids.sort();
    ids
}

#[tokio::test]
async fn users_15_7_what_needs_no_answer_runs_once_and_its_results_are_kept() {
    let tools = tools();
    let mut agent = builder(&tools).build().await.unwrap();
    let result = agent.invoke("q").await.unwrap();
    assert_eq!(result.stop_reason, StopReason::Interrupt);
    assert_eq!(result.message.tool_uses().count(), 5);
    let reasons: Vec<&Value> = result.interrupts().unwrap().iter().map(|i| &i.reason).collect();
    assert_eq!(reasons, [&json!({"n": 1}), &json!({"n": 3}), &json!({"n": 5})]);
    assert_eq!(agent.interrupts(), result.interrupts);
    assert!(agent.is_unfinished());
    assert_eq!((ids(&tools[0]), ids(&tools[1])), (vec![], vec!["t2".to_owned(), "t4".to_owned()]));
    assert_eq!(agent.messages().len(), 1);

    let answers: Vec<_> = result.interrupts.iter().map(|question| question.answer(true)).collect();
    let result = agent.resume(answers).await.unwrap();
    assert_eq!((result.text().as_str(), result.cycles), ("done", 2));
    assert_eq!(ids(&tools[0]), ["t1", "t3", "t5"]);
    assert_eq!(ids(&tools[1]), ["t2", "t4"], "they were not run again");
    assert_eq!(last_results(&agent.messages()), ["danger", "safe", "danger", "safe", "danger"]);
    assert_valid(&agent.messages());
}

#[tokio::test]
async fn users_15_8_questions_are_answered_in_any_order_and_in_any_portions() {
    let portions: [&[&[usize]]; 5] = [
        &[&[0], &[1], &[2]],
        &[&[2], &[1], &[0]],
        &[&[1, 2], &[0]],
        &[&[2, 0, 1]],
        &[&[2], &[1, 0]],
    ];
    for portions in portions {
        let tools = tools();
        let mut agent = builder(&tools).build().await.unwrap();
        let questions = agent.invoke("q").await.unwrap().interrupts;
        let mut answered = 0;
        let mut last = None;
        for portion in portions {
            let answers = portion.iter().map(|at| questions[*at].answer(*at != 1));
            let result = agent.resume(answers).await.unwrap();
            answered += portion.len();
            assert_eq!(result.interrupts.len(), 3 - answered, "{portions:?}");
            last = Some(result);
        }
        assert_eq!(last.unwrap().text(), "done");
        let results = last_results(&agent.messages());
        assert_eq!(results, ["danger", "safe", "the user said no", "safe", "danger"]);
        assert_eq!(ids(&tools[0]), ["t1", "t5"], "{portions:?}");
        assert_eq!(tools[1].count(), 2);
    }
}

#[tokio::test]
async fn users_15_11_answers_that_are_wrong_change_nothing() {
    let tools = tools();
    let mut agent = builder(&tools).build().await.unwrap();
    let questions = agent.invoke("q").await.unwrap().interrupts;
    let before = agent.run();
    let good = questions[0].answer(true);
    let unknown = InterruptResponse { interrupt_id: "nobody".into(), response: json!(true) };
    let wrong = [
        vec![],
        vec![good.clone(), unknown],
        vec![good.clone(), questions[1].answer(Value::Null)],
        vec![good.clone(), good.clone()],
    ];
    for answers in wrong {
        assert_eq!(agent.resume(answers).await.unwrap_err().kind(), ErrorKind::Interrupt);
        assert_eq!(agent.run(), before);
    }
    assert_eq!(tools[0].count(), 0);
}

#[tokio::test]
async fn users_15_11_a_falsy_answer_is_an_answer() {
    let tools = tools();
    let mut agent = builder(&tools).build().await.unwrap();
    let questions = agent.invoke("q").await.unwrap().interrupts;
    agent.resume(questions.iter().map(|question| question.answer(false))).await.unwrap();
    assert_eq!(tools[0].count(), 0);
    let no = "the user said no";
    assert_eq!(last_results(&agent.messages()), [no, "safe", no, "safe", no]);
}

#[tokio::test]
async fn an_answer_that_does_not_fit_puts_the_question_again() {
    let tools = tools();
    let mut agent = builder(&tools).build().await.unwrap();
    let questions = agent.invoke("q").await.unwrap().interrupts;
    let result = agent.resume([questions[0].answer("maybe")]).await.unwrap();
    assert_eq!(result.interrupts.len(), 3);
    assert!(result.interrupts.iter().any(|question| question.id == questions[0].id));
    assert_eq!(tools[0].count(), 0);
    agent.resume(questions.iter().map(|question| question.answer(true))).await.unwrap();
    assert_eq!(tools[0].count(), 3);
}

#[tokio::test]
async fn users_15_4_an_approval_delivered_twice_runs_the_tool_once() {
    let tools = tools();
    let mut agent = builder(&tools).build().await.unwrap();
    let questions = agent.invoke("q").await.unwrap().interrupts;
    agent.resume([questions[0].answer(true)]).await.unwrap();
    let error = agent.resume([questions[0].answer(true)]).await.unwrap_err();
    assert!(error.to_string().contains("answered already"), "{error}");
    assert_eq!(ids(&tools[0]), ["t1"]);
}

#[tokio::test]
async fn users_15_6_an_answer_is_not_lost_when_the_run_fails_after_it() {
    let model = ScriptedModel::new([
        Reply::tool("danger", json!({})),
        Reply::error(ErrorKind::Unavailable, "dead"),
        Reply::text("done"),
    ]);
    let tool = echo("danger");
    let mut agent = Agent::builder()
        .no_callback_handler()
        .model(model)
        .retry_strategy(RetryStrategy::none())
        .tool(tool.clone())
        .hook(approve)
        .build()
        .await
        .unwrap();
    let questions = agent.invoke("q").await.unwrap().interrupts;
    agent.resume([questions[0].answer(true)]).await.unwrap_err();
    assert_eq!(agent.invoke(()).await.unwrap().text(), "done");
    assert_eq!(tool.count(), 1);
}

#[tokio::test]
async fn a_prompt_while_a_question_is_open_is_refused_and_says_which() {
    let mut agent = builder(&tools()).build().await.unwrap();
    agent.invoke("q").await.unwrap();
    let before = agent.run();
    let error = agent.invoke("something else").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Interrupt);
    assert!(error.to_string().contains("approve"), "{error}");
    assert_eq!(agent.run(), before);
    // Going on without an answer asks again.
    let result = agent.invoke(()).await.unwrap();
    assert_eq!(result.interrupts.len(), 3);
}

#[tokio::test]
async fn the_answers_of_strands_in_blocks_are_answers() {
    let tools = tools();
    let mut agent = builder(&tools).build().await.unwrap();
    let questions = agent.invoke("q").await.unwrap().interrupts;
    let blocks: Vec<ContentBlock> = serde_json::from_value(json!([
        {"interruptResponse": {"interruptId": questions[0].id, "response": true}},
        {"interruptResponse": {"interruptId": questions[2].id, "response": false}},
    ]))
    .unwrap();
    let result = agent.invoke(blocks).await.unwrap();
    assert_eq!(result.interrupts.len(), 1);
    assert_eq!(ids(&tools[0]), ["t1"]);
}

#[tokio::test]
async fn abandoning_gives_the_questions_up_and_keeps_what_ran() {
    let tools = tools();
    let mut agent = builder(&tools).build().await.unwrap();
    let questions = agent.invoke("q").await.unwrap().interrupts;
    agent.resume([questions[0].answer(true)]).await.unwrap();
    agent.abandon().await.unwrap();
    assert!(!agent.is_unfinished() && agent.interrupts().is_empty());
    let lost = "Tool was interrupted.";
    assert_eq!(last_results(&agent.messages()), ["danger", "safe", lost, "safe", lost]);
    assert_valid(&agent.messages());
    assert!(agent.resume([questions[1].answer(true)]).await.is_err());
    assert_eq!(agent.invoke("and now?").await.unwrap().text(), "done");
    assert_eq!(ids(&tools[0]), ["t1"]);
}

#[tokio::test]
async fn a_question_goes_before_a_cancel_of_another_hook() {
    let tool = echo("danger");
    let model = ScriptedModel::new([Reply::tool("danger", json!({})), Reply::text("done")]);
    let mut agent = Agent::builder()
        .no_callback_handler()
        .model(model)
        .tool(tool.clone())
        .hook(|event: &mut BeforeToolCallEvent| event.cancel_tool("never"))
        .hook(approve)
        .build()
        .await
        .unwrap();
    let questions = agent.invoke("q").await.unwrap().interrupts;
    assert_eq!(questions.len(), 1);
    agent.resume([questions[0].answer(true)]).await.unwrap();
    assert_eq!(last_results(&agent.messages()), ["never"]);
    assert_eq!(tool.count(), 0);
}

#[tokio::test]
async fn two_hooks_may_ask_about_one_call_and_be_answered_one_by_one() {
    let tool = echo("a");
    let model = ScriptedModel::new([Reply::tool("a", json!({})), Reply::text("done")]);
    let ask = |name: &'static str| {
        move |event: &mut BeforeToolCallEvent| -> HookResult {
            let yes: bool = event.interrupt(name, "why")?;
            if yes { Ok(()) } else { Err("no".into()) }
        }
    };
    let mut agent = Agent::builder()
        .no_callback_handler()
        .model(model)
        .tool(tool.clone())
        .hook(ask("legal"))
        .hook(ask("finance"))
        .build()
        .await
        .unwrap();
    let questions = agent.invoke("q").await.unwrap().interrupts;
    assert_eq!(questions.len(), 2);
    let result = agent.resume([questions[1].answer(true)]).await.unwrap();
    assert_eq!((result.interrupts.len(), tool.count()), (1, 0));
    let result = agent.resume([questions[0].answer(true)]).await.unwrap();
    assert_eq!((result.text().as_str(), tool.count()), ("done", 1));
}

#[tokio::test]
async fn a_question_before_the_batch_holds_all_of_it_and_is_asked_anew_for_the_next() {
    let model = ScriptedModel::new([
        Reply::tools([("t1", "a", json!({})), ("t2", "a", json!({}))]),
        Reply::tool("a", json!({})),
        Reply::text("done"),
    ]);
    let tool = echo("a");
    let mut agent = Agent::builder()
        .no_callback_handler()
        .model(model)
        .tool(tool.clone())
        .hook(|event: &mut BeforeToolsEvent| -> HookResult {
            let yes: bool = event.interrupt("batch", event.message().tool_uses().count())?;
            event.cancel(!yes);
            Ok(())
        })
        .build()
        .await
        .unwrap();
    let result = agent.invoke("q").await.unwrap();
    assert_eq!((result.interrupts.len(), tool.count()), (1, 0));
    assert_eq!(result.interrupts[0].reason, json!(2));
    let result = agent.resume([result.interrupts[0].answer(true)]).await.unwrap();
    assert_eq!((result.interrupts.len(), tool.count()), (1, 2), "the next batch asks again");
    let result = agent.resume([result.interrupts[0].answer(false)]).await.unwrap();
    assert_eq!((result.text().as_str(), tool.count()), ("done", 2));
    assert_eq!(last_results(&agent.messages()), ["Tool cancelled by hook"]);
}

#[tokio::test]
async fn a_tool_may_ask_from_within_and_is_run_again_from_its_beginning() {
    let asks = tool("a", |_, context: ToolContext| async move {
        let first: u8 = context.interrupt("first", "one")?;
        let second: u8 = context.interrupt("second", "two")?;
        Ok(ToolOutput::text(format!("{}", first + second)))
    });
    let after = Arc::new(std::sync::atomic::AtomicUsize::new(0));
    let counter = Arc::clone(&after);
    let model = ScriptedModel::new([Reply::tool("a", json!({})), Reply::text("done")]);
    let mut agent = Agent::builder()
        .no_callback_handler()
        .model(model)
        .tool(asks.clone())
        .hook(move |_: &AfterToolCallEvent| {
            counter.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
        })
        .build()
        .await
        .unwrap();
    let result = agent.invoke("q").await.unwrap();
    assert!(result.interrupts[0].id.starts_with("v1:tool_call:t1:"));
    let result = agent.resume([result.interrupts[0].answer(1)]).await.unwrap();
    assert_eq!(result.interrupts[0].name, "second");
    agent.resume([result.interrupts[0].answer(2)]).await.unwrap();
    assert_eq!(last_results(&agent.messages()), ["3"]);
    assert_eq!(asks.count(), 3);
    assert_eq!(after.load(std::sync::atomic::Ordering::SeqCst), 1, "an asking call has not ended");
}

#[tokio::test]
async fn a_run_that_waits_goes_on_in_another_process() {
    let journal = MemoryJournal::new();
    let first = tools();
    let mut agent = builder(&first).session(journal.clone()).build().await.unwrap();
    let questions = agent.invoke("q").await.unwrap().interrupts;
    drop(agent);

    // Only JSON travels: the records to the disk, the questions to a person and back.
    let json = serde_json::to_string(&journal.load().await.unwrap()).unwrap();
    let records: Vec<Record> = serde_json::from_str(&json).unwrap();
    assert_eq!(records, journal.load().await.unwrap());
    let second = tools();
    let mut agent = builder(&second).session(journal.clone()).build().await.unwrap();
    assert_eq!(agent.interrupts(), questions);
    let result = agent.resume([questions[0].answer(true)]).await.unwrap();
    assert_eq!(result.interrupts.len(), 2);
    drop(agent);

    let third = tools();
    let mut agent = builder(&third).session(journal.clone()).build().await.unwrap();
    let result =
        agent.resume([questions[2].answer(true), questions[1].answer(false)]).await.unwrap();
    assert_eq!(result.text(), "done");
    let ran = [&first, &second, &third].map(|tools| (ids(&tools[0]), ids(&tools[1])));
    let expected = [(vec![], vec!["t2", "t4"]), (vec!["t1"], vec![]), (vec!["t5"], vec![])];
    assert_eq!(
        serde_json::to_value(ran).unwrap(),
        serde_json::to_value(expected).unwrap(),
        "each ran once, wherever that was",
    );
    let replayed = Run::new(journal.run_id()).replay(journal.load().await.unwrap()).unwrap();
    assert_eq!(replayed, agent.run());
}

#[tokio::test]
async fn users_15_10_runs_with_the_same_ids_do_not_know_each_other() {
    let blueprint = Arc::new(builder(&tools()).blueprint().unwrap());
    let (mut one, mut two) = (blueprint.agent().await.unwrap(), blueprint.agent().await.unwrap());
    let questions = one.invoke("q").await.unwrap().interrupts;
    assert!(two.resume([questions[0].answer(true)]).await.is_err());
    let other = two.invoke("q").await.unwrap().interrupts;
    assert_eq!(other, questions, "the ids are those of Strands");
    one.resume([questions[0].answer(true)]).await.unwrap();
    assert_eq!((one.interrupts().len(), two.interrupts().len()), (2, 3));
}

#[tokio::test]
async fn the_questions_of_a_run_are_a_value_that_can_be_listed_by_name() {
    let mut agent = builder(&tools()).build().await.unwrap();
    agent.invoke("q").await.unwrap();
    let run = agent.run();
    assert!(run.is_waiting());
    let by_use: BTreeMap<String, usize> = ["t1", "t2", "t3"]
        .map(|id| (id.to_owned(), run.interrupts_at(&Site::call(id)).len()))
        .into();
    assert_eq!(by_use, BTreeMap::from([("t1".into(), 1), ("t2".into(), 0), ("t3".into(), 1)]));
}

#[derive(Debug, thiserror::Error)]
enum Failure {
    #[error("the plan could not be approved")]
    Approval(#[source] BoxError),
}

#[tokio::test]
async fn a_question_inside_an_error_of_ones_own_is_still_a_question() {
    let model = ScriptedModel::new([
        Reply::tools([("t1", "a", json!({})), ("t2", "b", json!({}))]),
        Reply::text("done"),
    ]);
    let asks = tool("b", |_, context: ToolContext| async move {
        let number: u8 = context.interrupt("number", "which?").map_err(Failure::Approval)?;
        Ok(ToolOutput::text(number.to_string()))
    });
    let mut agent = Agent::builder()
        .no_callback_handler()
        .model(model)
        .tools([echo("a"), asks])
        .hook(|event: &mut BeforeToolCallEvent| -> Result<(), Failure> {
            if event.tool_use().name == "a" {
                let _: bool = event.interrupt("approve", "why").map_err(Failure::Approval)?;
            }
            Ok(())
        })
        .build()
        .await
        .unwrap();
    let questions = agent.invoke("q").await.unwrap().interrupts;
    assert_eq!(questions.len(), 2);
    let result = agent.resume([questions[0].answer(true), questions[1].answer("seven")]).await;
    let again = result.unwrap().interrupts;
    assert_eq!(again.len(), 1, "an answer that does not fit is asked for again");
    agent.resume([again[0].answer(7)]).await.unwrap();
    assert_eq!(last_results(&agent.messages()), ["a", "7"]);
}

#[tokio::test]
async fn two_open_questions_under_one_id_are_refused_and_nothing_loops() {
    // Raised by hand, without the scope that would give each call an id of its own.
    let asks = tool("a", |_, _| async {
        Err(InterruptException::new(Interrupt::new("same", "approve", json!(null))).into())
    });
    let calls = Reply::tools([("t1", "a", json!({})), ("t2", "a", json!({}))]);
    let model = ScriptedModel::new([calls]);
    let mut agent = Agent::builder()
        .no_callback_handler()
        .model(model)
        .tool(asks.clone())
        .build()
        .await
        .unwrap();
    let result = agent.invoke("q").await.unwrap();
    assert_eq!(result.interrupts().unwrap().len(), 1);
    assert_eq!(asks.count(), 2);
}

#[tokio::test]
async fn a_run_goes_on_from_its_stored_form() {
    let a = echo("a");
    let blueprint = |model: ScriptedModel| {
        let builder = Agent::builder().no_callback_handler().model(model).tool(a.clone());
        let hook = |event: &mut BeforeToolCallEvent| -> HookResult {
            let yes: bool = event.interrupt("approve", "may I?")?;
            event.cancel_tool(!yes);
            Ok(())
        };
        std::sync::Arc::new(builder.hook(hook).blueprint().unwrap())
    };
    let asking = ScriptedModel::new([Reply::tool("a", json!({}))]);
    let mut agent = blueprint(asking).agent().await.unwrap();
    agent.invoke("q").await.unwrap();
    let stored = serde_json::to_string(&agent.run()).unwrap();

    let run: Run = serde_json::from_str(&stored).unwrap();
    let answering = ScriptedModel::new([Reply::text("done")]);
    let mut agent = blueprint(answering).resume(run).await.unwrap();
    let answers: Vec<_> = agent.interrupts().iter().map(|asked| asked.answer(true)).collect();
    assert_eq!(agent.resume(answers).await.unwrap().text(), "done");
    assert_eq!(a.count(), 1);
}

#[tokio::test]
async fn giving_up_a_call_that_was_cut_off_reports_it_to_the_caller() {
    let model = ScriptedModel::new([Reply::tool("a", json!({})), Reply::text("ok")]);
    let stuck = tool("a", |_, _| std::future::pending());
    let mut agent =
        Agent::builder().no_callback_handler().model(model).tool(stuck).build().await.unwrap();
    let cut = tokio::time::timeout(std::time::Duration::from_millis(20), agent.invoke("q")).await;
    assert!(cut.is_err());
    let result = agent.invoke("something else").await.unwrap();
    assert_eq!(result.unknown_outcomes.len(), 1);
}
