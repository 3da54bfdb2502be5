#![allow(clippy::unwrap_used)]

use candle_core::quantized::GgmlDType;
use serde_json::json;

use super::{ChatTemplate, spaced};
use crate::testing::tiny;

#[test]
fn the_models_own_template_is_rendered() {
    let engine = tiny("llama", GgmlDType::Q8_0).engine();
    let messages = [json!({"role": "user", "content": "hi <b>"})];
    let text = engine.template.render(&messages, &[json!({"a": "<"})]).unwrap();
    assert_eq!(text, "<|im_start|>user\nhi <b><|im_end|>\n[{\"a\": \"<\"}]<|im_start|>assistant\n");
}

#[test]
fn json_has_spaces_after_its_marks() {
    assert_eq!(spaced(&json!({"a": [1, "x:y,z"]})), "{\"a\": [1, \"x:y,z\"]}");
}

/// A model that is told another day than today's gives wrong answers about time.
#[test]
fn the_date_is_todays() {
    let engine = tiny("llama", GgmlDType::Q8_0).engine();
    let dated = |format: &str| {
        let source = format!("{{{{ strftime_now(\"{format}\") }}}}");
        let template = ChatTemplate::compile(&source, "dated", &engine.vocabulary).unwrap();
        template.render(&[], &[])
    };
    let today = || jiff::Zoned::now().date();
    let (before, said, after) = (today(), dated("%Y-%m-%d").unwrap(), today());
    assert!([before, after].map(|day| day.to_string()).contains(&said), "{said}");
    assert_eq!(dated("%d %b %Y").unwrap().len(), "26 Nov 2026".len());
    let error = dated("%!").unwrap_err();
    assert!(error.to_string().contains("strftime_now"), "{error}");
}
