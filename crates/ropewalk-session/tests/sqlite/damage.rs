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

/// What is not there can't have a wrong checksum.
#[tokio::test]
async fn a_session_that_lacks_lines_or_has_those_of_others_is_damaged() {
    let line = 1_u64 << 32;
    for (damage, found) in [
        (format!("DELETE FROM line WHERE id = {line} + 2"), "record 1, the last one that it has"),
        ("DELETE FROM line".to_owned(), "all its records are missing"),
        (format!("INSERT INTO line (id, text) VALUES ({line} + 3, 'x')"), "record 3, the last"),
        ("UPDATE session SET begun = 0".to_owned(), "record 2, the last one that it has"),
    ] {
        let (_folder, path) = place();
        open(&path).await.unwrap().append(&turn("one")).await.unwrap();
        assert!(Connection::open(&path).unwrap().execute(&damage, []).unwrap() > 0);
        let error = open(&path).await.unwrap_err().to_string();
        assert!(error.contains("is damaged") && error.contains(found), "{error}");
    }
}

#[tokio::test]
async fn nothing_is_added_behind_lines_that_others_wrote_or_removed() {
    let line = 1_u64 << 32;
    for (damage, found) in [
        (format!("DELETE FROM line WHERE id = {line} + 2"), "record 1, the last one that it has"),
        (format!("INSERT INTO line (id, text) VALUES ({line} + 3, 'x')"), "record 3, the last"),
        (format!("INSERT INTO line VALUES ({line} + 3, 'x', 1)"), "has 4 records, where 3 were"),
        (format!("UPDATE line SET id = id + 1 WHERE id = {line} + 2"), "has 4 records, where 3"),
    ] {
        for durability in [Durability::Synced, Durability::Buffered] {
            let (_folder, path) = place();
            let session = open_with(&path, durability).await;
            session.append(&turn("one")).await.unwrap();
            let other = Connection::open(&path).unwrap();
            assert!(other.execute(&damage, []).unwrap() > 0);
            let count = || other.query_row("SELECT count(*) FROM line", [], |row| row.get(0));
            let before: i64 = count().unwrap();
            let error = session.append(&turn("more")).await.unwrap_err().to_string();
            assert!(error.contains(found), "{error}");
            assert_eq!(count().unwrap(), before);
        }
    }
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
