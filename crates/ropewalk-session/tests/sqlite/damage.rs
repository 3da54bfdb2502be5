//! Databases that are damaged, or not ours.

use super::*;

#[tokio::test]
async fn damage_is_found_and_nothing_is_changed() {
    let (_folder, path) = place();
    open(&path).await.unwrap().append(&turn("one")).await.unwrap();
    let other = Connection::open(&path).unwrap();
    let first =
        format!("UPDATE line SET text = replace(text, 'one', 'two') WHERE id = {}", 1_u64 << 32);
    assert_eq!(other.execute(&first, []).unwrap(), 1);
    let error = open(&path).await.unwrap().load().await.unwrap_err().to_string();
    assert!(error.contains("damaged in line 2"), "{error}");
    drop(other);

    // All of the file but its first page.
    let mut bytes = fs::read(&path).unwrap();
    for byte in &mut bytes[4096..] {
        *byte = 0xa5;
    }
    fs::write(&path, &bytes).unwrap();
    let error = open(&path).await.unwrap_err().to_string();
    assert!(error.contains("it is damaged"), "{error}");
    fs::write(
        &path,
        "This is no database, it is a letter to somebody who likes letters.".repeat(9),
    )
    .unwrap();
    let error = open(&path).await.unwrap_err().to_string();
    assert!(error.contains("no SQLite database"), "{error}");
}

/// SQLite does not check what it reads, so that the records are checked as they are in a file.
#[tokio::test]
async fn a_flipped_byte_is_an_error_or_changes_no_record() {
    let (_folder, path) = place();
    open(&path).await.unwrap().append(&turn("one")).await.unwrap();
    let whole = fs::read(&path).unwrap();
    let mut found = 0;
    for at in (0..whole.len()).step_by(61) {
        let mut bytes = whole.clone();
        bytes[at] ^= 0x10;
        fs::write(&path, &bytes).unwrap();
        let loaded = match open(&path).await {
            Ok(session) => session.load().await,
            Err(error) => Err(error),
        };
        match loaded {
            // A session whose name was hit is another one.
            Ok(records) => assert!(records == turn("one") || records.is_empty(), "byte {at}"),
            Err(_) => found += 1,
        }
    }
    assert!(found > 0, "{found} were found out");
}

/// What was done to the lines of a session with three of them, and how that is told.
const DAMAGES: [(&str, &str); 6] = [
    ("DELETE FROM line WHERE id = (1 << 32) + 2", "record 1, the last one that it has"),
    ("INSERT INTO line (id, text) VALUES ((1 << 32) + 3, 'x')", "record 3, the last one"),
    ("INSERT INTO line VALUES ((1 << 32) + 3, 'x', 1)", "record 3, the last one"),
    // Behind the first of those that are to be added.
    ("INSERT INTO line VALUES ((1 << 32) + 4, 'x', 1)", "record 4, the last one"),
    ("UPDATE line SET id = id + 1 WHERE id = (1 << 32) + 2", "record 3, the last one"),
    ("UPDATE line SET last = 0 WHERE id = (1 << 32) + 2", "record 2, the last one"),
];
const ALL_LOST: &str = "DELETE FROM line";

/// What is not there can't have a wrong checksum.
#[tokio::test]
async fn a_session_that_lacks_lines_or_has_those_of_others_is_damaged() {
    let all_lost = (ALL_LOST, "all its records are missing");
    let unbegun = ("UPDATE session SET begun = 0", "record 2, the last one that it has");
    for (damage, found) in DAMAGES.into_iter().chain([all_lost, unbegun]) {
        let (_folder, path) = place();
        open(&path).await.unwrap().append(&turn("one")).await.unwrap();
        assert!(Connection::open(&path).unwrap().execute(damage, []).unwrap() > 0);
        let error = open(&path).await.unwrap_err().to_string();
        assert!(error.contains("is damaged") && error.contains(found), "{damage}: {error}");
    }
}

#[tokio::test]
async fn nothing_is_added_behind_lines_that_others_wrote_or_removed() {
    let all_lost = (ALL_LOST, "has 0 records, where 3 were expected");
    for (damage, found) in DAMAGES.into_iter().chain([all_lost]) {
        for durability in [Durability::Synced, Durability::Buffered] {
            let (_folder, path) = place();
            let session = open_with(&path, durability).await;
            session.append(&turn("one")).await.unwrap();
            let other = Connection::open(&path).unwrap();
            assert!(other.execute(damage, []).unwrap() > 0);
            let lines = || -> Vec<(i64, bool)> {
                let mut lines = other.prepare("SELECT id, last FROM line ORDER BY id").unwrap();
                let lines = lines.query_map([], |row| Ok((row.get(0)?, row.get(1)?))).unwrap();
                lines.map(Result::unwrap).collect()
            };
            let before = lines();
            let error = session.append(&turn("more")).await.unwrap_err().to_string();
            assert!(error.contains(found), "{damage}: {error}");
            assert_eq!(lines(), before, "{damage}");
        }
    }
}

#[tokio::test]
async fn to_add_nothing_changes_nothing() {
    let (_folder, path) = place();
    let store = SqliteStore::open(&path).await.unwrap();
    let opened = SessionStore::open(&store, "one", "{}").await.unwrap();
    for first in 0..2 {
        opened.log.append(first, Vec::new()).await.unwrap();
        opened.log.append(first, vec![format!("line {first}")]).await.unwrap();
    }
    opened.log.append(2, Vec::new()).await.unwrap();
    drop(opened);
    assert_eq!(SessionStore::open(&store, "one", "{}").await.unwrap().next, 2);
}

#[tokio::test]
async fn a_database_of_another_program_or_a_newer_version_is_refused() {
    let (folder, path) = place();
    let foreign = folder.path().join("foreign.db");
    Connection::open(&foreign).unwrap().execute("CREATE TABLE mine (x)", []).unwrap();
    let error = open(&foreign).await.unwrap_err();
    assert!(error.to_string().contains("of another program"), "{error}");

    drop(open(&path).await.unwrap());
    Connection::open(&path).unwrap().pragma_update(None, "user_version", 4).unwrap();
    let error = open(&path).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unsupported);
    assert!(error.to_string().contains("tables of version 4"), "{error}");
}
