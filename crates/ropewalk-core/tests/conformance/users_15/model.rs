//! What the loop must hold out of a model: streams that drop, stalls, malformed JSON. Items 20 to 22.

use std::time::Duration;

use futures_util::{StreamExt as _, stream};
use pretty_assertions::assert_eq;
use ropewalk_core::*;
use ropewalk_testkit::{Reply, ScriptedModel};
use serde_json::json;
use tokio::time::Instant;

use crate::common::{assert_valid, echo, last_results};
use crate::support::{Count, shape};

/// What somebody shows who listens, and takes back what is rolled back.
async fn shown(agent: &mut Agent, prompt: &str) -> (Vec<String>, String, Option<Error>) {
    let (mut kept, mut open, mut failed) = (Vec::new(), String::new(), None);
    let mut stream = agent.stream(prompt);
    while let Some(event) = stream.next().await {
        match event {
            Ok(AgentEvent::Text(text)) => open.push_str(&text),
            Ok(AgentEvent::ToolUseStream { current, .. }) => {
                open = format!("{}({})", current.name, current.input);
            }
            Ok(AgentEvent::Rollback { .. }) => open.clear(),
            Ok(AgentEvent::Message(_)) => kept.push(std::mem::take(&mut open)),
            Ok(_) => {}
            Err(error) => failed = Some(error),
        }
    }
    (kept, open, failed)
}

/// §15.20 at each place where the stream may drop, by an error or just so
#[tokio::test(start_paused = true)]
async fn users_15_20_a_dropped_stream_and_its_retry_double_neither_text_nor_tool_calls() {
    let whole = Reply::tool("a", json!({"n": 1}));
    for place in 0..6 {
        for says_so in [true, false] {
            let tool = echo("a");
            let text = Reply::text("one two three");
            let model = ScriptedModel::new([
                match says_so {
                    true => text.clone().failing_after(place, ErrorKind::Unavailable, "dropped"),
                    false => text.clone().breaking_off_after(place),
                },
                match says_so {
                    true => whole.clone().failing_after(place, ErrorKind::Unavailable, "dropped"),
                    false => whole.clone().breaking_off_after(place.min(4)),
                },
                whole.clone(),
                text,
            ]);
            let builder =
                Agent::builder().no_callback_handler().model(model.clone()).tool(tool.clone());
            let mut agent = builder.build().await.unwrap();
            let (kept, open, failed) = shown(&mut agent, "q").await;
            assert!(failed.is_none(), "{failed:?}");
            assert_eq!(kept, ["a({\"n\":1})", "", "one two three"], "place {place}");
            assert_eq!((open.as_str(), tool.count()), ("", 1));
            assert_eq!(model.remaining(), 0);
            let expected = ["user text", "assistant toolUse", "user toolResult", "assistant text"];
            assert_eq!(shape(&agent.messages()), expected);
        }
    }
}

/// A model that says this, each after a pause; then it says nothing, or what keeps a line open.
#[derive(Clone)]
struct Slow {
    chunks: Vec<ModelChunk>,
    pause: Duration,
    beats: bool,
    asked: Count,
}

impl Slow {
    fn new(chunks: impl IntoIterator<Item = ModelChunk>, pause: u64) -> Self {
        let chunks = chunks.into_iter().collect();
        Self { chunks, pause: Duration::from_secs(pause), beats: false, asked: Count::default() }
    }

    /// Sends what keeps a line open, once a second, for ever.
    fn beating(mut self) -> Self {
        self.beats = true;
        self
    }
}

impl Model for Slow {
    fn id(&self) -> &str {
        "slow"
    }

    fn stream(&self, _: ModelRequest) -> BoxStream<'_, Result<ModelChunk, Error>> {
        self.asked.up();
        let pause = self.pause;
        let said = stream::iter(self.chunks.clone()).then(move |chunk| async move {
            tokio::time::sleep(pause).await;
            Ok(chunk)
        });
        if !self.beats {
            return said.boxed();
        }
        let kinds = [
            serde_json::from_value(json!({"ping": {}})).unwrap(),
            serde_json::from_value(json!({"contentBlockDelta": {"delta": {"beat": 1}}})).unwrap(),
            ModelChunk::text_delta(""),
            ModelChunk::metadata(Usage::default(), Metrics::default()),
        ];
        let beats = stream::iter(kinds.into_iter().cycle()).then(|chunk: ModelChunk| async move {
            tokio::time::sleep(Duration::from_secs(1)).await;
            Ok(chunk)
        });
        said.chain(beats).boxed()
    }
}

async fn with(model: &Slow, timeouts: ModelTimeouts, strategy: RetryStrategy) -> Agent {
    let builder =
        Agent::builder().no_callback_handler().model(model.clone()).model_timeouts(timeouts);
    builder.retry_strategy(strategy).build().await.unwrap()
}

/// §15.21 nothing but keep-alives, before the first word and behind it
#[tokio::test(start_paused = true)]
async fn users_15_21_keep_alives_alone_are_a_stall() {
    let timeouts = ModelTimeouts::default()
        .first_data(Duration::from_secs(60))
        .between_data(Duration::from_secs(20));
    let word = [ModelChunk::message_start(), ModelChunk::text_delta("half")];
    for (chunks, after) in [(&word[..1], 60), (&word[..], 20)] {
        let model = Slow::new(chunks.to_vec(), 0).beating();
        let mut agent = with(&model, timeouts, RetryStrategy::none()).await;
        let began = Instant::now();
        let error = agent.invoke("q").await.unwrap_err();
        assert_eq!((error.kind(), began.elapsed().as_secs()), (ErrorKind::Timeout, after));
        assert!(error.to_string().contains("model_timeouts"), "{error}");
        assert_valid(&agent.messages());
        // It is tried again, as what failed for a time is.
        let strategy = RetryStrategy::default().max_attempts(3).without_jitter();
        let mut agent = with(&model, timeouts, strategy).await;
        let began = Instant::now();
        agent.invoke("q").await.unwrap_err();
        assert_eq!((model.asked.get(), began.elapsed().as_secs()), (4, 3 * after + 4 + 8));
    }
}

/// §15.21 once the answer has begun, the time between its pieces counts, also where it began late
#[tokio::test(start_paused = true)]
async fn users_15_21_a_stall_behind_a_late_beginning_is_found_in_time() {
    let timeouts = ModelTimeouts::default()
        .first_data(Duration::from_secs(60))
        .between_data(Duration::from_secs(20));
    // The first word comes after twice the pause.
    for (pause, after) in [(5, 10 + 20), (15, 30 + 20), (29, 58 + 20)] {
        let model = Slow::new([ModelChunk::message_start(), ModelChunk::text_delta("half")], pause);
        let mut agent = with(&model.beating(), timeouts, RetryStrategy::none()).await;
        let began = Instant::now();
        agent.invoke("q").await.unwrap_err();
        assert_eq!(began.elapsed().as_secs(), after);
    }
}

/// §15.21 a limit beyond all time is none
#[tokio::test(start_paused = true)]
async fn users_15_21_the_longest_time_is_no_limit() {
    let chunks = ModelChunk::text_message("at last", StopReason::EndTurn, Usage::default());
    for timeouts in [
        ModelTimeouts::default().first_data(Duration::MAX).between_data(Duration::MAX),
        ModelTimeouts::none().first_data(Duration::MAX).between_data(Duration::from_secs(90)),
        ModelTimeouts::none().first_data(Duration::from_secs(90)).between_data(Duration::MAX),
    ] {
        let mut agent = with(&Slow::new(chunks.clone(), 40), timeouts, RetryStrategy::none()).await;
        assert_eq!(agent.invoke("q").await.unwrap().text(), "at last");
    }
}

/// §15.21 the defaults find a stall too, and can be switched off
#[tokio::test(start_paused = true)]
async fn users_15_21_the_defaults_are_ten_minutes_and_five() {
    let word = [ModelChunk::message_start(), ModelChunk::text_delta("half")];
    for (chunks, after) in [(&word[..1], 600), (&word[..], 300)] {
        let model = Slow::new(chunks.to_vec(), 0).beating();
        let mut agent = with(&model, ModelTimeouts::default(), RetryStrategy::none()).await;
        let began = Instant::now();
        agent.invoke("q").await.unwrap_err();
        assert_eq!(began.elapsed().as_secs(), after);
    }
    let chunks = ModelChunk::text_message("at last", StopReason::EndTurn, Usage::default());
    let mut agent =
        with(&Slow::new(chunks, 5_000), ModelTimeouts::none(), RetryStrategy::none()).await;
    assert_eq!(agent.invoke("q").await.unwrap().text(), "at last");
}

/// §15.21 who is slow and says something all the same is no stall; nor is a hook that takes its time
#[tokio::test(start_paused = true)]
async fn users_15_21_what_is_slow_is_no_stall() {
    let chunks = ModelChunk::text_message("slow", StopReason::EndTurn, Usage::default());
    let timeouts = ModelTimeouts::default()
        .first_data(Duration::from_secs(25))
        .between_data(Duration::from_secs(25));
    let model = Slow::new(chunks, 12);
    let mut agent = Agent::builder()
        .no_callback_handler()
        .model(model.clone())
        .model_timeouts(timeouts)
        .observe_stream(async |_: &ModelStreamEvent| {
            tokio::time::sleep(Duration::from_secs(60)).await;
        })
        .build()
        .await
        .unwrap();
    assert_eq!(agent.invoke("q").await.unwrap().text(), "slow");
    assert_eq!(model.asked.get(), 1);
}

/// §15.22 whatever the arguments are: broken off, no JSON at all, a wrong number
#[tokio::test]
async fn users_15_22_malformed_tool_json_is_never_run_with_an_empty_object() {
    for raw in ["{\"path\": \"/tm", "rm -rf /", "{\"n\": 1e}", "{} {}", "{'n': 1}"] {
        let tool = echo("a");
        let model = ScriptedModel::new([Reply::raw_tool("a", raw), Reply::text("sorry")]);
        let builder =
            Agent::builder().no_callback_handler().model(model.clone()).tool(tool.clone());
        let mut agent = builder.build().await.unwrap();
        assert_eq!(agent.invoke("q").await.unwrap().text(), "sorry");
        assert_eq!(tool.count(), 0, "{raw}");
        let told = &last_results(&model.requests()[1].messages)[0];
        assert!(told.contains(raw) && told.contains("not valid JSON"), "{told}");
        assert!(told.contains("column"), "the parser's own words: {told}");
    }
}

/// §15.22 the model is not told a book
#[tokio::test]
async fn users_15_22_long_malformed_json_is_told_back_with_its_head_and_tail() {
    let raw = format!("{{\"text\": \"{}END", "ä".repeat(50_000));
    let model = ScriptedModel::new([Reply::raw_tool("a", &raw), Reply::text("sorry")]);
    let mut agent = Agent::builder()
        .no_callback_handler()
        .model(model.clone())
        .tool(echo("a"))
        .build()
        .await
        .unwrap();
    agent.invoke("q").await.unwrap();
    let told = &last_results(&model.requests()[1].messages)[0];
    assert!(told.chars().count() < 2_300, "{}", told.len());
    assert!(told.contains("{\"text\": \"ä") && told.ends_with("äEND"), "{told}");
}
