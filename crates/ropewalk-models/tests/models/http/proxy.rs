//! Connections by way of a proxy.

use std::time::Duration;

use ropewalk_core::ErrorKind;
use ropewalk_models::{HttpClient, OpenAiChat};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

use super::tls_server::TlsServer;
use super::{answer, ask};
use crate::support::{Reply, Server};

/// A server that is not there: only a proxy can answer for it.
const FAR: &str = "http://models.invalid/v1";

fn far(client: &HttpClient) -> OpenAiChat {
    OpenAiChat::builder("m").base_url(FAR).http_client(client).build().unwrap()
}

#[tokio::test]
async fn a_proxy_is_used_for_all_but_this_machine() {
    let proxy = Server::start([Reply::sse(&answer("by way of the proxy"))]).await;
    let address = proxy.origin.replace("http://", "http://me:hush-hush@");
    let client = HttpClient::new().proxy(&address);
    assert!(!format!("{client:?}").contains("hush"), "{client:?}");
    assert_eq!(ask(&far(&client)).await.unwrap(), "by way of the proxy");
    let seen = proxy.seen();
    assert_eq!(seen[0].path, format!("{FAR}/chat/completions"));
    assert!(seen[0].head.contains("proxy-authorization: basic "), "{}", seen[0].head);

    let near = Server::start([Reply::sse(&answer("directly"))]).await;
    let model = near.builder().http_client(&client).build().unwrap();
    assert_eq!(ask(&model).await.unwrap(), "directly");
    assert_eq!(near.seen()[0].path, "/v1/chat/completions");
}

#[tokio::test]
async fn a_secure_server_is_reached_through_the_proxy() {
    let server = TlsServer::start("models.test", &["h2", "http/1.1"], []).await;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let client = HttpClient::new()
        .proxy(format!("http://{}", listener.local_addr().unwrap()))
        .ca_certificate(server.ca.as_str());
    let port = server.port;
    let tunnel = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            head.push(stream.read_u8().await.unwrap());
        }
        stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await.unwrap();
        let mut server = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
        let head = String::from_utf8(head).unwrap();
        // Ends when either side closes.
        let _ = tokio::io::copy_bidirectional(&mut stream, &mut server).await;
        head
    });
    let model = OpenAiChat::builder("m")
        .base_url("https://models.test/v1")
        .api_key("sk-very-secret-key")
        .http_client(&client)
        .build()
        .unwrap();
    assert_eq!(ask(&model).await.unwrap(), "secure");
    assert_eq!(server.seen.lock().unwrap().requests, ["HTTP/2"]);
    drop((model, client));
    let head = tokio::time::timeout(Duration::from_secs(10), tunnel).await.unwrap().unwrap();
    assert!(head.starts_with("CONNECT models.test:443 "), "{head}");
    assert!(!head.contains("secret"), "the proxy must not see the key: {head}");
}

#[test]
fn a_proxy_that_cannot_be_used_is_said_before_any_call() {
    for url in ["", "no url", "socks5://me:hush-hush@127.0.0.1:1080", "http://me:hush-hush@:80"] {
        let client = HttpClient::new().proxy(url);
        let built = OpenAiChat::builder("m").base_url(FAR).http_client(&client).build();
        let error = built.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidInput, "{error}");
        let text = error.report();
        assert!(text.contains("proxy's URL") && !text.contains("hush"), "{text}");
    }
}

/// Runs the test `in_a_process_of_its_own` with these variables.
async fn with_variables(variables: &[(&str, &str)]) -> String {
    let output = tokio::process::Command::new(std::env::current_exe().unwrap())
        .args(["http::proxy::in_a_process_of_its_own", "--exact", "--ignored", "--nocapture"])
        .envs(variables.iter().copied())
        .output()
        .await
        .unwrap();
    String::from_utf8(output.stdout).unwrap()
}

#[tokio::test]
#[ignore = "part of `the_variables_of_the_system_count_unless_a_proxy_is_given`"]
async fn in_a_process_of_its_own() {
    let mut client = HttpClient::new();
    if let Ok(url) = std::env::var("TEST_PROXY") {
        client = if url == "none" { client.no_proxy() } else { client.proxy(url) };
    }
    match ask(&far(&client)).await {
        Ok(text) => println!("said: {text}"),
        Err(error) => println!("error: {error}"),
    }
}

#[tokio::test]
async fn the_variables_of_the_system_count_unless_a_proxy_is_given() {
    let start = |text: &str| {
        let reply = Reply::sse(&answer(text));
        async move { Server::start([reply]).await }
    };
    let (system, given) = (start("system").await, start("given").await);
    let said = with_variables(&[("HTTP_PROXY", &system.origin)]).await;
    assert!(said.contains("said: system"), "{said}");
    let said =
        with_variables(&[("HTTP_PROXY", &system.origin), ("TEST_PROXY", &given.origin)]).await;
    assert!(said.contains("said: given"), "{said}");
    for variables in [("TEST_PROXY", "none"), ("NO_PROXY", "models.invalid")] {
        let said = with_variables(&[("HTTP_PROXY", &system.origin), variables]).await;
        assert!(said.contains("error:") && said.contains("can't be reached"), "{said}");
    }
    assert_eq!(system.seen().len(), 1);
}
