#![allow(clippy::unwrap_used)]

use candle_core::quantized::GgmlDType;
use serde_json::{Value, json};

use crate::engine::{Ending, Sampling, Session};
use crate::testing::{FAMILIES, tiny};

/// A model of noise writes valid JSON: it is the grammar that makes it so.
#[test]
fn whatever_the_model_the_output_fits_the_schema() {
    let schemas = [
        json!({"type": "object", "properties": {"n": {"type": "integer", "minimum": 3, "maximum": 400},
            "b": {"type": "boolean"}}, "required": ["n", "b"], "additionalProperties": false}),
        json!({"type": "array", "items": {"enum": ["red", "green"]}, "minItems": 1, "maxItems": 4}),
        json!({"type": "object", "properties": {"s": {"type": "string", "maxLength": 12},
            "e": {"anyOf": [{"type": "null"}, {"$ref": "#/$defs/d"}]}}, "required": ["s", "e"],
            "additionalProperties": false, "$defs": {"d": {"type": "string", "pattern": "^[a-f]{2,5}$"}}}),
    ];
    for family in FAMILIES {
        let engine = tiny(family, GgmlDType::Q8_0).engine();
        for schema in &schemas {
            let validator = jsonschema::validator_for(schema).unwrap();
            for seed in 0..3 {
                let mut grammar = engine.grammars().unwrap().json(schema, "a test").unwrap();
                let sampling =
                    Sampling::greedy().with_temperature(1.5).with_seed(seed).with_max_tokens(400);
                let prompt = engine.begin("hello");
                let mut session = Session::open(&engine, &prompt, &Default::default()).unwrap();
                let mut text = String::new();
                let take = |piece: &str| {
                    text.push_str(piece);
                    true
                };
                let ending = session.write_grammar(&mut grammar, &sampling, take).unwrap();
                if ending == Ending::Length {
                    continue;
                }
                let value: Value = serde_json::from_str(&text).unwrap();
                assert!(validator.is_valid(&value), "{family}: {text} does not fit {schema}");
            }
        }
    }
}

#[test]
fn a_schema_that_is_none_is_an_error() {
    let engine = tiny("llama", GgmlDType::Q8_0).engine();
    let error = engine.grammars().unwrap().json(&json!({"type": "unicorn"}), "`t`").unwrap_err();
    assert!(error.to_string().contains("`t`"), "{error}");
}
