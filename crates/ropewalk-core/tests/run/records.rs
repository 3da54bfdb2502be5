//! Records: which fit where, what the others are refused for, and how they are written.

use pretty_assertions::assert_eq;

use super::*;

#[test]
fn each_phase_takes_its_own_records_and_no_others() {
    let pending = with_uses(&["a"]);
    let after = |run: &Run, records: Vec<Record>| {
        let mut run = run.clone();
        apply(&mut run, records);
        run
    };
    let claim = after(&pending, vec![claimed(&pending, "a")]);
    let give_up = ["cancelled", "denied", "abandoned"];
    let table: Vec<(&str, Run, Vec<&str>)> = vec![
        ("new", Run::new("run"), vec!["adopted", "started"]),
        ("idle", run_of([started(), Record::Abandoned]), vec!["started"]),
        (
            "model",
            run_of([started()]),
            [&["answered by text", "answered by use"][..], &give_up].concat(),
        ),
        (
            "output missing",
            run_of([started(), output_asked(), answered(Message::assistant("x"))]),
            [&["output found", "output forced", "output failed"][..], &give_up].concat(),
        ),
        (
            "pending",
            pending.clone(),
            [&["claimed", "finished", "interrupted"][..], &give_up].concat(),
        ),
        (
            "claimed",
            claim.clone(),
            [&["claimed", "returned", "finished", "interrupted"][..], &give_up].concat(),
        ),
        (
            "returned",
            after(&claim, vec![returned("a")]),
            [&["claimed", "finished", "interrupted"][..], &give_up].concat(),
        ),
        (
            "waiting",
            after(&pending, vec![interrupted("a", "q")]),
            [&["finished", "interrupted", "answers"][..], &give_up].concat(),
        ),
        (
            "finished",
            after(&pending, vec![finished("a")]),
            [&["tools finished"][..], &give_up].concat(),
        ),
        (
            "ended",
            run_of([started(), answered(Message::assistant("x"))]),
            vec!["abandoned", "ended"],
        ),
    ];
    for (phase, run, legal) in table {
        for (name, record) in one_of_each() {
            let mut changed = run.clone();
            let outcome = changed.apply(record);
            assert_eq!(outcome.is_ok(), legal.contains(&name), "{name} in {phase}: {outcome:?}");
            if let Err(error) = outcome {
                assert!(
                    matches!(error.kind(), ErrorKind::IllegalRecord | ErrorKind::Interrupt),
                    "{error:?}"
                );
                assert_eq!(changed, run, "{name} in {phase} changed something");
            }
        }
    }
}

#[test]
fn the_error_says_in_which_phase_the_record_does_not_fit() {
    let error = Run::new("run").apply(Record::InvocationEnded).unwrap_err();
    let text = error.to_string();
    assert!(text.contains("nothing is under way") && text.contains("InvocationEnded"), "{text}");
}

#[test]
fn replay_names_the_first_record_that_does_not_fit() {
    let error = Run::new("run").replay([started(), started()]).unwrap_err();
    assert!(error.to_string().starts_with("record 1: "), "{error}");
}

#[test]
fn a_record_about_a_use_that_is_not_there_is_refused() {
    let mut run = with_uses(&["a"]);
    let records = [claimed(&run, "z"), returned("z"), finished("z"), interrupted("z", "q")];
    for record in records {
        assert_eq!(run.apply(record).unwrap_err().kind(), ErrorKind::IllegalRecord);
    }
}

#[test]
fn an_answer_that_can_not_stand_in_a_history_is_refused() {
    let run = run_of([started()]);
    let twice = asks([("a", "n", json!({})), ("a", "n", json!({}))]);
    let as_user = Message { role: Role::User, ..asks([("a", "n", json!({}))]) };
    for message in [twice, as_user, Message::user("x")] {
        let mut changed = run.clone();
        let error = changed.apply(answered(message)).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::IllegalRecord);
        assert_eq!(changed, run);
    }
}

#[test]
fn a_prompt_that_can_not_stand_in_a_history_is_refused() {
    let messages = vec![asks([("a", "n", json!({}))])];
    let open = Record::InvocationStarted { messages, state: Default::default() };
    assert!(Run::new("run").apply(open).is_err());
    let messages = vec![asks([("a", "n", json!({}))])];
    assert!(Run::new("run").apply(Record::HistoryAdopted { messages }).is_err());
}

#[test]
fn a_run_with_a_history_adopts_no_other() {
    let mut history = Transcript::new();
    history.push(Message::user("before")).unwrap();
    let mut run = Run::with_history("run", history);
    let messages = vec![Message::user("another")];
    assert!(run.apply(Record::HistoryAdopted { messages }).is_err());
}

#[test]
fn a_run_or_record_of_a_newer_format_is_refused() {
    let mut json = serde_json::to_value(with_uses(&["a"])).unwrap();
    json["version"] = json!(FORMAT_VERSION + 1);
    let error = serde_json::from_value::<Run>(json).unwrap_err();
    assert!(error.to_string().contains("use a newer one"), "{error}");
    assert!(Run::check_version(FORMAT_VERSION).is_ok());
    let error = Run::check_version(FORMAT_VERSION + 1).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unsupported);
    let record = json!({"type": "of_tomorrow"});
    assert!(serde_json::from_value::<Record>(record).is_err());
}

#[test]
fn a_record_says_what_it_is_first_and_is_read_wherever_it_says_it() {
    let record = finished("a");
    let json = serde_json::to_string(&record).unwrap();
    let fields =
        json.strip_prefix(r#"{"type":"tool_finished","#).unwrap().strip_suffix('}').unwrap();
    for json in [json.clone(), format!(r#"{{{fields},"t\u0079pe":"tool_finished","new":[1]}}"#)] {
        assert_eq!(serde_json::from_str::<Record>(&json).unwrap(), record, "{json}");
    }
    assert_eq!(serde_json::to_string(&Record::Abandoned).unwrap(), r#"{"type":"abandoned"}"#);
    for json in [r#"{"type":"abandoned","new":{"a":1}}"#, r#"{"new":1,"type":"abandoned"}"#] {
        assert_eq!(serde_json::from_str::<Record>(json).unwrap(), Record::Abandoned, "{json}");
    }
}

#[test]
fn what_is_no_record_is_refused_with_the_reason() {
    for (json, reason) in [
        (r#"{"text":"hello"}"#, "missing field `type`"),
        (r#"{"type":"denied"}"#, "missing field `text`"),
        (r#"{"text":7,"type":"denied"}"#, "invalid type: integer `7`, expected a string"),
        (r#"{"type":"denied","text":7}"#, "invalid type: integer `7`, expected a string"),
        (r#"{"type":7}"#, "invalid type: integer `7`"),
        (r#"{"type":"gone"}"#, "unknown variant `gone`, expected one of `history_adopted`"),
        (r#"["denied"]"#, "expected an object that says what it is as its `type`"),
        (r#"{"type":"denied","text":"a""#, "EOF while parsing an object"),
        (r#"{"type":"denied","text":"a","type":"abandoned"}"#, "duplicate field `type`"),
        (r#"{"text":"a","type":"denied","type":"denied"}"#, "duplicate field `type`"),
        (r#"{"type":"denied","text":"a","text":"b"}"#, "duplicate field `text`"),
        (r#"{"text":"a","text":"b","type":"denied"}"#, "duplicate field `text`"),
        (r#"{"text":"a","type":"denied","text":"b"}"#, "duplicate field `text`"),
    ] {
        let error = serde_json::from_str::<Record>(json).unwrap_err().to_string();
        assert!(error.contains(reason), "{json}: {error}");
    }
}
