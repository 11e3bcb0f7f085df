//! Pacing: turns are taken one at a time, with a while between any two. An account says one thing after the other, and whatever has to
//! wait lies in the outbox; what arrives in a rush is asked for in handfuls, and whatever has to wait lies with who has it.

use std::time::Duration;

use tokio::sync::Mutex;
use tokio::time::{Instant, sleep_until};

/// When the next turn may be taken.
#[derive(Debug, Default)]
pub(super) struct Pacing {
    next: Mutex<Option<Instant>>,
}

impl Pacing {
    /// Waits until the next turn and takes it: the one after it comes after `interval` and, by chance, up to `jitter`. Cancel-safe: a turn
    /// that was not waited for to the end was not taken.
    pub(super) async fn take_turn(&self, interval: Duration, jitter: Duration) {
        if interval.is_zero() {
            return;
        }
        let mut next = self.next.lock().await;
        if let Some(at) = *next {
            sleep_until(at).await;
        }
        *next = Some(Instant::now() + interval + jitter.mul_f64(rand::random()));
    }

    /// Whether the next turn can be taken at once.
    pub(super) fn is_free(&self) -> bool {
        self.next.try_lock().is_ok_and(|next| next.is_none_or(|at| at <= Instant::now()))
    }
}

#[cfg(test)]
mod tests {
    use futures_util::future::join_all;

    use super::*;

    const INTERVAL: Duration = Duration::from_secs(3);
    const JITTER: Duration = Duration::from_secs(1);

    #[tokio::test(start_paused = true)]
    async fn turns_taken_at_once_are_an_interval_apart_and_never_in_step() {
        let (pacing, begun) = (Pacing::default(), Instant::now());
        assert!(pacing.is_free());
        let turn = || async {
            pacing.take_turn(INTERVAL, JITTER).await;
            begun.elapsed()
        };
        let mut turns = join_all((0..20).map(|_| turn())).await;
        turns.sort();
        let apart: Vec<Duration> = turns.windows(2).map(|pair| pair[1].saturating_sub(pair[0])).collect();
        let slack = Duration::from_millis(2);
        assert!(apart.iter().all(|apart| *apart >= INTERVAL && *apart <= INTERVAL + JITTER + slack), "{apart:?}");
        assert!(apart.iter().any(|other| *other != apart[0]), "{apart:?}");
        assert_eq!(turns[0], Duration::ZERO, "the first one does not wait");
    }

    #[tokio::test(start_paused = true)]
    async fn a_turn_that_was_given_up_was_not_taken_and_without_an_interval_nobody_waits() {
        let pacing = Pacing::default();
        pacing.take_turn(INTERVAL, Duration::ZERO).await;
        assert!(!pacing.is_free());
        let impatient = tokio::time::timeout(Duration::from_secs(1), pacing.take_turn(INTERVAL, Duration::ZERO));
        assert!(impatient.await.is_err());
        let begun = Instant::now();
        pacing.take_turn(INTERVAL, Duration::ZERO).await;
        assert!(begun.elapsed() <= Duration::from_secs(2) + Duration::from_millis(2));
        for _ in 0..100 {
            pacing.take_turn(Duration::ZERO, JITTER).await;
        }
        assert!(begun.elapsed() < INTERVAL);
    }
}
