//! Room 4 of both journeys: the head of a lane leaves, and what came of it is written down.

mod act;
mod answer;
mod attach;
mod fetch;
mod head;
mod to_matrix;
mod to_qq;

use std::time::Duration;

use tracing::warn;

pub(super) use head::{Head, Marked, mark};

use super::lane::Next;
use super::{Bridge, Error, Verdict};
use crate::base::Backoff;
use crate::store::OutboxRow;

/// How long to wait after failures in a row.
const PATIENCE: Backoff = Backoff::new(Duration::from_millis(500), Duration::from_mins(2));

/// How long to wait between two tries to get a picture or file from one side to the other.
const AGAIN: Backoff = Backoff::new(Duration::from_secs(1), Duration::from_mins(1));

/// No try is put off for longer: a row that seems to be was written before the clock was set back.
const LONGEST: Duration = Duration::from_mins(2);

impl Bridge {
    /// How long `row` has to wait before it may leave, if it has to.
    fn until_due(&self, row: &OutboxRow) -> Option<Next> {
        until_due(row.due_at_ms, self.clock.now_ms()).map(Next::Wait)
    }

    /// Lets `row` wait for its next try, which it counts.
    async fn try_again_later(&self, row: &OutboxRow, why: String) -> Result<Next, Error> {
        let wait = AGAIN.delay(row.attempts.saturating_add(1));
        let (seq, due) = (row.seq, self.clock.ms_in(wait));
        self.store.write(move |tx| Box::pin(async move { tx.mark_ready(seq, due, &why).await })).await?;
        Ok(Next::Wait(wait))
    }
}

fn until_due(due_at_ms: i64, now_ms: i64) -> Option<Duration> {
    let early = Duration::from_millis(u64::try_from(due_at_ms.saturating_sub(now_ms)).ok()?);
    (Duration::ZERO < early && early <= LONGEST).then_some(early)
}

/// Writes down that `lane` failed, and says how long to wait.
fn wait_after(lane: &str, error: &Error, failures: &mut u32) -> Next {
    *failures = failures.saturating_add(1);
    warn!(lane, %error, failures, "a lane cannot deliver; trying again");
    let wait = PATIENCE.delay(*failures);
    match error.verdict() {
        // What it asks for, nothing that happens here cuts short.
        Verdict::Retry(least) if matches!(error, Error::Matrix(_)) => Next::Rest { least, wait },
        Verdict::Retry(least) => Next::Wait(wait.max(least)),
        // What cannot work was taken out of the lane already; this is about the lane itself.
        Verdict::GiveUp => Next::Wait(wait.max(Duration::from_secs(30))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_waits_for_its_time_and_not_for_a_clock_that_was_set_back() {
        let hour = 60 * 60 * 1000;
        for (due, now, wait) in [(0, 5, None), (5, 5, None), (7, 5, Some(2)), (hour, 0, None), (0, hour, None)] {
            assert_eq!(until_due(due, now), wait.map(Duration::from_millis), "{due} at {now}");
        }
    }
}
