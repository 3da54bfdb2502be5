//! §3.7 with §8: limits that are reached while a value is asked for. What there is, is kept, and the next
//! turn works.

use std::time::Duration;

use pretty_assertions::assert_eq;
use ropewalk_core::*;
use ropewalk_testkit::{Reply, ScriptedModel};
use serde_json::json;

use crate::common::{assert_valid, echo};
use crate::support::{City, WAYS, gives, onward, paris, texts};

async fn agent(model: &ScriptedModel) -> Agent {
    let price = Price::new("3".parse().unwrap(), "15".parse().unwrap());
    Agent::builder()
        .no_callback_handler()
        .model(model.clone())
        .tool(echo("a"))
        .prices(Prices::new().model("scripted", price))
        .build()
        .await
        .unwrap()
}

async fn limited(agent: &mut Agent, limits: Limits) -> AgentResult {
    let error = agent.invocation("q").limits(limits).output::<City>().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::StructuredOutput, "{limits:?}: {error}");
    let result = error.into_result().unwrap();
    assert!(result.stop_reason.is_limit(), "{limits:?}: {result:?}");
    assert_valid(&agent.messages());
    assert_eq!(agent.messages().last().unwrap().role, Role::Assistant);
    assert!(!agent.is_unfinished());
    result
}

/// The model has said it in words, and may not be asked for the value any more.
#[tokio::test]
async fn what_was_said_in_words_is_kept() {
    for limits in [
        Limits::new().turns(1),
        Limits::new().input_tokens(12),
        Limits::new().output_tokens(5),
        Limits::new().total_tokens(15),
        Limits::new().cost("0.00011".parse().unwrap()),
    ] {
        let words = Reply::text("Paris, I think").using(Usage::new(10, 5));
        let model = ScriptedModel::new([words, gives("t1", paris())]);
        let mut agent = agent(&model).await;
        let result = limited(&mut agent, limits).await;
        assert_eq!((result.text().as_str(), result.usage), ("Paris, I think", Usage::new(10, 5)));
        assert_eq!((result.structured_output, model.requests().len()), (None, 1));
        assert!(texts(&agent).last().unwrap().contains("Stopped: the limit of"));
        // The limits were that invocation's.
        assert_eq!(agent.invoke_as::<City>("once more").await.unwrap(), City::paris());
    }
}

/// The time is over while the value is being written.
#[tokio::test(start_paused = true)]
async fn time_stops_a_value_that_is_being_written() {
    let model = ScriptedModel::new([
        Reply::text("Paris, I think"),
        gives("t1", paris()).silent_after(3),
        gives("t1", paris()),
    ]);
    let mut agent = agent(&model).await;
    let result = limited(&mut agent, Limits::new().time(Duration::from_secs(30))).await;
    assert_eq!(result.stop_reason, StopReason::LimitTime);
    assert_eq!(result.text(), "Paris, I think");
    assert_eq!(agent.invoke_as::<City>("once more").await.unwrap(), City::paris());
}

/// A value is corrected as long as the limits allow.
#[tokio::test]
async fn corrections_end_at_the_limit() {
    let wrong = || gives("t1", json!({"name": 1}));
    let model = ScriptedModel::new([wrong(), wrong(), gives("t1", paris())]);
    let mut agent = agent(&model).await;
    let result = limited(&mut agent, Limits::new().turns(2)).await;
    assert_eq!((result.stop_reason.as_str(), result.cycles), ("limit_turns", 2));
    assert_eq!(result.usage, Usage::new(20, 10));
    assert_eq!(agent.invoke_as::<City>("once more").await.unwrap(), City::paris());
}

/// The value comes through a tool, which is none of those that a limit of tool calls is about.
#[tokio::test]
async fn the_value_is_no_tool_call() {
    let both = || Reply::tools([("t1", "a", json!({})), ("t2", "City", paris())]);
    let wrong = gives("t1", json!({"name": 1}));
    let model = ScriptedModel::new([both(), wrong, both()]);
    let mut agent = agent(&model).await;
    for _ in 0..2 {
        let limits = Limits::new().tool_calls(1);
        let output = agent.invocation("q").limits(limits).output::<City>().with_result();
        let output = output.await.unwrap();
        assert_eq!((output.value, output.result.stop_reason.as_str()), (City::paris(), "end_turn"));
    }
    // What it is about is limited all the same.
    let two = Reply::tools([("t1", "a", json!({})), ("t2", "a", json!({}))]);
    let model = ScriptedModel::new([two, gives("t3", paris())]);
    let mut agent = self::agent(&model).await;
    let result = limited(&mut agent, Limits::new().tool_calls(1)).await;
    assert_eq!((result.stop_reason.as_str(), model.requests().len()), ("limit_tool_calls", 1));
}

/// A question while the value is asked for: what was used stays used, and the limits hold.
#[tokio::test]
async fn limits_of_a_value_are_kept_through_a_pause() {
    for way in WAYS {
        let ask = |event: &mut BeforeModelCallEvent| event.interrupt::<bool>("ok?", "").map(drop);
        let wrong = gives("t1", json!({"name": 1}));
        let model = ScriptedModel::new([Reply::text("Paris"), wrong, gives("t1", paris())]);
        let builder = Agent::builder().no_callback_handler().model(model.clone()).hook(ask);
        let mut agent = builder.build().await.unwrap();
        let limits = Limits::new().turns(2);
        let mut outcome = agent.invocation("q").limits(limits).output::<City>().await;
        let mut questions = 0;
        let result = loop {
            match outcome {
                Err(error) if error.is_interrupt() => {
                    questions += 1;
                    agent = onward(agent, way).await;
                    let open = agent.interrupts();
                    let answers: Vec<_> = open.iter().map(|asked| asked.answer(true)).collect();
                    outcome = agent.resume_as::<City>(answers).await;
                }
                outcome => break outcome.unwrap_err().into_result().unwrap(),
            }
        };
        assert_eq!((result.stop_reason.as_str(), questions), ("limit_turns", 2), "{way:?}");
        assert_eq!((result.text().as_str(), model.requests().len()), ("Paris", 2), "{way:?}");
    }
}
