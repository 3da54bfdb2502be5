//! A whole tool turn with aimock.

use ropewalk_models::OpenAiChat;

use crate::aimock::tool_turn;

#[tokio::test]
async fn a_tool_turn_with_aimock() {
    tool_turn(|origin| {
        let builder = OpenAiChat::builder("gpt-4o-mini").base_url(format!("{origin}/v1"));
        builder.api_key("sk-mock").build().unwrap()
    })
    .await;
}
