//! Whether all that was ever committed is still there.
//!
//! A commit without a sync lies in the memory of the machine, and outlives the process. When the machine has been started anew since, the last
//! such commits may be gone; what the rows say of what has left is then less than what has left.

use super::error::Error;
use super::tx::{Tx, sql};
use crate::base::boot::boot;
use crate::config::DatabaseKind;

/// Where it is kept which start of the machine wrote last.
const BOOT: &str = "boot";

/// What is kept there where nothing tells one start from another.
const UNKNOWN: &str = "unknown";

/// Where it is kept up to which row of the outbox something may be gone.
const UNTIL: &str = "unsynced_until";

/// Gives up to which row of the outbox less may be known than happened, because the machine stopped after that row was written and before
/// this process began; 0 when it never did. PostgreSQL syncs every commit.
pub(super) async fn settle(tx: &mut Tx, kind: DatabaseKind) -> Result<i64, Error> {
    if kind == DatabaseKind::Postgres {
        return Ok(0);
    }
    let now = boot().unwrap_or_else(|| UNKNOWN.to_owned());
    tx.begin().await?;
    let before = tx.meta(BOOT).await?;
    let is_whole = now != UNKNOWN && before.is_none_or(|before| before == now);
    let until = if is_whole {
        // Of earlier times something may still be in doubt.
        tx.meta(UNTIL).await?.and_then(|until| until.parse().ok()).unwrap_or(0)
    } else {
        let newest = tx.one::<Option<i64>>(sql("SELECT MAX(seq) AS value FROM outbox")).await?.flatten().unwrap_or(0);
        tx.set_meta(UNTIL, &newest.to_string()).await?;
        newest
    };
    tx.set_meta(BOOT, &now).await?;
    tx.commit().await?;
    Ok(until)
}
