//! Files that were cut, damaged or changed by somebody else, and files that are no session.

use std::fs;

use proptest::prelude::*;
use ropewalk_core::*;

use super::{open, write_two};

#[tokio::test]
async fn every_cut_of_the_file_opens_with_the_records_that_were_whole() {
    let folder = tempfile::tempdir().unwrap();
    let records = write_two(folder.path()).await;
    let path = folder.path().join("a.jsonl");
    let whole = fs::read(&path).unwrap();
    for length in 0..whole.len() {
        fs::write(&path, &whole[..length]).unwrap();
        let lines = whole[..length].iter().filter(|byte| **byte == b'\n').count();
        let session = open(folder.path()).await.unwrap();
        let expected = &records[..lines.saturating_sub(1)];
        assert_eq!(session.load().await.unwrap(), expected, "cut at {length}");
        let cut_inside_a_line = length > 0 && whole[length - 1] != b'\n';
        assert_eq!(session.repaired().is_some(), cut_inside_a_line, "cut at {length}");
        // What is added next stands on whole lines.
        session.append(&records[lines.saturating_sub(1)..][..1]).await.unwrap();
        drop(session);
        let session = open(folder.path()).await.unwrap();
        assert_eq!(session.load().await.unwrap().len(), expected.len() + 1);
    }
}

#[tokio::test]
async fn a_flipped_byte_anywhere_is_an_error_that_names_file_and_line_or_changes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let records = write_two(folder.path()).await;
    let path = folder.path().join("a.jsonl");
    let whole = fs::read(&path).unwrap();
    for at in 0..whole.len() {
        let mut bytes = whole.clone();
        bytes[at] ^= 0x10;
        fs::write(&path, &bytes).unwrap();
        let opened = match open(folder.path()).await {
            Ok(session) => session.load().await.map(|loaded| (session, loaded)),
            Err(error) => Err(error),
        };
        match opened {
            Err(error) => {
                let text = error.to_string();
                assert!(text.contains("a.jsonl"), "{text}");
                assert_eq!(fs::read(&path).unwrap(), bytes, "a damaged file is left as it is");
            }
            // A flip in the run's id or a line end that joins lines is the only thing that may pass.
            Ok((session, loaded)) => {
                let header = whole.iter().position(|byte| *byte == b'\n').unwrap();
                assert!(
                    at < header || session.repaired().is_some(),
                    "byte {at} was flipped and nobody noticed"
                );
                assert!(records.starts_with(&loaded));
            }
        }
    }
}

#[tokio::test]
async fn a_line_in_another_form_is_read_as_well() {
    let folder = tempfile::tempdir().unwrap();
    let records = write_two(folder.path()).await;
    let path = folder.path().join("a.jsonl");
    let written = fs::read_to_string(&path).unwrap();
    for (from, to) in
        [("{\"seq\":1,", "{ \"seq\" : 1, "), ("{\"seq\":1,", "{\"new\":null,\"seq\":1,")]
    {
        fs::write(&path, written.replace(from, to)).unwrap();
        assert_eq!(open(folder.path()).await.unwrap().load().await.unwrap(), records, "{to}");
    }
    for to in ["{\"seq\":+1,", "{\"seq\":01,", "{\"seq\":2,"] {
        fs::write(&path, written.replace("{\"seq\":1,", to)).unwrap();
        let error = open(folder.path()).await.unwrap().load().await.unwrap_err();
        assert!(error.to_string().contains("line 3"), "{to}: {error}");
    }
}

#[tokio::test]
async fn a_file_that_is_no_session_is_left_as_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.jsonl");
    let newer = "{\"format\":\"ropewalk-session\",\"version\":99,\"run_id\":\"r\"}\n{\"torn";
    for foreign in ["my precious notes", "my notes\n", "{}\n{}", newer] {
        fs::write(&path, foreign).unwrap();
        open(folder.path()).await.unwrap_err();
        assert_eq!(fs::read_to_string(&path).unwrap(), foreign);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn any_bytes_open_or_are_refused(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("a.jsonl"), bytes).unwrap();
        futures_executor::block_on(async {
            if let Ok(session) = open(folder.path()).await {
                let _ = session.restore().await;
            }
        });
    }
}
