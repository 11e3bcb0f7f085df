//! What people do about rows of the outbox: have them tried again, or give them up.

use std::sync::Arc;

use super::departure::{self, ToAsker, ToChat};
use super::{Bridge, Error, notice, route};
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
        let seq = row.seq;
        let revived = self.store.write(move |tx| Box::pin(async move { tx.revive(seq).await })).await?;
        self.wake(&row.lane);
        Ok(revived)
    }

    /// Takes `row` out of its lane because `who` wants it so, and tells its author, both or neither; what comes after it
    /// goes on. Gives what it is now; `None` when it had left already.
    pub async fn give_up(self: &Arc<Self>, row: &OutboxRow, who: &str) -> Result<Option<OutboxState>, Error> {
        let (seq, author) = (row.seq, author_of(row));
        let key = route::key(&["dropped", &seq.to_string()]);
        let told = match &author {
            Author::Of(to_chat) => {
                let text = self.texts.say("message.dropped", &[("who", who)]);
                Some((to_chat.room.clone(), notice::reply(&text, &to_chat.event, &to_chat.sender, &key)))
            }
            Author::Answered(_) | Author::Nobody => None,
        };
        let given_up = self.store.write(move |tx| {
            Box::pin(async move {
                let now = tx.drop_departure(seq, DROPPED).await?;
                if now != Some(OutboxState::Dropped) {
                    return Ok((now, None));
                }
                if let Author::Answered(to_asker) = author {
                    tx.close_request(to_asker.request, RequestState::Failed).await?;
                }
                let Some((room, content)) = told else { return Ok((now, None)) };
                Ok((now, Some(notice::put(tx, &room, content, &key).await?)))
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
