//! What the tests share.

use std::cell::RefCell;
use std::fmt::Debug;
use std::sync::Once;

use futures_util::StreamExt as _;
use ropewalk_core::{
    Error, ErrorKind, Message, MessageAssembler, Model, ModelChunk, ModelRequest, ModelTurn,
    Transcript, Usage,
};
use ropewalk_testkit::Reply;
use tracing::field::{Field, Visit};
use tracing_subscriber::layer::{Context, Layer, SubscriberExt as _};

pub(crate) fn ask(text: &str) -> ModelRequest {
    ModelRequest::new(Transcript::from_messages([Message::user(text)]).unwrap())
}

/// All that a model says, and how it fails.
pub(crate) async fn collect(
    model: &dyn Model,
    request: ModelRequest,
) -> (Vec<ModelChunk>, Option<Error>) {
    let mut stream = model.stream(request);
    let mut chunks = Vec::new();
    while let Some(item) = stream.next().await {
        match item {
            Ok(chunk) => chunks.push(chunk),
            Err(error) => {
                assert!(stream.next().await.is_none(), "nothing comes after an error");
                return (chunks, Some(error));
            }
        }
    }
    assert!(stream.next().await.is_none(), "the end is the end");
    (chunks, None)
}

/// What a model answers.
pub(crate) async fn turn(model: &dyn Model, request: ModelRequest) -> Result<ModelTurn, Error> {
    let (chunks, error) = collect(model, request).await;
    let mut assembler = MessageAssembler::new();
    chunks.iter().for_each(|chunk| assembler.push(chunk));
    error.map_or_else(|| assembler.finish(), Err)
}

pub(crate) async fn text(model: &dyn Model, prompt: &str) -> Result<String, Error> {
    turn(model, ask(prompt)).await.map(|turn| turn.message.text())
}

/// The metadata's other keys.
pub(crate) fn extra(chunks: &[ModelChunk]) -> serde_json::Value {
    let mut extras = chunks.iter().filter_map(|chunk| match chunk {
        ModelChunk::Metadata(metadata) => Some(metadata.extra.clone()),
        _ => None,
    });
    extras.next_back().unwrap_or_default().into()
}

pub(crate) fn usage(chunks: &[ModelChunk]) -> Usage {
    let mut assembler = MessageAssembler::new();
    chunks.iter().for_each(|chunk| assembler.push(chunk));
    assembler.usage()
}

pub(crate) fn away() -> Reply {
    Reply::error(ErrorKind::Unavailable, "away")
}

/// The warnings that this thread logs. One listener hears all threads of the process: with one of its own, a thread
/// beside it could make a place in the code known as one that nobody listens to.
pub(crate) struct Warnings;

thread_local! {
    static HEARD: RefCell<Vec<String>> = const { RefCell::new(Vec::new()) };
}

impl Warnings {
    /// Listens from now on.
    pub(crate) fn listen() -> Self {
        static LISTENING: Once = Once::new();
        LISTENING.call_once(|| {
            let subscriber = tracing_subscriber::registry().with(Listener);
            tracing::subscriber::set_global_default(subscriber).unwrap();
            tracing::callsite::rebuild_interest_cache();
        });
        HEARD.take();
        Self
    }

    pub(crate) fn all(&self) -> Vec<String> {
        HEARD.with_borrow(Clone::clone)
    }
}

struct Listener;

impl<S: tracing::Subscriber> Layer<S> for Listener {
    fn on_event(&self, event: &tracing::Event<'_>, _: Context<'_, S>) {
        if *event.metadata().level() == tracing::Level::WARN {
            let mut text = Text::default();
            event.record(&mut text);
            HEARD.with_borrow_mut(|heard| heard.push(text.0));
        }
    }
}

#[derive(Default)]
struct Text(String);

impl Visit for Text {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        self.0.push_str(&format!("{}={value:?} ", field.name()));
    }
}
