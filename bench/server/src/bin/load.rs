//! What the server alone takes: `bench-load PORT` asks it, over one blocking socket, with requests that are ready,
//! and looks at nothing of the answers but their end. One JSON object a case.

use std::env;
use std::error::Error;
use std::io::{self, Read as _, Write as _};
use std::net::TcpStream;
use std::time::Instant;

use serde_json::json;

/// How often each case is measured; the median counts.
const ROUNDS: usize = 5;

struct Case {
    name: &'static str,
    history: usize,
    calls: usize,
    tokens: usize,
    requests: usize,
}

const CASES: [Case; 5] = [
    Case { name: "a tool call", history: 0, calls: 1, tokens: 1, requests: 5000 },
    Case { name: "a tool call behind 100", history: 100, calls: 1000, tokens: 1, requests: 5000 },
    Case { name: "a tool call behind 999", history: 999, calls: 1000, tokens: 1, requests: 1000 },
    Case { name: "a text of 1 piece", history: 0, calls: 0, tokens: 1, requests: 5000 },
    Case { name: "a text of 20,000 pieces", history: 0, calls: 0, tokens: 20_000, requests: 20 },
];

fn main() -> Result<(), Box<dyn Error>> {
    let port: u16 = env::args().nth(1).ok_or("usage: bench-load PORT")?.parse()?;
    let mut socket = TcpStream::connect(("127.0.0.1", port))?;
    socket.set_nodelay(true)?;
    for case in CASES {
        let request = case.request();
        ask(&mut socket, &request, case.requests / 10)?;
        let mut times = Vec::new();
        let mut received = 0;
        for _ in 0..ROUNDS {
            let start = Instant::now();
            received = ask(&mut socket, &request, case.requests)? / case.requests;
            times.push(start.elapsed().as_secs_f64() / case.requests as f64 * 1e6);
        }
        times.sort_by(f64::total_cmp);
        let line = json!({
            "case": case.name, "us_per_request": times[ROUNDS / 2], "request_bytes": request.len(),
            "response_bytes": received,
        });
        println!("{line}");
    }
    Ok(())
}

impl Case {
    fn request(&self) -> Vec<u8> {
        let prompt = format!("BENCH loop={} tokens={}", self.calls, self.tokens);
        let mut messages = vec![json!({"role": "user", "content": prompt})];
        for at in 0..self.history {
            let id = format!("call_{at:08}");
            let function = json!({"name": "add", "arguments": r#"{"a":1,"b":2}"#});
            let calls = json!([{"id": id, "type": "function", "function": function}]);
            messages.push(json!({"role": "assistant", "content": null, "tool_calls": calls}));
            messages.push(json!({"role": "tool", "tool_call_id": id, "content": "3"}));
        }
        let body = json!({"model": "bench", "stream": true, "messages": messages}).to_string();
        let head =
            "POST /v1/chat/completions HTTP/1.1\r\nhost: bench\r\ncontent-type: application/json";
        format!("{head}\r\ncontent-length: {}\r\n\r\n{body}", body.len()).into_bytes()
    }
}

/// Sends a request so many times, one after the other; gives how many bytes came.
fn ask(socket: &mut TcpStream, request: &[u8], times: usize) -> io::Result<usize> {
    const END: &[u8] = b"0\r\n\r\n";
    let mut buffer = vec![0; 256 * 1024];
    let mut received = 0;
    for _ in 0..times {
        socket.write_all(request)?;
        let mut tail = Vec::new();
        while tail != END {
            let count = socket.read(&mut buffer)?;
            if count == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            received += count;
            tail.extend_from_slice(&buffer[count.saturating_sub(END.len())..count]);
            tail.drain(..tail.len().saturating_sub(END.len()));
        }
    }
    Ok(received)
}
