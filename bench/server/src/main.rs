//! A model behind OpenAI's chat completions that says what its prompts tell it to say: one thread, no memory.
//!
//! `bench-server [PORT]` (a free one unless it is given) prints `listening ADDRESS` and serves until it is ended.
//! A prompt holds `BENCH loop=N tokens=T [flush=1] [delay_us=D]`: as long as fewer than N tool results stand
//! behind it, the answer is a call of the tool `add`; then it is a text of T pieces. The pieces are written many at
//! once; with `flush=1` each by itself, with `delay_us` after a wait.
//!
//! With `BENCH_DUMP` in the environment it shows what it is asked.

mod answer;
mod connection;
mod script;

use std::env;
use std::error::Error;

use nix::sys::resource::{Resource, getrlimit, setrlimit};
use tokio::net::TcpSocket;
use tokio::task::{LocalSet, spawn_local};

use connection::Connection;

fn main() -> Result<(), Box<dyn Error>> {
    let port = env::args().nth(1).map_or(Ok(0), |port| port.parse())?;
    // Each agent may have a connection of its own.
    let (_, most) = getrlimit(Resource::RLIMIT_NOFILE)?;
    setrlimit(Resource::RLIMIT_NOFILE, most, most)?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    LocalSet::new().block_on(&runtime, serve(port))
}

async fn serve(port: u16) -> Result<(), Box<dyn Error>> {
    let socket = TcpSocket::new_v4()?;
    socket.set_reuseaddr(true)?;
    socket.bind(([127, 0, 0, 1], port).into())?;
    let listener = socket.listen(4096)?;
    println!("listening {}", listener.local_addr()?);
    loop {
        let (socket, _) = listener.accept().await?;
        spawn_local(async move {
            // A client that goes away while it is answered is no failure of the server.
            if let Err(error) = Connection::new(socket).serve().await
                && error.kind() == std::io::ErrorKind::Other
            {
                eprintln!("bench-server: a request that is none: {error}");
            }
        });
    }
}
