//! Sessions in PostgreSQL, against a real server: `scripts/with-servers` starts one.
#![cfg(feature = "postgres")]
#![allow(clippy::unwrap_used)]

#[path = "postgres/proxy.rs"]
mod proxy;
#[path = "postgres/server.rs"]
mod server;

use std::time::Duration;

use ropewalk_core::*;
use ropewalk_session::{PostgresStore, Sessions};

use proxy::Proxy;
use server::{Schema, turn};

#[tokio::test]
async fn sessions_last_are_listed_read_and_removed() {
    let Some(schema) = Schema::new().await else { return };
    let sessions = schema.sessions().await;
    assert!(sessions.names().await.unwrap().is_empty());
    assert!(sessions.run("b").await.unwrap().is_none());
    for name in ["b", "a", "B"] {
        sessions.session(name).await.unwrap().append(&turn(name)).await.unwrap();
    }
    sessions.session("empty").await.unwrap();
    sessions.released().await;

    let sessions = schema.sessions().await;
    assert_eq!(sessions.names().await.unwrap(), ["B", "a", "b", "empty"]);
    assert_eq!(sessions.run("empty").await.unwrap().unwrap().applied(), 0);
    let open = sessions.session("b").await.unwrap();
    assert_eq!(sessions.run("b").await.unwrap().unwrap(), open.restore().await.unwrap());
    assert!(open.place().contains("postgres://127.0.0.1"), "{}", open.place());
    for sessions in [&sessions, &schema.sessions().await] {
        let error = sessions.remove("b").await.unwrap_err();
        assert!(error.to_string().contains("in use"), "{error}");
    }
    let id = open.run_id().to_owned();
    drop(open);
    assert!(sessions.remove("b").await.unwrap());
    assert!(!sessions.remove("b").await.unwrap());
    let anew = sessions.session("b").await.unwrap();
    assert_ne!(anew.run_id(), id);
    assert!(anew.load().await.unwrap().is_empty());
    schema.drop().await;
}

#[tokio::test]
async fn a_second_opener_is_told_who_has_the_session_and_for_how_long() {
    let Some(schema) = Schema::new().await else { return };
    let session = schema.sessions().await.session("a").await.unwrap();
    let error = schema.sessions().await.session("a").await.unwrap_err().to_string();
    let holder = format!("in use by process {} on ", std::process::id());
    assert!(error.contains(&holder), "{error}");
    assert!(error.contains("whose lease ends in 30 s"), "{error}");
    drop(session);
    schema.drop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lease_is_renewed_while_the_session_is_open_and_given_back_when_it_is_dropped() {
    let Some(schema) = Schema::new().await else { return };
    let lease = Duration::from_secs(2);
    let store = schema.store().await.lease(lease).unwrap();
    let here = Sessions::new(store);
    let session = here.session("a").await.unwrap();
    tokio::time::sleep(lease + lease / 2).await;
    assert!(schema.sessions().await.session("a").await.is_err(), "it was renewed");
    session.append(&turn("one")).await.unwrap();
    drop(session);
    here.released().await;
    let session = schema.sessions().await.session("a").await.unwrap();
    assert_eq!(session.load().await.unwrap(), turn("one"));
    drop(session);
    schema.drop().await;
}

/// The runtime of the one who has it ends, as a killed process does: nothing is renewed or given back.
#[tokio::test]
async fn the_session_of_one_who_is_gone_is_taken_over_when_its_lease_has_ended() {
    let Some(schema) = Schema::new().await else { return };
    let lease = Duration::from_secs(2);
    let store = schema.store().await;
    std::thread::spawn({
        let (url, name) = (schema.url.clone(), schema.name.clone());
        move || {
            let runtime = tokio::runtime::Runtime::new().unwrap();
            let session = runtime.block_on(async {
                let store = PostgresStore::connect_in(&url, &name).await.unwrap();
                let sessions = Sessions::new(store.lease(lease).unwrap());
                let session = sessions.session("a").await.unwrap();
                session.append(&turn("one")).await.unwrap();
                session
            });
            drop(runtime);
            drop(session);
        }
    })
    .join()
    .unwrap();
    let sessions = Sessions::new(store);
    let error = sessions.session("a").await.unwrap_err().to_string();
    assert!(error.contains("whose lease ends in "), "{error}");
    tokio::time::sleep(lease + Duration::from_millis(100)).await;
    let session = sessions.session("a").await.unwrap();
    assert_eq!(session.load().await.unwrap(), turn("one"));
    drop(session);
    schema.drop().await;
}

#[tokio::test]
async fn whoever_lost_the_session_is_told_so_and_adds_nothing() {
    let Some(schema) = Schema::new().await else { return };
    let old = schema.sessions().await.session("a").await.unwrap();
    old.append(&turn("one")).await.unwrap();
    schema.end_lease("a").await;
    let new = schema.sessions().await.session("a").await.unwrap();
    let error = old.append(&turn("late")).await.unwrap_err().to_string();
    assert!(error.contains("was taken over by process"), "{error}");
    assert_eq!(new.load().await.unwrap(), turn("one"));
    drop((old, new));
    schema.drop().await;
}

#[tokio::test]
async fn a_connection_that_is_lost_is_made_anew() {
    let Some(schema) = Schema::new().await else { return };
    let sessions = schema.sessions().await;
    let session = sessions.session("a").await.unwrap();
    for text in ["one", "two", "three"] {
        session.append(&turn(text)).await.unwrap();
        schema.end_connections().await;
    }
    let expected = ["one", "two", "three"].map(turn).concat();
    assert_eq!(session.load().await.unwrap(), expected);
    drop(session);
    schema.drop().await;
}

/// Cuts the connection behind each number of bytes that an append sends or is answered with: whatever of it
/// was done, it counts once.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_append_whose_connection_breaks_off_anywhere_counts_once() {
    let Some(schema) = Schema::new().await else { return };
    let proxy = Proxy::to(&schema.url).await;
    let store = PostgresStore::connect_in(&proxy.url, &schema.name).await.unwrap();
    let sessions = Sessions::new(store);
    let session = sessions.session("a").await.unwrap();
    let mut expected = Vec::new();
    for cut in 0..40 {
        let text = format!("cut {cut}");
        // Half of them on the way there, half on the way back.
        if cut % 2 == 0 {
            proxy.cut_request(cut * 40)
        } else {
            proxy.cut_answer(cut * 3)
        }
        session.append(&turn(&text)).await.unwrap();
        proxy.mend();
        expected.extend(turn(&text));
        assert_eq!(session.load().await.unwrap(), expected, "{text}");
    }
    assert!(proxy.cuts() > 20, "{} connections were cut", proxy.cuts());
    drop(session);
    sessions.released().await;
    schema.drop().await;
}

#[tokio::test]
async fn several_may_make_the_tables_at_once() {
    let Some(schema) = Schema::new().await else { return };
    let opened = (0..8).map(|number| {
        let (url, name) = (schema.url.clone(), schema.name.clone());
        tokio::spawn(async move {
            let store = PostgresStore::connect_in(&url, &name).await.unwrap();
            let session = Sessions::new(store).session(&format!("s{number}")).await.unwrap();
            session.append(&turn("one")).await.unwrap();
        })
    });
    for ended in opened.collect::<Vec<_>>() {
        ended.await.unwrap();
    }
    assert_eq!(schema.sessions().await.names().await.unwrap().len(), 8);
    schema.drop().await;
}

#[tokio::test]
async fn tables_of_a_newer_version_are_refused() {
    let Some(schema) = Schema::new().await else { return };
    schema.sessions().await;
    schema.run("UPDATE {schema}.version SET number = 2").await;
    let error = PostgresStore::connect_in(&schema.url, &schema.name).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unsupported);
    assert!(error.to_string().contains("are of version 2"), "{error}");
    schema.drop().await;
}

#[tokio::test]
async fn what_is_wrong_with_an_address_is_said() {
    for (url, kind, says) in [
        ("http://x", ErrorKind::InvalidInput, "write `postgres://"),
        ("postgres://u:secret@127.0.0.1:1/x", ErrorKind::Journal, "can't be reached"),
    ] {
        let error = PostgresStore::connect(url).await.unwrap_err();
        assert_eq!(error.kind(), kind);
        assert!(error.to_string().contains(says), "{error}");
        assert!(!error.report().contains("secret"), "{error}");
    }
    for schema in ["", "1a", "A", "a-b", "a;drop", &"x".repeat(64)] {
        let error = PostgresStore::connect_in("postgres://localhost", schema).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidInput, "{schema}");
    }
    let Some(schema) = Schema::new().await else { return };
    let nowhere = schema.url.replace("/postgres", "/no_such_database");
    let error = PostgresStore::connect(&nowhere.replacen("//no_such_database", "//postgres", 1))
        .await
        .unwrap_err();
    assert!(error.to_string().contains("no such database"), "{error}");
    let short = schema.store().await.lease(Duration::from_millis(999)).unwrap_err();
    assert_eq!(short.kind(), ErrorKind::InvalidInput);
    schema.drop().await;
}

/// Whom a process trusts is settled for all of it, so that each case is a process of its own.
#[cfg(feature = "postgres-tls")]
#[tokio::test]
async fn over_tls_the_certificate_of_the_server_is_checked() {
    let Some(schema) = Schema::new().await else { return };
    let Ok(authority) = std::env::var("ROPEWALK_POSTGRES_CA") else {
        eprintln!(
            "left out: ROPEWALK_POSTGRES_CA names no certificate (scripts/with-servers makes one)"
        );
        return;
    };
    let connect = |trusted: Option<&str>| {
        let mut command = std::process::Command::new(std::env::current_exe().unwrap());
        command
            .args(["--exact", "--nocapture", "--ignored", "helper_that_connects_over_tls"])
            .env("ROPEWALK_TEST_SCHEMA", &schema.name)
            .env_remove("SSL_CERT_FILE");
        if let Some(path) = trusted {
            command.env("SSL_CERT_FILE", path);
        }
        String::from_utf8(command.output().unwrap().stdout).unwrap()
    };
    let said = connect(Some(&authority));
    assert!(said.contains("added over TLS"), "{said}");
    let said = connect(None);
    assert!(said.contains("refused: ") && said.contains("SSL_CERT_FILE"), "{said}");
    schema.drop().await;
}

#[cfg(feature = "postgres-tls")]
#[tokio::test]
#[ignore = "started by the test above, in a process of its own"]
async fn helper_that_connects_over_tls() {
    let url = std::env::var("ROPEWALK_POSTGRES_URL").unwrap().replace("=disable", "=require");
    let schema = std::env::var("ROPEWALK_TEST_SCHEMA").unwrap();
    match PostgresStore::connect_in(&url, &schema).await {
        Ok(store) => {
            let session = Sessions::new(store).session("tls").await.unwrap();
            session.append(&turn("one")).await.unwrap();
            println!("added over TLS");
        }
        Err(error) => println!("refused: {}", error.report()),
    }
}
