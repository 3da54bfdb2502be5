//! Messages, as the server takes them.

use serde::Serialize;

#[derive(Clone, Serialize)]
#[serde(tag = "role", rename_all = "lowercase")]
pub(crate) enum Message {
    System {
        content: String,
    },
    User {
        content: String,
    },
    Assistant {
        #[serde(skip_serializing_if = "Option::is_none")]
        content: Option<String>,
        #[serde(skip_serializing_if = "Vec::is_empty")]
        tool_calls: Vec<Call>,
    },
    Tool {
        tool_call_id: String,
        content: String,
    },
}

#[derive(Clone, Serialize)]
pub(crate) struct Call {
    pub(crate) id: String,
    pub(crate) r#type: &'static str,
    pub(crate) function: Function,
}

#[derive(Clone, Default, Serialize)]
pub(crate) struct Function {
    pub(crate) name: String,
    pub(crate) arguments: String,
}

impl Default for Call {
    fn default() -> Self {
        Self { id: String::new(), r#type: "function", function: Function::default() }
    }
}
