//! Numbers our own messages as the official page did.
//!
//! Source: protocol dossier 9.2. QQ does not seem to check them.

use std::sync::atomic::{AtomicU64, Ordering};

/// Gives out message ids.
#[derive(Debug)]
pub(crate) struct MsgIds {
    base: u64,
    given: AtomicU64,
}

impl MsgIds {
    /// Begins a series at `now_ms`.
    pub(crate) fn new(now_ms: i64) -> Self {
        let seconds = u64::try_from(now_ms / 1000).unwrap_or(0);
        Self { base: seconds % 10_000 * 10_000, given: AtomicU64::new(0) }
    }

    /// The next one.
    pub(crate) fn next(&self) -> u64 {
        self.base + self.given.fetch_add(1, Ordering::Relaxed) + 1
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::qq::webqq::vectors;

    #[test]
    fn they_agree_with_the_vectors() {
        for case in vectors::cases("msg_id") {
            let ids = MsgIds::new(case["unix_ms"].as_i64().unwrap());
            let last = (0..case["n"].as_u64().unwrap()).map(|_| ids.next()).last();
            assert_eq!(last, case["msg_id"].as_u64(), "{case}");
        }
    }
}
