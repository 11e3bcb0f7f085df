//! `database:`, where everything is kept.

use serde::Deserialize;

/// `database:`
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Database {
    /// `type:`
    #[serde(rename = "type")]
    pub kind: DatabaseKind,
    /// A file (`file:matrix-webqq.db` or a path), or a `postgres://` URL.
    pub uri: String,
}

impl Default for Database {
    fn default() -> Self {
        Self { kind: DatabaseKind::Sqlite, uri: "file:matrix-webqq.db".to_owned() }
    }
}

/// Which database.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
pub enum DatabaseKind {
    /// The embedded one.
    #[serde(rename = "sqlite", alias = "sqlite3", alias = "sqlite3-fk-wal")]
    Sqlite,
    /// A PostgreSQL server.
    #[serde(rename = "postgres")]
    Postgres,
}
