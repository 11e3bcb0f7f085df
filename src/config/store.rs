//! `database:`, where everything is kept.

use std::fmt;

use serde::Deserialize;
use url::Url;

use super::fault::Fault;

/// `database:`
#[derive(Clone, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Database {
    /// `type:`
    #[serde(rename = "type")]
    pub kind: DatabaseKind,
    /// A file (`file:matrix-webqq.db` or a path), or a `postgres://` URL.
    pub uri: String,
    /// A file that holds `uri`, which may hold a password.
    pub uri_file: Option<String>,
    /// A file with the key that seals sessions; empty: they are not sealed.
    pub secret_key_file: String,
}

impl Database {
    /// The URI without its password, for people.
    #[must_use]
    pub fn shown_uri(&self) -> String {
        match Url::parse(&self.uri) {
            Ok(mut url) if url.password().is_some() => match url.set_password(Some("***")) {
                Ok(()) => url.to_string(),
                Err(()) => "***".to_owned(),
            },
            // The password may be a parameter, or what is there is no URL at all.
            _ if self.uri.contains("password") || self.uri.contains('@') => "***".to_owned(),
            _ => self.uri.clone(),
        }
    }

    /// Adds what is wrong to `faults`.
    pub(super) fn check(&self, faults: &mut Vec<Fault>) {
        let is_postgres = self.uri.starts_with("postgres://") || self.uri.starts_with("postgresql://");
        let fix = match self.kind {
            _ if self.uri.is_empty() => "write file:matrix-webqq.db, or a postgres:// URL",
            DatabaseKind::Sqlite if is_postgres => "the type is sqlite; change database.type to postgres",
            DatabaseKind::Sqlite if self.uri.contains("://") && !self.uri.starts_with("sqlite://") => {
                "write a file, such as file:matrix-webqq.db"
            }
            DatabaseKind::Postgres if !is_postgres => "write a URL such as postgres://user:password@host/database",
            DatabaseKind::Postgres if Url::parse(&self.uri).is_err() => {
                "that is no URL; characters such as @ / : in the password must be written as %40 %2F %3A"
            }
            _ => return,
        };
        faults.push(Fault::text("database.uri", &self.shown_uri(), fix));
    }
}

impl fmt::Debug for Database {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Database").field("kind", &self.kind).field("uri", &self.shown_uri()).finish_non_exhaustive()
    }
}

impl Default for Database {
    fn default() -> Self {
        Self {
            kind: DatabaseKind::Sqlite,
            uri: "file:matrix-webqq.db".to_owned(),
            uri_file: None,
            secret_key_file: String::new(),
        }
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

#[cfg(test)]
mod tests {
    use super::*;

    fn database(kind: DatabaseKind, uri: &str) -> Database {
        Database { kind, uri: uri.to_owned(), ..Database::default() }
    }

    #[test]
    fn type_and_uri_must_agree() {
        use DatabaseKind::{Postgres, Sqlite};
        for (kind, uri, good) in [
            (Sqlite, "file:matrix-webqq.db", true),
            (Sqlite, "/var/lib/x.db", true),
            (Sqlite, "sqlite://x.db", true),
            (Sqlite, "postgres://a@b/c", false),
            (Sqlite, "mysql://a", false),
            (Sqlite, "", false),
            (Postgres, "postgres://a:b@c/d", true),
            (Postgres, "postgresql:///d?host=/run", true),
            (Postgres, "file:x.db", false),
            (Postgres, "postgres://u:p/w@x:y/d", false),
        ] {
            let mut faults = Vec::new();
            database(kind, uri).check(&mut faults);
            assert_eq!(faults.is_empty(), good, "{kind:?} {uri}");
        }
    }

    #[test]
    fn the_password_is_never_shown() {
        for uri in
            ["postgres://u:hunter2@h/d", "postgres:///d?password=hunter2", "u:hunter2@h", "postgres://u:hunter2/@h:x/"]
        {
            let database = database(DatabaseKind::Sqlite, uri);
            let mut faults = Vec::new();
            database.check(&mut faults);
            let said = format!("{database:?} {faults:?} {}", database.shown_uri());
            assert!(!said.contains("hunter2"), "{said}");
        }
        assert_eq!(database(DatabaseKind::Postgres, "postgres://u:p@h/d").shown_uri(), "postgres://u:***@h/d");
    }
}
