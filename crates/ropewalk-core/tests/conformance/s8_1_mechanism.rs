//! §8.1 How a value is asked for and given.

use pretty_assertions::assert_eq;
use ropewalk_core::*;
use ropewalk_testkit::{Reply, ScriptedModel};
use serde_json::{Value, json};

use crate::common::{assert_valid, echo, last_results, tool};
use crate::support::{City, Notes, gives, paris, shape, stream_of, texts};

async fn agent(model: &ScriptedModel) -> Agent {
    Agent::builder()
        .no_callback_handler()
        .model(model.clone())
        .tool(echo("a"))
        .build()
        .await
        .unwrap()
}

fn names(request: &ModelRequest) -> Vec<&str> {
    request.tools.iter().map(|tool| tool.name.as_str()).collect()
}

/// §8.1.1 "The tool name is the type's class name; description = … + the type's doc text"
#[tokio::test]
async fn the_tool_is_named_and_described_as_the_type() {
    let model = ScriptedModel::new([gives("t1", paris())]);
    let city: City = agent(&model).await.invoke_as("q").await.unwrap();
    assert_eq!(city, City::paris());
    let spec = &model.requests()[0].tools[1];
    assert_eq!(spec.name, "City");
    assert!(spec.description.ends_with("<description>A city.</description>"), "{spec:?}");
    assert_eq!(spec.input_schema["properties"]["name"], json!({"type": "string"}));
}

/// §8.1.1 "or `<Name> structured output tool`"
#[tokio::test]
async fn a_type_without_docs_has_a_description_all_the_same() {
    #[derive(Debug, serde::Deserialize, schemars::JsonSchema)]
    struct Bare {
        #[expect(dead_code)]
        n: i64,
    }
    let model = ScriptedModel::new([Reply::tool("Bare", json!({"n": 1}))]);
    agent(&model).await.invoke_as::<Bare>("q").await.unwrap();
    let description = model.requests()[0].tools[1].description.clone();
    assert!(description.contains("<description>Bare structured output tool</description>"));
}

/// §8.1.1 "A schema type is given to the agent or the call (call wins)"
#[tokio::test]
async fn the_call_goes_before_the_agent() {
    #[derive(Debug, serde::Deserialize, schemars::JsonSchema)]
    struct Other {
        n: i64,
    }
    let model = ScriptedModel::new([
        gives("t1", paris()),
        Reply::tool("Other", json!({"n": 7})),
        gives("t1", paris()),
    ]);
    let builder = Agent::builder()
        .no_callback_handler()
        .model(model.clone())
        .structured_output_model::<City>();
    let mut agent = builder.build().await.unwrap();
    let result = agent.invoke("q").await.unwrap();
    assert_eq!(result.output::<City>().unwrap(), City::paris());
    assert_eq!(agent.invoke_as::<Other>("q").await.unwrap().n, 7);
    assert_eq!(agent.invoke("q").await.unwrap().structured_output, Some(paris()));
}

/// §8.1.2 "A normal tool with the same name → value error"
#[tokio::test]
async fn a_tool_of_the_same_name_is_refused_before_anything_happens() {
    let notes = Notes::default();
    let noted = notes.clone();
    let model = ScriptedModel::new([]);
    let mut agent = Agent::builder()
        .no_callback_handler()
        .model(model)
        .tool(echo("City"))
        .hook(move |_: &BeforeInvocationEvent| noted.add("begun"))
        .build()
        .await
        .unwrap();
    let error = agent.invoke_as::<City>("q").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidInput);
    assert!(error.to_string().contains("structured output `City`"), "{error}");
    assert_eq!((agent.messages().len(), notes.len()), (0, 0));

    let builder =
        Agent::builder().no_callback_handler().model(ScriptedModel::new([])).tool(echo("City"));
    let error = builder.structured_output_model::<City>().build().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidInput);
}

/// §8.1.2 "for the duration of the invocation"
#[tokio::test]
async fn the_tool_is_there_for_one_invocation() {
    let model = ScriptedModel::new([gives("t1", paris()), Reply::text("hello")]);
    let mut agent = agent(&model).await;
    agent.invoke_as::<City>("q").await.unwrap();
    assert_eq!(agent.invoke("q").await.unwrap().structured_output, None);
    assert_eq!(names(&model.requests()[1]), ["a"]);
}

/// §8.1.3 "Cycle runs with all tools and automatic choice"
#[tokio::test]
async fn the_first_cycles_offer_all_tools() {
    let model = ScriptedModel::new([Reply::tool("a", json!({})), gives("t2", paris())]);
    let output = agent(&model).await.invoke_as::<City>("q").with_result().await.unwrap();
    assert_eq!((output.name.as_str(), output.result.cycles), ("Paris", 2));
    for request in model.requests() {
        assert_eq!((names(&request), &request.tool_choice), (vec!["a", "City"], &None));
    }
}

/// §8.1.4 "invalid → error result: a heading with the type name, then one line per violation"
#[tokio::test]
async fn what_is_wrong_goes_back_to_the_model() {
    let wrong = json!({"name": 1, "inhabitants": -1});
    let model = ScriptedModel::new([gives("t1", wrong), gives("t2", paris())]);
    let mut agent = agent(&model).await;
    assert_eq!(agent.invoke_as::<City>("q").await.unwrap(), City::paris());
    let told = last_results(&model.requests()[1].messages).remove(0);
    let mut lines = told.lines();
    assert!(lines.next().unwrap().contains("`City`"), "{told}");
    let lines: Vec<_> = lines.collect();
    assert_eq!(lines.len(), 2, "{told}");
    assert!(lines.iter().any(|line| line.starts_with("- Field 'name': ")), "{told}");
    assert!(lines.iter().any(|line| line.starts_with("- Field 'inhabitants': ")), "{told}");
}

/// §8.1.4 "path elements joined by ` -> `, or `root`"
#[tokio::test]
async fn places_are_paths() {
    #[derive(Debug, serde::Deserialize, schemars::JsonSchema)]
    #[expect(dead_code)]
    struct Tour {
        stops: Vec<City>,
    }
    let model = ScriptedModel::new([
        Reply::tool("Tour", json!({"stops": [{"inhabitants": 1}]})),
        Reply::tool("Tour", json!([])),
        Reply::tool("Tour", json!({"stops": []})),
    ]);
    agent(&model).await.invoke_as::<Tour>("q").await.unwrap();
    let told = |n: usize| last_results(&model.requests()[n].messages).remove(0);
    assert!(told(1).contains("- Field 'stops -> 0 -> name': is missing"), "{}", told(1));
    assert!(told(2).contains("- Field 'root': "), "{}", told(2));
}

/// §8.1.4 "the model may retry without bound". Not as in Strands: three corrections, or what is set, and
/// then a result that keeps what there is.
#[tokio::test]
async fn corrections_are_bounded() {
    for (corrections, calls) in [(None, 4), (Some(0), 1), (Some(1), 2)] {
        let model = ScriptedModel::new((0..9).map(|_| gives("t1", json!({}))));
        let mut agent = agent(&model).await;
        let mut invocation = agent.invocation("q");
        if let Some(corrections) = corrections {
            invocation = invocation.structured_output_corrections(corrections);
        }
        let error = invocation.output::<City>().await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::StructuredOutput);
        assert!(error.to_string().contains("- Field 'name': is missing"), "{error}");
        let result = error.result().unwrap();
        assert_eq!(result.stop_reason, StopReason::StructuredOutputFailed);
        assert_eq!(result.usage.output_tokens, 5 * calls);
        assert_eq!(
            (result.structured_output.clone(), model.requests().len()),
            (None, calls as usize)
        );
        assert_valid(&agent.messages());
        assert_eq!(agent.messages().last().unwrap().role, Role::Assistant);
        assert!(!agent.is_unfinished());
    }
}

/// §8.1.5 "Stop reason is `tool_use`, `message` is the tool-use message, history ends with a user
/// message". Not as in Strands: it is `end_turn`, and an assistant's message ends the history, so that
/// the conversation goes on as any other.
#[tokio::test]
async fn the_turn_ends_as_any_other() {
    let model = ScriptedModel::new([gives("t1", paris())]);
    let mut agent = agent(&model).await;
    let output = agent.invoke_as::<City>("q").with_result().await.unwrap();
    let result = output.result;
    assert_eq!(result.stop_reason, StopReason::EndTurn);
    assert_eq!(serde_json::from_str::<Value>(&result.text()).unwrap(), paris());
    assert_eq!(
        shape(&agent.messages()),
        ["user text", "assistant toolUse", "user toolResult", "assistant text"]
    );
    assert_eq!(last_results(&agent.messages()), ["The `City` is taken."]);
    assert_eq!(model.requests().len(), 1, "no closing model call");
}

/// §8.1.5 "stream event `structured_output`; the tool-result message is appended"
#[tokio::test]
async fn the_stream_has_the_value_before_the_results() {
    let model = ScriptedModel::new([gives("t1", paris())]);
    let builder =
        Agent::builder().no_callback_handler().model(model).structured_output_model::<City>();
    let events = stream_of(&mut builder.build().await.unwrap(), "q").await;
    let at = |key: &str| events.iter().position(|event| event.get(key).is_some()).unwrap();
    assert_eq!(events[at("structured_output")], json!({"structured_output": paris()}));
    let results =
        events.iter().position(|event| event["message"]["content"][0].get("toolResult").is_some());
    assert!(at("message") < at("structured_output"));
    assert!(at("structured_output") < results.unwrap());
    assert_eq!(events.last().unwrap()["result"]["structured_output"], paris());
}

/// §8.1.5 "If several calls succeed, the first in list order wins"
#[tokio::test]
async fn the_first_of_several_values_wins() {
    let of = |name: &str| json!({"name": name});
    let model = ScriptedModel::new([Reply::tools([
        ("t1", "City", json!({})),
        ("t2", "City", of("Lyon")),
        ("t3", "City", of("Paris")),
    ])]);
    assert_eq!(agent(&model).await.invoke_as::<City>("q").await.unwrap().name, "Lyon");
}

/// §8.1.6 "Other tools in the same batch are executed normally"
#[tokio::test]
async fn other_tools_of_the_batch_run() {
    let other = echo("a");
    let model =
        ScriptedModel::new([Reply::tools([("t1", "City", paris()), ("t2", "a", json!({}))])]);
    let builder = Agent::builder().no_callback_handler().model(model).tool(other.clone());
    let mut agent = builder.build().await.unwrap();
    agent.invoke_as::<City>("q").await.unwrap();
    assert_eq!(last_results(&agent.messages()), ["The `City` is taken.", "a"]);
    assert_eq!(other.count(), 1);
}

/// §8.1.7 "a user message is appended … and one forcing cycle runs with only that tool and tool choice"
#[tokio::test]
async fn a_turn_without_the_value_is_followed_by_one_that_is_forced() {
    let model = ScriptedModel::new([Reply::text("Paris, I think."), gives("t1", paris())]);
    let mut agent = agent(&model).await;
    assert_eq!(agent.invoke_as::<City>("q").await.unwrap(), City::paris());
    let forced = &model.requests()[1];
    assert_eq!(names(forced), ["City"]);
    assert_eq!(forced.tool_choice, Some(ToolChoice::Tool { name: "City".into() }));
    assert_eq!(texts(&agent)[..3], ["q", "Paris, I think.", DEFAULT_OUTPUT_PROMPT]);
}

/// §8.1.7 "configurable"
#[tokio::test]
async fn the_prompt_of_the_forced_turn_can_be_set() {
    let model = ScriptedModel::new([
        Reply::text("Paris"),
        gives("t1", paris()),
        Reply::text("Paris"),
        gives("t2", paris()),
    ]);
    let builder = Agent::builder()
        .no_callback_handler()
        .model(model.clone())
        .structured_output_prompt("As JSON!");
    let mut agent = builder.build().await.unwrap();
    agent.invoke_as::<City>("q").await.unwrap();
    assert_eq!(model.requests()[1].messages.last().unwrap().text(), "As JSON!");
    let own = agent.invocation("q").structured_output_prompt("Now!").output::<City>();
    own.await.unwrap();
    assert_eq!(model.requests()[3].messages.last().unwrap().text(), "Now!");
}

/// §8.1.8 "the text is tried as a JSON object for the type; success → result with stop reason `end_turn`"
#[tokio::test]
async fn a_forced_answer_may_be_the_json_as_text() {
    for text in [paris().to_string(), format!("Here it is:\n```json\n{}\n```", paris())] {
        let model = ScriptedModel::new([Reply::text("Paris"), Reply::text(&text)]);
        let mut agent = agent(&model).await;
        let output = agent.invoke_as::<City>("q").with_result().await.unwrap();
        assert_eq!((output.value, output.result.stop_reason), (City::paris(), StopReason::EndTurn));
        assert_eq!(texts(&agent).last().unwrap(), &text);
    }
}

/// §8.1.8 "otherwise structured-output error"; here with the text, the usage and a usable history
#[tokio::test]
async fn a_forced_answer_in_words_fails_and_is_kept() {
    let model =
        ScriptedModel::new([Reply::text("Paris"), Reply::text("I said it"), Reply::text("on")]);
    let mut agent = agent(&model).await;
    let error = agent.invoke_as::<City>("q").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::StructuredOutput);
    let result = error.into_result().unwrap();
    assert_eq!(result.stop_reason.as_str(), "structured_output_failed");
    assert_eq!((result.text().as_str(), result.usage.output_tokens), ("I said it", 4));
    assert_eq!(result.output::<City>().unwrap_err().kind(), ErrorKind::StructuredOutput);
    assert_eq!(agent.invoke("go on").await.unwrap().text(), "on");
}

/// The plain ways give a result with a reason of its own
#[tokio::test]
async fn failing_is_a_result_where_no_type_is_asked_for() {
    let model = ScriptedModel::new([Reply::text("Paris"), Reply::text("really")]);
    let builder =
        Agent::builder().no_callback_handler().model(model).structured_output_model::<City>();
    let result = builder.build().await.unwrap().invoke("q").await.unwrap();
    assert_eq!(result.stop_reason, StopReason::StructuredOutputFailed);
    assert!(result.structured_output_error.unwrap().contains("`City`"));
}

/// §8.1.9 "In forced mode a validation error leads to another cycle still in forced mode"
#[tokio::test]
async fn corrections_of_a_forced_turn_are_forced() {
    let model = ScriptedModel::new([
        Reply::text("Paris"),
        gives("t1", json!({})),
        Reply::text(r#"{"name": 7}"#),
        gives("t2", paris()),
    ]);
    assert_eq!(agent(&model).await.invoke_as::<City>("q").await.unwrap(), City::paris());
    assert!(model.requests()[1..].iter().all(|request| names(request) == ["City"]));
    let told = model.requests()[3].messages.last().unwrap().text();
    assert!(told.contains("- Field 'name': "), "{told}");
}

/// §8.1.10 "Stop reasons other than `end_turn` never trigger forcing: `structured_output` is None"
#[tokio::test]
async fn other_stop_reasons_end_without_a_value() {
    for reason in [StopReason::StopSequence, StopReason::ContentFiltered, StopReason::MaxTokens] {
        let text = ModelChunk::text_message("so", reason.clone(), Usage::new(1, 1));
        let model = ScriptedModel::new([Reply::chunks(text)]);
        let outcome = agent(&model).await.invoke_as::<City>("q").await;
        let Err(error) = outcome else { panic!("{reason:?} gave a value") };
        if let Some(result) = error.result() {
            assert_eq!((&result.stop_reason, &result.structured_output), (&reason, &None));
            assert!(error.to_string().contains(reason.as_str()), "{error}");
        }
        assert_eq!(model.requests().len(), 1);
    }
}

/// Malformed arguments of the tool count as a wrong value
#[tokio::test]
async fn malformed_json_is_corrected_too() {
    let broken = Reply::chunks([
        ModelChunk::message_start(),
        ModelChunk::tool_use_start("t1", "City"),
        ModelChunk::input_delta(r#"{"name": "#),
        ModelChunk::block_stop(),
        ModelChunk::message_stop(StopReason::ToolUse),
    ]);
    let model = ScriptedModel::new([broken.clone(), gives("t2", paris())]);
    assert_eq!(agent(&model).await.invoke_as::<City>("q").await.unwrap(), City::paris());
    let model = ScriptedModel::new((0..9).map(|_| broken.clone()));
    let error = agent(&model).await.invoke_as::<City>("q").await.unwrap_err();
    assert_eq!((error.kind(), model.requests().len()), (ErrorKind::StructuredOutput, 4));
}

/// Numbers in quotes, as small models give them, are taken for numbers
#[tokio::test]
async fn quoted_numbers_are_taken() {
    let model = ScriptedModel::new([gives("t1", json!({"name": "Paris", "inhabitants": "2"}))]);
    assert_eq!(agent(&model).await.invoke_as::<City>("q").await.unwrap(), City::paris());
}

/// A raw schema in place of a type
#[tokio::test]
async fn a_raw_schema_will_do() {
    let schema = json!({"title": "my city", "type": "object", "required": ["name"],
        "properties": {"name": {"type": "string", "minLength": 2}}});
    let model = ScriptedModel::new([
        Reply::tool("my_city", json!({"name": "P"})),
        Reply::tool("my_city", json!({"name": "Paris"})),
    ]);
    let mut agent = agent(&model).await;
    let result = agent.invocation("q").output_schema(schema).await.unwrap();
    assert_eq!(result.structured_output, Some(json!({"name": "Paris"})));

    let error = agent.invocation("q").output_schema(json!({"type": "thing"})).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidInput);
    let error = agent.invocation("q").output_schema(json!("City")).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidInput);
}

/// With thinking, a model may refuse to be forced: it is asked again without
#[tokio::test]
async fn a_model_that_refuses_to_be_forced_is_asked_without() {
    let refusal = "tool_choice may not force a tool while thinking";
    let model = ScriptedModel::new([
        Reply::text("Paris"),
        Reply::error(ErrorKind::InvalidRequest, refusal),
        gives("t1", paris()),
    ]);
    assert_eq!(agent(&model).await.invoke_as::<City>("q").await.unwrap(), City::paris());
    let last = model.requests().pop().unwrap();
    assert_eq!((names(&last), &last.tool_choice), (vec!["City"], &None));

    let refuses = || Reply::error(ErrorKind::InvalidRequest, refusal);
    let model = ScriptedModel::new([Reply::text("Paris"), refuses(), refuses()]);
    let error = agent(&model).await.invoke_as::<City>("q").await.unwrap_err();
    assert_eq!((error.kind(), error.result()), (ErrorKind::InvalidRequest, None));
}

/// Thoughts stand beside the value and do not disturb it
#[tokio::test]
async fn thoughts_stand_beside_the_value() {
    let model = ScriptedModel::new([Reply::chunks([
        ModelChunk::message_start(),
        ModelChunk::block_start(),
        ModelChunk::reasoning_delta("{\"name\": \"Lyon\"}?"),
        ModelChunk::block_stop(),
        ModelChunk::tool_use_start("t1", "City"),
        ModelChunk::input_delta(paris().to_string()),
        ModelChunk::block_stop(),
        ModelChunk::message_stop(StopReason::ToolUse),
    ])]);
    assert_eq!(agent(&model).await.invoke_as::<City>("q").await.unwrap(), City::paris());
}

/// A cancel is an error that holds the result
#[tokio::test]
async fn a_cancel_is_told_with_what_was_said() {
    let stops = tool("a", |_, context| async move {
        context.cancel().cancelled().await;
        Ok(ToolOutput::text("stopped"))
    });
    let model = ScriptedModel::new([Reply::tool("a", json!({}))]);
    let mut agent =
        Agent::builder().no_callback_handler().model(model).tool(stops).build().await.unwrap();
    let handle = agent.cancel_handle();
    let (outcome, ()) = tokio::join!(agent.invoke_as::<City>("q").into_future(), async {
        tokio::task::yield_now().await;
        handle.cancel();
    });
    let error = outcome.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Cancelled);
    assert_eq!(error.result().unwrap().stop_reason, StopReason::Cancelled);
    assert_valid(&agent.messages());
}

/// A cancel between the turn and the forced one ends it there
#[tokio::test]
async fn a_cancel_before_the_forced_turn_ends_there() {
    let model = ScriptedModel::new([Reply::text("Paris")]);
    let mut agent = agent(&model).await;
    let handle = agent.cancel_handle();
    agent.add_hook(move |event: &MessageAddedEvent| {
        if event.message().role == Role::Assistant {
            handle.cancel();
        }
    });
    let error = agent.invoke_as::<City>("q").await.unwrap_err();
    let result = error.result().unwrap();
    assert_eq!((&result.stop_reason, result.text().as_str()), (&StopReason::Cancelled, "Paris"));
    assert_eq!((model.requests().len(), agent.is_unfinished()), (1, false));
}

/// What the error of a typed invocation is to a caller that knows only one kind of error
#[tokio::test]
async fn an_output_error_becomes_a_plain_one_and_keeps_the_result() {
    let model = ScriptedModel::new([Reply::text("Paris"), Reply::text("yes")]);
    let mut agent = agent(&model).await;
    let plain = Error::from(agent.invoke_as::<City>("q").await.unwrap_err());
    assert_eq!(plain.kind(), ErrorKind::StructuredOutput);
    let source = std::error::Error::source(&plain).unwrap();
    let typed = source.downcast_ref::<OutputError>().unwrap();
    assert_eq!(typed.result().unwrap().text(), "yes");
}
