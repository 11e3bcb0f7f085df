//! `space`: the spaces in which the rooms of a login are sorted.

use super::error::Error;
use super::tx::{Fields, Record, Tx, sql};

/// A space for a part of what a login has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SpaceRow {
    /// The login.
    pub login: String,
    /// Which part; unique within a login.
    pub part: String,
    /// The space; none while it is being made: after a crash it may or may not exist.
    pub room_id: Option<String>,
}

impl Tx {
    /// The spaces of a login.
    pub async fn spaces(&mut self, login: &str) -> Result<Vec<SpaceRow>, Error> {
        self.all(sql("SELECT * FROM space WHERE login = $1 ORDER BY part").text(login)).await
    }

    /// A space for this part is about to be made. `false` when it was so before, or there is one.
    pub async fn begin_space(&mut self, login: &str, part: &str) -> Result<bool, Error> {
        let insert = "INSERT INTO space (login, part) VALUES ($1, $2) ON CONFLICT (login, part) DO NOTHING";
        Ok(self.change(sql(insert).text(login).text(part)).await? > 0)
    }

    /// The space for this part was made.
    pub async fn set_space_room(&mut self, login: &str, part: &str, room_id: &str) -> Result<(), Error> {
        let set = "UPDATE space SET room_id = $3 WHERE login = $1 AND part = $2";
        self.change_row("space", part, sql(set).text(login).text(part).text(room_id)).await
    }

    /// The space of one part is that of another one from now on.
    pub async fn set_space_part(&mut self, login: &str, from: &str, to: &str) -> Result<(), Error> {
        let set = "UPDATE space SET part = $3 WHERE login = $1 AND part = $2";
        self.change_row("space", from, sql(set).text(login).text(from).text(to)).await
    }

    /// There is no space for this part any more, and nothing is said of the one that there was.
    pub async fn forget_space(&mut self, login: &str, part: &str, room_id: &str) -> Result<(), Error> {
        self.change(sql("DELETE FROM appearance WHERE room_id = $1").text(room_id)).await?;
        let delete = "DELETE FROM space WHERE login = $1 AND part = $2";
        self.change(sql(delete).text(login).text(part)).await.map(drop)
    }
}

impl Record for SpaceRow {
    const TABLE: &'static str = "space";

    fn read(fields: &Fields) -> Result<Self, Error> {
        Ok(Self { login: fields.text("login")?, part: fields.text("part")?, room_id: fields.text_or_null("room_id")? })
    }
}
