//! A model in the process.

use std::pin::Pin;

use autoagents::async_trait;
use autoagents::llm::chat::{
    ChatMessage, ChatProvider, ChatResponse, StreamChunk, StructuredOutputFormat, Tool,
};
use autoagents::llm::completion::{CompletionProvider, CompletionRequest, CompletionResponse};
use autoagents::llm::embedding::EmbeddingProvider;
use autoagents::llm::error::LLMError;
use autoagents::llm::models::ModelsProvider;
use autoagents::llm::{FunctionCall, LLMProvider, ToolCall};
use bench_common::calls;
use futures_util::{Stream, stream};

type Chunks = Pin<Box<dyn Stream<Item = Result<StreamChunk, LLMError>> + Send>>;

/// Calls the tool so many times, then says a word.
pub(crate) struct Scripted {
    pub(crate) calls: usize,
}

impl LLMProvider for Scripted {}

impl ModelsProvider for Scripted {}

#[async_trait]
impl EmbeddingProvider for Scripted {
    async fn embed(&self, _: Vec<String>) -> Result<Vec<Vec<f32>>, LLMError> {
        Err(unused())
    }
}

#[async_trait]
impl CompletionProvider for Scripted {
    async fn complete(
        &self,
        _: &CompletionRequest,
        _: Option<StructuredOutputFormat>,
    ) -> Result<CompletionResponse, LLMError> {
        Err(unused())
    }
}

#[async_trait]
impl ChatProvider for Scripted {
    async fn chat_with_tools(
        &self,
        _: &[ChatMessage],
        _: Option<&[Tool]>,
        _: Option<StructuredOutputFormat>,
    ) -> Result<Box<dyn ChatResponse>, LLMError> {
        Err(unused())
    }

    async fn chat_stream_with_tools(
        &self,
        _: &[ChatMessage],
        _: Option<&[Tool]>,
        _: Option<StructuredOutputFormat>,
    ) -> Result<Chunks, LLMError> {
        let done = calls();
        if done >= self.calls {
            let chunks = [
                StreamChunk::Text("word ".into()),
                StreamChunk::Done { stop_reason: "end_turn".into() },
            ];
            return Ok(Box::pin(stream::iter(chunks.map(Ok))));
        }
        let id = format!("call_{done:08}");
        let piece = |partial_json: &str| StreamChunk::ToolUseInputDelta {
            index: 0,
            partial_json: partial_json.into(),
        };
        let function = FunctionCall { name: "add".into(), arguments: r#"{"a":1,"b":2}"#.into() };
        let tool_call = ToolCall { id: id.clone(), call_type: "function".into(), function };
        let chunks = [
            StreamChunk::ToolUseStart { index: 0, id, name: "add".into() },
            piece(r#"{"a":1,"#),
            piece(r#""b":2}"#),
            StreamChunk::ToolUseComplete { index: 0, tool_call },
            StreamChunk::Done { stop_reason: "tool_use".into() },
        ];
        Ok(Box::pin(stream::iter(chunks.map(Ok))))
    }
}

/// The agent only streams.
fn unused() -> LLMError {
    LLMError::Generic("this model only streams".into())
}
