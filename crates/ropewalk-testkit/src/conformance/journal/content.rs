//! What was given comes back.

use std::sync::Arc;

use ropewalk_core::{Agent, ErrorKind, Journal, Run};

use super::Journals;
use super::records::{holds, prompt, restores, same, turn, works};
use crate::{Reply, ScriptedModel};

pub(super) async fn begins_empty(journals: &impl Journals) -> Result<(), String> {
    let journal = works("opening", journals.open("empty").await)?;
    holds(&journal, &[]).await?;
    restores(&journal, &[]).await.map(drop)
}

pub(super) async fn run_id(journals: &impl Journals) -> Result<(), String> {
    let journal = works("opening", journals.open("id").await)?;
    let id = journal.run_id().to_owned();
    journals.close(journal).await;
    let journal = works("opening again", journals.open("id").await)?;
    same("the id", &journal.run_id(), &&*id)?;
    let other = works("opening another", journals.open("id-2").await)?;
    if other.run_id() == id {
        return Err(format!("two sessions have the id `{id}`"));
    }
    Ok(())
}

pub(super) async fn order(journals: &impl Journals) -> Result<(), String> {
    let journal = works("opening", journals.open("order").await)?;
    let mut expected = Vec::new();
    for size in [1, 3, 2, 7] {
        let texts = (0..size).map(|at| format!("{size}.{at}"));
        let records: Vec<_> = texts.flat_map(|text| turn(&text)).collect();
        works("appending", journal.append(&records).await)?;
        expected.extend(records);
        holds(&journal, &expected).await?;
    }
    Ok(())
}

pub(super) async fn reopening(journals: &impl Journals) -> Result<(), String> {
    let mut expected = Vec::new();
    for text in ["one", "two", "three"] {
        let journal = works("opening", journals.open("reopening").await)?;
        holds(&journal, &expected).await?;
        works("appending", journal.append(&turn(text)).await)?;
        expected.extend(turn(text));
        journals.close(journal).await;
    }
    holds(&works("opening", journals.open_elsewhere("reopening").await)?, &expected).await
}

pub(super) async fn nothing(journals: &impl Journals) -> Result<(), String> {
    let journal = works("opening", journals.open("nothing").await)?;
    works("appending nothing", journal.append(&[]).await)?;
    works("appending", journal.append(&turn("one")).await)?;
    works("appending nothing", journal.append(&[]).await)?;
    holds(&journal, &turn("one")).await?;
    journals.close(journal).await;
    holds(&works("opening again", journals.open("nothing").await)?, &turn("one")).await
}

pub(super) async fn unicode(journals: &impl Journals) -> Result<(), String> {
    let texts = [
        "Grüße, 世界, 👩‍👩‍👧, שלום",
        "line\nline\r\nline\u{2028}line\u{0}",
        r#"{"seq":0} '; DROP TABLE session; -- \ " % \u0000 $1"#,
        "\u{feff}e\u{301}\u{10ffff}\u{1}\t",
        "",
        " ",
    ];
    let journal = works("opening", journals.open("unicode").await)?;
    let records: Vec<_> = texts.iter().flat_map(|text| turn(text)).collect();
    works("appending", journal.append(&records).await)?;
    journals.close(journal).await;
    holds(&works("opening again", journals.open("unicode").await)?, &records).await
}

pub(super) async fn large(journals: &impl Journals) -> Result<(), String> {
    let journal = works("opening", journals.open("large").await)?;
    let mut expected = turn(&"0123456789abcdef".repeat(1 << 16));
    works("appending a megabyte", journal.append(&expected).await)?;
    let many: Vec<_> = (0..1000).flat_map(|number| turn(&number.to_string())).collect();
    works("appending 3,000 records", journal.append(&many).await)?;
    expected.extend(many);
    journals.close(journal).await;
    holds(&works("opening again", journals.open("large").await)?, &expected).await
}

pub(super) async fn many_sessions(journals: &impl Journals) -> Result<(), String> {
    let names: Vec<_> = (0..20).map(|number| format!("many-{number}")).collect();
    let mut open = Vec::new();
    for name in &names {
        open.push(works("opening", journals.open(name).await)?);
    }
    for round in ["one", "two"] {
        for (name, journal) in names.iter().zip(&open) {
            let records = turn(&format!("{name} {round}"));
            works("appending", journal.append(&records).await)?;
        }
    }
    for (name, journal) in names.iter().zip(open) {
        let expected = ["one", "two"].map(|round| turn(&format!("{name} {round}"))).concat();
        holds(&journal, &expected).await?;
        journals.close(journal).await;
    }
    Ok(())
}

pub(super) async fn names(journals: &impl Journals) -> Result<(), String> {
    let long = "x".repeat(129);
    let hostile =
        ["", ".", "..", "../x", "a/b", "a\\b", ".hidden", "a b", "a\0b", "ä", "a%2fb", &long];
    for name in hostile {
        match journals.open(name).await {
            Ok(_) => return Err(format!("the name {name:?} is taken")),
            Err(error) if error.kind() == ErrorKind::InvalidInput => {}
            Err(error) => {
                return Err(format!(
                    "{name:?} fails, but not as a wrong input: {}",
                    error.report()
                ));
            }
        }
    }
    for name in ["a", "A.b-c_1", "0", "-", "_", "a.jsonl", &long[..128]] {
        let journal = works(&format!("opening `{name}`"), journals.open(name).await)?;
        works("appending", journal.append(&turn(name)).await)?;
        holds(&journal, &turn(name)).await?;
    }
    Ok(())
}

pub(super) async fn restore(journals: &impl Journals) -> Result<(), String> {
    let journal = works("opening", journals.open("restore").await)?;
    let mut records = Vec::new();
    for number in 0..10 {
        records.extend(turn(&number.to_string()));
        works("appending", journal.append(&records[number * 3..]).await)?;
        restores(&journal, &records).await?;
    }
    // In the middle of an invocation, too.
    records.push(prompt("open"));
    works("appending", journal.append(&records[30..]).await)?;
    restores(&journal, &records).await?;
    journals.close(journal).await;
    let journal = works("opening again", journals.open("restore").await)?;
    restores(&journal, &records).await.map(drop)
}

pub(super) async fn checkpoint(journals: &impl Journals) -> Result<(), String> {
    let mut journal = works("opening", journals.open("checkpoint").await)?;
    let mut run = Run::new(journal.run_id());
    let mut records = Vec::new();
    // Enough that one that keeps few of them keeps some.
    for round in 0..40 {
        let more: Vec<_> = (0..20).flat_map(|at| turn(&format!("{round}.{at}"))).collect();
        works("appending", journal.append(&more).await)?;
        run = works("replaying", run.replay(more.clone()))?;
        records.extend(more);
        works("offering a checkpoint", journal.checkpoint(&run).await)?;
        if round % 13 == 12 {
            works("appending", journal.append(&turn("behind it")).await)?;
            run = works("replaying", run.replay(turn("behind it")))?;
            records.extend(turn("behind it"));
            journals.close(journal).await;
            journal = works("opening again", journals.open("checkpoint").await)?;
            same("the restored run", &restores(&journal, &records).await?, &run)?;
            holds(&journal, &records).await?;
        }
    }
    restores(&journal, &records).await.map(drop)
}

pub(super) async fn agent(journals: &impl Journals) -> Result<(), String> {
    for (number, text) in (1..).zip(["first", "second", "third"]) {
        let journal = Arc::new(works("opening", journals.open("agent").await)?);
        let model = ScriptedModel::new([Reply::text(text)]);
        let builder = Agent::builder().model(model).no_callback_handler();
        let built = builder.session(Arc::clone(&journal)).build().await;
        let mut agent = works("building an agent", built)?;
        works("asking the agent", agent.invoke(text).await)?;
        same("the number of messages", &agent.messages().len(), &(2 * number))?;
        drop(agent);
        if let Ok(journal) = Arc::try_unwrap(journal) {
            journals.close(journal).await;
        }
    }
    Ok(())
}
