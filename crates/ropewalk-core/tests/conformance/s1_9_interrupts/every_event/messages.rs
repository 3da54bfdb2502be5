//! A message is added, whoever it is from.

use pretty_assertions::assert_eq;

use super::*;

/// Asks once about the message for which this is true.
async fn message_added(which: fn(&Message) -> bool, kept: usize) {
    for way in WAYS {
        let (model, tool) = (one_call(), echo("a"));
        let mut agent = Agent::builder()
            .no_callback_handler()
            .model(model.clone())
            .tool(tool.clone())
            .hook(move |event: &mut MessageAddedEvent| -> HookResult {
                if which(event.message()) {
                    event.interrupt::<bool>("read it?", "why")?;
                }
                Ok(())
            })
            .build()
            .await
            .unwrap();
        waits(&agent.invoke("q").await.unwrap(), "read it?");
        assert_eq!(agent.messages().len(), kept, "{way:?}");
        let mut agent = onward(agent, way).await;
        assert_eq!(answer_all(&mut agent, true).await.text(), "done");
        let all = ["user text", "assistant toolUse", "user toolResult", "assistant text"];
        assert_eq!(shape(&agent.messages()), all, "nothing was added twice");
        assert_eq!((model.requests().len(), tool.count()), (2, 1));
    }
}

/// §1.1 MessageAddedEvent, for the user's message
#[tokio::test]
async fn message_added_by_the_user() {
    message_added(|message| message.text() == "q", 1).await;
}

/// §1.1 MessageAddedEvent, for the message with the tool uses
#[tokio::test]
async fn message_added_with_tool_uses() {
    message_added(|message| message.tool_uses().next().is_some(), 1).await;
}

/// §1.1 MessageAddedEvent, for the results
#[tokio::test]
async fn message_added_with_results() {
    message_added(|message| message.results().next().is_some(), 3).await;
}

/// §1.1 MessageAddedEvent, for the last answer
#[tokio::test]
async fn message_added_as_the_last_answer() {
    message_added(|message| message.text() == "done", 4).await;
}

/// §1.1 MessageAddedEvent, for each of several messages of one prompt: one question after the other
#[tokio::test]
async fn message_added_for_several_messages() {
    for way in WAYS {
        let notes = Notes::default();
        let log = notes.clone();
        let mut agent = Agent::builder()
            .no_callback_handler()
            .model(says("ok"))
            .hook(move |event: &mut MessageAddedEvent| -> HookResult {
                event.interrupt::<bool>("read it?", event.message().text())?;
                log.add(event.message().text());
                Ok(())
            })
            .build()
            .await
            .unwrap();
        let prompt = vec![Message::user("one"), Message::assistant("two"), Message::user("three")];
        waits(&agent.invoke(prompt).await.unwrap(), "read it?");
        for expected in ["one", "two", "three", "ok"] {
            agent = onward(agent, way).await;
            assert_eq!(agent.interrupts()[0].reason, json!(expected));
            answer_all(&mut agent, true).await;
        }
        assert_eq!(notes.take(), ["one", "two", "three", "ok"]);
        assert_eq!(texts(&agent), ["one", "two", "three", "ok"]);
        assert!(!agent.is_unfinished());
    }
}

/// §1.1 MessageAddedEvent, for the last word of an AfterTools hook
#[tokio::test]
async fn message_added_by_a_hook_that_ends_the_turn() {
    for way in WAYS {
        let tool = echo("a");
        let mut agent = Agent::builder()
            .no_callback_handler()
            .model(one_call())
            .tool(tool.clone())
            .hook(|event: &mut AfterToolsEvent| event.set_end_turn("enough"))
            .hook(|event: &mut MessageAddedEvent| -> HookResult {
                if event.message().text() == "enough" {
                    event.interrupt::<bool>("read it?", "why")?;
                }
                Ok(())
            })
            .build()
            .await
            .unwrap();
        waits(&agent.invoke("q").await.unwrap(), "read it?");
        let mut agent = onward(agent, way).await;
        assert_eq!(answer_all(&mut agent, true).await.text(), "enough");
        assert_eq!((agent.messages().len(), tool.count()), (4, 1));
    }
}
