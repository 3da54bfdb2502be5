//! Sessions whose stored form somebody else wrote: put in place with right checksums, and read in every way there is.

use ropewalk_core::*;
use ropewalk_session::{Export, MemoryStore, SessionStore, Sessions, markdown};

/// The name of the session.
const NAME: &str = "hostile";

/// A header that is in order.
pub(crate) const HEADER: &str = r#"{"format":"ropewalk-session","version":2,"run_id":"r"}"#;

/// A line whose number and checksum are right, whatever stands in it.
pub(crate) fn sealed(seq: u64, json: &str) -> String {
    let crc = crc32fast::hash(json.as_bytes());
    format!(r#"{{"seq":{seq},"crc":"{crc:08x}","record":{json}}}"#)
}

/// A session that a store gives back like this.
pub(crate) async fn kept(header: &str, lines: &[String], snapshot: Option<&str>) -> Sessions {
    let store = MemoryStore::new();
    let opened = store.open(NAME, header).await.unwrap();
    opened.log.append(0, lines.to_vec()).await.unwrap();
    if let Some(snapshot) = snapshot {
        opened.log.put_snapshot(snapshot.to_owned()).await.unwrap();
    }
    drop(opened);
    Sessions::new(store)
}

/// Reads a session in every way. What can be read is the same when it was written again, and can be gone on
/// with; what can't is an error. Gives how many of its records could be read.
pub(crate) async fn read_in_every_way(sessions: &Sessions) -> Result<usize, Error> {
    let run = sessions.run(NAME).await;
    let verified = sessions.verify(NAME).await;
    assert_eq!(verified.is_ok(), run.is_ok(), "{verified:?}\n{run:?}");
    if let Ok(Some(run)) = &run {
        markdown(run);
    }
    if let Ok(export) = sessions.export(NAME).await {
        read_export(&export.to_json()?);
    }
    let session = sessions.session(NAME).await?;
    if let Ok(run) = session.restore().await {
        go_on(run)?;
    }
    let records = session.load().await?;
    let again = Sessions::in_memory().session("again").await?;
    again.append(&records).await?;
    assert_eq!(again.load().await?, records);
    Ok(records.len())
}

/// Reads an exported session. One that can be read is the same when it was written again.
pub(crate) fn read_export(json: &str) -> Option<Export> {
    let export = Export::from_json(json).ok()?;
    let again = export.to_json().unwrap();
    assert_eq!(Export::from_json(&again).unwrap(), export);
    go_on(export.run().unwrap()).unwrap();
    Some(export)
}

/// The next turn on top of whatever there is.
fn go_on(mut run: Run) -> Result<(), Error> {
    let json = serde_json::to_string(&run).unwrap();
    assert_eq!(serde_json::from_str::<Run>(&json).unwrap(), run);
    run.next();
    run.parts()?;
    let turn = ModelTurn {
        message: Message::assistant("Yes."),
        stop_reason: StopReason::EndTurn,
        usage: Usage::new(1, 1),
        metrics: Metrics::default(),
        malformed: vec![],
        redact_user: None,
    };
    let records = [
        Record::Abandoned,
        Record::InvocationEnded,
        Record::InvocationStarted {
            messages: vec![Message::user("next")],
            state: Default::default(),
        },
        Record::ModelAnswered { turn: turn.into(), discarded: Usage::default() },
        Record::InvocationEnded,
    ];
    for record in records {
        // What does not fit there is refused.
        let _ = run.apply(record);
    }
    Ok(())
}
