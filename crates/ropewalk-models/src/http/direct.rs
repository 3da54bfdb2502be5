//! Connections in the clear, each driven by the call that uses it.
//!
//! HTTP clients give each connection a task of its own. Whatever a server sends then wakes that task first, and the task
//! wakes the one that waits for the answer, on another thread if need be: for a streamed answer that costs several times
//! what reading it does. A connection of HTTP/1.1 serves one call at a time, so here the call itself drives it.

mod answer;
mod connection;
mod pool;
mod stream;

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http::header::{ACCEPT, HOST, USER_AGENT};
use http::{HeaderMap, HeaderValue, Method, Request, Response, Uri};
use http_body_util::Full;
use hyper_util::client::legacy::connect::HttpConnector;
use reqwest::Url;
use tower_http::decompression::Decompression;
use tower_service::Service;

use super::failure::SendError;
pub(crate) use answer::Answer;
use connection::Connection;
use pool::Pool;

/// The connections to one server that is spoken to in the clear. Clones share them.
#[derive(Clone, Debug)]
pub(crate) struct Direct {
    origin: Origin,
    connector: HttpConnector,
    connect_timeout: Duration,
    pool: Arc<Pool>,
}

/// The server.
#[derive(Clone, Debug)]
struct Origin {
    scheme_and_host: Uri,
    host: HeaderValue,
}

/// How connections are made, and kept.
#[derive(Clone, Copy, Debug)]
pub(super) struct Times {
    pub(super) connect_timeout: Duration,
    pub(super) pool_idle_timeout: Duration,
    pub(super) keep_alive: Duration,
}

impl Direct {
    /// Connections to the server of this URL. None if it can't be spoken to like this: over TLS, or with a name and a
    /// password in the URL.
    pub(super) fn to(url: &Url, times: Times) -> Option<Self> {
        let plain = url.scheme() == "http" && url.username().is_empty() && url.password().is_none();
        let host = url.host_str().filter(|_| plain)?;
        let authority = match url.port() {
            Some(port) => format!("{host}:{port}"),
            None => host.to_owned(),
        };
        let origin = Origin {
            scheme_and_host: format!("http://{authority}/").parse().ok()?,
            host: HeaderValue::from_str(&authority).ok()?,
        };
        let mut connector = HttpConnector::new();
        connector.set_nodelay(true);
        connector.set_keepalive(Some(times.keep_alive));
        connector.set_connect_timeout(Some(times.connect_timeout));
        Some(Self {
            origin,
            connector,
            connect_timeout: times.connect_timeout,
            pool: Arc::new(Pool::new(times.pool_idle_timeout)),
        })
    }

    /// Sends a request, and waits for the head of the answer. Dropping the answer before its end closes its connection.
    ///
    /// # Errors
    /// The server can't be reached, or breaks off before it answers.
    pub(super) async fn send(
        &self,
        method: Method,
        url: &Url,
        headers: HeaderMap,
        body: Bytes,
    ) -> Result<super::Response, SendError> {
        let mut request = Request::new(Full::new(body));
        *request.method_mut() = method;
        *request.uri_mut() = path(url)?;
        *request.headers_mut() = headers;
        let headers = request.headers_mut();
        // Whoever set one of these has a reason to.
        headers.entry(HOST).or_insert_with(|| self.origin.host.clone());
        headers.entry(USER_AGENT).or_insert(HeaderValue::from_static(super::USER_AGENT));
        headers.entry(ACCEPT).or_insert(HeaderValue::from_static("*/*"));
        let answer = Decompression::new(self.clone()).call(request).await?;
        Ok(super::Response::Direct(answer.map(Box::pin)))
    }

    /// A connection that answered before is asked first. If it turns out that it was closed before the request was
    /// written, another one is: the server knows nothing of it.
    async fn ask(self, mut request: Request<Full<Bytes>>) -> Result<Response<Answer>, SendError> {
        loop {
            let (mut connection, is_new) = match self.pool.take().await {
                Some(connection) => (connection, false),
                None => (self.connect().await?, true),
            };
            match connection.send(request).await {
                Ok(answer) => {
                    let pool = Arc::clone(&self.pool);
                    return Ok(answer.map(|body| Answer::new(body, connection, pool)));
                }
                Err(mut error) => match error.take_message() {
                    Some(unsent) if !is_new => request = unsent,
                    _ => return Err(SendError::Broken(error.into_error())),
                },
            }
        }
    }

    async fn connect(&self) -> Result<Connection, SendError> {
        let mut connector = self.connector.clone();
        let connecting = connector.call(self.origin.scheme_and_host.clone());
        match tokio::time::timeout(self.connect_timeout, connecting).await {
            Err(_) => Err(SendError::ConnectTimeout),
            Ok(Err(error)) => Err(SendError::Connect(error.into())),
            Ok(Ok(stream)) => {
                Connection::open(stream.into_inner()).await.map_err(SendError::Broken)
            }
        }
    }
}

/// What stands in the first line of a request.
fn path(url: &Url) -> Result<Uri, SendError> {
    let path = match url.query() {
        Some(query) => format!("{}?{query}", url.path()),
        None => url.path().to_owned(),
    };
    Uri::try_from(path).map_err(|error| SendError::Connect(Box::new(error)))
}

impl Service<Request<Full<Bytes>>> for Direct {
    type Response = Response<Answer>;
    type Error = SendError;
    type Future = Pin<Box<dyn Future<Output = Result<Response<Answer>, SendError>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), SendError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Full<Bytes>>) -> Self::Future {
        Box::pin(self.clone().ask(request))
    }
}
