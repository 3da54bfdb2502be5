//! §9.1 When a conversation manager is called, what it may do, and what is kept of it.

use std::sync::{Arc, Mutex};

use pretty_assertions::assert_eq;
use ropewalk_core::*;
use ropewalk_testkit::{Reply, ScriptedModel};
use serde_json::{Value, json};

use crate::common::{assert_valid, echo};
use crate::support::{
    Notes, WAYS, answer_all, edits, exchanges, managed, one_call, onward, says, stream_of, texts,
    tool_turn,
};

type Rule = dyn Fn(&Conversation<'_>) -> Result<Option<ConversationChange>, Error> + Send + Sync;

/// A manager of one's own: notes when it is called, and does what a rule says.
#[derive(Clone)]
struct Own {
    name: &'static str,
    notes: Notes,
    rule: Arc<Rule>,
}

impl Own {
    fn new(
        rule: impl Fn(&Conversation<'_>) -> Result<Option<ConversationChange>, Error>
        + Send
        + Sync
        + 'static,
    ) -> Self {
        Self { name: "Own", notes: Notes::default(), rule: Arc::new(rule) }
    }

    fn watching() -> Self {
        Self::new(|_| Ok(None))
    }
}

impl ConversationManager for Own {
    fn name(&self) -> &str {
        self.name
    }

    fn apply_management<'a>(&'a self, conversation: &'a Conversation<'a>) -> Managed<'a> {
        self.notes.add(format!("{:?} {}", conversation.reason(), conversation.messages().len()));
        Box::pin(async { (self.rule)(conversation) })
    }

    fn reduce_context<'a>(
        &'a self,
        conversation: &'a Conversation<'a>,
        error: Option<&'a Error>,
    ) -> Managed<'a> {
        self.notes.add(format!("{:?} {:?}", conversation.reason(), error.map(Error::kind)));
        Box::pin(async { (self.rule)(conversation) })
    }
}

fn drop_first(count: usize) -> ConversationChange {
    ConversationChange::new(TranscriptEdit::new().remove(0..count))
}

/// §9.1 Routine management runs at the end of every pass, before AfterInvocation.
#[tokio::test]
async fn routine_runs_at_the_end_of_every_pass_before_its_hooks() {
    let own = Own::watching();
    let (notes, again) = (own.notes.clone(), Mutex::new(true));
    let mut agent = Agent::builder()
        .no_callback_handler()
        .model(ScriptedModel::new([Reply::text("1"), Reply::text("2")]))
        .conversation_manager(own.clone())
        .hook(move |event: &mut AfterInvocationEvent| {
            notes.add("hook");
            if std::mem::take(&mut *again.lock().unwrap()) {
                event.set_resume("again");
            }
        })
        .build()
        .await
        .unwrap();
    agent.invoke("q").await.unwrap();
    assert_eq!(own.notes.take(), ["Routine 2", "hook", "Routine 4", "hook"]);
}

/// §9.1 … also after errors, when the run waits for answers, and after a direct tool call.
#[tokio::test]
async fn routine_runs_after_errors_questions_and_calls_by_hand() {
    let own = Own::watching();
    let model = ScriptedModel::new([
        Reply::error(ErrorKind::Authentication, "no"),
        Reply::tool("a", json!({})),
        Reply::text("done"),
    ]);
    let mut agent = Agent::builder()
        .no_callback_handler()
        .model(model)
        .tool(echo("a"))
        .conversation_manager(own.clone())
        .hook(|event: &mut BeforeToolCallEvent| -> HookResult {
            if event.tool_use().tool_use_id == "t1" {
                event.interrupt::<bool>("ask", "why")?;
            }
            Ok(())
        })
        .build()
        .await
        .unwrap();
    agent.invoke("q").await.unwrap_err();
    assert_eq!(own.notes.take(), ["Routine 1"]);
    agent.invoke(()).await.unwrap();
    assert_eq!(own.notes.take(), ["Routine 1"]);
    answer_all(&mut agent, true).await;
    assert_eq!(own.notes.take(), ["Routine 4"]);
    agent.tool("a").call(json!({})).await.unwrap();
    assert_eq!(own.notes.take(), ["Routine 8"]);
}

/// §9.1 After a direct tool call, whose result is given back whatever is left out.
#[tokio::test]
async fn a_call_by_hand_gives_its_result_though_the_history_forgets_it() {
    let manager = SlidingWindowConversationManager::new().window_size(0);
    let builder = Agent::builder().no_callback_handler().model(says("ok")).tool(echo("a"));
    let mut agent = builder.conversation_manager(manager).build().await.unwrap();
    assert_eq!(agent.tool("a").call(json!({})).await.unwrap().text(), "a");
    assert!(agent.messages().is_empty());
}

/// §9.1 `get_state`, `restore_from_session`: what a manager keeps is there again after a restart.
#[tokio::test]
async fn what_a_manager_keeps_is_there_after_a_restart() {
    for way in WAYS {
        let own = Own::new(|conversation| {
            let count = conversation.state::<u64>().unwrap_or_default() + 1;
            Ok(Some(ConversationChange::default().with_state(count)))
        });
        let model = ScriptedModel::new((0..3).map(|_| Reply::text("ok")));
        let builder = Agent::builder().no_callback_handler().model(model).conversation_manager(own);
        let mut agent = builder.build().await.unwrap();
        agent.invoke("1").await.unwrap();
        let mut agent = onward(agent, way).await;
        agent.invoke("2").await.unwrap();
        let kept = agent.run().manager_state().cloned();
        assert_eq!(kept, Some(ManagerState { name: "Own".into(), state: json!(2) }));
    }
}

/// §9.1 Restoring with another class name is a value error there, and the session can't be opened any
/// more (WEAK). Here the state of another manager is not shown, and everything else is there.
#[tokio::test]
async fn the_state_of_another_manager_is_left_alone() {
    let first = Own::new(|_| Ok(Some(ConversationChange::default().with_state("of Own"))));
    let (mut agent, journal) = managed([], says("ok"), first).await;
    agent.invoke("1").await.unwrap();

    let shown = Arc::new(Mutex::new(Vec::new()));
    let log = Arc::clone(&shown);
    let mut other = Own::new(move |conversation| {
        log.lock().unwrap().push(conversation.state::<Value>());
        Ok(None)
    });
    other.name = "Other";
    let builder = Agent::builder().no_callback_handler().model(says("ok")).session(journal);
    let mut agent = builder.conversation_manager(other).build().await.unwrap();
    agent.invoke("2").await.unwrap();
    assert_eq!(texts(&agent), ["1", "ok", "2", "ok"]);
    assert_eq!(*shown.lock().unwrap(), [None]);
    assert_eq!(agent.run().manager_state().unwrap().name, "Own");
}

/// §9.1 "All edit agent.messages in place; sessions are not rewritten" (defect 9): here an edit is a record,
/// and what is restored is what the model saw.
#[tokio::test]
async fn an_edit_is_durable_and_replayed() {
    for change in [
        TranscriptEdit::new().remove(0..2),
        TranscriptEdit::new().replace(1..2, [Message::assistant("short")]),
        TranscriptEdit::new().insert(2, exchanges(1)),
        TranscriptEdit::new().insert(4, exchanges(1)).remove(0..2),
    ] {
        let wanted = change.clone();
        let own = Own::new(move |_| Ok(Some(ConversationChange::new(wanted.clone()))));
        let (mut agent, journal) = managed(exchanges(1), says("ok"), own).await;
        agent.invoke("q").await.unwrap();
        assert_eq!(edits(&journal).await, [change]);
        let again = agent.blueprint().open(Arc::new(journal)).await.unwrap();
        assert_eq!(again.run(), agent.run());
    }
}

/// A change that would make the history invalid is refused, says whose it is, and changes nothing.
#[tokio::test]
async fn a_change_that_does_not_fit_is_refused() {
    let mut history = vec![Message::user("q0")];
    history.extend(tool_turn("t", "r"));
    history.push(Message::assistant("a0"));
    let twice = vec![Message::user("x")];
    for (edit, words) in [
        (TranscriptEdit::new().remove(1..2), "answers no use"),
        (TranscriptEdit::new().remove(2..3), "has no result"),
        (TranscriptEdit::new().insert(2, twice.clone()), "has no result"),
        (TranscriptEdit::new().insert(0, [tool_turn("t", "r")[0].clone()]), "has no result"),
        (TranscriptEdit::new().remove(0..9), "there is none"),
        (TranscriptEdit::new().insert(9, twice.clone()), "there is none"),
        (TranscriptEdit::new().remove(0..4).replace(3..4, twice), "twice"),
    ] {
        let own = Own::new(move |_| Ok(Some(ConversationChange::new(edit.clone()))));
        let (mut agent, journal) = managed(history.clone(), says("ok"), own).await;
        let error = agent.invoke("q").await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::IllegalRecord);
        assert!(
            error.to_string().contains("`Own`") && error.to_string().contains(words),
            "{error}"
        );
        assert_eq!((agent.messages().len(), edits(&journal).await), (6, vec![]));
        assert_valid(&agent.messages());
    }
}

/// While the model has to answer it, the last message can be replaced, but not left out.
#[tokio::test]
async fn the_message_that_the_model_answers_stays() {
    struct EachTurn(Own);
    impl ConversationManager for EachTurn {
        fn name(&self) -> &str {
            "EachTurn"
        }
        fn per_turn(&self) -> Option<u32> {
            Some(1)
        }
        fn apply_management<'a>(&'a self, conversation: &'a Conversation<'a>) -> Managed<'a> {
            self.0.apply_management(conversation)
        }
        fn reduce_context<'a>(
            &'a self,
            conversation: &'a Conversation<'a>,
            error: Option<&'a Error>,
        ) -> Managed<'a> {
            self.0.reduce_context(conversation, error)
        }
    }
    let all = Own::new(|conversation| Ok(Some(drop_first(conversation.messages().len()))));
    let (mut agent, _) = managed(exchanges(1), says("ok"), EachTurn(all)).await;
    let error = agent.invoke("q").await.unwrap_err();
    assert!(error.to_string().contains("goes on with this message"), "{error}");

    let shorter = Own::new(|conversation| {
        let edit = TranscriptEdit::new().replace(2..3, [Message::user("shorter")]);
        Ok(conversation.is_under_way().then(|| ConversationChange::new(edit)))
    });
    let model = says("ok");
    let (mut agent, _) = managed(exchanges(1), model.clone(), EachTurn(shorter)).await;
    agent.invoke("quite long").await.unwrap();
    assert_eq!(model.requests()[0].messages[2].text(), "shorter");
}

/// A manager that fails or panics at the end of a pass stops the invocation; the answer stands.
#[tokio::test]
async fn a_manager_that_fails_is_an_error_and_the_answer_stands() {
    let fails = Own::new(|_| Err(Error::new(ErrorKind::Other, "no idea")));
    let panics = Own::new(|_| panic!("no floor"));
    for (own, words) in [(fails, "no idea"), (panics, "`Own` panicked: no floor")] {
        let (mut agent, _) = managed([], says("ok"), own).await;
        let error = agent.invoke("q").await.unwrap_err();
        assert!(error.to_string().contains(words), "{error}");
        assert_eq!(texts(&agent), ["q", "ok"]);
        assert!(!agent.is_unfinished());
    }
}

/// §9.1 "No hook fires": here observers and listeners are told, with the edit, why, and whose it was.
#[tokio::test]
async fn an_edit_is_announced() {
    let notes = Notes::default();
    let log = notes.clone();
    let own = Own::new(|_| Ok(Some(drop_first(2))));
    let mut agent = Agent::builder()
        .no_callback_handler()
        .model(says("ok"))
        .messages(exchanges(1))
        .conversation_manager(own)
        .hook(move |event: &HistoryEditedEvent| {
            log.add(format!(
                "{:?} {:?} {} {}",
                event.reason(),
                event.manager(),
                event.edit().removed(),
                event.agent().messages().len()
            ));
        })
        .build()
        .await
        .unwrap();
    let events = stream_of(&mut agent, "q").await;
    let edited = events.iter().find(|event| event.get("history_edited_event").is_some());
    let json = json!({"history_edited_event":
        {"edit": [{"at": 0, "removed": 2}], "reason": "routine", "manager": "Own"}});
    assert_eq!(edited, Some(&json));
    agent.edit_messages(TranscriptEdit::new().remove(0..1)).await.unwrap();
    assert_eq!(notes.take(), [r#"Routine Some("Own") 2 2"#, "ByHand None 1 1"]);
}

/// Not while somebody is asked about a message: it stays where it is until that is answered.
#[tokio::test]
async fn nothing_moves_while_a_question_about_a_message_waits() {
    for way in WAYS {
        let model = says("ok");
        let builder = Agent::builder().no_callback_handler().model(model).messages(exchanges(2));
        let mut agent = builder
            .conversation_manager(SlidingWindowConversationManager::new().window_size(2))
            .hook(|event: &mut MessageAddedEvent| -> HookResult {
                event.interrupt::<bool>("seen", "a message")?;
                Ok(())
            })
            .build()
            .await
            .unwrap();
        assert!(agent.invoke("q").await.unwrap().interrupts().is_some());
        assert_eq!(agent.messages().len(), 5);
        let edit = TranscriptEdit::new().remove(0..1);
        assert_eq!(agent.edit_messages(edit).await.unwrap_err().kind(), ErrorKind::IllegalRecord);
        let mut agent = onward(agent, way).await;
        while agent.is_unfinished() {
            answer_all(&mut agent, true).await;
        }
        assert_eq!(texts(&agent), ["q", "ok"]);
    }
}

/// §9.1 A tool turn that waits for an answer outlives an edit.
#[tokio::test]
async fn a_tool_turn_that_waits_outlives_an_edit() {
    for way in WAYS {
        let mut agent = Agent::builder()
            .no_callback_handler()
            .model(one_call())
            .tool(echo("a"))
            .messages(exchanges(3))
            .conversation_manager(SlidingWindowConversationManager::new().window_size(2))
            .hook(|event: &mut BeforeToolCallEvent| -> HookResult {
                event.interrupt::<bool>("ask", "why")?;
                Ok(())
            })
            .build()
            .await
            .unwrap();
        agent.invoke("q").await.unwrap();
        assert_eq!(texts(&agent), ["q"]);
        let mut agent = onward(agent, way).await;
        let result = answer_all(&mut agent, true).await;
        assert_eq!(result.text(), "done");
        assert_valid(&agent.messages());
    }
}
