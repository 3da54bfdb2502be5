//! What went wrong on the wire.

use std::error::Error as StdError;
use std::io;

use ropewalk_core::{Error, ErrorKind};
use rustls::CertificateError;

/// Why a request did not get an answer.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SendError {
    #[error(transparent)]
    Pooled(#[from] reqwest::Error),
    #[error("no connection could be made")]
    Connect(#[source] Box<dyn StdError + Send + Sync>),
    #[error("no connection could be made in time")]
    ConnectTimeout,
    #[error("the connection broke off")]
    Broken(#[source] hyper::Error),
    #[error("the answer broke off")]
    Body(#[source] Box<dyn StdError + Send + Sync>),
}

impl SendError {
    fn is_connect(&self) -> bool {
        match self {
            Self::Pooled(error) => error.is_connect(),
            Self::Connect(_) | Self::ConnectTimeout => true,
            Self::Broken(_) | Self::Body(_) => false,
        }
    }

    fn is_timeout(&self) -> bool {
        match self {
            Self::Pooled(error) => error.is_timeout(),
            Self::Connect(_) => causes(self).any(|cause| {
                let error = cause.downcast_ref::<io::Error>();
                error.is_some_and(|error| error.kind() == io::ErrorKind::TimedOut)
            }),
            Self::ConnectTimeout => true,
            Self::Broken(error) => error.is_timeout(),
            Self::Body(_) => false,
        }
    }

    /// Without what may stand in a URL.
    fn without_url(self) -> Self {
        match self {
            Self::Pooled(error) => Self::Pooled(error.without_url()),
            other => other,
        }
    }
}

/// The request did not get an answer from the server at `url`.
pub(crate) fn refused(error: SendError, url: &str) -> Error {
    if matches!(&error, SendError::Pooled(error) if error.is_builder()) {
        let text = format!("the request to {url} can't be made");
        return Error::new(ErrorKind::InvalidInput, text).with_source(error.without_url());
    }
    let cause = innermost(&error);
    let (kind, text) = if let Some(text) = untrusted(&error, url) {
        // The same request would fail again: something has to be set right first.
        (ErrorKind::InvalidInput, text)
    } else if error.is_timeout() && error.is_connect() {
        let text = format!("{url} could not be connected to in time: is the server up?");
        (ErrorKind::Timeout, text)
    } else if error.is_timeout() {
        (ErrorKind::Timeout, format!("{url} does not answer any more ({cause})"))
    } else if error.is_connect() {
        let text = format!(
            "{url} can't be reached ({cause}): is the base URL right, and is the server up?"
        );
        (ErrorKind::Unavailable, text)
    } else {
        (ErrorKind::Unavailable, format!("{url} broke off before it answered ({cause})"))
    };
    Error::new(kind, text).with_source(error.without_url())
}

/// The answer of the server at `url` broke off.
pub(crate) fn broken(error: SendError, url: &str) -> Error {
    let cause = innermost(&error);
    let text = format!("the answer of {url} broke off ({cause})");
    Error::new(ErrorKind::Unavailable, text).with_source(error.without_url())
}

/// What to do about the server's certificate, if that was the reason.
fn untrusted(error: &(dyn StdError + 'static), url: &str) -> Option<String> {
    let mut causes = causes(error);
    let found = causes.find_map(|cause| match cause.downcast_ref::<rustls::Error>() {
        Some(rustls::Error::InvalidCertificate(why)) => Some(why),
        _ => None,
    })?;
    Some(match found {
        CertificateError::UnknownIssuer => format!(
            "{url} has a certificate of an authority that this system does not know: if it is that of \
             your own organisation or of its proxy, give its certificate with \
             `HttpClient::ca_certificate`, or name a file with it in SSL_CERT_FILE"
        ),
        why => format!(
            "{url} has a certificate that can't be accepted ({why}): is the base URL right, and this \
             machine's clock?"
        ),
    })
}

/// The last cause says most: "connection refused", not "error sending request".
fn innermost(error: &(dyn StdError + 'static)) -> String {
    causes(error).last().map(ToString::to_string).unwrap_or_default()
}

/// The error, and what caused it, one after the other.
fn causes<'a>(
    error: &'a (dyn StdError + 'static),
) -> impl Iterator<Item = &'a (dyn StdError + 'static)> {
    std::iter::successors(Some(error), |error| cause(*error))
}

fn cause<'a>(error: &'a (dyn StdError + 'static)) -> Option<&'a (dyn StdError + 'static)> {
    // What an I/O error holds is not its source: that is the source of what it holds.
    match error.downcast_ref::<io::Error>().and_then(io::Error::get_ref) {
        Some(held) => Some(held),
        None => error.source(),
    }
}
