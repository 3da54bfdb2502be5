//! The interface, as all calls of one model use it.

use ropewalk_core::{Error, ModelRequest};
use serde_json::{Map, Value};

use super::request::body;
use super::translate::Translator;
use crate::http::{Dialect, Endpoint, Framing, Post};
use crate::render::Cache;

/// What a model was set to, checked, and what it rendered.
#[derive(Debug)]
pub(super) struct Ollama {
    pub(super) endpoint: Endpoint,
    /// What stands in `options`.
    pub(super) options: Map<String, Value>,
    pub(super) cache: Cache,
}

impl Dialect for Ollama {
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

    fn framing(&self) -> Framing {
        Framing::Lines
    }
}
