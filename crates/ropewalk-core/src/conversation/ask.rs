//! Asking a model apart from the conversation.

use std::pin::pin;
use std::sync::PoisonError;

use futures_util::StreamExt as _;

use super::Conversation;
use crate::clock::has_clock;
use crate::error::{Error, ErrorKind};
use crate::message::Usage;
use crate::model::{MessageAssembler, Model, ModelRequest, ModelTurn};

impl Conversation<'_> {
    /// Asks a model apart from the conversation: no hook sees it, nothing of it stands in the history or
    /// in the stream, and it is no cycle of the invocation. Its tokens count, once. It ends with the
    /// invocation's cancel. A call that fails is made again as the agent's
    /// [`RetryStrategy`](crate::RetryStrategy) says.
    ///
    /// # Errors
    /// The model's, or [`ErrorKind::Cancelled`].
    pub async fn ask(&self, model: &dyn Model, request: ModelRequest) -> Result<ModelTurn, Error> {
        let mut attempt = 1;
        loop {
            let error = match self.ask_once(model, request.clone()).await {
                Ok(turn) => return Ok(turn),
                Err(error) => error,
            };
            // Without a clock there is nothing to wait by.
            let retry = self.retry.filter(|_| has_clock());
            let Some(wait) = retry.and_then(|it| it.wait(attempt, &error)) else {
                return Err(error);
            };
            tracing::warn!(attempt, ?wait, "a model is asked again: {}", error.report());
            tokio::select! {
                biased;
                () = self.cancel.cancelled() => return Err(error),
                () = tokio::time::sleep(wait) => {}
            }
            attempt += 1;
        }
    }

    async fn ask_once(
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
