//! §9.2 The manager that leaves everything as it is.

use pretty_assertions::assert_eq;
use ropewalk_core::*;
use ropewalk_testkit::{Reply, ScriptedModel};

use crate::support::{edits, exchanges, managed, says};

/// §9.2 Routine: nothing.
#[tokio::test]
async fn routine_changes_nothing_however_long_the_history() {
    let (mut agent, journal) =
        managed(exchanges(60), says("ok"), NullConversationManager::new()).await;
    agent.invoke("q").await.unwrap();
    assert_eq!(agent.messages().len(), 122);
    assert_eq!(edits(&journal).await, []);
}

/// §9.2 Overflow: re-raise.
#[tokio::test]
async fn an_overflow_is_the_models_own_error() {
    let model = ScriptedModel::new([Reply::error(ErrorKind::ContextOverflow, "too long")]);
    let (mut agent, _) = managed(exchanges(3), model, NullConversationManager::new()).await;
    let error = agent.invoke("q").await.unwrap_err();
    assert!(error.is_context_overflow());
    assert_eq!(
        error.to_string(),
        "the prompt was taken back: `NullConversationManager` found nothing to leave out: too long"
    );
    assert_eq!(agent.messages().len(), 6);
}
