//! Accounts through which nothing is said on QQ for now, because somebody who runs the bridge wants it so. What people say
//! waits in the outbox, in order, also through restarts; what QQ says goes on.

use std::collections::BTreeSet;
use std::sync::{Arc, PoisonError, RwLock};

use super::{Bridge, Error, route};
use crate::qq::AccountId;

/// Those accounts.
#[derive(Debug, Default)]
pub(super) struct Pauses {
    paused: RwLock<BTreeSet<String>>,
}

impl Pauses {
    /// As they are on disk.
    pub(super) fn load(&self, paused: Vec<String>) {
        *self.paused.write().unwrap_or_else(PoisonError::into_inner) = paused.into_iter().collect();
    }
}

impl Bridge {
    /// Whether nothing is said through `account` now.
    #[must_use]
    pub fn is_paused(&self, account: &AccountId) -> bool {
        self.pauses.paused.read().unwrap_or_else(PoisonError::into_inner).contains(account.as_str())
    }

    /// Has nothing said through `account` any more. What is on its way there arrives. `false` when that was so before.
    pub async fn pause(&self, account: &AccountId, set_by: &str) -> Result<bool, Error> {
        let (login, set_by) = (account.to_string(), set_by.to_owned());
        let paused = self.store.write(move |tx| Box::pin(async move { tx.pause(&login, &set_by).await })).await?;
        self.pauses.paused.write().unwrap_or_else(PoisonError::into_inner).insert(account.to_string());
        Ok(paused)
    }

    /// Lets go what waits for `account`. `false` when nothing had to wait.
    pub async fn resume(self: &Arc<Self>, account: &AccountId) -> Result<bool, Error> {
        let login = account.to_string();
        let resumed = self.store.write(move |tx| Box::pin(async move { tx.resume(&login).await })).await?;
        self.pauses.paused.write().unwrap_or_else(PoisonError::into_inner).remove(account.as_str());
        self.wake_lanes(route::lanes_of(account)).await?;
        Ok(resumed)
    }
}
