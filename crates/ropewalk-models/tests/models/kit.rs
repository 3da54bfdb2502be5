//! The conformance kit for models, before servers that answer as its cases say.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use ropewalk_core::Model;
use ropewalk_testkit::conformance::{self, Case, Models};

use crate::support::{Reply, Server};

/// An interface, as the kit tries it.
pub(crate) trait Wire {
    type Model: Model;

    /// A model at this server that waits so long for data.
    fn model(&self, origin: &str, patience: Duration) -> Self::Model;

    /// What the server answers; none if the interface has no such answer.
    fn reply(&self, case: Case) -> Option<Reply>;
}

struct Kit<W> {
    wire: W,
    /// They end with the kit.
    servers: Mutex<Vec<Server>>,
}

impl<W: Wire> Models for Kit<W> {
    type Model = W::Model;

    async fn answering(&self, case: Case) -> Option<W::Model> {
        let server = Server::always(self.wire.reply(case)?).await;
        let patience = match case {
            Case::OnlyAlive => Duration::from_millis(500),
            _ => Duration::from_secs(60),
        };
        let model = self.wire.model(&server.origin, patience);
        self.servers.lock().unwrap_or_else(PoisonError::into_inner).push(server);
        Some(model)
    }
}

/// Tries an adapter with the kit.
pub(crate) async fn tried(wire: impl Wire) {
    conformance::model(&Kit { wire, servers: Mutex::default() }).await.unwrap();
}

/// The text of the cases, in two pieces cut inside it.
pub(crate) fn pieces() -> [&'static str; 2] {
    let (first, second) = Case::TEXT.split_at(10);
    [first, second]
}
