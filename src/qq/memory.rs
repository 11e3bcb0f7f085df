//! Where a backend keeps the lasting ids that it hands out; whoever connects it gives it a place on disk.

use std::collections::{BTreeMap, BTreeSet};

use async_trait::async_trait;

/// One remembered thing, as text that only the backend understands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Note {
    /// Unique within the account.
    pub key: String,
    /// JSON of the backend's own making.
    pub body: String,
}

/// A backend's memory of one account.
#[async_trait]
pub trait Memory: Send + Sync {
    /// Every note, in the order of their keys.
    async fn recall(&self) -> Result<Vec<Note>, MemoryError>;
    /// The epochs of all envelopes that are on disk and still wait to be opened: what their numbers mean is needed.
    async fn awaited_epochs(&self) -> Result<BTreeSet<String>, MemoryError>;
    /// Adds notes or replaces those with the same keys, all or none; on disk when it returns.
    async fn remember(&self, notes: Vec<Note>) -> Result<(), MemoryError>;
}

/// The memory could not be read or written.
#[derive(Debug, thiserror::Error)]
#[error("the memory of contacts and chats failed: {0}")]
pub struct MemoryError(pub String);

/// A memory that ends with the process: for tests, and for programs that do not care about lasting ids.
#[derive(Debug, Default)]
pub struct Forgetful {
    notes: tokio::sync::Mutex<BTreeMap<String, String>>,
    /// What [`Memory::awaited_epochs`] gives.
    pub awaited: tokio::sync::Mutex<BTreeSet<String>>,
}

#[async_trait]
impl Memory for Forgetful {
    async fn recall(&self) -> Result<Vec<Note>, MemoryError> {
        let notes = self.notes.lock().await;
        Ok(notes.iter().map(|(key, body)| Note { key: key.clone(), body: body.clone() }).collect())
    }

    async fn awaited_epochs(&self) -> Result<BTreeSet<String>, MemoryError> {
        Ok(self.awaited.lock().await.clone())
    }

    async fn remember(&self, notes: Vec<Note>) -> Result<(), MemoryError> {
        self.notes.lock().await.extend(notes.into_iter().map(|note| (note.key, note.body)));
        Ok(())
    }
}
