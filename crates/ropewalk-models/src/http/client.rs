//! Connections.

use std::collections::HashMap;
use std::fmt;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, Method};
use reqwest::{Client, Url, redirect};
use ropewalk_core::{Error, ErrorKind};
use secrecy::SecretString;

use super::direct::{Direct, Times};
use super::failure::SendError;
use super::proxy::Proxy;
use super::tls::{self, Roots};
use super::{Response, USER_AGENT, shown};

/// The connections that models use, and how they are made. Cheap to clone; clones share their connections, and so do
/// all models that are given one.
///
/// Servers are spoken to by HTTP/2 where they offer it over TLS, and by HTTP/1.1 otherwise; answers may come
/// compressed. A connection in the clear (a server on this machine or in the cluster) is driven by the call that uses
/// it, which makes a streamed answer several times cheaper than a task of its own would. It follows no redirects (a redirected POST would lose its body, or carry the key elsewhere) and sends
/// nothing for this machine through a proxy.
///
/// A request is sent a second time only where it is certain that the server did not take it: it had closed the
/// connection before the request was written, or said itself (HTTP/2) that it did not look at it. Whatever else goes
/// wrong is an error of the call; whether to ask again is then a matter of the agent's
/// [retries](ropewalk_core::RetryStrategy).
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
    settings: Settings,
    /// Made when they are asked for.
    made: Arc<Mutex<Made>>,
}

#[derive(Default)]
struct Made {
    pooled: HashMap<Reach, Client>,
    /// By the server's origin.
    direct: HashMap<String, Direct>,
}

#[derive(Clone)]
struct Settings {
    connect_timeout: Duration,
    pool_idle_timeout: Duration,
    keep_alive: Duration,
    proxy: Proxy,
    /// Beside those of the system, as PEM.
    certificates: Vec<Vec<u8>>,
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
        let settings = Settings {
            connect_timeout: Duration::from_secs(10),
            pool_idle_timeout: Duration::from_secs(90),
            keep_alive: Duration::from_secs(30),
            proxy: Proxy::default(),
            certificates: Vec::new(),
        };
        Self { settings, made: Arc::default() }
    }

    /// How long making a connection may take. Unless said: 10 s. As with all settings, what was connected before
    /// stays with the client that this one was made of.
    #[must_use]
    pub fn connect_timeout(self, limit: Duration) -> Self {
        self.with(|settings| settings.connect_timeout = limit)
    }

    /// How long a connection that nobody uses is kept for the next call. Unless said: 90 s.
    #[must_use]
    pub fn pool_idle_timeout(self, limit: Duration) -> Self {
        self.with(|settings| settings.pool_idle_timeout = limit)
    }

    /// How long a connection may be quiet before it is tried whether the other side is still there. A network that
    /// went away in silence is noticed by that. Unless said: 30 s.
    #[must_use]
    pub fn keep_alive(self, interval: Duration) -> Self {
        self.with(|settings| settings.keep_alive = interval)
    }

    /// Goes through this proxy (`http://` or `https://`, a name and a password before an `@` if it asks for them),
    /// except to this machine. The URL is shown nowhere. Unless said, the system's variables tell: `HTTPS_PROXY`,
    /// `HTTP_PROXY`, `ALL_PROXY`, and `NO_PROXY`.
    ///
    /// A model that is given this client is not built if the URL can't be used.
    #[must_use]
    pub fn proxy(self, url: impl Into<String>) -> Self {
        let url = SecretString::from(url.into());
        self.with(|settings| settings.proxy = Proxy::At(url))
    }

    /// Goes through no proxy, whatever the system's variables say.
    #[must_use]
    pub fn no_proxy(self) -> Self {
        self.with(|settings| settings.proxy = Proxy::None)
    }

    /// Trusts servers whose certificate comes from this authority, too: one of your own organisation, or that of a
    /// proxy that looks into connections. One certificate or several, as PEM; more of them with more calls.
    ///
    /// A model that is given this client is not built if there is none in the text.
    ///
    /// ```no_run
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// use ropewalk_models::{HttpClient, OpenAiChat};
    ///
    /// let client = HttpClient::new().ca_certificate(std::fs::read("our-ca.pem")?);
    /// let model = OpenAiChat::builder("qwen3-8b")
    ///     .base_url("https://models.example.internal/v1")
    ///     .http_client(&client)
    ///     .build()?;
    /// # let _ = model;
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn ca_certificate(self, pem: impl Into<Vec<u8>>) -> Self {
        self.with(|settings| settings.certificates.push(pem.into()))
    }

    /// Connections that were made under other settings are not taken over.
    fn with(mut self, set: impl FnOnce(&mut Settings)) -> Self {
        set(&mut self.settings);
        self.made = Arc::default();
        self
    }

    /// The connections to the server at `url`.
    ///
    /// # Errors
    /// The system has no certificates to check the server's with, or a setting can't be used.
    pub(crate) fn connections(&self, url: &Url) -> Result<Connections, Error> {
        if !is_loopback(url) && self.settings.proxy.may_serve(url) {
            return self.pooled(url).map(Connections::Pooled);
        }
        let mut made = self.made.lock().unwrap_or_else(PoisonError::into_inner);
        let origin = url.origin().ascii_serialization();
        if let Some(direct) = made.direct.get(&origin) {
            return Ok(Connections::Direct(direct.clone()));
        }
        let Some(direct) = Direct::to(url, self.settings.times()) else {
            drop(made);
            return self.pooled(url).map(Connections::Pooled);
        };
        made.direct.insert(origin, direct.clone());
        Ok(Connections::Direct(direct))
    }

    /// The client for the server at `url`.
    ///
    /// # Errors
    /// As for [`connections`](Self::connections).
    pub(crate) fn pooled(&self, url: &Url) -> Result<Client, Error> {
        let reach = Reach { is_secure: url.scheme() == "https", is_loopback: is_loopback(url) };
        let mut made = self.made.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(client) = made.pooled.get(&reach) {
            return Ok(client.clone());
        }
        let client = self.settings.make(reach, &shown(url))?;
        made.pooled.insert(reach, client.clone());
        Ok(client)
    }
}

/// The connections to one server.
#[derive(Clone, Debug)]
pub(crate) enum Connections {
    /// In the clear, and by no proxy.
    Direct(Direct),
    Pooled(Client),
}

impl Connections {
    /// Sends a request to the server, and waits for the head of the answer.
    ///
    /// # Errors
    /// There is no answer.
    pub(crate) async fn send(
        &self,
        method: Method,
        url: Url,
        headers: HeaderMap,
        body: Bytes,
    ) -> Result<Response, SendError> {
        match self {
            Self::Direct(direct) => direct.send(method, &url, headers, body).await,
            Self::Pooled(client) => {
                let sending = client.request(method, url).headers(headers).body(body).send();
                Ok(Response::Pooled(sending.await?))
            }
        }
    }
}

impl Settings {
    fn times(&self) -> Times {
        let Self { connect_timeout, pool_idle_timeout, keep_alive, .. } = *self;
        Times { connect_timeout, pool_idle_timeout, keep_alive }
    }

    fn make(&self, reach: Reach, server: &str) -> Result<Client, Error> {
        let proxy = if reach.is_loopback { &Proxy::None } else { &self.proxy };
        let roots = match reach.is_secure || proxy.may_be_secure() {
            true => Roots::System(&self.certificates),
            false => Roots::None,
        };
        // What it sends again by itself is what HTTP/2 servers say that they did not look at.
        let builder = Client::builder()
            .user_agent(USER_AGENT)
            .connect_timeout(self.connect_timeout)
            .pool_idle_timeout(self.pool_idle_timeout)
            .tcp_keepalive(self.keep_alive)
            .http2_keep_alive_interval(self.keep_alive)
            .http2_keep_alive_while_idle(true)
            .redirect(redirect::Policy::none())
            .tls_backend_preconfigured(tls::config(&roots, server)?);
        proxy.set(builder)?.build().map_err(|error| {
            let text = format!("no HTTP client could be made for {server}");
            Error::new(ErrorKind::Other, text).with_source(error)
        })
    }
}

impl fmt::Debug for HttpClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Settings { connect_timeout, pool_idle_timeout, keep_alive, proxy, certificates } =
            &self.settings;
        let proxy = match proxy {
            Proxy::System => "as the system says",
            Proxy::None => "none",
            Proxy::At(_) => "[proxy]",
        };
        f.debug_struct("HttpClient")
            .field("connect_timeout", connect_timeout)
            .field("pool_idle_timeout", pool_idle_timeout)
            .field("keep_alive", keep_alive)
            .field("proxy", &proxy)
            .field("certificates", &certificates.len())
            .finish_non_exhaustive()
    }
}

fn is_loopback(url: &Url) -> bool {
    let host = url.host_str().unwrap_or_default().trim_matches(['[', ']']);
    host == "localhost"
        || host.ends_with(".localhost")
        || host.parse::<IpAddr>().is_ok_and(|address| {
            // Under the latter the clouds tell a machine its credentials: no proxy's business.
            address.is_loopback() || matches!(address, IpAddr::V4(v4) if v4.is_link_local())
        })
}
