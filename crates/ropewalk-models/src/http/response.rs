//! An answer of a server, by whatever connection it comes.

use std::fmt;
use std::future::poll_fn;
use std::pin::Pin;

use bytes::Bytes;
use http::{HeaderMap, StatusCode};
use http_body::Body as _;
use tower_http::decompression::DecompressionBody;

use super::direct::Answer;
use super::failure::SendError;

/// An answer of which the head has come.
pub(crate) enum Response {
    Pooled(reqwest::Response),
    Direct(http::Response<Pin<Box<DecompressionBody<Answer>>>>),
}

impl fmt::Debug for Response {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Response").field("status", &self.status()).finish_non_exhaustive()
    }
}

impl Response {
    pub(crate) fn status(&self) -> StatusCode {
        match self {
            Self::Pooled(response) => response.status(),
            Self::Direct(response) => response.status(),
        }
    }

    pub(crate) fn headers(&self) -> &HeaderMap {
        match self {
            Self::Pooled(response) => response.headers(),
            Self::Direct(response) => response.headers(),
        }
    }

    /// The next bytes of the body; none at its end.
    ///
    /// # Errors
    /// It broke off.
    pub(crate) async fn chunk(&mut self) -> Result<Option<Bytes>, SendError> {
        let body = match self {
            Self::Pooled(response) => return Ok(response.chunk().await?),
            Self::Direct(response) => response.body_mut(),
        };
        loop {
            let frame = match poll_fn(|context| body.as_mut().poll_frame(context)).await {
                None => return Ok(None),
                Some(frame) => frame.map_err(SendError::Body)?,
            };
            // Whatever else there is says nothing to us.
            if let Ok(bytes) = frame.into_data() {
                return Ok(Some(bytes));
            }
        }
    }
}
