//! What a provider's interface is made of.

use std::collections::VecDeque;
use std::fmt;

use bytes::Bytes;
use reqwest::Url;
use reqwest::header::HeaderMap;
use ropewalk_core::{Error, Metrics, ModelChunk, ModelRequest};

use super::{Endpoint, Fault};

/// Chunks that are ready to be given out.
pub(crate) type Chunks = VecDeque<ModelChunk>;

/// A provider's interface over HTTP: what is posted, and how the answer is read.
pub(crate) trait Dialect: fmt::Debug + Send + Sync + 'static {
    type Reader: Reader;

    /// Where requests go.
    fn endpoint(&self) -> &Endpoint;

    /// What is posted for a request.
    ///
    /// # Errors
    /// The conversation can't be sent.
    fn post(&self, request: &ModelRequest) -> Result<Post, Error>;

    /// What is posted instead, once, after the server refused what was posted first; none if nothing else is worth a
    /// try.
    fn instead(&self, _: &ModelRequest, _: &Fault) -> Option<Result<Post, Error>> {
        None
    }

    /// What reads the answer to this request.
    fn reader(&self, request: &ModelRequest) -> Self::Reader;

    /// How the pieces of a streamed answer are told apart.
    fn framing(&self) -> Framing {
        Framing::Events
    }
}

/// A request, ready to be sent.
#[derive(Debug)]
pub(crate) struct Post {
    pub(crate) url: Url,
    /// Beside those of the endpoint.
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl Post {
    pub(crate) fn new(url: Url, body: impl Into<Bytes>) -> Self {
        Self { url, headers: HeaderMap::new(), body: body.into() }
    }
}

/// How the pieces of a streamed answer are told apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Framing {
    /// Server-sent events. A body that is JSON instead is the answer in one piece.
    Events,
    /// A line of JSON each.
    Lines,
}

/// Whether more of an answer is expected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Flow {
    More,
    /// More is, and what came is only a sign that the server is there.
    Idle,
    /// The server marked the end.
    Done,
}

/// Reads one answer.
pub(crate) trait Reader: fmt::Debug + Send {
    /// Takes one event: its name (`message` if it has none) and what is in it, or one line of JSON.
    ///
    /// # Errors
    /// It can't be understood, or it is the server's report of a failure.
    fn event(
        &mut self,
        name: &str,
        data: &str,
        endpoint: &Endpoint,
        out: &mut Chunks,
    ) -> Result<Flow, Error>;

    /// Takes an answer in one piece.
    ///
    /// # Errors
    /// As for [`event`](Self::event), and if there is no answer in it.
    fn whole(&mut self, body: &str, endpoint: &Endpoint, out: &mut Chunks) -> Result<(), Error>;

    /// The answer is over. `marked` is whether the server marked the end.
    ///
    /// # Errors
    /// The stream broke off.
    fn finish(
        &mut self,
        marked: bool,
        metrics: Metrics,
        endpoint: &Endpoint,
        out: &mut Chunks,
    ) -> Result<(), Error>;
}
