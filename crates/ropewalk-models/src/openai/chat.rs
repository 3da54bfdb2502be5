//! The interface, as all calls of one model use it.

use ropewalk_core::{Error, ModelRequest, NativeOutput};

use super::manner::Manner;
use super::request::body;
use super::translate::Translator;
use crate::http::{Dialect, Endpoint, Post};
use crate::render::{Conversations, Tools};

/// What a chat model was set to, checked, and what it rendered.
#[derive(Debug)]
pub(crate) struct Chat {
    pub(crate) endpoint: Endpoint,
    pub(crate) manner: &'static Manner,
    /// Under which name the server is told how many tokens an answer may have.
    pub(crate) most_tokens: &'static str,
    /// Under which name thoughts go back to the server, if they do.
    pub(crate) reasoning_field: Option<String>,
    /// Whether thoughts go back to the server as parts of the content.
    pub(crate) thinking_parts: bool,
    /// Whether the server is asked to send the usage at the end of the stream.
    pub(crate) stream_usage: bool,
    /// How far the server holds to JSON Schemas.
    pub(crate) native_output: NativeOutput,
    pub(crate) tools: Tools,
    pub(crate) conversations: Conversations,
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
