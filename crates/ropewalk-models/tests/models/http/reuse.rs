//! Connections that serve again, and requests that must not be sent again.

use std::collections::VecDeque;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use ropewalk_core::ErrorKind;
use ropewalk_models::{HttpClient, OpenAiChat, OpenAiChatBuilder};

use super::{answer, ask};

/// What becomes of a connection with a request.
#[derive(Clone, Copy)]
enum Then {
    Answer,
    /// Without a word about it.
    AnswerAndClose,
    Close,
}

/// A server with threads of its own: it goes on while the test's thread stands still.
struct Kept {
    url: String,
    connections: Arc<AtomicUsize>,
    requests: Arc<AtomicUsize>,
    /// Connections that are closed.
    closed: Arc<AtomicUsize>,
}

impl Kept {
    /// Does one of these for each request, in their order, and answers those that come after.
    fn start(plan: impl IntoIterator<Item = Then>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}/v1", listener.local_addr().unwrap());
        let plan: Arc<Mutex<VecDeque<Then>>> = Arc::new(Mutex::new(plan.into_iter().collect()));
        let counter = Arc::<AtomicUsize>::default;
        let server = Self { url, connections: counter(), requests: counter(), closed: counter() };
        let (connections, requests) =
            (Arc::clone(&server.connections), Arc::clone(&server.requests));
        let closed = Arc::clone(&server.closed);
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                connections.fetch_add(1, Ordering::SeqCst);
                let (plan, requests) = (Arc::clone(&plan), Arc::clone(&requests));
                let closed = Arc::clone(&closed);
                std::thread::spawn(move || {
                    serve(stream.unwrap(), &plan, &requests);
                    closed.fetch_add(1, Ordering::SeqCst);
                });
            }
        });
        server
    }

    fn builder(&self) -> OpenAiChatBuilder {
        OpenAiChat::builder("m").base_url(&self.url)
    }

    /// Connections and requests so far.
    fn counts(&self) -> (usize, usize) {
        (self.connections.load(Ordering::SeqCst), self.requests.load(Ordering::SeqCst))
    }
}

/// Serves one connection until either side closes it.
fn serve(
    mut stream: TcpStream,
    plan: &Mutex<VecDeque<Then>>,
    requests: &AtomicUsize,
) -> Option<()> {
    let mut reader = BufReader::new(stream.try_clone().ok()?);
    loop {
        let mut length = 0;
        loop {
            let mut line = String::new();
            if reader.read_line(&mut line).ok()? == 0 {
                return None;
            }
            if let Some(value) = line.to_lowercase().strip_prefix("content-length:") {
                length = value.trim().parse().ok()?;
            }
            if line == "\r\n" {
                break;
            }
        }
        reader.read_exact(&mut vec![0; length]).ok()?;
        requests.fetch_add(1, Ordering::SeqCst);
        let then = plan.lock().unwrap().pop_front().unwrap_or(Then::Answer);
        if !matches!(then, Then::Close) {
            let body = answer("here");
            let head = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ncontent-length";
            write!(stream, "{head}: {}\r\n\r\n{body}", body.len()).ok()?;
        }
        match then {
            Then::Answer => {}
            Then::Close => return None,
            Then::AnswerAndClose => {
                // The client has read the whole answer by then.
                std::thread::sleep(Duration::from_millis(20));
                return None;
            }
        }
    }
}

#[tokio::test]
async fn models_with_one_client_share_its_connections() {
    let server = Kept::start([]);
    let client = HttpClient::new();
    let first = server.builder().http_client(&client).build().unwrap();
    let second = server.builder().http_client(&client.clone()).build().unwrap();
    for model in [&first, &second, &first] {
        assert_eq!(ask(model).await.unwrap(), "here");
    }
    assert_eq!(server.counts(), (1, 3));
}

#[tokio::test]
async fn a_connection_is_let_go_after_its_idle_time() {
    let server = Kept::start([]);
    let client = HttpClient::new().pool_idle_timeout(Duration::from_millis(50));
    let model = server.builder().http_client(&client).build().unwrap();
    for _ in 0..2 {
        assert_eq!(ask(&model).await.unwrap(), "here");
        tokio::time::sleep(Duration::from_millis(300)).await;
    }
    assert_eq!(server.counts(), (2, 2));
}

#[tokio::test]
async fn a_server_that_closes_idle_connections_makes_no_call_fail() {
    let server = Kept::start([Then::AnswerAndClose; 20]);
    let model = server.builder().build().unwrap();
    for asked in 1..=20 {
        assert_eq!(ask(&model).await.unwrap(), "here");
        // The client's thread stands still: it has not seen yet that the connection is closed.
        while server.closed.load(Ordering::SeqCst) < asked {
            std::thread::sleep(Duration::from_millis(1));
        }
    }
    assert_eq!(server.counts(), (20, 20));
}

#[tokio::test]
async fn a_request_that_was_received_is_not_sent_again() {
    let server = Kept::start([Then::Close, Then::Answer, Then::Close]);
    let model = server.builder().build().unwrap();
    let unavailable = |error: ropewalk_core::Error| {
        assert_eq!(error.kind(), ErrorKind::Unavailable, "{error}");
        assert!(error.to_string().contains("broke off before it answered"), "{error}");
    };
    // On a new connection, and on one that served before.
    unavailable(ask(&model).await.unwrap_err());
    assert_eq!(ask(&model).await.unwrap(), "here");
    unavailable(ask(&model).await.unwrap_err());
    assert_eq!(server.counts(), (2, 3));
    assert_eq!(ask(&model).await.unwrap(), "here");
}

/// As programs do that have a runtime for each of their agents: nothing reaches a connection while its own stands still.
#[test]
fn a_connection_serves_in_the_runtime_that_made_it() {
    let server = Kept::start([]);
    let model = server.builder().data_timeout(Duration::from_secs(10)).build().unwrap();
    let runtimes = [(); 2].map(|()| {
        let mut builder = tokio::runtime::Builder::new_current_thread();
        builder.enable_all().build().unwrap()
    });
    for _ in 0..2 {
        for runtime in &runtimes {
            assert_eq!(runtime.block_on(ask(&model)).unwrap(), "here");
        }
    }
    assert_eq!(server.counts(), (2, 4));
}

#[tokio::test]
async fn calls_at_once_have_a_connection_each_and_leave_them_to_others() {
    let server = Kept::start([]);
    let model = server.builder().build().unwrap();
    for _ in 0..2 {
        let calls = (0..20).map(|_| ask(&model));
        for said in futures_util::future::join_all(calls).await {
            assert_eq!(said.unwrap(), "here");
        }
    }
    let (connections, requests) = server.counts();
    assert!(connections <= 20, "{connections}");
    assert_eq!(requests, 40);
}
