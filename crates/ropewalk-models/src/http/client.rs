//! The HTTP client of one provider.

use std::sync::Arc;
use std::time::Duration;

use reqwest::{Client, Url, redirect};
use ropewalk_core::{Error, ErrorKind};
use rustls::crypto::{CryptoProvider, ring};
use rustls::{ClientConfig, RootCertStore};
use rustls_platform_verifier::BuilderVerifierExt as _;

/// A client for the server at `url`.
///
/// It follows no redirects (a redirected POST would lose its body, or carry the key elsewhere) and
/// sends nothing for this machine through a proxy.
///
/// # Errors
/// The system has no certificates to check the server's with.
pub(crate) fn client(url: &Url, connect_timeout: Duration) -> Result<Client, Error> {
    let mut builder = Client::builder()
        .user_agent(concat!("ropewalk/", env!("CARGO_PKG_VERSION")))
        .connect_timeout(connect_timeout)
        .redirect(redirect::Policy::none())
        .tls_backend_preconfigured(tls(url)?);
    if is_loopback(url) {
        builder = builder.no_proxy();
    }
    builder.build().map_err(|error| {
        Error::new(ErrorKind::Other, format!("no HTTP client could be made for {}", shown(url)))
            .with_source(error)
    })
}

/// The provider of cryptography is named here and not installed for the whole process: that choice
/// belongs to the program.
fn tls(url: &Url) -> Result<ClientConfig, Error> {
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
    // A server spoken to in the clear needs no certificates, and a system without them can use it.
    Ok(if url.scheme() == "https" {
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

/// The URL as errors may show it: without name, password, query and fragment, where keys may stand.
pub(crate) fn shown(url: &Url) -> String {
    format!("{}{}", url.origin().ascii_serialization(), url.path())
}
