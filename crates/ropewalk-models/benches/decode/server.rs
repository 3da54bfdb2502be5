//! A server that gives one and the same answer, from memory, to whatever it is asked.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;

pub(crate) struct Server {
    /// Without a path.
    pub(crate) origin: String,
}

impl Server {
    /// In threads of its own, until the process ends. The answer is a whole one of HTTP/1.1.
    pub(crate) fn start(answer: Vec<u8>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let origin = format!("http://{}", listener.local_addr().unwrap());
        let answer: Arc<[u8]> = answer.into();
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let answer = Arc::clone(&answer);
                // The client closes the connection when it has had enough.
                std::thread::spawn(move || serve(stream.unwrap(), &answer));
            }
        });
        Self { origin }
    }
}

fn serve(mut stream: TcpStream, answer: &[u8]) -> std::io::Result<()> {
    let mut reader = BufReader::new(stream.try_clone()?);
    let mut line = String::new();
    let mut length = 0;
    while reader.read_line(&mut line)? > 0 {
        if let Some(value) = line.to_lowercase().strip_prefix("content-length:") {
            length = value.trim().parse().unwrap();
        }
        if line == "\r\n" {
            reader.read_exact(&mut vec![0; length])?;
            stream.write_all(answer)?;
        }
        line.clear();
    }
    Ok(())
}
