//! One writer at a time.

use futures_util::future::join_all;
use ropewalk_core::{Error, ErrorKind, Journal, Run};

use super::Journals;
use super::records::{holds, turn, works};

pub(super) async fn second_opener(journals: &impl Journals) -> Result<(), String> {
    let first = works("opening", journals.open("second").await)?;
    works("appending", first.append(&turn("one")).await)?;
    for opened in [journals.open("second").await, journals.open_elsewhere("second").await] {
        refused("a second one opens it", opened)?;
    }
    works("appending by the first", first.append(&turn("two")).await)?;
    holds(&first, &[turn("one"), turn("two")].concat()).await?;
    journals.close(first).await;
    let next = works("opening when it is free", journals.open_elsewhere("second").await)?;
    works("appending", next.append(&turn("three")).await)?;
    holds(&next, &[turn("one"), turn("two"), turn("three")].concat()).await
}

pub(super) async fn race(journals: &impl Journals) -> Result<(), String> {
    for round in 0..5 {
        let name = format!("race-{round}");
        let opened = join_all((0..8).map(async |number| match number % 2 {
            0 => journals.open(&name).await,
            _ => journals.open_elsewhere(&name).await,
        }));
        let (mut writers, mut errors) = (Vec::new(), Vec::new());
        for opened in opened.await {
            match opened {
                Ok(journal) => writers.push(journal),
                Err(error) => errors.push(error),
            }
        }
        if writers.len() > 1 {
            return Err(format!("{} of 8 have it", writers.len()));
        }
        for error in errors {
            refused::<()>("one of 8 opens it", Err(error))?;
        }
        if let Some(writer) = writers.pop() {
            works("appending", writer.append(&turn("one")).await)?;
            holds(&writer, &turn("one")).await?;
        }
    }
    Ok(())
}

pub(super) async fn fenced(journals: &impl Journals) -> Result<(), String> {
    let old = works("opening", journals.open("fenced").await)?;
    works("appending", old.append(&turn("old")).await)?;
    let Some(taken) = journals.take_over("fenced").await else { return Ok(()) };
    let new = works("taking the session over", taken)?;
    let mut expected = turn("old");
    holds(&new, &expected).await?;

    refused("the one who lost it appends", old.append(&turn("late")).await)?;
    works("appending by the new one", new.append(&turn("new")).await)?;
    expected.extend(turn("new"));
    refused("the one who lost it appends again", old.append(&turn("late")).await)?;
    // It may look and fail as it likes; what it does changes nothing.
    let _ = old.load().await;
    let _ = old.append(&turn("late")).await;
    if let Ok(run) = Run::new(old.run_id()).replay(turn("another")) {
        let _ = old.checkpoint(&run).await;
    }
    holds(&new, &expected).await?;
    journals.close(old).await;
    works("appending when the old one is gone", new.append(&turn("more")).await)?;
    expected.extend(turn("more"));
    journals.close(new).await;
    holds(&works("opening again", journals.open("fenced").await)?, &expected).await
}

fn refused<T>(what: &str, ended: Result<T, Error>) -> Result<(), String> {
    match ended {
        Ok(_) => Err(format!("{what}, and is not refused")),
        Err(error) if error.kind() == ErrorKind::Journal => Ok(()),
        Err(error) => Err(format!("{what}, and fails, but not as a journal: {}", error.report())),
    }
}
