//! Servers that others wrote, each as a process of its own.

use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;
use tempfile::NamedTempFile;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// litellm takes half a minute where nothing of it is cached, and longer on a busy machine. One that fails ends.
const LONGEST_START: Duration = Duration::from_secs(300);

/// The folder with `what` in it that this variable names. Says so if there is none: the test is left out.
pub(crate) fn folder(variable: &str, what: &str) -> Option<PathBuf> {
    let folder = std::env::var_os(variable).map(PathBuf::from);
    if folder.is_none() {
        eprintln!("left out: {variable} names no folder with {what}");
    }
    folder
}

/// A file that a server is started with, JSON (which is YAML, too).
pub(crate) fn file(suffix: &str, value: &Value) -> NamedTempFile {
    let file = tempfile::Builder::new().suffix(suffix).tempfile().unwrap();
    std::fs::write(file.path(), value.to_string()).unwrap();
    file
}

/// A server that ends with this value. If the test has failed, what the server said is shown.
pub(crate) struct Foreign {
    name: &'static str,
    child: Child,
    said: NamedTempFile,
    /// Without a path.
    pub(crate) origin: String,
}

impl Foreign {
    /// Starts a server that chooses its port by itself, and waits until it says where it listens: behind `ready`.
    pub(crate) async fn start(name: &'static str, mut command: Command, ready: &str) -> Self {
        let said = NamedTempFile::new().unwrap();
        let pipe = || Stdio::from(said.as_file().try_clone().unwrap());
        let command = command.stdin(Stdio::null()).stdout(pipe()).stderr(pipe());
        let child =
            command.spawn().unwrap_or_else(|error| panic!("no {name}: {command:?}: {error}"));
        let mut server = Self { name, child, said, origin: String::new() };
        let began = Instant::now();
        server.origin = loop {
            if let Some(origin) = server.listens_at(ready) {
                break origin;
            }
            let ended = server.child.try_wait().unwrap();
            assert!(ended.is_none(), "{name} ended instead of listening: {ended:?}");
            assert!(began.elapsed() < LONGEST_START, "{name} does not come up");
            tokio::time::sleep(Duration::from_millis(20)).await;
        };
        server
    }

    fn listens_at(&self, ready: &str) -> Option<String> {
        let said = self.said();
        let (_, behind) = said.split_once(ready)?;
        // No white space behind it: the line is not whole yet.
        let (origin, _) = behind.split_once(char::is_whitespace)?;
        Some(origin.to_owned())
    }

    fn said(&self) -> String {
        let said = std::fs::read(self.said.path()).unwrap_or_default();
        String::from_utf8_lossy(&said).into_owned()
    }

    /// Sends the server a request that is none of a model's, and gives back what it answers.
    pub(crate) async fn control(&self, method: &str, path: &str, body: &Value) -> Value {
        let address = self.origin.strip_prefix("http://").unwrap();
        let mut stream = TcpStream::connect(address).await.unwrap();
        let body = body.to_string();
        // The older version: the answer comes in one piece, and ends with the connection.
        let request = format!(
            "{method} {path} HTTP/1.0\r\nhost: {address}\r\ncontent-type: application/json\r\n\
             content-length: {}\r\n\r\n{body}",
            body.len()
        );
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").expect("an answer has a head");
        let status = head.split(' ').nth(1).unwrap_or_default();
        assert!(status.starts_with('2'), "{method} {path}: {answer}");
        serde_json::from_str(body).unwrap()
    }
}

impl Drop for Foreign {
    fn drop(&mut self) {
        // There is nothing to do about one that has ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
        if std::thread::panicking() {
            eprintln!("== what {} said\n{}", self.name, self.said());
        }
    }
}
