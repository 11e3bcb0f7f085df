//! What becomes of a row of the outbox that can never be delivered: it stays on disk, and whoever it concerns is told once.

use std::sync::Arc;

use tracing::warn;

use super::lane::Next;
use super::status::Status;
use super::{Bridge, Error, notice, route};
use crate::base::metrics::METRICS;
use crate::matrix::Event;
use crate::store::{self, OutboxRow, OutboxState, Tx};

impl Bridge {
    /// Takes a row out of its lane that can never be delivered; it stays on disk and shows in `queue`. What is in it may not be
    /// known, so whoever wrote it is told by what it was made from, and else the owner of its login.
    pub(super) async fn bury(self: &Arc<Self>, row: &OutboxRow, error: &Error) -> Result<Next, Error> {
        warn!(seq = row.seq, lane = row.lane, %error, "a message cannot be delivered");
        METRICS.failed.add(route::way_of(&row.lane), 1);
        let (row, why, bridge) = (row.clone(), error.to_string(), Arc::clone(self));
        let told = self.store.write(move |tx| {
            Box::pin(async move {
                if tx.mark_dead(row.seq, &why).await? != Some(OutboxState::Dead) {
                    return Ok(Vec::new());
                }
                bridge.tell_of_burial(tx, &row, why).await
            })
        });
        told.await?.iter().for_each(|lane| self.wake(lane));
        Ok(Next::More)
    }

    /// Gives the lanes to wake. Of what the bridge says by itself nobody is told: that would go the same way.
    async fn tell_of_burial(&self, tx: &mut Tx, row: &OutboxRow, why: String) -> Result<Vec<String>, store::Error> {
        // Tries are counted: whoever has it tried again is told again.
        let key = route::key(&["buried", &row.seq.to_string(), &row.attempts.to_string()]);
        if let Some(event) = self.written_in(tx, row).await? {
            let author = (event.room.as_str(), event.id.as_str(), event.sender.as_str());
            return self.put_undelivered(tx, author, &key, "message.refused", why).await;
        }
        let Some(owner) = tx.owner_of(&row.login).await? else { return Ok(Vec::new()) };
        let phrase = if row.lane.starts_with(route::TO_QQ) { "queue.buried.to_qq" } else { "queue.buried.to_matrix" };
        let text = self.texts_for(&owner).say(phrase, &[("n", &row.seq.to_string()), ("why", &why)]);
        Ok(vec![notice::put_in_control(tx, &owner, &text, &key).await?])
    }

    /// Puts into the outbox that what `sender` wrote as `event` in `room` was not delivered, and why. Gives the lanes to wake.
    pub(super) async fn put_undelivered(
        &self,
        tx: &mut Tx,
        (room, event, sender): (&str, &str, &str),
        key: &str,
        phrase: &'static str,
        why: String,
    ) -> Result<Vec<String>, store::Error> {
        let message = self.texts_for(sender).say(phrase, &[("why", &why)]);
        let content = notice::reply(&message, event, sender, key);
        let failed = Status::Failed { phrase, message, error: why };
        let mut lanes = Vec::from_iter(self.put_status(tx, (room, event), key, &failed).await?);
        if self.config.matrix.message_error_notices {
            lanes.push(notice::put(tx, room, content, key).await?);
        }
        Ok(lanes)
    }

    /// The event that somebody wrote what lies in `row` in, if that is what it is and the event is still kept.
    async fn written_in(&self, tx: &mut Tx, row: &OutboxRow) -> Result<Option<Event>, store::Error> {
        if !row.lane.starts_with(route::TO_QQ) {
            return Ok(None);
        }
        let arrival = tx.arrival_of(row.seq).await?.filter(|arrival| arrival.origin == route::FROM_MATRIX);
        Ok(arrival.and_then(|arrival| Event::parse(&arrival.body).ok()))
    }
}
