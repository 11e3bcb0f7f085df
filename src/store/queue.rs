//! The outbox as people see it: what waits, what is stuck, what was given up; and what they can do about it.

use super::error::Error;
use super::outbox::{Marked, OutboxRow, OutboxState, unfinished};
use super::tx::{Fields, Record, Tx, sql};

/// How many rows of a login are not delivered, by state.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QueueCount {
    /// The login.
    pub login: String,
    /// Rows that wait for their turn.
    pub ready: u32,
    /// Rows that may be on the wire.
    pub sending: u32,
    /// Rows that may have been delivered.
    pub uncertain: u32,
    /// Rows that were given up.
    pub dead: u32,
}

/// `$columns` of every row that is not delivered. The two halves are what the two indices answer; one condition for both would
/// read all that was ever sent.
macro_rules! undelivered {
    ($columns:literal) => {
        concat!(
            "SELECT ",
            $columns,
            " FROM outbox WHERE ",
            $crate::store::outbox::unfinished!(),
            " UNION ALL SELECT ",
            $columns,
            " FROM outbox WHERE state = 'dead'"
        )
    };
}
pub(super) use undelivered;

impl Tx {
    /// What is not delivered, by login; logins without such rows are left out.
    pub async fn queue_counts(&mut self) -> Result<Vec<QueueCount>, Error> {
        let counts = concat!(
            "SELECT login, COUNT(CASE WHEN state = 'ready' THEN 1 END) AS ready, \
             COUNT(CASE WHEN state = 'sending' THEN 1 END) AS sending, \
             COUNT(CASE WHEN state = 'uncertain' THEN 1 END) AS uncertain, \
             COUNT(CASE WHEN state = 'dead' THEN 1 END) AS dead FROM (",
            undelivered!("login, state"),
            ") AS undelivered GROUP BY login ORDER BY login"
        );
        self.all(sql(counts)).await
    }

    /// The oldest rows of `login` that are not delivered, given up ones included, oldest first.
    pub async fn queue(&mut self, login: &str, limit: u32) -> Result<Vec<OutboxRow>, Error> {
        let queue =
            concat!("SELECT * FROM (", undelivered!("*"), ") AS undelivered WHERE login = $1 ORDER BY seq LIMIT $2");
        self.all(sql(queue).text(login).number(limit.into())).await
    }

    /// The oldest unfinished rows (ready, sending, uncertain) of all lanes that begin with `prefix`, oldest first.
    pub async fn unfinished(&mut self, prefix: &str, limit: u32) -> Result<Vec<OutboxRow>, Error> {
        // `+seq`: else SQLite reads all that was ever sent, which lies in this order already.
        let unfinished = concat!(
            "SELECT * FROM outbox WHERE ",
            unfinished!(),
            " AND substr(lane, 1, length($1)) = $1 ORDER BY +seq LIMIT $2"
        );
        self.all(sql(unfinished).text(prefix).number(limit.into())).await
    }

    /// A person wants it tried again, at once and in its place: a row that waits, or a dead one. Gives what it is now:
    /// `Sent` when its echo was seen; `None` when it was none of these.
    pub async fn revive(&mut self, seq: i64) -> Result<Option<OutboxState>, Error> {
        let revive = "UPDATE outbox SET state = CASE WHEN echoed = 1 THEN 'sent' ELSE 'ready' END, error = NULL, \
             attempts = attempts + 1, due_at_ms = 0 WHERE seq = $1 AND state IN ('ready', 'dead') RETURNING seq, state";
        Ok(self.one::<Marked>(sql(revive).number(seq)).await?.map(|row| row.state))
    }

    /// What is on the wire by a session that is over may have been delivered; a row in any other state stays as it is.
    pub async fn sending_row_to_uncertain(&mut self, seq: i64) -> Result<(), Error> {
        let change = "UPDATE outbox SET state = 'uncertain' WHERE seq = $1 AND state = 'sending'";
        self.change(sql(change).number(seq)).await.map(drop)
    }

    /// A person gives it up: a row that waits or is not on the wire yet, an uncertain or a dead one. Gives what it is now: `Sent` when its echo
    /// was seen; `None` when it was none of these.
    pub async fn drop_departure(&mut self, seq: i64, error: &str) -> Result<Option<OutboxState>, Error> {
        let drop = "UPDATE outbox SET state = CASE WHEN echoed = 1 THEN 'sent' ELSE 'dropped' END, \
             error = CASE WHEN echoed = 1 THEN NULL ELSE $2 END \
             WHERE seq = $1 AND (state IN ('ready', 'uncertain', 'dead') OR (state = 'sending' AND sends = 0)) RETURNING seq, state";
        Ok(self.one::<Marked>(sql(drop).number(seq).text(error)).await?.map(|row| row.state))
    }
}

impl Record for QueueCount {
    const TABLE: &'static str = "outbox";

    fn read(fields: &Fields) -> Result<Self, Error> {
        Ok(Self {
            login: fields.text("login")?,
            ready: fields.count("ready")?,
            sending: fields.count("sending")?,
            uncertain: fields.count("uncertain")?,
            dead: fields.count("dead")?,
        })
    }
}
