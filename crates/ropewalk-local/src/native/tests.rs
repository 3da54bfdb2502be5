#![allow(clippy::unwrap_used)]

use candle_core::quantized::GgmlDType;
use futures_util::StreamExt;
use ropewalk_core::{
    Error, Message, MessageAssembler, Model, ModelRequest, ModelTurn, StopReason, ToolChoice,
    ToolSpec, Transcript,
};
use serde_json::json;

use super::watch::{Seen, Watch};
use crate::testing::{FAMILIES, tiny};
use crate::{LocalModel, LocalOptions, ModelSource, Sampling, Strategy};

async fn ask(model: &LocalModel, choice: ToolChoice) -> Result<ModelTurn, Error> {
    let schema = json!({"type": "object", "required": ["n", "c"], "properties": {
        "n": {"type": "integer", "minimum": 3, "maximum": 400}, "c": {"enum": ["red", "green"]}}});
    let tools = [ToolSpec::new("mix", "Mixes.", schema)];
    let said = Transcript::from_messages([Message::user("hello")]).unwrap();
    let mut request = ModelRequest::new(said).with_tools(tools);
    request.tool_choice = Some(choice);
    let mut assembler = MessageAssembler::new();
    let mut stream = model.stream(request);
    while let Some(chunk) = stream.next().await {
        assembler.push(&chunk?);
    }
    assembler.finish()
}

/// A model of noise makes valid calls: it is the grammar that makes them so.
#[tokio::test]
async fn whatever_the_model_a_call_fits_the_schema_of_its_tool() {
    for family in FAMILIES {
        let file = tiny(family, GgmlDType::Q8_0);
        for seed in 0..3 {
            let sampling = Sampling::greedy().with_temperature(1.5).with_seed(seed);
            let options = LocalOptions::new().with_sampling(sampling);
            let model = LocalModel::load_blocking(&ModelSource::File(file.path.clone()), options);
            let model = model.unwrap();
            assert_eq!(model.strategy(), Strategy::Native);
            let mix = ToolChoice::Tool { name: "mix".into() };
            for choice in [ToolChoice::Any {}, mix] {
                let turn = ask(&model, choice).await.unwrap();
                assert_eq!(turn.stop_reason, StopReason::ToolUse, "{family}: {turn:?}");
                let call = turn.message.tool_uses().next().unwrap();
                assert_eq!(call.name, "mix", "{family}");
                let number = call.input["n"].as_i64().unwrap();
                assert!((3..=400).contains(&number), "{family}: {call:?}");
                assert!(["red", "green"].contains(&call.input["c"].as_str().unwrap()), "{call:?}");
                assert_eq!(call.input.as_object().unwrap().len(), 2, "{family}: {call:?}");
            }
            let error = ask(&model, ToolChoice::Tool { name: "fly".into() }).await.unwrap_err();
            assert!(error.to_string().contains("`fly`"), "{error}");
        }
    }
}

fn feed(pieces: &[&str]) -> (String, bool) {
    let mut watch = Watch::new(false, false);
    let mut shown = String::new();
    for piece in pieces {
        match watch.push(piece) {
            Seen::Text(text) => shown.push_str(&text),
            Seen::Call => return (shown, true),
        }
    }
    (shown + &watch.rest(), false)
}

#[test]
fn calls_are_seen_in_every_familys_way() {
    assert_eq!(feed(&["<tool", "_call>", "\n"]), (String::new(), true));
    assert_eq!(feed(&["Let me see. <", "tool_call>"]), ("Let me see. ".into(), true));
    assert_eq!(feed(&["{", "\"na", "me\": \"x\""]), (String::new(), true));
    assert_eq!(feed(&["```json\n", "{\n  \"name\"", ": \"x\""]), (String::new(), true));
    assert_eq!(feed(&["<|python_tag|>"]), (String::new(), true));
}

#[test]
fn text_is_text() {
    assert_eq!(feed(&["a < b", " and <b>"]), ("a < b and <b>".into(), false));
    assert_eq!(feed(&["{\"age\"", ": 3}"]), ("{\"age\": 3}".into(), false));
    assert_eq!(feed(&["```", "rust\nfn"]), ("```rust\nfn".into(), false));
    assert_eq!(feed(&["so <tool"]), ("so <tool".into(), false));
}
