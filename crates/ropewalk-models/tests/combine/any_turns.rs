//! Whoever fails, whenever: no model that rests is asked while another one does not, and turns are shared by weight.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures_util::{StreamExt as _, stream};
use proptest::prelude::*;
use ropewalk_core::{
    BoxStream, Error, ErrorKind, Model, ModelChunk, ModelRequest, StopReason, Usage,
};
use ropewalk_models::RoundRobinModel;
use tokio::time::{Instant, advance};

use crate::support::text;

/// What happens in one step: time goes by, then a call is made, in which those asked fail as this says.
#[derive(Clone, Debug)]
struct Move {
    pause: u64,
    failures: VecDeque<Option<u64>>,
}

/// Who was asked, when, and what was said: for how long to rest, or an answer.
type Log = Arc<Mutex<Vec<(usize, Instant, Option<Option<u64>>)>>>;

/// A model that fails as the step says.
struct Fate {
    at: usize,
    fate: Arc<Mutex<VecDeque<Option<u64>>>>,
    log: Log,
}

const COOL_DOWN: u64 = 5;

impl Model for Fate {
    fn id(&self) -> &str {
        "fate"
    }

    fn stream(&self, _: ModelRequest) -> BoxStream<'_, Result<ModelChunk, Error>> {
        let failure = self.fate.lock().unwrap().pop_front();
        self.log.lock().unwrap().push((self.at, Instant::now(), failure));
        let Some(rest) = failure else {
            let said = self.at.to_string();
            let chunks = ModelChunk::text_message(said, StopReason::EndTurn, Usage::default());
            return stream::iter(chunks.into_iter().map(Ok)).boxed();
        };
        let error = Error::new(ErrorKind::Unavailable, "fate");
        let error = match rest {
            Some(seconds) => error.with_retry_after(Duration::from_secs(seconds)),
            None => error,
        };
        stream::once(async move { Err(error) }).boxed()
    }
}

fn moves() -> impl Strategy<Value = Vec<Move>> {
    let failure = proptest::option::of(0u64..20);
    let step = (0u64..8, proptest::collection::vec_deque(failure, 0..4))
        .prop_map(|(pause, failures)| Move { pause, failures });
    proptest::collection::vec(step, 1..40)
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn nobody_is_asked_who_rests_while_another_does_not(count in 1usize..5, moves in moves()) {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .start_paused(true)
            .build()
            .unwrap();
        let (fate, log) = (Arc::default(), Log::default());
        let model = (0..count).fold(RoundRobinModel::new(), |model, at| {
            model.with(Fate { at, fate: Arc::clone(&fate), log: Arc::clone(&log) })
        });
        let model = model.cool_down(Duration::from_secs(COOL_DOWN));
        let mut free_at: Vec<Option<Instant>> = vec![None; count];
        for step in moves {
            log.lock().unwrap().clear();
            *fate.lock().unwrap() = step.failures.clone();
            let said = runtime.block_on(async {
                advance(Duration::from_secs(step.pause)).await;
                text(&model, "?").await
            });
            let log = log.lock().unwrap().clone();
            let asked: Vec<usize> = log.iter().map(|(at, ..)| *at).collect();
            for (turn, (at, now, failure)) in log.iter().enumerate() {
                prop_assert!(!asked[..turn].contains(at), "twice in one call: {asked:?}");
                let rests = |at: usize| free_at[at].is_some_and(|free| free > *now);
                if rests(*at) {
                    prop_assert!(turn == 0 && (0..count).all(rests), "one that rests was asked");
                    prop_assert_eq!(free_at[*at], free_at.iter().copied().min().flatten());
                }
                match failure {
                    Some(rest) => {
                        let until = *now + Duration::from_secs(rest.unwrap_or(COOL_DOWN));
                        free_at[*at] = free_at[*at].filter(|free| free > now).max(Some(until));
                    }
                    None => free_at[*at] = None,
                }
            }
            // All that were asked but the last one failed; if that one did too, nobody was left.
            let (last, _, failure) = log.last().copied().unwrap();
            match failure {
                None => prop_assert_eq!(said.unwrap(), last.to_string()),
                Some(_) => {
                    let now = log.last().unwrap().1;
                    let others = (0..count).filter(|at| !asked.contains(at));
                    for at in others {
                        prop_assert!(free_at[at].is_some_and(|free| free > now), "{at} was free");
                    }
                    prop_assert_eq!(said.unwrap_err().kind(), ErrorKind::Unavailable);
                }
            }
        }
    }

    #[test]
    fn each_has_its_share(weights in proptest::collection::vec(0u32..6, 1..6), rounds in 1usize..4) {
        let total: u32 = weights.iter().sum();
        prop_assume!(total > 0);
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let log = Log::default();
        let model = weights.iter().enumerate().fold(RoundRobinModel::new(), |model, (at, weight)| {
            model.weighted(*weight, Fate { at, fate: Arc::default(), log: Arc::clone(&log) })
        });
        for _ in 0..rounds * total as usize {
            runtime.block_on(text(&model, "?")).unwrap();
        }
        for (at, weight) in weights.iter().enumerate() {
            let turns = log.lock().unwrap().iter().filter(|(asked, ..)| *asked == at).count();
            prop_assert_eq!(turns, rounds * *weight as usize);
        }
    }
}
