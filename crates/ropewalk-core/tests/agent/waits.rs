//! Stopping in every wait there is: another attempt, wraps, approvals, a summary, the correction of a value.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use futures_util::StreamExt as _;
use pretty_assertions::assert_eq;
use ropewalk_core::*;
use serde_json::json;
use tokio::task::yield_now;

use crate::common::{RuleModel, TestJournal, TestTool, asks, assert_valid, echo, slowly, tool};

/// A city.
#[derive(Debug, PartialEq, serde::Deserialize, schemars::JsonSchema)]
struct City {
    name: String,
}

/// Two tools, then a city with a mistake, then one without; the same in any process.
fn rule(history: &Transcript) -> Message {
    let prompt = history
        .iter()
        .rposition(|said| said.role == Role::User && said.results().next().is_none())
        .unwrap_or_default();
    let turns = (history.len() - prompt) / 2;
    match (history[prompt].text().as_str(), turns) {
        ("work", 0) => asks([("t1", "slow", json!({})), ("t2", "quick", json!({}))]),
        ("work", 1) => asks([("t1", "City", json!({"name": 7}))]),
        ("work", 2) => asks([("t1", "City", json!({"name": "Paris"}))]),
        _ => Message::assistant("done with it"),
    }
}

/// Refuses what is longer than eight messages, breaks off every second time, and else goes by the rule.
struct Moody(AtomicUsize);

impl Model for Moody {
    fn id(&self) -> &str {
        "moody"
    }

    fn stream(&self, request: ModelRequest) -> BoxStream<'_, Result<ModelChunk, Error>> {
        let fails = |kind| vec![Err(Error::new(kind, "no"))];
        let answer = rule(&request.messages);
        let reason = match answer.tool_uses().next() {
            Some(_) => StopReason::ToolUse,
            None => StopReason::EndTurn,
        };
        let chunks = ModelChunk::from_message(&answer, reason, Usage::new(10, 5));
        let said = chunks.into_iter().map(Ok);
        slowly(if request.messages.len() > 8 {
            fails(ErrorKind::ContextOverflow)
        } else if self.0.fetch_add(1, Ordering::SeqCst).is_multiple_of(2) {
            said.take(3).chain(fails(ErrorKind::Unavailable)).collect()
        } else {
            said.collect()
        })
        .boxed()
    }
}

/// Lets others run before and after what it wraps.
struct Pausing;

impl WrapToolCall for Pausing {
    fn wrap<'a>(
        &'a self,
        request: ToolCallRequest,
        next: ToolNext<'a>,
    ) -> BoxFuture<'a, Result<ToolResult, BoxError>> {
        Box::pin(async move {
            yield_now().await;
            let result = next.run(request).await;
            yield_now().await;
            result
        })
    }
}

impl WrapModelCall for Pausing {
    fn wrap<'a>(
        &'a self,
        request: ModelCallRequest,
        next: ModelNext<'a>,
    ) -> BoxFuture<'a, Result<ModelTurn, BoxError>> {
        Box::pin(async move {
            yield_now().await;
            let turn = next.run(request).await;
            yield_now().await;
            turn
        })
    }
}

fn approved(event: &mut BeforeToolCallEvent) -> HookResult {
    if event.tool_use().name == "slow" {
        let _: bool = event.interrupt("approve", "it is slow")?;
    }
    Ok(())
}

async fn worker(journal: &TestJournal) -> (Agent, [TestTool; 2]) {
    let slow = tool("slow", |_, _| async {
        tokio::time::sleep(Duration::from_secs(1)).await;
        Ok(ToolOutput::text("slow"))
    });
    let tools = [slow, echo("quick")];
    let exchange = |n| [Message::user(format!("q{n}")), Message::assistant(format!("a{n}"))];
    let summarises = Arc::new(RuleModel::new(|_| Message::assistant("S")));
    let manager = SummarizingConversationManager::new()
        .summary_ratio(0.8)
        .preserve_recent_messages(2)
        .summarization_model(summarises);
    let retry = RetryStrategy::default().initial_delay(Duration::from_secs(1)).without_jitter();
    let agent = Agent::builder()
        .no_callback_handler()
        .model(Moody(AtomicUsize::new(0)))
        .messages((0..4).flat_map(exchange))
        .tools(tools.clone())
        .wrap_tool_call(Pausing)
        .wrap_model_call(Pausing)
        .hook(approved)
        .hook(async |_: &AfterModelCallEvent| yield_now().await)
        .conversation_manager(manager)
        .retry_strategy(retry)
        .session(journal.clone())
        .build()
        .await
        .unwrap();
    (agent, tools)
}

/// Asks for a city, or goes on, and answers whatever is asked on the way.
async fn city(agent: &mut Agent, prompt: impl Into<Prompt>) -> Result<City, OutputError> {
    let mut prompt = prompt.into();
    loop {
        let open = agent.interrupts();
        if !open.is_empty() {
            prompt = Prompt::Answers(open.iter().map(|asked| asked.answer(true)).collect());
        }
        match agent.invoke_as(prompt).await {
            // Questions are open, or an answer that was dropped on its way had arrived: it is known now.
            Err(error) if error.kind() == ErrorKind::Interrupt => prompt = Prompt::Nothing,
            outcome => return outcome,
        }
    }
}

/// Polls a future so many times, a moment after the other; gives it back if it is not ready.
async fn polled<F: Future + Unpin>(mut future: F, times: usize) -> Result<F::Output, F> {
    for _ in 0..times {
        if let std::task::Poll::Ready(output) = futures_util::poll!(&mut future) {
            return Ok(output);
        }
        // What waits for the time goes on as well.
        tokio::time::advance(Duration::from_millis(250)).await;
    }
    Err(future)
}

/// The history is valid, memory and journal agree, no call ran twice, and the next turn works.
async fn assert_usable(agent: &mut Agent, journal: &TestJournal, tools: &[TestTool], when: &str) {
    assert_valid(&agent.messages());
    assert_eq!(agent.invoke("hello").await.unwrap().text(), "done with it", "{when}");
    assert_valid(&agent.messages());
    let replayed = Run::new(journal.run_id()).replay(journal.records().await).unwrap();
    assert_eq!(replayed, agent.run(), "{when}");
    let keys: Vec<String> = tools.iter().flat_map(TestTool::seen).map(|seen| seen.key).collect();
    let unique: std::collections::HashSet<&String> = keys.iter().collect();
    assert_eq!(unique.len(), keys.len(), "a tool ran twice: {when}");
}

#[tokio::test(start_paused = true)]
async fn users_15_14_a_drop_may_come_in_any_wait() {
    for times in 1.. {
        let journal = TestJournal::new();
        let (mut agent, tools) = worker(&journal).await;
        let done = polled(Box::pin(city(&mut agent, "work")), times).await.is_ok();
        let when = format!("dropped after {times} polls");
        // One that had ended, and whose caller was gone before it heard so, has nothing to go on with.
        let ended = matches!(journal.records().await.last(), Some(Record::InvocationEnded));
        if agent.is_unfinished() && !ended {
            let paris = City { name: "Paris".into() };
            assert_eq!(city(&mut agent, ()).await.unwrap(), paris, "{when}");
        }
        assert_usable(&mut agent, &journal, &tools, &when).await;
        if done {
            assert!(times > 100, "only {times} polls");
            break;
        }
    }
}

#[tokio::test(start_paused = true)]
async fn users_15_14_a_cancel_may_come_in_any_wait() {
    for times in 1.. {
        let journal = TestJournal::new();
        let (mut agent, tools) = worker(&journal).await;
        let handle = agent.cancel_handle();
        let when = format!("cancelled after {times} polls");
        let done = match polled(Box::pin(city(&mut agent, "work")), times).await {
            Ok(_) => true,
            Err(under_way) => {
                handle.cancel();
                match under_way.await {
                    Ok(_) => {}
                    Err(error) => assert_eq!(error.kind(), ErrorKind::Cancelled, "{when}: {error}"),
                }
                false
            }
        };
        assert!(!agent.is_unfinished() && agent.interrupts().is_empty(), "{when}");
        // One that came with the very end is meant for the next invocation.
        drop(agent.invoke("hm").await.unwrap());
        assert_usable(&mut agent, &journal, &tools, &when).await;
        if done {
            assert!(times > 100, "only {times} polls");
            break;
        }
    }
}
