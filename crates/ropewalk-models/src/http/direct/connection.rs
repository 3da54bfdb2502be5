//! One connection.

use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::task::{Context, Poll};

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::client::conn::TrySendError;
use hyper::client::conn::http1::{self, SendRequest};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

use super::stream::{Asks, Stream};

type Wire = http1::Connection<TokioIo<Stream>, Full<Bytes>>;

/// One connection. It does something only while one of its methods is polled.
#[derive(Debug)]
pub(super) struct Connection {
    sender: SendRequest<Full<Bytes>>,
    /// None once it is closed.
    wire: Option<Pin<Box<Wire>>>,
    asks: Asks,
}

impl Connection {
    pub(super) async fn open(socket: TcpStream) -> Result<Self, hyper::Error> {
        let asks = Asks::default();
        let stream = TokioIo::new(Stream::new(socket, asks.clone()));
        let (sender, wire) = http1::handshake(stream).await?;
        Ok(Self { sender, wire: Some(Box::pin(wire)), asks })
    }

    /// Reads and writes what can be.
    pub(super) fn drive(&mut self, context: &mut Context<'_>) {
        drive(&mut self.wire, context);
    }

    /// Whether it can take another request.
    pub(super) async fn is_ready(&mut self) -> bool {
        self.asks.next_time();
        poll_fn(|context| {
            self.drive(context);
            match (&self.wire, self.sender.poll_ready(context)) {
                (None, _) => Poll::Ready(false),
                (Some(_), ready) => ready.map(|ready| ready.is_ok()),
            }
        })
        .await
    }

    /// Sends a request, and waits for the head of the answer.
    pub(super) async fn send(
        &mut self,
        request: Request<Full<Bytes>>,
    ) -> Result<Response<Incoming>, TrySendError<Request<Full<Bytes>>>> {
        let mut answer = pin!(self.sender.try_send_request(request));
        poll_fn(|context| {
            drive(&mut self.wire, context);
            answer.as_mut().poll(context)
        })
        .await
    }
}

fn drive(wire: &mut Option<Pin<Box<Wire>>>, context: &mut Context<'_>) {
    // Why it closed is told to who waits for an answer.
    if wire.as_mut().is_some_and(|open| open.as_mut().poll(context).is_ready()) {
        *wire = None;
    }
}
