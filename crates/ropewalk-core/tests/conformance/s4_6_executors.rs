//! §4.6: executors.
//!
//! What happens around one call (rows 1 to 10 there) is shown with the hooks (`s1_4`, `s1_5`, `s1_8`).
//! On purpose there is no back-pressure: a tool never waits for whoever listens to its events. Custom
//! executors, whose one method is private in Strands, are not offered: code around calls is a wrap.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use ropewalk_core::*;
use ropewalk_testkit::{Reply, ScriptedModel};
use serde_json::{Value, json};

use crate::common::{TestTool, assert_valid, echo, last_results, tool};
use crate::support::*;

/// Counts how many work at once.
#[derive(Clone, Default)]
struct Gauge(Arc<(AtomicUsize, AtomicUsize)>);

impl Gauge {
    async fn work(&self, turns: usize) {
        let (now, most) = &*self.0;
        most.fetch_max(now.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
        for _ in 0..turns {
            tokio::task::yield_now().await;
        }
        now.fetch_sub(1, Ordering::SeqCst);
    }

    fn most(&self) -> usize {
        self.0.1.load(Ordering::SeqCst)
    }
}

/// A tool that works for a while, and says its `n`.
fn works(name: &str, gauge: &Gauge) -> TestTool {
    let gauge = gauge.clone();
    tool(name, move |input: Value, _| {
        let gauge = gauge.clone();
        async move {
            // The earlier ones take longer.
            let n = input["n"].as_u64().unwrap_or_default();
            gauge.work(10 - usize::try_from(n).unwrap()).await;
            Ok(ToolOutput::text(n.to_string()))
        }
    })
}

fn numbered(name: &'static str, count: usize) -> ScriptedModel {
    let calls = (0..count).map(|n| (format!("t{n}"), name, json!({"n": n})));
    ScriptedModel::new([Reply::tools(calls), Reply::text("done")])
}

mod concurrent {
    use pretty_assertions::assert_eq;

    use super::*;

    #[tokio::test]
    async fn is_the_default_and_results_stand_in_request_order() {
        let gauge = Gauge::default();
        let builder =
            Agent::builder().no_callback_handler().model(numbered("a", 4)).tool(works("a", &gauge));
        let mut agent = builder.build().await.unwrap();
        agent.invoke("q").await.unwrap();
        assert_eq!(gauge.most(), 4);
        assert_eq!(last_results(&agent.messages()), ["0", "1", "2", "3"]);
    }

    #[tokio::test]
    async fn has_a_bound_that_can_be_set() {
        // Strands has none of its own.
        for (bound, most) in [(2, 2), (0, 1)] {
            let gauge = Gauge::default();
            let mut agent = Agent::builder()
                .no_callback_handler()
                .model(numbered("a", 6))
                .tool(works("a", &gauge))
                .tool_executor(ToolExecutor::concurrent().at_most(bound))
                .build()
                .await
                .unwrap();
            agent.invoke("q").await.unwrap();
            assert_eq!(gauge.most(), most);
            assert_eq!(last_results(&agent.messages()), ["0", "1", "2", "3", "4", "5"]);
        }
    }

    #[tokio::test]
    async fn a_tool_that_fails_stops_no_other() {
        let fails = tool("b", |_, _| async { panic!("no floor") });
        let model = calls(&[("t1", "b"), ("t2", "a")]);
        let mut agent = Agent::builder()
            .no_callback_handler()
            .model(model)
            .tools([fails, echo("a")])
            .build()
            .await
            .unwrap();
        agent.invoke("q").await.unwrap();
        assert_eq!(last_results(&agent.messages()), ["Error: panicked: no floor", "a"]);
    }
}

mod sequential {
    use pretty_assertions::assert_eq;

    use super::*;

    fn in_turn(model: ScriptedModel, tools: Vec<TestTool>) -> AgentBuilder {
        Agent::builder()
            .no_callback_handler()
            .model(model)
            .tools(tools)
            .tool_executor(ToolExecutor::sequential())
    }

    #[tokio::test]
    async fn one_runs_after_the_other() {
        let gauge = Gauge::default();
        let a = works("a", &gauge);
        let mut agent = in_turn(numbered("a", 4), vec![a.clone()]).build().await.unwrap();
        agent.invoke("q").await.unwrap();
        assert_eq!(gauge.most(), 1);
        let ids: Vec<_> = a.seen().into_iter().map(|seen| seen.id).collect();
        assert_eq!(ids, ["t0", "t1", "t2", "t3"]);
    }

    fn asks_first() -> TestTool {
        tool("asks", |_, context: ToolContext| async move {
            let answer: String = context.interrupt("which", ())?;
            Ok(ToolOutput::text(answer))
        })
    }

    #[tokio::test]
    async fn stops_at_the_first_question_and_goes_on_behind_it() {
        for way in WAYS {
            let (first, last) = (echo("first"), echo("last"));
            let model = calls(&[("t1", "first"), ("t2", "asks"), ("t3", "last")]);
            let tools = vec![first.clone(), asks_first(), last.clone()];
            let mut agent = in_turn(model, tools).build().await.unwrap();
            let result = agent.invoke("q").await.unwrap();
            assert_eq!(result.stop_reason, StopReason::Interrupt);
            assert_eq!((first.count(), last.count()), (1, 0));

            let mut agent = onward(agent, way).await;
            // Without an answer nothing goes on, and no prompt is taken.
            let result = agent.invoke(()).await.unwrap();
            assert_eq!((result.interrupts.len(), last.count()), (1, 0));
            assert_eq!(agent.invoke("other").await.unwrap_err().kind(), ErrorKind::Interrupt);

            let result = answer_all(&mut agent, "this").await;
            assert_eq!(result.text(), "done");
            assert_eq!(last_results(&agent.messages()), ["first", "this", "last"]);
            assert_eq!((first.count(), last.count()), (1, 1));
        }
    }

    #[tokio::test]
    async fn begins_nothing_after_a_cancel() {
        let (a, b) = (
            tool("a", |_, context: ToolContext| async move {
                context.cancel().cancelled().await;
                Ok(ToolOutput::text("stopped"))
            }),
            echo("b"),
        );
        let builder = in_turn(calls(&[("t1", "a"), ("t2", "b")]), vec![a, b.clone()]);
        let mut agent = builder.build().await.unwrap();
        let cancel = agent.cancel_handle();
        let (result, ()) = tokio::join!(agent.invoke("q"), async move {
            tokio::task::yield_now().await;
            cancel.cancel();
        });
        assert_eq!(result.unwrap().stop_reason, StopReason::Cancelled);
        assert_eq!(b.count(), 0);
        assert_valid(&agent.messages());
    }

    #[tokio::test]
    async fn a_hook_that_fails_leaves_the_later_calls_for_the_next_time() {
        let (a, b) = (echo("a"), echo("b"));
        let fail_once = Count::default();
        let once = fail_once.clone();
        let mut agent = in_turn(calls(&[("t1", "a"), ("t2", "b")]), vec![a.clone(), b.clone()])
            .hook(move |_: &mut BeforeToolCallEvent| match once.up() {
                0 => Err("not now"),
                _ => Ok(()),
            })
            .build()
            .await
            .unwrap();
        agent.invoke("q").await.unwrap_err();
        assert_eq!((a.count(), b.count()), (0, 0));
        agent.invoke(()).await.unwrap();
        assert_eq!(last_results(&agent.messages()), ["a", "b"]);
    }
}

mod exclusive {
    use pretty_assertions::assert_eq;

    use super::*;

    #[tokio::test]
    async fn calls_with_one_key_never_run_at_once_and_others_do() {
        let gauge = Gauge::default();
        let account = works("a", &gauge).exclusive(|input| format!("account {}", input["n"]));
        let same = works("b", &gauge).exclusive(|_| "b".to_owned());
        let calls = |name: &'static str| numbered(name, 4);
        for (model, tool, most) in [(calls("a"), account, 4), (calls("b"), same, 1)] {
            let gauge_before = gauge.0.1.swap(0, Ordering::SeqCst);
            let mut agent = Agent::builder()
                .no_callback_handler()
                .model(model)
                .tool(tool)
                .build()
                .await
                .unwrap();
            agent.invoke("q").await.unwrap();
            assert_eq!(gauge.most(), most, "before: {gauge_before}");
            assert_eq!(last_results(&agent.messages()), ["0", "1", "2", "3"]);
        }
    }

    #[tokio::test]
    async fn different_tools_and_all_agents_of_a_blueprint_share_the_keys() {
        let gauge = Gauge::default();
        let key = |_: &Value| "the disk".to_owned();
        let tools = [works("a", &gauge).exclusive(key), works("b", &gauge).exclusive(key)];
        let ask = || Reply::tools([("t1", "a", json!({})), ("t2", "b", json!({}))]);
        let model = ScriptedModel::new([ask(), ask(), Reply::text("done"), Reply::text("done")]);
        let blueprint = Arc::new(
            Agent::builder().no_callback_handler().model(model).tools(tools).blueprint().unwrap(),
        );
        let (mut one, mut two) =
            (blueprint.agent().await.unwrap(), blueprint.agent().await.unwrap());
        let (one, two) = tokio::join!(one.invoke("q"), two.invoke("q"));
        assert_eq!((one.unwrap().text(), two.unwrap().text()), ("done".into(), "done".into()));
        assert_eq!(gauge.most(), 1);
    }

    #[tokio::test]
    async fn a_call_that_waits_has_not_begun() {
        let waits = Count::default();
        let count = waits.clone();
        let holds = tool("a", move |_, context: ToolContext| {
            let first = count.up() == 0;
            async move {
                if first {
                    context.cancel().cancelled().await;
                }
                Ok(ToolOutput::text("a"))
            }
        })
        .exclusive(|_| "k".to_owned());
        let model = calls(&[("t1", "a"), ("t2", "a")]);
        let mut agent =
            Agent::builder().no_callback_handler().model(model).tool(holds).build().await.unwrap();
        let cancel = agent.cancel_handle();
        let (result, ()) = tokio::join!(agent.invoke("q"), async move {
            tokio::task::yield_now().await;
            cancel.cancel();
        });
        let result = result.unwrap();
        assert_eq!(result.stop_reason, StopReason::Cancelled);
        assert!(result.unknown_outcomes.is_empty(), "the second was not even claimed");
        assert_eq!(waits.get(), 1);
        assert_eq!(last_results(&agent.messages()), ["a", "Tool execution cancelled"]);
    }

    #[tokio::test]
    async fn a_dropped_invocation_gives_its_keys_back() {
        let stuck = tool("a", |_, _| std::future::pending()).exclusive(|_| "k".to_owned());
        let free = echo("b").exclusive(|_| "k".to_owned());
        let model = ScriptedModel::new([
            Reply::tool("a", json!({})),
            Reply::tool("b", json!({})),
            Reply::text("done"),
        ]);
        let blueprint = Arc::new(
            Agent::builder()
                .no_callback_handler()
                .model(model)
                .tools([stuck, free])
                .blueprint()
                .unwrap(),
        );
        let (mut one, mut two) =
            (blueprint.agent().await.unwrap(), blueprint.agent().await.unwrap());
        tokio::select! {
            biased;
            _ = one.invoke("q") => panic!("it is stuck"),
            () = async { for _ in 0..10 { tokio::task::yield_now().await } } => {}
        }
        assert_eq!(two.invoke("q").await.unwrap().text(), "done");
    }
}

mod timeouts {
    use pretty_assertions::assert_eq;

    use super::*;

    const LIMIT: Duration = Duration::from_secs(30);
    const UNKNOWN: &str = "The outcome of this call is unknown: it was cut off while it ran, and it was not run again. Check what it did before you call it again.";

    fn stuck() -> TestTool {
        tool("a", |_, _| std::future::pending()).within(LIMIT)
    }

    /// Whether a hook that wants every failed call made again got it.
    async fn invoke(tool: TestTool) -> (AgentResult, Vec<String>, usize, Vec<String>) {
        let (notes, count) = (Notes::default(), tool.clone());
        let (note, tries) = (notes.clone(), Count::default());
        let mut agent = Agent::builder()
            .no_callback_handler()
            .model(one_call())
            .tool(tool)
            .hook(move |event: &mut AfterToolCallEvent| {
                note.add(event.exception().map(ToString::to_string).unwrap_or_default());
                event.set_retry(tries.up() == 0);
            })
            .build()
            .await
            .unwrap();
        let result = agent.invoke("q").await.unwrap();
        assert_valid(&agent.messages());
        (result, last_results(&agent.messages()), count.count(), notes.take())
    }

    #[tokio::test(start_paused = true)]
    async fn what_never_may_run_twice_has_an_unknown_outcome_and_no_hook_has_it_again() {
        let (result, results, runs, exceptions) = invoke(stuck()).await;
        let late = "the tool `a` took longer than 30s and was given up";
        assert_eq!(results, [format!("Error: {late}. {UNKNOWN}")]);
        assert_eq!(result.unknown_outcomes.len(), 1);
        assert_eq!((runs, exceptions), (1, vec![late.to_owned()]));
        assert_eq!(result.text(), "done");
    }

    #[tokio::test(start_paused = true)]
    async fn what_may_run_again_has_failed_and_a_hook_may_have_it_again() {
        for replay in [Replay::Pure, Replay::Idempotent] {
            let (result, results, runs, exceptions) = invoke(stuck().replayed(replay)).await;
            let late = "the tool `a` took longer than 30s and was given up";
            assert_eq!(results, [format!("Error: {late}")]);
            assert!(result.unknown_outcomes.is_empty());
            assert_eq!((runs, exceptions.len()), (2, 2));
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_tool_that_listens_ends_by_itself_and_its_result_counts() {
        let listens = tool("a", |_, context: ToolContext| async move {
            context.cancel().cancelled().await;
            Ok(ToolOutput::text("half of it"))
        });
        let (result, results, _, _) = invoke(listens.within(LIMIT)).await;
        assert_eq!(results, ["half of it"]);
        assert!(result.unknown_outcomes.is_empty());
    }

    #[tokio::test(start_paused = true)]
    async fn the_executor_has_one_for_tools_that_say_nothing() {
        let patient = tool("b", |_, _| async {
            tokio::time::sleep(Duration::from_secs(60)).await;
            Ok(ToolOutput::text("b"))
        });
        let silent = tool("a", |_, _| std::future::pending());
        let executor = ToolExecutor::concurrent().with_timeout(Duration::from_secs(5));
        let mut agent = Agent::builder()
            .no_callback_handler()
            .model(calls(&[("t1", "a"), ("t2", "b")]))
            .tools([silent.replayed(Replay::Pure), patient.within(Duration::from_secs(90))])
            .tool_executor(executor)
            .build()
            .await
            .unwrap();
        agent.invoke("q").await.unwrap();
        let late = "Error: the tool `a` took longer than 5s and was given up";
        assert_eq!(last_results(&agent.messages()), [late, "b"]);
    }

    #[tokio::test(start_paused = true)]
    async fn waiting_for_a_key_is_no_part_of_it() {
        let slow = |name| {
            tool(name, |_, _| async {
                tokio::time::sleep(Duration::from_secs(20)).await;
                Ok(ToolOutput::text("in time"))
            })
            .within(LIMIT)
            .exclusive(|_| "k".to_owned())
        };
        let mut agent = Agent::builder()
            .no_callback_handler()
            .model(calls(&[("t1", "a"), ("t2", "b")]))
            .tools([slow("a"), slow("b")])
            .build()
            .await
            .unwrap();
        agent.invoke("q").await.unwrap();
        assert_eq!(last_results(&agent.messages()), ["in time", "in time"]);
    }
}
