//! Whatever happens: the run stays whole, is the same when replayed, and finds a way home.

use std::collections::HashMap;
use std::sync::Arc;

use pretty_assertions::assert_eq;
use proptest::prelude::*;

use super::dice::{Dice, legal_record};
use super::*;

/// The shortest way to an end, as a driver would go it.
fn next_on_the_way_home(run: &Run) -> Option<Record> {
    Some(match run.next() {
        Step::Idle => return None,
        Step::Begin(messages) => {
            Record::InvocationStarted { messages: messages.to_vec(), state: Default::default() }
        }
        Step::Answer(_) => Record::AnswerDropped { usage: Usage::default() },
        Step::Model => answered(Message::assistant("home")),
        Step::Output(_) => Record::OutputFailed { problem: "none".into() },
        Step::Finish(_) => Record::InvocationEnded,
        Step::Wait(questions) => Record::Answered {
            responses: questions.into_iter().map(|question| question.answer(true)).collect(),
            by: None,
        },
        Step::Tools(calls) => match calls.first() {
            Some(call) => finished(&call.tool_use.tool_use_id),
            None => tools_finished(),
        },
    })
}

/// What holds in every state of every run.
fn check_invariants(run: &Run) {
    common::assert_valid(run.transcript());
    for (at, message) in run.transcript().iter().enumerate() {
        let uses: Vec<&String> = message.tool_uses().map(|u| &u.tool_use_id).collect();
        if !uses.is_empty() {
            let results: Vec<&String> =
                run.transcript()[at + 1].results().map(|r| &r.tool_use_id).collect();
            assert_eq!(uses, results, "one result for each use, in the order of the request");
        }
    }
    let json = serde_json::to_string(run).unwrap();
    assert_eq!(&serde_json::from_str::<Run>(&json).unwrap(), run);
    // Nothing can run and wait at once; and nothing stands still without a question.
    match run.next() {
        Step::Wait(questions) => {
            assert!(!questions.is_empty() && questions.iter().all(|q| !q.is_answered()));
        }
        Step::Tools(calls) => assert!(calls.iter().all(|call| !call.is_finished())),
        Step::Output(outcome) => {
            // It is missing: nothing that has it stands here.
            let output = run.output().unwrap();
            assert_eq!(output.value, None);
            let tried = outcome.stop_reason == StopReason::ToolUse;
            assert!(!tried || output.failures > output.spec.corrections);
        }
        Step::Idle | Step::Begin(_) | Step::Model | Step::Answer(_) | Step::Finish(_) => {
            assert_eq!(run.open_interrupts(), []);
        }
    }
}

/// Of two histories with the same lineage, the shorter is the beginning of the longer.
fn check_lineage(run: &Run, earlier: &mut HashMap<u64, Vec<Arc<Message>>>) {
    let (lineage, now) = (run.transcript().lineage(), run.transcript().to_vec());
    let longest = earlier.entry(lineage).or_default();
    let shared = longest.iter().zip(&now).filter(|(one, other)| Arc::ptr_eq(one, other));
    assert_eq!(shared.count(), longest.len().min(now.len()));
    if now.len() > longest.len() {
        *longest = now;
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn whatever_happens_the_run_stays_whole(numbers in prop::collection::vec(any::<u16>(), 0..160)) {
        let mut dice = Dice(numbers.into_iter());
        let mut run = Run::new("run");
        let mut records = Vec::new();
        let mut states = vec![run.clone()];
        let mut keys: HashMap<String, (u64, u32, String)> = HashMap::new();
        let mut invocation = 0;
        // Nobody else has this one: what is added to its history is not copied.
        let (mut alone, mut lineages) = (Run::new("run"), HashMap::new());
        while dice.0.len() > 0 {
            let record = legal_record(&run, &mut dice);
            // A record that does not fit changes nothing, and `check` says the same as `apply`.
            for (name, other) in one_of_each() {
                let mut changed = run.clone();
                let fits = run.check(&other).is_ok();
                assert_eq!(changed.apply(other).is_ok(), fits, "{name}");
                assert!(fits || changed == run, "{name} changed something");
            }
            let json = serde_json::to_string(&record).unwrap();
            assert_eq!(serde_json::from_str::<Record>(&json).unwrap(), record);
            match &record {
                Record::InvocationStarted { .. } => invocation += 1,
                Record::ToolClaimed { tool_use_id, claim } => {
                    let call = (invocation, run.cycles(), tool_use_id.clone());
                    let known = keys.entry(claim.key().to_owned()).or_insert_with(|| call.clone());
                    assert_eq!(known, &call, "one key for two calls");
                }
                _ => {}
            }
            run.apply(record.clone()).unwrap();
            alone.apply(record.clone()).unwrap();
            check_lineage(&alone, &mut lineages);
            check_invariants(&run);
            records.push(record);
            states.push(run.clone());
        }
        for (at, state) in states.iter().enumerate() {
            let replayed = Run::new("run").replay(records[..at].iter().cloned()).unwrap();
            assert_eq!(&replayed, state, "replay of the first {at} records");
        }
        let mut steps = 0;
        while let Some(record) = next_on_the_way_home(&run) {
            run.apply(record).unwrap();
            check_invariants(&run);
            steps += 1;
            assert!(steps < 30, "no way home from {run:?}");
        }
    }
}
