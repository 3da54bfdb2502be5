//! §3.4 Invoking: what a prompt becomes, and what is handed over with it.

use std::sync::Arc;

use pretty_assertions::assert_eq;
use ropewalk_core::*;
use ropewalk_testkit::{Reply, ScriptedModel};
use serde_json::json;

use crate::common::{assert_valid, echo, tool};
use crate::support::{WAYS, answer_all, onward, says, shape, stream_of, texts};

/// What the model is asked for a prompt on an empty history.
async fn asked(prompt: impl Into<Prompt>) -> Vec<String> {
    let model = says("ok");
    let mut agent =
        Agent::builder().no_callback_handler().model(model.clone()).build().await.unwrap();
    agent.invoke(prompt).await.unwrap();
    shape(&model.requests()[0].messages)
}

/// §3.4 None → "no messages; model runs on existing history"
#[tokio::test]
async fn nothing() {
    assert_eq!(asked(()).await, Vec::<String>::new());
}

/// §3.4 string → one user text message
#[tokio::test]
async fn a_text() {
    assert_eq!(asked("q").await, ["user text"]);
}

/// §3.4 `[]` → no messages
#[tokio::test]
async fn an_empty_list() {
    assert_eq!(asked(Vec::<ContentBlock>::new()).await, Vec::<String>::new());
    assert_eq!(asked(Vec::<Message>::new()).await, Vec::<String>::new());
}

/// §3.4 messages → "appended as given"
#[tokio::test]
async fn messages() {
    let messages = vec![Message::user("a"), Message::assistant("b"), Message::user("c")];
    assert_eq!(asked(messages).await, ["user text", "assistant text", "user text"]);
}

/// §3.4 blocks → "one user message with those blocks"
#[tokio::test]
async fn blocks() {
    assert_eq!(asked(vec![ContentBlock::from("a"), "b".into()]).await, ["user text text"]);
}

/// §3.4 "anything else → value error". Another type does not compile; what can't stand in a history is
/// refused.
#[tokio::test]
async fn anything_else() {
    let mut agent = Agent::builder().no_callback_handler().model(says("ok")).build().await.unwrap();
    let stray = Message::tool_results([ToolResult::success("t", "x")]);
    assert_eq!(agent.invoke(stray).await.unwrap_err().kind(), ErrorKind::InvalidInput);
    assert!(agent.messages().is_empty());
}

/// An agent whose tool call waits for an answer.
async fn waiting(last: &[&str]) -> (Agent, ScriptedModel) {
    let replies = last.iter().map(|text| Reply::text(*text));
    let first = Reply::tools([("t1", "a", json!({})), ("t2", "b", json!({}))]);
    let model = ScriptedModel::new([first].into_iter().chain(replies));
    let asks = |event: &mut BeforeToolCallEvent| -> HookResult {
        if event.tool_use().name == "b" {
            event.interrupt::<bool>("ok", "why")?;
        }
        Ok(())
    };
    let builder = Agent::builder()
        .no_callback_handler()
        .model(model.clone())
        .tools([echo("a"), echo("b")])
        .hook(asks);
    let mut agent = builder.build().await.unwrap();
    agent.invoke("q").await.unwrap();
    (agent, model)
}

/// §3.4 dangling tool uses and a prompt: an error result each, "then the prompt → two consecutive user
/// messages (ran both, WEAK)". Here they are one message (defect 19), and what ran keeps its result.
#[tokio::test]
async fn a_prompt_behind_dangling_tool_uses() {
    for way in WAYS {
        let (mut agent, model) = waiting(&["ok"]).await;
        agent.abandon().await.unwrap();
        let mut agent = onward(agent, way).await;
        agent.invoke("next").await.unwrap();
        let expected =
            ["user text", "assistant toolUse toolUse", "user toolResult toolResult text"];
        assert_eq!(shape(&model.requests()[1].messages), expected);
        let results: Vec<String> = agent.messages()[2].results().map(ToolResult::text).collect();
        assert_eq!(results, ["a", "Tool was interrupted."]);
        assert_eq!(agent.messages()[2].text(), "next");
        assert_valid(&agent.messages());
    }
}

/// The same where the turn was not given up before: the new prompt gives it up
#[tokio::test]
async fn a_prompt_behind_tools_that_were_cut_off() {
    let silent = tool("a", |_, _| std::future::pending());
    let model = ScriptedModel::new([Reply::tool("a", json!({})), Reply::text("ok")]);
    let mut agent =
        Agent::builder().no_callback_handler().model(model).tool(silent).build().await.unwrap();
    {
        let mut work = Box::pin(agent.invoke("q"));
        assert!(futures_util::poll!(&mut work).is_pending());
    }
    agent.invoke("next").await.unwrap();
    let expected = ["user text", "assistant toolUse", "user toolResult text", "assistant text"];
    assert_eq!(shape(&agent.messages()), expected);
}

/// The message that the prompt was joined to is announced as it is now
#[tokio::test]
async fn the_joined_message_is_announced() {
    let (mut agent, _) = waiting(&["ok"]).await;
    agent.abandon().await.unwrap();
    let notes = crate::support::Notes::default();
    let seen = notes.clone();
    agent.add_hook(move |event: &MessageAddedEvent| seen.add(event.message().text()));
    agent.invoke("next").await.unwrap();
    assert_eq!(notes.take(), ["next", "ok"]);
}

/// A joined prompt that does not fit the window is taken back, and the results stay
#[tokio::test]
async fn a_joined_prompt_is_taken_back_alone() {
    for way in WAYS {
        let (mut agent, model) = waiting(&[]).await;
        agent.abandon().await.unwrap();
        let before = agent.messages();
        model.push(Reply::error(ErrorKind::ContextOverflow, "no"));
        agent.invoke(vec![ContentBlock::from("too"), "long".into()]).await.unwrap_err();
        let agent = onward(agent, way).await;
        assert_eq!(agent.messages(), before);
    }
}

/// §3.4 None and dangling tool uses: "the model call is skipped and those tools are executed"
#[tokio::test]
async fn nothing_goes_on_with_tools_that_were_cut_off() {
    let model = ScriptedModel::new([Reply::tool("a", json!({})), Reply::text("ok")]);
    let journal = MemoryJournal::new();
    let builder = || {
        let builder = Agent::builder().no_callback_handler().model(model.clone()).tool(echo("a"));
        builder.session(journal.clone())
    };
    let hook = |_: &mut BeforeToolsEvent| -> HookResult { Err("not now".into()) };
    builder().hook(hook).build().await.unwrap().invoke("q").await.unwrap_err();
    let mut agent = builder().build().await.unwrap();
    agent.invoke(()).await.unwrap();
    assert_eq!(texts(&agent), ["q", "", "", "ok"]);
    assert_eq!(agent.messages()[2].results().next().map(ToolResult::text).as_deref(), Some("a"));
}

/// §3.4 invocation_state: "used by reference and mutated […] leaks internals" (defect 20). Here nothing is
/// added to it, and no event of the stream holds it.
#[tokio::test]
async fn the_invocation_state_has_no_leaks() {
    let state = |context: &ToolContext| context.invocation_state().to_json();
    let a = tool("a", move |_, context: ToolContext| {
        let seen = state(&context);
        async move { Ok(ToolOutput::json(seen)) }
    });
    let model = ScriptedModel::new([Reply::tool("a", json!({})), Reply::text("ok")]);
    let mut agent =
        Agent::builder().no_callback_handler().model(model).tool(a).build().await.unwrap();
    let result = agent.invocation("q").state("data", "mine").await.unwrap();
    assert_eq!(result.state, *json!({"data": "mine"}).as_object().unwrap());
    let given = agent.messages()[2].results().next().map(ToolResult::text);
    assert_eq!(given.as_deref(), Some(r#"{"data":"mine"}"#));

    let mut agent = Agent::builder().no_callback_handler().model(says("ok")).build().await.unwrap();
    let events = stream_of(&mut agent, "q").await;
    let text = events.iter().find(|event| event.get("data").is_some()).unwrap();
    assert_eq!(*text, json!({"data": "ok", "delta": {"text": "ok"}}));
}

/// §3.4 `request_state` "becomes `result.state`": here what hooks and tools left in the invocation's state
#[tokio::test]
async fn what_tools_leave_is_in_the_result() {
    let a = tool("a", |_, context: ToolContext| async move {
        context.invocation_state().set("found", 3)?;
        Ok(ToolOutput::text("a"))
    });
    let model = ScriptedModel::new([Reply::tool("a", json!({})), Reply::text("ok")]);
    let mut agent =
        Agent::builder().no_callback_handler().model(model).tool(a).build().await.unwrap();
    assert_eq!(agent.invoke("q").await.unwrap().state["found"], json!(3));
}

struct Tenant(String);

/// Not in Strands, whose dict holds any object: values by their type for code, which are not stored
#[tokio::test]
async fn code_hands_values_over_by_their_type() {
    let a = tool("a", |_, context: ToolContext| async move {
        let tenant = context.invocation_state().extension::<Tenant>();
        let name = tenant.map_or("nobody".to_owned(), |tenant| tenant.0.clone());
        Ok(ToolOutput::text(name))
    });
    let asks = |event: &mut BeforeToolCallEvent| -> HookResult {
        event.interrupt::<bool>("ok", "why")?;
        Ok(())
    };
    for again in [false, true] {
        let model = ScriptedModel::new([Reply::tool("a", json!({})), Reply::text("ok")]);
        let builder =
            Agent::builder().no_callback_handler().model(model).tool(a.clone()).hook(asks);
        let mut agent = builder.build().await.unwrap();
        let asked = agent.invocation("q").extension(Tenant("ada".into())).await.unwrap();
        let goes_on = agent.invocation(vec![asked.interrupts[0].answer(true)]);
        let goes_on = if again { goes_on.extension(Tenant("eve".into())) } else { goes_on };
        goes_on.await.unwrap();
        let told = agent.messages()[2].results().next().map(ToolResult::text);
        assert_eq!(told.as_deref(), Some(if again { "eve" } else { "nobody" }));
    }
}

/// §3.4 interrupt active → "no messages (after §2.3 validation)"
#[tokio::test]
async fn answers() {
    let (mut agent, _) = waiting(&["ok"]).await;
    answer_all(&mut agent, true).await;
    let expected =
        ["user text", "assistant toolUse toolUse", "user toolResult toolResult", "assistant text"];
    assert_eq!(shape(&agent.messages()), expected);
}

/// §3.4 "`callback_handler` among them overrides the handler"
#[tokio::test]
async fn a_callback_handler_for_one_invocation() {
    let notes = crate::support::Notes::default();
    let noting = |name: &'static str| {
        let notes = notes.clone();
        move |event: &AgentEvent| {
            if matches!(event, AgentEvent::Result(_)) {
                notes.add(name);
            }
        }
    };
    let model = ScriptedModel::new((0..3).map(|_| Reply::text("ok")));
    let builder =
        Agent::builder().no_callback_handler().model(model).callback_handler(noting("agent"));
    let mut agent = builder.build().await.unwrap();
    agent.invocation("q").callback_handler(noting("once")).await.unwrap();
    agent.invocation("q").no_callback_handler().await.unwrap();
    agent.invoke("q").await.unwrap();
    assert_eq!(notes.take(), ["once", "agent"]);
}

/// The state of one invocation is gone with it
#[tokio::test]
async fn the_next_invocation_begins_with_nothing() {
    let model = ScriptedModel::new((0..2).map(|_| Reply::text("ok")));
    let mut agent = Agent::builder().no_callback_handler().model(model).build().await.unwrap();
    agent.invocation("q").state("user", "ada").extension(Arc::new(1)).await.unwrap();
    assert!(agent.invoke("q").await.unwrap().state.is_empty());
}
