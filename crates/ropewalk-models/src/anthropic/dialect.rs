//! The interface, as all calls of one model use it.

use ropewalk_core::{CachePoint, Error, ModelRequest, NativeOutput};
use serde_json::Value;

use super::request::body;
use super::translate::Translator;
use crate::http::{Dialect, Endpoint, Post};
use crate::render::Cache;

/// What a model was set to, checked, and what it rendered.
#[derive(Debug)]
pub(super) struct Anthropic {
    pub(super) endpoint: Endpoint,
    /// Tools that run at the provider, as the interface describes them.
    pub(super) server_tools: Vec<Value>,
    /// The cache point behind the tools.
    pub(super) cache_tools: Option<CachePoint>,
    /// How far the server holds to JSON Schemas.
    pub(super) native_output: NativeOutput,
    pub(super) cache: Cache,
}

impl Anthropic {
    /// Whether tools are offered with a request.
    pub(super) fn offers_tools(&self, request: &ModelRequest) -> bool {
        !(request.tools.is_empty() && self.server_tools.is_empty())
    }

    /// Whether the provider may pause a turn: where tools run at it.
    pub(super) fn may_pause(&self) -> bool {
        !self.server_tools.is_empty() || self.endpoint.params.contains_key("mcp_servers")
    }
}

impl Dialect for Anthropic {
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
