//! TLS: whom to trust.

use std::sync::Arc;

use ropewalk_core::{Error, ErrorKind};
use rustls::ClientConfig;
use rustls::crypto::ring;
use rustls_platform_verifier::BuilderVerifierExt as _;

/// Trusts what the system trusts. The provider of cryptography is named here and not installed for the whole
/// process: that choice belongs to the program.
pub(super) fn config(place: &str) -> Result<ClientConfig, Error> {
    let failed = |error: rustls::Error| {
        let text = format!(
            "no secure connection to {place} can be made on this system: {error}. Install its CA certificates (the package is often called `ca-certificates`) or name a file of them in SSL_CERT_FILE"
        );
        Error::new(ErrorKind::Journal, text).with_source(error)
    };
    let builder = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(failed)?;
    Ok(builder.with_platform_verifier().map_err(failed)?.with_no_client_auth())
}
