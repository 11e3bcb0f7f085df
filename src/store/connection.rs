//! One connection to either database: how statements reach it and how rows come back.
//!
//! SQLite is called in place: a statement takes a few microseconds, less than to hand it to another thread. Only a commit
//! waits for the disk, and those run on the writer's own thread.

use std::borrow::Cow;
use std::cell::Cell;

use rusqlite::config::DbConfig;
use rusqlite::types::{FromSql, ToSql, ToSqlOutput, ValueRef};
use sqlx::postgres::{PgArguments, PgRow};
use sqlx::query::Query;
use sqlx::{AssertSqlSafe, Connection as _, PgConnection, Postgres, Row as _, SqlSafeStr as _};

use super::error::Error;

/// How many statements a connection to SQLite keeps prepared: more than there are.
const PREPARED: usize = 128;

/// An open connection.
pub(super) enum Connection {
    Sqlite(OwnFile),
    Postgres(Box<PgConnection>),
}

/// A connection to SQLite.
pub(super) struct OwnFile {
    connection: rusqlite::Connection,
    /// Whether commits are synced.
    synced: bool,
}

/// A value for a statement, or NULL: PostgreSQL asks of what type that is.
pub(super) enum Value<'v> {
    Number(Option<i64>),
    Text(Option<Cow<'v, str>>),
}

/// The text of a statement, and whether it is worth keeping prepared.
pub(super) enum Text {
    Kept(&'static str),
    Once(String),
}

impl Connection {
    /// `connection`, ready to keep what is prepared.
    pub(super) fn sqlite(connection: rusqlite::Connection) -> Result<Self, Error> {
        connection.set_prepared_statement_cache_capacity(PREPARED);
        // Else SQLite prepares a statement anew whenever its `LIMIT` is given.
        connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
        Ok(Self::Sqlite(OwnFile { connection, synced: true }))
    }

    /// Runs statements that have no values.
    pub(super) async fn script(&mut self, sql: &'static str) -> Result<(), Error> {
        match self {
            Self::Sqlite(file) => Ok(file.connection.execute_batch(sql)?),
            Self::Postgres(connection) => {
                Box::pin(sqlx::raw_sql(sql).execute(&mut **connection)).await?;
                Ok(())
            }
        }
    }

    /// Runs a statement that begins, marks or ends a transaction. There are several around each piece of work, so SQLite
    /// keeps them prepared.
    pub(super) async fn bracket(&mut self, sql: &'static str) -> Result<(), Error> {
        match self {
            Self::Sqlite(file) => {
                file.connection.prepare_cached(sql)?.raw_execute()?;
                Ok(())
            }
            Self::Postgres(_) => self.script(sql).await,
        }
    }

    /// Whether commits from now on wait for the disk. On PostgreSQL all of them do: of its machine we know nothing.
    pub(super) fn sync_commits(&mut self, synced: bool) -> Result<(), Error> {
        match self {
            Self::Sqlite(file) if file.synced != synced => {
                let level = if synced { "PRAGMA synchronous = FULL" } else { "PRAGMA synchronous = NORMAL" };
                file.connection.execute_batch(level)?;
                file.synced = synced;
                Ok(())
            }
            Self::Sqlite(_) | Self::Postgres(_) => Ok(()),
        }
    }

    /// How many rows a statement changed.
    pub(super) async fn change(&mut self, text: Text, values: Vec<Value<'_>>) -> Result<u64, Error> {
        match self {
            Self::Sqlite(file) => {
                let changed = on_sqlite(&file.connection, text, |statement| {
                    bind(statement, &values)?;
                    statement.raw_execute()
                })?;
                Ok(changed.try_into().unwrap_or(u64::MAX))
            }
            Self::Postgres(connection) => {
                Ok(Box::pin(on_postgres(text, values).execute(&mut **connection)).await?.rows_affected())
            }
        }
    }

    /// The first `most` rows of a statement, each as `read` has it.
    pub(super) async fn rows<T>(
        &mut self,
        text: Text,
        values: Vec<Value<'_>>,
        most: usize,
        mut read: impl FnMut(Row<'_>) -> Result<T, Error>,
    ) -> Result<Vec<T>, Error> {
        match self {
            Self::Sqlite(file) => on_sqlite(&file.connection, text, |statement| {
                let mut found = Vec::new();
                bind(statement, &values)?;
                let mut rows = statement.raw_query();
                while found.len() < most
                    && let Some(row) = rows.next()?
                {
                    found.push(read(Row::Sqlite(SqliteRow { row, next: Cell::new(0) })));
                }
                Ok(found)
            })?
            .into_iter()
            .collect(),
            Self::Postgres(connection) => {
                let rows = Box::pin(on_postgres(text, values).fetch_all(&mut **connection)).await?;
                rows.iter().take(most).map(|row| read(Row::Postgres(row))).collect()
            }
        }
    }

    /// Says goodbye to the database. A connection that cannot say goodbye is gone as well.
    pub(super) async fn close(self) {
        match self {
            Self::Sqlite(file) => drop(file.connection.close()),
            Self::Postgres(connection) => drop(Box::pin(connection.close()).await),
        }
    }
}

fn on_sqlite<T>(
    connection: &rusqlite::Connection,
    text: Text,
    run: impl FnOnce(&mut rusqlite::Statement<'_>) -> rusqlite::Result<T>,
) -> rusqlite::Result<T> {
    match text {
        Text::Kept(sql) => run(&mut *connection.prepare_cached(sql)?),
        Text::Once(sql) => run(&mut connection.prepare(&sql)?),
    }
}

/// Gives `statement` its values. To SQLite `$2` is a name like any other, numbered by where it first stands.
fn bind(statement: &mut rusqlite::Statement<'_>, values: &[Value<'_>]) -> rusqlite::Result<()> {
    for at in 1..=statement.parameter_count() {
        let number = statement.parameter_name(at).and_then(|name| name.strip_prefix('$')?.parse::<usize>().ok());
        let value = number.and_then(|number| values.get(number.checked_sub(1)?));
        statement.raw_bind_parameter(at, value)?;
    }
    Ok(())
}

impl ToSql for Value<'_> {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Borrowed(match self {
            Self::Number(number) => number.map_or(ValueRef::Null, ValueRef::Integer),
            Self::Text(text) => text.as_deref().map_or(ValueRef::Null, |text| ValueRef::Text(text.as_bytes())),
        }))
    }
}

fn on_postgres<'q>(text: Text, values: Vec<Value<'_>>) -> Query<'q, Postgres, PgArguments> {
    let query = match text {
        Text::Kept(sql) => sqlx::query(sql),
        Text::Once(sql) => sqlx::query(AssertSqlSafe(sql).into_sql_str()).persistent(false),
    };
    values.into_iter().fold(query, |query, value| match value {
        Value::Number(number) => query.bind(number),
        Value::Text(text) => query.bind(text.map(Cow::into_owned)),
    })
}

/// A row that came back.
pub(super) enum Row<'r> {
    Sqlite(SqliteRow<'r>),
    Postgres(&'r PgRow),
}

/// A row of SQLite, whose columns are read one after the other, as a rule.
pub(super) struct SqliteRow<'r> {
    row: &'r rusqlite::Row<'r>,
    /// Where the column after the one that was read last stands.
    next: Cell<usize>,
}

impl SqliteRow<'_> {
    /// What is in `column`, which is looked for from where the last one was.
    fn get<T: FromSql>(&self, column: &str) -> Result<T, String> {
        let (columns, next) = (self.row.as_ref(), self.next.get());
        let is_it = |at: &usize| columns.column_name(*at).is_ok_and(|name| name == column);
        let at = (next..columns.column_count()).chain(0..next).find(is_it).ok_or("there is no such column")?;
        self.next.set(at + 1);
        self.row.get(at).map_err(|why| why.to_string())
    }
}

impl Row<'_> {
    /// A text or NULL; the error says why it is neither.
    pub(super) fn text(&self, column: &str) -> Result<Option<String>, String> {
        match self {
            Self::Sqlite(row) => row.get(column),
            Self::Postgres(row) => row.try_get(column).map_err(|why| why.to_string()),
        }
    }

    /// A number or NULL; the error says why it is neither.
    pub(super) fn number(&self, column: &str) -> Result<Option<i64>, String> {
        match self {
            Self::Sqlite(row) => row.get(column),
            Self::Postgres(row) => row.try_get(column).map_err(|why| why.to_string()),
        }
    }

    /// What is in the first column, which is the key or the first part of it.
    pub(super) fn key(&self) -> String {
        let (number, text) = match self {
            Self::Sqlite(SqliteRow { row, .. }) => (row.get::<_, i64>(0).ok(), row.get::<_, String>(0).ok()),
            Self::Postgres(row) => (row.try_get::<i64, _>(0).ok(), row.try_get::<String, _>(0).ok()),
        };
        number.map(|number| number.to_string()).or(text).unwrap_or_else(|| "?".to_owned())
    }
}
