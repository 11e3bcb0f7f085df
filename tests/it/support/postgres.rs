//! A PostgreSQL database of a test's own, when `MATRIX_WEBQQ_TEST_POSTGRES` is the URL of a server on which databases may
//! be created.

use std::sync::atomic::{AtomicU64, Ordering};

use sqlx::{AssertSqlSafe, Connection as _, PgConnection};

/// A new database; [`OwnDatabase::drop`] removes it.
pub(crate) struct OwnDatabase {
    server: String,
    name: String,
    pub(crate) url: String,
}

impl OwnDatabase {
    /// Makes one; `None` when there is no server to test with.
    #[expect(clippy::disallowed_methods, reason = "this says whether there is a server to test with")]
    pub(crate) async fn create() -> Option<Self> {
        static NUMBER: AtomicU64 = AtomicU64::new(0);
        let server = std::env::var("MATRIX_WEBQQ_TEST_POSTGRES").ok()?;
        let name = format!("webqq_test_{}_{}", std::process::id(), NUMBER.fetch_add(1, Ordering::Relaxed));
        run(&server, &format!("CREATE DATABASE {name}")).await;
        let mut url = url::Url::parse(&server).unwrap();
        url.set_path(&name);
        Some(Self { server, name, url: url.into() })
    }

    /// Removes it, whoever is connected.
    pub(crate) async fn drop(self) {
        run(&self.server, &format!("DROP DATABASE {} WITH (FORCE)", self.name)).await;
    }
}

/// Runs one statement on a connection of its own.
pub(crate) async fn run(url: &str, statement: &str) {
    let mut connection = PgConnection::connect(url).await.unwrap();
    sqlx::raw_sql(AssertSqlSafe(statement)).execute(&mut connection).await.unwrap();
    connection.close().await.unwrap();
}
