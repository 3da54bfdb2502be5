//! Secure connections: whom they trust, and which protocol they speak.

use std::time::Duration;

use futures_util::StreamExt as _;
use futures_util::future::join_all;
use ropewalk_core::{Error, ErrorKind, Model as _};
use ropewalk_models::{HttpClient, OpenAiChat};

use super::ask;
use super::tls_server::{Then, TlsServer};

const BOTH: &[&str] = &["h2", "http/1.1"];

fn model(server: &TlsServer, client: &HttpClient) -> Result<OpenAiChat, Error> {
    OpenAiChat::builder("m").base_url(server.url()).http_client(client).build()
}

fn trusting(server: &TlsServer) -> OpenAiChat {
    model(server, &HttpClient::new().ca_certificate(server.ca.as_str())).unwrap()
}

#[tokio::test]
async fn an_authority_of_ones_own_is_trusted_when_it_is_given() {
    let server = TlsServer::start("localhost", BOTH, []).await;
    let error = ask(&model(&server, &HttpClient::new()).unwrap()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidInput, "{error}");
    let text = error.to_string();
    assert!(text.contains(&server.url()), "{text}");
    assert!(
        text.contains("HttpClient::ca_certificate") && text.contains("SSL_CERT_FILE"),
        "{text}"
    );
    assert!(server.seen.lock().unwrap().requests.is_empty());

    assert_eq!(ask(&trusting(&server)).await.unwrap(), "secure");
    // Beside others.
    let other = TlsServer::start("localhost", BOTH, []).await;
    let client = HttpClient::new()
        .ca_certificate(other.ca.as_str())
        .ca_certificate(format!("# ours\n{}", server.ca));
    assert_eq!(ask(&model(&server, &client).unwrap()).await.unwrap(), "secure");
    assert_eq!(ask(&model(&other, &client).unwrap()).await.unwrap(), "secure");
}

#[tokio::test]
async fn a_certificate_of_another_server_is_refused() {
    let server = TlsServer::start("elsewhere.test", BOTH, []).await;
    let error = ask(&trusting(&server)).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidInput, "{error}");
    let text = error.to_string();
    assert!(text.contains("elsewhere.test") && text.contains("base URL"), "{text}");
}

#[tokio::test]
async fn what_is_no_certificate_is_said_before_any_call() {
    let server = TlsServer::start("localhost", BOTH, []).await;
    let cut = &server.ca[..server.ca.len() / 2];
    let no_der = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
    for pem in ["", "a file name.pem", cut, no_der] {
        let error = model(&server, &HttpClient::new().ca_certificate(pem)).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidInput, "{pem}: {error}");
        assert!(error.to_string().contains("BEGIN CERTIFICATE"), "{error}");
    }
}

#[tokio::test]
async fn http2_is_spoken_where_it_is_offered_and_carries_calls_side_by_side() {
    let server = TlsServer::start("localhost", BOTH, []).await;
    let model = trusting(&server);
    assert_eq!(ask(&model).await.unwrap(), "secure");
    for said in join_all((0..8).map(|_| ask(&model))).await {
        assert_eq!(said.unwrap(), "secure");
    }
    let seen = server.seen.lock().unwrap();
    assert_eq!((seen.connections, seen.requests.as_slice()), (1, &["HTTP/2"; 9][..]));
}

#[tokio::test]
async fn http1_is_spoken_where_nothing_else_is_offered() {
    for protocols in [&["http/1.1"][..], &[]] {
        let server = TlsServer::start("localhost", protocols, []).await;
        assert_eq!(ask(&trusting(&server)).await.unwrap(), "secure");
        assert_eq!(server.seen.lock().unwrap().requests, ["HTTP/1.1"]);
    }
}

#[tokio::test]
async fn only_what_the_server_did_not_look_at_is_sent_again() {
    let server =
        TlsServer::start("localhost", BOTH, [Then::Answer, Then::Refuse, Then::Answer, Then::Fail])
            .await;
    let model = trusting(&server);
    assert_eq!(ask(&model).await.unwrap(), "secure");
    assert_eq!(ask(&model).await.unwrap(), "secure");
    assert_eq!(server.seen.lock().unwrap().requests.len(), 3, "the refused one came again");
    let error = ask(&model).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable, "{error}");
    assert_eq!(server.seen.lock().unwrap().requests.len(), 4, "the failed one did not");
}

#[tokio::test]
async fn a_call_that_is_dropped_ends_alone() {
    let server = TlsServer::start("localhost", BOTH, [Then::Drip]).await;
    let model = trusting(&server);
    let mut stream = model.stream(crate::support::ask("?"));
    stream.next().await.unwrap().unwrap();
    drop(stream);
    // Over the same connection.
    assert_eq!(ask(&model).await.unwrap(), "secure");
    let is_reset = async {
        while server.seen.lock().unwrap().resets.is_empty() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(10), is_reset).await.unwrap();
    let seen = server.seen.lock().unwrap();
    assert_eq!((seen.connections, seen.resets.as_slice()), (1, &[h2::Reason::CANCEL][..]));
}
