//! The log of decisions: what it keeps, and what it finds out.
#![allow(clippy::unwrap_used)]

use std::fs;
use std::path::{Path, PathBuf};

use proptest::prelude::*;
use ropewalk_approvals::{DecisionLog, LogKind, VerifyError};
use ropewalk_core::ErrorKind;
use serde_json::json;

fn decision(number: usize) -> serde_json::Value {
    json!({"verdict": "deny", "tool": "shell", "number": number, "reason": "ä\n\"quoted\""})
}

/// A log of so many decisions.
fn log_of(folder: &Path, decisions: usize) -> PathBuf {
    let path = folder.join("decisions.jsonl");
    let log = DecisionLog::open(&path).unwrap();
    for number in 0..decisions {
        log.append("run-1", "clerk", decision(number)).unwrap();
    }
    path
}

fn lines(path: &Path) -> Vec<String> {
    fs::read_to_string(path).unwrap().lines().map(str::to_owned).collect()
}

fn write(path: &Path, lines: &[String]) {
    fs::write(path, lines.iter().map(|line| format!("{line}\n")).collect::<String>()).unwrap();
}

/// The line that is found out.
fn tampered(path: &Path) -> u64 {
    match DecisionLog::verify(path) {
        Err(VerifyError::Tampered(tampered)) => tampered.line,
        other => panic!("{other:?}"),
    }
}

#[test]
fn decisions_last_in_order_with_run_agent_and_time() {
    let folder = tempfile::tempdir().unwrap();
    let path = log_of(folder.path(), 2);
    let log = DecisionLog::open(&path).unwrap();
    log.append("run-2", "helper", decision(2)).unwrap();
    let entries: Vec<_> = DecisionLog::entries(&path).unwrap().collect::<Result<_, _>>().unwrap();
    assert_eq!(entries.iter().map(|entry| entry.seq).collect::<Vec<_>>(), [0, 1, 2, 3]);
    assert!(matches!(entries[0].kind, LogKind::Opened { .. }));
    let LogKind::Decision { run_id, agent, decision: kept } = &entries[3].kind else { panic!() };
    assert_eq!((run_id.as_str(), agent.as_str(), kept), ("run-2", "helper", &decision(2)));
    assert!(entries[3].time.ends_with('Z'), "{}", entries[3].time);
    assert_eq!(entries[3].hash, log.head().hash);
    assert_eq!(log.head().entries, 3);
}

#[test]
fn a_changed_removed_inserted_or_moved_line_is_found_where_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let path = log_of(folder.path(), 4);
    let good = lines(&path);
    type Change = fn(&mut Vec<String>);
    let changes: [(&str, Change, u64); 7] = [
        ("changed", |lines| lines[2] = lines[2].replace("deny", "allow"), 3),
        ("spaced", |lines| lines[2] = lines[2].replace("\"tool\":", "\"tool\": "), 3),
        ("removed", |lines| drop(lines.remove(2)), 3),
        ("first removed", |lines| drop(lines.remove(0)), 1),
        ("inserted", |lines| lines.insert(2, lines[1].clone()), 3),
        ("moved", |lines| lines.swap(2, 3), 3),
        ("empty line", |lines| lines.insert(2, String::new()), 3),
    ];
    for (name, change, line) in changes {
        let mut bad = good.clone();
        change(&mut bad);
        write(&path, &bad);
        assert_eq!(tampered(&path), line, "{name}");
        let error = DecisionLog::open(&path).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Journal);
        assert!(error.to_string().contains(&format!("line {line}")), "{name}: {error}");
    }
}

#[test]
fn a_key_written_twice_is_found() {
    let folder = tempfile::tempdir().unwrap();
    let path = log_of(folder.path(), 2);
    let mut bad = lines(&path);
    bad[1] = bad[1].replace("\"verdict\":\"deny\"", "\"verdict\":\"allow\",\"verdict\":\"deny\"");
    write(&path, &bad);
    assert_eq!(tampered(&path), 2);
}

#[test]
fn a_cut_tail_is_found_with_a_head_that_was_kept() {
    let folder = tempfile::tempdir().unwrap();
    let path = log_of(folder.path(), 3);
    let head = DecisionLog::verify(&path).unwrap().head;
    DecisionLog::verify_up_to(&path, &head).unwrap();

    let mut bad = lines(&path);
    bad.pop();
    write(&path, &bad);
    DecisionLog::verify(&path).unwrap();
    let error = DecisionLog::verify_up_to(&path, &head).unwrap_err();
    assert_eq!(error.tampered().unwrap().line, 4);

    // Written on, the head is still missing; a log that has grown since has it.
    let log = DecisionLog::open(&path).unwrap();
    log.append("run-1", "clerk", decision(9)).unwrap();
    DecisionLog::verify_up_to(&path, &head).unwrap_err();
    let head = log.head().hash;
    log.append("run-1", "clerk", decision(10)).unwrap();
    DecisionLog::verify_up_to(&path, &head).unwrap();
}

#[test]
fn every_cut_of_the_file_is_sealed_with_an_entry_that_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let path = log_of(folder.path(), 2);
    let whole = fs::read(&path).unwrap();
    for cut in 0..=whole.len() {
        fs::write(&path, &whole[..cut]).unwrap();
        let torn = cut > 0 && whole[cut - 1] != b'\n';
        if torn {
            assert!(tampered(&path) > 0);
        }
        let log = DecisionLog::open(&path).unwrap();
        assert_eq!(log.was_repaired(), torn, "cut at {cut}");
        log.append("run-1", "clerk", decision(7)).unwrap();
        let verified = DecisionLog::verify(&path).unwrap();
        assert_eq!(verified.repaired, u64::from(torn), "cut at {cut}");
        if torn {
            let start = whole[..cut].iter().rposition(|b| *b == b'\n').map_or(0, |at| at + 1);
            let said =
                DecisionLog::entries(&path).unwrap().find_map(|entry| match entry.unwrap().kind {
                    LogKind::Repaired { bytes, text, .. } => Some((bytes, text)),
                    _ => None,
                });
            let (bytes, text) = said.unwrap();
            assert_eq!(bytes as usize, cut - start);
            assert_eq!(text, String::from_utf8_lossy(&whole[start..cut]));
        }
    }
}

#[test]
fn a_line_that_another_process_left_torn_is_sealed_by_the_next_addition() {
    let folder = tempfile::tempdir().unwrap();
    let path = log_of(folder.path(), 1);
    let log = DecisionLog::open(&path).unwrap();
    let mut bytes = fs::read(&path).unwrap();
    bytes.extend(vec![b'x'; 9000]);
    fs::write(&path, bytes).unwrap();
    log.append("run-1", "clerk", decision(1)).unwrap();
    let verified = DecisionLog::verify(&path).unwrap();
    assert_eq!((verified.entries, verified.repaired), (3, 1));
}

#[test]
fn what_happens_to_the_file_while_it_is_open_stops_the_next_addition() {
    type Harm = fn(&Path);
    let harms: [(&str, Harm); 4] = [
        ("removed", |path| fs::remove_file(path).unwrap()),
        ("emptied", |path| fs::write(path, "").unwrap()),
        ("cut", |path| write(path, &lines(path)[..2])),
        ("changed", |path| {
            let mut bad = lines(path);
            bad[3] = bad[3].replace("deny", "dent");
            write(path, &bad);
        }),
    ];
    for (name, harm) in harms {
        let folder = tempfile::tempdir().unwrap();
        let path = log_of(folder.path(), 3);
        let log = DecisionLog::open(&path).unwrap();
        harm(&path);
        let before = fs::read(&path).ok();
        let error = log.append("run-1", "clerk", decision(4)).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Journal, "{name}");
        assert_eq!(fs::read(&path).ok(), before, "{name}");
    }
}

#[test]
fn what_is_no_log_is_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("notes.txt");
    for text in ["my notes", "my notes\n", "{\"a\":1}\n", "\n"] {
        fs::write(&path, text).unwrap();
        DecisionLog::open(&path).unwrap_err();
        assert_eq!(fs::read_to_string(&path).unwrap(), text);
    }
    fs::write(&path, "").unwrap();
    assert_eq!(tampered(&path), 1);
    let missing = DecisionLog::verify(folder.path().join("nothing")).unwrap_err();
    assert!(matches!(missing, VerifyError::Unreadable(_)));
}

#[test]
fn a_decision_that_is_no_object_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let log = DecisionLog::open(folder.path().join("d.jsonl")).unwrap();
    let error = log.append("run-1", "clerk", json!("deny")).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidInput);
    assert_eq!(log.head().entries, 0);
}

#[test]
fn what_would_not_read_back_is_refused_and_does_not_harm_the_log() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("d.jsonl");
    let log = DecisionLog::open(&path).unwrap();
    let mut deep = json!(1);
    for _ in 0..200 {
        deep = json!([deep]);
    }
    let error = log.append("run-1", "clerk", json!({"deep": deep})).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidInput);
    log.append("run-1", "clerk", json!({"n": 0.1, "big": u64::MAX})).unwrap();
    assert_eq!(DecisionLog::verify(&path).unwrap().entries, 1);
}

#[test]
fn threads_with_logs_of_their_own_add_to_one_chain() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("decisions.jsonl");
    std::thread::scope(|scope| {
        for thread in 0..4 {
            let path = &path;
            scope.spawn(move || {
                let log = DecisionLog::open(path).unwrap();
                for number in 0..10 {
                    log.append(&format!("run-{thread}"), "clerk", decision(number)).unwrap();
                }
            });
        }
    });
    assert_eq!(DecisionLog::verify(&path).unwrap().entries, 40);
}

/// Only does something when it is started by the test below, in a process of its own.
#[test]
fn child_that_adds() {
    let Some(path) = std::env::var_os("ROPEWALK_TEST_LOG") else { return };
    let log = DecisionLog::open(PathBuf::from(path)).unwrap();
    for number in 0..20 {
        log.append("child", "clerk", decision(number)).unwrap();
    }
}

/// Only does something when it is started by the test below, in a process of its own: adds without
/// end, and says the hash of each entry once it is on the disk.
#[test]
fn child_that_adds_without_end() {
    let Some(path) = std::env::var_os("ROPEWALK_TEST_ENDLESS_LOG") else { return };
    let log = DecisionLog::open(PathBuf::from(path)).unwrap();
    for number in 0.. {
        println!("head {}", log.append("child", "clerk", decision(number)).unwrap().hash);
    }
}

#[test]
fn what_was_on_the_disk_when_a_process_was_killed_is_there() {
    use std::io::{BufRead as _, BufReader};
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("decisions.jsonl");
    for round in 1..=5 {
        let mut child = std::process::Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "child_that_adds_without_end", "--nocapture"])
            .env("ROPEWALK_TEST_ENDLESS_LOG", &path)
            .stdout(std::process::Stdio::piped())
            .spawn()
            .unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let heads = lines.map(|line| line.unwrap());
        let mut heads =
            heads.filter_map(|line| Some(line.split_once("head ")?.1.trim().to_owned()));
        let mut head = heads.by_ref().nth(round * 3).unwrap();
        child.kill().unwrap();
        child.wait().unwrap();
        // What it said before it died counts as well.
        if let Some(last) = heads.filter(|head| head.len() == 64).last() {
            head = last;
        }
        drop(DecisionLog::open(&path).unwrap());
        DecisionLog::verify_up_to(&path, &head).unwrap();
    }
}

#[test]
fn two_processes_add_to_one_chain() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("decisions.jsonl");
    let mut children: Vec<_> = (0..2)
        .map(|_| {
            std::process::Command::new(std::env::current_exe().unwrap())
                .args(["--exact", "child_that_adds"])
                .env("ROPEWALK_TEST_LOG", &path)
                .stdout(std::process::Stdio::null())
                .spawn()
                .unwrap()
        })
        .collect();
    for child in &mut children {
        assert!(child.wait().unwrap().success());
    }
    assert_eq!(DecisionLog::verify(&path).unwrap().entries, 40);
}

/// What somebody may do to a file of lines.
#[derive(Clone, Debug)]
enum Tampering {
    Flip { at: prop::sample::Index, bit: u8 },
    Remove { at: prop::sample::Index },
    Insert { at: prop::sample::Index, copy: prop::sample::Index },
    Swap { one: prop::sample::Index, other: prop::sample::Index },
    Cut { bytes: prop::sample::Index },
    AddByte { at: prop::sample::Index, byte: u8 },
}

fn tampering() -> impl Strategy<Value = Tampering> {
    use prop::sample::Index;
    prop_oneof![
        (any::<Index>(), 0u8..8).prop_map(|(at, bit)| Tampering::Flip { at, bit }),
        any::<Index>().prop_map(|at| Tampering::Remove { at }),
        any::<(Index, Index)>().prop_map(|(at, copy)| Tampering::Insert { at, copy }),
        any::<(Index, Index)>().prop_map(|(one, other)| Tampering::Swap { one, other }),
        any::<Index>().prop_map(|bytes| Tampering::Cut { bytes }),
        any::<(Index, u8)>().prop_map(|(at, byte)| Tampering::AddByte { at, byte }),
    ]
}

fn tamper(bytes: &[u8], how: &Tampering) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    let mut lines: Vec<Vec<u8>> =
        bytes.split_inclusive(|byte| *byte == b'\n').map(<[u8]>::to_vec).collect();
    match how {
        Tampering::Flip { at, bit } => {
            let at = at.index(bytes.len());
            bytes[at] ^= 1 << bit;
            return bytes;
        }
        Tampering::AddByte { at, byte } => {
            bytes.insert(at.index(bytes.len() + 1), *byte);
            return bytes;
        }
        Tampering::Cut { bytes: left } => {
            bytes.truncate(left.index(bytes.len()));
            return bytes;
        }
        Tampering::Remove { at } => drop(lines.remove(at.index(lines.len()))),
        Tampering::Insert { at, copy } => {
            let line = lines[copy.index(lines.len())].clone();
            lines.insert(at.index(lines.len() + 1), line);
        }
        Tampering::Swap { one, other } => {
            let (one, other) = (one.index(lines.len()), other.index(lines.len()));
            lines.swap(one, other);
        }
    }
    lines.concat()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn any_tampering_is_found(how in prop::collection::vec(tampering(), 1..4)) {
        // One log for all cases: making it costs more than looking at it.
        static LOG: std::sync::OnceLock<(Vec<u8>, String)> = std::sync::OnceLock::new();
        let (good, head) = LOG.get_or_init(|| {
            let folder = tempfile::tempdir().unwrap();
            let path = log_of(folder.path(), 5);
            (fs::read(&path).unwrap(), DecisionLog::verify(&path).unwrap().head)
        });
        let bad = how.iter().fold(good.clone(), |bytes, how| {
            if bytes.is_empty() { bytes } else { tamper(&bytes, how) }
        });
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("bad.jsonl");
        fs::write(&path, &bad).unwrap();
        let found = DecisionLog::verify_up_to(&path, head);
        prop_assert_eq!(found.is_ok(), &bad == good, "{:?}", how);
    }
}
