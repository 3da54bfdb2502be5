//! A model in the process.

use bench_common::calls;
use futures_util::stream;
use ropewalk::{BoxStream, Error, Metrics, Model, ModelChunk, ModelRequest, StopReason, Usage};

/// Calls the tool so many times, then says a word.
pub(crate) struct Scripted {
    pub(crate) calls: usize,
}

impl Model for Scripted {
    fn id(&self) -> &str {
        "scripted"
    }

    fn stream(&self, _: ModelRequest) -> BoxStream<'_, Result<ModelChunk, Error>> {
        let done = calls();
        let chunks = if done < self.calls {
            vec![
                ModelChunk::message_start(),
                ModelChunk::tool_use_start(format!("call_{done:08}"), "add"),
                ModelChunk::input_delta(r#"{"a":1,"#),
                ModelChunk::input_delta(r#""b":2}"#),
                ModelChunk::block_stop(),
                ModelChunk::message_stop(StopReason::ToolUse),
                ModelChunk::metadata(Usage::new(10, 1), Metrics::default()),
            ]
        } else {
            let usage = Usage::new(10, 1);
            ModelChunk::text_message("word ", StopReason::EndTurn, usage).into_iter().collect()
        };
        Box::pin(stream::iter(chunks.into_iter().map(Ok)))
    }
}
