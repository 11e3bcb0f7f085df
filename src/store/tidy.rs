//! Forgets what is over and old.

use super::error::Error;
use super::tx::{Tx, sql};

impl Tx {
    /// Deletes at most `limit` finished inbox rows, as many sent outbox rows and as many dropped ones from before `before_ms` (a moment, in
    /// milliseconds since 1970). Gives how many; call again until that is 0.
    ///
    /// What arrives again after its row was deleted is new: keep rows longer than any sender repeats itself.
    /// The newest sent row of each lane stays, for [`Tx::last_result`]; and what arrived goes before what became of it, for
    /// [`Tx::audit`].
    pub async fn tidy(&mut self, before_ms: i64, limit: u32) -> Result<u64, Error> {
        let inbox = "DELETE FROM inbox WHERE seq IN (SELECT seq FROM inbox \
             WHERE state = 'done' AND received_at_ms < $1 ORDER BY received_at_ms LIMIT $2)";
        let outbox = "DELETE FROM outbox WHERE seq IN (SELECT seq FROM outbox AS old \
             WHERE state = 'sent' AND sent_at_ms < $1 AND EXISTS (SELECT 1 FROM outbox AS newer \
             WHERE newer.state = 'sent' AND newer.lane = old.lane AND newer.seq > old.seq) \
             AND NOT EXISTS (SELECT 1 FROM inbox WHERE inbox.seq = old.arrival) \
             ORDER BY sent_at_ms LIMIT $2)";
        let dropped = "DELETE FROM outbox WHERE seq IN (SELECT seq FROM outbox \
             WHERE state = 'dropped' AND created_at_ms < $1 ORDER BY created_at_ms LIMIT $2)";
        let arrived = self.change(sql(inbox).number(before_ms).number(limit.into())).await?;
        let left = self.change(sql(outbox).number(before_ms).number(limit.into())).await?;
        let dropped = self.change(sql(dropped).number(before_ms).number(limit.into())).await?;
        Ok(arrived + left + dropped)
    }
}
