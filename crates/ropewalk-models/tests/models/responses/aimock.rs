//! A whole tool turn with aimock.

use ropewalk_models::OpenAiResponses;

use crate::aimock::tool_turn;

#[tokio::test]
async fn a_tool_turn_with_aimock() {
    tool_turn(|origin| {
        let builder = OpenAiResponses::builder("gpt-5.2").base_url(format!("{origin}/v1"));
        builder.api_key("sk-mock").build().unwrap()
    })
    .await;
}
