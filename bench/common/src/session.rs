//! What it costs to keep a conversation, and to have it again.

use std::fs;
use std::future::Future;
use std::path::Path;

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::arguments::Arguments;
use crate::peer::Failure;
use crate::report::Report;
use crate::runtime::runtime;
use crate::timing::Timing;

/// How long the conversation is where something is measured, by the name of the figure.
const LENGTHS: [(&str, usize); 3] = [("at_10", 10), ("at_1k", 1_000), ("at_10k", 10_000)];

/// The turns that are measured at each.
const TURNS: usize = 100;

/// How often the conversation is opened.
const OPENED: usize = 5;

/// What a message says: about as much as those of the libraries in other languages.
const SAID: &str = "the quick brown fox jumps over the lazy dog, twice over the lazy dog";

/// Where a conversation is kept.
pub trait Keeping: Sized {
    /// A conversation that one adds to.
    type Kept: Kept;
    /// One that was opened again, with all its messages.
    type Opened;

    /// The place that the command line names, in a folder.
    ///
    /// # Errors
    /// There is no such place, or it cannot be had.
    fn at(folder: &Path, arguments: &Arguments) -> Result<Self, Failure>;

    /// The conversation as far as it goes, to add to it: on the disk before anything goes on, or not.
    fn keep(&self, synced: bool) -> impl Future<Output = Result<Self::Kept, Failure>>;

    /// The conversation as a program has it that starts again.
    fn open(&self, synced: bool) -> impl Future<Output = Result<Self::Opened, Failure>>;

    /// How many messages it has.
    fn messages(opened: &Self::Opened) -> usize;
}

/// A conversation that is kept.
pub trait Kept {
    /// How many messages it has.
    fn messages(&self) -> usize;

    /// Adds a question and its answer, one after the other.
    fn turn(
        &mut self,
        question: String,
        answer: String,
    ) -> impl Future<Output = Result<(), Failure>>;
}

/// What a message more takes in a conversation that is kept, and what it takes to open it.
///
/// # Errors
/// There is no such place, or it failed.
pub fn session<K: Keeping>(arguments: &Arguments) -> Result<Report, Failure> {
    let folder = folder(arguments)?;
    let place = K::at(folder.path(), arguments)?;
    let synced = synced(arguments);
    runtime()?.block_on(async {
        let mut report = Report::new();
        for (name, length) in LENGTHS {
            // Without waiting for the disk, however what follows is measured.
            let mut kept = place.keep(false).await?;
            while kept.messages() < length {
                turn(&mut kept).await?;
            }
            drop(kept);
            report = report.with(name, measure(&mut place.keep(synced).await?).await?);
        }
        let (opened, messages) = opened(&place, synced).await?;
        let (wall, cpu) = opened.medians();
        let (files, bytes) = written(folder.path())?;
        Ok(report
            .with("restore_us", wall)
            .with("restore_cpu_us", cpu)
            .with("messages", messages)
            .with("files", files)
            .with("bytes", bytes))
    })
}

/// A folder for a while, in the one that `dir=` names or where the system has such.
///
/// # Errors
/// It cannot be made.
pub fn folder(arguments: &Arguments) -> Result<TempDir, Failure> {
    Ok(match arguments.text("dir") {
        Some(parent) => TempDir::new_in(parent)?,
        None => TempDir::new()?,
    })
}

/// Whether what is kept is on the disk before anything goes on: so it is unless `durability=buffered`.
pub fn synced(arguments: &Arguments) -> bool {
    arguments.text("durability") != Some("buffered")
}

/// Some turns: what each message took.
async fn measure(kept: &mut impl Kept) -> Result<Value, Failure> {
    let mut timing = Timing::new();
    for _ in 0..TURNS {
        let running = Timing::start();
        turn(kept).await?;
        timing.stop(running);
    }
    let (wall, cpu) = timing.medians();
    // A question and an answer.
    Ok(json!({"median_us": wall / 2.0, "cpu_us": cpu / 2.0, "mean_us": timing.mean() / 2.0}))
}

async fn turn(kept: &mut impl Kept) -> Result<(), Failure> {
    let at = kept.messages();
    kept.turn(format!("message {at}: {SAID}"), format!("message {}: {SAID}", at + 1)).await
}

/// What it takes to have the conversation again; and how many messages it has.
async fn opened<K: Keeping>(place: &K, synced: bool) -> Result<(Timing, usize), Failure> {
    let mut timing = Timing::new();
    let mut messages = 0;
    for _ in 0..OPENED {
        let running = Timing::start();
        let opened = place.open(synced).await?;
        timing.stop(running);
        messages = K::messages(&opened);
    }
    Ok((timing, messages))
}

/// How many files there are, and how many bytes in them.
fn written(folder: &Path) -> Result<(u64, u64), Failure> {
    let (mut files, mut bytes) = (0, 0);
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let (more_files, more_bytes) = if entry.file_type()?.is_dir() {
            written(&entry.path())?
        } else {
            (1, entry.metadata()?.len())
        };
        files += more_files;
        bytes += more_bytes;
    }
    Ok((files, bytes))
}
