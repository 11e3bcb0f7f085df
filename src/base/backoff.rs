//! How long to wait before trying again: doubling, capped, with jitter so that many waiters do not return together.

use std::time::Duration;

use rand::Rng as _;

/// A schedule of waiting times.
#[derive(Clone, Copy, Debug)]
pub struct Backoff {
    first: Duration,
    most: Duration,
}

impl Backoff {
    /// Starts at `first` and doubles up to `most`.
    #[must_use]
    pub const fn new(first: Duration, most: Duration) -> Self {
        Self { first, most }
    }

    /// The wait after `failures` failures in a row (the first is 1), before jitter.
    #[must_use]
    pub fn base(&self, failures: u32) -> Duration {
        let doublings = failures.saturating_sub(1).min(16);
        self.first.saturating_mul(1 << doublings).min(self.most)
    }

    /// The wait after `failures` failures in a row, between 80 % and 120 % of [`Backoff::base`].
    #[must_use]
    pub fn delay(&self, failures: u32) -> Duration {
        self.base(failures).mul_f64(rand::rng().random_range(0.8..1.2))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_doubles_up_to_its_cap() {
        let backoff = Backoff::new(Duration::from_secs(1), Duration::from_mins(1));
        let waits: Vec<u64> = (0..9).map(|failures| backoff.base(failures).as_secs()).collect();
        assert_eq!(waits, [1, 1, 2, 4, 8, 16, 32, 60, 60]);
        assert_eq!(backoff.base(u32::MAX).as_secs(), 60);
    }

    #[test]
    fn jitter_stays_within_a_fifth() {
        let backoff = Backoff::new(Duration::from_secs(10), Duration::from_mins(1));
        for _ in 0..100 {
            let delay = backoff.delay(1);
            assert!((8.0..=12.0).contains(&delay.as_secs_f64()), "{delay:?}");
        }
    }
}
