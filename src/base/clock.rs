//! The wall clock as a parameter, so that a test can say what time it is.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, UNIX_EPOCH};

/// Tells the time of day in milliseconds since 1970; cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct Clock {
    held: Option<Arc<AtomicI64>>,
}

impl Clock {
    /// The machine's own clock.
    #[must_use]
    pub fn system() -> Self {
        Self::default()
    }

    /// A clock that stands at `now_ms` until [`Clock::set`] moves it; clones move together.
    #[must_use]
    pub fn held_at(now_ms: i64) -> Self {
        Self { held: Some(Arc::new(AtomicI64::new(now_ms))) }
    }

    /// Moves a held clock; the machine's own clock cannot be moved.
    pub fn set(&self, now_ms: i64) {
        if let Some(held) = &self.held {
            held.store(now_ms, Ordering::Relaxed);
        }
    }

    /// Milliseconds since 1970-01-01 UTC.
    #[must_use]
    #[expect(clippy::disallowed_methods, reason = "this is the one place that asks the machine")]
    pub fn now_ms(&self) -> i64 {
        match &self.held {
            Some(held) => held.load(Ordering::Relaxed),
            None => std::time::SystemTime::now()
                .duration_since(UNIX_EPOCH)
                .ok()
                .and_then(|since| i64::try_from(since.as_millis()).ok())
                .unwrap_or(0),
        }
    }

    /// The moment `wait` from now, in milliseconds since 1970.
    #[must_use]
    pub fn ms_in(&self, wait: Duration) -> i64 {
        self.now_ms().saturating_add(i64::try_from(wait.as_millis()).unwrap_or(i64::MAX))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_held_clock_moves_only_when_told_and_with_its_clones() {
        let clock = Clock::held_at(5);
        let twin = clock.clone();
        clock.set(9);
        assert_eq!((clock.now_ms(), twin.now_ms()), (9, 9));
        assert_eq!((clock.ms_in(Duration::from_secs(1)), clock.ms_in(Duration::MAX)), (1009, i64::MAX));
    }

    #[test]
    fn the_machines_clock_is_past_2020() {
        assert!(Clock::system().now_ms() > 1_577_836_800_000);
    }
}
