//! Soft shutdown: every task is known, is told to stop, and is waited for.

use std::future::Future;
use std::time::Duration;

use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// Starts tasks and stops them; clones share one signal and one list of tasks.
#[derive(Clone, Debug, Default)]
pub struct Shutdown {
    signal: CancellationToken,
    tasks: TaskTracker,
}

impl Shutdown {
    /// Nothing runs yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// A part of the house that can be stopped alone; it stops with the whole as well.
    #[must_use]
    pub fn part(&self) -> Self {
        Self { signal: self.signal.child_token(), tasks: self.tasks.clone() }
    }

    /// Runs `task` until it ends by itself; it should watch [`Shutdown::asked`].
    #[expect(clippy::disallowed_methods, reason = "the tracker is how shutdown knows its tasks")]
    pub fn spawn<F>(&self, task: F)
    where
        F: Future<Output = ()> + Send + 'static,
    {
        tokio::spawn(self.tasks.track_future(task));
    }

    /// Returns when shutdown begins.
    pub async fn asked(&self) {
        self.signal.cancelled().await;
    }

    /// Whether shutdown has begun.
    #[must_use]
    pub fn is_asked(&self) -> bool {
        self.signal.is_cancelled()
    }

    /// Runs `work` unless shutdown begins first; `None` when it did. `work` is dropped then: it must be cancel-safe.
    pub async fn unless_asked<F: Future>(&self, work: F) -> Option<F::Output> {
        tokio::select! {
            biased;
            () = self.signal.cancelled() => None,
            done = work => Some(done),
        }
    }

    /// Tells every task to stop.
    pub fn begin(&self) {
        self.signal.cancel();
    }

    /// Waits until every task has ended, at most `patience`. `false` when some had not.
    pub async fn finish(&self, patience: Duration) -> bool {
        self.tasks.close();
        tokio::time::timeout(patience, self.tasks.wait()).await.is_ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn it_waits_for_the_tasks_that_it_told_to_stop() {
        let shutdown = Shutdown::new();
        let inner = shutdown.clone();
        shutdown.spawn(async move { inner.asked().await });
        assert_eq!(shutdown.unless_asked(async { 7 }).await, Some(7));
        shutdown.begin();
        assert!(shutdown.finish(Duration::from_secs(1)).await);
        assert_eq!(shutdown.unless_asked(std::future::pending::<()>()).await, None);
    }

    #[tokio::test(start_paused = true)]
    async fn a_task_that_does_not_stop_is_not_waited_for_for_ever() {
        let shutdown = Shutdown::new();
        shutdown.spawn(std::future::pending());
        shutdown.begin();
        assert!(!shutdown.finish(Duration::from_secs(1)).await);
    }

    #[test]
    fn a_part_stops_alone_and_with_the_whole() {
        let whole = Shutdown::new();
        let (one, other) = (whole.part(), whole.part());
        one.begin();
        assert!(one.is_asked() && !other.is_asked() && !whole.is_asked());
        whole.begin();
        assert!(other.is_asked());
    }
}
