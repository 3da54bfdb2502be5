//! Agents for code without async.
#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs)]

#[path = "common/mod.rs"]
mod common;

use std::time::Duration;

use ropewalk_core::blocking::{Agent, wait};
use ropewalk_core::{AgentBuilder, AgentEvent, BeforeToolCallEvent, Error, ToolInput, ToolOutput};
use ropewalk_testkit::{Reply, ScriptedModel};
use serde_json::json;

fn builder(replies: impl IntoIterator<Item = Reply>) -> AgentBuilder {
    let add = common::tool("add", |_, _| async { Ok(ToolOutput::text("3")) });
    let model = ScriptedModel::new(replies);
    ropewalk_core::Agent::builder()
        .no_callback_handler()
        .model(model)
        .tool(add)
        .no_callback_handler()
}

/// The arguments of the tool.
#[derive(serde::Serialize)]
struct Add {}

impl ToolInput for Add {
    const TOOL: &'static str = "add";
}

fn all_ways() {
    let replies = [Reply::tool("add", json!({})), Reply::text("It is 3."), Reply::text("Bye.")];
    let mut agent = Agent::build(builder(replies)).unwrap();
    assert_eq!(agent.invoke("q").unwrap().text(), "It is 3.");
    let events: Vec<_> = agent.stream("q").map(Result::unwrap).collect();
    assert!(matches!(events.last(), Some(AgentEvent::Result(result)) if result.text() == "Bye."));
    assert_eq!(agent.call_tool("add", json!({})).unwrap().text(), "3");
    assert_eq!(agent.call(Add {}).unwrap().value::<u32>().unwrap(), 3);
    assert!(agent.invoke("q").is_err());
    assert_eq!(wait(agent.abandon()).map_err(|error| error.to_string()), Ok(()));
    agent.state().set("n", 1).unwrap();
    assert_eq!(agent.into_inner().state().get::<u32>("n"), Some(1));
}

#[test]
fn it_works_outside_a_runtime() {
    all_ways();
}

#[tokio::test]
async fn it_works_on_a_runtime_of_one_thread() {
    all_ways();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn it_works_on_a_runtime_of_many_threads() {
    all_ways();
    tokio::task::spawn_blocking(all_ways).await.unwrap();
}

#[test]
fn it_works_within_what_it_waits_for() {
    let inner = wait(async {
        all_ways();
        Ok(7)
    });
    assert_eq!(inner.unwrap(), 7);
}

#[test]
fn it_works_from_many_threads_at_once() {
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(all_ways);
        }
    });
}

#[test]
fn clocks_and_tasks_work_while_it_waits_and_between() {
    let (sender, receiver) = tokio::sync::oneshot::channel();
    wait(async {
        tokio::spawn(async move {
            tokio::time::sleep(Duration::from_millis(20)).await;
            sender.send(7)
        });
        Ok(())
    })
    .unwrap();
    // Nobody waits on the runtime now, and the task goes on.
    assert_eq!(receiver.blocking_recv(), Ok(7));
}

#[test]
fn a_question_is_answered() {
    let hook = |event: &mut BeforeToolCallEvent| event.interrupt::<bool>("ok", "why").map(drop);
    let replies = [Reply::tool("add", json!({})), Reply::text("It is 3.")];
    let mut agent = Agent::build(builder(replies).hook(hook)).unwrap();
    let asked = agent.invoke("q").unwrap();
    let answers = [asked.interrupts[0].answer(true)];
    assert_eq!(agent.resume(answers).unwrap().text(), "It is 3.");
}

#[test]
fn another_thread_cancels_it() {
    let silent = Reply::text("one two").silent_after(3);
    let mut agent = Agent::build(builder([silent, Reply::text("ok")])).unwrap();
    let handle = agent.cancel_handle();
    let killer = std::thread::spawn(move || {
        std::thread::sleep(Duration::from_millis(50));
        handle.cancel();
    });
    let result = agent.invoke("q").unwrap();
    assert_eq!((result.stop_reason.as_str(), result.text().trim()), ("cancelled", "one"));
    killer.join().unwrap();
    assert_eq!(agent.invoke("q").unwrap().text(), "ok");
}

#[test]
#[should_panic(expected = "out of hemp")]
fn a_panic_is_that_of_whoever_waits() {
    let _: Result<(), Error> = wait(async { panic!("out of hemp") });
}
