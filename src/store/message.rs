//! `message`: which message is which event.

use super::error::Error;
use super::tx::{Fields, Record, Tx, sql};

/// A message, or a part of one, and its event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MessageRow {
    /// The login that saw it.
    pub login: String,
    /// The network's key; unique within a login.
    pub message_key: String,
    /// Which part of it, from 0.
    pub part: i64,
    /// The room of its event.
    pub room_id: String,
    /// Its event.
    pub event_id: String,
}

impl Tx {
    /// Keeps `message`, in the place of an older one with its key and part.
    pub async fn add_message(&mut self, message: &MessageRow) -> Result<(), Error> {
        let upsert = "INSERT INTO message (login, message_key, part, room_id, event_id) VALUES ($1, $2, $3, $4, $5) \
             ON CONFLICT (login, message_key, part) DO UPDATE SET room_id = excluded.room_id, event_id = excluded.event_id";
        let upsert = sql(upsert).text(&message.login).text(&message.message_key).number(message.part);
        self.change(upsert.text(&message.room_id).text(&message.event_id)).await?;
        Ok(())
    }

    /// The message that this event is; of several parts in one event, the first.
    pub async fn message_by_event(&mut self, event_id: &str) -> Result<Option<MessageRow>, Error> {
        let select = "SELECT * FROM message WHERE event_id = $1 ORDER BY login, message_key, part LIMIT 1";
        self.one(sql(select).text(event_id)).await
    }

    /// All parts of a message, in order.
    pub async fn messages(&mut self, login: &str, message_key: &str) -> Result<Vec<MessageRow>, Error> {
        let select = "SELECT * FROM message WHERE login = $1 AND message_key = $2 ORDER BY part";
        self.all(sql(select).text(login).text(message_key)).await
    }
}

impl Record for MessageRow {
    const TABLE: &'static str = "message";

    fn read(fields: &Fields) -> Result<Self, Error> {
        Ok(Self {
            login: fields.text("login")?,
            message_key: fields.text("message_key")?,
            part: fields.number("part")?,
            room_id: fields.text("room_id")?,
            event_id: fields.text("event_id")?,
        })
    }
}
