#![allow(clippy::unwrap_used)]

use candle_core::quantized::GgmlDType;
use ropewalk_core::{Message, ModelRequest, Transcript};

use super::chat;
use crate::template::ChatTemplate;
use crate::testing::tiny;

/// A template that insists on turns, as several families' do.
const STRICT: &str = "{% set rest = messages[1:] if messages[0].role == 'system' else messages %}\
    {% for m in rest %}\
    {% if (m.role == 'user') != (loop.index0 % 2 == 0) %}{{ raise_exception('roles must alternate') }}{% endif %}\
    [{{ m.role }}] {{ m.content }}\n{% endfor %}";

#[test]
fn messages_of_one_role_in_a_row_are_no_obstacle() {
    let engine = tiny("llama", GgmlDType::Q8_0).engine();
    let template = ChatTemplate::compile(STRICT, "strict", &engine.vocabulary).unwrap();
    let messages = Transcript::from_messages([
        Message::user("the first, which failed"),
        Message::user("the second"),
        Message::assistant("yes"),
        Message::assistant("and no"),
        Message::user("the third"),
    ]);
    let mut request = ModelRequest::new(messages.unwrap());
    request.system = Some("be kind".into());
    for tools in [false, true] {
        let chat = chat(&request, &engine.vocabulary, None, tools);
        let text = template.render(&chat, &[]).unwrap();
        assert_eq!(
            text,
            "[user] the first, which failed\n\nthe second\n[assistant] yes\n\nand no\n[user] the third\n"
        );
    }
    let twice = [
        serde_json::json!({"role": "user", "content": "a"}),
        serde_json::json!({"role": "user", "content": "b"}),
    ];
    assert!(template.render(&twice, &[]).unwrap_err().to_string().contains("alternate"));
}
