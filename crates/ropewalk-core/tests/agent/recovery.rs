//! Crashes: a new process goes on from whatever reached the journal.

use pretty_assertions::assert_eq;
use ropewalk_core::*;
use serde_json::json;

use crate::common::{
    Fault, RuleModel, TestJournal, TestTool, asks, assert_valid, echo, last_results,
};

/// Three turns: all kinds of tools together, one of them again, and the end.
fn rule(history: &Transcript) -> Message {
    let turns = history.iter().filter(|message| message.results().next().is_some()).count();
    match turns {
        0 => asks([
            ("t1", "never", json!({"n": 1})),
            ("t2", "idempotent", json!({"n": 2})),
            ("t3", "pure", json!({"n": 3})),
            ("t4", "nobody", json!({})),
        ]),
        1 => asks([("t1", "never", json!({"n": 4}))]),
        _ => Message::assistant("done"),
    }
}

fn tools() -> [TestTool; 3] {
    [
        echo("never"),
        echo("idempotent").replayed(Replay::Idempotent),
        echo("pure").replayed(Replay::Pure),
    ]
}

async fn agent(journal: &TestJournal, tools: &[TestTool]) -> Agent {
    Agent::builder()
        .no_callback_handler()
        .model(RuleModel::new(rule))
        .tools(tools.to_vec())
        .session(journal.clone())
        .build()
        .await
        .unwrap()
}

/// The records of the whole scenario, done without a crash.
async fn all_records() -> Vec<Record> {
    let journal = TestJournal::new();
    let result = agent(&journal, &tools()).await.invoke("q").await.unwrap();
    assert_eq!(result.text(), "done");
    journal.records().await
}

#[tokio::test]
async fn users_15_13_a_crash_after_any_record_costs_nothing_but_what_was_in_flight() {
    let all = all_records().await;
    assert!(all.len() > 15, "{} records", all.len());
    for cut in 1..=all.len() {
        let journal = TestJournal::holding(&all[..cut]).await;
        let tools = tools();
        let mut agent = agent(&journal, &tools).await;
        let ended = !agent.is_unfinished();
        assert_eq!(ended, cut == all.len(), "after {cut} records");
        if ended {
            continue;
        }
        let result = agent.invoke(()).await.unwrap();
        assert_eq!(result.text(), "done", "after {cut} records");
        assert_valid(&agent.messages());

        // What had been claimed and may not run twice has not run again here.
        let claimed_before = |id: &str, number: usize| {
            let claims = all[..cut].iter().filter(|record| {
                matches!(record, Record::ToolClaimed { tool_use_id, .. } if tool_use_id == id)
            });
            claims.count() >= number
        };
        let returned_before = |id: &str, number: usize| {
            let results = all[..cut].iter().filter(|record| {
                matches!(record, Record::ToolReturned { result } if result.tool_use_id == id)
            });
            results.count() >= number
        };
        let never: Vec<i64> =
            tools[0].seen().iter().map(|seen| seen.input["n"].as_i64().unwrap()).collect();
        let expected: Vec<i64> = [(1, 1), (2, 4)]
            .into_iter()
            .filter(|(number, _)| !claimed_before("t1", *number))
            .map(|(_, n)| n)
            .collect();
        assert_eq!(never, expected, "after {cut} records");
        for (tool, id) in [(&tools[1], "t2"), (&tools[2], "t3")] {
            let again = usize::from(!returned_before(id, 1));
            assert_eq!(tool.count(), again, "{id} after {cut} records");
        }

        // The caller and the model know of what nobody knows.
        let unknown = result.unknown_outcomes.len();
        let in_flight = (1..=2).filter(|n| claimed_before("t1", *n) && !returned_before("t1", *n));
        assert_eq!(unknown, in_flight.count(), "after {cut} records");
        let told = agent
            .messages()
            .iter()
            .flat_map(|m| m.results().map(ToolResult::text).collect::<Vec<_>>())
            .filter(|text| text.contains("outcome of this call is unknown"))
            .count();
        assert_eq!(told, unknown, "after {cut} records");

        let replayed = Run::new(journal.run_id()).replay(journal.records().await).unwrap();
        assert_eq!(replayed, agent.run(), "after {cut} records");
    }
}

#[tokio::test]
async fn a_call_made_again_has_the_key_of_the_first_time() {
    let all = all_records().await;
    let (at, key) = all
        .iter()
        .enumerate()
        .find_map(|(at, record)| match record {
            Record::ToolClaimed { tool_use_id, claim } if tool_use_id == "t2" => {
                Some((at, claim.key().to_owned()))
            }
            _ => None,
        })
        .unwrap();
    let journal = TestJournal::holding(&all[..=at]).await;
    let tools = tools();
    agent(&journal, &tools).await.invoke(()).await.unwrap();
    let seen = tools[1].seen();
    assert_eq!((seen.len(), &seen[0].key), (1, &key));
}

#[tokio::test]
async fn a_call_made_again_has_the_arguments_that_the_hooks_had_left() {
    let rewrite = |event: &mut BeforeToolCallEvent| event.set_input(json!({"n": "approved"}));
    let journal = TestJournal::new();
    let mut agent = Agent::builder()
        .no_callback_handler()
        .model(RuleModel::new(rule))
        .tools(tools())
        .hook(rewrite)
        .session(journal.clone())
        .build()
        .await
        .unwrap();
    agent.invoke("q").await.unwrap();
    let all = journal.records().await;
    let claimed = |record: &Record| matches!(record, Record::ToolClaimed { tool_use_id, .. } if tool_use_id == "t2");
    let at = all.iter().position(claimed).unwrap();
    let journal = TestJournal::holding(&all[..=at]).await;
    let tools = tools();
    let recovering =
        Agent::builder().no_callback_handler().model(RuleModel::new(rule)).tools(tools.clone());
    let mut agent = recovering.hook(rewrite).session(journal).build().await.unwrap();
    agent.invoke(()).await.unwrap();
    assert_eq!(tools[1].seen()[0].input, json!({"n": "approved"}));

    // A hook that does not let the very same call through any more keeps it from being made again.
    for hook in [
        |event: &mut BeforeToolCallEvent| event.cancel_tool("not today"),
        |event: &mut BeforeToolCallEvent| event.set_input(json!({"n": "other"})),
    ] {
        let journal = TestJournal::holding(&all[..=at]).await;
        let tools = self::tools();
        let recovering =
            Agent::builder().no_callback_handler().model(RuleModel::new(rule)).tools(tools.clone());
        let mut agent = recovering.hook(hook).session(journal).build().await.unwrap();
        let result = agent.invoke(()).await.unwrap();
        assert!(tools[1].seen().is_empty());
        assert!(result.unknown_outcomes.iter().any(|call| call.tool_use_id == "t2"));
    }
}

#[tokio::test]
async fn a_result_that_was_there_is_shown_to_the_hooks_that_had_not_seen_it() {
    let all = all_records().await;
    let returned = |record: &Record| matches!(record, Record::ToolReturned { .. });
    let at = all.iter().position(returned).unwrap();
    let Record::ToolReturned { result } = &all[at] else { panic!() };
    let id = result.tool_use_id.clone();
    let journal = TestJournal::holding(&all[..=at]).await;
    let mut agent = Agent::builder()
        .no_callback_handler()
        .model(RuleModel::new(rule))
        .tools(tools())
        .hook(move |event: &mut AfterToolCallEvent| {
            if event.tool_use().tool_use_id == id {
                event.set_result(ToolResult::success(&id, "[gone]"))?;
            }
            Ok::<(), Error>(())
        })
        .session(journal)
        .build()
        .await
        .unwrap();
    agent.invoke(()).await.unwrap();
    let results: Vec<String> = agent.messages()[2].results().map(ToolResult::text).collect();
    assert!(results.contains(&"[gone]".to_owned()), "{results:?}");
}

#[tokio::test]
async fn an_unknown_outcome_is_not_tried_again_because_a_hook_retries_errors() {
    let all = all_records().await;
    let claimed = |record: &Record| matches!(record, Record::ToolClaimed { tool_use_id, .. } if tool_use_id == "t1");
    let at = all.iter().position(claimed).unwrap();
    let journal = TestJournal::holding(&all[..=at]).await;
    let tools = tools();
    let retried = std::sync::Mutex::new(std::collections::HashSet::new());
    let mut agent = Agent::builder()
        .no_callback_handler()
        .model(RuleModel::new(rule))
        .tools(tools.clone())
        .hook(move |event: &mut AfterToolCallEvent| {
            // As a hook against flaky tools would: each call that failed is tried once more.
            let failed = event.result().status == ToolStatus::Error;
            let first = retried.lock().unwrap().insert(event.tool_use().tool_use_id.clone());
            event.set_retry(failed && first);
        })
        .session(journal)
        .build()
        .await
        .unwrap();
    let result = agent.invoke(()).await.unwrap();
    let tries = tools[0].seen().iter().filter(|seen| seen.input["n"] == 1).count();
    assert_eq!(tries, 0, "it may have run in the process that died");
    assert_eq!(result.unknown_outcomes.len(), 1);
}

#[tokio::test]
async fn an_unknown_outcome_is_in_the_stream() {
    use futures_util::StreamExt as _;
    let all = all_records().await;
    let claimed = |record: &Record| matches!(record, Record::ToolClaimed { tool_use_id, .. } if tool_use_id == "t1");
    let at = all.iter().position(claimed).unwrap();
    let journal = TestJournal::holding(&all[..=at]).await;
    let mut agent = agent(&journal, &tools()).await;
    let events: Vec<AgentEvent> = agent.stream(()).map(Result::unwrap).collect().await;
    let unknown =
        events.iter().filter(|event| matches!(event, AgentEvent::ToolOutcomeUnknown { .. }));
    assert_eq!(unknown.count(), 1);
}

#[tokio::test]
async fn a_tool_that_is_gone_after_the_crash_is_reported_not_forgotten() {
    let all = all_records().await;
    let claimed = |record: &Record| matches!(record, Record::ToolClaimed { tool_use_id, .. } if tool_use_id == "t2");
    let at = all.iter().position(claimed).unwrap();
    let journal = TestJournal::holding(&all[..=at]).await;
    let mut agent = agent(&journal, &[echo("never")]).await;
    let result = agent.invoke(()).await.unwrap();
    assert_eq!(result.text(), "done");
    assert!(result.unknown_outcomes.iter().any(|tool_use| tool_use.tool_use_id == "t2"));
}

#[tokio::test]
async fn a_new_prompt_after_a_crash_gives_up_what_was_cut_off() {
    let all = all_records().await;
    for cut in 1..=all.len() {
        let journal = TestJournal::holding(&all[..cut]).await;
        let tools = tools();
        let mut agent = agent(&journal, &tools).await;
        agent.invoke("something else").await.unwrap();
        assert_valid(&agent.messages());
        let replayed = Run::new(journal.run_id()).replay(journal.records().await).unwrap();
        assert_eq!(replayed, agent.run(), "after {cut} records");
    }
}

#[tokio::test]
async fn a_run_that_had_ended_but_was_not_announced_gives_its_result_again() {
    let all = all_records().await;
    let journal = TestJournal::holding(&all[..all.len() - 1]).await;
    let tools = tools();
    let mut agent = agent(&journal, &tools).await;
    assert_eq!(agent.invoke(()).await.unwrap().text(), "done");
    assert!(!agent.is_unfinished());
    assert!(tools.iter().all(|tool| tool.count() == 0));
}

#[tokio::test]
async fn a_hook_that_denies_does_not_trip_over_a_run_that_had_ended() {
    let all = all_records().await;
    let journal = TestJournal::holding(&all[..all.len() - 1]).await;
    let mut agent = Agent::builder()
        .no_callback_handler()
        .model(RuleModel::new(rule))
        .tools(tools())
        .hook(|event: &mut BeforeInvocationEvent| event.cancel(true))
        .session(journal)
        .build()
        .await
        .unwrap();
    assert_eq!(agent.invoke(()).await.unwrap().text(), "done");
}

#[tokio::test]
async fn a_journal_that_fails_anywhere_tells_it_and_loses_nothing() {
    let total = {
        let journal = TestJournal::new();
        agent(&journal, &tools()).await.invoke("q").await.unwrap();
        journal.appends()
    };
    for fault in [Fault::Lost, Fault::WrittenAllTheSame] {
        for nth in 0..total {
            let when = format!("{fault:?} at append {nth}");
            let journal = TestJournal::new();
            let tools = tools();
            let mut agent = agent(&journal, &tools).await;
            journal.fail_at(nth, fault);
            let error = agent.invoke("q").await.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Journal, "{when}: {error:?}");

            // The disk has room again: the run goes on from what is on it.
            let started = nth > 0 || fault == Fault::WrittenAllTheSame;
            let prompt = if started { Prompt::Nothing } else { "q".into() };
            let over = journal.records().await.last() == Some(&Record::InvocationEnded);
            if !over {
                let result = agent.invoke(prompt).await.unwrap();
                assert_eq!(result.text(), "done", "{when}");
            }
            let never = tools[0].seen();
            let keys: std::collections::HashSet<&String> = never.iter().map(|s| &s.key).collect();
            assert_eq!(keys.len(), never.len(), "a tool ran twice: {when}");
            assert_valid(&agent.messages());
            let replayed = Run::new(journal.run_id()).replay(journal.records().await).unwrap();
            if !over {
                assert_eq!(replayed, agent.run(), "{when}");
            }
            assert!(replayed.is_idle(), "{when}");
            let prompts = replayed.transcript().iter().filter(|m| m.text() == "q").count();
            assert_eq!(prompts, 1, "{when}");
        }
    }
}

#[tokio::test]
async fn the_last_result_is_written_with_the_end_of_its_batch_unless_a_hook_stands_between() {
    let appends_and_records = async |listening: bool| {
        let journal = TestJournal::new();
        let building = Agent::builder().no_callback_handler().model(RuleModel::new(rule));
        let building = building.tools(tools()).session(journal.clone());
        let building = match listening {
            true => building.hook(|_: &AfterToolsEvent| {}),
            false => building,
        };
        building.build().await.unwrap().invoke("q").await.unwrap();
        (journal.appends(), journal.records().await.len())
    };
    let (apart, records) = appends_and_records(true).await;
    let (together, same) = appends_and_records(false).await;
    assert_eq!(same, records);
    // That of the second batch, a single call. The four of the first are on their way to the journal together.
    assert_eq!(together, apart - 1);
}

#[tokio::test]
async fn two_agents_open_one_journal_one_after_the_other() {
    let journal = TestJournal::new();
    for round in 1..4 {
        let mut agent = agent(&journal, &tools()).await;
        agent.invoke("q").await.unwrap();
        assert_eq!(last_results(&agent.messages()), ["never"]);
        assert_eq!(agent.messages().iter().filter(|m| m.text() == "q").count(), round);
    }
}
