//! A whole tool turn with aimock.

use ropewalk_models::GeminiModel;

use crate::aimock::tool_turn;

#[tokio::test]
async fn a_tool_turn_of_gemini_with_aimock() {
    tool_turn(|origin| {
        let builder = GeminiModel::builder("gemini-2.5-flash").base_url(format!("{origin}/v1beta"));
        builder.api_key("mock-key").build().unwrap()
    })
    .await;
}
