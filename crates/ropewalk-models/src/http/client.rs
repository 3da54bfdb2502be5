//! Connections.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use reqwest::{Client, Url, redirect};
use ropewalk_core::{Error, ErrorKind};
use rustls::crypto::{CryptoProvider, ring};
use rustls::{ClientConfig, RootCertStore};
use rustls_platform_verifier::BuilderVerifierExt as _;

use super::shown;

/// The connections that models use, and how they are made. Cheap to clone; clones share their connections, and so do
/// all models that are given one.
///
/// It follows no redirects (a redirected POST would lose its body, or carry the key elsewhere) and sends nothing for
/// this machine through a proxy.
///
/// ```
/// use std::time::Duration;
/// use ropewalk_models::{HttpClient, OpenAiChat};
///
/// let client = HttpClient::new().connect_timeout(Duration::from_secs(3));
/// let small = OpenAiChat::builder("small").base_url("http://127.0.0.1:8080/v1").http_client(&client).build()?;
/// let large = OpenAiChat::builder("large").base_url("http://127.0.0.1:8080/v1").http_client(&client).build()?;
/// # let _ = (small, large);
/// # Ok::<(), ropewalk_core::Error>(())
/// ```
#[derive(Clone)]
pub struct HttpClient {
    connect_timeout: Duration,
    /// Made when they are asked for.
    made: Arc<Mutex<HashMap<Reach, Client>>>,
}

/// What a client can reach.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Reach {
    /// Servers spoken to in the clear need no certificates, and a system without them can use them.
    is_secure: bool,
    is_loopback: bool,
}

impl Default for HttpClient {
    fn default() -> Self {
        Self::new()
    }
}

impl HttpClient {
    /// A client with the defaults.
    pub fn new() -> Self {
        Self { connect_timeout: Duration::from_secs(10), made: Arc::default() }
    }

    /// How long making a connection may take. Unless said: 10 s. What was connected before stays with the client
    /// that this one was made of.
    #[must_use]
    pub fn connect_timeout(mut self, limit: Duration) -> Self {
        self.connect_timeout = limit;
        self.made = Arc::default();
        self
    }

    /// The client for the server at `url`.
    ///
    /// # Errors
    /// The system has no certificates to check the server's with.
    pub(crate) fn for_url(&self, url: &Url) -> Result<Client, Error> {
        let reach = Reach { is_secure: url.scheme() == "https", is_loopback: is_loopback(url) };
        let mut made = self.made.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(client) = made.get(&reach) {
            return Ok(client.clone());
        }
        let client = self.make(reach, url)?;
        made.insert(reach, client.clone());
        Ok(client)
    }

    fn make(&self, reach: Reach, url: &Url) -> Result<Client, Error> {
        let mut builder = Client::builder()
            .user_agent(concat!("ropewalk/", env!("CARGO_PKG_VERSION")))
            .connect_timeout(self.connect_timeout)
            .redirect(redirect::Policy::none())
            .tls_backend_preconfigured(tls(reach, url)?);
        if reach.is_loopback {
            builder = builder.no_proxy();
        }
        builder.build().map_err(|error| {
            let text = format!("no HTTP client could be made for {}", shown(url));
            Error::new(ErrorKind::Other, text).with_source(error)
        })
    }
}

impl fmt::Debug for HttpClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HttpClient")
            .field("connect_timeout", &self.connect_timeout)
            .finish_non_exhaustive()
    }
}

/// The provider of cryptography is named here and not installed for the whole process: that choice
/// belongs to the program.
fn tls(reach: Reach, url: &Url) -> Result<ClientConfig, Error> {
    let provider: Arc<CryptoProvider> = Arc::new(ring::default_provider());
    let failed = |error: rustls::Error| {
        Error::new(
            ErrorKind::Unavailable,
            format!(
                "no secure connection to {} can be made on this system: {error}. Install its CA \
                 certificates (the package is often called `ca-certificates`) or name a file of \
                 them in SSL_CERT_FILE",
                shown(url)
            ),
        )
    };
    let builder = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(failed)?;
    Ok(if reach.is_secure {
        builder.with_platform_verifier().map_err(failed)?.with_no_client_auth()
    } else {
        builder.with_root_certificates(RootCertStore::empty()).with_no_client_auth()
    })
}

fn is_loopback(url: &Url) -> bool {
    let host = url.host_str().unwrap_or_default().trim_matches(['[', ']']);
    host == "localhost"
        || host.ends_with(".localhost")
        || host.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback())
}
