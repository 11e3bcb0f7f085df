//! Lanes: the outbox rows of one chat or room leave in order, and lanes do not wait for each other.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;

use super::deliver::{self, Head, Marked};
use super::{Bridge, Error, route};
use crate::store::{self, Tx};

/// What a lane should do after one round.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Next {
    /// Look at its head again.
    More,
    /// Nothing is left: end until something new comes.
    End,
    /// Its head cannot leave yet: look again after this, or when woken.
    Wait(Duration),
    /// The other side asks for patience: look again after `wait`, or when woken, but not before `least`.
    Rest { least: Duration, wait: Duration },
}

/// The lanes that run now, each with a bell: ringing it makes the lane look again.
#[derive(Debug, Default)]
pub(super) struct Lanes {
    running: Mutex<HashMap<String, Arc<Bell>>>,
}

/// What makes a lane look again.
#[derive(Debug, Default)]
pub(super) struct Bell {
    rung: Notify,
}

impl Lanes {
    /// The bell of `lane` if somebody has to run it now; `None` when it runs already, and its bell has been rung.
    fn enter(&self, lane: &str) -> Option<Arc<Bell>> {
        let mut running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(bell) = running.get(lane) {
            bell.rung.notify_one();
            return None;
        }
        let bell = Arc::new(Bell::default());
        running.insert(lane.to_owned(), Arc::clone(&bell));
        Some(bell)
    }

    /// Whether nobody runs `lane`.
    fn rests(&self, lane: &str) -> bool {
        !self.running.lock().unwrap_or_else(PoisonError::into_inner).contains_key(lane)
    }

    /// Ends `lane`, unless its bell was rung since: then it has to look again.
    fn leave(&self, lane: &str, bell: &Bell) -> bool {
        let mut running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        if bell.is_rung() {
            return false;
        }
        running.remove(lane);
        true
    }
}

impl Bell {
    /// Whether it was rung since it was last heard; hears it.
    pub(super) fn is_rung(&self) -> bool {
        use futures_util::FutureExt as _;
        self.rung.notified().now_or_never().is_some()
    }
}

impl Bridge {
    /// Makes `lane` look at its head, now.
    pub fn wake(self: &Arc<Self>, lane: &str) {
        self.wake_with(lane, None);
    }

    /// The same, if it rests with what is marked at its head already.
    pub(super) fn wake_with(self: &Arc<Self>, lane: &str, ahead: Option<Marked>) {
        let Some(bell) = self.lanes.enter(lane) else { return };
        let (bridge, lane) = (Arc::clone(self), lane.to_owned());
        self.shutdown.spawn(async move { bridge.run_lane(&lane, ahead, &bell).await });
    }

    /// Marks what may leave at the head of `lane` in the transaction that put it there, if that lane goes to Matrix and nobody runs it: then
    /// whoever wakes it with that spares it a transaction of its own.
    pub(super) async fn look_ahead(&self, tx: &mut Tx, lane: &str) -> Result<Option<Marked>, store::Error> {
        if !lane.starts_with(route::TO_MATRIX) || !self.lanes.rests(lane) {
            return Ok(None);
        }
        Ok(match deliver::mark(tx, lane, self.clock.now_ms()).await? {
            Head::Marked(marked) => Some(marked),
            Head::Odd(_) | Head::Empty => None,
        })
    }

    /// Wakes every lane that begins with `prefix` and has something to deliver.
    pub async fn wake_lanes(self: &Arc<Self>, prefix: String) -> Result<(), Error> {
        let lanes = self.store.read(move |tx| Box::pin(async move { tx.waiting_lanes(&prefix).await })).await?;
        for lane in lanes {
            self.wake(&lane);
        }
        Ok(())
    }

    async fn run_lane(self: &Arc<Self>, lane: &str, mut ahead: Option<Marked>, bell: &Bell) {
        let mut failures = 0;
        while !self.shutdown.is_asked() {
            match self.round(lane, bell, &mut ahead, &mut failures).await {
                Next::More => {}
                Next::End => {
                    if self.lanes.leave(lane, bell) {
                        return;
                    }
                }
                Next::Wait(wait) => self.wait_for_bell(wait, bell).await,
                Next::Rest { least, wait } => {
                    self.shutdown.unless_asked(tokio::time::sleep(least)).await;
                    self.wait_for_bell(wait.saturating_sub(least), bell).await;
                }
            }
        }
    }

    async fn wait_for_bell(&self, wait: Duration, bell: &Bell) {
        tokio::select! {
            () = self.shutdown.asked() => {}
            () = tokio::time::sleep(wait) => {}
            () = bell.rung.notified() => {}
        }
    }

    async fn round(self: &Arc<Self>, lane: &str, bell: &Bell, ahead: &mut Option<Marked>, failures: &mut u32) -> Next {
        if lane.starts_with(route::TO_MATRIX) {
            self.deliver_to_matrix(lane, bell, ahead, failures).await
        } else {
            self.deliver_to_qq(lane, failures).await
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lane_runs_once_and_looks_again_when_its_bell_was_rung() {
        let lanes = Lanes::default();
        assert!(lanes.rests("m/1"));
        let bell = lanes.enter("m/1").expect("nobody runs it");
        assert!(!lanes.rests("m/1"));
        assert!(lanes.enter("m/1").is_none(), "it runs already");
        assert!(!lanes.leave("m/1", &bell), "something came meanwhile");
        assert!(lanes.leave("m/1", &bell));
        assert!(lanes.enter("m/1").is_some());
    }
}
