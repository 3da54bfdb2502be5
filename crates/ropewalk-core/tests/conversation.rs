//! Conversation managers: whatever the history, what they leave is a history.
#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs)]

mod common;

use std::sync::Arc;

use common::assert_valid;
use proptest::prelude::*;
use ropewalk_core::*;
use ropewalk_testkit::{Reply, ScriptedModel};
use serde_json::json;

/// A piece of a history: what somebody says, or a tool turn; the second number is how long it is.
#[derive(Clone, Debug)]
enum Piece {
    Said(Role, usize),
    Turn(usize),
}

fn piece() -> impl Strategy<Value = (Piece, bool)> {
    let length = prop_oneof![Just(1usize), Just(60), Just(3000)];
    let piece = prop_oneof![
        length.clone().prop_map(|length| Piece::Said(Role::User, length)),
        length.clone().prop_map(|length| Piece::Said(Role::Assistant, length)),
        length.prop_map(Piece::Turn),
    ];
    (piece, prop::bool::weighted(0.15))
}

fn history(pieces: Vec<(Piece, bool)>) -> Vec<Message> {
    let mut messages = Vec::new();
    for (at, (piece, pinned)) in pieces.into_iter().enumerate() {
        let id = format!("t{at}");
        match piece {
            Piece::Said(role, length) => {
                messages.push(Message::new(role, vec!["x".repeat(length).into()]));
            }
            Piece::Turn(length) => {
                let asks = ToolUse::new(&id, "a", json!({"n": at}));
                messages.push(Message::new(Role::Assistant, vec![asks.into()]));
                let result = ToolResult::success(&id, "x".repeat(length));
                messages.push(Message::tool_results([result]));
            }
        }
        if pinned && let Some(last) = messages.last_mut() {
            last.set_pinned(true);
        }
    }
    messages
}

fn pinned(messages: &[Arc<Message>]) -> Vec<Message> {
    let pinned = messages.iter().filter(|message| message.is_pinned());
    pinned.map(|message| Message::clone(message)).collect()
}

/// True if these are all there still; a prompt may have been joined to the last of them.
fn all_kept(before: &[Message], kept: &[Message]) -> bool {
    let is_kept =
        |message: &Message| kept.iter().any(|kept| kept.content.starts_with(&message.content));
    before.iter().all(is_kept)
}

/// Asks an agent with this history and manager; gives it with its journal.
async fn asked(
    history: &[Message],
    model: ScriptedModel,
    manager: Arc<dyn ConversationManager>,
) -> (Agent, MemoryJournal, bool) {
    let journal = MemoryJournal::new();
    let builder = Agent::builder().no_callback_handler().model(model).messages(history.to_vec());
    let builder = builder.session(journal.clone()).conversation_manager(manager);
    let mut agent = builder.build().await.unwrap();
    let answered = match agent.invoke("question").await {
        Ok(_) => true,
        Err(error) => {
            assert!(error.is_context_overflow(), "{error}");
            false
        }
    };
    (agent, journal, answered)
}

/// What is restored is what is there, from every record on.
async fn assert_replays(agent: &Agent, journal: MemoryJournal) {
    let records = journal.load().await.unwrap();
    for end in 0..=records.len() {
        let run = Run::new(journal.run_id()).replay(records[..end].iter().cloned()).unwrap();
        assert_valid(run.transcript());
        let stored: Run = serde_json::from_str(&serde_json::to_string(&run).unwrap()).unwrap();
        assert_eq!(stored, run);
    }
    let again = agent.blueprint().open(Arc::new(journal)).await.unwrap();
    assert_eq!(again.run(), agent.run());
}

fn block_on<T>(work: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap().block_on(work)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_window_leaves_a_history_that_is_no_longer_than_it(
        pieces in prop::collection::vec(piece(), 0..40),
        size in 0usize..12,
        pin_first in 0usize..3,
        per_turn in prop::option::of(1u32..3),
    ) {
        let history = history(pieces);
        let manager = SlidingWindowConversationManager::new().window_size(size).pin_first(pin_first);
        let manager = match per_turn {
            Some(n) => manager.per_turn(n),
            None => manager,
        };
        block_on(async {
            let model = ScriptedModel::new([Reply::text("ok")]);
            let (agent, journal, answered) = asked(&history, model, Arc::new(manager)).await;
            assert!(answered);
            let left = agent.messages();
            assert_valid(&left);
            let free = (0..left.len()).filter(|place| !left.is_pinned(*place)).count();
            // A question and its answer stay, and of a longer turn its last step too. The question may
            // have been joined to the results of the turn before.
            // The first ones, with the results of the last of them, are pinned only when any go.
            let first = pin_first + usize::from(pin_first > 0);
            assert!(free <= size.max(4) + first, "{free} of {size}");
            let before: Vec<_> = history.iter().cloned().map(Arc::new).collect();
            let kept = pinned(&left);
            assert!(all_kept(&pinned(&before), &kept));
            assert_replays(&agent, journal).await;
        });
    }

    #[test]
    fn a_model_with_a_small_window_answers_or_the_prompt_is_taken_back(
        pieces in prop::collection::vec(piece(), 0..40),
        room in 10u64..1500,
        summarises in any::<bool>(),
    ) {
        let history = history(pieces);
        block_on(async {
            let model = ScriptedModel::new([Reply::text("ok")]).with_window(room);
            let summaries = ScriptedModel::new((0..17).map(|_| Reply::text("summary")));
            let manager: Arc<dyn ConversationManager> = match summarises {
                true => Arc::new(
                    SummarizingConversationManager::new()
                        .preserve_recent_messages(2)
                        .summarization_model(Arc::new(summaries)),
                ),
                false => Arc::new(SlidingWindowConversationManager::new().window_size(100)),
            };
            let (mut agent, journal, answered) = asked(&history, model.clone(), manager).await;
            let left = agent.messages();
            assert_valid(&left);
            let before: Vec<_> = history.iter().cloned().map(Arc::new).collect();
            let kept = pinned(&left);
            assert!(all_kept(&pinned(&before), &kept));
            if answered {
                let last = model.requests().pop().unwrap().messages;
                let tokens: u64 = last.iter().map(|message| message.estimated_tokens()).sum();
                assert!(tokens <= room);
                assert!(last.last().unwrap().text().ends_with("question"));
            } else {
                // What was left out in vain is there again.
                assert_eq!(left.iter().map(|m| Message::clone(m)).collect::<Vec<_>>(), history);
            }
            assert_replays(&agent, journal).await;
            agent.invoke(vec![Message::user("and now?")]).await.ok();
            assert_valid(&agent.messages());
        });
    }
}

/// A pinned message between the prompt and the turn that is kept does not count as one that goes.
#[tokio::test]
async fn a_pinned_message_behind_the_prompt_does_not_keep_the_window_from_sliding() {
    use Role::{Assistant, User};
    let history = history(vec![
        (Piece::Said(User, 1), false),
        (Piece::Said(Assistant, 1), true),
        (Piece::Said(Assistant, 1), false),
        (Piece::Turn(1), false),
    ]);
    let manager = SlidingWindowConversationManager::new().window_size(4);
    let model = ScriptedModel::new([Reply::text("ok")]);
    let (agent, _, _) = asked(&history, model, Arc::new(manager)).await;
    let left = agent.messages();
    let kept: Vec<_> = left.iter().map(|message| (message.role, message.is_pinned())).collect();
    let expected =
        [(User, false), (Assistant, true), (Assistant, false), (User, false), (Assistant, false)];
    assert_eq!(kept, expected);
}
