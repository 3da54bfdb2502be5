//! Whatever asks, wherever it asks, however the answers come and however often the process dies in
//! between: each call runs at most once, only when it was approved, and the run comes to its end.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};
use std::task::Poll;

use futures_util::poll;
use proptest::prelude::*;
use ropewalk_core::*;
use serde_json::{Value, json};

use crate::common::{RuleModel, TestJournal, assert_valid};

/// Places from which a question may come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Place {
    BeforeTools,
    BeforeToolCall,
    Guard,
    Tool,
    AfterToolCall,
    AfterTools,
    BeforeModelCall,
    AfterModelCall,
    MessageAdded,
    BeforeInvocation,
    AfterInvocation,
    AroundBefore,
    AroundAfter,
}

const PLACES: [Place; 13] = [
    Place::BeforeTools,
    Place::BeforeToolCall,
    Place::Guard,
    Place::Tool,
    Place::AfterToolCall,
    Place::AfterTools,
    Place::BeforeModelCall,
    Place::AfterModelCall,
    Place::MessageAdded,
    Place::BeforeInvocation,
    Place::AfterInvocation,
    Place::AroundBefore,
    Place::AroundAfter,
];

/// Where questions are asked, and how the answers come.
#[derive(Clone, Debug)]
struct Case {
    /// How many calls each answer of the model asks for.
    batches: Vec<usize>,
    /// Who asks: a place, and about which of the things that come by there.
    asks: BTreeSet<(Place, usize)>,
    /// Chance, one number a decision.
    dice: Vec<u8>,
    journal: bool,
}

fn cases() -> impl Strategy<Value = Case> {
    let place = (0..PLACES.len()).prop_map(|at| PLACES[at]);
    (
        prop::collection::vec(1_usize..=4, 1..=3),
        prop::collection::btree_set((place, 0_usize..3), 0..16),
        prop::collection::vec(any::<u8>(), 1..64),
        any::<bool>(),
    )
        .prop_map(|(batches, asks, dice, journal)| Case { batches, asks, dice, journal })
}

/// What was done, over all processes.
#[derive(Debug, Default)]
struct World {
    /// Uses that a guard, the last before the tool, has let through for the next time it is entered.
    let_through: BTreeSet<String>,
    /// Uses that may not run: somebody said no.
    denied: BTreeSet<String>,
    ended: BTreeMap<String, usize>,
    entered_unapproved: Vec<String>,
}

/// Whether there is a question about the thing of this number.
fn is_asked(case: &Case, place: Place, number: usize) -> bool {
    case.asks.contains(&(place, number % 3))
}

/// The number of a use: `t<batch>_<number>`.
fn number(id: &str) -> usize {
    let (batch, call) = id[1..].split_once('_').unwrap();
    batch.parse::<usize>().unwrap() * 3 + call.parse::<usize>().unwrap()
}

/// The sizes of the batches stand in the prompt, so that any process can go on.
fn rule(history: &Transcript) -> Message {
    let sizes: Vec<usize> = serde_json::from_str(&history[0].text()).unwrap();
    let done = history.iter().filter(|message| message.results().next().is_some()).count();
    match sizes.get(done) {
        None => Message::assistant("done"),
        Some(size) => {
            let uses = (0..*size).map(|call| {
                let id = format!("t{done}_{call}");
                ContentBlock::from(ToolUse::new(id, "work", json!({"n": call})))
            });
            Message::new(Role::Assistant, uses.collect())
        }
    }
}

struct Worker {
    spec: ToolSpec,
    case: Arc<Case>,
    world: Arc<Mutex<World>>,
}

impl Tool for Worker {
    fn spec(&self) -> &ToolSpec {
        &self.spec
    }

    fn call(&self, _: Value, context: ToolContext) -> BoxFuture<'_, Result<ToolOutput, BoxError>> {
        Box::pin(async move {
            let id = context.tool_use().tool_use_id.clone();
            {
                let mut world = self.world.lock().unwrap();
                if !world.let_through.remove(&id) || world.denied.contains(&id) {
                    world.entered_unapproved.push(id.clone());
                }
            }
            tokio::task::yield_now().await;
            if is_asked(&self.case, Place::Tool, number(&id)) {
                context.interrupt::<bool>("in the tool", "why")?;
            }
            *self.world.lock().unwrap().ended.entry(id.clone()).or_default() += 1;
            Ok(ToolOutput::text(id))
        })
    }
}

/// A wrap hook that asks before the call and after it.
struct Around(Arc<Case>);

impl WrapToolCall for Around {
    fn wrap<'a>(
        &'a self,
        request: ToolCallRequest,
        next: ToolNext<'a>,
    ) -> BoxFuture<'a, Result<ToolResult, BoxError>> {
        Box::pin(async move {
            let number = number(&request.tool_use().tool_use_id);
            if is_asked(&self.0, Place::AroundBefore, number) {
                request.interrupt::<bool>("before", "why")?;
            }
            let result = next.run(request.clone()).await?;
            if is_asked(&self.0, Place::AroundAfter, number) {
                request.interrupt::<bool>("after", "why")?;
            }
            Ok(result)
        })
    }
}

/// A new process would build the very same.
fn blueprint(case: &Arc<Case>, world: &Arc<Mutex<World>>) -> Arc<Blueprint> {
    let worker = Worker {
        spec: ToolSpec::new("work", "works", json!({"type": "object"})),
        case: Arc::clone(case),
        world: Arc::clone(world),
    };
    macro_rules! ask {
        ($place:ident, $event:ident, $number:expr) => {{
            let case = Arc::clone(case);
            move |event: &mut $event| -> HookResult {
                let number: fn(&$event) -> usize = $number;
                if is_asked(&case, Place::$place, number(event)) {
                    event.interrupt::<bool>(stringify!($place), "why")?;
                }
                Ok(())
            }
        }};
    }
    let (denies, guarded) = (Arc::clone(world), Arc::clone(world));
    let (before, guard) = (Arc::clone(case), Arc::clone(case));
    let blueprint = Agent::builder()
        .no_callback_handler()
        .model(RuleModel::new(rule))
        .tool(worker)
        .wrap_tool_call(Around(Arc::clone(case)))
        .hook(ask!(BeforeInvocation, BeforeInvocationEvent, |_| 0))
        .hook(ask!(AfterInvocation, AfterInvocationEvent, |_| 0))
        .hook(ask!(MessageAdded, MessageAddedEvent, |event| event.agent().messages().len()))
        .hook(ask!(BeforeModelCall, BeforeModelCallEvent, |event| event.agent().messages().len()))
        .hook(ask!(AfterModelCall, AfterModelCallEvent, |event| event.agent().messages().len()))
        .hook(ask!(BeforeTools, BeforeToolsEvent, |event| event.agent().messages().len()))
        .hook(ask!(AfterTools, AfterToolsEvent, |event| event.agent().messages().len()))
        .hook(ask!(AfterToolCall, AfterToolCallEvent, |event| {
            number(&event.tool_use().tool_use_id)
        }))
        .hook(move |event: &mut BeforeToolCallEvent| -> HookResult {
            let id = event.tool_use().tool_use_id.clone();
            if is_asked(&before, Place::BeforeToolCall, number(&id)) {
                let yes: bool = event.interrupt("BeforeToolCall", "why")?;
                if !yes {
                    denies.lock().unwrap().denied.insert(id);
                    event.cancel_tool(true);
                }
            }
            Ok(())
        })
        .hook(move |event: &mut ToolCallGuardEvent| -> HookResult {
            let id = event.tool_use().tool_use_id.clone();
            let mut yes = true;
            if is_asked(&guard, Place::Guard, number(&id)) {
                yes = event.ask_approval("Guard", ApprovalRequest::new("ok?"))?.is_approved();
            }
            let mut world = guarded.lock().unwrap();
            if yes {
                world.let_through.insert(id);
            } else {
                world.denied.insert(id);
                event.cancel_tool(true);
            }
            Ok(())
        })
        .blueprint()
        .unwrap();
    Arc::new(blueprint)
}

/// Chance that never runs out.
struct Dice(std::iter::Cycle<std::vec::IntoIter<u8>>, u8);

impl Dice {
    fn below(&mut self, bound: usize) -> usize {
        self.1 = self.1.wrapping_mul(31).wrapping_add(self.0.next().unwrap());
        usize::from(self.1) % bound
    }
}

/// Answers to some of the open questions, in any order.
fn some_answers(agent: &Agent, dice: &mut Dice) -> Vec<InterruptResponse> {
    let mut open = agent.interrupts();
    let count = 1 + dice.below(open.len());
    let answers = (0..count).map(|_| {
        let question = open.remove(dice.below(open.len()));
        // What stops a call may be denied; the rest is a formality.
        let may_deny = ["BeforeToolCall", "Guard"].contains(&question.name.as_str());
        let no = may_deny && dice.below(3) == 0;
        question.answer(!no)
    });
    answers.collect()
}

/// The same agent in another process, with what was stored and nothing else.
async fn restarted(process: &Arc<Blueprint>, run: &Run, journal: Option<&TestJournal>) -> Agent {
    match journal {
        Some(journal) => {
            let records = journal.records().await;
            let stored = serde_json::to_string(&records).unwrap();
            assert_eq!(serde_json::from_str::<Vec<Record>>(&stored).unwrap(), records);
            process.open(Arc::new(journal.clone())).await.unwrap()
        }
        None => {
            let stored = serde_json::to_string(run).unwrap();
            process.resume(serde_json::from_str(&stored).unwrap()).await.unwrap()
        }
    }
}

async fn play(case: Case) {
    let case = Arc::new(case);
    let world = Arc::new(Mutex::new(World::default()));
    let mut dice = Dice(case.dice.clone().into_iter().cycle(), 7);
    let journal = case.journal.then(TestJournal::new);
    let start = blueprint(&case, &world);
    let mut agent = match &journal {
        Some(journal) => start.open(Arc::new(journal.clone())).await.unwrap(),
        None => start.agent().await.unwrap(),
    };
    drop(start);
    let prompt = serde_json::to_string(&case.batches).unwrap();
    let mut result = agent.invoke(prompt).await.unwrap();
    let mut steps = 0;
    while result.stop_reason == StopReason::Interrupt {
        steps += 1;
        assert!(steps < 200, "it does not come to an end: {:?}", result.interrupts);
        assert!(!result.interrupts.is_empty());
        assert_eq!(result.interrupts, agent.interrupts());
        assert_valid(&agent.messages());
        if dice.below(2) == 0 {
            let run = agent.run();
            drop(agent);
            agent = restarted(&blueprint(&case, &world), &run, journal.as_ref()).await;
            assert_eq!(agent.run(), run, "nothing was lost on the way");
        }
        if dice.below(4) == 0 {
            // Going on without an answer changes nothing.
            assert_eq!(agent.invoke(()).await.unwrap().interrupts, agent.interrupts());
        }
        let answers = some_answers(&agent, &mut dice);
        result = agent.resume(answers).await.unwrap();
    }
    assert_eq!(result.text(), "done");
    check(&case, &world.lock().unwrap(), &agent, false);
}

/// What must hold in the end. After a crash it may be unknown whether a call ran.
fn check(case: &Case, world: &World, agent: &Agent, crashed: bool) {
    assert!(!agent.is_unfinished() && agent.interrupts().is_empty());
    assert!(agent.run().questions().is_empty());
    assert!(world.entered_unapproved.is_empty(), "{world:?}");
    let messages = agent.messages();
    assert_valid(&messages);
    assert_eq!(messages.len(), 2 + 2 * case.batches.len());
    for (at, size) in case.batches.iter().enumerate() {
        let ids: Vec<_> = (0..*size).map(|call| format!("t{at}_{call}")).collect();
        let uses: Vec<_> =
            messages[1 + 2 * at].tool_uses().map(|asked| asked.tool_use_id.clone()).collect();
        let results: Vec<_> = messages[2 + 2 * at].results().collect();
        let of: Vec<_> = results.iter().map(|result| result.tool_use_id.clone()).collect();
        assert_eq!((&uses, &of), (&ids, &ids), "one result for each, in the order of the request");
        for (id, result) in ids.iter().zip(results) {
            let ran = world.ended.get(id).copied().unwrap_or_default();
            let text = result.text();
            if crashed && text.starts_with("The outcome of this call is unknown") {
                assert!(ran <= 1, "{id} ran {ran} times");
                continue;
            }
            let denied = world.denied.contains(id);
            assert_eq!(ran, usize::from(!denied), "{id}");
            assert_eq!(&text, if denied { "tool cancelled by user" } else { id });
        }
    }
}

/// Polls a future some times and drops it; gives what it came to, if it came to anything.
async fn polled<F: Future>(future: F, times: usize) -> Option<F::Output> {
    let mut future = Box::pin(future);
    for _ in 0..times {
        if let Poll::Ready(output) = poll!(future.as_mut()) {
            return Some(output);
        }
        tokio::task::yield_now().await;
    }
    None
}

/// The same, with the process dying anywhere, not only where it waits for answers.
async fn play_and_kill(case: Case) {
    let case = Arc::new(case);
    let world = Arc::new(Mutex::new(World::default()));
    let mut dice = Dice(case.dice.clone().into_iter().cycle(), 7);
    let journal = case.journal.then(TestJournal::new);
    let start = blueprint(&case, &world);
    let mut agent = match &journal {
        Some(journal) => start.open(Arc::new(journal.clone())).await.unwrap(),
        None => start.agent().await.unwrap(),
    };
    drop(start);
    let prompt = serde_json::to_string(&case.batches).unwrap();
    let whole = 2 + 2 * case.batches.len();
    let mut steps = 0;
    loop {
        steps += 1;
        assert!(steps < 400, "it does not come to an end: {:?}", agent.run());
        // Later it lives longer, so that it comes to an end.
        let times = 1 + dice.below(30) + steps / 2;
        let run = agent.run();
        if run.is_idle() && run.open_interrupts().is_empty() && agent.messages().len() == whole {
            break;
        }
        let outcome = if !run.open_interrupts().is_empty() {
            let answers = some_answers(&agent, &mut dice);
            polled(agent.resume(answers), times).await
        } else if run.is_idle() {
            assert!(agent.messages().is_empty(), "the prompt was lost");
            polled(agent.invoke(prompt.clone()), times).await
        } else {
            polled(agent.invoke(()), times).await
        };
        if let Some(outcome) = outcome {
            let result = outcome.unwrap();
            if result.stop_reason != StopReason::Interrupt {
                assert_eq!(result.text(), "done");
                break;
            }
        }
        assert_valid(&agent.messages());
        if dice.below(2) == 0 {
            let run = agent.run();
            drop(agent);
            agent = restarted(&blueprint(&case, &world), &run, journal.as_ref()).await;
        } else {
            // Reads the run anew, if nobody knows what became of the last record.
            agent.check_expiry().await.unwrap();
        }
    }
    check(&case, &world.lock().unwrap(), &agent, true);
}

/// The same, with somebody giving up or cancelling now and then, and asking something else.
async fn play_and_give_up(case: Case) {
    let case = Arc::new(case);
    let world = Arc::new(Mutex::new(World::default()));
    let mut dice = Dice(case.dice.clone().into_iter().cycle(), 7);
    let journal = case.journal.then(TestJournal::new);
    let start = blueprint(&case, &world);
    let mut agent = match &journal {
        Some(journal) => start.open(Arc::new(journal.clone())).await.unwrap(),
        None => start.agent().await.unwrap(),
    };
    let prompt = serde_json::to_string(&case.batches).unwrap();
    let (mut steps, mut given_up) = (0, 0);
    let mut result = agent.invoke(prompt.clone()).await.unwrap();
    while result.stop_reason != StopReason::EndTurn {
        steps += 1;
        assert!(steps < 400, "it does not come to an end: {:?}", agent.run());
        if dice.below(3) == 0 {
            let run = agent.run();
            agent = restarted(&blueprint(&case, &world), &run, journal.as_ref()).await;
        }
        let gives_up = given_up < 5 && dice.below(4) == 0;
        if gives_up {
            given_up += 1;
            agent.abandon().await.unwrap();
            assert!(!agent.is_unfinished() && agent.interrupts().is_empty());
            assert!(agent.run().calls().is_empty() && agent.run().questions().is_empty());
        } else if given_up < 5 && dice.below(4) == 0 {
            given_up += 1;
            agent.cancel_handle().cancel();
        }
        result = if agent.interrupts().is_empty() {
            agent.invoke(prompt.clone()).await.unwrap()
        } else {
            let answers = some_answers(&agent, &mut dice);
            agent.resume(answers).await.unwrap()
        };
        assert_valid(&agent.messages());
    }
    assert!(!agent.is_unfinished() && agent.run().questions().is_empty());
    assert_eq!(result.text(), "done");
    let world = world.lock().unwrap();
    assert!(world.entered_unapproved.is_empty(), "{world:?}");
    // Without a result nothing ran, and what ran has its result.
    let messages = agent.messages();
    for result in messages.iter().flat_map(|message| message.results()) {
        let ran = world.ended.get(&result.tool_use_id).copied().unwrap_or_default();
        let good = result.status == ToolStatus::Success;
        assert_eq!(ran, usize::from(good), "{result:?}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 200,
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    /// §2.3 and §15.1, 2, 4, 7, 8, 13 at once
    #[test]
    fn each_call_runs_once_if_it_was_approved_and_the_run_ends(case in cases()) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(play(case));
    }

    /// §2.3 "There is no public way to abandon an interrupt": there is, and it leaves all whole
    #[test]
    fn giving_up_anywhere_leaves_all_whole(case in cases()) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(play_and_give_up(case));
    }

    /// §15.13 "crash at every step ⇒ effect ≤ 1, transcript valid", with questions anywhere
    #[test]
    fn dying_anywhere_runs_nothing_twice_and_loses_nothing(case in cases()) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(play_and_kill(case));
    }
}
