//! The body of an answer, and the connection that it comes by.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use hyper::body::Incoming;

use super::connection::Connection;
use super::pool::Pool;

/// The body of an answer. At its end the connection goes back to where it can serve again; if the answer is dropped
/// before, the connection is closed.
#[derive(Debug)]
pub(crate) struct Answer {
    body: Incoming,
    /// None once it is given back, or closed.
    connection: Option<Connection>,
    pool: Arc<Pool>,
}

impl Answer {
    pub(super) fn new(body: Incoming, connection: Connection, pool: Arc<Pool>) -> Self {
        Self { body, connection: Some(connection), pool }
    }
}

impl Body for Answer {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        let Self { body, connection, pool } = self.get_mut();
        // Asked first: the connection reads on only for who waits.
        let mut piece = Pin::new(&mut *body).poll_frame(context);
        if piece.is_pending()
            && let Some(connection) = connection
        {
            connection.drive(context);
            piece = Pin::new(body).poll_frame(context);
        }
        match &piece {
            Poll::Ready(None) => {
                if let Some(connection) = connection.take() {
                    pool.put(connection);
                }
            }
            Poll::Ready(Some(Err(_))) => *connection = None,
            _ => {}
        }
        piece
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
