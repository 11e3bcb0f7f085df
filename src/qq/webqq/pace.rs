//! How long the client waits between things: parameters, so that tests need not wait.

use std::time::Duration;

use tokio::time::sleep;

use super::Error;
use super::retcode::{OnCall, Retcode};
use crate::base::Backoff;
use crate::qq::Verdict;

/// How often a call that may be repeated is asked before its error counts.
const ATTEMPTS: u32 = 4;

/// Waiting times of one client.
#[derive(Clone, Copy, Debug)]
pub struct Pace {
    /// Between two questions about a QR code. Source: protocol dossier 4.4 (1 to 3 s).
    pub qr: Duration,
    /// Between attempts at a call that failed for now.
    pub retry: Backoff,
    /// An empty poll that took less than this came at once: it is not what a held poll looks like.
    pub hasty: Duration,
    /// After the second and later of such polls in a row.
    pub idle: Backoff,
    /// After a poll said 109 or 110. Source: protocol dossier 7.4 (10 s).
    pub offline: Duration,
    /// Between two heartbeats, in the eras that had one. Source: protocol dossier 5.7 (60 s).
    pub heartbeat: Duration,
    /// Before a relink for which QQ named no time. Source: protocol dossier 7.4 (10 s).
    pub relink: Duration,
}

impl Default for Pace {
    /// As the official page did.
    fn default() -> Self {
        Self {
            qr: Duration::from_secs(2),
            retry: Backoff::new(Duration::from_secs(1), Duration::from_secs(10)),
            hasty: Duration::from_secs(1),
            idle: Backoff::new(Duration::from_millis(500), Duration::from_secs(10)),
            offline: Duration::from_secs(10),
            heartbeat: Duration::from_mins(1),
            relink: Duration::from_secs(10),
        }
    }
}

impl Pace {
    /// Asks until there is an answer that counts; for calls that may be repeated.
    pub(crate) async fn insist<T, F>(&self, ask: impl Fn() -> F) -> Result<T, Error>
    where
        F: Future<Output = Result<T, Error>>,
    {
        let mut failures = 0;
        loop {
            let error = match ask().await {
                Ok(answer) => return Ok(answer),
                Err(error) => error,
            };
            failures += 1;
            match error.verdict() {
                Verdict::Retry(_) if failures < ATTEMPTS => sleep(self.retry.delay(failures)).await,
                _ => return Err(lasting(error)),
            }
        }
    }

    /// As fast as a server of one's own answers.
    #[must_use]
    pub const fn hurried() -> Self {
        let moment = Duration::from_millis(1);
        let backoff = Backoff::new(moment, moment);
        let heartbeat = Duration::from_mins(1);
        Self { qr: moment, retry: backoff, hasty: moment, idle: backoff, offline: moment, heartbeat, relink: moment }
    }
}

/// Some codes pass, and mean that the session is over when they do not.
fn lasting(error: Error) -> Error {
    match error {
        Error::Busy { endpoint, retcode } if Retcode::of(retcode).call == OnCall::LaterOrLogIn => {
            Error::SessionEnded { endpoint, retcode }
        }
        error => error,
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;
    use std::future::ready;

    use super::*;

    async fn insist(retcode: i64, times: u32) -> (Result<u32, Error>, u32) {
        let asked = Cell::new(0);
        let pace = Pace::hurried();
        let answer = pace.insist(|| {
            asked.set(asked.get() + 1);
            ready(if asked.get() > times { Ok(asked.get()) } else { Err(Error::Busy { endpoint: "list", retcode }) })
        });
        (answer.await, asked.get())
    }

    #[tokio::test(start_paused = true)]
    async fn a_call_that_fails_for_now_is_asked_again_a_few_times() {
        assert!(matches!(insist(6, 2).await, (Ok(3), 3)));
        assert!(matches!(insist(6, 9).await, (Err(Error::Busy { retcode: 6, .. }), ATTEMPTS)));
        assert!(matches!(insist(100_000, 1).await, (Ok(2), 2)));
        assert!(matches!(insist(100_000, 9).await, (Err(Error::SessionEnded { .. }), ATTEMPTS)));
    }

    #[tokio::test(start_paused = true)]
    async fn a_call_that_will_never_work_is_asked_once() {
        let asked = Cell::new(0);
        let refused = || Error::Refused { endpoint: "list", retcode: 60, meaning: "" };
        let answer: Result<(), Error> = Pace::hurried()
            .insist(|| {
                asked.set(asked.get() + 1);
                ready(Err(refused()))
            })
            .await;
        assert!(matches!((answer, asked.get()), (Err(Error::Refused { .. }), 1)));
    }
}
