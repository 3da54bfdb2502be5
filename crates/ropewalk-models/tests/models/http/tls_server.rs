//! A server that speaks TLS, with a certificate of an authority of its own, and HTTP/2 if it may.

use std::collections::VecDeque;
use std::future::poll_fn;
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use h2::Reason;
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use rustls::ServerConfig;
use rustls::crypto::ring;
use rustls::pki_types::PrivatePkcs8KeyDer;
use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

use super::answer;
use crate::support::delta;

/// What an HTTP/2 server does with a request.
#[derive(Clone, Copy, Debug)]
pub(super) enum Then {
    Answer,
    /// Says that it did not look at it.
    Refuse,
    /// Takes it, and fails.
    Fail,
    /// Begins to answer, and goes on until the client has had enough.
    Drip,
}

#[derive(Default)]
pub(super) struct Seen {
    pub(super) connections: usize,
    /// The protocol of each request.
    pub(super) requests: Vec<&'static str>,
    /// Why the client ended an answer before its end.
    pub(super) resets: Vec<Reason>,
}

pub(super) struct TlsServer {
    pub(super) port: u16,
    /// The authority's certificate.
    pub(super) ca: String,
    pub(super) seen: Arc<Mutex<Seen>>,
    task: tokio::task::JoinHandle<()>,
}

impl Drop for TlsServer {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl TlsServer {
    /// A server of this name that offers these protocols.
    pub(super) async fn start(
        name: &str,
        protocols: &[&str],
        plan: impl IntoIterator<Item = Then>,
    ) -> Self {
        let ca_key = KeyPair::generate().unwrap();
        let mut ca = CertificateParams::new(Vec::new()).unwrap();
        ca.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let pem = ca.self_signed(&ca_key).unwrap().pem();
        let issuer = Issuer::new(ca, ca_key);
        let key = KeyPair::generate().unwrap();
        let certificate = CertificateParams::new([name.to_owned()]).unwrap();
        let certificate = certificate.signed_by(&key, &issuer).unwrap();
        let key = PrivatePkcs8KeyDer::from(key.serialize_der()).into();
        let mut config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![certificate.der().clone()], key)
            .unwrap();
        config.alpn_protocols = protocols.iter().map(|name| name.as_bytes().to_vec()).collect();
        let acceptor = TlsAcceptor::from(Arc::new(config));

        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let seen: Arc<Mutex<Seen>> = Arc::default();
        let log = Arc::clone(&seen);
        let plan: Arc<Mutex<VecDeque<Then>>> = Arc::new(Mutex::new(plan.into_iter().collect()));
        let task = tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                let (acceptor, log, plan) = (acceptor.clone(), Arc::clone(&log), Arc::clone(&plan));
                tokio::spawn(async move {
                    // A client that does not trust the certificate goes away.
                    let Ok(stream) = acceptor.accept(stream).await else { return };
                    log.lock().unwrap().connections += 1;
                    if stream.get_ref().1.alpn_protocol() == Some(b"h2") {
                        http2(stream, &log, &plan).await;
                    } else {
                        http1(stream, &log).await;
                    }
                });
            }
        });
        Self { port, ca: pem, seen, task }
    }

    pub(super) fn url(&self) -> String {
        format!("https://localhost:{}/v1", self.port)
    }
}

async fn http1(mut stream: TlsStream<TcpStream>, seen: &Mutex<Seen>) {
    let mut head = Vec::new();
    while !head.windows(4).any(|end| end == b"\r\n\r\n") {
        head.push(stream.read_u8().await.unwrap());
    }
    seen.lock().unwrap().requests.push("HTTP/1.1");
    let body = answer("secure");
    let answer = format!(
        "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}",
        body.len()
    );
    stream.write_all(answer.as_bytes()).await.unwrap();
    stream.shutdown().await.unwrap();
}

async fn http2(
    stream: TlsStream<TcpStream>,
    seen: &Arc<Mutex<Seen>>,
    plan: &Mutex<VecDeque<Then>>,
) {
    let mut connection = h2::server::handshake(stream).await.unwrap();
    while let Some(Ok((request, mut respond))) = connection.accept().await {
        seen.lock().unwrap().requests.push("HTTP/2");
        let then = plan.lock().unwrap().pop_front().unwrap_or(Then::Answer);
        let seen = Arc::clone(seen);
        tokio::spawn(async move {
            if matches!(then, Then::Refuse) {
                respond.send_reset(Reason::REFUSED_STREAM);
                return;
            }
            let mut body = request.into_body();
            while let Some(Ok(piece)) = body.data().await {
                let _ = body.flow_control().release_capacity(piece.len());
            }
            if matches!(then, Then::Fail) {
                respond.send_reset(Reason::INTERNAL_ERROR);
                return;
            }
            let response = http::Response::builder().header("content-type", "text/event-stream");
            let mut sending = respond.send_response(response.body(()).unwrap(), false).unwrap();
            if matches!(then, Then::Drip) {
                sending.send_data(Bytes::from(delta(json!({"content": "a"}))), false).unwrap();
                let reset = poll_fn(|context| sending.poll_reset(context)).await;
                seen.lock().unwrap().resets.extend(reset);
                return;
            }
            sending.send_data(Bytes::from(answer("secure")), true).unwrap();
        });
    }
}
