//! A whole tool turn with aimock.

use ropewalk_models::OllamaModel;

use crate::aimock::tool_turn;

#[tokio::test]
async fn a_tool_turn_of_ollama_with_aimock() {
    tool_turn(|origin| OllamaModel::builder("qwen3:4b").base_url(origin).build().unwrap()).await;
}
