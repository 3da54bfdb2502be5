//! What must hold however often it was killed.

use std::collections::BTreeMap;
use std::path::Path;

use ropewalk_core::*;
use ropewalk_session::Sessions;

pub(crate) struct Checked {
    /// Calls that were cut off, never made again, and reported.
    pub(crate) unknown: usize,
    /// Calls that were cut off and made again under their key.
    pub(crate) repeated: usize,
}

pub(crate) fn all(folder: &Path, sessions: &str, what: &str) -> Checked {
    let (run, records) = futures_executor::block_on(async {
        let sessions = Sessions::at(folder.join(sessions)).await.unwrap();
        sessions.verify("s").await.unwrap();
        let run = sessions.run("s").await.unwrap().unwrap();
        let session = sessions.session("s").await.unwrap();
        assert_eq!(session.restore().await.unwrap(), run, "{what}: the snapshot");
        (run, session.load().await.unwrap())
    });
    assert!(run.is_idle() && run.open_interrupts().is_empty(), "{what}: {run:?}");
    assert_eq!(run.invocation(), 4, "{what}");
    let last = run.transcript().last().unwrap();
    assert_eq!(last.text(), "three is done.", "{what}: the next turn works");
    let mut checked = Checked { unknown: 0, repeated: 0 };
    effects(folder, &records, what, &mut checked);
    checked
}

/// What the effects' own file says against what the session says.
fn effects(folder: &Path, records: &[Record], what: &str, checked: &mut Checked) {
    let lines = std::fs::read_to_string(folder.join("effects")).unwrap();
    let mut had: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for line in lines.lines() {
        let mut words = line.split(' ').skip(1);
        had.entry(words.next().unwrap()).or_default().push(words.next().unwrap());
    }
    let result = |id: &str| {
        records.iter().rev().find_map(|record| match record {
            Record::ToolFinished { result, finish } if result.tool_use_id == id => {
                Some((result.clone(), *finish))
            }
            _ => None,
        })
    };
    for (id, never) in
        [("a1", true), ("b1", true), ("b2", true), ("a2", false), ("a3", false), ("c1", false)]
    {
        let keys = had.get(id).map(Vec::as_slice).unwrap_or_default();
        let (result, finish) = result(id).unwrap_or_else(|| panic!("{what}: {id} has no result"));
        let (success, text) =
            (result.status == ToolStatus::Success, format!("{:?}", result.content));
        assert!(keys.iter().all(|key| *key == keys[0]), "{what}: {id} had two keys");
        if never {
            assert!(keys.len() <= 1, "{what}: {id} had its effect {} times", keys.len());
        } else {
            assert!(success, "{what}: {id} can be made again, and was not: {text}");
            checked.repeated += keys.len() - 1;
        }
        // What counts as done was done; what was cut off is said to be unknown, to the model and in the run.
        if success {
            assert!(!keys.is_empty() && finish == Finish::Ran, "{what}: {id}");
        } else {
            assert_eq!(finish, Finish::Unknown, "{what}: {id}: {text}");
            assert!(text.contains("The outcome of this call is unknown"), "{what}: {id}: {text}");
            checked.unknown += 1;
        }
    }
}
