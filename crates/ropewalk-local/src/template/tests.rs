#![allow(clippy::unwrap_used)]

use candle_core::quantized::GgmlDType;
use serde_json::json;

use super::spaced;
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
