//! One transaction: a connection, the statements that run on it, and how rows are read.

use std::borrow::Cow;

use super::connection::{Connection, Row, Text, Value};
use super::error::Error;
use crate::base::Clock;

/// Why a column that must have a value cannot be read.
const NULL: &str = "it is NULL";

/// An open transaction. Every row method of the store is a method of it.
///
/// A statement that failed spoils the transaction: it is undone even when the caller swallowed the error, because
/// PostgreSQL would silently undo it at COMMIT.
pub struct Tx {
    connection: Connection,
    clock: Clock,
    begin: &'static str,
    spoiled: Option<Error>,
    /// How many rows were changed since the transaction began.
    changed: u64,
}

impl Tx {
    /// A connection between two transactions; `begin` is the statement that opens one.
    pub(super) fn new(connection: Connection, clock: Clock, begin: &'static str) -> Self {
        Self { connection, clock, begin, spoiled: None, changed: 0 }
    }

    /// Opens a transaction.
    pub(super) async fn begin(&mut self) -> Result<(), Error> {
        self.spoiled = None;
        self.changed = 0;
        self.connection.bracket(self.begin).await
    }

    /// Between two transactions: whether those that follow are to be on the disk once they are committed.
    pub(super) fn sync_commits(&mut self, synced: bool) -> Result<(), Error> {
        self.connection.sync_commits(synced)
    }

    /// Keeps what was done.
    pub(super) async fn commit(&mut self) -> Result<(), Error> {
        self.connection.bracket("COMMIT").await
    }

    /// How many rows were changed since the transaction began, what was undone included.
    pub(super) fn changed(&self) -> u64 {
        self.changed
    }

    /// Forgets what was done.
    pub(super) async fn roll_back(&mut self) -> Result<(), Error> {
        self.spoiled = None;
        self.connection.bracket("ROLLBACK").await
    }

    /// Marks the point to which [`Tx::undo`] goes back.
    pub(super) async fn save(&mut self) -> Result<(), Error> {
        self.connection.bracket("SAVEPOINT work").await
    }

    /// Keeps what was done since [`Tx::save`], for the COMMIT to decide.
    pub(super) async fn release(&mut self) -> Result<(), Error> {
        self.connection.bracket("RELEASE SAVEPOINT work").await
    }

    /// Forgets what was done since [`Tx::save`].
    pub(super) async fn undo(&mut self) -> Result<(), Error> {
        self.spoiled = None;
        self.connection.bracket("ROLLBACK TO SAVEPOINT work").await?;
        self.release().await
    }

    /// The first statement that failed since the transaction or savepoint began.
    pub(super) fn spoiled(&self) -> Option<&Error> {
        self.spoiled.as_ref()
    }

    /// Runs statements that have no parameters.
    pub(super) async fn script(&mut self, sql: &'static str) -> Result<(), Error> {
        self.connection.script(sql).await
    }

    /// Says goodbye to the database.
    pub(super) async fn close(self) {
        self.connection.close().await;
    }

    /// Now.
    pub(super) fn now_ms(&self) -> i64 {
        self.clock.now_ms()
    }

    /// How many rows `statement` changed.
    pub(super) async fn change(&mut self, statement: Statement<'_>) -> Result<u64, Error> {
        let changed = self.connection.change(statement.text, statement.values).await;
        self.changed = self.changed.saturating_add(changed.as_ref().copied().unwrap_or(0));
        self.spoiled_by(changed)
    }

    /// The number in the column `value` of the one row of `statement`.
    pub(super) async fn count(&mut self, statement: Statement<'_>) -> Result<u64, Error> {
        let count = self.one::<Option<i64>>(statement).await?.flatten();
        Ok(count.and_then(|count| u64::try_from(count).ok()).unwrap_or(0))
    }

    /// Changes the row `key` of `table`, which must exist.
    pub(super) async fn change_row(
        &mut self,
        table: &'static str,
        key: impl ToString,
        statement: Statement<'_>,
    ) -> Result<(), Error> {
        match self.change(statement).await? {
            0 => Err(Error::Missing { table, row: key.to_string() }),
            _ => Ok(()),
        }
    }

    /// The first row.
    pub(super) async fn one<R: Record>(&mut self, statement: Statement<'_>) -> Result<Option<R>, Error> {
        Ok(self.rows(statement, 1).await?.pop())
    }

    /// All rows.
    pub(super) async fn all<R: Record>(&mut self, statement: Statement<'_>) -> Result<Vec<R>, Error> {
        self.rows(statement, usize::MAX).await
    }

    async fn rows<R: Record>(&mut self, statement: Statement<'_>, most: usize) -> Result<Vec<R>, Error> {
        let read = |row: Row<'_>| R::read(&Fields { table: R::TABLE, row });
        let rows = self.connection.rows(statement.text, statement.values, most, read).await;
        self.spoiled_by(rows)
    }

    fn spoiled_by<T>(&mut self, done: Result<T, Error>) -> Result<T, Error> {
        // A row that cannot be read spoils nothing: the database is well.
        if let Err(error) = &done
            && !matches!(error, Error::Corrupt { .. })
        {
            self.spoiled.get_or_insert_with(|| error.clone());
        }
        done
    }
}

/// A statement and the values for its `$1`, `$2` ….
pub(super) struct Statement<'v> {
    text: Text,
    values: Vec<Value<'v>>,
}

/// A statement that both databases understand. It is prepared once per connection.
pub(super) fn sql<'v>(text: &'static str) -> Statement<'v> {
    Statement { text: Text::Kept(text), values: Vec::new() }
}

/// A statement whose text depends on how many rows it has; it is not kept prepared.
pub(super) fn sql_of_size<'v>(text: String) -> Statement<'v> {
    Statement { text: Text::Once(text), values: Vec::new() }
}

impl<'v> Statement<'v> {
    /// The next value. PostgreSQL has no NUL in texts; it becomes U+FFFD, so that no text can block a queue for ever.
    pub(super) fn text(self, value: &'v str) -> Self {
        self.text_or_null(Some(value))
    }

    /// The next value, or NULL.
    pub(super) fn text_or_null(self, value: Option<&'v str>) -> Self {
        let clean = |value: &'v str| {
            if value.contains('\0') { Cow::Owned(value.replace('\0', "\u{FFFD}")) } else { Cow::Borrowed(value) }
        };
        self.value(Value::Text(value.map(clean)))
    }

    /// The next value.
    pub(super) fn number(self, value: i64) -> Self {
        self.number_or_null(Some(value))
    }

    fn value(mut self, value: Value<'v>) -> Self {
        self.values.push(value);
        self
    }

    /// The next value, or NULL.
    pub(super) fn number_or_null(self, value: Option<i64>) -> Self {
        self.value(Value::Number(value))
    }
}

/// What a row of a table becomes.
pub(super) trait Record: Sized {
    /// The table, as evidence.
    const TABLE: &'static str;

    /// Reads one row.
    fn read(fields: &Fields) -> Result<Self, Error>;
}

/// The columns of one row, by name.
pub(super) struct Fields<'r> {
    table: &'static str,
    row: Row<'r>,
}

impl Fields<'_> {
    /// A text.
    pub(super) fn text(&self, column: &'static str) -> Result<String, Error> {
        self.text_or_null(column)?.ok_or_else(|| self.corrupt(column, &NULL))
    }

    /// A text, or NULL.
    pub(super) fn text_or_null(&self, column: &'static str) -> Result<Option<String>, Error> {
        self.row.text(column).map_err(|why| self.corrupt(column, &why))
    }

    /// A number.
    pub(super) fn number(&self, column: &'static str) -> Result<i64, Error> {
        self.number_or_null(column)?.ok_or_else(|| self.corrupt(column, &NULL))
    }

    /// A number, or NULL.
    pub(super) fn number_or_null(&self, column: &'static str) -> Result<Option<i64>, Error> {
        self.row.number(column).map_err(|why| self.corrupt(column, &why))
    }

    /// A number of things.
    pub(super) fn count(&self, column: &'static str) -> Result<u32, Error> {
        self.number(column)?.try_into().map_err(|why| self.corrupt(column, &why))
    }

    /// Yes or no.
    pub(super) fn flag(&self, column: &'static str) -> Result<bool, Error> {
        Ok(self.number(column)? != 0)
    }

    /// One of a few words.
    pub(super) fn word<W: Word>(&self, column: &'static str) -> Result<W, Error> {
        let text = self.text(column)?;
        let known = W::ALL.iter().find(|word| word.as_str() == text);
        known.copied().ok_or_else(|| self.corrupt(column, &"not a word that we write"))
    }

    fn corrupt(&self, column: &'static str, why: &impl ToString) -> Error {
        Error::Corrupt { table: self.table, column, row: self.row.key(), why: why.to_string() }
    }
}

/// An enum that is kept as a word.
pub(super) trait Word: Copy + 'static {
    /// Every value.
    const ALL: &'static [Self];

    /// How it is kept.
    fn as_str(self) -> &'static str;
}

/// A lone text in a column named `value`.
impl Record for String {
    const TABLE: &'static str = "(value)";

    fn read(fields: &Fields) -> Result<Self, Error> {
        fields.text("value")
    }
}

/// A lone text or NULL in a column named `value`.
impl Record for Option<String> {
    const TABLE: &'static str = "(value)";

    fn read(fields: &Fields) -> Result<Self, Error> {
        fields.text_or_null("value")
    }
}

/// A lone number or NULL in a column named `value`.
impl Record for Option<i64> {
    const TABLE: &'static str = "(value)";

    fn read(fields: &Fields) -> Result<Self, Error> {
        fields.number_or_null("value")
    }
}

/// `($1, $2), ($3, $4) …` for `rows` rows of `row`, in which every `#` is the next number from `first` on.
pub(super) fn values(rows: usize, row: &str, first: usize) -> String {
    let mut number = first;
    let mut text = String::with_capacity(rows * (row.len() + 8));
    for index in 0..rows {
        text.push_str(if index == 0 { "" } else { ", " });
        for (part, piece) in row.split('#').enumerate() {
            if part > 0 {
                text.push('$');
                text.push_str(&number.to_string());
                number += 1;
            }
            text.push_str(piece);
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_count_on_from_row_to_row() {
        assert_eq!(values(2, "($1, #, #, 0)", 3), "($1, $3, $4, 0), ($1, $5, $6, 0)");
        assert_eq!(values(1, "(#)", 1), "($1)");
    }
}
