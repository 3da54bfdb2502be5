//! The tables: older ones, copies, and how much fits.

use super::*;

#[tokio::test]
async fn a_copy_without_a_log_gets_one() {
    let (folder, path) = place();
    open(&path).await.unwrap().append(&turn("one")).await.unwrap();
    let copy = folder.path().join("copy.db");
    let original = Connection::open(&path).unwrap();
    original.execute("VACUUM INTO ?1", [copy.to_str()]).unwrap();
    let mode = |connection: &Connection| -> String {
        connection.pragma_query_value(None, "journal_mode", |row| row.get(0)).unwrap()
    };
    assert_eq!(mode(&Connection::open(&copy).unwrap()), "delete");
    assert_eq!(open_buffered(&copy).await.load().await.unwrap(), turn("one"));
    assert_eq!(mode(&Connection::open(&copy).unwrap()), "wal");
}

/// As it was before lines stood under one number each.
const VERSION_1: &str = "
    PRAGMA journal_mode = WAL;
    CREATE TABLE session (
        id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT NOT NULL UNIQUE, header TEXT NOT NULL,
        epoch INTEGER NOT NULL DEFAULT 0, holder TEXT, next INTEGER NOT NULL DEFAULT 0
    );
    CREATE TABLE line (
        session INTEGER NOT NULL REFERENCES session (id) ON DELETE CASCADE,
        seq INTEGER NOT NULL, text TEXT NOT NULL, PRIMARY KEY (session, seq)
    );
    CREATE TABLE snapshot (
        session INTEGER PRIMARY KEY REFERENCES session (id) ON DELETE CASCADE, text TEXT NOT NULL
    );
    PRAGMA application_id = 0x726f7065;
    PRAGMA user_version = 1;
";

#[tokio::test]
async fn a_database_of_version_1_is_brought_up_to_date() {
    let (folder, path) = place();
    // What stands in lines and headers has not changed: they are moved from a new database into an old one.
    for name in ["a", "b"] {
        let session = Sessions::in_sqlite(&path).await.unwrap().session(name).await.unwrap();
        session.append(&turn(name)).await.unwrap();
        session.append(&turn("more")).await.unwrap();
    }
    Connection::open(&path)
        .unwrap()
        .execute("INSERT INTO snapshot VALUES (1, 'x'), (2, 'y')", [])
        .unwrap();
    let old = folder.path().join("old.db");
    let connection = Connection::open(&old).unwrap();
    connection.execute_batch(VERSION_1).unwrap();
    let moved = format!(
        "ATTACH '{}' AS new;
         INSERT INTO session SELECT * FROM new.session;
         INSERT INTO line SELECT id >> 32, id & 0xffffffff, text FROM new.line ORDER BY id DESC;
         INSERT INTO snapshot SELECT * FROM new.snapshot;
         DETACH new;",
        path.display()
    );
    connection.execute_batch(&moved).unwrap();
    let late = "INSERT INTO line (session, seq, text) VALUES (1, 6, 'late')";
    let mut late = connection.prepare(late).unwrap();

    // Several at once: one of them does it.
    let opened = (0..4).map(|_| tokio::spawn(Sessions::in_sqlite(old.clone())));
    for opened in opened.collect::<Vec<_>>() {
        opened.await.unwrap().unwrap();
    }
    assert!(late.execute([]).unwrap_err().to_string().contains("no column named session"));
    let sessions = Sessions::in_sqlite(&old).await.unwrap();
    for name in ["a", "b"] {
        let session = sessions.session(name).await.unwrap();
        assert_eq!(session.load().await.unwrap(), [turn(name), turn("more")].concat());
        session.append(&turn("new")).await.unwrap();
        assert_eq!(session.load().await.unwrap().len(), 9);
    }
    assert!(sessions.remove("b").await.unwrap());
    sessions.session("c").await.unwrap().append(&turn("new")).await.unwrap();
    let connection = Connection::open(&old).unwrap();
    let number = |sql: &str| -> i64 { connection.query_row(sql, [], |row| row.get(0)).unwrap() };
    assert!(number("SELECT id FROM session WHERE name = 'c'") > 2, "numbers are not given again");
    assert_eq!(number("SELECT count(*) FROM line"), 9 + 3, "those of the others");
    assert_eq!(number("SELECT sum(session) FROM snapshot"), 1);
    assert_eq!(number("SELECT count(*) FROM sqlite_schema WHERE name = 'line_1'"), 0);
    assert_eq!(number("PRAGMA user_version"), 2);
}

#[tokio::test]
async fn a_damaged_database_of_version_1_stays_as_it_is() {
    let (folder, _) = place();
    for (session, seq) in [(1, -1), (1, 1_i64 << 32), (0, 0), (1 << 31, 0)] {
        let old = folder.path().join(format!("{session} {seq}.db"));
        let connection = Connection::open(&old).unwrap();
        connection.execute_batch(VERSION_1).unwrap();
        let odd = format!(
            "INSERT INTO session (id, name, header) VALUES ({session}, 'a', '');
             INSERT INTO line VALUES ({session}, {seq}, 'odd')"
        );
        connection.execute_batch(&odd).unwrap();
        let error = open(&old).await.unwrap_err().to_string();
        assert!(error.contains("is damaged: it has records with numbers"), "{error}");
        let line = connection.query_row("SELECT text FROM line", [], |row| row.get::<_, String>(0));
        assert_eq!(line.unwrap(), "odd");
    }
}

#[tokio::test]
async fn a_session_without_numbers_for_more_records_is_full() {
    for durability in [Durability::Synced, Durability::Buffered] {
        let (_folder, path) = place();
        open(&path).await.unwrap().append(&turn("one")).await.unwrap();
        // As if so many had been written that four more fit; there must be a number behind the last of them.
        let next = (1_u64 << 32) - 5;
        let forged =
            format!("UPDATE line SET id = id + {}; UPDATE session SET next = {next}", next - 3);
        Connection::open(&path).unwrap().execute_batch(&forged).unwrap();
        let session = open_with(&path, durability).await;
        session.append(&turn("fits")).await.unwrap();
        let error = session.append(&turn("does not")).await.unwrap_err().to_string();
        assert!(error.contains("is full"), "{error}");
        session.append(&turn("does")[..1]).await.unwrap();
        let error = session.append(&turn("no more")[..1]).await.unwrap_err().to_string();
        assert!(error.contains("is full"), "{error}");
    }
}
