//! Firing an event: the hooks, what they decided, what they asked.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, PoisonError};
use std::time::{Duration, SystemTime};

use super::Driver;
use super::body::CANCEL_GRACE;
use crate::agent::AgentEvent;
use crate::decision::DecisionRecord;
use crate::error::{Error, ErrorKind};
use crate::hook::{BaseHookEvent, DecisionEvent, Decisions, Frame};
use crate::interrupt::{Interrupt, InterruptScope, Known, Terms};
use crate::run::{CallState, Record, Site};
use crate::view::AgentView;

/// How an event went.
pub(super) enum Fired<E> {
    /// Nobody listens to it.
    Nobody,
    /// All have seen it.
    Done(E),
    /// Somebody asked something: the run has the questions.
    Asked,
}

/// What was asked at an event.
pub(super) struct Asked {
    interrupts: Vec<Interrupt>,
    terms: BTreeMap<String, Terms>,
}

impl Asked {
    /// What was asked outside of an event, with the terms that its scope knows.
    pub(super) fn of(interrupts: Vec<Interrupt>, scope: &InterruptScope) -> Self {
        Self { interrupts, terms: scope.take_terms() }
    }
}

impl Driver<'_> {
    /// Fires an event, if anybody listens. Questions are put to the run.
    pub(super) async fn fire<E: BaseHookEvent>(
        &self,
        site: Site,
        make: impl FnOnce(Frame) -> E,
    ) -> Result<Fired<E>, Error> {
        let from = || {
            let place = self.place(&site);
            (site, place)
        };
        self.fire_from(from, make).await
    }

    /// The same where a question is spelt in another way than its site is. From where it is asked is only worked out if
    /// anybody listens.
    pub(super) async fn fire_from<E: BaseHookEvent>(
        &self,
        from: impl FnOnce() -> (Site, String),
        make: impl FnOnce(Frame) -> E,
    ) -> Result<Fired<E>, Error> {
        if !self.hooks.listens_to::<E>() {
            return Ok(Fired::Nobody);
        }
        let (site, place) = from();
        let (event, asked) = self.dispatch(&site, place, make).await?;
        match asked {
            None => Ok(Fired::Done(event)),
            Some(asked) => {
                Box::pin(self.ask(site, asked)).await?;
                Ok(Fired::Asked)
            }
        }
    }

    /// Fires an event and gives back what was asked, which is not put to the run yet. What was
    /// decided is durable then, and announced.
    pub(super) async fn dispatch<E: BaseHookEvent>(
        &self,
        site: &Site,
        place: String,
        make: impl FnOnce(Frame) -> E,
    ) -> Result<(E, Option<Asked>), Error> {
        let (event, asked, _) = self.dispatch_noting(site, place, make).await?;
        Ok((event, asked))
    }

    /// The same, with the ids of the questions that were put or looked up.
    pub(super) async fn dispatch_noting<E: BaseHookEvent>(
        &self,
        site: &Site,
        place: String,
        make: impl FnOnce(Frame) -> E,
    ) -> Result<(E, Option<Asked>, BTreeSet<String>), Error> {
        let scope = self.scope(site, place);
        // On the heap: every step would have room for it, also where nobody listens.
        Box::pin(self.call_hooks(scope, make)).await
    }

    async fn call_hooks<E: BaseHookEvent>(
        &self,
        scope: InterruptScope,
        make: impl FnOnce(Frame) -> E,
    ) -> Result<(E, Option<Asked>, BTreeSet<String>), Error> {
        let agent = self.view();
        let decisions = Decisions::default();
        let event = make(Frame {
            agent: agent.clone(),
            state: self.state.clone(),
            scope: scope.clone(),
            decisions: decisions.clone(),
            cancel: self.cancel.clone(),
        });
        let dispatched = self.unless_late(self.hooks.invoke_callbacks_async(event)).await;
        let announced = match decisions.take() {
            none if none.is_empty() => Ok(()),
            decided => Box::pin(self.announce_decisions(&agent, decided)).await,
        };
        let (event, interrupts) = match (dispatched, announced) {
            (Ok(dispatched), Ok(())) => dispatched,
            (Ok(_), Err(error)) | (Err(error), Ok(())) => return Err(error),
            (Err(error), Err(later)) => {
                tracing::error!("a decision could not be noted: {}", later.report());
                return Err(error);
            }
        };
        let asked = (!interrupts.is_empty()).then(|| Asked::of(interrupts.into(), &scope));
        Ok((event, asked, scope.looked_up()))
    }

    /// Drops hooks that are not done a moment after a cancel.
    async fn unless_late<T>(
        &self,
        hooks: impl Future<Output = Result<T, Error>>,
    ) -> Result<T, Error> {
        let late = async {
            self.cancel.cancelled().await;
            self.wait(CANCEL_GRACE).await;
        };
        tokio::select! {
            biased;
            dispatched = hooks => dispatched,
            () = late => {
                let text = format!("hooks were dropped that had not ended {CANCEL_GRACE:?} after the cancel");
                Err(Error::new(ErrorKind::Cancelled, text))
            }
        }
    }

    async fn announce_decisions(
        &self,
        agent: &AgentView,
        decisions: Vec<DecisionRecord>,
    ) -> Result<(), Error> {
        for decision in decisions {
            self.commit(Record::Decided { decision: decision.clone().into() }).await?;
            tracing::info!(
                target: "ropewalk",
                handler = decision.handler,
                event = decision.event,
                verdict = decision.verdict,
                "decided"
            );
            self.sink.send(|| AgentEvent::Decision(Box::new(decision.clone())));
            if self.hooks.listens_to::<DecisionEvent>() {
                let event = DecisionEvent::new(agent.clone(), decision);
                self.hooks.invoke_callbacks_async(event).await?;
            }
        }
        Ok(())
    }

    /// Puts questions to the run.
    pub(super) async fn ask(&self, site: Site, asked: Asked) -> Result<(), Error> {
        if self.cancel.is_cancelled() {
            tracing::warn!("a hook asked a question after a cancel: the cancel goes before it");
            return Ok(());
        }
        let Asked { interrupts, mut terms } = asked;
        self.reserve(&site, &interrupts)?;
        let now = self.now_ms();
        for (id, terms) in &mut terms {
            if terms.expires_in_ms.is_some() {
                // Put again because an answer did not fit, a question gets no longer for that.
                let asked_before = self.run().questions().iter().find_map(|question| {
                    let same = question.interrupt.id == *id;
                    same.then(|| question.terms.as_ref()?.asked_at_ms).flatten()
                });
                terms.asked_at_ms = Some(asked_before.unwrap_or(now));
            }
        }
        let record = Record::Interrupted { site: site.clone(), interrupts, terms };
        if let Err(error) = self.run().check(&record)
            && error.kind() == ErrorKind::IllegalRecord
        {
            let text = format!("a hook asked a question where none can be answered ({site:?})");
            return Err(Error::new(ErrorKind::Hook, text).with_source(error));
        }
        self.commit(record.clone()).await?;
        if let Record::Interrupted { interrupts, .. } = record {
            for asked in &interrupts {
                tracing::info!(target: "ropewalk", name = asked.name, id = asked.id, "asked");
            }
            self.announce_questions(&site, interrupts);
        }
        Ok(())
    }

    /// Where questions before a call are put: a call that has begun must not begin anew because of
    /// them.
    pub(super) fn asking_site(&self, tool_use_id: &str) -> Site {
        let run = self.run();
        let call = run.calls().iter().find(|call| call.tool_use.tool_use_id == tool_use_id);
        match call.map(|call| &call.state) {
            None | Some(CallState::Pending) => Site::call(tool_use_id),
            Some(_) => Site::after_call(tool_use_id),
        }
    }

    /// True if something was asked about a call.
    pub(super) fn has_questions(&self, tool_use_id: &str) -> bool {
        let run = self.run();
        run.questions().iter().any(|asked| asked.site.tool_use_id() == Some(tool_use_id))
    }

    /// Keeps the ids of questions for one call: calls run together, and a question is on its way to
    /// the journal before the run knows of it.
    pub(super) fn reserve(&self, site: &Site, interrupts: &[Interrupt]) -> Result<(), Error> {
        let mut reserved = self.reserved.lock().unwrap_or_else(PoisonError::into_inner);
        let place = site.tool_use_id().map(str::to_owned);
        for Interrupt { id, .. } in interrupts {
            if reserved.get(id).is_some_and(|other| *other != place) {
                let text = format!("interrupt_id=<{id}> | another open question has this id");
                return Err(Error::new(ErrorKind::Interrupt, text));
            }
        }
        reserved.extend(interrupts.iter().map(|asked| (asked.id.clone(), place.clone())));
        Ok(())
    }

    /// Tells the listeners of the stream what was asked.
    pub(super) fn announce_questions(&self, site: &Site, interrupts: Vec<Interrupt>) {
        self.sink.send(|| match (site, site.tool_use_id()) {
            (Site::Batch, _) => AgentEvent::ToolInterrupted { tool_use: None, interrupts },
            (_, Some(id)) => {
                let run = self.run();
                let call = run.calls().iter().find(|call| call.tool_use.tool_use_id == id);
                let tool_use = call.map(|call| Arc::clone(&call.tool_use));
                AgentEvent::ToolInterrupted { tool_use, interrupts }
            }
            _ => AgentEvent::Interrupted { interrupts },
        });
    }

    /// Where questions are asked from, with the answers that the run has.
    pub(super) fn scope(&self, site: &Site, place: String) -> InterruptScope {
        InterruptScope::with_known(place, self.known_at(site))
    }

    /// What was asked from a place, and from after it.
    fn known_at(&self, site: &Site) -> Vec<Known> {
        match site {
            // What is done before a call may be done after it has begun: see `asking_site`.
            Site::Call { tool_use_id } | Site::AfterCall { tool_use_id } => {
                self.known_of_call(tool_use_id)
            }
            site => self.known_where(|other| other == site),
        }
    }

    /// What was asked from before a call, from within it, and from after it.
    pub(super) fn known_of_call(&self, tool_use_id: &str) -> Vec<Known> {
        self.known_where(|site| site.tool_use_id() == Some(tool_use_id))
    }

    fn known_where(&self, is_there: impl Fn(&Site) -> bool) -> Vec<Known> {
        let run = self.run();
        let there = run.questions().iter().filter(|question| is_there(&question.site));
        there
            .map(|question| Known {
                interrupt: question.interrupt.clone(),
                by: question.by.clone(),
                expired: question.expired,
                terms: question.terms.clone(),
            })
            .collect()
    }

    /// The first part of the ids of what is asked from there.
    pub(super) fn place(&self, site: &Site) -> String {
        self.run().place(site)
    }

    /// Deletes what was asked from a place and has been dealt with.
    pub(super) async fn settled(&self, site: Site) -> Result<(), Error> {
        let asked = self.run().questions().iter().any(|question| question.site == site);
        if asked { self.commit(Record::Settled { site }).await } else { Ok(()) }
    }

    /// The time, in milliseconds since 1970.
    pub(super) fn now_ms(&self) -> u64 {
        let since = (self.blueprint.clock)().duration_since(SystemTime::UNIX_EPOCH);
        millis(since.unwrap_or_default())
    }
}

pub(super) fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
