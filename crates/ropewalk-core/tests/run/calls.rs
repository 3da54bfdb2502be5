//! Tool calls: when they come up to run, what they wait for, and what becomes of them.

use pretty_assertions::assert_eq;

use super::*;

#[test]
fn the_turn_stands_in_the_history_only_when_it_is_whole() {
    let mut run = with_uses(&["a", "b"]);
    assert_eq!(run.transcript().len(), 1);
    apply(&mut run, [finished("b"), finished("a")]);
    assert_eq!(run.transcript().len(), 1);
    assert_eq!(runnable(&run), Vec::<String>::new());
    run.apply(tools_finished()).unwrap();
    let ids: Vec<_> = run.transcript()[2].results().map(|r| r.tool_use_id.clone()).collect();
    assert_eq!(ids, ["a", "b"], "results come in the order of the request");
    assert!(matches!(run.next(), Step::Model));
}

#[test]
fn names_that_are_none_and_input_that_is_no_json_never_come_up_to_run() {
    let uses = asks([("a", "rm -rf", json!({})), ("b", "n", json!({})), ("c", "", json!({}))]);
    let malformed =
        vec![MalformedInput { tool_use_id: "b".into(), raw: "{".into(), error: "EOF".into() }];
    let turn = ModelTurn { malformed, ..turn(uses) };
    let run = run_of([
        started(),
        Record::ModelAnswered { turn: turn.into(), discarded: Usage::default() },
    ]);
    assert_eq!(runnable(&run), Vec::<String>::new());
    let texts: Vec<String> = run
        .calls()
        .iter()
        .map(|call| match &call.state {
            CallState::Finished { result, finish: Finish::NotRun } => result.text(),
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(texts[0], "Error: tool_name=<rm -rf> | invalid tool name pattern");
    assert!(texts[1].contains("not valid JSON (EOF)") && texts[1].ends_with("{"), "{}", texts[1]);
    assert_eq!(texts[2], "Error: tool name missing");
}

#[test]
fn what_can_run_runs_while_others_wait() {
    let mut run = with_uses(&["a", "b"]);
    run.apply(interrupted("a", "q")).unwrap();
    assert_eq!(runnable(&run), ["b"]);
    run.apply(finished("b")).unwrap();
    assert!(run.is_waiting());
    run.apply(answers([("a:q", json!(false))])).unwrap();
    assert_eq!(runnable(&run), ["a"]);
}

#[test]
fn a_question_about_the_batch_holds_all_of_it() {
    let mut run = with_uses(&["a", "b"]);
    let interrupts = vec![Interrupt::new("batch:q", "q", json!(null))];
    run.apply(Record::Interrupted { site: Site::Batch, interrupts, terms: Default::default() })
        .unwrap();
    assert!(run.is_waiting());
    run.apply(answers([("batch:q", json!(1))])).unwrap();
    assert_eq!(runnable(&run), ["a", "b"]);
}

#[test]
fn a_use_that_has_its_result_asks_nothing_any_more() {
    let mut run = with_uses(&["a"]);
    apply(&mut run, [interrupted("a", "q"), finished("a")]);
    assert_eq!(run.open_interrupts(), []);
    assert_eq!(runnable(&run), Vec::<String>::new());
}

#[test]
fn records_of_calls_that_run_together_come_in_any_order() {
    let run = with_uses(&["a", "b", "c"]);
    let records = [interrupted("a", "q"), finished("b"), claimed(&run, "c"), interrupted("c", "q")];
    let orders = [[0, 1, 2, 3], [2, 3, 1, 0], [1, 2, 0, 3], [2, 0, 3, 1], [2, 1, 3, 0]];
    let mut ends = orders.iter().map(|order| {
        let mut run = run.clone();
        apply(&mut run, order.map(|at| records[at].clone()));
        run
    });
    let first = ends.next().unwrap();
    let names: Vec<String> = first.open_interrupts().into_iter().map(|asked| asked.id).collect();
    assert_eq!(names, ["a:q", "c:q"], "in the order of the request");
    for end in ends {
        assert_eq!(end, first);
    }
}

#[test]
fn answers_are_taken_all_or_none() {
    let mut run = with_uses(&["a", "b"]);
    apply(&mut run, [interrupted("a", "q"), interrupted("b", "q")]);
    let good = ("a:q", json!(true));
    for (wrong, words) in [
        (vec![], "no answer was given"),
        (vec![good.clone(), ("z", json!(true))], "no interrupt found"),
        (vec![good.clone(), ("b:q", json!(null))], "null is no answer"),
        (vec![good.clone(), good.clone()], "two answers"),
    ] {
        let mut changed = run.clone();
        let error = changed.apply(answers(wrong)).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Interrupt);
        assert!(error.to_string().contains(words), "{error}");
        assert_eq!(changed, run);
    }
    run.apply(answers([good.clone()])).unwrap();
    let error = run.apply(answers([good])).unwrap_err();
    assert!(error.to_string().contains("answered already"), "{error}");
}

#[test]
fn a_question_put_again_stands_in_the_place_of_its_answer() {
    let mut run = with_uses(&["a"]);
    apply(
        &mut run,
        [interrupted("a", "q"), answers([("a:q", json!("misfit"))]), interrupted("a", "q")],
    );
    assert_eq!(run.open_interrupts().len(), 1);
    assert!(run.is_waiting());
}

#[test]
fn what_was_given_up_says_whether_it_may_have_run() {
    let texts = |end: Record| -> Vec<String> {
        let mut run = with_uses(&["a", "b", "c", "d"]);
        let claims = ["b", "c"].map(|id| claimed(&run, id));
        apply(&mut run, claims);
        apply(&mut run, [returned("c"), finished("d"), end]);
        run.transcript()[2].results().map(ToolResult::text).collect()
    };
    for (end, not_run) in [
        (cancelled(), "Tool execution cancelled"),
        (Record::Abandoned, "Tool was interrupted."),
        (Record::Denied { text: "no".into() }, "Tool was interrupted."),
    ] {
        let texts = texts(end);
        assert_eq!(texts[0], not_run);
        assert!(texts[1].contains("outcome of this call is unknown"), "{}", texts[1]);
        assert_eq!(&texts[2..], ["returned", "finished"]);
    }
}

#[test]
fn a_cancel_of_tools_ends_with_the_message_that_asked_for_them() {
    let mut run = with_uses(&["a"]);
    run.apply(cancelled()).unwrap();
    let Step::Finish(outcome) = run.next() else { panic!() };
    assert_eq!(outcome.stop_reason, StopReason::Cancelled);
    assert_eq!(outcome.message.tool_uses().count(), 1);
}

#[test]
fn keys_differ_by_run_invocation_cycle_and_use_and_are_the_same_each_time() {
    let key = |run: &Run| run.idempotency_key("a");
    let mut run = with_uses(&["a"]);
    let mut keys = vec![key(&run)];
    assert_eq!(key(&run.clone()), keys[0]);
    assert_ne!(run.idempotency_key("b"), keys[0]);
    apply(&mut run, [finished("a"), tools_finished(), answered(asks([("a", "n", json!({}))]))]);
    keys.push(key(&run));
    apply(&mut run, [Record::Abandoned, started(), answered(asks([("a", "n", json!({}))]))]);
    keys.push(key(&run));
    let records = [started(), answered(asks([("a", "n", json!({}))]))];
    keys.push(key(&Run::new("other").replay(records).unwrap()));
    let unique: std::collections::HashSet<&String> = keys.iter().collect();
    assert_eq!(unique.len(), keys.len(), "{keys:?}");
}
