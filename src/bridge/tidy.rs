//! Forgets finished rows after a while: they hold what people said, and are kept only to know repetitions.

use std::sync::Arc;
use std::time::Duration;

use tracing::{debug, warn};

use super::{Bridge, Error};
use crate::store::{Tidied, Tx, Work};

/// How often.
const EVERY: Duration = Duration::from_hours(1);

/// How long finished rows are kept: longer than a homeserver may be down and then repeat itself.
const KEPT: Duration = Duration::from_hours(14 * 24);

/// How many rows one transaction looks at, so that messages do not wait for it.
const WINDOW: u32 = 500;

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
        let arrived = self
            .tidy_by_windows(move |tx, after| Box::pin(async move { tx.tidy_inbox(before_ms, after, WINDOW).await }))
            .await?;
        let left = self
            .tidy_by_windows(move |tx, after| Box::pin(async move { tx.tidy_outbox(before_ms, after, WINDOW).await }))
            .await?;
        Ok(arrived + left)
    }

    async fn tidy_by_windows(
        &self,
        tidy: impl for<'t> Fn(&'t mut Tx, i64) -> Work<'t, Tidied> + Copy + Send + 'static,
    ) -> Result<u64, Error> {
        let (mut rows, mut after) = (0, Some(0));
        while let Some(from) = after.filter(|_| !self.shutdown.is_asked()) {
            let done = self.store.write(move |tx| tidy(tx, from)).await?;
            (rows, after) = (rows + done.gone, done.next);
        }
        Ok(rows)
    }
}
