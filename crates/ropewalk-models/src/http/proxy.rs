//! Which proxy connections go through.

use hyper_util::client::proxy::matcher::Matcher;
use reqwest::{ClientBuilder, Url};
use ropewalk_core::{Error, ErrorKind};
use secrecy::{ExposeSecret as _, SecretString};

/// Where programs look for a proxy.
const VARIABLES: [&str; 6] =
    ["HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"];

/// Which proxy connections go through.
#[derive(Clone, Default)]
pub(super) enum Proxy {
    /// What the system says, in the usual variables.
    #[default]
    System,
    None,
    /// Its URL, which may hold a password.
    At(SecretString),
}

impl Proxy {
    /// Whether there may be a proxy that is spoken to over TLS.
    pub(super) fn may_be_secure(&self) -> bool {
        let is_secure = |url: &str| url.trim_start().to_ascii_lowercase().starts_with("https:");
        match self {
            Self::System => {
                VARIABLES.iter().any(|name| std::env::var(name).is_ok_and(|url| is_secure(&url)))
            }
            Self::None => false,
            Self::At(url) => is_secure(url.expose_secret()),
        }
    }

    /// Whether it may be what a request to this URL goes through.
    pub(super) fn may_serve(&self, url: &Url) -> bool {
        match self {
            Self::System => match url.as_str().parse() {
                Ok(uri) => Matcher::from_system().intercept(&uri).is_some(),
                Err(_) => true,
            },
            Self::None => false,
            Self::At(_) => true,
        }
    }

    /// Lets the client go through it.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidInput`]: its URL can't be used.
    pub(super) fn set(&self, builder: ClientBuilder) -> Result<ClientBuilder, Error> {
        let url = match self {
            Self::System => return Ok(builder),
            Self::None => return Ok(builder.no_proxy()),
            Self::At(url) => url.expose_secret().trim(),
        };
        // The URL is not told: it may hold a password.
        let refuse = |why: &str| {
            let text = format!(
                "the proxy's URL can't be used ({why}): give one such as http://proxy.example:3128"
            );
            Error::new(ErrorKind::InvalidInput, text)
        };
        let parsed = Url::parse(url).map_err(|error| refuse(&error.to_string()))?;
        if !matches!(parsed.scheme(), "http" | "https") {
            return Err(refuse("it must begin with http:// or https://"));
        }
        let proxy = reqwest::Proxy::all(parsed).map_err(|_| refuse("it names no server"))?;
        Ok(builder.proxy(proxy))
    }
}
