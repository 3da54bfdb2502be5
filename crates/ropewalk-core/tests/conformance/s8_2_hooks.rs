//! §8.2 Structured output and hooks, questions, crashes.

use pretty_assertions::assert_eq;
use ropewalk_core::*;
use ropewalk_testkit::{Reply, ScriptedModel};
use serde_json::json;

use crate::common::{TestJournal, assert_valid, echo, last_results};
use crate::support::{City, Notes, WAYS, gives, onward, paris};

fn asks(event: &mut BeforeToolCallEvent) -> HookResult {
    let yes: bool = event.interrupt("approve", "why")?;
    event.cancel_tool(!yes);
    Ok(())
}

/// §8.2 "Before/AfterToolCall fire"
#[tokio::test]
async fn the_call_passes_the_hooks_of_any_call() {
    let notes = Notes::default();
    let (before, guard, after) = (notes.clone(), notes.clone(), notes.clone());
    let mut agent = Agent::builder()
        .no_callback_handler()
        .model(ScriptedModel::new([gives("t1", paris())]))
        .hook(move |event: &BeforeToolCallEvent| {
            before.add(format!("before {}", event.selected_tool().unwrap().spec().name));
        })
        .hook(move |event: &ToolCallGuardEvent| {
            guard.add(format!("guard {}", event.tool_use().name))
        })
        .hook(move |event: &AfterToolCallEvent| after.add(event.result().text()))
        .build()
        .await
        .unwrap();
    agent.invoke_as::<City>("q").await.unwrap();
    assert_eq!(notes.take(), ["before City", "guard City", "The `City` is taken."]);
}

/// §8.2 "and may cancel, change … it"
#[tokio::test]
async fn hooks_may_change_the_value() {
    let mut agent = Agent::builder()
        .no_callback_handler()
        .model(ScriptedModel::new([gives("t1", paris())]))
        .hook(|event: &mut BeforeToolCallEvent| event.set_input(json!({"name": "Lyon"})))
        .build()
        .await
        .unwrap();
    assert_eq!(agent.invoke_as::<City>("q").await.unwrap().name, "Lyon");
}

/// §8.2 cancelling it: the model may try again, as often as it may correct
#[tokio::test]
async fn hooks_may_refuse_the_value() {
    let model = ScriptedModel::new((0..9).map(|_| gives("t1", paris())));
    let mut agent = Agent::builder()
        .no_callback_handler()
        .model(model.clone())
        .hook(|event: &mut BeforeToolCallEvent| event.cancel_tool("not this one"))
        .build()
        .await
        .unwrap();
    let error = agent.invoke_as::<City>("q").await.unwrap_err();
    assert_eq!((error.kind(), model.requests().len()), (ErrorKind::StructuredOutput, 4));
    assert!(last_results(&agent.messages())[0].contains("not this one"));
}

/// §8.2 "`AfterToolCall.result` replacement does not affect the stored object"
#[tokio::test]
async fn a_replaced_result_leaves_the_value() {
    let mut agent = Agent::builder()
        .no_callback_handler()
        .model(ScriptedModel::new([gives("t1", paris())]))
        .hook(|event: &mut AfterToolCallEvent| {
            let id = event.tool_use().tool_use_id.clone();
            let _ = event.set_result(ToolResult::error(id, "no"));
        })
        .build()
        .await
        .unwrap();
    assert_eq!(agent.invoke_as::<City>("q").await.unwrap(), City::paris());
    assert_eq!(last_results(&agent.messages()), ["no"]);
}

/// A call that a hook makes again gives its last value
#[tokio::test]
async fn a_call_made_again_gives_the_later_value() {
    let times = crate::support::Count::default();
    let (first, after) = (times.clone(), times.clone());
    let mut agent = Agent::builder()
        .no_callback_handler()
        .model(ScriptedModel::new([gives("t1", paris())]))
        .hook(move |event: &mut BeforeToolCallEvent| {
            if first.get() > 0 {
                event.set_input(json!({"name": "Lyon"}));
            }
        })
        .hook(move |event: &mut AfterToolCallEvent| event.set_retry(after.up() == 0))
        .build()
        .await
        .unwrap();
    assert_eq!(agent.invoke_as::<City>("q").await.unwrap().name, "Lyon");
}

/// §8.2 "`AfterTools.end_turn` wins but the object is still returned"
#[tokio::test]
async fn a_hook_may_end_the_turn_in_other_words() {
    let mut agent = Agent::builder()
        .no_callback_handler()
        .model(ScriptedModel::new([gives("t1", paris())]))
        .hook(|event: &mut AfterToolsEvent| event.set_end_turn("That is all."))
        .build()
        .await
        .unwrap();
    let output = agent.invoke_as::<City>("q").with_result().await.unwrap();
    assert_eq!((output.value, output.result.text()), (City::paris(), "That is all.".to_owned()));
}

/// §8.2 "Interrupt → `structured_output` None; resume must pass the type again". Not as in Strands: the
/// form is stored with the run, so any process goes on with it, without the type too.
#[tokio::test]
async fn a_question_keeps_the_form() {
    for way in WAYS {
        for typed in [false, true] {
            let model = ScriptedModel::new([gives("t1", paris())]);
            let builder = Agent::builder().no_callback_handler().model(model.clone()).hook(asks);
            let mut agent = builder.build().await.unwrap();
            let error = agent.invoke_as::<City>("q").await.unwrap_err();
            assert!(error.is_interrupt() && error.kind() == ErrorKind::Interrupt, "{error:?}");
            assert_eq!(error.result().unwrap().structured_output, None);
            let answers = vec![error.interrupts()[0].answer(true)];
            let mut agent = onward(agent, way).await;
            let city = match typed {
                true => agent.resume_as::<City>(answers).await.unwrap(),
                false => agent.resume(answers).await.unwrap().output().unwrap(),
            };
            assert_eq!((city, model.requests().len()), (City::paris(), 1), "{way:?}");
        }
    }
}

/// The form is checked against the schema by whoever goes on without the type
#[tokio::test]
async fn a_stored_form_is_checked_as_strictly() {
    for way in WAYS {
        let model = ScriptedModel::new([gives("t1", json!({"name": 3})), gives("t2", paris())]);
        let builder = Agent::builder().no_callback_handler().model(model.clone()).hook(asks);
        let mut agent = builder.build().await.unwrap();
        let error = agent.invoke_as::<City>("q").await.unwrap_err();
        let mut agent = onward(agent, way).await;
        let result = agent.resume([error.interrupts()[0].answer(true)]).await.unwrap();
        assert_eq!(result.stop_reason, StopReason::Interrupt);
        let answers: Vec<_> = result.interrupts.iter().map(|asked| asked.answer(true)).collect();
        assert_eq!(agent.resume(answers).await.unwrap().structured_output, Some(paris()));
    }
}

/// Another type than the one that was asked for is refused, and nothing was answered
#[tokio::test]
async fn going_on_to_another_type_is_refused() {
    #[derive(Debug, serde::Deserialize, schemars::JsonSchema)]
    #[expect(dead_code)]
    struct Other {
        n: i64,
    }
    let builder = Agent::builder()
        .no_callback_handler()
        .model(ScriptedModel::new([gives("t1", paris())]))
        .hook(asks);
    let mut agent = builder.build().await.unwrap();
    let error = agent.invoke_as::<City>("q").await.unwrap_err();
    let answer = error.interrupts()[0].answer(true);
    let before = agent.run();
    let error = agent.resume_as::<Other>([answer.clone()]).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidInput);
    assert!(error.to_string().contains("`City`, not a `Other`"), "{error}");
    assert_eq!(agent.run(), before);
    assert_eq!(agent.resume_as::<City>([answer]).await.unwrap(), City::paris());
}

/// An invocation that was to give a text may go on to a value
#[tokio::test]
async fn a_plain_invocation_may_go_on_to_a_value() {
    let model = ScriptedModel::new([Reply::tool("a", json!({})), gives("t2", paris())]);
    let ask = |event: &mut BeforeToolCallEvent| -> HookResult {
        if event.tool_use().name == "a" { asks(event) } else { Ok(()) }
    };
    let builder = Agent::builder().no_callback_handler().model(model).tool(echo("a")).hook(ask);
    let mut agent = builder.build().await.unwrap();
    let result = agent.invoke("q").await.unwrap();
    let answers = vec![result.interrupts[0].answer(true)];
    assert_eq!(agent.resume_as::<City>(answers).await.unwrap(), City::paris());
}

/// A question before the invocation, and one about the turn that misses the value
#[tokio::test]
async fn questions_elsewhere_keep_the_form_too() {
    for way in WAYS {
        let model = ScriptedModel::new([Reply::text("Paris"), gives("t1", paris())]);
        let mut agent = Agent::builder()
            .no_callback_handler()
            .model(model.clone())
            .hook(|event: &mut BeforeInvocationEvent| {
                event.interrupt("begin", ()).map(|_: bool| ())
            })
            .hook(|event: &mut MessageAddedEvent| match event.message().text().as_str() {
                "Paris" | DEFAULT_OUTPUT_PROMPT => event.interrupt("said", ()).map(|_: bool| ()),
                _ => Ok(()),
            })
            .build()
            .await
            .unwrap();
        let error = agent.invoke_as::<City>("q").await.unwrap_err();
        let mut open = error.interrupts().to_vec();
        for name in ["begin", "said", "said"] {
            assert_eq!(open[0].name, name);
            agent = onward(agent, way).await;
            let result = agent.resume([open[0].answer(true)]).await.unwrap();
            open = result.interrupts.clone();
            assert_eq!(result.structured_output.is_some(), open.is_empty(), "{result:?}");
        }
        assert!(open.is_empty());
    }
}

/// Cut at every record, the invocation goes on to the same value, and the tool beside it runs at most
/// once
#[tokio::test]
async fn a_crash_anywhere_loses_no_value() {
    let script = || {
        vec![
            Reply::tools([("t1", "a", json!({})), ("t2", "City", json!({}))]),
            Reply::text("Paris"),
            gives("t3", paris()),
        ]
    };
    let journal = TestJournal::new();
    let build = |model: ScriptedModel, journal: TestJournal| {
        Agent::builder().no_callback_handler().model(model).tool(echo("a")).session(journal).build()
    };
    let mut agent = build(ScriptedModel::new(script()), journal.clone()).await.unwrap();
    agent.invoke_as::<City>("q").await.unwrap();
    let records = journal.records().await;
    assert!(records.len() > 10, "{records:?}");
    for cut in 2..records.len() {
        let answered = records[..cut]
            .iter()
            .filter(|record| matches!(record, Record::ModelAnswered { .. }))
            .count();
        let model = ScriptedModel::new(script().into_iter().skip(answered));
        let journal = TestJournal::holding(&records[..cut]).await;
        let mut agent = build(model.clone(), journal).await.unwrap();
        let result = agent.invoke(()).await.unwrap();
        assert_eq!(result.structured_output, Some(paris()), "cut at {cut}");
        assert_eq!(model.remaining(), 0, "cut at {cut}");
        assert_valid(&agent.messages());
    }
}

/// The run is stored with the form, and read back the same
#[tokio::test]
async fn the_form_is_in_the_stored_run() {
    let builder = Agent::builder()
        .no_callback_handler()
        .model(ScriptedModel::new([gives("t1", paris())]))
        .hook(asks);
    let mut agent = builder.build().await.unwrap();
    agent.invoke_as::<City>("q").await.unwrap_err();
    let run = agent.run();
    assert_eq!(run.output().unwrap().spec.name, "City");
    let stored = serde_json::to_string(&run).unwrap();
    assert_eq!(serde_json::from_str::<Run>(&stored).unwrap(), run);
    agent.abandon().await.unwrap();
    assert_eq!(agent.run().output(), None);
}

/// A hook after the invocation that goes on: the value of the last pass counts
#[tokio::test]
async fn further_passes_are_asked_for_the_value_too() {
    let passes = crate::support::Count::default();
    let model = ScriptedModel::new([gives("t1", json!({"name": "Lyon"})), gives("t2", paris())]);
    let mut agent = Agent::builder()
        .no_callback_handler()
        .model(model)
        .hook(move |event: &mut AfterInvocationEvent| {
            let seen = event.result().unwrap().structured_output.is_some();
            if seen && passes.up() == 0 {
                event.set_resume("a larger one");
            }
        })
        .build()
        .await
        .unwrap();
    assert_eq!(agent.invoke_as::<City>("q").await.unwrap(), City::paris());
}

/// A hook that denies the invocation, or the model, leaves no value and asks for none
#[tokio::test]
async fn a_denied_invocation_gives_no_value() {
    let model = ScriptedModel::new([]);
    let mut agent = Agent::builder()
        .no_callback_handler()
        .model(model.clone())
        .hook(|event: &mut BeforeInvocationEvent| event.cancel("not today"))
        .build()
        .await
        .unwrap();
    let error = agent.invoke_as::<City>("q").await.unwrap_err();
    assert_eq!(error.result().unwrap().text(), "not today");
    assert_eq!((error.kind(), model.requests().len()), (ErrorKind::StructuredOutput, 0));
}
