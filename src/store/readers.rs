//! A few connections that read, each for one caller at a time.

use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::Semaphore;

use super::database::Database;
use super::error::Error;
use super::tx::Tx;
use super::writer::Work;

/// How many callers may read at once.
const READERS: u32 = 4;

/// The connections that read. They are opened when they are needed.
pub(super) struct Readers {
    database: Arc<Database>,
    turns: Semaphore,
    idle: Mutex<Vec<Tx>>,
}

impl Readers {
    /// Nobody reads yet.
    pub(super) fn new(database: Arc<Database>) -> Self {
        // One permit per reader; `usize` is at least 32 bits wherever this runs, so nothing is cut off.
        let turns = Semaphore::new(usize::try_from(READERS).unwrap_or(1));
        Self { database, turns, idle: Mutex::default() }
    }

    /// Does `work` on one moment of the database. A caller that goes away in the middle costs one connection, nothing else.
    pub(super) async fn read<T>(&self, work: impl for<'t> FnOnce(&'t mut Tx) -> Work<'t, T>) -> Result<T, Error> {
        let _turn = self.turns.acquire().await.map_err(|_| Error::Closed)?;
        let mut tx = self.begin().await?;
        let value = work(&mut tx).await?;
        tx.commit().await?;
        self.idle().push(tx);
        Ok(value)
    }

    /// Waits for whoever reads, then closes all connections.
    pub(super) async fn close(&self) {
        if let Ok(all) = self.turns.acquire_many(READERS).await {
            all.forget();
        }
        self.turns.close();
        let idle = std::mem::take(&mut *self.idle());
        for tx in idle {
            tx.close().await;
        }
    }

    /// An open transaction; connections that broke while they were idle are dropped.
    async fn begin(&self) -> Result<Tx, Error> {
        loop {
            let Some(mut tx) = self.take_idle() else { break };
            if tx.begin().await.is_ok() {
                return Ok(tx);
            }
        }
        let mut tx = self.database.reader().await?;
        tx.begin().await?;
        Ok(tx)
    }

    fn take_idle(&self) -> Option<Tx> {
        self.idle().pop()
    }

    fn idle(&self) -> std::sync::MutexGuard<'_, Vec<Tx>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
