//! §2.4 What the user sees.

use pretty_assertions::assert_eq;
use ropewalk_core::*;
use serde_json::json;

use crate::common::echo;
use crate::support::{answer_all, one_call, stream_of};

async fn agent() -> Agent {
    let asks =
        |event: &mut BeforeToolCallEvent| event.interrupt::<bool>("approve", "why").map(drop);
    Agent::builder()
        .no_callback_handler()
        .model(one_call())
        .tool(echo("a"))
        .hook(asks)
        .build()
        .await
        .unwrap()
}

/// §2.4 stop_reason, interrupts, message
#[tokio::test]
async fn the_result_has_reason_questions_and_message() {
    let mut agent = agent().await;
    let result = agent.invoke("q").await.unwrap();
    assert_eq!(result.stop_reason, StopReason::Interrupt);
    assert_eq!(result.interrupts().map(<[_]>::len), Some(1));
    assert_eq!(result.message.tool_uses().count(), 1);
    assert_eq!(answer_all(&mut agent, true).await.interrupts(), None);
}

/// §2.4 str(result) [≥1.24]: "textual list of the interrupts' dictionaries"
#[tokio::test]
async fn the_text_of_the_result_is_the_questions() {
    let mut agent = agent().await;
    let result = agent.invoke("q").await.unwrap();
    let printed: serde_json::Value = serde_json::from_str(&result.to_string()).unwrap();
    assert_eq!(printed, result.interrupts[0].to_dict());
    assert_eq!(answer_all(&mut agent, true).await.to_string(), "done\n");
}

/// §2.4 The JSON of the result, in the stream too
#[tokio::test]
async fn the_json_of_the_result_holds_the_questions() {
    let mut agent = agent().await;
    let events = stream_of(&mut agent, "q").await;
    let result = &events.last().unwrap()["result"];
    assert_eq!(result["type"], "agent_result");
    assert_eq!(result["stop_reason"], "interrupt");
    assert_eq!(result["interrupts"], json!([agent.interrupts()[0].to_dict()]));
}

/// §2.4 Metrics: an interrupted call. Here the result counts model calls and tokens, each once, however
/// often the run waited.
#[tokio::test]
async fn what_was_used_counts_once_over_all_pauses() {
    let mut agent = agent().await;
    let first = agent.invoke("q").await.unwrap();
    assert_eq!((first.cycles, first.usage), (1, Usage::new(10, 5)));
    let last = answer_all(&mut agent, true).await;
    assert_eq!((last.cycles, last.usage), (2, Usage::new(20, 6)));
    assert_eq!(agent.run().total_usage(), Usage::new(20, 6));
}

/// §2.4 not in Strands: without a tool call there is no message yet; the questions are there all the
/// same
#[tokio::test]
async fn a_question_before_anything_was_said_has_an_empty_message() {
    let asks = |event: &mut BeforeInvocationEvent| event.interrupt::<bool>("ok", "why").map(drop);
    let mut agent =
        Agent::builder().no_callback_handler().model(one_call()).hook(asks).build().await.unwrap();
    let result = agent.invoke("q").await.unwrap();
    assert_eq!((result.text().as_str(), result.interrupts.len(), result.cycles), ("", 1, 0));
}
