//! `note`: what a network wants to remember about a login, in its own words.

use super::error::Error;
use super::tx::{Fields, Record, Tx, sql};

/// A note.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NoteRow {
    /// Its key; unique within a login.
    pub key: String,
    /// What is noted.
    pub body: String,
}

impl Tx {
    /// All notes about `login`, by key.
    pub async fn notes(&mut self, login: &str) -> Result<Vec<NoteRow>, Error> {
        self.all(sql("SELECT key, body FROM note WHERE login = $1 ORDER BY key").text(login)).await
    }

    /// Keeps `notes`, each in the place of the older one with its key.
    pub async fn put_notes(&mut self, login: &str, notes: &[NoteRow]) -> Result<(), Error> {
        let upsert = "INSERT INTO note (login, key, body) VALUES ($1, $2, $3) \
             ON CONFLICT (login, key) DO UPDATE SET body = excluded.body";
        for note in notes {
            self.change(sql(upsert).text(login).text(&note.key).text(&note.body)).await?;
        }
        Ok(())
    }
}

impl Record for NoteRow {
    const TABLE: &'static str = "note";

    fn read(fields: &Fields) -> Result<Self, Error> {
        Ok(Self { key: fields.text("key")?, body: fields.text("body")? })
    }
}
