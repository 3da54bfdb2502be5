//! §8.1 Native structured output: models that hold to a schema by themselves.

use pretty_assertions::assert_eq;
use ropewalk_core::*;
use ropewalk_testkit::{Reply, ScriptedModel};
use serde_json::{Value, json};

use crate::common::echo;
use crate::support::{City, paris, stream_of};

fn says(replies: impl IntoIterator<Item = Reply>, native: NativeOutput) -> ScriptedModel {
    ScriptedModel::new(replies).with_native_output(native)
}

fn asked(request: &ModelRequest) -> (Vec<&str>, bool) {
    let names = request.tools.iter().map(|tool| tool.name.as_str()).collect();
    (names, request.output_schema.is_some())
}

/// Without tools the schema is given at once, and the text is the value
#[tokio::test]
async fn without_tools_one_call_is_enough() {
    for native in [NativeOutput::WithoutTools, NativeOutput::WithTools] {
        let model = says([Reply::text(paris().to_string())], native);
        let mut agent =
            Agent::builder().no_callback_handler().model(model.clone()).build().await.unwrap();
        let output = agent.invoke_as::<City>("q").with_result().await.unwrap();
        assert_eq!((output.value, output.result.stop_reason), (City::paris(), StopReason::EndTurn));
        assert_eq!(asked(&model.requests()[0]), (vec![], true));
        assert_eq!(agent.messages().len(), 2);
    }
}

/// A schema applied to every turn keeps many models from calling tools: they get it for the forced turn
#[tokio::test]
async fn beside_tools_the_schema_waits_for_the_forced_turn() {
    let replies =
        [Reply::tool("a", json!({})), Reply::text("Paris"), Reply::text(paris().to_string())];
    let model = says(replies, NativeOutput::WithoutTools);
    let builder = Agent::builder().no_callback_handler().model(model.clone()).tool(echo("a"));
    let city: City = builder.build().await.unwrap().invoke_as("q").await.unwrap();
    assert_eq!(city, City::paris());
    let requests = model.requests();
    assert_eq!(asked(&requests[0]), (vec!["a", "City"], false));
    assert_eq!(asked(&requests[2]), (vec![], true));
}

/// Models that can have both get both
#[tokio::test]
async fn a_model_that_can_has_tools_and_schema() {
    let replies = [Reply::tool("a", json!({})), Reply::text(paris().to_string())];
    let model = says(replies, NativeOutput::WithTools);
    let builder = Agent::builder().no_callback_handler().model(model.clone()).tool(echo("a"));
    let city: City = builder.build().await.unwrap().invoke_as("q").await.unwrap();
    assert_eq!(city, City::paris());
    assert!(model.requests().iter().all(|request| asked(request) == (vec!["a"], true)));
}

/// What is wrong goes back to the model here too, as often as it may
#[tokio::test]
async fn a_wrong_text_is_corrected() {
    let replies = [Reply::text("{}"), Reply::text(paris().to_string())];
    let model = says(replies, NativeOutput::WithTools);
    let mut agent =
        Agent::builder().no_callback_handler().model(model.clone()).build().await.unwrap();
    assert_eq!(agent.invoke_as::<City>("q").await.unwrap(), City::paris());
    let told = model.requests()[1].messages.last().unwrap().text();
    assert!(told.contains("- Field 'name': is missing"), "{told}");

    let model = says((0..9).map(|_| Reply::text("{}")), NativeOutput::WithTools);
    let mut agent =
        Agent::builder().no_callback_handler().model(model.clone()).build().await.unwrap();
    let error = agent.invoke_as::<City>("q").await.unwrap_err();
    assert_eq!((error.kind(), model.requests().len()), (ErrorKind::StructuredOutput, 4));
    assert_eq!(error.result().unwrap().text(), "{}");
}

/// "forced tool → native JSON-schema output → automatic choice; rejections are recognised". Here the
/// schema comes first, and a refusal is one by its kind, not by its text.
#[tokio::test]
async fn a_server_that_knows_no_schemas_is_asked_through_the_tool() {
    let model = says(
        [
            Reply::error(ErrorKind::InvalidRequest, "response_format is not supported"),
            Reply::tools([("t1", "City", paris())]),
        ],
        NativeOutput::WithTools,
    );
    let mut agent =
        Agent::builder().no_callback_handler().model(model.clone()).build().await.unwrap();
    assert_eq!(agent.invoke_as::<City>("q").await.unwrap(), City::paris());
    assert_eq!(asked(&model.requests()[1]), (vec!["City"], false));
}

/// Values that are no objects stand in one on the way, and nowhere else
#[tokio::test]
async fn a_list_is_asked_for_within_an_object() {
    let model =
        says([Reply::text(json!({"value": [paris()]}).to_string())], NativeOutput::WithTools);
    let mut agent =
        Agent::builder().no_callback_handler().model(model.clone()).build().await.unwrap();
    let output = agent.invoke_as::<Vec<City>>("q").with_result().await.unwrap();
    assert_eq!(output.value, [City::paris()]);
    assert_eq!(output.result.structured_output, Some(json!([paris()])));
    let schema = model.requests()[0].output_schema.clone().unwrap();
    assert_eq!((&schema["type"], &schema["required"]), (&json!("object"), &json!(["value"])));

    let model = ScriptedModel::new([Reply::text("four"), Reply::text("4")]);
    let mut agent = Agent::builder().no_callback_handler().model(model).build().await.unwrap();
    assert_eq!(agent.invoke_as::<u8>("2 + 2?").await.unwrap(), 4);
}

/// The value so far, while the model writes it: through the tool, and as text
#[tokio::test]
async fn the_stream_has_the_value_so_far() {
    let json = r#"{"name": "Paris", "inhabitants": 2}"#;
    let through_tool = Reply::chunks(
        [ModelChunk::message_start(), ModelChunk::tool_use_start("t1", "City")]
            .into_iter()
            .chain(json.split_inclusive(' ').map(ModelChunk::input_delta))
            .chain([ModelChunk::block_stop(), ModelChunk::message_stop(StopReason::ToolUse)]),
    );
    for (reply, native) in
        [(through_tool, NativeOutput::No), (Reply::text(json), NativeOutput::WithTools)]
    {
        let model = says([reply], native);
        let builder =
            Agent::builder().no_callback_handler().model(model).structured_output_model::<City>();
        let events = stream_of(&mut builder.build().await.unwrap(), "q").await;
        let so_far: Vec<Value> = events
            .iter()
            .filter_map(|event| event.get("partial_structured_output").cloned())
            .collect();
        assert_eq!(so_far.last(), Some(&paris()), "{native:?}");
        assert!(so_far.contains(&json!({"name": "Paris"})), "{so_far:?}");
        let end = events.iter().find_map(|event| event.get("structured_output"));
        assert_eq!(end, Some(&paris()));
    }
}
