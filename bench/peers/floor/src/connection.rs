//! The connection to the server.

use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::task::Poll;

use bench_common::{Failure, KEY};
use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::client::conn::http1::{self, SendRequest};
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

type Work = http1::Connection<TokioIo<TcpStream>, Full<Bytes>>;

pub(crate) struct Connection {
    sender: SendRequest<Full<Bytes>>,
    /// What reads and writes; none if a task of its own does it.
    work: Option<Pin<Box<Work>>>,
}

impl Connection {
    pub(crate) async fn open(host: &str, own_task: bool) -> Result<Self, Failure> {
        let socket = TcpStream::connect(host).await?;
        socket.set_nodelay(true)?;
        let (sender, work) = http1::handshake(TokioIo::new(socket)).await?;
        if !own_task {
            return Ok(Self { sender, work: Some(Box::pin(work)) });
        }
        tokio::spawn(async move {
            // Whoever waits for the answer gets the error.
            drop(work.await);
        });
        Ok(Self { sender, work: None })
    }

    pub(crate) fn is_closed(&self) -> bool {
        self.sender.is_closed()
    }

    pub(crate) async fn post(
        &mut self,
        host: &str,
        body: Vec<u8>,
    ) -> Result<Response<Incoming>, Failure> {
        let request = Request::post("/v1/chat/completions")
            .header("host", host)
            .header("authorization", format!("Bearer {KEY}"))
            .header("content-type", "application/json")
            .body(Full::new(Bytes::from(body)))?;
        with(&mut self.work, self.sender.ready()).await?;
        let response = with(&mut self.work, self.sender.send_request(request)).await?;
        if response.status().is_success() {
            Ok(response)
        } else {
            Err(format!("the server says {}", response.status()).into())
        }
    }

    /// The next piece of an answer's body; none at its end.
    pub(crate) async fn next(
        &mut self,
        response: &mut Response<Incoming>,
    ) -> Result<Option<Bytes>, Failure> {
        while let Some(frame) = with(&mut self.work, response.body_mut().frame()).await {
            if let Ok(data) = frame?.into_data() {
                return Ok(Some(data));
            }
        }
        Ok(None)
    }
}

/// Waits for something, and does the connection's work meanwhile: no task must be woken for each frame.
async fn with<F: Future>(work: &mut Option<Pin<Box<Work>>>, future: F) -> F::Output {
    let Some(work) = work else { return future.await };
    let mut future = pin!(future);
    poll_fn(|context| {
        if let Poll::Ready(output) = future.as_mut().poll(context) {
            return Poll::Ready(output);
        }
        // Its end, or its error, reaches what is waited for.
        let _ = work.as_mut().poll(context);
        future.as_mut().poll(context)
    })
    .await
}
