//! Answers that are kept: across restarts, across processes, never from a damaged file.
#![allow(clippy::unwrap_used)]

use std::fs;
use std::path::Path;

use ropewalk_approvals::{FileGrants, Grant, GrantStore, MemoryGrants};
use ropewalk_core::{Decision, ErrorKind};

fn key(number: u32) -> String {
    format!("{number:064x}")
}

fn grant(number: u32, decision: Decision) -> Grant {
    let by = Some("ada@example.org".to_owned());
    Grant::new(key(number), "deletions", "delete", "`delete`, always", decision, by).unwrap()
}

async fn keeps_answers(store: &impl GrantStore) {
    assert_eq!(store.find(&key(1)).await.unwrap(), None);
    let (first, second) = (grant(1, Decision::Approve), grant(2, Decision::Deny));
    store.add(second.clone()).await.unwrap();
    store.add(first.clone()).await.unwrap();
    assert_eq!(store.find(&key(2)).await.unwrap().as_ref(), Some(&second));
    assert_eq!(store.list().await.unwrap(), [first, second.clone()]);
    let never = grant(1, Decision::Deny);
    store.add(never.clone()).await.unwrap();
    assert_eq!(store.list().await.unwrap(), [never, second.clone()]);
    assert!(store.revoke(&key(1)).await.unwrap());
    assert!(!store.revoke(&key(1)).await.unwrap());
    assert_eq!(store.list().await.unwrap(), [second]);
}

#[tokio::test]
async fn both_stores_keep_replace_and_take_back() {
    keeps_answers(&MemoryGrants::new()).await;
    let folder = tempfile::tempdir().unwrap();
    keeps_answers(&FileGrants::open(folder.path().join("grants.json")).unwrap()).await;
}

#[tokio::test]
async fn answers_on_file_outlive_the_process_and_are_seen_by_others() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("grants.json");
    let one = FileGrants::open(&path).unwrap();
    let other = FileGrants::open(&path).unwrap();
    one.add(grant(1, Decision::Approve)).await.unwrap();
    assert!(other.find(&key(1)).await.unwrap().is_some());
    other.revoke(&key(1)).await.unwrap();
    assert!(one.find(&key(1)).await.unwrap().is_none());
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    }
}

#[test]
fn nothing_is_lost_when_several_add_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("grants.json");
    std::thread::scope(|scope| {
        for thread in 0..4 {
            let path = &path;
            scope.spawn(move || {
                let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
                runtime.block_on(async {
                    let store = FileGrants::open(path).unwrap();
                    for number in 0..8 {
                        store.add(grant(thread * 100 + number, Decision::Approve)).await.unwrap();
                    }
                });
            });
        }
    });
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let store = FileGrants::open(&path).unwrap();
    assert_eq!(runtime.block_on(store.list()).unwrap().len(), 32);
}

async fn refused(path: &Path, content: &[u8], why: &str) {
    fs::write(path, content).unwrap();
    let error = FileGrants::open(path).unwrap_err();
    assert!(error.to_string().contains(why), "{error}");
    assert_eq!(fs::read(path).unwrap(), content, "it is left alone");
}

#[tokio::test]
async fn a_damaged_or_edited_file_is_refused_and_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("grants.json");
    let store = FileGrants::open(&path).unwrap();
    store.add(grant(1, Decision::Deny)).await.unwrap();
    let good = fs::read_to_string(&path).unwrap();

    refused(&path, b"", "damaged").await;
    refused(&path, &good.as_bytes()[..good.len() / 2], "damaged").await;
    refused(&path, good.replace("\"deny\"", "\"approve\"").as_bytes(), "checksum").await;
    refused(&path, good.replace("ropewalk-grants", "x").as_bytes(), "format").await;
    refused(&path, good.replacen('{', "{\"more\": 1,", 1).as_bytes(), "more").await;
    fs::write(&path, good.replace("\"version\": 1", "\"version\": 2")).unwrap();
    assert_eq!(FileGrants::open(&path).unwrap_err().kind(), ErrorKind::Unsupported);

    // A store that was open before is no wiser.
    fs::write(&path, "{}").unwrap();
    store.find(&key(1)).await.unwrap_err();
    store.add(grant(2, Decision::Approve)).await.unwrap_err();
    assert_eq!(fs::read_to_string(&path).unwrap(), "{}");
    fs::write(&path, good).unwrap();
    assert!(store.find(&key(1)).await.unwrap().is_some());
}

#[test]
fn a_key_that_is_none_is_refused() {
    for bad in ["", "abc", &"X".repeat(64), &format!("{}\n", "0".repeat(63))] {
        Grant::new(bad, "r", "t", "c", Decision::Approve, None).unwrap_err();
    }
}
