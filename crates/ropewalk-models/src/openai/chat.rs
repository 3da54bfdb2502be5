//! The interface, as all calls of one model use it.

use ropewalk_core::{Error, ModelRequest, NativeOutput};

use super::request::body;
use super::translate::Translator;
use crate::http::{Dialect, Endpoint, Post};
use crate::render::Cache;

/// What a chat model was set to, checked, and what it rendered.
#[derive(Debug)]
pub(super) struct Chat {
    pub(super) endpoint: Endpoint,
    /// Under which name the server is told how many tokens an answer may have.
    pub(super) most_tokens: &'static str,
    /// Under which name thoughts go back to the server, if they do.
    pub(super) reasoning_field: Option<String>,
    /// Whether the server is asked to send the usage at the end of the stream.
    pub(super) stream_usage: bool,
    /// How far the server holds to JSON Schemas.
    pub(super) native_output: NativeOutput,
    pub(super) cache: Cache,
}

impl Dialect for Chat {
    type Reader = Translator;

    fn endpoint(&self) -> &Endpoint {
        &self.endpoint
    }

    fn post(&self, request: &ModelRequest) -> Result<Post, Error> {
        let body = body(request, self).map_err(|error| error.context(&self.endpoint.id))?;
        Ok(Post::new(self.endpoint.url.clone(), body))
    }

    fn reader(&self, _: &ModelRequest) -> Translator {
        Translator::default()
    }
}
