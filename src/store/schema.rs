//! Brings the tables to the newest schema, one migration after the other.

use super::error::Error;
use super::tx::{Tx, sql};
use crate::base::failpoint::{Failpoint, reach};
use crate::config::DatabaseKind;

/// The scripts, oldest first; number 1 is the first. What was released is never changed.
const SQLITE: &[&str] = &[
    include_str!("migrations/sqlite/0001_the_house.sql"),
    include_str!("migrations/sqlite/0002_portraits.sql"),
    include_str!("migrations/sqlite/0003_requests.sql"),
    include_str!("migrations/sqlite/0004_lifetimes.sql"),
    include_str!("migrations/sqlite/0005_dropped.sql"),
    include_str!("migrations/sqlite/0006_outcomes.sql"),
    include_str!("migrations/sqlite/0007_speakers.sql"),
    include_str!("migrations/sqlite/0008_jobs.sql"),
    include_str!("migrations/sqlite/0009_preferences.sql"),
    include_str!("migrations/sqlite/0010_rooms.sql"),
    include_str!("migrations/sqlite/0011_batches.sql"),
    include_str!("migrations/sqlite/0012_lighter.sql"),
    include_str!("migrations/sqlite/0013_order.sql"),
    include_str!("migrations/sqlite/0014_open.sql"),
    include_str!("migrations/sqlite/0015_meetings.sql"),
];
const POSTGRES: &[&str] = &[
    include_str!("migrations/postgres/0001_the_house.sql"),
    include_str!("migrations/postgres/0002_portraits.sql"),
    include_str!("migrations/postgres/0003_requests.sql"),
    include_str!("migrations/postgres/0004_lifetimes.sql"),
    include_str!("migrations/postgres/0005_dropped.sql"),
    include_str!("migrations/postgres/0006_outcomes.sql"),
    include_str!("migrations/postgres/0007_speakers.sql"),
    include_str!("migrations/postgres/0008_jobs.sql"),
    include_str!("migrations/postgres/0009_preferences.sql"),
    include_str!("migrations/postgres/0010_rooms.sql"),
    include_str!("migrations/postgres/0011_batches.sql"),
    include_str!("migrations/postgres/0012_lighter.sql"),
    include_str!("migrations/postgres/0013_order.sql"),
    include_str!("migrations/postgres/0014_open.sql"),
    include_str!("migrations/postgres/0015_meetings.sql"),
];

/// Where the number of the newest migration is kept.
const META: &str = "CREATE TABLE IF NOT EXISTS meta (key TEXT NOT NULL PRIMARY KEY, value TEXT NOT NULL)";
const KEY: &str = "schema";

/// The first migration that `tx`'s SQLite database has not seen; none when it is new, or has seen them all.
pub(super) async fn first_unseen(tx: &mut Tx) -> Result<Option<usize>, Error> {
    let tables = "SELECT COUNT(*) AS value FROM sqlite_master WHERE type = 'table' AND name = 'meta'";
    if tx.count(sql(tables)).await? == 0 {
        return Ok(None);
    }
    let found = found(tx).await?;
    Ok((found > 0 && found < SQLITE.len()).then_some(found + 1))
}

/// Runs the migrations that `tx`'s database has not seen, all or none of them.
pub(super) async fn migrate(tx: &mut Tx, kind: DatabaseKind) -> Result<(), Error> {
    tx.begin().await?;
    match bring_up(tx, scripts(kind)).await {
        Ok(()) => tx.commit().await,
        Err(error) => {
            tx.roll_back().await?;
            Err(error)
        }
    }
}

fn scripts(kind: DatabaseKind) -> &'static [&'static str] {
    match kind {
        DatabaseKind::Sqlite => SQLITE,
        DatabaseKind::Postgres => POSTGRES,
    }
}

async fn bring_up(tx: &mut Tx, scripts: &[&'static str]) -> Result<(), Error> {
    tx.change(sql(META)).await?;
    for script in scripts.iter().skip(found_known(tx, scripts).await?) {
        tx.script(script).await?;
        reach(Failpoint::BetweenMigrations);
    }
    tx.set_meta(KEY, &scripts.len().to_string()).await
}

/// Fails when a newer version has been at `tx`'s database, which has the table `meta`.
pub(super) async fn is_known(tx: &mut Tx, kind: DatabaseKind) -> Result<(), Error> {
    found_known(tx, scripts(kind)).await.map(drop)
}

/// The newest migration that the database has seen, which is one of ours.
async fn found_known(tx: &mut Tx, scripts: &[&'static str]) -> Result<usize, Error> {
    let (found, known) = (found(tx).await?, scripts.len());
    if found > known { Err(Error::TooNew { found, known }) } else { Ok(found) }
}

/// The newest migration that the database has seen; 0 when it has seen none.
async fn found(tx: &mut Tx) -> Result<usize, Error> {
    let Some(text) = tx.meta(KEY).await? else { return Ok(0) };
    text.parse().map_err(|_| Error::Corrupt {
        table: "meta",
        column: "value",
        row: KEY.to_owned(),
        why: "not a number".to_owned(),
    })
}
