//! §3.4 and §8.4 `structured_output`: a value asked for beside the conversation.

use std::sync::Arc;
use std::time::Duration;

use pretty_assertions::assert_eq;
use ropewalk_core::*;
use ropewalk_testkit::{Reply, ScriptedModel};
use serde_json::json;
use tokio::time::Instant;

use crate::common::{TestJournal, echo};
use crate::support::{City, Notes, gives, paris};

/// §3.4 "builds a temporary message list (history + prompt, not stored) … returns the typed object"
#[tokio::test]
async fn the_prompt_is_not_kept() {
    let journal = TestJournal::new();
    let model = ScriptedModel::new([Reply::text("Paris."), gives("t1", paris())]);
    let mut agent = Agent::builder()
        .no_callback_handler()
        .model(model.clone())
        .system_prompt("Be brief.")
        .tool(echo("a"))
        .session(journal.clone())
        .build()
        .await
        .unwrap();
    agent.invoke("Which is the capital of France?").await.unwrap();
    let before = agent.messages();
    let city: City = agent.structured_output("As a city, please.").await.unwrap();
    assert_eq!((city, agent.messages()), (City::paris(), before));
    let asked = model.requests().pop().unwrap();
    let texts: Vec<String> = asked.messages.iter().map(|message| message.text()).collect();
    assert_eq!(texts, ["Which is the capital of France?", "Paris.", "As a city, please."]);
    assert!(asked.system.is_some());
    let names: Vec<&str> = asked.tools.iter().map(|tool| tool.name.as_str()).collect();
    assert_eq!(names, ["City"]);
    assert_eq!(asked.tool_choice, Some(ToolChoice::Tool { name: "City".into() }));
    assert_eq!(agent.run().total_usage().output_tokens, 1 + 5, "the tokens count");
    let kept = journal.records().await;
    assert!(matches!(kept.last(), Some(Record::TokensSpent { .. })), "{kept:?}");
}

/// §3.4 a history alone will do
#[tokio::test]
async fn a_history_without_a_prompt_will_do() {
    let model = ScriptedModel::new([gives("t1", paris())]);
    let builder = Agent::builder()
        .no_callback_handler()
        .model(model)
        .messages([Message::user("Paris has 2")]);
    let city: City = builder.build().await.unwrap().structured_output(()).await.unwrap();
    assert_eq!(city, City::paris());
}

/// §3.4 "no history and no prompt → value error"
#[tokio::test]
async fn neither_history_nor_prompt_is_refused() {
    let mut agent =
        Agent::builder().no_callback_handler().model(ScriptedModel::new([])).build().await.unwrap();
    let error = agent.structured_output::<City>(()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidInput);
    assert!(error.to_string().contains("neither a history nor a prompt"), "{error}");
}

/// §3.4 "interrupt active → runtime error"
#[tokio::test]
async fn an_open_question_goes_first() {
    let mut agent = Agent::builder()
        .no_callback_handler()
        .model(ScriptedModel::new([Reply::tool("a", json!({}))]))
        .tool(echo("a"))
        .hook(|event: &mut BeforeToolCallEvent| event.interrupt("approve", ()).map(|_: bool| ()))
        .build()
        .await
        .unwrap();
    agent.invoke("q").await.unwrap();
    let before = agent.run();
    let error = agent.structured_output::<City>("q").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Interrupt);
    assert!(error.to_string().contains("approve"), "{error}");
    assert_eq!(agent.run(), before);
}

/// §1.4 "fires Before/AfterInvocation only (no model or tool events, result None)"
#[tokio::test]
async fn only_the_hooks_around_it_fire() {
    struct All(Notes);
    impl HookProvider for All {
        fn register_hooks(&self, registry: &mut HookRegistry) {
            let notes = self.0.clone();
            registry.observe_all(move |event: &ObservedEvent| notes.add(event.name()));
        }
    }
    let notes = Notes::default();
    let model = ScriptedModel::new([gives("t1", paris())]);
    let mut agent = Agent::builder()
        .no_callback_handler()
        .model(model)
        .hooks([All(notes.clone())])
        .hook(|event: &AfterInvocationEvent| assert!(event.result().is_none()))
        .build()
        .await
        .unwrap();
    notes.take();
    agent.structured_output::<City>("q").await.unwrap();
    assert_eq!(notes.take(), ["BeforeInvocationEvent", "AfterInvocationEvent"]);
}

/// A hook before it may change the prompt, or deny it
#[tokio::test]
async fn the_hook_before_it_counts() {
    let model = ScriptedModel::new([gives("t1", paris())]);
    let mut agent = Agent::builder()
        .no_callback_handler()
        .model(model.clone())
        .hook(|event: &mut BeforeInvocationEvent| match event.messages()[0].text().as_str() {
            "no" => event.cancel("denied"),
            _ => event.set_messages(vec![Message::user("changed")]),
        })
        .build()
        .await
        .unwrap();
    agent.structured_output::<City>("q").await.unwrap();
    assert_eq!(model.requests()[0].messages[0].text(), "changed");
    let error = agent.structured_output::<City>("no").await.unwrap_err();
    assert_eq!((error.to_string().as_str(), model.requests().len()), ("denied", 1));
}

/// §8.4 "Not retried on validation errors". Not as in Strands: it is corrected, as often as elsewhere,
/// and nothing of that is kept.
#[tokio::test]
async fn wrong_values_are_corrected() {
    let model =
        ScriptedModel::new([gives("t1", json!({})), Reply::text("Paris"), gives("t2", paris())]);
    let mut agent =
        Agent::builder().no_callback_handler().model(model.clone()).build().await.unwrap();
    assert_eq!(agent.structured_output::<City>("q").await.unwrap(), City::paris());
    assert_eq!(model.requests()[2].messages.len(), 5);
    assert!(agent.messages().is_empty());

    let model = ScriptedModel::new((0..9).map(|_| gives("t1", json!({}))));
    let mut agent =
        Agent::builder().no_callback_handler().model(model.clone()).build().await.unwrap();
    let error = agent.structured_output::<City>("q").await.unwrap_err();
    assert_eq!((error.kind(), model.requests().len()), (ErrorKind::StructuredOutput, 4));
    assert!(error.to_string().contains("is missing"), "{error}");
}

/// §8.4 "Provider-specific": through the model's own means where it has them
#[tokio::test]
async fn models_that_hold_to_schemas_do() {
    let model = ScriptedModel::new([Reply::text(paris().to_string())])
        .with_native_output(NativeOutput::WithoutTools);
    let builder = Agent::builder().no_callback_handler().model(model.clone()).tool(echo("a"));
    let city: City = builder.build().await.unwrap().structured_output("q").await.unwrap();
    assert_eq!(city, City::paris());
    let asked = &model.requests()[0];
    assert!(asked.output_schema.is_some() && asked.tools.is_empty());
}

/// §4.3 Retry, beside the conversation too: as often, and after the same waits
#[tokio::test(start_paused = true)]
async fn a_model_that_failed_is_asked_again() {
    let retry = RetryStrategy::default().max_attempts(3).without_jitter();
    let builder = |model: &ScriptedModel| {
        Agent::builder().no_callback_handler().model(model.clone()).retry_strategy(retry.clone())
    };
    let throttled = || Reply::error(ErrorKind::Throttled, "slow down");
    let dropped = || gives("t1", paris()).failing_after(2, ErrorKind::Unavailable, "dropped");
    let model = ScriptedModel::new([throttled(), dropped(), gives("t1", paris())]);
    let mut agent = builder(&model).build().await.unwrap();
    let began = Instant::now();
    assert_eq!(agent.structured_output::<City>("q").await.unwrap(), City::paris());
    assert_eq!(began.elapsed(), Duration::from_secs(4 + 8));

    let model = ScriptedModel::new([throttled(), throttled(), throttled()]);
    let mut agent = builder(&model).build().await.unwrap();
    let error = agent.structured_output::<City>("q").await.unwrap_err();
    assert_eq!((error.kind(), model.remaining()), (ErrorKind::Throttled, 0));
    assert!(error.to_string().contains("asked 3 times"), "{error}");

    let refused = Reply::error(ErrorKind::Authentication, "no");
    let model = ScriptedModel::new([refused, gives("t1", paris())]);
    let mut agent = builder(&model).build().await.unwrap();
    agent.structured_output::<City>("q").await.unwrap_err();
    assert_eq!(model.remaining(), 1);
}

/// A cancel ends the wait for another attempt.
#[tokio::test(start_paused = true)]
async fn a_cancel_ends_the_wait() {
    let model = ScriptedModel::new([Reply::error(ErrorKind::Throttled, "slow down")]);
    let mut agent = Agent::builder().no_callback_handler().model(model).build().await.unwrap();
    let handle = agent.cancel_handle();
    let began = Instant::now();
    let (value, ()) = tokio::join!(agent.structured_output::<City>("q"), async {
        tokio::time::sleep(Duration::from_millis(500)).await;
        handle.cancel();
    });
    assert_eq!(value.unwrap_err().kind(), ErrorKind::Cancelled);
    assert_eq!(began.elapsed(), Duration::from_millis(500));
}

/// The limits of the agent hold for it, and money can be counted.
#[tokio::test(start_paused = true)]
async fn limits_hold_beside_the_conversation() {
    let price = Price::new("3".parse().unwrap(), "15".parse().unwrap());
    let wrong = || gives("t1", json!({})).using(Usage::new(10, 5));
    for limits in [
        Limits::new().turns(2),
        Limits::new().output_tokens(10),
        Limits::new().total_tokens(30),
        Limits::new().cost("0.00021".parse().unwrap()),
    ] {
        let model = ScriptedModel::new([wrong(), wrong(), gives("t1", paris())]);
        let mut agent = Agent::builder()
            .no_callback_handler()
            .model(model.clone())
            .prices(Prices::new().model("scripted", price))
            .limits(limits)
            .build()
            .await
            .unwrap();
        let error = agent.structured_output::<City>("q").await.unwrap_err();
        assert_eq!((error.kind(), model.remaining()), (ErrorKind::StructuredOutput, 1), "{error}");
        assert!(error.to_string().contains("Stopped: the limit of"), "{error}");
    }
    let model = ScriptedModel::new([gives("t1", paris()).silent_after(2)]);
    let limits = Limits::new().time(Duration::from_secs(30));
    let builder = Agent::builder().no_callback_handler().model(model).limits(limits);
    let mut agent = builder.build().await.unwrap();
    let error = agent.structured_output::<City>("q").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Timeout);
    assert!(error.to_string().contains("the limit of 30s was reached"), "{error}");
}

/// §1.13 what stands around the model does so here too.
#[tokio::test]
async fn the_wraps_around_the_model_hold() {
    struct Noted(Notes);
    impl WrapModelCall for Noted {
        fn wrap<'a>(
            &'a self,
            request: ModelCallRequest,
            next: ModelNext<'a>,
        ) -> BoxFuture<'a, Result<ModelTurn, BoxError>> {
            self.0.add(request.request.tools[0].name.clone());
            Box::pin(next.run(request))
        }
    }
    let (notes, model) = (Notes::default(), ScriptedModel::new([gives("t1", paris())]));
    let wrap = Noted(notes.clone());
    let builder = Agent::builder().no_callback_handler().model(model.clone());
    let mut agent = builder.wrap_model_call(wrap).build().await.unwrap();
    assert_eq!(agent.structured_output::<City>("q").await.unwrap(), City::paris());
    assert_eq!(notes.take(), ["City"], "it sees the request");

    async fn refuses(_: ModelCallRequest, _: ModelNext<'_>) -> Result<ModelTurn, BoxError> {
        Err("too many calls".into())
    }
    async fn asks(request: ModelCallRequest, _: ModelNext<'_>) -> Result<ModelTurn, BoxError> {
        Err(request.interrupt::<bool>("ok", "why").map(drop).unwrap_err())
    }
    let model = ScriptedModel::new([]);
    let builder = || Agent::builder().no_callback_handler().model(model.clone());
    for (builder, text) in [
        (builder().wrap_model_call(refuses), "too many calls"),
        (
            builder().wrap_model_call(asks),
            "a question can't be asked beside the conversation: `ok`",
        ),
    ] {
        let mut agent = builder.build().await.unwrap();
        let error = agent.structured_output::<City>("q").await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Hook);
        assert!(error.to_string().contains(text), "{error}");
        assert!(agent.interrupts().is_empty() && model.requests().is_empty());
    }
}

/// As in an invocation: where a hook fails before it, there is nothing that could end.
#[tokio::test]
async fn a_hook_that_fails_before_it_ends_it() {
    let notes = Notes::default();
    let after = notes.clone();
    let builder = Agent::builder()
        .no_callback_handler()
        .model(ScriptedModel::new([]))
        .hook(|_: &mut BeforeInvocationEvent| -> HookResult { Err("no ink".into()) })
        .hook(move |_: &AfterInvocationEvent| after.add("after"));
    let mut agent = builder.build().await.unwrap();
    let error = agent.structured_output::<City>("q").await.unwrap_err();
    assert!(error.to_string().contains("no ink"), "{error}");
    assert_eq!(notes.len(), 0);
}

/// Nobody can be asked here: a question at one of its events is an error that says so.
#[tokio::test]
async fn a_question_at_its_events_is_an_error() {
    for at in ["before", "after"] {
        let builder = Agent::builder()
            .no_callback_handler()
            .model(ScriptedModel::new([gives("t1", paris())]));
        let builder = match at {
            "before" => builder
                .hook(|e: &mut BeforeInvocationEvent| e.interrupt::<bool>("ok", "why").map(drop)),
            _ => builder
                .hook(|e: &mut AfterInvocationEvent| e.interrupt::<bool>("ok", "why").map(drop)),
        };
        let mut agent = builder.build().await.unwrap();
        let error = agent.structured_output::<City>("q").await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Hook, "{at}");
        let text = "a hook asked a question where none can be answered";
        assert!(error.to_string().contains(text), "{at}: {error}");
        assert!(agent.interrupts().is_empty() && !agent.is_unfinished(), "{at}");
    }
}

/// What another model costs, which a wrap asks in place of the agent's, is what counts; one without a price is
/// refused where cost is limited.
#[tokio::test]
async fn the_cost_is_that_of_the_model_that_was_asked() {
    struct On(Arc<dyn Model>);
    impl WrapModelCall for On {
        fn wrap<'a>(
            &'a self,
            request: ModelCallRequest,
            next: ModelNext<'a>,
        ) -> BoxFuture<'a, Result<ModelTurn, BoxError>> {
            Box::pin(next.run_on(Arc::clone(&self.0), request))
        }
    }
    let price = |input: &str| Price::new(input.parse().unwrap(), "15".parse().unwrap());
    let wrong = || gives("t1", json!({})).using(Usage::new(10, 5));
    for (priced, text) in [(true, "Stopped: the limit of"), (false, "dear")] {
        let dear = ScriptedModel::new([wrong(), gives("t1", paris())]).with_id("dear");
        let prices = Prices::new().model("scripted", price("3"));
        let prices = if priced { prices.model("dear", price("3000")) } else { prices };
        let builder = Agent::builder()
            .no_callback_handler()
            .model(ScriptedModel::new([]))
            .prices(prices)
            .limits(Limits::new().cost("0.01".parse().unwrap()))
            .wrap_model_call(On(Arc::new(dear.clone())));
        let error =
            builder.build().await.unwrap().structured_output::<City>("q").await.unwrap_err();
        assert!(error.to_string().contains(text), "{error}");
        assert_eq!(dear.requests().len(), usize::from(priced), "{error}");
    }
}
