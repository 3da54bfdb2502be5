//! Keys are seen by servers, and by nobody else.

use std::cell::RefCell;
use std::fmt::{Debug, Write as _};

use ropewalk_models::{HttpClient, OpenAiChat};
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Subscriber};
use tracing_subscriber::layer::{Context, Layer, SubscriberExt as _};

use super::tls_server::TlsServer;
use super::{answer, ask};
use crate::support::{Reply, Server};

const SECRETS: [&str; 5] =
    ["sk-very-secret-key", "hidden-header", "plain-header", "url-password", "proxy-password"];

thread_local! {
    /// All that was logged on this thread.
    static LOGGED: RefCell<String> = const { RefCell::new(String::new()) };
}

/// Keeps what `tracing` and `log` are told, at every level.
struct Capture;

struct Words;

impl Visit for Words {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        LOGGED.with_borrow_mut(|logged| writeln!(logged, "{field}={value:?}")).unwrap();
    }
}

impl<S: Subscriber> Layer<S> for Capture {
    fn on_new_span(&self, attributes: &Attributes<'_>, _: &Id, _: Context<'_, S>) {
        attributes.record(&mut Words);
    }

    fn on_record(&self, _: &Id, values: &Record<'_>, _: Context<'_, S>) {
        values.record(&mut Words);
    }

    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        event.record(&mut Words);
    }
}

impl log::Log for Capture {
    fn enabled(&self, _: &log::Metadata<'_>) -> bool {
        true
    }

    fn log(&self, record: &log::Record<'_>) {
        let text = record.args().to_string();
        LOGGED.with_borrow_mut(|logged| writeln!(logged, "{text}")).unwrap();
    }

    fn flush(&self) {}
}

#[track_caller]
fn hides_secrets(text: &str) {
    for secret in SECRETS {
        assert!(!text.contains(secret), "{secret} is in: {text}");
    }
}

/// Asks, and gives what can be seen of the model and of what came of it.
async fn seen(model: &OpenAiChat) -> String {
    match ask(model).await {
        Ok(text) => format!("{model:?} {text}"),
        Err(error) => format!("{model:?} {error:?} {error} {}", error.report()),
    }
}

#[tokio::test]
async fn nothing_that_is_printed_or_logged_holds_a_key() {
    log::set_logger(&Capture).unwrap();
    log::set_max_level(log::LevelFilter::Trace);
    // For all threads: with a listener of this one alone, another could make a place in the code known as one that
    // nobody listens to.
    let listener = tracing_subscriber::registry().with(Capture);
    tracing::subscriber::set_global_default(listener).unwrap();
    tracing::callsite::rebuild_interest_cache();
    let builder = |url: &str| {
        OpenAiChat::builder("m")
            .base_url(url)
            .api_key("sk-very-secret-key")
            .header("x-session-token", "hidden-header")
            .header("x-tenant", "plain-header")
    };

    // An answer, a refusal that repeats the key, and an answer that is none.
    let refusal = format!("{{\"error\": \"no {} nor hidden-header\"}}", SECRETS[0]);
    let server = Server::start([
        Reply::sse(&answer("well")),
        Reply::json(401, &[], &refusal),
        Reply::sse(&format!("data: {refusal}\n\n")),
    ])
    .await;
    let url = server.url.replace("http://", "http://me:url-password@");
    let options = builder(&url).param("temperature", 1);
    hides_secrets(&format!("{options:?}"));
    let model = options.build().unwrap();
    let answered = seen(&model).await;
    assert!(answered.contains("well"), "{answered}");
    for text in [answered, seen(&model).await, seen(&model).await] {
        hides_secrets(&text);
    }
    let head = &server.seen()[0].head;
    assert!(head.contains("hidden-header") && head.contains("plain-header"), "they are sent");

    // By way of a proxy that has a password, and over TLS.
    let proxy = Server::start([Reply::sse(&answer("well"))]).await;
    let address = proxy.origin.replace("http://", "http://me:proxy-password@");
    let client = HttpClient::new().proxy(address);
    let model = builder("http://models.invalid/v1").http_client(&client).build().unwrap();
    hides_secrets(&seen(&model).await);
    let server = TlsServer::start("localhost", &["h2"], []).await;
    let client = HttpClient::new().ca_certificate(server.ca.as_str());
    let model = builder(&server.url()).http_client(&client).build().unwrap();
    hides_secrets(&seen(&model).await);
    // A server that is not there.
    let model = builder("http://me:url-password@127.0.0.1:1/v1?key=url-password").build().unwrap();
    hides_secrets(&seen(&model).await);

    let logged = LOGGED.take();
    for word in ["asking", "127.0.0.1", "models.invalid", "connect"] {
        assert!(logged.contains(word), "`{word}` should be in the log: {logged}");
    }
    hides_secrets(&logged);
}
