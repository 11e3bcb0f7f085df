//! Forgets what is over and old.
//!
//! Rows lie in the order in which they came, so the old ones come first: they are looked through a window at a time, and what
//! passes every day needs no index by time.

use super::error::Error;
use super::tx::{Fields, Record, Tx, sql};

/// What became of one window of rows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tidied {
    /// How many rows were deleted.
    pub gone: u64,
    /// After which row the next window begins; `None` when nothing old comes after this one.
    pub next: Option<i64>,
}

impl Tx {
    /// Looks at `limit` rows of the inbox after row `after`, and deletes the finished ones from before `before_ms` (a moment, in
    /// milliseconds since 1970).
    ///
    /// What arrives again after its row was deleted is new: keep rows longer than any sender repeats itself.
    pub async fn tidy_inbox(&mut self, before_ms: i64, after: i64, limit: u32) -> Result<Tidied, Error> {
        let window = "SELECT MAX(seq) AS last, MIN(received_at_ms) AS oldest_ms FROM \
             (SELECT seq, received_at_ms FROM inbox WHERE seq > $1 ORDER BY seq LIMIT $2) AS looked_at";
        let Some(last) = self.window(window, before_ms, after, limit).await? else { return Ok(Tidied::default()) };
        let delete = "DELETE FROM inbox WHERE seq > $1 AND seq <= $2 AND state = 'done' AND received_at_ms < $3";
        let gone = self.change(sql(delete).number(after).number(last).number(before_ms)).await?;
        Ok(Tidied { gone, next: Some(last) })
    }

    /// The same for rows of the outbox that were sent or dropped.
    ///
    /// The newest sent row of each lane stays, for [`Tx::last_result`]; and what arrived goes before what became of it, for
    /// [`Tx::audit`].
    pub async fn tidy_outbox(&mut self, before_ms: i64, after: i64, limit: u32) -> Result<Tidied, Error> {
        let window = "SELECT MAX(seq) AS last, MIN(created_at_ms) AS oldest_ms FROM \
             (SELECT seq, created_at_ms FROM outbox WHERE seq > $1 ORDER BY seq LIMIT $2) AS looked_at";
        let Some(last) = self.window(window, before_ms, after, limit).await? else { return Ok(Tidied::default()) };
        let delete = "DELETE FROM outbox WHERE seq IN (SELECT seq FROM outbox AS old WHERE old.seq > $1 AND old.seq <= $2 \
             AND ((old.state = 'dropped' AND old.created_at_ms < $3) OR (old.state = 'sent' AND old.sent_at_ms < $3 \
             AND EXISTS (SELECT 1 FROM outbox AS newer \
             WHERE newer.created_at_ms >= 0 AND newer.lane = old.lane AND newer.seq > old.seq AND newer.state = 'sent') \
             AND NOT EXISTS (SELECT 1 FROM inbox WHERE inbox.seq = old.arrival))))";
        let gone = self.change(sql(delete).number(after).number(last).number(before_ms)).await?;
        Ok(Tidied { gone, next: Some(last) })
    }

    /// The last row of the window that `select` looks at; `None` when there is none, or nothing in it is old.
    async fn window(
        &mut self,
        select: &'static str,
        before_ms: i64,
        after: i64,
        limit: u32,
    ) -> Result<Option<i64>, Error> {
        let window: Option<Window> = self.one(sql(select).number(after).number(limit.into())).await?;
        Ok(window
            .filter(|window| window.oldest_ms.is_some_and(|oldest| oldest < before_ms))
            .and_then(|window| window.last))
    }
}

struct Window {
    last: Option<i64>,
    oldest_ms: Option<i64>,
}

impl Record for Window {
    const TABLE: &'static str = "(window)";

    fn read(fields: &Fields) -> Result<Self, Error> {
        Ok(Self { last: fields.number_or_null("last")?, oldest_ms: fields.number_or_null("oldest_ms")? })
    }
}
