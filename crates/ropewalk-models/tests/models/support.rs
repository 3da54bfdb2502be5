//! A small HTTP server that says exactly what a test wants, byte by byte.
#![allow(dead_code)]

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures_util::StreamExt;
use ropewalk_core::{BlockDelta, Error, Message, Model, ModelChunk, ModelRequest, Transcript};
use ropewalk_models::{OpenAiChat, OpenAiChatBuilder};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

/// One step of an answer.
#[derive(Clone, Debug)]
pub(crate) enum Step {
    Send(Vec<u8>),
    Wait(Duration),
    /// Keeps the connection open and silent until the client closes it.
    Hang,
    /// Sends this again and again until the client closes.
    Drip(Vec<u8>, Duration),
}

#[derive(Clone, Debug)]
pub(crate) struct Reply(pub(crate) Vec<Step>);

impl Reply {
    /// A chunked answer of these pieces, ended properly.
    pub(crate) fn pieces<'a>(kind: &str, pieces: impl IntoIterator<Item = &'a [u8]>) -> Self {
        let mut reply = Self::open(kind);
        for piece in pieces {
            reply = reply.chunk(piece);
        }
        reply.end()
    }

    pub(crate) fn sse(body: &str) -> Self {
        Self::pieces("text/event-stream", [body.as_bytes()])
    }

    pub(crate) fn json(status: u16, headers: &[(&str, &str)], body: &str) -> Self {
        let mut head = format!(
            "HTTP/1.1 {status} X\r\ncontent-type: application/json\r\nconnection: close\r\n"
        );
        if !headers.iter().any(|(name, _)| *name == "content-length") {
            head.push_str(&format!("content-length: {}\r\n", body.len()));
        }
        for (name, value) in headers {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
        Self(vec![Step::Send(format!("{head}\r\n{body}").into_bytes())])
    }

    /// The head of a chunked answer.
    pub(crate) fn open(kind: &str) -> Self {
        let head = format!(
            "HTTP/1.1 200 OK\r\ncontent-type: {kind}\r\ntransfer-encoding: chunked\r\nconnection: close\r\n\r\n"
        );
        Self(vec![Step::Send(head.into_bytes())])
    }

    pub(crate) fn chunk(mut self, bytes: &[u8]) -> Self {
        if !bytes.is_empty() {
            self.0.push(Step::Send(chunked(bytes)));
        }
        self
    }

    pub(crate) fn step(mut self, step: Step) -> Self {
        self.0.push(step);
        self
    }

    pub(crate) fn end(self) -> Self {
        self.step(Step::Send(b"0\r\n\r\n".to_vec()))
    }
}

pub(crate) fn chunked(bytes: &[u8]) -> Vec<u8> {
    let mut chunk = format!("{:x}\r\n", bytes.len()).into_bytes();
    chunk.extend_from_slice(bytes);
    chunk.extend_from_slice(b"\r\n");
    chunk
}

/// What a client sent.
#[derive(Clone, Debug)]
pub(crate) struct Seen {
    pub(crate) path: String,
    pub(crate) head: String,
    pub(crate) body: serde_json::Value,
}

pub(crate) struct Server {
    /// Without a path.
    pub(crate) origin: String,
    /// With `/v1` behind it.
    pub(crate) url: String,
    seen: Arc<Mutex<Vec<Seen>>>,
    /// How many connections the client has closed while the server was still sending.
    closed: watch::Receiver<usize>,
    task: tokio::task::JoinHandle<()>,
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Server {
    /// Answers one connection after the other with these.
    pub(crate) async fn start(replies: impl IntoIterator<Item = Reply>) -> Self {
        let mut replies: VecDeque<Reply> = replies.into_iter().collect();
        Self::serve(move || replies.pop_front()).await
    }

    /// Answers every connection with this, several at once.
    pub(crate) async fn always(reply: Reply) -> Self {
        Self::serve(move || Some(reply.clone())).await
    }

    async fn serve(mut next: impl FnMut() -> Option<Reply> + Send + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let origin = format!("http://{}", listener.local_addr().unwrap());
        let url = format!("{origin}/v1");
        let seen = Arc::new(Mutex::new(Vec::new()));
        let (closing, closed) = watch::channel(0);
        let log = Arc::clone(&seen);
        let task = tokio::spawn(async move {
            // Ends with the server, and all that it still says.
            let mut playing = tokio::task::JoinSet::new();
            while let Some(reply) = next() {
                let (mut stream, _) = listener.accept().await.unwrap();
                stream.set_nodelay(true).unwrap();
                let (log, closing) = (Arc::clone(&log), closing.clone());
                playing.spawn(async move {
                    if let Some(request) = read_request(&mut stream).await {
                        log.lock().unwrap().push(request);
                        if play(&mut stream, reply).await {
                            closing.send_modify(|count| *count += 1);
                        }
                    }
                });
            }
            while playing.join_next().await.is_some() {}
        });
        Self { origin, url, seen, closed, task }
    }

    pub(crate) fn seen(&self) -> Vec<Seen> {
        self.seen.lock().unwrap().clone()
    }

    /// Waits until the client closed a connection in the middle of the answer.
    pub(crate) async fn client_closed(&mut self) {
        tokio::time::timeout(Duration::from_secs(60), self.closed.wait_for(|count| *count > 0))
            .await
            .expect("the client kept the connection open")
            .unwrap();
    }

    pub(crate) fn builder(&self) -> OpenAiChatBuilder {
        OpenAiChat::builder("test-model").base_url(&self.url).api_key("sk-very-secret-key")
    }

    pub(crate) fn model(&self) -> OpenAiChat {
        self.builder().build().unwrap()
    }
}

/// Whether the client closed before the answer was over.
async fn play(stream: &mut TcpStream, reply: Reply) -> bool {
    let mut sink = [0; 64];
    for step in reply.0 {
        match step {
            Step::Send(bytes) => {
                if stream.write_all(&bytes).await.is_err() {
                    return true;
                }
            }
            Step::Wait(time) => tokio::time::sleep(time).await,
            Step::Hang => return matches!(stream.read(&mut sink).await, Ok(0) | Err(_)),
            Step::Drip(bytes, pause) => loop {
                tokio::select! {
                    read = stream.read(&mut sink) => return matches!(read, Ok(0) | Err(_)),
                    () = tokio::time::sleep(pause) => {
                        if stream.write_all(&bytes).await.is_err() { return true; }
                    }
                }
            },
        }
    }
    false
}

async fn read_request(stream: &mut TcpStream) -> Option<Seen> {
    let mut bytes = Vec::new();
    let mut buffer = [0; 16384];
    let head_end = loop {
        if let Some(at) = bytes.windows(4).position(|window| window == b"\r\n\r\n") {
            break at + 4;
        }
        match stream.read(&mut buffer).await {
            Ok(0) | Err(_) => return None,
            Ok(count) => bytes.extend_from_slice(&buffer[..count]),
        }
    };
    let head = String::from_utf8_lossy(&bytes[..head_end]).to_lowercase();
    let length: usize = head
        .lines()
        .find_map(|line| line.strip_prefix("content-length: "))
        .and_then(|value| value.trim().parse().ok())
        .unwrap_or(0);
    while bytes.len() < head_end + length {
        match stream.read(&mut buffer).await {
            Ok(0) | Err(_) => return None,
            Ok(count) => bytes.extend_from_slice(&buffer[..count]),
        }
    }
    let path = head.split(' ').nth(1).unwrap_or_default().to_owned();
    let body = serde_json::from_slice(&bytes[head_end..]).unwrap_or_default();
    Some(Seen { path, head, body })
}

pub(crate) fn ask(text: &str) -> ModelRequest {
    ModelRequest::new(Transcript::from_messages([Message::user(text)]).unwrap())
}

/// All that a call gives: the chunks, and the error if it ended with one.
pub(crate) async fn collect(
    model: &(impl Model + ?Sized),
    request: ModelRequest,
) -> (Vec<ModelChunk>, Option<Error>) {
    let mut chunks = Vec::new();
    let mut stream = model.stream(request);
    while let Some(item) = stream.next().await {
        match item {
            Ok(chunk) => chunks.push(chunk),
            Err(error) => {
                assert!(stream.next().await.is_none(), "the stream goes on after an error");
                return (chunks, Some(error));
            }
        }
    }
    assert!(stream.next().await.is_none(), "the stream goes on after its end");
    (chunks, None)
}

/// What chunks say, put together in the plainest way. Checks the order of blocks.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Said {
    pub(crate) text: String,
    pub(crate) reasoning: String,
    pub(crate) signatures: String,
    /// Sealed thoughts.
    pub(crate) sealed: Vec<u8>,
    /// Sources of texts, as JSON.
    pub(crate) sources: Vec<serde_json::Value>,
    /// Blocks of a provider's own.
    pub(crate) own: Vec<serde_json::Value>,
    /// Id, name, arguments as they came.
    pub(crate) calls: Vec<(String, String, String)>,
    pub(crate) stop: String,
    pub(crate) usage: ropewalk_core::Usage,
}

pub(crate) fn said(chunks: &[ModelChunk]) -> Said {
    let mut said = Said::default();
    let (mut open, mut started, mut stopped) = (false, false, false);
    for chunk in chunks {
        match chunk {
            ModelChunk::MessageStart(_) => {
                assert!(!started, "two starts");
                started = true;
            }
            ModelChunk::ContentBlockStart(block) => {
                assert!(started && !open && !stopped, "a block begins inside another: {chunks:?}");
                open = true;
                if let Some(tool) = &block.start.tool_use {
                    said.calls.push((tool.tool_use_id.clone(), tool.name.clone(), String::new()));
                    let signature = tool.extra.get("reasoningSignature");
                    said.signatures.extend(signature.and_then(|signature| signature.as_str()));
                }
            }
            ModelChunk::ContentBlockDelta(block) => {
                assert!(open, "a piece outside of a block: {chunks:?}");
                match &block.delta {
                    BlockDelta::Text(text) => said.text.push_str(text),
                    BlockDelta::ReasoningContent(delta) => {
                        said.reasoning.push_str(delta.text.as_deref().unwrap_or_default());
                        said.signatures.push_str(delta.signature.as_deref().unwrap_or_default());
                        said.sealed
                            .extend(delta.redacted_content.iter().flat_map(|it| it.to_vec()));
                    }
                    BlockDelta::Citation(citation) => {
                        said.sources.push(serde_json::to_value(citation).unwrap());
                    }
                    BlockDelta::Unknown(map) => said.own.push(map.clone().into()),
                    BlockDelta::ToolUse(delta) => {
                        said.calls.last_mut().unwrap().2.push_str(&delta.input);
                    }
                    other => panic!("unexpected {other:?}"),
                }
            }
            ModelChunk::ContentBlockStop(_) => {
                assert!(open, "an end without a block");
                open = false;
            }
            ModelChunk::MessageStop(stop) => {
                assert!(!open && !stopped, "the message ends inside a block");
                stopped = true;
                said.stop = stop.stop_reason.as_str().to_owned();
            }
            ModelChunk::Metadata(metadata) => {
                assert!(stopped, "usage before the end");
                said.usage = metadata.usage;
            }
            other => panic!("unexpected {other:?}"),
        }
    }
    said
}

/// One event of a stream.
pub(crate) fn event(value: serde_json::Value) -> String {
    format!("data: {value}\n\n")
}

pub(crate) fn delta(delta: serde_json::Value) -> String {
    event(serde_json::json!({"choices": [{"index": 0, "delta": delta}]}))
}

pub(crate) fn finish(reason: &str) -> String {
    event(serde_json::json!({"choices": [{"index": 0, "delta": {}, "finish_reason": reason}]}))
}

pub(crate) const DONE: &str = "data: [DONE]\n\n";
