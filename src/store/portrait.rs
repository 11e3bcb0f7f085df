//! `portrait` and `picture`: what people and rooms show themselves by, and what of it the homeserver has.

use super::error::Error;
use super::tx::{Fields, Record, Tx, sql};

/// What somebody shows themselves by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PortraitRow {
    /// Who or what.
    pub subject: String,
    /// Of the picture's bytes.
    pub hash: String,
    /// When QQ was last asked, in milliseconds since 1970.
    pub looked_at_ms: i64,
}

/// What is known of how the chat of a portal looks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LookRow {
    /// Of which portal.
    pub portal: i64,
    /// What the ghost of the other person is called.
    pub nick: Option<String>,
    /// Where the homeserver has the picture of the chat.
    pub picture: Option<String>,
}

/// How the chats of a login look: `$rest` says which, and in which order.
macro_rules! looks {
    ($rest:literal) => {
        concat!(
            "SELECT portal.id AS portal, ghost.name AS nick, picture.uri AS picture FROM portal \
             LEFT JOIN ghost ON ghost.contact = portal.peer \
             LEFT JOIN portrait ON portrait.subject = $2 || CAST(portal.id AS TEXT) \
             LEFT JOIN picture ON picture.hash = portrait.hash \
             WHERE portal.login = $1",
            $rest
        )
    };
}

impl Tx {
    /// What `subject` shows.
    pub async fn portrait(&mut self, subject: &str) -> Result<Option<PortraitRow>, Error> {
        self.one(sql("SELECT * FROM portrait WHERE subject = $1").text(subject)).await
    }

    /// What a subject shows now.
    pub async fn put_portrait(&mut self, row: &PortraitRow) -> Result<(), Error> {
        let upsert = "INSERT INTO portrait (subject, hash, looked_at_ms) VALUES ($1, $2, $3) \
             ON CONFLICT (subject) DO UPDATE SET hash = excluded.hash, looked_at_ms = excluded.looked_at_ms";
        self.change(sql(upsert).text(&row.subject).text(&row.hash).number(row.looked_at_ms)).await?;
        Ok(())
    }

    /// Where the homeserver has the picture with this hash.
    pub async fn picture(&mut self, hash: &str) -> Result<Option<String>, Error> {
        self.one(sql("SELECT uri AS value FROM picture WHERE hash = $1").text(hash)).await
    }

    /// The homeserver has the picture with this hash there.
    pub async fn put_picture(&mut self, hash: &str, uri: &str) -> Result<(), Error> {
        let upsert =
            "INSERT INTO picture (hash, uri) VALUES ($1, $2) ON CONFLICT (hash) DO UPDATE SET uri = excluded.uri";
        self.change(sql(upsert).text(hash).text(uri)).await?;
        Ok(())
    }

    /// How the chats of a login look, or that of one portal alone. What the picture of a chat is filed under is `prefix` and
    /// the portal.
    pub async fn looks(&mut self, login: &str, only: Option<i64>, prefix: &str) -> Result<Vec<LookRow>, Error> {
        // Two statements: one for both would read every portal of the login to find the one.
        match only {
            Some(portal) => self.all(sql(looks!(" AND portal.id = $3")).text(login).text(prefix).number(portal)).await,
            None => self.all(sql(looks!(" ORDER BY portal.id")).text(login).text(prefix)).await,
        }
    }
}

impl Record for LookRow {
    const TABLE: &'static str = "portal";

    fn read(fields: &Fields) -> Result<Self, Error> {
        Ok(Self {
            portal: fields.number("portal")?,
            nick: fields.text_or_null("nick")?,
            picture: fields.text_or_null("picture")?,
        })
    }
}

impl Record for PortraitRow {
    const TABLE: &'static str = "portrait";

    fn read(fields: &Fields) -> Result<Self, Error> {
        Ok(Self {
            subject: fields.text("subject")?,
            hash: fields.text("hash")?,
            looked_at_ms: fields.number("looked_at_ms")?,
        })
    }
}
