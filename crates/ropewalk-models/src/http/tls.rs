//! Secure connections.

use std::sync::Arc;

use ropewalk_core::{Error, ErrorKind};
use rustls::crypto::{CryptoProvider, ring};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use rustls::{ClientConfig, RootCertStore};
use rustls_platform_verifier::{BuilderVerifierExt as _, Verifier};

/// The certificates that servers are checked with.
pub(super) enum Roots<'a> {
    /// None: nobody is spoken to over TLS.
    None,
    /// Those of the system, and these, as PEM.
    System(&'a [Vec<u8>]),
}

/// How servers are spoken to over TLS: by HTTP/2 if they can, else by HTTP/1.1.
///
/// The provider of cryptography is named here and not installed for the whole process: that choice belongs to the
/// program.
///
/// # Errors
/// The system has no certificates, or those that were given can't be used. `server` is named then.
pub(super) fn config(roots: &Roots<'_>, server: &str) -> Result<ClientConfig, Error> {
    let provider: Arc<CryptoProvider> = Arc::new(ring::default_provider());
    let failed = |error: rustls::Error| {
        Error::new(
            ErrorKind::Unavailable,
            format!(
                "no secure connection to {server} can be made on this system: {error}. Install its CA \
                 certificates (the package is often called `ca-certificates`) or name a file of \
                 them in SSL_CERT_FILE"
            ),
        )
    };
    let builder = ClientConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .map_err(failed)?;
    let mut config = match roots {
        Roots::None => builder.with_root_certificates(RootCertStore::empty()).with_no_client_auth(),
        Roots::System([]) => {
            builder.with_platform_verifier().map_err(failed)?.with_no_client_auth()
        }
        Roots::System(pem) => {
            let verifier = Verifier::new_with_extra_roots(certificates(pem)?, provider)
                .map_err(|error| unusable(&error.to_string()))?;
            builder
                .dangerous()
                .with_custom_certificate_verifier(Arc::new(verifier))
                .with_no_client_auth()
        }
    };
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(config)
}

fn certificates(pem: &[Vec<u8>]) -> Result<Vec<CertificateDer<'static>>, Error> {
    let mut all = Vec::new();
    for text in pem {
        let before = all.len();
        for certificate in CertificateDer::pem_slice_iter(text) {
            all.push(certificate.map_err(|error| unusable(&error.to_string()))?);
        }
        if all.len() == before {
            return Err(unusable("there is none in the text"));
        }
    }
    Ok(all)
}

fn unusable(why: &str) -> Error {
    let text = format!(
        "the CA certificate can't be used ({why}): give it as PEM, from `-----BEGIN CERTIFICATE-----` on"
    );
    Error::new(ErrorKind::InvalidInput, text)
}
