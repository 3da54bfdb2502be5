//! One connection: requests are read, answers written.

use std::env;
use std::io;
use std::sync::LazyLock;
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::answer;
use crate::script::{Pace, Script};

/// So much is put together before it is written.
const TOGETHER: usize = 128 * 1024;

/// More than this is not kept for the next answer.
const KEPT: usize = 1024 * 1024;

/// Whether each request is shown: to see that all programs ask for the same.
static DUMP: LazyLock<bool> = LazyLock::new(|| env::var_os("BENCH_DUMP").is_some());

/// A text chunk, made once.
static WORD: LazyLock<Vec<u8>> = LazyLock::new(|| {
    let mut word = Vec::new();
    answer::word(&mut word);
    word
});

pub(crate) struct Connection {
    socket: TcpStream,
    input: Vec<u8>,
    output: Vec<u8>,
}

/// How long a request's head is, and how its body comes.
struct Head {
    length: usize,
    body: Option<usize>,
    expects: bool,
}

impl Connection {
    pub(crate) fn new(socket: TcpStream) -> Self {
        Self { socket, input: Vec::with_capacity(16 * 1024), output: Vec::with_capacity(4096) }
    }

    /// Answers until the client goes. What is no HTTP ends the connection.
    pub(crate) async fn serve(mut self) -> io::Result<()> {
        self.socket.set_nodelay(true)?;
        while let Some(script) = self.request().await? {
            self.output.clear();
            if script.stream {
                self.stream(&script).await?;
            } else {
                answer::document(&mut self.output, &script);
            }
            self.write().await?;
            if self.output.capacity() > KEPT {
                self.output = Vec::with_capacity(4096);
            }
        }
        Ok(())
    }

    /// The next request's script; none if the client went.
    async fn request(&mut self) -> io::Result<Option<Script>> {
        let head = loop {
            if let Some(head) = head(&self.input)? {
                break head;
            }
            if !self.more().await? {
                return Ok(None);
            }
        };
        if head.expects {
            self.socket.write_all(b"HTTP/1.1 100 Continue\r\n\r\n").await?;
        }
        let Some(length) = head.body else { return self.chunked(head.length).await };
        let end = head.length + length;
        self.input.reserve(end.saturating_sub(self.input.len()));
        while self.input.len() < end {
            if !self.more().await? {
                return Ok(None);
            }
        }
        if *DUMP {
            eprintln!("{}\n", String::from_utf8_lossy(&self.input[..end]));
        }
        let script = Script::of(&self.input[head.length..end]);
        self.input.drain(..end);
        Ok(Some(script))
    }

    /// A body that comes in chunks, from `at` on.
    async fn chunked(&mut self, mut at: usize) -> io::Result<Option<Script>> {
        let mut body = Vec::new();
        loop {
            let parsed = httparse::parse_chunk_size(&self.input[at..]);
            match parsed.map_err(|error| io::Error::other(error.to_string()))? {
                httparse::Status::Complete((line, size)) => {
                    let begin = at + line;
                    let end = begin + size as usize;
                    at = end + "\r\n".len();
                    while self.input.len() < at {
                        if !self.more().await? {
                            return Ok(None);
                        }
                    }
                    body.extend_from_slice(&self.input[begin..end]);
                    if size == 0 {
                        break;
                    }
                }
                httparse::Status::Partial => {
                    if !self.more().await? {
                        return Ok(None);
                    }
                }
            }
        }
        self.input.drain(..at);
        Ok(Some(Script::of(&body)))
    }

    /// Reads what is there; false at the end.
    async fn more(&mut self) -> io::Result<bool> {
        Ok(self.socket.read_buf(&mut self.input).await? > 0)
    }

    async fn write(&mut self) -> io::Result<()> {
        let written = self.socket.write_all(&self.output).await;
        self.output.clear();
        written
    }

    async fn stream(&mut self, script: &Script) -> io::Result<()> {
        let out = &mut self.output;
        out.extend_from_slice(answer::STREAM_HEAD);
        if script.called < script.calls {
            // Where each piece ends that is written by itself.
            let mut ends = vec![out.len()];
            answer::opening(out);
            ends.push(out.len());
            answer::call(out, script, |out| ends.push(out.len()));
            ends.push(out.len());
            answer::closing(out, script.tokens);
            if script.pace != Pace::Together {
                let mut begin = 0;
                for end in ends {
                    self.socket.write_all(&self.output[begin..end]).await?;
                    begin = end;
                }
                self.output.drain(..begin);
            }
            return Ok(());
        }
        answer::opening(out);
        match script.pace {
            Pace::Together => {
                for _ in 0..script.tokens {
                    if self.output.len() > TOGETHER {
                        self.write().await?;
                    }
                    self.output.extend_from_slice(&WORD);
                }
            }
            Pace::Apart { wait } => {
                self.write().await?;
                for _ in 0..script.tokens {
                    if wait > 0 {
                        tokio::time::sleep(Duration::from_micros(wait)).await;
                    }
                    self.socket.write_all(&WORD).await?;
                }
            }
        }
        answer::stop(&mut self.output);
        answer::closing(&mut self.output, script.tokens);
        Ok(())
    }
}

/// The head of the request that stands first in `input`; none as long as it is not whole.
fn head(input: &[u8]) -> io::Result<Option<Head>> {
    let mut headers = [httparse::EMPTY_HEADER; 64];
    let mut request = httparse::Request::new(&mut headers);
    let parsed = request.parse(input).map_err(io::Error::other)?;
    let httparse::Status::Complete(length) = parsed else { return Ok(None) };
    let value = |name: &str| {
        let header = request.headers.iter().find(|header| header.name.eq_ignore_ascii_case(name));
        header.map(|header| header.value)
    };
    let chunked =
        value("transfer-encoding").is_some_and(|how| how.eq_ignore_ascii_case(b"chunked"));
    let body = value("content-length")
        .and_then(|text| std::str::from_utf8(text).ok()?.trim().parse().ok());
    Ok(Some(Head {
        length,
        body: (!chunked).then_some(body.unwrap_or(0)),
        expects: value("expect").is_some(),
    }))
}
