//! Questions that policies put to a person.

use pretty_assertions::assert_eq;
use ropewalk_core::*;
use ropewalk_testkit::{Reply, ScriptedModel};
use serde_json::{Value, json};

use crate::common::{TestTool, echo, last_results};

async fn agent(policies: Vec<Policy>) -> (Agent, TestTool) {
    let a = echo("a");
    let agent = Agent::builder()
        .no_callback_handler()
        .model(ScriptedModel::new([Reply::tool("a", json!({})), Reply::text("done")]))
        .tools([a.clone()])
        .hooks([Interventions::new(policies).unwrap()])
        .build()
        .await
        .unwrap();
    (agent, a)
}

fn asking(name: &str, prompt: &'static str) -> Policy {
    Policy::named(name).before_tool_call(move |_: &BeforeToolCallEvent| Verdict::confirm(prompt))
}

#[tokio::test]
async fn yes_in_any_form_lets_it_run_and_all_else_refuses() {
    let yes = [json!(true), json!("y"), json!("Yes"), json!("YES"), json!(" Y ")];
    let no = [json!(false), json!("n"), json!("no"), json!("yes!"), json!(1), json!(["yes"])];
    let table = yes.into_iter().map(|answer| (answer, true));
    let table = table.chain(no.into_iter().map(|answer| (answer, false)));
    for (answer, agreed) in table {
        let (mut agent, a) = agent(vec![asking("careful", "May it run?")]).await;
        let result = agent.invoke("q").await.unwrap();
        let question = result.interrupts().unwrap()[0].clone();
        assert_eq!(question.name, "careful");
        assert_eq!(question.reason, json!("May it run?"));
        agent.resume([question.answer(answer.clone())]).await.unwrap();
        assert_eq!(a.count(), usize::from(agreed), "{answer}");
        let told = if agreed { "a" } else { "CONFIRMATION_FAILED: May it run?" };
        assert_eq!(last_results(&agent.messages()), [told], "{answer}");
    }
}

#[tokio::test]
async fn several_ask_one_after_the_other_and_a_refusal_ends_it() {
    let policies = || vec![asking("one", "one?"), asking("two", "two?"), asking("three", "three?")];
    let (mut agent, a) = agent(policies()).await;
    let mut result = agent.invoke("q").await.unwrap();
    let mut seen = Vec::new();
    while let Some(questions) = result.interrupts() {
        assert_eq!(questions.len(), 1);
        seen.push(questions[0].name.clone());
        let answer = questions[0].answer(questions[0].name == "one");
        result = agent.resume([answer]).await.unwrap();
    }
    assert_eq!(seen, ["one", "two"]);
    assert_eq!(a.count(), 0);
    assert_eq!(last_results(&agent.messages()), ["CONFIRMATION_FAILED: two?"]);
}

#[tokio::test]
async fn an_answer_known_beforehand_asks_nobody() {
    for (known, runs) in [(json!("yes"), 1), (json!("no"), 0)] {
        let policy = Policy::named("p").before_tool_call(move |_: &BeforeToolCallEvent| {
            Verdict::confirm(Confirm::new("May it?").answered(known.clone()))
        });
        let (mut agent, a) = agent(vec![policy]).await;
        assert_eq!(agent.invoke("q").await.unwrap().interrupts(), None);
        assert_eq!(a.count(), runs);
    }
}

#[tokio::test]
async fn a_question_may_say_which_answers_agree() {
    for (answer, runs) in [(json!({"code": 7}), 1), (json!(true), 0)] {
        let policy = Policy::named("p").before_tool_call(|_: &BeforeToolCallEvent| {
            Verdict::confirm(Confirm::new("The code?").accept(|answer| answer["code"] == 7))
        });
        let (mut agent, a) = agent(vec![policy]).await;
        let result = agent.invoke("q").await.unwrap();
        let answer = result.interrupts().unwrap()[0].answer(answer);
        agent.resume([answer]).await.unwrap();
        assert_eq!(a.count(), runs);
    }
}

#[tokio::test]
async fn a_question_of_a_policys_own_is_no_failure() {
    // The policy would deny or proceed if this counted as an error.
    for on_error in [OnError::Stop, OnError::Deny, OnError::Proceed] {
        let policy = Policy::named("p").on_error(on_error).before_tool_call(
            |event: &BeforeToolCallEvent| -> VerdictResult<_> {
                let input = event.tool_use().input.clone();
                Ok(Verdict::transform(move |event: &mut BeforeToolCallEvent| {
                    let other: Value = event.interrupt("which", input)?;
                    event.set_input(other);
                    HookResult::Ok(())
                }))
            },
        );
        let (mut agent, a) = agent(vec![policy]).await;
        let result = agent.invoke("q").await.unwrap();
        let question = &result.interrupts().unwrap()[0];
        assert_eq!((question.name.as_str(), &question.reason), ("which", &json!({})));
        agent.resume([question.answer(json!({"n": 5}))]).await.unwrap();
        assert_eq!(a.seen()[0].input, json!({"n": 5}));
    }
}

mod guard {
    use super::*;
    use pretty_assertions::assert_eq;

    fn asking() -> Policy {
        Policy::named("careful").guard_tool_call(|_: &ToolCallGuardEvent| {
            Verdict::confirm("May it run?").with_rule("rule 7")
        })
    }

    #[tokio::test]
    async fn the_question_shows_the_call_and_the_answer_counts() {
        for (answer, agreed) in [(json!(true), true), (json!("YES"), true), (json!("n"), false)] {
            let (mut agent, a) = agent(vec![asking()]).await;
            let result = agent.invoke("q").await.unwrap();
            let question = result.interrupts().unwrap()[0].clone();
            assert_eq!(question.name, "careful");
            let reason = &question.reason;
            assert_eq!(reason["title"], json!("May it run?"));
            assert_eq!(reason["rule"], json!("rule 7"));
            assert_eq!((&reason["tool"], &reason["input"]), (&json!("a"), &json!({})));
            agent.resume([question.answer(answer.clone())]).await.unwrap();
            assert_eq!(a.count(), usize::from(agreed), "{answer}");
            let told = if agreed { "a" } else { "CONFIRMATION_FAILED: May it run?" };
            assert_eq!(last_results(&agent.messages()), [told], "{answer}");
        }
    }

    #[tokio::test]
    async fn an_answer_that_is_neither_puts_the_question_again() {
        let (mut agent, a) = agent(vec![asking()]).await;
        let result = agent.invoke("q").await.unwrap();
        let question = result.interrupts().unwrap()[0].clone();
        let again = agent.resume([question.answer("perhaps")]).await.unwrap();
        assert_eq!(again.interrupts().unwrap()[0].id, question.id);
        assert_eq!(a.count(), 0);
    }

    #[tokio::test]
    async fn a_request_may_say_more() {
        let policy = Policy::named("careful").guard_tool_call(|_: &ToolCallGuardEvent| {
            Verdict::confirm(ApprovalRequest::new("Sure?").with_risk(Risk::High))
        });
        let (mut agent, _) = agent(vec![policy]).await;
        let result = agent.invoke("q").await.unwrap();
        assert_eq!(result.interrupts().unwrap()[0].reason["risk"], json!("high"));
    }

    #[tokio::test]
    async fn nobody_is_asked_about_a_call_that_another_guard_refused() {
        let mut agent = Agent::builder()
            .no_callback_handler()
            .model(ScriptedModel::new([Reply::tool("a", json!({})), Reply::text("done")]))
            .tools([echo("a")])
            .hooks([Interventions::new([asking()]).unwrap()])
            .hook(|event: &mut ToolCallGuardEvent| event.cancel_tool("no"))
            .build()
            .await
            .unwrap();
        assert_eq!(agent.invoke("q").await.unwrap().interrupts(), None);
        assert_eq!(last_results(&agent.messages()), ["no"]);
    }
}
