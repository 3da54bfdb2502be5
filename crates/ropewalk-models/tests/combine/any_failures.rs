//! Whatever fails, at whatever point: an answer is one model's, whole and said once.

use std::sync::Arc;

use proptest::prelude::*;
use ropewalk_core::{ErrorKind, ModelChunk, StopReason, Usage};
use ropewalk_models::{FallbackModel, RoundRobinModel};
use ropewalk_testkit::{Reply, ScriptedModel};

use crate::support::{ask, collect};

/// What one model does: which chunks it says, after how many it fails, and how.
#[derive(Clone, Debug)]
struct Script {
    says_call: bool,
    words: usize,
    fails: Option<(usize, ErrorKind)>,
}

impl Script {
    /// The chunks of the model at a place, which say who said them.
    fn chunks(&self, at: usize) -> Vec<ModelChunk> {
        let mut chunks = vec![ModelChunk::message_start()];
        for word in 0..self.words {
            chunks.extend([
                ModelChunk::block_start(),
                ModelChunk::text_delta(format!("{at}.{word} ")),
                ModelChunk::block_stop(),
            ]);
        }
        if self.says_call {
            chunks.extend([
                ModelChunk::tool_use_start(format!("t{at}"), "add"),
                ModelChunk::input_delta("{}"),
                ModelChunk::block_stop(),
            ]);
        }
        let reason = if self.says_call { StopReason::ToolUse } else { StopReason::EndTurn };
        chunks.push(ModelChunk::message_stop(reason));
        chunks.push(ModelChunk::metadata(Usage::new(1, 1), Default::default()));
        if let Some((after, _)) = self.fails {
            chunks.truncate(after);
        }
        chunks
    }

    fn reply(&self, at: usize) -> Reply {
        let reply = Reply::chunks(self.chunks(at));
        match self.fails {
            Some((after, kind)) => reply.failing_after(after, kind, format!("{at} failed")),
            None => reply,
        }
    }
}

/// True for what nobody can take back.
fn is_content(chunk: &ModelChunk) -> bool {
    match chunk {
        ModelChunk::ContentBlockStart(block) => block.start.tool_use.is_some(),
        ModelChunk::ContentBlockDelta(_) | ModelChunk::MessageStop(_) => true,
        _ => false,
    }
}

/// Which model the answer must be of, if they are asked in this order, and how it must end.
fn expected(scripts: &[(usize, Script)]) -> (Vec<ModelChunk>, Option<ErrorKind>) {
    let leads_on = [ErrorKind::Throttled, ErrorKind::Unavailable, ErrorKind::Timeout];
    let mut failures = Vec::new();
    for (at, script) in scripts {
        let chunks = script.chunks(*at);
        let kind = script.fails.map(|(_, kind)| kind);
        if chunks.iter().any(is_content) || kind.is_none() {
            return (chunks, kind);
        }
        failures.extend(kind);
        if kind.is_some_and(|kind| !leads_on.contains(&kind)) {
            break;
        }
    }
    let last = failures.last().copied();
    let is_final =
        !last.is_some_and(|kind| leads_on.contains(&kind) || kind == ErrorKind::ContextOverflow);
    let passing = failures.iter().rev().find(|kind| leads_on.contains(kind)).copied();
    (Vec::new(), if is_final { passing.or(last) } else { last })
}

fn scripts() -> impl Strategy<Value = Vec<Script>> {
    let kind = prop_oneof![
        Just(ErrorKind::Throttled),
        Just(ErrorKind::Unavailable),
        Just(ErrorKind::Timeout),
        Just(ErrorKind::ContextOverflow),
        Just(ErrorKind::Authentication),
        Just(ErrorKind::Cancelled),
    ];
    let script = (any::<bool>(), 0usize..4, proptest::option::weighted(0.8, (0usize..18, kind)))
        .prop_map(|(says_call, words, fails)| Script { says_call, words, fails });
    proptest::collection::vec(script, 1..5)
}

/// Everything but the metadata, in which the one that answered is noted.
fn said(chunks: &[ModelChunk]) -> Vec<ModelChunk> {
    chunks.iter().filter(|it| !matches!(it, ModelChunk::Metadata(_))).cloned().collect()
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn an_answer_is_one_models_and_said_once(scripts in scripts()) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let models: Vec<ScriptedModel> = scripts
            .iter()
            .enumerate()
            .map(|(at, script)| ScriptedModel::new([script.reply(at)]))
            .collect();
        let shared = |at: usize| Arc::new(models[at].clone());
        let fallback = (1..models.len())
            .fold(FallbackModel::new(shared(0)), |model, at| model.or(shared(at)));
        let (chunks, error) = runtime.block_on(collect(&fallback, ask("?")));
        let numbered: Vec<(usize, Script)> = scripts.iter().cloned().enumerate().collect();
        let (wanted, kind) = expected(&numbered);
        if kind == Some(ErrorKind::Cancelled) || !scripts.iter().any(|it| it.fails.is_some_and(|(_, kind)| kind == ErrorKind::Cancelled)) {
            prop_assert_eq!(error.as_ref().map(|error| error.kind()), kind);
        }
        prop_assert_eq!(said(&chunks), said(&wanted));

        // Nobody is asked twice, and nobody behind one that gave something out.
        let asked: Vec<usize> = models.iter().map(|model| model.requests().len()).collect();
        prop_assert!(asked.iter().all(|count| *count <= 1));
        prop_assert!(asked.is_sorted_by(|before, after| before >= after));
    }

    #[test]
    fn in_turn_too(scripts in scripts()) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let model = scripts.iter().enumerate().fold(RoundRobinModel::new(), |model, (at, script)| {
            model.with(ScriptedModel::new([script.reply(at)]))
        });
        let (chunks, _) = runtime.block_on(collect(&model, ask("?")));
        let numbered: Vec<(usize, Script)> = scripts.iter().cloned().enumerate().collect();
        prop_assert_eq!(said(&chunks), said(&expected(&numbered).0));
    }
}
