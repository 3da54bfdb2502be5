//! JSON Schemas for answers.

use std::sync::Arc;

use pretty_assertions::assert_eq;
use ropewalk_core::{Model, NativeOutput};
use ropewalk_models::AnthropicModel;
use serde_json::{Value, json};

use super::builder;
use crate::support::{Reply, Server, ask, collect};

async fn sent(schema: Value, effort: bool) -> Value {
    let server = Server::start([Reply::json(200, &[], "{}")]).await;
    let mut builder = builder(&server);
    if effort {
        builder = builder.param("output_config", json!({"effort": "low"}));
    }
    let mut request = ask("?");
    request.output_schema = Some(Arc::new(schema));
    collect(&builder.build().unwrap(), request).await;
    server.seen().remove(0).body["output_config"].take()
}

#[tokio::test]
async fn a_schema_is_sent_as_the_interface_takes_it() {
    let schema = json!({
        "type": "object",
        "properties": {
            "metres": {"type": "integer", "minimum": 1, "description": "Its height."},
            "names": {"type": "array", "items": {"type": "string", "maxLength": 9}, "minItems": 2},
            "maximum": {"oneOf": [{"type": "null"}, {"$ref": "#/$defs/Place"}]},
            "more": {"type": "object", "additionalProperties": {"type": "string"}},
        },
        "required": ["metres"],
        "$defs": {"Place": {"type": "object", "properties": {"at": {"const": 1}}}},
    });
    let expected = json!({
        "type": "object",
        "properties": {
            "metres": {"type": "integer", "description": "Its height. (minimum: 1)"},
            "names": {"type": "array", "items": {"type": "string", "description": "(maxLength: 9)"},
                "minItems": 1, "description": "(minItems: 2)"},
            "maximum": {"anyOf": [{"type": "null"}, {"$ref": "#/$defs/Place"}]},
            "more": {"type": "object", "additionalProperties": {"type": "string"}},
        },
        "required": ["metres"],
        "additionalProperties": false,
        "$defs": {"Place": {"type": "object", "properties": {"at": {"const": 1}},
            "additionalProperties": false}},
    });
    let format = json!({"type": "json_schema", "schema": expected});
    assert_eq!(sent(schema.clone(), false).await, json!({"format": format}));
    assert_eq!(sent(schema, true).await, json!({"effort": "low", "format": format}));
}

#[test]
fn only_models_that_are_known_to_hold_to_schemas_are_said_to() {
    let native = |model: &str, url: &str| {
        let builder = AnthropicModel::builder(model).base_url(url).api_key("k");
        builder.build().unwrap().native_output()
    };
    let official = "https://api.anthropic.com";
    for later in ["claude-sonnet-4-5", "claude-opus-4-5-20251101", "claude-opus-4-8"] {
        assert_eq!(native(later, official), NativeOutput::WithTools, "{later}");
    }
    for earlier in ["claude-3-5-haiku-latest", "claude-sonnet-4-20250514", "claude-opus-4-1"] {
        assert_eq!(native(earlier, official), NativeOutput::No, "{earlier}");
    }
    assert_eq!(native("claude-sonnet-4-5", "http://127.0.0.1:1"), NativeOutput::No);
    let builder = AnthropicModel::builder("m").base_url("http://127.0.0.1:1");
    let model = builder.native_output(NativeOutput::WithTools).build().unwrap();
    assert_eq!(model.native_output(), NativeOutput::WithTools);
}
