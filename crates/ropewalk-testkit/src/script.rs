//! A model that follows a script.

mod reply;

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use futures_util::{StreamExt as _, stream};
use ropewalk_core::{BoxStream, Error, ErrorKind, Model, ModelChunk, ModelRequest, NativeOutput};

use reply::Ending;
pub use reply::Reply;

/// A model that follows a script: each call takes the next reply. Clones share the script and what
/// was recorded, so that a test keeps one and gives the agent the other.
///
/// A call beyond the end of the script fails and says so.
#[derive(Clone, Debug, Default)]
pub struct ScriptedModel {
    shared: Arc<Mutex<Shared>>,
    id: Option<String>,
    window: Option<u64>,
    native_output: NativeOutput,
}

#[derive(Debug, Default)]
struct Shared {
    replies: VecDeque<Reply>,
    requests: Vec<ModelRequest>,
}

impl ScriptedModel {
    /// A model that gives these replies, one a call.
    pub fn new(replies: impl IntoIterator<Item = Reply>) -> Self {
        let replies = replies.into_iter().collect();
        let shared = Arc::new(Mutex::new(Shared { replies, requests: Vec::new() }));
        Self { shared, id: None, window: None, native_output: NativeOutput::No }
    }

    /// The same model under another id than `scripted`. Clones that were made before keep theirs.
    #[must_use]
    pub fn with_id(mut self, id: impl Into<String>) -> Self {
        self.id = Some(id.into());
        self
    }

    /// The same model with a window of so many tokens, as [`Message::estimated_tokens`] counts them. A
    /// longer conversation is refused with [`ErrorKind::ContextOverflow`], and takes no reply. Clones
    /// that were made before have none.
    ///
    /// [`Message::estimated_tokens`]: ropewalk_core::Message::estimated_tokens
    #[must_use]
    pub fn with_window(mut self, tokens: u64) -> Self {
        self.window = Some(tokens);
        self
    }

    /// Says how far the model holds to JSON Schemas by itself; not at all unless set. It follows its
    /// script all the same.
    #[must_use]
    pub fn with_native_output(mut self, native_output: NativeOutput) -> Self {
        self.native_output = native_output;
        self
    }

    /// Adds a reply to the end of the script.
    pub fn push(&self, reply: Reply) {
        self.lock().replies.push_back(reply);
    }

    /// Forgets the rest of the script.
    pub fn clear(&self) {
        self.lock().replies.clear();
    }

    /// What the model was asked so far, one entry a call.
    pub fn requests(&self) -> Vec<ModelRequest> {
        self.lock().requests.clone()
    }

    /// How many replies are left.
    pub fn remaining(&self) -> usize {
        self.lock().replies.len()
    }

    fn lock(&self) -> MutexGuard<'_, Shared> {
        self.shared.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn next(&self, request: ModelRequest) -> Reply {
        let tokens = request.messages.iter().map(|message| message.estimated_tokens()).sum();
        let mut shared = self.lock();
        shared.requests.push(request);
        if let Some(window) = self.window.filter(|window| *window < tokens) {
            let text = format!("{tokens} tokens do not fit a window of {window}");
            return Reply::error(ErrorKind::ContextOverflow, text);
        }
        let asked = shared.requests.len();
        shared.replies.pop_front().unwrap_or_else(|| {
            let text =
                format!("the script is over: this is call {asked} and there is no reply for it");
            Reply::error(ErrorKind::Other, text)
        })
    }
}

impl Model for ScriptedModel {
    fn id(&self) -> &str {
        self.id.as_deref().unwrap_or("scripted")
    }

    fn context_limit(&self) -> Option<u64> {
        self.window
    }

    fn stream(&self, request: ModelRequest) -> BoxStream<'_, Result<ModelChunk, Error>> {
        // The reply is taken when the stream is polled, as a request is sent only then.
        let start = stream::once(async move {
            let Reply { chunks, ending } = self.next(request);
            let chunks = stream::iter(chunks.into_iter().map(Ok));
            match ending {
                Ending::Done => chunks.boxed(),
                Ending::Error(kind, text, retry_after) => {
                    let mut error = Error::new(kind, text);
                    if let Some(wait) = retry_after {
                        error = error.with_retry_after(wait);
                    }
                    chunks.chain(stream::once(async move { Err(error) })).boxed()
                }
                Ending::Silence => chunks.chain(stream::pending()).boxed(),
            }
        });
        start.flatten().boxed()
    }

    fn native_output(&self) -> NativeOutput {
        self.native_output
    }
}
