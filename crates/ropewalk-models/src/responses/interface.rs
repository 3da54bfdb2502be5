//! The interface, as all calls of one model use it.

use ropewalk_core::{Error, ModelRequest, NativeOutput};
use serde_json::Value;

use super::request::{Way, body, first, pieces};
use super::translate::Translator;
use super::{chain, service};
use crate::http::{Dialect, Endpoint, Fault, Post};
use crate::render::Cache;

/// What a model was set to, checked, and what it rendered.
#[derive(Debug)]
pub(super) struct Responses {
    pub(super) endpoint: Endpoint,
    /// Whether answers are gone on from where the server keeps them.
    pub(super) is_stateful: bool,
    /// Whether the server keeps its answers.
    pub(super) is_stored: bool,
    /// Whether the server is asked to encrypt the model's thoughts for us to keep.
    pub(super) encrypts: bool,
    /// Tools that run at the server.
    pub(super) server_tools: Vec<Value>,
    /// How far the server holds to JSON Schemas.
    pub(super) native_output: NativeOutput,
    pub(super) cache: Cache,
}

impl Responses {
    /// Whether the system prompt is a part of what the server keeps.
    pub(super) fn keeps_system(&self) -> bool {
        service::keeps_system(&self.endpoint)
    }

    /// What of the conversation the server knows.
    pub(super) fn known(&self, request: &ModelRequest) -> Option<chain::Known> {
        let pieces = self.is_stateful.then(|| pieces(request, self))?;
        chain::known(&first(request, self), &request.messages, &pieces, self.endpoint.host())
    }

    fn posted(&self, request: &ModelRequest, way: Way) -> Result<Post, Error> {
        let body = body(request, self, way).map_err(|error| error.context(&self.endpoint.id))?;
        Ok(Post::new(self.endpoint.url.clone(), body))
    }
}

impl Dialect for Responses {
    type Reader = Translator;

    fn endpoint(&self) -> &Endpoint {
        &self.endpoint
    }

    fn post(&self, request: &ModelRequest) -> Result<Post, Error> {
        self.posted(request, Way::Shortest)
    }

    fn instead(&self, request: &ModelRequest, refusal: &Fault) -> Option<Result<Post, Error>> {
        if refusal.says(&["previous_response", "previous response"])
            && self.known(request).is_some()
        {
            tracing::warn!(
                model = self.endpoint.id,
                "the server does not know the conversation any more: it is sent all of it"
            );
            return Some(self.posted(request, Way::Whole));
        }
        if self.encrypts && refusal.says(&["encrypted content", "encrypted_content"]) {
            tracing::warn!(
                model = self.endpoint.id,
                "the server does not take encrypted thoughts: set `encrypted_reasoning(false)` if it never does"
            );
            return Some(self.posted(request, Way::WithoutThoughts));
        }
        None
    }

    fn reader(&self, request: &ModelRequest) -> Translator {
        let digest = || chain::digest(&first(request, self), &pieces(request, self));
        Translator::new(self.is_stateful.then(digest))
    }
}
