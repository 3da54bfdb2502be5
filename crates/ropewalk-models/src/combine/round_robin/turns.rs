//! Whose turn it is.

use std::cmp::Ordering;
use std::time::Duration;

use tokio::time::Instant;

/// Whose turn it is, and who rests. Models are known by their places.
#[derive(Debug, Default)]
pub(super) struct Turns(Vec<Place>);

#[derive(Clone, Copy, Debug, Default)]
struct Place {
    /// How many turns it had. Whose turns, by weight, are the fewest is next.
    turns: u64,
    rest: Option<Rest>,
}

#[derive(Clone, Copy, Debug)]
struct Rest {
    since: Instant,
    /// None: longer than clocks go.
    until: Option<Instant>,
}

impl Turns {
    /// Gives the next turn, to none of those that were asked in this call. If all rest, the one whose rest ends first
    /// has it, but only in a call that asked nobody yet.
    pub(super) fn next(&mut self, weights: &[u32], asked: &[usize], now: Instant) -> Option<usize> {
        self.0.resize(self.0.len().max(weights.len()), Place::default());
        let all = 0..weights.len();
        let mut ready: Vec<usize> =
            all.clone().filter(|at| !asked.contains(at) && self.0[*at].is_ready(now)).collect();
        self.come_back(weights, &ready);
        // Those of weight 0 come when there is nobody else.
        if ready.iter().any(|at| weights[*at] > 0) {
            ready.retain(|at| weights[*at] > 0);
        }
        let fewest = |best: usize, at| {
            if self.had(weights, at) < self.had(weights, best) { at } else { best }
        };
        // Of equals the first one wins.
        if let Some(at) = ready.into_iter().reduce(fewest) {
            self.0[at].turns += 1;
            return Some(at);
        }
        let free_at = |at: &usize| {
            let until = self.0[*at].rest.map(|rest| rest.until);
            until.map_or((false, None), |until| (until.is_none(), until))
        };
        let sooner = |best, at| if free_at(&at) < free_at(&best) { at } else { best };
        all.filter(|_| asked.is_empty()).reduce(sooner)
    }

    /// Those whose rest is over had fewer turns than the others. They don't get them now: all calls at once would go to
    /// one that was just down.
    fn come_back(&mut self, weights: &[u32], ready: &[usize]) {
        let (back, there): (Vec<usize>, Vec<usize>) =
            ready.iter().partition(|at| self.0[**at].rest.is_some());
        let there = there.into_iter().filter(|at| weights[*at] > 0);
        let had = there.map(|at| self.had(weights, at)).min();
        for at in back {
            let place = &mut self.0[at];
            place.rest = None;
            if let Some(Had { turns, weight }) = had {
                let share = turns.saturating_mul(weights[at].into()).div_ceil(weight);
                place.turns = place.turns.max(share);
            }
        }
    }

    fn had(&self, weights: &[u32], at: usize) -> Had {
        Had { turns: self.0[at].turns, weight: u64::from(weights[at]).max(1) }
    }

    /// A model that answers a call that was made after it failed is well again.
    pub(super) fn answers(&mut self, at: usize, asked: Instant) {
        if let Some(place) = self.0.get_mut(at) {
            place.rest = place.rest.filter(|rest| asked < rest.since);
        }
    }

    /// A model rests. A rest that lasts longer already stays as it is.
    pub(super) fn rest(&mut self, at: usize, now: Instant, time: Duration) {
        let Some(place) = self.0.get_mut(at) else { return };
        let until = now.checked_add(time);
        let lasts_longer = |rest: &Rest| match (rest.until, until) {
            (None, _) => true,
            (Some(known), Some(until)) => known > until,
            (Some(_), None) => false,
        };
        let until = place.rest.filter(lasts_longer).map_or(until, |rest| rest.until);
        place.rest = Some(Rest { since: now, until });
    }
}

/// How many turns somebody had, by weight.
#[derive(Clone, Copy, Debug)]
struct Had {
    turns: u64,
    /// 1 at least.
    weight: u64,
}

impl Ord for Had {
    fn cmp(&self, other: &Self) -> Ordering {
        let of = |one: &Self, other: &Self| u128::from(one.turns) * u128::from(other.weight);
        of(self, other).cmp(&of(other, self))
    }
}

impl PartialOrd for Had {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Had {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Had {}

impl Place {
    fn is_ready(&self, now: Instant) -> bool {
        self.rest.is_none_or(|rest| rest.until.is_some_and(|until| until <= now))
    }
}
