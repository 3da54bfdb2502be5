//! The interface, as all calls of one model use it.

use ropewalk_core::{Error, ModelRequest, NativeOutput};
use serde_json::{Map, Value};

use super::request::body;
use super::translate::Translator;
use crate::http::{Dialect, Endpoint, Post};
use crate::render::Cache;

/// What a Gemini model was set to, checked, and what it rendered.
#[derive(Debug)]
pub(super) struct Gemini {
    pub(super) endpoint: Endpoint,
    /// What stands in `generationConfig`.
    pub(super) settings: Map<String, Value>,
    /// Tools that run at Google, as JSON.
    pub(super) built_in: Vec<String>,
    /// Whether it is of the third generation or a later one: these insist on signatures, and take media in results.
    pub(super) is_third: bool,
    /// How far the model holds to JSON Schemas.
    pub(super) native_output: NativeOutput,
    pub(super) cache: Cache,
}

impl Dialect for Gemini {
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
