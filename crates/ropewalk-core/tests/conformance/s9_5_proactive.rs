//! §9.5 Making a conversation smaller before it must be.

use std::sync::{Arc, Mutex};

use pretty_assertions::assert_eq;
use ropewalk_core::*;
use ropewalk_testkit::{Reply, ScriptedModel};

use crate::support::{edits, exchanges, managed, says};

/// Notes what it is told before a model call.
struct Watch {
    threshold: f64,
    told: Arc<Mutex<Vec<(u64, u64, bool)>>>,
}

impl ConversationManager for Watch {
    fn name(&self) -> &str {
        "Watch"
    }

    fn compression_threshold(&self) -> Option<f64> {
        Some(self.threshold)
    }

    fn reduce_context<'a>(
        &'a self,
        conversation: &'a Conversation<'a>,
        error: Option<&'a Error>,
    ) -> Managed<'a> {
        assert_eq!(conversation.reason(), EditReason::Proactive);
        let (tokens, limit) = (conversation.projected_tokens(), conversation.context_limit());
        self.told.lock().unwrap().push((tokens, limit, error.is_some()));
        Box::pin(async { Err(Error::new(ErrorKind::Other, "no idea")) })
    }
}

async fn told(threshold: f64, model: ScriptedModel, prompt: &str) -> Vec<(u64, u64, bool)> {
    let told = Arc::<Mutex<Vec<_>>>::default();
    let manager = Watch { threshold, told: Arc::clone(&told) };
    let (mut agent, _) = managed([], model, manager).await;
    // Its failures are ignored.
    agent.invoke(prompt).await.unwrap();
    drop(agent);
    std::mem::take(&mut *told.lock().unwrap())
}

/// §9.5 Before each model call: projected tokens / context limit ≥ t → reduce without error; failures
/// ignored.
#[tokio::test]
async fn from_the_threshold_on_the_manager_is_called_without_an_error() {
    let model = || says("ok").with_window(100);
    assert_eq!(told(0.7, model(), &"x".repeat(4 * 69)).await, []);
    assert_eq!(told(0.7, model(), &"x".repeat(4 * 70)).await, [(70, 100, false)]);
    assert_eq!(told(1.0, model(), &"x".repeat(4 * 100)).await, [(100, 100, false)]);
}

/// §9.5 Limit unknown → 200,000.
#[tokio::test]
async fn an_unknown_window_is_taken_for_200_000_tokens() {
    assert_eq!(told(0.7, says("ok"), &"x".repeat(4 * 139_999)).await, []);
    let told = told(0.7, says("ok"), &"x".repeat(4 * 140_000)).await;
    assert_eq!(told, [(140_000, DEFAULT_CONTEXT_LIMIT, false)]);
}

/// §9.5 `True` is threshold 0.7; 0 < t ≤ 1.
#[tokio::test]
async fn the_threshold_is_a_part_of_the_window() {
    let default: Arc<dyn ConversationManager> =
        Arc::new(SlidingWindowConversationManager::new().proactive_compression());
    assert_eq!(default.compression_threshold(), Some(0.7));
    for part in [0.0, -0.1, 1.1, f64::NAN, f64::INFINITY] {
        let sliding = SlidingWindowConversationManager::new().compression_threshold(part);
        let summarizing = SummarizingConversationManager::new().compression_threshold(part);
        let builders = [
            Agent::builder().no_callback_handler().model(says("ok")).conversation_manager(sliding),
            Agent::builder()
                .no_callback_handler()
                .model(says("ok"))
                .conversation_manager(summarizing),
        ];
        for builder in builders {
            let error = builder.build().await.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::InvalidInput);
            assert!(error.to_string().contains("compression_threshold=<"), "{error}");
        }
    }
}

/// §9.5 with the sliding window: no result is shortened, and so much goes that the rest is below the
/// threshold (Strands lets 2 messages go each time).
#[tokio::test]
async fn the_window_leaves_out_what_is_beyond_the_threshold() {
    let history = exchanges(8).into_iter().map(|message| {
        let text = format!("{}{}", message.text(), "x".repeat(38));
        Message::new(message.role, vec![text.into()])
    });
    // 160 tokens of 200, and the prompt: 21 too many.
    let model = says("ok").with_window(200);
    let manager = SlidingWindowConversationManager::new().proactive_compression();
    let (mut agent, journal) = managed(history, model.clone(), manager).await;
    agent.invoke("q").await.unwrap();
    assert_eq!(edits(&journal).await, [TranscriptEdit::new().remove(0..4)]);
    assert_eq!(model.requests()[0].messages.len(), 13);
}

/// What the model said that it read is no longer so once messages went: the projection knows.
#[tokio::test]
async fn what_went_is_not_projected_any_more() {
    let long = |n: u64| Message::user("x".repeat(400 * n as usize));
    let answer = |tokens| {
        Reply::chunks(ModelChunk::text_message("ok", StopReason::EndTurn, Usage::new(tokens, 0)))
    };
    let model = ScriptedModel::new([answer(1000)]);
    let (mut agent, _) = managed([long(8), long(1)], model, NullConversationManager::new()).await;
    agent.invoke("q").await.unwrap();
    assert_eq!(agent.run().projected_input_tokens(), Some(1000));
    agent.edit_messages(TranscriptEdit::new().remove(0..1)).await.unwrap();
    assert_eq!(agent.run().projected_input_tokens(), Some(200));
    agent.edit_messages(TranscriptEdit::new().insert(3, [long(2)])).await.unwrap();
    assert_eq!(agent.run().projected_input_tokens(), Some(400));
}
