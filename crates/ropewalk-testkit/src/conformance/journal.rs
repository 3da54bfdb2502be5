//! What every journal must do.

mod content;
mod records;
mod together;
mod writers;

use std::pin::Pin;

use ropewalk_core::{Error, Journal};

use super::BrokenRules;

/// Where the journals under test come from. Each test takes sessions of its own names; the place should hold
/// none of them before.
pub trait Journals {
    /// The journal under test.
    type Journal: Journal;

    /// Opens the journal of a session, or begins it.
    fn open(&self, name: &str) -> impl Future<Output = Result<Self::Journal, Error>>;

    /// The same by somebody else: another process, another host. Without a method of its own, it is
    /// [`open`](Self::open).
    fn open_elsewhere(&self, name: &str) -> impl Future<Output = Result<Self::Journal, Error>> {
        self.open(name)
    }

    /// Takes a session from one who lives on and does not know yet that it is lost: its lease has ended, its
    /// lock was broken. None where that can't happen, as without a method of its own.
    fn take_over(&self, name: &str) -> impl Future<Output = Option<Result<Self::Journal, Error>>> {
        let _ = name;
        std::future::ready(None)
    }

    /// Gives a journal back; when it is done, somebody else can open the session. Without a method of its
    /// own, dropping it is enough.
    fn close(&self, journal: Self::Journal) -> impl Future<Output = ()> {
        drop(journal);
        std::future::ready(())
    }
}

type Rule<'a> = Pin<Box<dyn Future<Output = Result<(), String>> + 'a>>;

/// Tests all that a journal promises: that records last and come back as they were, each append whole or not
/// at all; that a session has one writer; that a checkpoint changes nothing.
///
/// ```
/// use ropewalk_core::{Error, MemoryJournal};
/// use ropewalk_testkit::conformance::{self, Journals};
///
/// /// Forgets everything when it is closed, and lets anybody in.
/// struct Forgetful;
///
/// impl Journals for Forgetful {
///     type Journal = MemoryJournal;
///
///     async fn open(&self, name: &str) -> Result<MemoryJournal, Error> {
///         Ok(MemoryJournal::new())
///     }
/// }
///
/// # futures_executor::block_on(async {
/// let broken = conformance::journal(&Forgetful).await.unwrap_err();
/// assert!(broken.rules().any(|rule| rule == "what was added is there when the session is opened again"));
/// # });
/// ```
///
/// # Errors
/// Every rule that was broken, with what was seen.
pub async fn journal<J: Journals>(journals: &J) -> Result<(), BrokenRules> {
    let rules: [(&'static str, Rule<'_>); 18] = [
        ("a new session has no records", Box::pin(content::begins_empty(journals))),
        ("the id of a run is made once and stays", Box::pin(content::run_id(journals))),
        (
            "records come back as they were given, in their order",
            Box::pin(content::order(journals)),
        ),
        (
            "what was added is there when the session is opened again",
            Box::pin(content::reopening(journals)),
        ),
        ("adding nothing changes nothing", Box::pin(content::nothing(journals))),
        ("any text comes back as it was", Box::pin(content::unicode(journals))),
        ("records may be large, and many at once", Box::pin(content::large(journals))),
        ("sessions do not mix", Box::pin(content::many_sessions(journals))),
        ("a name that could lead elsewhere is refused", Box::pin(content::names(journals))),
        ("restoring is replaying", Box::pin(content::restore(journals))),
        (
            "a checkpoint changes nothing but the time it takes",
            Box::pin(content::checkpoint(journals)),
        ),
        ("an agent goes on where it was", Box::pin(content::agent(journals))),
        (
            "appends that overlap stay whole, each with its records together",
            Box::pin(together::overlapping(journals)),
        ),
        (
            "whoever reads meanwhile sees whole appends only",
            Box::pin(together::reading_meanwhile(journals)),
        ),
        (
            "what a load did not give never appears later, though its append was dropped",
            Box::pin(together::dropped(journals)),
        ),
        (
            "a session that somebody has is refused to others, and free when it is given back",
            Box::pin(writers::second_opener(journals)),
        ),
        (
            "of those who open a session at once, one at most has it",
            Box::pin(writers::race(journals)),
        ),
        ("whoever lost a session adds nothing to it any more", Box::pin(writers::fenced(journals))),
    ];
    let mut broken = Vec::new();
    for (rule, check) in rules {
        if let Err(seen) = check.await {
            broken.push((rule, seen));
        }
    }
    if broken.is_empty() { Ok(()) } else { Err(BrokenRules { broken }) }
}
