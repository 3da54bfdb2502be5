//! §3.5 Concurrency guard, as far as it is about tokens: two invocations of one agent at once do not
//! compile (`ui/two_invocations_at_once.rs`).
//!
//! Strands' token lasts only as long as its invocation does. Here it is kept with the run: what was done
//! under it is not done again, in whatever process it is asked for.

use std::sync::Arc;

use pretty_assertions::assert_eq;
use ropewalk_core::*;
use ropewalk_testkit::{Reply, ScriptedModel};
use serde_json::json;

use crate::common::{TestTool, echo, tool};
use crate::support::says;

struct Setting {
    model: ScriptedModel,
    tool: TestTool,
    journal: MemoryJournal,
}

impl Setting {
    fn new(replies: impl IntoIterator<Item = Reply>) -> Self {
        let journal = MemoryJournal::new();
        Self { model: ScriptedModel::new(replies), tool: echo("a"), journal }
    }

    /// What another process has after a restart.
    async fn agent(&self) -> Agent {
        let builder = Agent::builder()
            .no_callback_handler()
            .model(self.model.clone())
            .tool(self.tool.clone());
        builder.session(self.journal.clone()).build().await.unwrap()
    }
}

/// §3.5 "an invocation with the same token […] receives the same result"
#[tokio::test]
async fn the_same_token_again_gives_the_result_and_runs_nothing() {
    let setting = Setting::new([Reply::tool("a", json!({})), Reply::text("done")]);
    async fn ask(agent: &mut Agent) -> Result<AgentResult, Error> {
        agent.invocation("q").state("user", "ada").idempotency_token("order 17").await
    }
    let mut agent = setting.agent().await;
    let first = ask(&mut agent).await.unwrap();
    assert_eq!((first.text().as_str(), first.cycles), ("done", 2));
    let before = agent.run();
    assert_eq!(ask(&mut agent).await.unwrap(), first);
    assert_eq!(agent.run(), before);
    let mut agent = setting.agent().await;
    assert_eq!(ask(&mut agent).await.unwrap(), first);
    // `()` asks what became of it.
    assert_eq!(agent.invocation(()).idempotency_token("order 17").await.unwrap(), first);
    assert_eq!((setting.tool.count(), setting.model.requests().len()), (1, 2));
}

/// An invocation that was cut off goes on under its token, in another process
#[tokio::test]
async fn the_same_token_goes_on_with_what_was_cut_off() {
    let setting = Setting::new([Reply::tool("a", json!({})), Reply::text("done")]);
    let hook = |event: &MessageAddedEvent| {
        assert!(event.message().tool_uses().next().is_none(), "the process dies");
    };
    let mut agent = setting.agent().await;
    agent.add_hook(hook);
    {
        let work = agent.invocation("q").idempotency_token("t");
        let mut work = Box::pin(work.into_future());
        let _ = futures_util::poll!(&mut work);
    }
    drop(agent);
    let mut agent = setting.agent().await;
    let result = agent.invocation("q").idempotency_token("t").await.unwrap();
    assert_eq!(result.text(), "done");
    let asked = agent.messages().iter().filter(|said| said.text() == "q").count();
    assert_eq!((asked, setting.tool.count()), (1, 1));
}

/// Questions stay open under the token, and can be answered under it
#[tokio::test]
async fn a_paused_invocation_gives_its_questions_again() {
    let asks = tool("a", |_, context: ToolContext| async move {
        context.interrupt::<bool>("ok", "why").map(|_| ToolOutput::text("a"))
    });
    let setting =
        Setting { tool: asks, ..Setting::new([Reply::tool("a", json!({})), Reply::text("done")]) };
    let mut agent = setting.agent().await;
    let first = agent.invocation("q").idempotency_token("t").await.unwrap();
    let again = setting.agent().await.invocation("q").idempotency_token("t").await.unwrap();
    assert_eq!(first.interrupts, again.interrupts);
    let mut agent = setting.agent().await;
    let answers = vec![first.interrupts[0].answer(true)];
    let done = agent.invocation(answers.clone()).idempotency_token("t").await.unwrap();
    assert_eq!(done.text(), "done");
    // The answers delivered twice.
    assert_eq!(agent.invocation(answers).idempotency_token("t").await.unwrap(), done);
    assert_eq!(agent.invocation("q").idempotency_token("t").await.unwrap(), done);
}

/// "Another prompt under the same token" is a mistake
#[tokio::test]
async fn another_prompt_under_the_token_is_refused() {
    let setting = Setting::new((0..2).map(|_| Reply::text("done")));
    let mut agent = setting.agent().await;
    agent.invocation("q").idempotency_token("t").await.unwrap();
    let error = agent.invocation("other").idempotency_token("t").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidInput);
    assert!(error.to_string().contains("another prompt"), "{error}");
    assert!(agent.invocation("q").idempotency_token(" ").await.is_err());
    assert_eq!(agent.invocation("other").idempotency_token("u").await.unwrap().text(), "done");
}

/// §3.5 "if the primary was aborted → IdempotencyAbortedError"
#[tokio::test]
async fn what_was_given_up_is_not_done_under_its_token() {
    let setting = Setting::new([Reply::error(ErrorKind::Authentication, "no"), Reply::text("ok")]);
    let mut agent = setting.agent().await;
    agent.invocation("q").idempotency_token("t").await.unwrap_err();
    agent.invoke("something else").await.unwrap();
    let error = agent.invocation("q").idempotency_token("t").await.unwrap_err();
    assert!(error.is_cancelled(), "{error}");
    assert!(error.to_string().contains("given up"), "{error}");
}

/// A failed invocation is tried again; a prompt that was taken back was never asked
#[tokio::test]
async fn a_failure_is_tried_again_under_the_token() {
    for kind in [ErrorKind::Authentication, ErrorKind::ContextOverflow] {
        let setting = Setting::new([Reply::error(kind, "no"), Reply::text("ok")]);
        let mut agent = setting.agent().await;
        agent.invocation("q").idempotency_token("t").await.unwrap_err();
        let mut agent = setting.agent().await;
        assert_eq!(agent.invocation("q").idempotency_token("t").await.unwrap().text(), "ok");
        assert_eq!(agent.messages().len(), 2, "{kind:?}");
    }
}

/// The result is that of the last pass, where a hook wants more than one
#[tokio::test]
async fn the_result_of_several_passes_is_kept_whole() {
    let setting = Setting::new([Reply::text("one"), Reply::text("two")]);
    let mut agent = setting.agent().await;
    agent.add_hook(|event: &mut AfterInvocationEvent| {
        if event.result().is_some_and(|result| result.text() == "one") {
            event.set_resume("more");
        }
    });
    let result = agent.invocation("q").idempotency_token("t").await.unwrap();
    assert_eq!((result.text().as_str(), result.cycles), ("two", 2));
    let again = setting.agent().await.invocation("q").idempotency_token("t").await.unwrap();
    assert_eq!(again, result);
}

/// A stream under a known token gives the result and nothing else
#[tokio::test]
async fn a_stream_under_a_known_token_is_its_result() {
    use futures_util::StreamExt as _;
    let mut agent = Agent::builder().no_callback_handler().model(says("ok")).build().await.unwrap();
    agent.invocation("q").idempotency_token("t").await.unwrap();
    let stream = agent.invocation("q").idempotency_token("t").stream();
    let events: Vec<_> = stream.map(Result::unwrap).collect().await;
    assert!(matches!(&events[..], [AgentEvent::Result(result)] if result.text() == "ok"));
}

/// A run with tokens is stored and read
#[tokio::test]
async fn tokens_are_part_of_the_stored_run() {
    let blueprint =
        Arc::new(Agent::builder().no_callback_handler().model(says("ok")).blueprint().unwrap());
    let mut agent = blueprint.agent().await.unwrap();
    let first = agent.invocation("q").idempotency_token("t").await.unwrap();
    let stored = serde_json::to_string(&agent.run()).unwrap();
    let mut agent = blueprint.resume(serde_json::from_str(&stored).unwrap()).await.unwrap();
    assert_eq!(agent.invocation("q").idempotency_token("t").await.unwrap(), first);
}
