//! Items of the server's own: what it did by itself, kept as it came.

use ropewalk_core::Extra;
use serde_json::{Value, json};

use super::kept::KEY;

/// Kinds of items that the server makes all by itself, and takes back. Others wait for an answer that nobody gave.
const SENT_BACK: [&str; 7] = [
    "web_search_call",
    "file_search_call",
    "code_interpreter_call",
    "image_generation_call",
    "mcp_call",
    "mcp_list_tools",
    "compaction",
];

/// The block that keeps an item, and whose it is.
pub(super) fn block(item: Value, server: &str) -> Extra {
    Extra::from_iter([(KEY.to_owned(), json!({"server": server, "item": item}))])
}

/// The item that a block keeps, if it came from this server and it takes it back.
pub(super) fn item<'a>(block: &'a Extra, server: &str) -> Option<&'a Value> {
    let kept =
        block.get(KEY).filter(|kept| kept.get("server").is_some_and(|known| known == server))?;
    let item = kept.get("item")?;
    let kind = item.get("type")?.as_str()?;
    SENT_BACK.contains(&kind).then_some(item)
}
