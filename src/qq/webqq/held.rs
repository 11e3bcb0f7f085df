//! What came whole of torn answers, held back on disk until QQ has said the rest again or shown that it will not.
//!
//! An answer is newest first, so that a tear takes the oldest: to pass the others on at once would turn the order round.
//! Source: protocol dossier 7.3 (order), 7.7 (identical events again after a broken poll).

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::Error;
use super::batch::{Batch, envelope};
use super::order::join;
use crate::qq::{Envelope, Memory, MemoryError, Note};

/// The key of the note.
const KEY: &str = "held";
/// Torn answers in a row after which what came has to do. Guess.
const MOST_TEARS: u32 = 3;

/// What is held back of one login.
pub(crate) struct Held {
    memory: Arc<dyn Memory>,
    epoch: String,
    pieces: Pieces,
    /// The note holds what has been given out since.
    given_out: bool,
}

#[derive(Debug, Default, Serialize, Deserialize)]
struct Pieces {
    /// Whose numbers they use.
    epoch: String,
    /// How many answers were torn in a row.
    tears: u32,
    /// Events and fragments, oldest first.
    items: Vec<String>,
}

impl Held {
    /// What `memory` holds, for the login `epoch`.
    pub(crate) async fn recall(memory: Arc<dyn Memory>, epoch: &str) -> Result<Self, Error> {
        let notes = memory.recall().await?;
        let note = notes.iter().find(|note| note.key == KEY).map(|note| serde_json::from_str(&note.body));
        let pieces = note.transpose().map_err(|why| MemoryError(format!("note {KEY}: {:?} error", why.classify())))?;
        Ok(Self { memory, epoch: epoch.to_owned(), pieces: pieces.unwrap_or_default(), given_out: false })
    }

    /// Called when everything that was given out is on disk: forgets it. What is left of an earlier login, which gets
    /// no more answers.
    pub(crate) async fn begin(&mut self) -> Result<Vec<Envelope>, Error> {
        if self.given_out {
            self.write().await?;
            self.given_out = false;
        }
        Ok(if self.pieces.epoch == self.epoch { Vec::new() } else { self.give_out(Batch::default()) })
    }

    /// Whether nothing waits.
    pub(crate) fn is_empty(&self) -> bool {
        self.pieces.items.is_empty()
    }

    /// Holds a torn answer back. What has waited long enough.
    pub(crate) async fn hold(&mut self, batch: Batch) -> Vec<Envelope> {
        let tears = self.pieces.tears + 1;
        tracing::warn!(tears, whole = batch.items.len(), "an answer of poll2 broke off; waiting for what is missing");
        let items = join(&self.pieces.items, batch.in_order());
        self.pieces = Pieces { epoch: self.epoch.clone(), tears, items };
        if tears >= MOST_TEARS {
            return self.give_out(Batch::default());
        }
        match self.write().await {
            Ok(()) => Vec::new(),
            Err(error) => {
                tracing::warn!(%error, "a torn answer cannot be held back");
                self.give_out(Batch::default())
            }
        }
    }

    /// Everything that waits, and `batch`, oldest first.
    pub(crate) fn give_out(&mut self, batch: Batch) -> Vec<Envelope> {
        let later = batch.in_order();
        if self.is_empty() {
            return later.into_iter().map(|item| envelope(&self.epoch, item)).collect();
        }
        let Pieces { epoch, items, .. } = std::mem::take(&mut self.pieces);
        self.given_out = true;
        join(&items, later).into_iter().map(|item| envelope(&epoch, item)).collect()
    }

    async fn write(&self) -> Result<(), MemoryError> {
        let body = serde_json::to_string(&self.pieces).map_err(|why| MemoryError(why.to_string()))?;
        self.memory.remember(vec![Note { key: KEY.to_owned(), body }]).await
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use serde_json::json;

    use super::*;
    use crate::qq::Forgetful;

    /// Nothing is held.
    pub(crate) async fn nothing(epoch: &str) -> Held {
        Held::recall(Arc::new(Forgetful::default()), epoch).await.unwrap()
    }

    fn said(numbers: &[u32]) -> Vec<String> {
        let said =
            |n: &u32| json!({"poll_type": "message", "value": {"from_uin": 7, "msg_id": n, "time": n}}).to_string();
        numbers.iter().map(said).collect()
    }

    fn torn(numbers: &[u32]) -> Batch {
        Batch { items: said(numbers), torn: true, ..Batch::default() }
    }

    fn bodies(envelopes: Vec<Envelope>) -> Vec<String> {
        envelopes.into_iter().map(|envelope| envelope.body).collect()
    }

    #[tokio::test]
    async fn what_is_torn_waits_for_the_repetition_and_also_survives_a_restart() {
        let memory = Arc::new(Forgetful::default());
        for restarts in [false, true] {
            let mut held = Held::recall(memory.clone(), "e").await.unwrap();
            assert!(held.begin().await.unwrap().is_empty());
            assert!(held.hold(torn(&[4, 3])).await.is_empty());
            if restarts {
                held = Held::recall(memory.clone(), "e").await.unwrap();
                assert!(held.begin().await.unwrap().is_empty() && !held.is_empty());
            }
            let whole = Batch { items: said(&[4, 3, 2, 1]), ..Batch::default() };
            assert_eq!(bodies(held.give_out(whole)), said(&[1, 2, 3, 4]));
            // Not on disk yet: a crash here must find it again.
            assert!(!Held::recall(memory.clone(), "e").await.unwrap().is_empty());
            held.begin().await.unwrap();
            assert!(held.is_empty() && Held::recall(memory.clone(), "e").await.unwrap().is_empty());
        }
    }

    #[tokio::test]
    async fn it_does_not_wait_for_ever() {
        let mut held = nothing("e").await;
        assert!(held.hold(torn(&[4])).await.is_empty());
        assert!(held.hold(torn(&[4])).await.is_empty());
        assert_eq!(bodies(held.hold(torn(&[4, 3])).await), said(&[3, 4]));
        assert!(held.hold(torn(&[5])).await.is_empty(), "it counts anew");
    }

    #[tokio::test]
    async fn what_an_earlier_login_left_comes_with_the_numbers_of_that_login() {
        let memory = Arc::new(Forgetful::default());
        Held::recall(memory.clone(), "old").await.unwrap().hold(torn(&[1])).await;
        let mut held = Held::recall(memory, "new").await.unwrap();
        let left = held.begin().await.unwrap();
        assert_eq!(left.iter().map(|envelope| envelope.epoch.as_str()).collect::<Vec<_>>(), ["old"]);
        assert_eq!(held.give_out(torn(&[2])).first().map(|envelope| envelope.epoch.as_str()), Some("new"));
    }
}
