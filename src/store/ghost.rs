//! `ghost`: who stands in for which contact.

use super::error::Error;
use super::tx::{Fields, Record, Tx, sql};

/// A contact and the user that stands in for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GhostRow {
    /// The contact.
    pub contact: String,
    /// The user; no two ghosts share it.
    pub user_id: String,
    /// What the contact is called.
    pub name: String,
    /// Whether the user exists on the homeserver.
    pub registered: bool,
    /// What the homeserver shows, once we told it.
    pub shown_name: Option<String>,
}

impl Tx {
    /// The ghost of `contact`, made now if there was none. An existing one keeps its name.
    pub async fn ensure_ghost(&mut self, contact: &str, user_id: &str, name: &str) -> Result<GhostRow, Error> {
        if let Some(ghost) = self.ghost(contact).await? {
            return Ok(ghost);
        }
        let insert = "INSERT INTO ghost (contact, user_id, name, registered) VALUES ($1, $2, $3, 0) RETURNING *";
        let made = self.one(sql(insert).text(contact).text(user_id).text(name)).await?;
        made.ok_or_else(|| Error::Missing { table: "ghost", row: contact.to_owned() })
    }

    /// The ghost of `contact`.
    pub async fn ghost(&mut self, contact: &str) -> Result<Option<GhostRow>, Error> {
        self.one(sql("SELECT * FROM ghost WHERE contact = $1").text(contact)).await
    }

    /// The user exists on the homeserver.
    pub async fn set_ghost_registered(&mut self, contact: &str) -> Result<(), Error> {
        let set = "UPDATE ghost SET registered = 1 WHERE contact = $1";
        self.change_row("ghost", contact, sql(set).text(contact)).await
    }

    /// What the contact is called.
    pub async fn set_ghost_name(&mut self, contact: &str, name: &str) -> Result<(), Error> {
        let set = "UPDATE ghost SET name = $2 WHERE contact = $1";
        self.change_row("ghost", contact, sql(set).text(contact).text(name)).await
    }

    /// What the homeserver shows.
    pub async fn set_ghost_shown_name(&mut self, contact: &str, shown: &str) -> Result<(), Error> {
        let set = "UPDATE ghost SET shown_name = $2 WHERE contact = $1";
        self.change_row("ghost", contact, sql(set).text(contact).text(shown)).await
    }
}

impl Record for GhostRow {
    const TABLE: &'static str = "ghost";

    fn read(fields: &Fields) -> Result<Self, Error> {
        Ok(Self {
            contact: fields.text("contact")?,
            user_id: fields.text("user_id")?,
            name: fields.text("name")?,
            registered: fields.flag("registered")?,
            shown_name: fields.text_or_null("shown_name")?,
        })
    }
}
