//! Whatever model, tools and callers do: the history is valid, and the next turn works.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use futures_util::StreamExt as _;
use proptest::prelude::*;
use ropewalk_core::*;
use ropewalk_testkit::{Reply, ScriptedModel};
use serde_json::json;

use crate::common::{RuleModel, TestJournal, TestTool, asks, assert_valid, echo, tool};

/// What the model does in one call.
#[derive(Clone, Debug)]
enum Says {
    Text,
    Calls(Vec<&'static str>),
    BadJson,
    CutOff(bool),
    Fails(ErrorKind),
    /// A whole answer, of which only so many chunks come: then an error, the end, or silence.
    Drops(usize, u8),
}

impl Says {
    fn reply(&self) -> Reply {
        let calls = |names: &[&'static str]| {
            // Ids that are there twice, and one that is missing.
            let ids = ["t", "t", ""].into_iter().cycle();
            Reply::tools(ids.zip(names).map(|(id, name)| (id, *name, json!({}))))
        };
        match self {
            Self::Text => Reply::text("some words"),
            Self::Calls(names) => calls(names),
            Self::BadJson => Reply::raw_tool("ok", "{\"n\": "),
            Self::CutOff(true) => calls(&["ok"]).stopping_with(StopReason::MaxTokens),
            Self::CutOff(false) => Reply::text("cut").stopping_with(StopReason::MaxTokens),
            Self::Fails(kind) => Reply::error(*kind, "no"),
            Self::Drops(count, how) => {
                let whole = if how % 2 == 0 { calls(&["ok", "ok"]) } else { Reply::text("a b c") };
                match how / 2 {
                    0 => whole.failing_after(*count, ErrorKind::Unavailable, "dropped"),
                    1 => whole.breaking_off_after(*count),
                    _ => whole.silent_after(*count),
                }
            }
        }
    }
}

fn says() -> impl Strategy<Value = Says> {
    let names = prop::sample::select(vec!["ok", "fails", "panics", "slow", "hangs", "none", "a b"]);
    let kinds = prop::sample::select(vec![
        ErrorKind::Throttled,
        ErrorKind::Unavailable,
        ErrorKind::Other,
        ErrorKind::ContextOverflow,
    ]);
    prop_oneof![
        2 => Just(Says::Text),
        4 => prop::collection::vec(names, 1..5).prop_map(Says::Calls),
        1 => Just(Says::BadJson),
        1 => any::<bool>().prop_map(Says::CutOff),
        2 => kinds.prop_map(Says::Fails),
        2 => (0..6_usize, 0..6_u8).prop_map(|(count, how)| Says::Drops(count, how)),
    ]
}

/// How the caller ends an invocation.
#[derive(Clone, Copy, Debug)]
enum Stops {
    Never,
    /// Cancels after so many events.
    Cancel(usize),
    /// The same, after the tools that run.
    AfterTools(usize),
    /// Drops the stream after so many events.
    Drop(usize),
    /// Is cut by its limit of time, in seconds.
    Time(u64),
}

fn stops() -> impl Strategy<Value = Stops> {
    prop_oneof![
        Just(Stops::Never),
        (0..25_usize).prop_map(Stops::Cancel),
        (0..25_usize).prop_map(Stops::AfterTools),
        (0..25_usize).prop_map(Stops::Drop),
        (1..20_u64).prop_map(Stops::Time),
    ]
}

fn tools() -> Vec<TestTool> {
    vec![
        echo("ok"),
        tool("fails", |_, _| async { Err("it failed".into()) }),
        tool("panics", |_, _| async { panic!("it panicked") }),
        tool("slow", |_, _| async {
            tokio::time::sleep(Duration::from_secs(5)).await;
            Ok(ToolOutput::text("at last"))
        }),
        tool("hangs", |_, context: ToolContext| async move {
            context.cancel().cancelled().await;
            Err("stopped".into())
        }),
    ]
}

async fn goes_well(script: Vec<(Vec<Says>, Stops)>) {
    let journal = TestJournal::new();
    let model = ScriptedModel::new([]);
    let mut agent = Agent::builder()
        .no_callback_handler()
        .model(model.clone())
        .tools(tools())
        .session(journal.clone())
        .build()
        .await
        .unwrap();
    for (replies, stops) in script {
        // What an invocation left of its script is not the next one's.
        model.clear();
        replies.iter().for_each(|says| model.push(says.reply()));
        model.push(Reply::text("done"));
        let handle = agent.cancel_handle();
        // Nothing goes on for ever.
        let time = if let Stops::Time(seconds) = stops { seconds } else { 1_000 };
        let limits = Limits::new().time(Duration::from_secs(time));
        let mut stream = agent.invocation("q").limits(limits).stream();
        let mut count = 0;
        loop {
            match stops {
                Stops::Cancel(at) if at == count => handle.cancel(),
                Stops::AfterTools(at) if at == count => handle.cancel_after_tools(),
                Stops::Drop(at) if at == count => break,
                _ => {}
            }
            count += 1;
            if stream.next().await.is_none() {
                break;
            }
        }
        drop(stream);
        assert_valid(&agent.messages());
        let stored = serde_json::to_string(&agent.run()).unwrap();
        assert_eq!(serde_json::from_str::<Run>(&stored).unwrap(), agent.run());
    }
    // The next turn works, of the same agent and of another process. A cancel that came too late for its
    // invocation is for the next one of the same agent: that one is over first.
    model.clear();
    ["hm", "fine"].iter().for_each(|text| model.push(Reply::text(*text)));
    let records = journal.records().await;
    let late = agent.invoke("hm").await.unwrap();
    if late.stop_reason == StopReason::Cancelled {
        model.clear();
        model.push(Reply::text("fine"));
    }
    assert_eq!(agent.invoke("and now?").await.unwrap().text(), "fine");
    assert_valid(&agent.messages());
    let mut next = Agent::builder()
        .no_callback_handler()
        .model(ScriptedModel::new([Reply::text("fine")]))
        .tools(tools())
        .session(TestJournal::holding(&records).await)
        .build()
        .await
        .unwrap();
    let result = next.invoke("and now?").await.unwrap();
    assert_eq!(result.text(), "fine");
    assert_valid(&next.messages());
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, ..ProptestConfig::default() })]

    #[test]
    fn any_behaviour_leaves_a_valid_history_on_which_the_next_turn_works(
        script in prop::collection::vec((prop::collection::vec(says(), 0..5), stops()), 1..4)
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .start_paused(true)
            .build()
            .unwrap();
        runtime.block_on(goes_well(script));
    }
}

/// Thousands of cycles are a loop, and no recursion; the results come in their order.
#[tokio::test]
async fn five_thousand_cycles() {
    let asked = Arc::new(AtomicUsize::new(0));
    let counts = Arc::clone(&asked);
    let tool = tool("a", move |_, _| {
        counts.fetch_add(1, Ordering::SeqCst);
        async { Ok(ToolOutput::text("a")) }
    });
    let model = RuleModel::new(|history| match history.len() / 2 {
        5_000 => Message::assistant("done"),
        _ => asks([("t", "a", json!({}))]),
    });
    let limits = Limits::new().turns(5_001).tool_calls(5_000).total_tokens(100_000_000);
    let mut agent = Agent::builder()
        .no_callback_handler()
        .model(model)
        .tool(tool)
        .limits(limits)
        .build()
        .await
        .unwrap();
    let result = agent.invoke("q").await.unwrap();
    assert_eq!((result.text().as_str(), result.cycles), ("done", 5_001));
    assert_eq!(asked.load(Ordering::SeqCst), 5_000);
    assert_eq!(agent.run().used().tool_calls, 0, "the next invocation has its own");
    assert_valid(&agent.messages());
}
