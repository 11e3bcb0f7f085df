//! Whether all that was ever committed is still there.
//!
//! A commit without a sync lies in the memory of the machine, and outlives the process. When the machine has been started anew since, the last
//! such commits may be gone; what the rows say of what has left is then less than what has left.

use super::error::Error;
use super::outbox::OutboxRow;
use super::tx::{Tx, sql};
use super::writer::Work;
use crate::base::boot::boot;
use crate::config::DatabaseKind;

/// Where it is kept which start of the machine wrote last.
const BOOT: &str = "boot";

/// What is kept there where nothing tells one start from another.
const UNKNOWN: &str = "unknown";

/// Where it is kept up to which row of the outbox something may be gone.
const DEPARTURES: &str = "unsynced_until";

/// The same, of the inbox.
const ARRIVALS: &str = "unsynced_arrivals_until";

/// Where it is kept when somebody last waited for all to be on the disk.
const FLUSHED: &str = "flushed_at_ms";

/// Up to where less may be known than happened, because the machine stopped after these rows were written and before this process began; 0
/// when it never did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Unsynced {
    /// The newest row of the outbox that was there then.
    pub departures: i64,
    /// The newest row of the inbox: what it became may have left, and be gone from the outbox.
    pub arrivals: i64,
}

impl Unsynced {
    /// Whether `row`, or an earlier one of the same arrival, may have left without our knowing.
    #[must_use]
    pub fn covers(self, row: &OutboxRow) -> bool {
        row.seq <= self.departures || row.arrival.is_some_and(|arrival| arrival <= self.arrivals)
    }
}

/// Up to where something may be gone. PostgreSQL syncs every commit.
pub(super) async fn settle(tx: &mut Tx, kind: DatabaseKind) -> Result<Unsynced, Error> {
    if kind == DatabaseKind::Postgres {
        return Ok(Unsynced::default());
    }
    let now = boot().unwrap_or_else(|| UNKNOWN.to_owned());
    tx.begin().await?;
    let before = tx.meta(BOOT).await?;
    if now == UNKNOWN || before.is_some_and(|before| before != now) {
        for (key, newest) in [
            (DEPARTURES, sql("SELECT MAX(seq) AS value FROM outbox")),
            (ARRIVALS, sql("SELECT MAX(seq) AS value FROM inbox")),
        ] {
            let newest = tx.one::<Option<i64>>(newest).await?.flatten().unwrap_or(0);
            tx.set_meta(key, &newest.to_string()).await?;
        }
    }
    // Of earlier times something may still be in doubt.
    let until =
        Unsynced { departures: tx.number_in_meta(DEPARTURES).await?, arrivals: tx.number_in_meta(ARRIVALS).await? };
    tx.set_meta(BOOT, &now).await?;
    tx.commit().await?;
    Ok(until)
}

/// Changes something, so that there is a commit to be synced.
pub(super) fn mark_flushed(tx: &mut Tx) -> Work<'_, ()> {
    let now_ms = tx.now_ms().to_string();
    Box::pin(async move { tx.set_meta(FLUSHED, &now_ms).await })
}

impl Tx {
    async fn number_in_meta(&mut self, key: &str) -> Result<i64, Error> {
        Ok(self.meta(key).await?.and_then(|number| number.parse().ok()).unwrap_or(0))
    }
}
