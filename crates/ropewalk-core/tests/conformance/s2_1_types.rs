//! §2.1 Types of the interrupt flow.

use pretty_assertions::assert_eq;
use ropewalk_core::*;
use serde_json::{Value, json};

use crate::common::echo;
use crate::support::{answer_all, calls, one_call};

fn asks(event: &mut BeforeToolCallEvent) -> HookResult {
    if event.tool_use().name == "a" {
        event.interrupt::<bool>("approve", "why")?;
    }
    Ok(())
}

/// §2.1 Interrupt: "Serialises to exactly those four keys"
#[test]
fn an_interrupt_has_four_keys() {
    let asked = Interrupt::new("i", "approve", json!({"n": 1}));
    let json = json!({"id": "i", "name": "approve", "reason": {"n": 1}, "response": null});
    assert_eq!(asked.to_dict(), json);
    assert_eq!(serde_json::to_value(&asked).unwrap(), json);
    assert_eq!(serde_json::from_value::<Interrupt>(json).unwrap(), asked);
}

/// §2.1 Interrupt: response None = unanswered
#[test]
fn an_interrupt_is_answered_unless_its_response_is_null() {
    let answered = |response: Value| {
        let asked = Interrupt { response, ..Interrupt::new("i", "n", Value::Null) };
        asked.is_answered()
    };
    assert!(!answered(Value::Null));
    for answer in [json!(false), json!(0), json!("")] {
        assert!(answered(answer));
    }
}

/// §2.1 Interrupt error: "carries one Interrupt"
#[test]
fn the_exception_carries_the_question() {
    let asked = Interrupt::new("i", "approve", Value::Null);
    let exception = InterruptException::new(asked.clone());
    assert_eq!(exception.interrupt(), &asked);
    assert_eq!(exception.to_string(), "the run waits for an answer to `approve`");
    assert_eq!(exception.into_interrupt(), asked);
}

/// §2.1 Interrupt state: interrupts, activated. One per agent, here part of its run.
#[tokio::test]
async fn the_run_knows_its_questions_and_whether_it_waits() {
    let mut agent = Agent::builder()
        .no_callback_handler()
        .model(one_call())
        .tool(echo("a"))
        .hook(asks)
        .build()
        .await
        .unwrap();
    assert!(!agent.run().is_waiting() && agent.run().questions().is_empty());
    agent.invoke("q").await.unwrap();
    let run = agent.run();
    assert!(run.is_waiting());
    assert_eq!(run.questions().len(), 1);
    assert_eq!(run.questions()[0].site, Site::call("t1"));
    assert_eq!(run.open_interrupts(), agent.interrupts());
    answer_all(&mut agent, true).await;
    assert!(!agent.run().is_waiting() && agent.run().questions().is_empty(), "cleared");
}

/// §2.1 pending_tool_execution: the assistant message and the completed results
#[tokio::test]
async fn the_run_knows_the_message_and_the_results_so_far() {
    let model = calls(&[("t1", "a"), ("t2", "b")]);
    let builder = Agent::builder()
        .no_callback_handler()
        .model(model)
        .tools([echo("a"), echo("b")])
        .hook(asks);
    let mut agent = builder.build().await.unwrap();
    assert!(agent.run().pending_message().is_none());
    let result = agent.invoke("q").await.unwrap();
    let run = agent.run();
    assert_eq!(run.pending_message(), Some(&result.message));
    let finished: Vec<_> = run.calls().iter().map(ToolCall::is_finished).collect();
    assert_eq!(finished, [false, true]);
}

/// §2.1 Response block
#[test]
fn an_answer_is_a_block_of_strands() {
    let answer = Interrupt::new("i", "n", Value::Null).answer(json!({"ok": true}));
    let block = ContentBlock::InterruptResponse(answer.clone());
    let json = json!({"interruptResponse": {"interruptId": "i", "response": {"ok": true}}});
    assert_eq!(serde_json::to_value(&block).unwrap(), json);
    assert_eq!(serde_json::from_value::<ContentBlock>(json).unwrap(), block);
    assert_eq!(Prompt::from(vec![block]), Prompt::Answers(vec![answer]));
}
