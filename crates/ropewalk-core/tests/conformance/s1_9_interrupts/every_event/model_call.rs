//! Before and after a model call.

use pretty_assertions::assert_eq;

use super::*;

/// §1.1 BeforeModelCallEvent
#[tokio::test]
async fn before_model_call() {
    for way in WAYS {
        let model = says("ok");
        let mut agent = Agent::builder()
            .no_callback_handler()
            .model(model.clone())
            .hook(|event: &mut BeforeModelCallEvent| {
                event.interrupt::<bool>("pay for it?", "why").map(drop)
            })
            .build()
            .await
            .unwrap();
        waits(&agent.invoke("q").await.unwrap(), "pay for it?");
        assert!(model.requests().is_empty());
        let mut agent = onward(agent, way).await;
        assert_eq!(answer_all(&mut agent, true).await.text(), "ok");
        assert_eq!((texts(&agent), model.requests().len()), (vec!["q".into(), "ok".into()], 1));
    }
}

/// §1.1 BeforeModelCallEvent: the next call asks anew
#[tokio::test]
async fn before_model_call_asks_for_each_call() {
    for way in WAYS {
        let model = one_call();
        let mut agent = Agent::builder()
            .no_callback_handler()
            .model(model.clone())
            .tool(echo("a"))
            .hook(|event: &mut BeforeModelCallEvent| {
                event.interrupt::<bool>("pay for it?", "why").map(drop)
            })
            .build()
            .await
            .unwrap();
        let first = agent.invoke("q").await.unwrap().interrupts;
        let mut agent = onward(agent, way).await;
        let second = answer_all(&mut agent, true).await.interrupts;
        assert_eq!(model.requests().len(), 1);
        assert_ne!(first[0].id, second[0].id);
        let mut agent = onward(agent, way).await;
        assert_eq!(answer_all(&mut agent, true).await.text(), "done");
    }
}

/// §1.1 AfterModelCallEvent: the answer waits, and the model is not asked for it again
#[tokio::test]
async fn after_model_call() {
    for way in WAYS {
        let (model, tool) = (one_call(), echo("a"));
        let mut agent = Agent::builder()
            .no_callback_handler()
            .model(model.clone())
            .tool(tool.clone())
            .hook(|event: &mut AfterModelCallEvent| {
                let text = event.stop_response().map(|turn| turn.message.text());
                event.interrupt::<bool>("take it?", text).map(drop)
            })
            .build()
            .await
            .unwrap();
        waits(&agent.invoke("q").await.unwrap(), "take it?");
        assert_eq!((agent.messages().len(), tool.count()), (1, 0));
        let mut agent = onward(agent, way).await;
        waits(&answer_all(&mut agent, true).await, "take it?");
        assert_eq!(agent.interrupts()[0].reason, json!("done"));
        let mut agent = onward(agent, way).await;
        let result = answer_all(&mut agent, true).await;
        assert_eq!(result.text(), "done");
        assert_eq!((model.requests().len(), tool.count(), agent.messages().len()), (2, 1, 4));
        assert_eq!(result.usage, Usage::new(20, 6), "each answer counts once");
    }
}

/// §1.1 AfterModelCallEvent: the answer to the question may be another try
#[tokio::test]
async fn after_model_call_thrown_away() {
    for way in WAYS {
        let model = ScriptedModel::new([Reply::text("bad"), Reply::text("good")]);
        let mut agent = Agent::builder()
            .no_callback_handler()
            .model(model.clone())
            .hook(|event: &mut AfterModelCallEvent| -> HookResult {
                let yes: bool = event.interrupt("take it?", "why")?;
                event.set_retry(!yes);
                Ok(())
            })
            .build()
            .await
            .unwrap();
        agent.invoke("q").await.unwrap();
        let mut agent = onward(agent, way).await;
        waits(&answer_all(&mut agent, false).await, "take it?");
        let mut agent = onward(agent, way).await;
        let result = answer_all(&mut agent, true).await;
        assert_eq!((result.text().as_str(), result.usage), ("good", Usage::new(20, 2)));
        assert_eq!((texts(&agent), model.requests().len()), (vec!["q".into(), "good".into()], 2));
    }
}

/// §1.1 AfterModelCallEvent: a failure waits too
#[tokio::test]
async fn after_model_call_that_failed() {
    for way in WAYS {
        for again in [true, false] {
            let model = ScriptedModel::new([
                Reply::error(ErrorKind::Unavailable, "gone"),
                Reply::text("back"),
            ]);
            let mut agent = Agent::builder()
                .no_callback_handler()
                .model(model.clone())
                .retry_strategy(RetryStrategy::none())
                .hook(|event: &mut AfterModelCallEvent| -> HookResult {
                    if let Some(error) = event.exception() {
                        let text = error.to_string();
                        let again = event.interrupt("try again?", text)?;
                        event.set_retry(again);
                    }
                    Ok(())
                })
                .build()
                .await
                .unwrap();
            waits(&agent.invoke("q").await.unwrap(), "try again?");
            assert_eq!(model.requests().len(), 1);
            let mut agent = onward(agent, way).await;
            let answers = [agent.interrupts()[0].answer(again)];
            match (agent.resume(answers).await, again) {
                (Ok(result), true) => assert_eq!(result.text(), "back"),
                (Err(error), false) => assert_eq!(error.kind(), ErrorKind::Unavailable),
                other => panic!("{other:?}"),
            }
            assert_valid(&agent.messages());
        }
    }
}
