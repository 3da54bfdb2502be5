//! Asking a model apart from the conversation.

use std::pin::pin;
use std::sync::PoisonError;

use futures_util::StreamExt as _;

use super::Conversation;
use crate::error::{Error, ErrorKind};
use crate::message::Usage;
use crate::model::{MessageAssembler, Model, ModelRequest, ModelTurn};

impl Conversation<'_> {
    /// Asks a model apart from the conversation: no hook sees it, nothing of it stands in the history or
    /// in the stream, and it is no cycle of the invocation. Its tokens count, once. It ends with the
    /// invocation's cancel.
    ///
    /// # Errors
    /// The model's, or [`ErrorKind::Cancelled`].
    pub async fn ask(
        &self,
        model: &dyn Model,
        mut request: ModelRequest,
    ) -> Result<ModelTurn, Error> {
        request.cancel = self.cancel.child_token();
        let _stop = request.cancel.clone().drop_guard();
        let mut assembler = MessageAssembler::new();
        let mut stream = pin!(model.stream(request));
        let outcome = loop {
            let chunk = tokio::select! {
                biased;
                () = self.cancel.cancelled() => {
                    break Err(Error::new(ErrorKind::Cancelled, "the invocation was cancelled"));
                }
                chunk = stream.next() => chunk,
            };
            match chunk {
                Some(Ok(chunk)) => assembler.push(&chunk),
                Some(Err(error)) => break Err(error),
                None => break Ok(()),
            }
        };
        *self.spent.lock().unwrap_or_else(PoisonError::into_inner) += assembler.usage();
        outcome.and_then(|()| assembler.finish())
    }

    /// The tokens that all this asking took.
    pub fn spent(&self) -> Usage {
        *self.spent.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
