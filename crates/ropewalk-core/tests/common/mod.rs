//! What several test files share.
#![allow(dead_code, unreachable_pub, missing_docs, missing_debug_implementations)]
#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::borrow::Cow;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures_util::{StreamExt as _, stream};
use ropewalk_core::*;
use serde_json::{Value, json};

type Body =
    dyn Fn(Value, ToolContext) -> BoxFuture<'static, Result<ToolOutput, BoxError>> + Send + Sync;

/// One call that a [`TestTool`] got.
#[derive(Clone, Debug, PartialEq)]
pub struct Seen {
    pub id: String,
    pub key: String,
    pub input: Value,
}

/// A tool made of a closure, which notes each call. Clones share the notes.
#[derive(Clone)]
pub struct TestTool {
    spec: ToolSpec,
    replay: Replay,
    timeout: Option<Duration>,
    exclusive: Option<fn(&Value) -> String>,
    body: Arc<Body>,
    seen: Arc<Mutex<Vec<Seen>>>,
}

pub fn tool<F, Fut>(name: &str, body: F) -> TestTool
where
    F: Fn(Value, ToolContext) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = Result<ToolOutput, BoxError>> + Send + 'static,
{
    TestTool {
        spec: ToolSpec::new(name, format!("does {name}"), json!({"type": "object"})),
        replay: Replay::Never,
        timeout: None,
        exclusive: None,
        body: Arc::new(move |input, context| Box::pin(body(input, context))),
        seen: Arc::default(),
    }
}

/// A tool that says its own name.
pub fn echo(name: &'static str) -> TestTool {
    tool(name, move |_, _| async move { Ok(ToolOutput::text(name)) })
}

impl TestTool {
    pub fn replayed(mut self, replay: Replay) -> Self {
        self.replay = replay;
        self
    }

    pub fn within(mut self, timeout: Duration) -> Self {
        self.timeout = Some(timeout);
        self
    }

    pub fn exclusive(mut self, key: fn(&Value) -> String) -> Self {
        self.exclusive = Some(key);
        self
    }

    pub fn schema(mut self, schema: Value) -> Self {
        self.spec.input_schema = schema;
        self
    }

    pub fn seen(&self) -> Vec<Seen> {
        self.seen.lock().unwrap().clone()
    }

    pub fn count(&self) -> usize {
        self.seen.lock().unwrap().len()
    }
}

impl Tool for TestTool {
    fn spec(&self) -> &ToolSpec {
        &self.spec
    }

    fn call(
        &self,
        input: Value,
        context: ToolContext,
    ) -> BoxFuture<'_, Result<ToolOutput, BoxError>> {
        self.seen.lock().unwrap().push(Seen {
            id: context.tool_use().tool_use_id.clone(),
            key: context.idempotency_key().to_owned(),
            input: input.clone(),
        });
        (self.body)(input, context)
    }

    fn replay(&self) -> Replay {
        self.replay
    }

    fn timeout(&self) -> Option<Duration> {
        self.timeout
    }

    fn exclusive_key<'a>(&'a self, input: &'a Value) -> Option<Cow<'a, str>> {
        self.exclusive.map(|key| Cow::Owned(key(input)))
    }
}

/// A model that answers by a rule over the conversation, so that any process can go on with it. It
/// lets others run between its chunks.
#[derive(Clone)]
pub struct RuleModel {
    rule: fn(&Transcript) -> Message,
    asked: Arc<AtomicUsize>,
}

impl RuleModel {
    pub fn new(rule: fn(&Transcript) -> Message) -> Self {
        Self { rule, asked: Arc::default() }
    }

    pub fn asked(&self) -> usize {
        self.asked.load(Ordering::SeqCst)
    }
}

impl Model for RuleModel {
    fn id(&self) -> &str {
        "rule"
    }

    fn stream(&self, request: ModelRequest) -> BoxStream<'_, Result<ModelChunk, Error>> {
        self.asked.fetch_add(1, Ordering::SeqCst);
        let message = (self.rule)(&request.messages);
        let reason = match message.tool_uses().next() {
            Some(_) => StopReason::ToolUse,
            None => StopReason::EndTurn,
        };
        let chunks = ModelChunk::from_message(&message, reason, Usage::new(10, 5));
        slowly(chunks.into_iter().map(Ok)).boxed()
    }
}

/// The items, with a pause for others before each.
pub fn slowly<T: Send + 'static>(
    items: impl IntoIterator<Item = T, IntoIter: Send> + Send,
) -> impl futures_util::Stream<Item = T> + Send {
    stream::iter(items.into_iter().collect::<Vec<_>>()).then(|item| async move {
        tokio::task::yield_now().await;
        item
    })
}

/// An agent with this model and these tools, which tells nobody what it does.
pub async fn agent_with<T: IntoTool>(
    model: impl Model,
    tools: impl IntoIterator<Item = T>,
) -> Agent {
    let builder = Agent::builder().no_callback_handler().model(model).tools(tools);
    builder.build().await.unwrap()
}

/// An assistant message that asks for tools: id, name, input of each.
pub fn asks<'a>(calls: impl IntoIterator<Item = (&'a str, &'a str, Value)>) -> Message {
    let uses = calls
        .into_iter()
        .map(|(id, name, input)| ContentBlock::from(ToolUse::new(id, name, input)));
    Message::new(Role::Assistant, uses.collect())
}

/// A model's turn of this message, as it stands in a record.
pub fn turn(message: Message) -> ModelTurn {
    let stop_reason = match message.tool_uses().next() {
        Some(_) => StopReason::ToolUse,
        None => StopReason::EndTurn,
    };
    ModelTurn {
        message,
        stop_reason,
        usage: Usage::new(10, 5),
        metrics: Metrics::default(),
        malformed: Vec::new(),
        redact_user: None,
    }
}

/// The history stands: nothing in it that can't be taken over by another.
pub fn assert_valid(transcript: &Transcript) {
    let again = Transcript::from_messages(transcript.iter().map(|message| (**message).clone()));
    assert_eq!(again.as_ref().ok(), Some(transcript), "{again:?}");
}

/// The texts of the last results in a history, in order.
pub fn last_results(transcript: &Transcript) -> Vec<String> {
    let message = transcript.iter().rev().find(|message| message.results().next().is_some());
    message.into_iter().flat_map(|message| message.results().map(ToolResult::text)).collect()
}

/// Replaces the values of these keys, wherever they stand.
pub fn redact(value: &mut Value, keys: &[&str]) {
    match value {
        Value::Object(map) => {
            for (key, value) in map {
                if keys.contains(&key.as_str()) {
                    *value = json!(format!("[{key}]"));
                } else {
                    redact(value, keys);
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(|item| redact(item, keys)),
        _ => {}
    }
}

/// What goes wrong with a [`TestJournal`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The append fails and nothing was written.
    Lost,
    /// The append fails although everything was written.
    WrittenAllTheSame,
}

/// A journal in memory that lets others run in each append, and fails in the n-th if told to.
/// Clones share everything.
#[derive(Clone, Debug)]
pub struct TestJournal {
    pub memory: MemoryJournal,
    appends: Arc<AtomicUsize>,
    fault: Arc<Mutex<Option<(usize, Fault)>>>,
}

impl TestJournal {
    pub fn new() -> Self {
        Self { memory: MemoryJournal::new(), appends: Arc::default(), fault: Arc::default() }
    }

    /// A journal that holds these records already.
    pub async fn holding(records: &[Record]) -> Self {
        let journal = Self::new();
        journal.memory.append(records).await.unwrap();
        journal
    }

    /// The n-th append from now on (the first is 0) fails.
    pub fn fail_at(&self, nth: usize, fault: Fault) {
        let at = self.appends.load(Ordering::SeqCst) + nth;
        *self.fault.lock().unwrap() = Some((at, fault));
    }

    pub fn appends(&self) -> usize {
        self.appends.load(Ordering::SeqCst)
    }

    pub async fn records(&self) -> Vec<Record> {
        self.memory.load().await.unwrap()
    }
}

impl Journal for TestJournal {
    fn run_id(&self) -> &str {
        self.memory.run_id()
    }

    fn load(&self) -> BoxFuture<'_, Result<Vec<Record>, Error>> {
        self.memory.load()
    }

    fn append<'a>(&'a self, records: &'a [Record]) -> BoxFuture<'a, Result<(), Error>> {
        Box::pin(async move {
            let number = self.appends.fetch_add(1, Ordering::SeqCst);
            tokio::task::yield_now().await;
            let fault = *self.fault.lock().unwrap();
            let fault = fault.filter(|(at, _)| *at == number).map(|(_, fault)| fault);
            if fault != Some(Fault::Lost) {
                self.memory.append(records).await?;
            }
            tokio::task::yield_now().await;
            match fault {
                None => Ok(()),
                Some(_) => Err(Error::new(ErrorKind::Journal, "the disk is full")),
            }
        })
    }
}
