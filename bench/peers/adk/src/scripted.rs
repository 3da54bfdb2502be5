//! A model in the process.

use adk_rust::prelude::*;
use adk_rust::{FinishReason, LlmResponseStream};
use async_trait::async_trait;
use bench_common::calls;
use futures_util::stream;
use serde_json::json;

/// Calls the tool so many times, then says a word.
pub(crate) struct Scripted {
    pub(crate) calls: usize,
}

#[async_trait]
impl Llm for Scripted {
    fn name(&self) -> &str {
        "scripted"
    }

    async fn generate_content(&self, _: LlmRequest, _: bool) -> Result<LlmResponseStream> {
        let done = calls();
        let mut content = Content::new("model");
        if done < self.calls {
            content.parts.push(Part::FunctionCall {
                name: "add".into(),
                args: json!({"a": 1, "b": 2}),
                id: Some(format!("call_{done:08}")),
                thought_signature: None,
            });
        } else {
            content = content.with_text("word ");
        }
        let response = LlmResponse {
            content: Some(content),
            turn_complete: true,
            finish_reason: Some(FinishReason::Stop),
            ..Default::default()
        };
        Ok(Box::pin(stream::iter([Ok(response)])))
    }
}
