//! The wall clock as a parameter, so that a test can say what time it is.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, UNIX_EPOCH};

/// Tells the time of day in milliseconds since 1970; cheap to clone. It may jump, ahead and back: a machine's clock is set.
#[derive(Clone, Debug, Default)]
pub struct Clock {
    kind: Kind,
}

#[derive(Clone, Debug, Default)]
enum Kind {
    #[default]
    System,
    /// Stands at this moment.
    Held(Arc<AtomicI64>),
    /// Goes as the machine's, so much ahead of it.
    Ahead(Arc<AtomicI64>),
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
        Self { kind: Kind::Held(Arc::new(AtomicI64::new(now_ms))) }
    }

    /// A clock that goes as the machine's own until [`Clock::shift`] moves it; clones move together.
    #[must_use]
    pub fn movable() -> Self {
        Self { kind: Kind::Ahead(Arc::default()) }
    }

    /// Moves a held clock to `now_ms`; no other can be set.
    pub fn set(&self, now_ms: i64) {
        if let Kind::Held(held) = &self.kind {
            held.store(now_ms, Ordering::Relaxed);
        }
    }

    /// Moves a clock by so many milliseconds, ahead or back; the machine's own cannot be moved.
    pub fn shift(&self, by_ms: i64) {
        if let Kind::Held(ms) | Kind::Ahead(ms) = &self.kind {
            ms.fetch_add(by_ms, Ordering::Relaxed);
        }
    }

    /// Milliseconds since 1970-01-01 UTC.
    #[must_use]
    pub fn now_ms(&self) -> i64 {
        match &self.kind {
            Kind::System => machine_ms(),
            Kind::Held(held) => held.load(Ordering::Relaxed),
            Kind::Ahead(ms) => machine_ms().saturating_add(ms.load(Ordering::Relaxed)),
        }
    }

    /// The moment `wait` from now, in milliseconds since 1970.
    #[must_use]
    pub fn ms_in(&self, wait: Duration) -> i64 {
        self.now_ms().saturating_add(i64::try_from(wait.as_millis()).unwrap_or(i64::MAX))
    }
}

#[expect(clippy::disallowed_methods, reason = "this is the one place that asks the machine")]
fn machine_ms() -> i64 {
    let since = std::time::SystemTime::now().duration_since(UNIX_EPOCH);
    since.ok().and_then(|since| i64::try_from(since.as_millis()).ok()).unwrap_or(0)
}

/// Whether `at_ms` lies within the last `span_ms`. What seems to be still to come was written before the clock was set back:
/// nobody knows how long ago.
#[must_use]
pub fn is_recent(at_ms: i64, now_ms: i64, span_ms: i64) -> bool {
    (0..span_ms).contains(&now_ms.saturating_sub(at_ms))
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
    fn the_machines_clock_is_past_2020_and_a_movable_one_goes_with_it() {
        let (system, clock) = (Clock::system(), Clock::movable());
        assert!(system.now_ms() > 1_577_836_800_000);
        clock.clone().shift(86_400_000);
        let ahead_ms = clock.now_ms() - system.now_ms();
        assert!((86_390_000..86_410_000).contains(&ahead_ms), "{ahead_ms}");
        clock.set(5);
        system.shift(86_400_000);
        assert!(clock.now_ms() - system.now_ms() > 86_390_000, "neither of them can be set so");
    }

    #[test]
    fn only_what_is_past_can_be_recent() {
        for (at, now, recent) in [(5, 5, true), (5, 14, true), (5, 15, false), (6, 5, false), (i64::MIN, 0, false)] {
            assert_eq!(is_recent(at, now, 10), recent, "{at} at {now}");
        }
    }
}
