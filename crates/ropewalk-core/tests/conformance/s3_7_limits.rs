//! §3.7 Limits, with more of them than Strands has. Deliberate differences: they are kept while the
//! invocation waits for an answer, a model call that would break one is not made, the last message is
//! the assistant's (WEAK: a user's), and time stops what still runs.

use std::time::Duration;

use pretty_assertions::assert_eq;
use ropewalk_core::*;
use ropewalk_testkit::{Reply, ScriptedModel};
use serde_json::{Value, json};
use tokio::time::Instant;

use crate::common::{TestTool, assert_valid, echo, last_results, tool};
use crate::support::{WAYS, answer_all, calls, onward, shape, texts};

/// A model that says something and asks for the tool `a`, again and again.
fn busy(times: usize, usage: Usage) -> ScriptedModel {
    let turn = |number: usize| {
        let content = vec![
            format!("step {number}").as_str().into(),
            ContentBlock::from(ToolUse::new(format!("t{number}"), "a", json!({}))),
        ];
        Reply::message(Message::new(Role::Assistant, content)).using(usage)
    };
    ScriptedModel::new((0..times).map(turn))
}

async fn agent(model: &ScriptedModel, limits: Limits) -> (Agent, TestTool) {
    let tool = echo("a");
    let builder = Agent::builder()
        .no_callback_handler()
        .model(model.clone())
        .tool(tool.clone())
        .limits(limits);
    (builder.build().await.unwrap(), tool)
}

fn reason(result: &AgentResult) -> &str {
    result.stop_reason.as_str()
}

/// §3.7 "turns": the tools of the last turn are run; the text that was said is the result's
#[tokio::test]
async fn turns() {
    let model = busy(9, Usage::new(10, 5));
    let (mut agent, tool) = agent(&model, Limits::new().turns(3)).await;
    let result = agent.invoke("q").await.unwrap();
    assert_eq!((reason(&result), result.text().as_str()), ("limit_turns", "step 2"));
    assert_eq!((result.usage, result.cycles, tool.count()), (Usage::new(30, 15), 3, 3));
    assert!(result.stop_reason.is_limit());
    let last = agent.messages().last().unwrap().text();
    assert_eq!(last, "Stopped: the limit of 3 turns was reached.");
    assert_eq!(agent.messages().last().unwrap().role, Role::Assistant);
    // The next turn works, and has limits of its own.
    assert_eq!(reason(&agent.invoke("q").await.unwrap()), "limit_turns");
    assert_eq!(model.requests().len(), 6);
    assert_valid(&agent.messages());
    // A model that is done in time is not stopped.
    model.push(Reply::text("done"));
    let model = busy(2, Usage::default());
    model.push(Reply::text("done"));
    let builder = Agent::builder()
        .no_callback_handler()
        .model(model)
        .tool(echo("a"))
        .limits(Limits::new().turns(3));
    assert_eq!(reason(&builder.build().await.unwrap().invoke("q").await.unwrap()), "end_turn");
}

/// §3.7 "order turns → total_tokens → output_tokens", "`>=` semantics"
#[tokio::test]
async fn the_order_is_that_of_strands() {
    let all = Limits::new().turns(1).total_tokens(15).output_tokens(5).input_tokens(10);
    let cases = [
        (all, "limit_turns"),
        (Limits::new().total_tokens(15).output_tokens(5).input_tokens(10), "limit_total_tokens"),
        (Limits::new().output_tokens(5).input_tokens(10), "limit_output_tokens"),
        (Limits::new().input_tokens(10), "limit_input_tokens"),
    ];
    for (limits, expected) in cases {
        let model = busy(2, Usage::new(10, 5));
        let result = agent(&model, limits).await.0.invoke("q").await.unwrap();
        assert_eq!((reason(&result), model.requests().len()), (expected, 1));
        assert_eq!(result.usage, Usage::new(10, 5));
    }
}

/// §3.7 "overshoot is possible": not by what is read. A call that would break the limit is not made.
#[tokio::test]
async fn a_model_call_that_would_break_a_limit_is_not_made() {
    // After the first turn the model will read at least the 1,005 tokens of that turn.
    for (limits, calls, expected) in [
        (Limits::new().input_tokens(2_004), 1, "limit_input_tokens"),
        (Limits::new().input_tokens(2_200), 2, "limit_input_tokens"),
        (Limits::new().total_tokens(2_009), 1, "limit_total_tokens"),
        (Limits::new().total_tokens(2_200), 2, "limit_total_tokens"),
    ] {
        let model = busy(3, Usage::new(1_000, 5));
        let result = agent(&model, limits).await.0.invoke("q").await.unwrap();
        assert_eq!((reason(&result), model.requests().len()), (expected, calls), "{limits:?}");
    }
    // Also before the model has said anything: the prompt is too long by itself.
    let model = busy(1, Usage::default());
    let (mut agent, _) = agent(&model, Limits::new().input_tokens(100)).await;
    let result = agent.invoke("long ".repeat(1_000)).await.unwrap();
    assert_eq!((reason(&result), model.requests().len()), ("limit_input_tokens", 0));
    assert_eq!(result.text(), "Stopped: the limit of 100 input tokens was reached.");
    model.push(Reply::text("ok"));
}

/// What is left of a limit of output tokens is the most that the next answer may have, and one that ends
/// there ends because of the limit.
#[tokio::test]
async fn an_answer_has_what_is_left_of_the_output_tokens() {
    let model = busy(1, Usage::new(10, 5));
    let cut = Reply::text("and so on").stopping_with(StopReason::MaxTokens);
    model.push(cut.using(Usage::new(10, 3)));
    let (mut agent, _) = agent(&model, Limits::new().output_tokens(8)).await;
    let result = agent.invoke("q").await.unwrap();
    assert_eq!((reason(&result), result.text().as_str()), ("limit_output_tokens", "and so on"));
    let left: Vec<_> = model.requests().iter().map(|asked| asked.max_output_tokens).collect();
    assert_eq!(left, [Some(8), Some(3)]);
    assert_valid(&agent.messages());
    // One that is cut off before, by what the model was set to, ends with that.
    model.push(Reply::text("short").stopping_with(StopReason::MaxTokens));
    assert_eq!(reason(&agent.invoke("q").await.unwrap()), "max_tokens");
    // Without such a limit there is no such end.
    let model = busy(1, Usage::new(10, 5));
    model.push(Reply::text("done"));
    let (mut agent, _) = self::agent(&model, Limits::new().turns(9)).await;
    agent.invoke("q").await.unwrap();
    assert_eq!(model.requests()[0].max_output_tokens, None);
}

fn prices() -> Prices {
    let price = Price::new("3".parse().unwrap(), "15".parse().unwrap());
    Prices::new().model("scripted", price.cache_read("0.30".parse().unwrap()))
}

/// Money: integers all the way, cache tokens at their own price
#[tokio::test]
async fn cost() {
    let usage = Usage { cache_read_input_tokens: Some(400_000), ..Usage::new(500_000, 100_000) };
    // 0.1 M × 3 + 0.4 M × 0.30 + 0.1 M × 15
    let each: Money = "1.92".parse().unwrap();
    let priced = |model: &ScriptedModel, most: &str| {
        let limits = Limits::new().cost(most.parse().unwrap());
        Agent::builder()
            .no_callback_handler()
            .model(model.clone())
            .tool(echo("a"))
            .prices(prices())
            .limits(limits)
    };
    let model = busy(4, usage);
    let mut agent = priced(&model, "1.92").build().await.unwrap();
    let result = agent.invoke("q").await.unwrap();
    assert_eq!((reason(&result), result.cost), ("limit_cost", Some(each)));
    // Reserved: the next call reads 600,000 tokens or more, which may cost 1.80 more.
    let model = busy(4, usage);
    let result = priced(&model, "3.70").build().await.unwrap().invoke("q").await.unwrap();
    assert_eq!((reason(&result), model.requests().len()), ("limit_cost", 1));
    let model = busy(4, usage);
    let result = priced(&model, "3.80").build().await.unwrap().invoke("q").await.unwrap();
    assert_eq!((result.cost.unwrap().to_string().as_str(), model.requests().len()), ("3.84", 2));
    // Without a limit the cost is told all the same; without prices it is not.
    let model = ScriptedModel::new([Reply::text("ok").using(usage), Reply::text("ok")]);
    let mut agent =
        Agent::builder().no_callback_handler().model(model).prices(prices()).build().await.unwrap();
    assert_eq!(agent.invoke("q").await.unwrap().cost, Some(each));
    assert_eq!(agent.run().applied(), 4, "one record more for each call");
}

/// Anthropic and Bedrock count what concerns the cache beside the input, others as a part of it
#[test]
fn either_way_of_counting_the_cache_costs_the_same() {
    let price = Price::new("3".parse().unwrap(), "15".parse().unwrap());
    let price = price.cache_read("0.30".parse().unwrap()).cache_write("3.75".parse().unwrap());
    let within = Usage {
        cache_read_input_tokens: Some(400_000),
        cache_write_input_tokens: Some(100_000),
        ..Usage::new(600_000, 100_000)
    };
    let beside = Usage { input_tokens: 100_000, ..within };
    assert_eq!(price.of(within), "2.295".parse().unwrap());
    assert_eq!(price.of(beside), price.of(within));
}

/// Money that can't be counted is not spent.
#[tokio::test]
async fn a_limit_of_cost_without_a_price_is_refused() {
    let model = busy(1, Usage::default());
    let (mut agent, _) = agent(&model, Limits::new().cost("1".parse().unwrap())).await;
    let error = agent.invoke("q").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidInput);
    assert!(error.to_string().contains("`scripted` has no price"), "{error}");
    assert!(model.requests().is_empty() && agent.messages().is_empty());
}

/// Time: it stops a model that speaks, and keeps what it said
#[tokio::test(start_paused = true)]
async fn time_stops_a_model_call() {
    let model = ScriptedModel::new([Reply::text("half of it").silent_after(4), Reply::text("ok")]);
    let limits = Limits::new().time(Duration::from_secs(30));
    let (mut agent, _) = agent(&model, limits).await;
    let began = Instant::now();
    let result = agent.invoke("q").await.unwrap();
    assert_eq!((reason(&result), result.text().as_str()), ("limit_time", "half of "));
    assert_eq!(began.elapsed(), Duration::from_secs(30));
    assert_eq!(texts(&agent), ["q", "half of "]);
    assert_eq!(agent.invoke("q").await.unwrap().text(), "ok");
}

/// Time: it stops tools as a cancel does
#[tokio::test(start_paused = true)]
async fn time_stops_tools() {
    let hangs = tool("a", |_, _| std::future::pending());
    let limits = Limits::new().time(Duration::from_secs(30));
    let model = calls(&[("t1", "a"), ("t2", "b")]);
    let mut agent = Agent::builder()
        .no_callback_handler()
        .model(model)
        .tools([hangs, echo("b")])
        .limits(limits)
        .build()
        .await
        .unwrap();
    let began = Instant::now();
    let result = agent.invoke("q").await.unwrap();
    assert_eq!(reason(&result), "limit_time");
    assert!(began.elapsed() < Duration::from_secs(40));
    let results = last_results(&agent.messages());
    assert!(results[0].contains("outcome of this call is unknown"), "{results:?}");
    assert_eq!((results[1].as_str(), result.unknown_outcomes.len()), ("b", 1));
    let expected =
        ["user text", "assistant toolUse toolUse", "user toolResult toolResult", "assistant text"];
    assert_eq!(shape(&agent.messages()), expected);
    assert_eq!(agent.invoke("q").await.unwrap().text(), "done");
}

/// Time: it ends the wait for another attempt
#[tokio::test(start_paused = true)]
async fn time_stops_a_retry() {
    let model = ScriptedModel::new((0..6).map(|_| Reply::error(ErrorKind::Throttled, "slow down")));
    let (mut agent, _) = agent(&model, Limits::new().time(Duration::from_secs(10))).await;
    let began = Instant::now();
    assert_eq!(reason(&agent.invoke("q").await.unwrap()), "limit_time");
    assert_eq!(began.elapsed(), Duration::from_secs(10));
}

/// Time: that of whoever has to answer does not count; that of the work does, over all its parts
#[tokio::test(start_paused = true)]
async fn the_time_of_a_pause_does_not_count() {
    for way in WAYS {
        let slow = tool("a", |_, _| async {
            tokio::time::sleep(Duration::from_secs(20)).await;
            Ok(ToolOutput::text("done"))
        });
        let hook = |event: &mut AfterToolsEvent| event.interrupt::<bool>("go on?", "").map(drop);
        let mut agent = Agent::builder()
            .no_callback_handler()
            .model(busy(9, Usage::default()))
            .tool(slow)
            .hook(hook)
            .limits(Limits::new().time(Duration::from_secs(50)))
            .build()
            .await
            .unwrap();
        let mut result = agent.invoke("q").await.unwrap();
        let mut questions = 0;
        while result.stop_reason == StopReason::Interrupt {
            questions += 1;
            tokio::time::sleep(Duration::from_secs(3_600)).await;
            agent = onward(agent, way).await;
            result = answer_all(&mut agent, true).await;
        }
        assert_eq!((reason(&result), questions), ("limit_time", 2), "{way:?}");
    }
}

/// Tool calls: those beyond the limit are not made, in the order of the request
#[tokio::test]
async fn tool_calls() {
    let model = calls(&[("t1", "a"), ("t2", "a"), ("t3", "a")]);
    let (mut agent, tool) = agent(&model, Limits::new().tool_calls(2)).await;
    let result = agent.invoke("q").await.unwrap();
    assert_eq!((reason(&result), tool.count()), ("limit_tool_calls", 2));
    let told = "This call was not made: the limit of tool calls was reached.";
    assert_eq!(last_results(&agent.messages()), ["a", "a", told]);
    assert_eq!(model.requests().len(), 1, "the model is not asked again");
    assert_eq!(agent.invoke("q").await.unwrap().text(), "done", "the next one works");
    assert_valid(&agent.messages());
    // As many as are allowed stop nothing.
    let model = calls(&[("t1", "a"), ("t2", "a")]);
    let (mut agent, _) = self::agent(&model, Limits::new().tool_calls(2)).await;
    assert_eq!(agent.invoke("q").await.unwrap().text(), "done");
}

/// §3.7 "Positive integers only; bool, zero, unknown key → type error"
#[tokio::test]
async fn what_is_no_limit_is_refused() {
    let zeros = [
        Limits::new().turns(0),
        Limits::new().input_tokens(0),
        Limits::new().output_tokens(0),
        Limits::new().total_tokens(0),
        Limits::new().cost(Money::ZERO),
        Limits::new().time(Duration::ZERO),
        Limits::new().tool_calls(0),
    ];
    for limits in zeros {
        let model = busy(1, Usage::default());
        let built = Agent::builder()
            .no_callback_handler()
            .model(model.clone())
            .limits(limits)
            .build()
            .await;
        assert_eq!(built.unwrap_err().kind(), ErrorKind::InvalidInput, "{limits:?}");
        let mut agent =
            Agent::builder().no_callback_handler().model(model.clone()).build().await.unwrap();
        let error = agent.invocation("q").limits(limits).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidInput);
        assert!(model.requests().is_empty() && agent.messages().is_empty());
    }
    let read = |json: Value| serde_json::from_value::<Limits>(json);
    for wrong in [
        json!({"turns": -1}),
        json!({"turns": true}),
        json!({"turns": 1.5}),
        json!({"cost": "-1"}),
        json!({"cost": "1e3"}),
        json!({"cost": 0.5}),
        json!({"max_turns": 1}),
    ] {
        assert!(read(wrong.clone()).is_err(), "{wrong}");
    }
    let limits = Limits::new().turns(3).cost("0.5".parse().unwrap());
    assert_eq!(read(json!({"turns": 3, "cost": "0.50"})).unwrap(), limits);
    assert_eq!(serde_json::to_value(limits).unwrap(), json!({"turns": 3, "cost": "0.5"}));
}

/// "in the builder and per invocation (the tighter one counts)"
#[tokio::test]
async fn the_tighter_limit_counts() {
    for (agents, given, turns) in [(2, 5, 2), (5, 2, 2), (3, 3, 3)] {
        let model = busy(9, Usage::default());
        let (mut agent, _) = agent(&model, Limits::new().turns(agents)).await;
        let result = agent.invocation("q").limits(Limits::new().turns(given)).await.unwrap();
        assert_eq!((reason(&result), result.cycles), ("limit_turns", turns));
    }
}

/// §3.7 "resuming from an interrupt starts new ones": here what was used stays used, and the limits
/// need not be given again (Appendix A 6)
#[tokio::test]
async fn limits_and_what_was_used_are_kept_through_a_pause() {
    for way in WAYS {
        for limits in [Limits::new().turns(3), Limits::new().tool_calls(2)] {
            let hook =
                |event: &mut BeforeToolCallEvent| event.interrupt::<bool>("ok", "").map(drop);
            let model = busy(9, Usage::new(10, 5));
            let tool = echo("a");
            let mut agent = Agent::builder()
                .no_callback_handler()
                .model(model)
                .tool(tool.clone())
                .hook(hook)
                .build()
                .await
                .unwrap();
            let mut result = agent.invocation("q").limits(limits).await.unwrap();
            while result.stop_reason == StopReason::Interrupt {
                agent = onward(agent, way).await;
                assert_eq!(*agent.run().limits(), limits);
                result = answer_all(&mut agent, true).await;
            }
            assert!(result.stop_reason.is_limit(), "{result:?}");
            assert_eq!(result.cycles, 3);
            // The next one has none.
            assert_eq!(*agent.run().limits(), Limits::new());
        }
    }
}

/// A question before the invocation begins: the limits are kept with its prompt.
#[tokio::test]
async fn limits_are_kept_with_a_prompt_that_waits() {
    for way in WAYS {
        let hook = |event: &mut BeforeInvocationEvent| event.interrupt::<bool>("ok", "").map(drop);
        let model = busy(9, Usage::default());
        let builder =
            Agent::builder().no_callback_handler().model(model.clone()).tool(echo("a")).hook(hook);
        let mut agent = builder.build().await.unwrap();
        agent.invocation("q").limits(Limits::new().turns(2)).await.unwrap();
        let mut agent = onward(agent, way).await;
        assert_eq!(reason(&answer_all(&mut agent, true).await), "limit_turns");
        assert_eq!(model.requests().len(), 2);
    }
}

/// Passes that a hook asks for are one invocation to the caller, and have its limits once.
#[tokio::test]
async fn further_passes_have_what_is_left() {
    let model = ScriptedModel::new((0..9).map(|_| Reply::text("again").using(Usage::new(10, 5))));
    let mut agent = Agent::builder()
        .no_callback_handler()
        .model(model.clone())
        .hook(|event: &mut AfterInvocationEvent| {
            let limited = event.result().is_some_and(|result| result.stop_reason.is_limit());
            if !limited {
                event.set_resume("more");
            }
        })
        .limits(Limits::new().turns(3))
        .build()
        .await
        .unwrap();
    let result = agent.invoke("q").await.unwrap();
    assert_eq!((reason(&result), model.requests().len()), ("limit_turns", 3));
    assert_eq!(result.usage, Usage::new(30, 15));
}

/// §15.28 "limit reached / bad final output ⇒ partial result still returned"
#[tokio::test(start_paused = true)]
async fn users_15_28_a_limit_gives_back_what_there_is() {
    let usage = Usage::new(10, 5);
    for limits in [
        Limits::new().turns(2),
        Limits::new().total_tokens(30),
        Limits::new().output_tokens(10),
        Limits::new().input_tokens(20),
        Limits::new().cost("0.00012".parse().unwrap()),
        Limits::new().time(Duration::from_secs(100)),
        Limits::new().tool_calls(1),
    ] {
        let tool = tool("a", |_, _| async {
            tokio::time::sleep(Duration::from_secs(60)).await;
            Ok(ToolOutput::text("found it"))
        });
        let model = busy(3, usage);
        let mut agent = Agent::builder()
            .no_callback_handler()
            .model(model.clone())
            .tool(tool)
            .prices(prices())
            .limits(limits)
            .build()
            .await
            .unwrap();
        let result = agent.invoke("q").await.unwrap();
        assert!(result.stop_reason.is_limit(), "{limits:?}: {result:?}");
        assert!(result.text().starts_with("step"), "{limits:?}: {result:?}");
        assert!(result.usage.output_tokens > 0 && result.cost > Some(Money::ZERO));
        assert_valid(&agent.messages());
        assert_eq!(agent.messages().last().unwrap().role, Role::Assistant);
        let all: String = last_results(&agent.messages()).concat() + &texts(&agent).concat();
        assert!(all.contains("Stopped: the limit of"), "{all}");
        // The next turn works.
        let fresh = ScriptedModel::new([Reply::text("ok").using(usage)]);
        let next = Agent::builder()
            .no_callback_handler()
            .model(fresh)
            .messages(agent.messages().iter().map(|message| Message::clone(message)));
        assert_eq!(next.build().await.unwrap().invoke("go on").await.unwrap().text(), "ok");
    }
}
