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

/// As it was before each line said whether it is the last.
const VERSION_2: &str = "
    PRAGMA journal_mode = WAL;
    CREATE TABLE session (
        id INTEGER PRIMARY KEY AUTOINCREMENT CHECK (id < 0x80000000), name TEXT NOT NULL UNIQUE, header TEXT NOT NULL,
        epoch INTEGER NOT NULL DEFAULT 0, holder TEXT, next INTEGER NOT NULL DEFAULT 0
    );
    CREATE TABLE snapshot (session INTEGER PRIMARY KEY, text TEXT NOT NULL);
    CREATE TABLE line (id INTEGER PRIMARY KEY, text TEXT NOT NULL);
    CREATE TRIGGER session_removed AFTER DELETE ON session WHEN OLD.id < 0x80000000 BEGIN
        DELETE FROM line WHERE id BETWEEN OLD.id << 32 AND (OLD.id << 32) + 0xffffffff;
        DELETE FROM snapshot WHERE session = OLD.id;
    END;
    PRAGMA application_id = 0x726f7065;
    PRAGMA user_version = 2;
";

/// An old database with what stands in a new one: lines and headers have not changed.
fn as_it_was(tables: &str, new: &Path, old: &Path) -> Connection {
    let connection = Connection::open(old).unwrap();
    connection.execute_batch(tables).unwrap();
    let columns = if tables == VERSION_1 { "id >> 32, id & 0xffffffff" } else { "id" };
    let moved = format!(
        "ATTACH '{}' AS new;
         INSERT INTO session SELECT id, name, header, epoch, holder,
            (SELECT count(*) FROM new.line WHERE line.id >> 32 = session.id) FROM new.session;
         INSERT INTO line SELECT {columns}, text FROM new.line ORDER BY id DESC;
         INSERT INTO snapshot SELECT * FROM new.snapshot;
         DETACH new;",
        new.display()
    );
    connection.execute_batch(&moved).unwrap();
    connection
}

#[tokio::test]
async fn a_database_of_an_earlier_version_is_brought_up_to_date() {
    for tables in [VERSION_1, VERSION_2] {
        let (folder, path) = place();
        for name in ["a", "b"] {
            let session = Sessions::in_sqlite(&path).await.unwrap().session(name).await.unwrap();
            session.append(&turn(name)).await.unwrap();
            session.append(&turn("more")).await.unwrap();
        }
        drop(Sessions::in_sqlite(&path).await.unwrap().session("empty").await.unwrap());
        Connection::open(&path)
            .unwrap()
            .execute("INSERT INTO snapshot VALUES (1, 'x'), (2, 'y')", [])
            .unwrap();
        let old = folder.path().join("old.db");
        let connection = as_it_was(tables, &path, &old);
        // What a program of that time does to add a line: the first of it, and in version 1 the second.
        let mut late = connection.prepare("UPDATE session SET next = next + 1").unwrap();
        let line = "INSERT INTO line (session, seq, text) VALUES (1, 6, 'late')";
        let mut late_line = (tables == VERSION_1).then(|| connection.prepare(line).unwrap());

        // Several at once: one of them does it.
        let opened = (0..4).map(|_| tokio::spawn(Sessions::in_sqlite(old.clone())));
        for opened in opened.collect::<Vec<_>>() {
            opened.await.unwrap().unwrap();
        }
        assert!(late.execute([]).unwrap_err().to_string().contains("no such column: next"));
        if let Some(late) = &mut late_line {
            let error = late.execute([]).unwrap_err().to_string();
            assert!(error.contains("no column named session"), "{error}");
        }
        let sessions = Sessions::in_sqlite(&old).await.unwrap();
        for name in ["a", "b"] {
            let session = sessions.session(name).await.unwrap();
            assert_eq!(session.load().await.unwrap(), [turn(name), turn("more")].concat());
            session.append(&turn("new")).await.unwrap();
            assert_eq!(session.load().await.unwrap().len(), 9);
        }
        let empty = sessions.session("empty").await.unwrap();
        empty.append(&turn("new")).await.unwrap();
        assert!(sessions.remove("b").await.unwrap());
        sessions.session("c").await.unwrap().append(&turn("new")).await.unwrap();
        let connection = Connection::open(&old).unwrap();
        let number =
            |sql: &str| -> i64 { connection.query_row(sql, [], |row| row.get(0)).unwrap() };
        let of_c = number("SELECT id FROM session WHERE name = 'c'");
        assert!(of_c > 3, "numbers are not given again");
        assert_eq!(number("SELECT count(*) FROM line"), 9 + 3 + 3, "those of the others");
        assert_eq!(number("SELECT sum(last) FROM line"), 3);
        assert_eq!(number("SELECT sum(session) FROM snapshot"), 1);
        assert_eq!(number("SELECT count(*) FROM sqlite_schema WHERE name = 'line_1'"), 0);
        assert_eq!(number("PRAGMA user_version"), 3);
    }
}

#[tokio::test]
async fn damage_from_before_is_found_in_a_database_that_was_brought_up_to_date() {
    for (tables, line) in [(VERSION_1, "session = 1 AND seq"), (VERSION_2, "id - (1 << 32)")] {
        for (damage, found) in [
            (format!("DELETE FROM line WHERE {line} = 2"), "record 1, the last one"),
            ("DELETE FROM line".to_owned(), "all its records are missing"),
            ("UPDATE session SET next = 2".to_owned(), "record 2, the last one"),
            ("UPDATE session SET next = 0".to_owned(), "record 2, the last one"),
            // The line of another session, or none.
            ("UPDATE session SET next = (1 << 32) + 1".to_owned(), "record 2, the last one"),
        ] {
            let (folder, path) = place();
            open(&path).await.unwrap().append(&turn("one")).await.unwrap();
            let old = folder.path().join("old.db");
            let connection = as_it_was(tables, &path, &old);
            assert!(connection.execute(&damage, []).unwrap() > 0);
            let error = open(&old).await.unwrap_err().to_string();
            assert!(error.contains("is damaged") && error.contains(found), "{damage}: {error}");
        }
    }
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
        let forged = format!("UPDATE line SET id = id + {}", next - 3);
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
