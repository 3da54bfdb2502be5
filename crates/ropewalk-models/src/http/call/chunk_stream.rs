//! A call as the stream of its chunks.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use futures_util::Stream;
use ropewalk_core::{Error, ModelChunk};
use tokio_util::sync::ReusableBoxFuture;

use super::Call;
use crate::http::dialect::Dialect;

/// The chunks of a call. A future is made for what has to be waited for, and not for each chunk that is there.
pub(super) struct ChunkStream<D: Dialect> {
    /// None while a step is under way.
    call: Option<Box<Call<D>>>,
    /// None before the first one.
    step: Option<ReusableBoxFuture<'static, Box<Call<D>>>>,
}

impl<D: Dialect> ChunkStream<D> {
    pub(super) fn new(call: Box<Call<D>>) -> Self {
        Self { call: Some(call), step: None }
    }
}

impl<D: Dialect> Stream for ChunkStream<D> {
    type Item = Result<ModelChunk, Error>;

    fn poll_next(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = self.get_mut();
        loop {
            if let Some(call) = &mut this.call
                && let Poll::Ready(item) = call.ready()
            {
                return Poll::Ready(item);
            }
            if let Some(call) = this.call.take() {
                match &mut this.step {
                    Some(step) => step.set(call.step()),
                    None => this.step = Some(ReusableBoxFuture::new(call.step())),
                }
            }
            // There is a step: none but the first call was there without one, and that has just got it.
            let Some(step) = &mut this.step else { return Poll::Ready(None) };
            this.call = Some(ready!(step.poll(context)));
        }
    }
}
