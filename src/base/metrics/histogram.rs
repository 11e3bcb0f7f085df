//! How often something was how large, in atomics.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// Upper bounds of times, in microseconds: from what SQLite takes to a poll that is held for a minute.
const SECONDS: &[u64] = &[
    1_000,
    5_000,
    10_000,
    25_000,
    50_000,
    100_000,
    250_000,
    500_000,
    1_000_000,
    2_500_000,
    5_000_000,
    10_000_000,
    30_000_000,
    60_000_000,
    120_000_000,
];

/// Upper bounds of numbers of things.
const THINGS: &[u64] = &[1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024];

/// As many as the longer of the two.
const MOST_BOUNDS: usize = 15;

/// How often something was how large.
#[derive(Debug)]
pub struct Histogram {
    bounds: &'static [u64],
    /// How many of them make one, in what people read.
    unit: u64,
    buckets: [AtomicU64; MOST_BOUNDS],
    count: AtomicU64,
    sum: AtomicU64,
}

impl Histogram {
    const fn new(bounds: &'static [u64], unit: u64) -> Self {
        let buckets = [const { AtomicU64::new(0) }; MOST_BOUNDS];
        Self { bounds, unit, buckets, count: AtomicU64::new(0), sum: AtomicU64::new(0) }
    }

    /// Of times.
    pub(super) const fn of_seconds() -> Self {
        Self::new(SECONDS, 1_000_000)
    }

    /// Of numbers.
    pub(super) const fn of_things() -> Self {
        Self::new(THINGS, 1)
    }

    /// It took so long this time.
    pub(super) fn observe_time(&self, time: Duration) {
        self.observe(u64::try_from(time.as_micros()).unwrap_or(u64::MAX));
    }

    /// It was so large this time.
    pub(super) fn observe(&self, value: u64) {
        let fitting = self.bounds.iter().zip(&self.buckets).find(|(bound, _)| value <= **bound);
        if let Some((_, bucket)) = fitting {
            bucket.fetch_add(1, Ordering::Relaxed);
        }
        self.sum.fetch_add(value, Ordering::Relaxed);
        self.count.fetch_add(1, Ordering::Relaxed);
    }

    /// How often so far.
    pub(super) fn count(&self) -> u64 {
        self.count.load(Ordering::Relaxed)
    }

    /// How often it was at most so large, by that bound as people read it; the last one is without a bound.
    pub(super) fn buckets(&self) -> Vec<(String, u64)> {
        let mut so_far = 0;
        let mut all: Vec<(String, u64)> = self
            .bounds
            .iter()
            .zip(&self.buckets)
            .map(|(bound, bucket)| {
                so_far += bucket.load(Ordering::Relaxed);
                (self.shown(*bound), so_far)
            })
            .collect();
        // Whoever observes meanwhile has counted in a bucket first: the whole is never less than its parts.
        all.push(("+Inf".to_owned(), self.count().max(so_far)));
        all
    }

    /// All together, as people read it.
    pub(super) fn sum(&self) -> String {
        self.shown(self.sum.load(Ordering::Relaxed))
    }

    fn shown(&self, value: u64) -> String {
        let (whole, part) = (value / self.unit, value % self.unit);
        if part == 0 {
            return whole.to_string();
        }
        format!("{whole}.{part:06}").trim_end_matches('0').to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_is_counted_under_every_bound_that_it_does_not_exceed() {
        let histogram = Histogram::of_seconds();
        for ms in [0, 5, 6, 2_000, 500_000] {
            histogram.observe_time(Duration::from_millis(ms));
        }
        let buckets = histogram.buckets();
        let under = |bound: &str| buckets.iter().find(|(shown, _)| shown == bound).unwrap().1;
        assert_eq!(["0.001", "0.005", "0.01", "2.5", "120", "+Inf"].map(under), [1, 2, 3, 4, 4, 5]);
        assert_eq!(histogram.sum(), "502.011");
    }

    #[test]
    fn no_bound_is_without_a_bucket() {
        assert!(SECONDS.len() <= MOST_BOUNDS && THINGS.len() <= MOST_BOUNDS);
        assert!(SECONDS.is_sorted() && THINGS.is_sorted());
    }
}
