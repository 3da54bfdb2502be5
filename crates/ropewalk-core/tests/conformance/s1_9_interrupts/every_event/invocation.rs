//! Where an agent begins, and where an invocation begins and ends.

use pretty_assertions::assert_eq;

use super::*;

/// §1.1 AgentInitializedEvent: nothing is done before the answer
#[tokio::test]
async fn agent_initialized() {
    for way in WAYS {
        let mut agent = Agent::builder()
            .no_callback_handler()
            .model(says("ok"))
            .hook(|event: &mut AgentInitializedEvent| -> HookResult {
                let yes: bool = event.interrupt("terms", "agreed?")?;
                if yes { Ok(()) } else { Err("no".into()) }
            })
            .build()
            .await
            .unwrap();
        assert_eq!(agent.interrupts()[0].name, "terms");
        let error = agent.invoke("q").await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Interrupt);
        waits(&agent.invoke(()).await.unwrap(), "terms");
        let mut agent = onward(agent, way).await;
        assert_eq!(agent.interrupts().len(), 1, "asked once, {way:?}");
        answer_all(&mut agent, true).await;
        assert!(agent.interrupts().is_empty() && agent.messages().is_empty());
        assert_eq!(agent.invoke("q").await.unwrap().text(), "ok");
    }
}

/// §1.1 AgentInitializedEvent: the hook gets the answer, and a no means no agent
#[tokio::test]
async fn agent_initialized_and_refused() {
    for way in WAYS {
        let model = says("ok");
        let agent = Agent::builder()
            .no_callback_handler()
            .model(model.clone())
            .hook(|event: &mut AgentInitializedEvent| -> HookResult {
                let yes: bool = event.interrupt("terms", "agreed?")?;
                if yes { Ok(()) } else { Err("not agreed".into()) }
            })
            .build()
            .await
            .unwrap();
        let mut agent = onward(agent, way).await;
        let answer = agent.interrupts()[0].answer(false);
        let error = agent.resume([answer]).await.unwrap_err();
        assert!(error.to_string().contains("not agreed"), "{error}");
        assert_eq!(agent.invoke("q").await.unwrap_err().kind(), ErrorKind::Hook);
        assert!(model.requests().is_empty() && agent.messages().is_empty());
    }
}

/// §1.1 AgentInitializedEvent: asked by a new process while a call waits; both must be answered, in
/// any order, and nothing runs before
#[tokio::test]
async fn agent_initialized_while_a_call_waits() {
    let (tool, built) = (echo("a"), Count::default());
    let mut agent = Agent::builder()
        .no_callback_handler()
        .model(one_call())
        .tool(tool.clone())
        .hook(move |event: &mut AgentInitializedEvent| -> HookResult {
            if built.up() > 0 {
                event.interrupt::<bool>("who are you?", "why")?;
            }
            Ok(())
        })
        .hook(asks)
        .build()
        .await
        .unwrap();
    agent.invoke("q").await.unwrap();
    let mut agent = onward(agent, Way::Restart).await;
    let open = agent.interrupts();
    let names: Vec<_> = open.iter().map(|open| open.name.as_str()).collect();
    assert_eq!(names, ["who are you?", "approve"]);
    waits(&agent.resume([open[1].answer(true)]).await.unwrap(), "who are you?");
    assert_eq!(tool.count(), 0);
    assert_eq!(answer_all(&mut agent, true).await.text(), "done");
    assert_eq!(tool.count(), 1);
}

/// §1.1 BeforeInvocationEvent: the prompt and the state wait with the question, and are not lost
#[tokio::test]
async fn before_invocation() {
    for way in WAYS {
        let model = says("ok");
        let notes = Notes::default();
        let log = notes.clone();
        let mut agent = Agent::builder()
            .no_callback_handler()
            .model(model.clone())
            .hook(move |event: &mut BeforeInvocationEvent| -> HookResult {
                let state: Option<String> = event.invocation_state().get("user");
                log.add(format!("{} {state:?}", event.messages()[0].text()));
                event.interrupt::<bool>("may I?", "why").map(drop)
            })
            .build()
            .await
            .unwrap();
        waits(&agent.invocation("q").state("user", "alice").await.unwrap(), "may I?");
        assert!(agent.messages().is_empty() && model.requests().is_empty());
        let mut agent = onward(agent, way).await;
        assert_eq!(answer_all(&mut agent, true).await.text(), "ok");
        assert_eq!(texts(&agent), ["q", "ok"]);
        assert_eq!(notes.take(), [r#"q Some("alice")"#, r#"q Some("alice")"#]);
        assert_eq!(model.requests().len(), 1);
    }
}

/// §1.1 BeforeInvocationEvent: the answer may be a cancel; the prompt is kept (Appendix A 35)
#[tokio::test]
async fn before_invocation_denied_by_the_answer() {
    for way in WAYS {
        let mut agent = Agent::builder()
            .no_callback_handler()
            .model(ScriptedModel::new([]))
            .hook(|event: &mut BeforeInvocationEvent| -> HookResult {
                let yes: bool = event.interrupt("may I?", "why")?;
                event.cancel(!yes);
                Ok(())
            })
            .build()
            .await
            .unwrap();
        agent.invoke("q").await.unwrap();
        let mut agent = onward(agent, way).await;
        answer_all(&mut agent, false).await;
        assert_eq!(texts(&agent), ["q", "invocation denied by hook"]);
    }
}

/// §1.1 AfterInvocationEvent: the work is done, and is not done again
#[tokio::test]
async fn after_invocation() {
    for way in WAYS {
        let (model, tool) = (one_call(), echo("a"));
        let mut agent = Agent::builder()
            .no_callback_handler()
            .model(model.clone())
            .tool(tool.clone())
            .hook(|event: &mut AfterInvocationEvent| {
                event.interrupt::<bool>("satisfied?", "why").map(drop)
            })
            .build()
            .await
            .unwrap();
        waits(&agent.invoke("q").await.unwrap(), "satisfied?");
        assert_eq!(agent.messages().len(), 4);
        let mut agent = onward(agent, way).await;
        let result = answer_all(&mut agent, true).await;
        assert_eq!((result.text().as_str(), &result.stop_reason), ("done", &StopReason::EndTurn));
        assert_eq!((model.requests().len(), tool.count(), agent.messages().len()), (2, 1, 4));
        assert!(!agent.is_unfinished());
    }
}

/// §1.1 AfterInvocationEvent: fires for a pause too, and may ask then
#[tokio::test]
async fn after_invocation_while_a_call_waits() {
    for way in WAYS {
        let tool = echo("a");
        let mut agent = Agent::builder()
            .no_callback_handler()
            .model(one_call())
            .tool(tool.clone())
            .hook(asks)
            .hook(|event: &mut AfterInvocationEvent| {
                event.interrupt::<bool>("satisfied?", "why").map(drop)
            })
            .build()
            .await
            .unwrap();
        assert_eq!(agent.invoke("q").await.unwrap().interrupts.len(), 2);
        let mut agent = onward(agent, way).await;
        assert_eq!(answer_all(&mut agent, true).await.text(), "done");
        assert_eq!(tool.count(), 1);
    }
}

/// §1.1 AfterInvocationEvent: after an error; the caller has the error, and the question is open
#[tokio::test]
async fn after_invocation_that_failed() {
    for way in WAYS {
        let model =
            ScriptedModel::new([Reply::error(ErrorKind::Unavailable, "gone"), Reply::text("ok")]);
        let mut agent = Agent::builder()
            .no_callback_handler()
            .model(model)
            .retry_strategy(RetryStrategy::none())
            .hook(|event: &mut AfterInvocationEvent| {
                event.interrupt::<bool>("again?", "why").map(drop)
            })
            .build()
            .await
            .unwrap();
        assert_eq!(agent.invoke("q").await.unwrap_err().kind(), ErrorKind::Unavailable);
        let mut agent = onward(agent, way).await;
        assert_eq!(agent.interrupts().len(), 1);
        assert_eq!(answer_all(&mut agent, true).await.text(), "ok");
        assert_eq!(texts(&agent), ["q", "ok"]);
    }
}
