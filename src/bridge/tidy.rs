//! Forgets finished rows after a while: they hold what people said, and are kept only to know repetitions.

use std::sync::Arc;
use std::time::Duration;

use tracing::{debug, warn};

use super::{Bridge, Error};

/// How often.
const EVERY: Duration = Duration::from_hours(1);

/// How long finished rows are kept: longer than a homeserver may be down and then repeat itself.
const KEPT: Duration = Duration::from_hours(14 * 24);

/// How many rows one transaction deletes, so that messages do not wait for it.
const BATCH: u32 = 500;

impl Bridge {
    /// Tidies up every hour until shutdown.
    pub(super) async fn keep_tidy(self: Arc<Self>) {
        while self.shutdown.unless_asked(tokio::time::sleep(EVERY)).await.is_some() {
            match self.tidy().await {
                Ok(rows) => debug!(rows, "forgot finished rows"),
                Err(error) => warn!(%error, "finished rows could not be forgotten"),
            }
        }
    }

    async fn tidy(&self) -> Result<u64, Error> {
        let before_ms = self.clock.now_ms() - i64::try_from(KEPT.as_millis()).unwrap_or(i64::MAX);
        let mut rows = 0;
        while !self.shutdown.is_asked() {
            let gone = self.store.write(move |tx| Box::pin(async move { tx.tidy(before_ms, BATCH).await })).await?;
            rows += gone;
            if gone == 0 {
                break;
            }
        }
        Ok(rows)
    }
}
