//! What can go wrong with the database, and what to do next.

use sqlx::error::ErrorKind;

/// What to do after an error.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The same may work later.
    Retry,
    /// It will never work.
    GiveUp,
}

/// What went wrong, with the evidence. Holds no column values.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The configuration cannot work.
    #[error("database.uri: {0}")]
    Settings(String),
    /// A second bridge on one database would say everything twice.
    #[error("the database is in use by another matrix-webqq; stop that one first")]
    InUse,
    /// A newer version has been here.
    #[error(
        "the database has schema {found}, this version knows {known}: run the version of matrix-webqq that wrote it"
    )]
    TooNew {
        /// The schema that the database has.
        found: usize,
        /// The newest schema that we know.
        known: usize,
    },
    /// It has to be migrated, and could not be copied before.
    #[error(
        "the database has to be migrated, and cannot be copied to {path} before ({why}): make room there, or let us write"
    )]
    NoCopy {
        /// Where the copy was to be.
        path: String,
        /// What is wrong.
        why: String,
    },
    /// No disk space, no server, no connection. Whether a write that ended so was kept is not known: repeating it must be harmless.
    #[error("the database is not available: {why}")]
    Unavailable {
        /// The database's words.
        why: String,
    },
    /// The database refused a statement: a row breaks a rule, or the schema is not ours.
    #[error("the database refused: {why}")]
    Refused {
        /// The database's words.
        why: String,
    },
    /// A column holds what we never wrote.
    #[error("{table}.{column} of row {row} cannot be read: {why}")]
    Corrupt {
        /// The table.
        table: &'static str,
        /// The column.
        column: &'static str,
        /// The row's key.
        row: String,
        /// What is wrong with it.
        why: String,
    },
    /// A row that should be there is not.
    #[error("{table} has no row {row}")]
    Missing {
        /// The table.
        table: &'static str,
        /// The row's key.
        row: String,
    },
    /// The work panicked; nothing of it was kept.
    #[error("a write panicked and was undone")]
    Panicked,
    /// The store was closed before this was done.
    #[error("the store is closed")]
    Closed,
}

impl Error {
    /// What to do next.
    #[must_use]
    pub fn verdict(&self) -> Verdict {
        match self {
            Self::Unavailable { .. } | Self::InUse => Verdict::Retry,
            Self::Settings(_)
            | Self::TooNew { .. }
            | Self::NoCopy { .. }
            | Self::Refused { .. }
            | Self::Corrupt { .. }
            | Self::Missing { .. }
            | Self::Panicked
            | Self::Closed => Verdict::GiveUp,
        }
    }
}

/// What PostgreSQL says when we waited in vain to be the only bridge. Source: PostgreSQL manual, appendix A.
const LOCK_NOT_AVAILABLE: &str = "55P03";

impl From<sqlx::Error> for Error {
    fn from(error: sqlx::Error) -> Self {
        if error.as_database_error().and_then(sqlx::error::DatabaseError::code).as_deref() == Some(LOCK_NOT_AVAILABLE) {
            return Self::InUse;
        }
        let why = error.to_string();
        let refused = match &error {
            sqlx::Error::Database(refusal) => {
                let code = refusal.code().unwrap_or_default();
                refusal.kind() != ErrorKind::Other || postgres_is_sure(&code)
            }
            sqlx::Error::Configuration(_)
            | sqlx::Error::Encode(_)
            | sqlx::Error::Decode(_)
            | sqlx::Error::ColumnDecode { .. }
            | sqlx::Error::ColumnNotFound(_) => true,
            _ => false,
        };
        if refused { Self::Refused { why } } else { Self::Unavailable { why } }
    }
}

impl From<rusqlite::Error> for Error {
    fn from(error: rusqlite::Error) -> Self {
        let why = error.to_string();
        // Whatever has no code of SQLite's own is a fault of ours.
        let refused = error.sqlite_error().is_none_or(|failure| sqlite_is_sure(failure.extended_code));
        if refused { Self::Refused { why } } else { Self::Unavailable { why } }
    }
}

/// Whether the same statement would be refused again: data, rule, authorization and name errors.
///
/// Source: PostgreSQL manual, appendix A (classes of SQLSTATE).
fn postgres_is_sure(code: &str) -> bool {
    ["0A", "22", "23", "28", "3D", "3F", "42"].iter().any(|class| code.starts_with(class))
}

/// Whether the same statement would be refused again; not so when the disk is full, the file locked or unreadable for now.
///
/// Source: <https://www.sqlite.org/rescode.html>; the low byte of an extended code is its primary code.
fn sqlite_is_sure(code: i32) -> bool {
    const ERROR: i32 = 1;
    const PERM: i32 = 3;
    const READONLY: i32 = 8;
    const CORRUPT: i32 = 11;
    const TOOBIG: i32 = 18;
    const CONSTRAINT: i32 = 19;
    const MISMATCH: i32 = 20;
    const MISUSE: i32 = 21;
    const NOTADB: i32 = 26;
    matches!(code & 0xff, ERROR | PERM | READONLY | CORRUPT | TOOBIG | CONSTRAINT | MISMATCH | MISUSE | NOTADB)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_disk_may_get_better_and_a_broken_rule_may_not() {
        let (full, busy_snapshot, unique, not_a_database) = (13, 517, 2067, 26);
        assert!(!sqlite_is_sure(full) && !sqlite_is_sure(busy_snapshot));
        assert!(sqlite_is_sure(unique) && sqlite_is_sure(not_a_database));
    }

    #[test]
    fn a_server_that_shuts_down_may_come_back_and_a_missing_table_may_not() {
        let (admin_shutdown, too_many_connections, undefined_table) = ("57P01", "53300", "42P01");
        assert!(!postgres_is_sure(admin_shutdown) && !postgres_is_sure(too_many_connections));
        assert!(postgres_is_sure(undefined_table));
    }

    #[test]
    fn only_an_unavailable_database_is_worth_a_retry() {
        assert_eq!(Error::from(sqlx::Error::PoolClosed).verdict(), Verdict::Retry);
        assert_eq!(Error::Closed.verdict(), Verdict::GiveUp);
    }
}
