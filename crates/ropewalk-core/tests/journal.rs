//! Journals: what they keep, and what an agent makes of them.
#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs)]

mod common;

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use common::{RuleModel, asks, echo, tool};
use pretty_assertions::assert_eq;
use ropewalk_core::*;
use ropewalk_testkit::{Reply, ScriptedModel};
use serde_json::json;

fn started(text: &str) -> Record {
    Record::InvocationStarted { messages: vec![Message::user(text)], state: Default::default() }
}

#[tokio::test]
async fn records_in_memory_are_kept_in_order_and_shared_by_clones() {
    let journal = MemoryJournal::new();
    let other = journal.clone();
    journal.append(&[started("a"), Record::Abandoned]).await.unwrap();
    other.append(&[started("b")]).await.unwrap();
    let expected = [started("a"), Record::Abandoned, started("b")];
    assert_eq!(journal.load().await.unwrap(), expected);
    assert_eq!(journal.run_id(), other.run_id());
    assert_ne!(journal.run_id(), MemoryJournal::new().run_id());
}

/// What a step found in the journal before its effect, and what the effect gave.
#[derive(Debug)]
struct Step {
    name: String,
    before: Vec<Record>,
    gave: Vec<Record>,
}

/// Notes each step.
struct Steps {
    memory: MemoryJournal,
    notes: Arc<Mutex<Vec<Step>>>,
}

impl Journal for Steps {
    fn run_id(&self) -> &str {
        self.memory.run_id()
    }

    fn load(&self) -> BoxFuture<'_, Result<Vec<Record>, Error>> {
        self.memory.load()
    }

    fn append<'a>(&'a self, records: &'a [Record]) -> BoxFuture<'a, Result<(), Error>> {
        self.memory.append(records)
    }

    fn step<'a>(
        &'a self,
        step: &'a StepId,
        claim: &'a Record,
        effect: Effect<'a>,
    ) -> BoxFuture<'a, Result<Vec<Record>, Error>> {
        let noted: Effect<'a> = Box::pin(async move {
            let before = self.memory.load().await?;
            let gave = effect.await?;
            let note = Step { name: step.to_string(), before, gave: gave.clone() };
            self.notes.lock().unwrap().push(note);
            Ok(gave)
        });
        Box::pin(async move { self.memory.step(step, claim, noted).await })
    }
}

#[tokio::test]
async fn a_step_writes_the_claim_before_the_effect_and_the_outcome_after() {
    let (memory, notes) = (MemoryJournal::new(), Arc::default());
    let model = ScriptedModel::new([Reply::tool("a", json!({})), Reply::text("done")]);
    let mut agent = Agent::builder()
        .no_callback_handler()
        .model(model)
        .tool(echo("a"))
        .session(Steps { memory: memory.clone(), notes: Arc::clone(&notes) })
        .build()
        .await
        .unwrap();
    agent.invoke("q").await.unwrap();
    let notes = std::mem::take(&mut *notes.lock().unwrap());
    let [Step { name, before, gave }] = &notes[..] else { panic!("{notes:?}") };
    let Some(Record::ToolClaimed { claim, .. }) = before.last() else { panic!("{before:?}") };
    assert_eq!(*name, format!("tool/{}", claim.key()));
    assert!(matches!(&gave[..], [Record::ToolReturned { .. }]));
    let after = memory.load().await.unwrap();
    assert_eq!(after[before.len()..][..gave.len()], gave[..]);
}

/// An engine with durable steps of its own: what it did once it does not do again.
struct Engine {
    memory: MemoryJournal,
    done: Vec<Record>,
}

impl Journal for Engine {
    fn run_id(&self) -> &str {
        self.memory.run_id()
    }

    fn load(&self) -> BoxFuture<'_, Result<Vec<Record>, Error>> {
        self.memory.load()
    }

    fn append<'a>(&'a self, records: &'a [Record]) -> BoxFuture<'a, Result<(), Error>> {
        self.memory.append(records)
    }

    fn step<'a>(
        &'a self,
        _: &'a StepId,
        _: &'a Record,
        _: Effect<'a>,
    ) -> BoxFuture<'a, Result<Vec<Record>, Error>> {
        Box::pin(async move { Ok(self.done.clone()) })
    }
}

#[tokio::test]
async fn an_engine_may_give_back_the_records_of_an_earlier_time() {
    let tool = echo("a");
    let model = ScriptedModel::new([Reply::tool("a", json!({})), Reply::text("done")]);
    let done = vec![Record::ToolReturned { result: ToolResult::success("t1", "from before") }];
    let mut agent = Agent::builder()
        .no_callback_handler()
        .model(model)
        .tool(tool.clone())
        .session(Engine { memory: MemoryJournal::new(), done })
        .build()
        .await
        .unwrap();
    assert_eq!(agent.invoke("q").await.unwrap().text(), "done");
    assert_eq!(tool.count(), 0);
    assert_eq!(common::last_results(&agent.messages()), ["from before"]);
}

/// An engine that does each step once and then remembers what it gave.
#[derive(Default)]
struct Memo {
    memory: MemoryJournal,
    steps: Mutex<BTreeMap<String, Vec<Record>>>,
}

impl Journal for Memo {
    fn run_id(&self) -> &str {
        self.memory.run_id()
    }

    fn load(&self) -> BoxFuture<'_, Result<Vec<Record>, Error>> {
        self.memory.load()
    }

    fn append<'a>(&'a self, records: &'a [Record]) -> BoxFuture<'a, Result<(), Error>> {
        self.memory.append(records)
    }

    fn step<'a>(
        &'a self,
        step: &'a StepId,
        claim: &'a Record,
        effect: Effect<'a>,
    ) -> BoxFuture<'a, Result<Vec<Record>, Error>> {
        Box::pin(async move {
            let known = self.steps.lock().unwrap().get(step.as_str()).cloned();
            if let Some(records) = known {
                return Ok(records);
            }
            let records = self.memory.step(step, claim, effect).await?;
            self.steps.lock().unwrap().insert(step.to_string(), records.clone());
            Ok(records)
        })
    }
}

#[tokio::test]
async fn a_call_that_asked_or_is_retried_is_another_step_with_the_same_key() {
    let tries = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&tries);
    let asks = tool("a", move |_, context: ToolContext| {
        let number = counter.fetch_add(1, Ordering::SeqCst);
        async move {
            let _: bool = context.interrupt("approve", "why")?;
            if number < 2 { Err("flaky".into()) } else { Ok(ToolOutput::text("ok")) }
        }
    });
    let retries = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&retries);
    let journal = Arc::new(Memo::default());
    let model = ScriptedModel::new([Reply::tool("a", json!({})), Reply::text("done")]);
    let blueprint = Agent::builder().no_callback_handler().model(model).tool(asks.clone()).hook(
        move |event: &mut AfterToolCallEvent| {
            let failed = event.result().status == ToolStatus::Error;
            event.set_retry(failed && counter.fetch_add(1, Ordering::SeqCst) < 5);
        },
    );
    let blueprint = Arc::new(blueprint.blueprint().unwrap());
    let mut agent = blueprint.open(Arc::<Memo>::clone(&journal)).await.unwrap();
    let questions = agent.invoke("q").await.unwrap().interrupts;
    let result = agent.resume([questions[0].answer(true)]).await.unwrap();
    assert_eq!(result.text(), "done");
    assert_eq!(common::last_results(&agent.messages()), ["ok"]);
    assert_eq!(tries.load(Ordering::SeqCst), 3);
    let seen = asks.seen();
    assert!(seen.iter().all(|call| call.key == seen[0].key));
    assert_eq!(journal.steps.lock().unwrap().len(), 3);
}

#[tokio::test]
async fn a_history_given_to_a_new_session_is_its_first_record_and_is_taken_once() {
    let journal = MemoryJournal::new();
    let history = || [Message::user("before"), Message::assistant("yes")];
    let build = || {
        Agent::builder()
            .no_callback_handler()
            .model(ScriptedModel::new([Reply::text("ok")]))
            .messages(history())
            .session(journal.clone())
            .build()
    };
    build().await.unwrap().invoke("q").await.unwrap();
    let records = journal.load().await.unwrap();
    assert_eq!(records[0], Record::HistoryAdopted { messages: history().into() });
    let agent = build().await.unwrap();
    assert_eq!(agent.messages().len(), 4);
    assert_eq!(journal.load().await.unwrap(), records);
}

#[tokio::test]
async fn records_that_do_not_fit_are_a_session_that_can_not_be_read() {
    let journal = MemoryJournal::new();
    journal.append(&[started("a"), Record::InvocationEnded]).await.unwrap();
    let model = ScriptedModel::new([]);
    let error = Agent::builder()
        .no_callback_handler()
        .model(model)
        .session(journal)
        .build()
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Journal);
    assert!(error.to_string().contains("can't be read: record 1"), "{error}");
}

#[tokio::test]
async fn calls_that_overlap_leave_a_journal_that_replays() {
    fn rule(history: &Transcript) -> Message {
        match history.len() {
            1 => {
                let ids: Vec<String> = (0..20).map(|n| format!("t{n}")).collect();
                asks(ids.iter().map(|id| (id.as_str(), "a", json!({}))))
            }
            _ => Message::assistant("done"),
        }
    }
    let journal = common::TestJournal::new();
    let mut agent = Agent::builder()
        .no_callback_handler()
        .model(RuleModel::new(rule))
        .tool(echo("a"))
        .session(journal.clone())
        .build()
        .await
        .unwrap();
    agent.invoke("q").await.unwrap();
    let replayed = Run::new(journal.run_id()).replay(journal.records().await).unwrap();
    assert_eq!(replayed, agent.run());
}

/// Keeps one journal, and says whom it opened it for.
#[derive(Clone, Default)]
struct Manager {
    journal: MemoryJournal,
    opened: Arc<Mutex<Vec<SessionAgent>>>,
    heard: Arc<AtomicUsize>,
}

impl SessionManager for Manager {
    fn open<'a>(
        &'a self,
        agent: &'a SessionAgent,
    ) -> BoxFuture<'a, Result<Arc<dyn Journal>, Error>> {
        self.opened.lock().unwrap().push(agent.clone());
        let journal: Arc<dyn Journal> = Arc::new(self.journal.clone());
        Box::pin(async { Ok(journal) })
    }

    fn register_hooks(&self, registry: &mut HookRegistry) {
        let heard = Arc::clone(&self.heard);
        registry.add_callback(move |_: &MessageAddedEvent| {
            heard.fetch_add(1, Ordering::Relaxed);
        });
    }
}

#[tokio::test]
async fn a_session_manager_says_where_an_agent_is_kept_and_adds_its_hooks() {
    let manager = Manager::default();
    let model = ScriptedModel::new([Reply::text("good day"), Reply::text("yes")]);
    for (prompt, messages) in [("hello", 2), ("again", 4)] {
        let mut agent = Agent::builder()
            .model(model.clone())
            .agent_id("greeter")
            .conversation_manager(NullConversationManager::new())
            .session_manager(manager.clone())
            .no_callback_handler()
            .build()
            .await
            .unwrap();
        agent.invoke(prompt).await.unwrap();
        assert_eq!(agent.messages().len(), messages);
    }
    let opened = manager.opened.lock().unwrap();
    assert_eq!(opened.len(), 2);
    assert_eq!(opened[0].agent_id, "greeter");
    assert_eq!(opened[0].conversation_manager, "NullConversationManager");
    assert_eq!(manager.heard.load(Ordering::Relaxed), 4);
}
