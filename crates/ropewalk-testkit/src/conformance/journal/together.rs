//! Appends at the same time.

use std::time::Duration;

use futures_util::future::{join, join_all};
use ropewalk_core::{Journal, Record};

use super::Journals;
use super::records::{note, same, text, works};

/// As many records as each group has.
const GROUP: usize = 5;

fn group(name: &str) -> Vec<Record> {
    (0..GROUP).map(|at| note(&format!("{name}.{at}"))).collect()
}

/// The groups of records that belong together, by name; fails if one is not whole.
fn groups(records: &[Record]) -> Result<Vec<String>, String> {
    let mut names = Vec::new();
    for found in records.chunks(GROUP) {
        let name = text(&found[0]).trim_end_matches(".0").to_owned();
        if found != group(&name) {
            let texts: Vec<_> = found.iter().map(text).collect();
            return Err(format!("these records stand together: {texts:?}"));
        }
        names.push(name);
    }
    Ok(names)
}

pub(super) async fn overlapping(journals: &impl Journals) -> Result<(), String> {
    let journal = works("opening", journals.open("overlapping").await)?;
    let asked: Vec<_> = (0..40).map(|number| group(&number.to_string())).collect();
    for ended in join_all(asked.iter().map(|records| journal.append(records))).await {
        works("appending", ended)?;
    }
    let all = async |journal: &_| -> Result<(), String> {
        let records = works("loading", Journal::load(journal).await)?;
        let mut names = groups(&records)?;
        names.sort_by_key(|name| name.parse::<u32>().unwrap_or(u32::MAX));
        same("what was added", &names, &(0..40).map(|number| number.to_string()).collect())
    };
    all(&journal).await?;
    journals.close(journal).await;
    all(&works("opening again", journals.open("overlapping").await)?).await
}

pub(super) async fn reading_meanwhile(journals: &impl Journals) -> Result<(), String> {
    let journal = works("opening", journals.open("reading").await)?;
    let write = async {
        for number in 0..20 {
            works("appending", journal.append(&group(&number.to_string())).await)?;
            yield_now().await;
        }
        Ok(())
    };
    let read = async {
        let mut seen = 0;
        for _ in 0..20 {
            let names = groups(&works("loading", journal.load().await)?)?;
            if names.len() < seen {
                return Err(format!("{} appends, after {seen} were there", names.len()));
            }
            seen = names.len();
            yield_now().await;
        }
        Ok(())
    };
    let (written, read) = join(write, read).await;
    written.and(read)
}

pub(super) async fn dropped(journals: &impl Journals) -> Result<(), String> {
    let journal = works("opening", journals.open("dropped").await)?;
    for round in 0..30 {
        let records = group(&format!("dropped {round}"));
        let mut append = journal.append(&records);
        // Now and then it is not even begun.
        for _ in 0..round % 4 {
            if futures_util::poll!(&mut append).is_ready() {
                break;
            }
            yield_now().await;
        }
        drop(append);
        let first = works("loading", journal.load().await)?;
        groups(&first)?;
        pause().await;
        same("what a later load gives", &works("loading", journal.load().await)?, &first)?;
        // Who goes on stands on what the load gave.
        works("appending", journal.append(&group(&format!("kept {round}"))).await)?;
    }
    let names = groups(&works("loading", journal.load().await)?)?;
    let kept = names.iter().filter(|name| name.starts_with("kept")).count();
    same("the number of appends that were waited for", &kept, &30)
}

/// Lets others have their turn, for a moment that is long enough for a write.
async fn pause() {
    for _ in 0..20 {
        yield_now().await;
        std::thread::sleep(Duration::from_micros(100));
    }
}

async fn yield_now() {
    let mut yielded = false;
    std::future::poll_fn(|context| {
        if std::mem::replace(&mut yielded, true) {
            return std::task::Poll::Ready(());
        }
        context.waker().wake_by_ref();
        std::task::Poll::Pending
    })
    .await;
}
