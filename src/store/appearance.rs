//! `appearance`: what was last said of which room in state events.

use super::error::Error;
use super::tx::{Fields, Record, Tx, sql};

/// A piece of state that was said of a room.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AppearanceRow {
    /// Of which room.
    pub room_id: String,
    /// The type of the state.
    pub kind: String,
    /// Its key.
    pub state_key: String,
    /// Of its content.
    pub hash: String,
}

impl Tx {
    /// Everything that was said of any room.
    pub async fn appearances(&mut self) -> Result<Vec<AppearanceRow>, Error> {
        self.all(sql("SELECT * FROM appearance ORDER BY room_id, kind, state_key")).await
    }

    /// This was said of a room.
    pub async fn put_appearance(&mut self, row: &AppearanceRow) -> Result<(), Error> {
        let upsert = "INSERT INTO appearance (room_id, kind, state_key, hash) VALUES ($1, $2, $3, $4) \
             ON CONFLICT (room_id, kind, state_key) DO UPDATE SET hash = excluded.hash";
        let upsert = sql(upsert).text(&row.room_id).text(&row.kind).text(&row.state_key).text(&row.hash);
        self.change(upsert).await.map(drop)
    }

    /// This is no longer said of the room.
    pub async fn forget_appearance(&mut self, room_id: &str, kind: &str, state_key: &str) -> Result<(), Error> {
        let delete = "DELETE FROM appearance WHERE room_id = $1 AND kind = $2 AND state_key = $3";
        self.change(sql(delete).text(room_id).text(kind).text(state_key)).await.map(drop)
    }
}

impl Record for AppearanceRow {
    const TABLE: &'static str = "appearance";

    fn read(fields: &Fields) -> Result<Self, Error> {
        Ok(Self {
            room_id: fields.text("room_id")?,
            kind: fields.text("kind")?,
            state_key: fields.text("state_key")?,
            hash: fields.text("hash")?,
        })
    }
}
