//! `user`: the people who drive the bridge.

use super::error::Error;
use super::tx::{Fields, Record, Tx, sql};

/// A person.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UserRow {
    /// Who.
    pub mxid: String,
    /// The room in which they talk to the bot.
    pub control_room: Option<String>,
    /// The language that they chose.
    pub language: Option<String>,
    /// The account that they mean when they do not say which.
    pub preferred: Option<String>,
}

impl Tx {
    /// One person.
    pub async fn user(&mut self, mxid: &str) -> Result<Option<UserRow>, Error> {
        self.one(sql(r#"SELECT * FROM "user" WHERE mxid = $1"#).text(mxid)).await
    }

    /// Whose control room this is.
    pub async fn user_by_control_room(&mut self, room_id: &str) -> Result<Option<UserRow>, Error> {
        self.one(sql(r#"SELECT * FROM "user" WHERE control_room = $1"#).text(room_id)).await
    }

    /// The room in which they talk to the bot from now on.
    pub async fn set_control_room(&mut self, mxid: &str, room_id: &str) -> Result<(), Error> {
        let upsert = r#"INSERT INTO "user" (mxid, control_room) VALUES ($1, $2)
            ON CONFLICT (mxid) DO UPDATE SET control_room = excluded.control_room"#;
        self.change(sql(upsert).text(mxid).text(room_id)).await?;
        Ok(())
    }

    /// Everybody who chose a language.
    pub async fn users_with_language(&mut self) -> Result<Vec<UserRow>, Error> {
        self.all(sql(r#"SELECT * FROM "user" WHERE language IS NOT NULL"#)).await
    }

    /// The language that they chose.
    pub async fn set_language(&mut self, mxid: &str, language: &str) -> Result<(), Error> {
        let upsert = r#"INSERT INTO "user" (mxid, language) VALUES ($1, $2)
            ON CONFLICT (mxid) DO UPDATE SET language = excluded.language"#;
        self.change(sql(upsert).text(mxid).text(language)).await?;
        Ok(())
    }

    /// The account that they mean when they do not say which.
    pub async fn set_preferred(&mut self, mxid: &str, account: &str) -> Result<(), Error> {
        let upsert = r#"INSERT INTO "user" (mxid, preferred) VALUES ($1, $2)
            ON CONFLICT (mxid) DO UPDATE SET preferred = excluded.preferred"#;
        self.change(sql(upsert).text(mxid).text(account)).await?;
        Ok(())
    }
}

impl Record for UserRow {
    const TABLE: &'static str = "user";

    fn read(fields: &Fields) -> Result<Self, Error> {
        Ok(Self {
            mxid: fields.text("mxid")?,
            control_room: fields.text_or_null("control_room")?,
            language: fields.text_or_null("language")?,
            preferred: fields.text_or_null("preferred")?,
        })
    }
}
