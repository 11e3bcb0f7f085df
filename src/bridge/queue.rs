//! What people do about rows of the outbox: have them tried again, or give them up.

use std::sync::Arc;

use super::departure::{self, ToAsker, ToChat};
use super::status::Status;
use super::{Bridge, Error, notice, route};
use crate::qq::AccountId;
use crate::store::{OutboxRow, OutboxState, RequestState};

/// What a row is filed under that a person gave up.
const DROPPED: &str = "given up on request";

/// Whom to tell that a row was given up.
enum Author {
    /// Somebody wrote it in a room.
    Of(ToChat),
    /// Somebody answered a request.
    Answered(ToAsker),
    /// Somebody on QQ, or the bridge itself.
    Nobody,
}

impl Bridge {
    /// Has `row` tried again in its place. Gives what it is now; `None` when it neither failed nor waits.
    pub async fn retry(self: &Arc<Self>, row: &OutboxRow) -> Result<Option<OutboxState>, Error> {
        let (seq, author, bridge) = (row.seq, author_of(row), Arc::clone(self));
        let occasion = format!("again {seq} {}", row.attempts);
        let revived = self.store.write(move |tx| {
            Box::pin(async move {
                let now = tx.revive(seq).await?;
                let (Some(OutboxState::Ready), Author::Of(to_chat)) = (now, author) else { return Ok((now, None)) };
                let again = Status::Pending(bridge.texts_for(&to_chat.sender).say("status.again", &[]));
                Ok((now, bridge.put_status(tx, (&to_chat.room, &to_chat.event), &occasion, &again).await?))
            })
        });
        let (now, told) = revived.await?;
        for lane in told.iter().chain([&row.lane]) {
            self.wake(lane);
        }
        Ok(now)
    }

    /// Takes `row` out of its lane because `who` wants it so, and tells its author, both or neither; what comes after it
    /// goes on. Gives what it is now; `None` when it had left already.
    pub async fn give_up(self: &Arc<Self>, row: &OutboxRow, who: &str) -> Result<Option<OutboxState>, Error> {
        let (seq, author) = (row.seq, author_of(row));
        let key = route::key(&["dropped", &seq.to_string()]);
        let told = match &author {
            Author::Of(to_chat) => {
                let text = self.texts_for(&to_chat.sender).say("message.dropped", &[("who", who)]);
                Some((text.clone(), notice::reply(&text, &to_chat.event, &to_chat.sender, &key)))
            }
            Author::Answered(_) | Author::Nobody => None,
        };
        // Nothing brings it on, and nobody says any more what became of it.
        let is_stuck = row.lane.starts_with(route::TO_QQ) && self.logins.live(&AccountId::new(&row.login)).is_none();
        let bridge = Arc::clone(self);
        let given_up = self.store.write(move |tx| {
            Box::pin(async move {
                if is_stuck {
                    tx.sending_row_to_uncertain(seq).await?;
                }
                let now = tx.drop_departure(seq, DROPPED).await?;
                let mut lanes = Vec::new();
                match (now, author, told) {
                    (Some(OutboxState::Dropped), Author::Of(to_chat), Some((message, content))) => {
                        let (room, event) = (to_chat.room.as_str(), to_chat.event.as_str());
                        let error = DROPPED.to_owned();
                        let failed = Status::Failed { phrase: "message.dropped", message, error };
                        lanes.extend(bridge.put_status(tx, (room, event), &key, &failed).await?);
                        lanes.push(notice::put(tx, room, content, &key).await?);
                    }
                    (Some(OutboxState::Dropped), Author::Answered(to_asker), _) => {
                        tx.close_request(to_asker.request, RequestState::Failed).await?;
                    }
                    _ => {}
                }
                Ok((now, lanes))
            })
        });
        let (now, told) = given_up.await?;
        for lane in told.iter().chain([&row.lane]) {
            self.wake(lane);
        }
        Ok(now)
    }
}

/// Who wrote what lies in `row`; nobody when it cannot be read.
fn author_of(row: &OutboxRow) -> Author {
    if !row.lane.starts_with(route::TO_QQ) {
        return Author::Nobody;
    }
    if route::is_of_answers(&row.lane) {
        return departure::read(row).map_or(Author::Nobody, Author::Answered);
    }
    departure::read(row).map_or(Author::Nobody, Author::Of)
}
