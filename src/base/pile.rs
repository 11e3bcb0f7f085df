//! What piles up for somebody who comes for it, and the bell that calls them.

use std::fmt;
use std::sync::{Mutex, PoisonError};

use tokio::sync::Notify;

/// A pile of things to be seen to: one adds to it from anywhere, one takes all of it.
#[derive(Default)]
pub struct Pile<T> {
    piled: Mutex<T>,
    rung: Notify,
}

impl<T: Default> Pile<T> {
    /// Puts something on the pile and rings.
    pub fn add(&self, put: impl FnOnce(&mut T)) {
        put(&mut self.piled.lock().unwrap_or_else(PoisonError::into_inner));
        self.rung.notify_one();
    }

    /// Waits until something was added since the last call ended, and takes all of it. One caller at a time.
    pub async fn taken(&self) -> T {
        self.rung.notified().await;
        std::mem::take(&mut self.piled.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// What lies on it may be about people.
impl<T> fmt::Debug for Pile<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pile").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt as _;

    use super::*;

    #[test]
    fn what_is_added_before_somebody_comes_is_taken_together() {
        let pile = Pile::<Vec<u8>>::default();
        assert_eq!(pile.taken().now_or_never(), None);
        pile.add(|piled| piled.push(1));
        pile.add(|piled| piled.push(2));
        assert_eq!(pile.taken().now_or_never(), Some(vec![1, 2]));
        assert_eq!(pile.taken().now_or_never(), None);
    }
}
