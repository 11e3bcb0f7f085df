//! `member`: which of our users are in which room, so that nobody has to ask.

use super::error::Error;
use super::tx::{Tx, sql};

impl Tx {
    /// The user is in the room.
    pub async fn add_member(&mut self, room_id: &str, user_id: &str) -> Result<(), Error> {
        let insert = "INSERT INTO member (room_id, user_id) VALUES ($1, $2) ON CONFLICT (room_id, user_id) DO NOTHING";
        self.change(sql(insert).text(room_id).text(user_id)).await?;
        Ok(())
    }

    /// The user is not in the room.
    pub async fn remove_member(&mut self, room_id: &str, user_id: &str) -> Result<(), Error> {
        let delete = "DELETE FROM member WHERE room_id = $1 AND user_id = $2";
        self.change(sql(delete).text(room_id).text(user_id)).await?;
        Ok(())
    }

    /// Whether the user is in the room.
    pub async fn is_member(&mut self, room_id: &str, user_id: &str) -> Result<bool, Error> {
        let select = "SELECT user_id AS value FROM member WHERE room_id = $1 AND user_id = $2";
        Ok(self.one::<String>(sql(select).text(room_id).text(user_id)).await?.is_some())
    }

    /// The users in the room, sorted.
    pub async fn members(&mut self, room_id: &str) -> Result<Vec<String>, Error> {
        self.all(sql("SELECT user_id AS value FROM member WHERE room_id = $1 ORDER BY user_id").text(room_id)).await
    }
}
