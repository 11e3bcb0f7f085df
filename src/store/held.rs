//! Work that waits for company: somebody else's commit.

use std::sync::{Arc, Mutex, PoisonError};

use super::error::Error;
use super::writer::{Job, Jobs};

/// What waits for company; `None` once nothing can any more.
#[derive(Clone)]
pub(super) struct Held(Arc<Mutex<Option<Jobs>>>);

impl Held {
    /// Nothing waits yet.
    pub(super) fn new() -> Self {
        Self(Arc::new(Mutex::new(Some(Vec::new()))))
    }

    /// Has `job` wait.
    pub(super) fn add(&self, job: Box<dyn Job>) -> Result<(), Error> {
        let mut held = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        held.as_mut().ok_or(Error::Closed)?.push(job);
        Ok(())
    }

    /// What waits, in order.
    pub(super) fn take(&self) -> Jobs {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).as_mut().map(std::mem::take).unwrap_or_default()
    }

    /// The same; from then on nothing waits any more.
    pub(super) fn close(&self) -> Jobs {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take().unwrap_or_default()
    }
}
