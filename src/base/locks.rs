//! Locks by key, so that two tasks meet only where they are about the same thing.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Arc, Mutex, PoisonError, Weak};

/// A lock for each key, made when it is asked for. Those that nobody holds are forgotten before there is room made for more.
#[derive(Debug)]
pub struct Locks<K, L>(Mutex<HashMap<K, Weak<L>>>);

impl<K: Clone + Eq + Hash, L: Default> Locks<K, L> {
    /// The lock of `key`.
    pub fn of(&self, key: &K) -> Arc<L> {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(lock) = known.get(key).and_then(Weak::upgrade) {
            return lock;
        }
        if known.len() == known.capacity() {
            known.retain(|_, lock| lock.strong_count() > 0);
        }
        let lock = Arc::<L>::default();
        known.insert(key.clone(), Arc::downgrade(&lock));
        lock
    }
}

impl<K, L> Default for Locks<K, L> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whoever_asks_for_a_key_while_its_lock_is_held_gets_the_same_lock() {
        let locks = Locks::<u32, Mutex<()>>::default();
        let held = locks.of(&1);
        assert!(Arc::ptr_eq(&held, &locks.of(&1)));
        assert!(!Arc::ptr_eq(&held, &locks.of(&2)));
        for key in 2..1000 {
            locks.of(&key);
        }
        assert!(Arc::ptr_eq(&held, &locks.of(&1)), "it is held still");
        assert!(locks.0.lock().unwrap().len() < 10, "nobody holds the others");
    }
}
