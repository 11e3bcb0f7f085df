//! Room 4 of both journeys: the head of a lane leaves, and what came of it is written down.

mod act;
mod answer;
mod attach;
mod fetch;
mod to_matrix;
mod to_qq;

use std::time::Duration;

use tracing::warn;

use super::lane::Next;
use super::{Bridge, Error, Verdict};
use crate::base::Backoff;
use crate::store::OutboxRow;

/// How long to wait after failures in a row.
const PATIENCE: Backoff = Backoff::new(Duration::from_millis(500), Duration::from_mins(2));

/// How long to wait between two tries to get a picture or file from one side to the other.
const AGAIN: Backoff = Backoff::new(Duration::from_secs(1), Duration::from_mins(1));

impl Bridge {
    /// How long `row` has to wait before it may leave, if it has to.
    fn until_due(&self, row: &OutboxRow) -> Option<Next> {
        let early = row.due_at_ms - self.clock.now_ms();
        (early > 0).then(|| Next::Wait(Duration::from_millis(early.unsigned_abs())))
    }

    /// Lets `row` wait for its next try, which it counts.
    async fn try_again_later(&self, row: &OutboxRow, why: String) -> Result<Next, Error> {
        let wait = AGAIN.delay(row.attempts.saturating_add(1));
        let (seq, due) = (row.seq, self.clock.ms_in(wait));
        self.store.write(move |tx| Box::pin(async move { tx.mark_ready(seq, due, &why).await })).await?;
        Ok(Next::Wait(wait))
    }

    /// Takes a row out of its lane that can never be delivered; it stays on disk and shows in `queue`.
    async fn bury(&self, row: &OutboxRow, error: &Error) -> Result<Next, Error> {
        warn!(seq = row.seq, lane = row.lane, %error, "a message cannot be delivered");
        let (seq, why) = (row.seq, error.to_string());
        self.store.write(move |tx| Box::pin(async move { tx.mark_dead(seq, &why).await })).await?;
        Ok(Next::More)
    }
}

/// Writes down that `lane` failed, and says how long to wait.
fn wait_after(lane: &str, error: &Error, failures: &mut u32) -> Next {
    *failures = failures.saturating_add(1);
    warn!(lane, %error, failures, "a lane cannot deliver; trying again");
    let least = match error.verdict() {
        Verdict::Retry(least) => least,
        // What cannot work was taken out of the lane already; this is about the lane itself.
        Verdict::GiveUp => Duration::from_secs(30),
    };
    Next::Wait(PATIENCE.delay(*failures).max(least))
}
