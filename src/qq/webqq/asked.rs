//! Remembers what was asked, so that somebody unknown does not make the client ask the same list again and again.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Mutex, PoisonError};

use crate::base::clock::is_recent;

/// At most once per question and this time. Source: protocol dossier 11 ("contact update").
const WINDOW_MS: i64 = 600_000;

/// Questions of the last minutes.
#[derive(Debug)]
pub(crate) struct Asked<K> {
    at_ms: Mutex<HashMap<K, i64>>,
}

impl<K> Default for Asked<K> {
    fn default() -> Self {
        Self { at_ms: Mutex::default() }
    }
}

impl<K: Eq + Hash> Asked<K> {
    /// Whether `question` was asked in the last minutes.
    pub(crate) fn lately(&self, question: &K, now_ms: i64) -> bool {
        let asked = self.at_ms.lock().unwrap_or_else(PoisonError::into_inner);
        asked.get(question).is_some_and(|at_ms| is_recent(*at_ms, now_ms, WINDOW_MS))
    }

    /// How many of the questions of the last minutes are such as `is_one` says.
    pub(crate) fn how_many(&self, is_one: impl Fn(&K) -> bool, now_ms: i64) -> usize {
        let asked = self.at_ms.lock().unwrap_or_else(PoisonError::into_inner);
        asked.iter().filter(|(question, at_ms)| is_recent(**at_ms, now_ms, WINDOW_MS) && is_one(question)).count()
    }

    /// It was asked now, and answered.
    pub(crate) fn note(&self, question: K, now_ms: i64) {
        let mut asked = self.at_ms.lock().unwrap_or_else(PoisonError::into_inner);
        asked.retain(|_, at_ms| is_recent(*at_ms, now_ms, WINDOW_MS));
        asked.insert(question, now_ms);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_question_is_recent_for_ten_minutes() {
        let asked = Asked::default();
        assert!(!asked.lately(&"a", 0));
        asked.note("a", 0);
        assert!(asked.lately(&"a", 599_999) && !asked.lately(&"b", 0) && !asked.lately(&"a", 600_000));
        asked.note("b", 100_000);
        let how_many = |now_ms| asked.how_many(|question| *question != "c", now_ms);
        assert_eq!((how_many(100_000), how_many(650_000), how_many(700_000)), (2, 1, 0));
        assert!(!asked.lately(&"b", 99_999), "the clock was set back");
    }
}
