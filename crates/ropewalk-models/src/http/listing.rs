//! Which models a provider offers.

use bytes::Bytes;
use http::Method;
use ropewalk_core::{Error, ErrorKind};
use serde_json::Value;
use tokio::time::timeout;

use super::failure::{broken, refused};
use super::fault::{Fault, malformed};
use super::{Endpoint, shown};

/// Lists of thousands of models are shorter.
const MOST_BYTES: usize = 16 * 1024 * 1024;
/// How long a list may take: it is made for people who wait.
const PATIENCE: std::time::Duration = std::time::Duration::from_secs(20);

/// A model that a provider offers.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ModelInfo {
    /// Its id, as a builder takes it.
    pub id: String,
    /// How many tokens its window holds, where the provider says so.
    pub context_limit: Option<u64>,
}

/// Where a provider lists its models, and how.
#[derive(Debug)]
pub(crate) struct Listing {
    /// The path behind the base URL.
    pub(crate) path: &'static [&'static str],
    /// Where the list is in the answer, as a JSON pointer.
    pub(crate) list: &'static str,
    /// Under which key an id is.
    pub(crate) id: &'static str,
    /// What stands in front of an id there, and not where it is used.
    pub(crate) prefix: &'static str,
    /// Under which keys the size of the window may be.
    pub(crate) windows: &'static [&'static str],
}

impl Listing {
    /// The models, in the order of the server. Only the first page, where there are several.
    ///
    /// # Errors
    /// The server can't be reached, refuses, or sends no list.
    pub(crate) async fn get(&self, endpoint: &Endpoint) -> Result<Vec<ModelInfo>, Error> {
        let mut url = endpoint.base.clone();
        if let Ok(mut segments) = url.path_segments_mut() {
            segments.pop_if_empty().extend(self.path);
        }
        let shown = shown(&url);
        let work = async {
            let headers = endpoint.headers.clone();
            let sending = endpoint.connections.send(Method::GET, url, headers, Bytes::new());
            let mut response =
                sending.await.map_err(|error| refused(error, &shown).context(&endpoint.id))?;
            let mut body = Vec::new();
            while let Some(piece) = response
                .chunk()
                .await
                .map_err(|error| broken(error, &shown).context(&endpoint.id))?
            {
                body.extend_from_slice(&piece);
                if body.len() > MOST_BYTES {
                    let text =
                        format!("the list of models at {shown} is longer than {MOST_BYTES} bytes");
                    return Err(endpoint.error(ErrorKind::Malformed, text));
                }
            }
            let text = String::from_utf8_lossy(&body).into_owned();
            if !response.status().is_success() {
                let fault = Fault::of_text(&text);
                return Err(fault.with_status(response.status(), response.headers(), endpoint));
            }
            self.read(&text, &shown, endpoint)
        };
        timeout(PATIENCE, work).await.unwrap_or_else(|_| {
            let text = format!("{shown} did not list its models within {PATIENCE:?}");
            Err(endpoint.error(ErrorKind::Timeout, text))
        })
    }

    fn read(&self, text: &str, shown: &str, endpoint: &Endpoint) -> Result<Vec<ModelInfo>, Error> {
        let body: Option<Value> = serde_json::from_str(text).ok();
        let list = body.as_ref().and_then(|body| body.pointer(self.list)?.as_array());
        let Some(list) = list else {
            return Err(malformed(format!("{shown} sent no list of models"), text, endpoint));
        };
        let model = |entry: &Value| {
            let id = entry.get(self.id)?.as_str()?;
            let window = |key: &&str| entry.get(*key)?.as_u64();
            Some(ModelInfo {
                id: id.strip_prefix(self.prefix).unwrap_or(id).to_owned(),
                context_limit: self.windows.iter().find_map(window),
            })
        };
        Ok(list.iter().filter_map(model).collect())
    }
}
