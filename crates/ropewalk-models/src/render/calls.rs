//! Tool calls, for interfaces that want arguments as objects and results with the tool's name.

use std::borrow::Cow;

use ropewalk_core::Message;
use serde_json::{Value, json};

use super::tool_name;

/// The name, as it is sent, of the tool that was called under this id in the message before the result.
pub(crate) fn called<'a>(before: Option<&'a Message>, id: &str) -> &'a str {
    let call = before.and_then(|said| said.tool_uses().find(|call| call.tool_use_id == id));
    // No tool has an empty name: a result without its call, which no transcript holds, gets what stands for that.
    tool_name(call.map_or("", |call| &call.name))
}

/// The arguments of a call as an object, which models write all but always.
pub(crate) fn arguments(input: &Value) -> Cow<'_, Value> {
    match input {
        Value::Object(_) => Cow::Borrowed(input),
        Value::Null => Cow::Owned(json!({})),
        other => Cow::Owned(json!({"input": other})),
    }
}
