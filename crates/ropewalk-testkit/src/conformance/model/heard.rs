//! What comes from a model, and whether it may come so.

use futures_util::StreamExt as _;
use ropewalk_core::{
    Error, Message, MessageAssembler, Model, ModelChunk, ModelRequest, ModelTurn, Transcript,
};

/// A plain question.
pub(super) fn question() -> ModelRequest {
    let mut messages = Transcript::new();
    // A message of text can follow nothing.
    let _ = messages.push(Message::user("How high is Säntis?"));
    ModelRequest::new(messages)
}

/// All chunks, and the error if there was one.
pub(super) async fn heard(
    model: &impl Model,
    request: ModelRequest,
) -> (Vec<ModelChunk>, Option<Error>) {
    let mut stream = model.stream(request);
    let mut chunks = Vec::new();
    while let Some(item) = stream.next().await {
        match item {
            Ok(chunk) => chunks.push(chunk),
            Err(error) => return (chunks, Some(error)),
        }
    }
    (chunks, None)
}

/// A whole answer, its chunks in the order that they must have.
pub(super) async fn answer(model: &impl Model, request: ModelRequest) -> Result<ModelTurn, String> {
    let (chunks, error) = heard(model, request).await;
    if let Some(error) = error {
        return Err(format!("the error `{error}` after {} chunks", chunks.len()));
    }
    in_order(&chunks)?;
    let mut assembler = MessageAssembler::new();
    chunks.iter().for_each(|chunk| assembler.push(chunk));
    assembler.finish().map_err(|error| error.to_string())
}

/// The error of a call that must fail.
pub(super) async fn failure(model: &impl Model) -> Result<Error, String> {
    let (chunks, error) = heard(model, question()).await;
    error.ok_or_else(|| format!("no error, but {chunks:?}"))
}

/// Checks the order of an answer's chunks.
fn in_order(chunks: &[ModelChunk]) -> Result<(), String> {
    let (mut began, mut open, mut ended, mut counted) = (false, false, false, false);
    for chunk in chunks {
        let fits = match chunk {
            ModelChunk::MessageStart(_) => !std::mem::replace(&mut began, true),
            ModelChunk::ContentBlockStart(_) => {
                began && !ended && !std::mem::replace(&mut open, true)
            }
            ModelChunk::ContentBlockDelta(_) => open,
            ModelChunk::ContentBlockStop(_) => std::mem::take(&mut open),
            ModelChunk::MessageStop(_) => began && !open && !std::mem::replace(&mut ended, true),
            ModelChunk::Metadata(_) => !std::mem::replace(&mut counted, true),
            _ => true,
        };
        if !fits {
            return Err(format!("{chunk:?} where it can't stand in {chunks:?}"));
        }
    }
    if ended { Ok(()) } else { Err(format!("no end in {chunks:?}")) }
}
