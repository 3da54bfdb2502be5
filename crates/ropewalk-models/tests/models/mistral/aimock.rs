//! A whole tool turn with aimock.

use ropewalk_models::MistralModel;

use crate::aimock::tool_turn;

#[tokio::test]
async fn a_tool_turn_with_aimock() {
    tool_turn(|origin| {
        let builder =
            MistralModel::builder("mistral-small-latest").base_url(format!("{origin}/v1"));
        builder.api_key("mock").build().unwrap()
    })
    .await;
}
