//! Every action at every stage.

use std::sync::Arc;

use pretty_assertions::assert_eq;
use ropewalk_core::*;
use ropewalk_testkit::{Reply, ScriptedModel};
use serde_json::json;

use crate::common::{echo, last_results, tool};

/// What came of a prompt under one policy.
struct Came {
    agent: Agent,
    model: ScriptedModel,
    runs: usize,
    last: String,
}

/// Lets an agent whose model calls the tool `a` once work under this policy.
async fn under(policy: Policy) -> Came {
    let model = ScriptedModel::new([Reply::tool("a", json!({"n": 1})), Reply::text("done")]);
    let a = echo("a");
    let mut agent = Agent::builder()
        .no_callback_handler()
        .model(model.clone())
        .tools([a.clone()])
        .hooks([Interventions::new([policy]).unwrap()])
        .build()
        .await
        .unwrap();
    let last = agent.invoke("q").await.unwrap().text();
    Came { agent, model, runs: a.count(), last }
}

fn texts(agent: &Agent) -> Vec<String> {
    agent.messages().iter().map(|message| message.text()).collect()
}

#[tokio::test]
async fn proceeding_changes_nothing_anywhere() {
    let policy = Policy::named("p")
        .before_invocation(|_: &BeforeInvocationEvent| Verdict::proceed())
        .before_model_call(|_: &BeforeModelCallEvent| Verdict::proceed())
        .after_model_call(|_: &AfterModelCallEvent| Verdict::proceed())
        .before_tool_call(|_: &BeforeToolCallEvent| Verdict::proceed())
        .guard_tool_call(|_: &ToolCallGuardEvent| Verdict::proceed())
        .after_tool_call(|_: &AfterToolCallEvent| Verdict::proceed());
    let came = under(policy).await;
    assert_eq!((came.runs, came.last.as_str()), (1, "done"));
}

mod deny {
    use super::*;
    use pretty_assertions::assert_eq;

    #[tokio::test]
    async fn an_invocation_ends_before_the_model_is_asked() {
        let policy = Policy::named("p")
            .before_invocation(|_: &BeforeInvocationEvent| Verdict::deny("not today"));
        let came = under(policy).await;
        assert_eq!(texts(&came.agent), ["q", "DENIED: not today"]);
        assert!(came.model.requests().is_empty());
    }

    #[tokio::test]
    async fn a_model_call_is_not_made() {
        let policy = Policy::named("p")
            .before_model_call(|_: &BeforeModelCallEvent| Verdict::deny("no tokens left"));
        let came = under(policy).await;
        assert_eq!(came.last, "DENIED: no tokens left");
        assert!(came.model.requests().is_empty());
    }

    #[tokio::test]
    async fn a_tool_call_is_not_made_and_the_model_is_told() {
        let policy = Policy::named("p")
            .before_tool_call(|_: &BeforeToolCallEvent| Verdict::deny("not this one"));
        let came = under(policy).await;
        assert_eq!((came.runs, came.last.as_str()), (0, "done"));
        assert_eq!(last_results(&came.agent.messages()), ["DENIED: not this one"]);
    }

    #[tokio::test]
    async fn a_tool_call_is_stopped_at_the_guard_too() {
        let policy = Policy::named("p")
            .guard_tool_call(|_: &ToolCallGuardEvent| Verdict::deny("not this one"));
        let came = under(policy).await;
        assert_eq!((came.runs, came.last.as_str()), (0, "done"));
        assert_eq!(last_results(&came.agent.messages()), ["DENIED: not this one"]);
    }
}

mod guide {
    use super::*;
    use pretty_assertions::assert_eq;

    #[tokio::test]
    async fn an_invocation_ends_with_it() {
        let policy = Policy::named("p")
            .before_invocation(|_: &BeforeInvocationEvent| Verdict::guide("ask about ropes"));
        let came = under(policy).await;
        assert_eq!(texts(&came.agent), ["q", "GUIDANCE: [p] ask about ropes"]);
    }

    #[tokio::test]
    async fn a_tool_call_gives_it_to_the_model_instead_of_a_result() {
        let policy = Policy::named("p")
            .before_tool_call(|_: &BeforeToolCallEvent| Verdict::guide("use `b`"));
        let came = under(policy).await;
        assert_eq!(came.runs, 0);
        assert_eq!(last_results(&came.agent.messages()), ["GUIDANCE: [p] use `b`"]);
    }

    #[tokio::test]
    async fn a_model_call_has_it_in_its_messages() {
        let policy = Policy::named("p").before_model_call(|event: &BeforeModelCallEvent| {
            let first = event.agent().messages().len() == 1;
            if first { Verdict::guide("be brief") } else { Verdict::proceed() }
        });
        let came = under(policy).await;
        assert_eq!(came.model.requests()[0].messages[1].text(), "[p] be brief");
        assert_eq!(texts(&came.agent)[..2], ["q", "[p] be brief"]);
        assert_eq!((came.runs, came.last.as_str()), (1, "done"));
    }

    #[tokio::test]
    async fn an_answer_is_thrown_away_and_the_model_is_told_why() {
        let policy = Policy::named("p").after_model_call(|event: &AfterModelCallEvent| {
            let asks = event.stop_response().map(|turn| turn.stop_reason == StopReason::ToolUse);
            if asks == Some(true) { Verdict::guide("no tools, please") } else { Verdict::proceed() }
        });
        let came = under(policy).await;
        assert_eq!((came.runs, came.last.as_str()), (0, "done"));
        assert_eq!(came.model.requests()[1].messages[1].text(), "[p] no tools, please");
        assert_eq!(texts(&came.agent), ["q", "[p] no tools, please", "done"]);
    }
}

mod transform {
    use super::*;
    use pretty_assertions::assert_eq;

    #[tokio::test]
    async fn the_messages_of_an_invocation() {
        let policy = Policy::named("p").before_invocation(|_: &BeforeInvocationEvent| {
            Verdict::transform(|event: &mut BeforeInvocationEvent| {
                event.set_messages(vec![Message::user("[gone]")]);
            })
        });
        let came = under(policy).await;
        assert_eq!(came.model.requests()[0].messages[0].text(), "[gone]");
    }

    #[tokio::test]
    async fn a_model_call() {
        let policy = Policy::named("p").before_model_call(|_: &BeforeModelCallEvent| {
            Verdict::transform(|event: &mut BeforeModelCallEvent| event.cancel("from the cache"))
        });
        assert_eq!(under(policy).await.last, "from the cache");
    }

    #[tokio::test]
    async fn an_answer_of_the_model() {
        let policy = Policy::named("p").after_model_call(|event: &AfterModelCallEvent| {
            let asks =
                event.stop_response().is_some_and(|turn| turn.stop_reason == StopReason::ToolUse);
            match asks {
                true => Verdict::transform(|event: &mut AfterModelCallEvent| event.set_retry(true)),
                false => Verdict::proceed(),
            }
        });
        let came = under(policy).await;
        assert_eq!((came.runs, came.last.as_str()), (0, "done"));
    }

    #[tokio::test]
    async fn the_arguments_of_a_call_and_what_comes_after_it() {
        let a = tool("a", |input, _| async move { Ok(ToolOutput::text(input.to_string())) });
        let first = Policy::named("first").before_tool_call(|_: &BeforeToolCallEvent| {
            Verdict::transform(|event: &mut BeforeToolCallEvent| event.set_input(json!({"n": 2})))
        });
        let second = Policy::named("second")
            .before_tool_call(async |event: &BeforeToolCallEvent| -> VerdictResult<_> {
                assert_eq!(event.tool_use().input, json!({"n": 2}));
                Ok(Verdict::proceed())
            })
            .after_tool_call(|event: &AfterToolCallEvent| {
                let id = event.tool_use().tool_use_id.clone();
                let text = event.result().text().replace('2', "[two]");
                Verdict::transform(move |event: &mut AfterToolCallEvent| {
                    event.set_result(ToolResult::success(id, text))
                })
            });
        let model = ScriptedModel::new([Reply::tool("a", json!({"n": 1})), Reply::text("done")]);
        let mut agent = Agent::builder()
            .no_callback_handler()
            .model(model)
            .tools([a])
            .hooks([Interventions::new([first, second]).unwrap()])
            .build()
            .await
            .unwrap();
        agent.invoke("q").await.unwrap();
        assert_eq!(last_results(&agent.messages()), [r#"{"n":[two]}"#]);
    }
}

#[tokio::test]
async fn a_type_abstains_at_the_stages_that_it_does_not_write() {
    struct Two(Arc<str>);
    impl Intervention for Two {
        fn name(&self) -> &str {
            &self.0
        }
        async fn before_tool_call(
            &self,
            _: &BeforeToolCallEvent,
        ) -> VerdictResult<BeforeToolCallEvent> {
            Ok(Verdict::deny(format!("{} says so", self.0)))
        }
        // Not `async fn`.
        fn after_model_call(
            &self,
            _: &AfterModelCallEvent,
        ) -> impl Future<Output = VerdictResult<AfterModelCallEvent>> + Send {
            std::future::ready(Ok(Verdict::proceed()))
        }
    }
    let came = under(Policy::from(Two("two".into()))).await;
    assert_eq!(last_results(&came.agent.messages()), ["DENIED: two says so"]);
}
