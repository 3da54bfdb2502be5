//! A whole tool turn with aimock.

use ropewalk_models::AnthropicModel;

use crate::aimock::tool_turn;

#[tokio::test]
async fn a_tool_turn_with_aimock() {
    tool_turn(|origin| {
        let builder = AnthropicModel::builder("claude-sonnet-4-5").base_url(origin);
        builder.api_key("sk-mock").build().unwrap()
    })
    .await;
}
