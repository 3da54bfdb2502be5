//! Messages, as they are kept, one after the other.

use bench_common::Failure;
use serde::{Deserialize, Serialize};

#[derive(Serialize, Deserialize)]
#[serde(tag = "role", content = "content", rename_all = "lowercase")]
pub(crate) enum Message {
    User(String),
    Assistant(String),
}

/// Where messages are written.
pub(crate) trait Place {
    fn add(&mut self, message: &Message) -> Result<(), Failure>;
}

/// A conversation that messages are added to.
pub(crate) struct Kept<P> {
    place: P,
    messages: usize,
}

impl<P> Kept<P> {
    /// One that has so many messages.
    pub(crate) fn new(place: P, messages: usize) -> Self {
        Self { place, messages }
    }
}

impl<P: Place> bench_common::Kept for Kept<P> {
    fn messages(&self) -> usize {
        self.messages
    }

    async fn turn(&mut self, question: String, answer: String) -> Result<(), Failure> {
        for message in [Message::User(question), Message::Assistant(answer)] {
            self.place.add(&message)?;
            self.messages += 1;
        }
        Ok(())
    }
}
