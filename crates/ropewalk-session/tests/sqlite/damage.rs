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

#[tokio::test]
async fn a_session_that_lacks_lines_is_damaged() {
    let (_folder, path) = place();
    open(&path).await.unwrap().append(&turn("one")).await.unwrap();
    let third = format!("DELETE FROM line WHERE id = {}", (1_u64 << 32) + 2);
    assert_eq!(Connection::open(&path).unwrap().execute(&third, []).unwrap(), 1);
    let error = open(&path).await.unwrap_err().to_string();
    assert!(error.contains("should have 3 records and its last one is followed by 2"), "{error}");
}

#[tokio::test]
async fn a_database_of_another_program_or_a_newer_version_is_refused() {
    let (folder, path) = place();
    let foreign = folder.path().join("foreign.db");
    Connection::open(&foreign).unwrap().execute("CREATE TABLE mine (x)", []).unwrap();
    let error = open(&foreign).await.unwrap_err();
    assert!(error.to_string().contains("of another program"), "{error}");

    drop(open(&path).await.unwrap());
    Connection::open(&path).unwrap().pragma_update(None, "user_version", 3).unwrap();
    let error = open(&path).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unsupported);
    assert!(error.to_string().contains("tables of version 3"), "{error}");
}
