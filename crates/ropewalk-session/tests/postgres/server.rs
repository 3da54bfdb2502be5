//! The server under test, and a schema of one's own in it.

use ropewalk_core::*;
use ropewalk_session::{PostgresStore, Sessions};
use tokio_postgres::{Client, NoTls};

/// An invocation that was cancelled at once.
#[allow(dead_code, reason = "not all tests need it")]
pub(crate) fn turn(text: &str) -> Vec<Record> {
    let started = Record::InvocationStarted {
        messages: vec![Message::user(text)],
        state: Default::default(),
    };
    let cancelled =
        Record::Cancelled { text: "x".into(), last_word: None, usage: Usage::default() };
    vec![started, cancelled, Record::InvocationEnded]
}

pub(crate) struct Schema {
    pub(crate) url: String,
    pub(crate) name: String,
    client: Client,
}

impl Schema {
    /// None where there is no server.
    pub(crate) async fn new() -> Option<Self> {
        let Ok(url) = std::env::var("ROPEWALK_POSTGRES_URL") else {
            eprintln!(
                "left out: ROPEWALK_POSTGRES_URL names no server (scripts/with-servers starts one)"
            );
            return None;
        };
        let (client, connection) = tokio_postgres::connect(&url, NoTls).await.unwrap();
        tokio::spawn(connection);
        let name = format!("test_{}", uuid::Uuid::new_v4().simple());
        Some(Self { url, name, client })
    }

    pub(crate) async fn store(&self) -> PostgresStore {
        PostgresStore::connect_in(&self.url, &self.name).await.unwrap()
    }

    #[allow(dead_code, reason = "not all tests need it")]
    pub(crate) async fn sessions(&self) -> Sessions {
        Sessions::new(self.store().await)
    }

    pub(crate) async fn run(&self, sql: &str) {
        self.client.batch_execute(&sql.replace("{schema}", &self.name)).await.unwrap();
    }

    /// Lets a lease end at once, whatever its holder thinks.
    pub(crate) async fn end_lease(&self, name: &str) {
        let sql = "UPDATE {schema}.session SET lease_until = clock_timestamp() WHERE name = '";
        self.run(&format!("{sql}{name}'")).await;
    }

    /// Ends the connections of all stores.
    #[allow(dead_code, reason = "not all tests need it")]
    pub(crate) async fn end_connections(&self) {
        // Those that have last asked for something in this schema.
        let sql = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
                   WHERE pid <> pg_backend_pid() AND query LIKE '%{schema}.%'";
        self.run(sql).await;
    }

    pub(crate) async fn drop(self) {
        self.run("DROP SCHEMA IF EXISTS {schema} CASCADE").await;
    }
}
