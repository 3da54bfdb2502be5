//! Between a store and its server: cuts connections when it is told to.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicUsize, Ordering};

use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

/// That nothing is cut.
const WHOLE: i64 = i64::MAX;

pub(crate) struct Proxy {
    pub(crate) url: String,
    plan: Arc<Plan>,
}

/// After how many more bytes a connection is cut, in each direction.
struct Plan {
    request: AtomicI64,
    answer: AtomicI64,
    cuts: AtomicUsize,
}

impl Proxy {
    pub(crate) async fn to(url: &str) -> Self {
        let address = url.split(['@', '/']).find(|part| part.contains(':') && *part != "postgres:");
        let address = address.unwrap().to_owned();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let own = listener.local_addr().unwrap().to_string();
        let plan = Arc::new(Plan {
            request: AtomicI64::new(WHOLE),
            answer: AtomicI64::new(WHOLE),
            cuts: AtomicUsize::new(0),
        });
        let proxy = Self { url: url.replace(&address, &own), plan: Arc::clone(&plan) };
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let server = TcpStream::connect(&address).await.unwrap();
                tokio::spawn(carry(client, server, Arc::clone(&plan)));
            }
        });
        proxy
    }

    /// Cuts the connection behind so many bytes of what the store asks.
    pub(crate) fn cut_request(&self, after: i64) {
        self.plan.request.store(after, Ordering::SeqCst);
    }

    /// Cuts it behind so many bytes of what the server answers.
    pub(crate) fn cut_answer(&self, after: i64) {
        self.plan.answer.store(after, Ordering::SeqCst);
    }

    pub(crate) fn mend(&self) {
        self.cut_request(WHOLE);
        self.cut_answer(WHOLE);
    }

    pub(crate) fn cuts(&self) -> usize {
        self.plan.cuts.load(Ordering::SeqCst)
    }
}

async fn carry(client: TcpStream, server: TcpStream, plan: Arc<Plan>) {
    let (from_client, to_client) = client.into_split();
    let (from_server, to_server) = server.into_split();
    let cut = tokio::select! {
        cut = pass(from_client, to_server, &plan.request) => cut,
        cut = pass(from_server, to_client, &plan.answer) => cut,
    };
    if cut {
        plan.cuts.fetch_add(1, Ordering::SeqCst);
    }
}

/// Carries bytes. True if the plan said to end it; the next connection is whole again.
async fn pass(
    mut from: impl AsyncRead + Unpin,
    mut to: impl AsyncWrite + Unpin,
    left: &AtomicI64,
) -> bool {
    let mut buffer = [0; 4096];
    loop {
        let Ok(count @ 1..) = from.read(&mut buffer).await else { return false };
        let allowed = left.load(Ordering::SeqCst);
        if allowed < count as i64 {
            let _ = to.write_all(&buffer[..usize::try_from(allowed).unwrap()]).await;
            left.store(WHOLE, Ordering::SeqCst);
            return true;
        }
        if allowed != WHOLE {
            left.fetch_sub(count as i64, Ordering::SeqCst);
        }
        if to.write_all(&buffer[..count]).await.is_err() {
            return false;
        }
    }
}
