//! Which models a server offers.

use ropewalk_core::ErrorKind;

use crate::support::{Reply, Server};

#[tokio::test]
async fn the_models_of_a_server_are_listed() {
    let list =
        r#"{"data": [{"id": "small", "context_window": 8192}, {"id": "large"}, {"odd": 1}]}"#;
    let server = Server::start([Reply::json(200, &[], list)]).await;
    let models = server.model().models().await.unwrap();
    let models: Vec<_> = models.iter().map(|info| (&*info.id, info.context_limit)).collect();
    assert_eq!(models, [("small", Some(8192)), ("large", None)]);
    let seen = server.seen();
    assert_eq!(seen[0].path, "/v1/models");
    assert!(seen[0].head.starts_with("get ") && seen[0].head.contains("bearer sk-very-secret-key"));
}

#[tokio::test]
async fn what_is_no_list_is_an_error() {
    for (status, body, kind) in [
        (200, "{}", ErrorKind::Malformed),
        (200, "<html>", ErrorKind::Malformed),
        (401, r#"{"error": {"message": "no"}}"#, ErrorKind::Authentication),
        (404, "", ErrorKind::InvalidRequest),
    ] {
        let server = Server::start([Reply::json(status, &[], body)]).await;
        let error = server.model().models().await.unwrap_err();
        assert_eq!(error.kind(), kind, "{error}");
    }
}
