//! `portal`: which chat is mirrored in which room.

use super::error::Error;
use super::tx::{Fields, Record, Tx, Word, sql};

/// A chat and its room.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PortalRow {
    /// Ours, for ever.
    pub id: i64,
    /// The login through which the chat is seen.
    pub login: String,
    /// The chat; unique within a login.
    pub chat: String,
    /// What kind of chat it is.
    pub kind: String,
    /// What it is called.
    pub name: String,
    /// Who the other person is, in a chat of two.
    pub peer: Option<String>,
    /// The room, once there is one; no two portals share it.
    pub room_id: Option<String>,
    /// How far the room is.
    pub state: PortalState,
    /// When the portal was made, in milliseconds since 1970.
    pub created_at_ms: i64,
}

/// How far the room of a portal is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PortalState {
    /// There is none.
    None,
    /// It was asked for; after a crash it may or may not exist.
    Creating,
    /// It can be used.
    Ready,
}

impl Tx {
    /// The portal of `chat`, made now if there was none. An existing one keeps its name.
    pub async fn ensure_portal(
        &mut self,
        login: &str,
        chat: &str,
        kind: &str,
        name: &str,
        peer: Option<&str>,
    ) -> Result<PortalRow, Error> {
        if let Some(portal) = self.portal_by_chat(login, chat).await? {
            return Ok(portal);
        }
        let insert = "INSERT INTO portal (login, chat, kind, name, peer, state, created_at_ms) \
             VALUES ($1, $2, $3, $4, $5, 'none', $6) RETURNING *";
        let insert = sql(insert).text(login).text(chat).text(kind).text(name).text_or_null(peer).number(self.now_ms());
        self.one(insert).await?.ok_or_else(|| Error::Missing { table: "portal", row: format!("{login} {chat}") })
    }

    /// The portal with this id.
    pub async fn portal(&mut self, id: i64) -> Result<Option<PortalRow>, Error> {
        self.one(sql("SELECT * FROM portal WHERE id = $1").number(id)).await
    }

    /// The portal whose room this is.
    pub async fn portal_by_room(&mut self, room_id: &str) -> Result<Option<PortalRow>, Error> {
        self.one(sql("SELECT * FROM portal WHERE room_id = $1").text(room_id)).await
    }

    /// The portal of this chat.
    pub async fn portal_by_chat(&mut self, login: &str, chat: &str) -> Result<Option<PortalRow>, Error> {
        self.one(sql("SELECT * FROM portal WHERE login = $1 AND chat = $2").text(login).text(chat)).await
    }

    /// All portals of all logins, oldest first.
    pub async fn all_portals(&mut self) -> Result<Vec<PortalRow>, Error> {
        self.all(sql("SELECT * FROM portal ORDER BY id")).await
    }

    /// All portals of a login, oldest first.
    pub async fn portals(&mut self, login: &str) -> Result<Vec<PortalRow>, Error> {
        self.all(sql("SELECT * FROM portal WHERE login = $1 ORDER BY id").text(login)).await
    }

    /// How far its room is. [`PortalState::None`] also forgets the room.
    pub async fn set_portal_state(&mut self, id: i64, state: PortalState) -> Result<(), Error> {
        let set =
            "UPDATE portal SET state = $2, room_id = CASE WHEN $2 = 'none' THEN NULL ELSE room_id END WHERE id = $1";
        self.change_row("portal", id, sql(set).number(id).text(state.as_str())).await
    }

    /// Its room, which is ready. Refused when the room is another portal's.
    pub async fn set_portal_room(&mut self, id: i64, room_id: &str) -> Result<(), Error> {
        let set = "UPDATE portal SET room_id = $2, state = 'ready' WHERE id = $1";
        self.change_row("portal", id, sql(set).number(id).text(room_id)).await
    }

    /// Its room is `room_id` from now on; what is said in `old` still belongs to it. Refused when the room is another portal's.
    pub async fn move_portal(&mut self, id: i64, old: &str, room_id: &str) -> Result<(), Error> {
        self.set_portal_room(id, room_id).await?;
        let alias = "INSERT INTO portal_alias (room_id, portal) VALUES ($1, $2) \
             ON CONFLICT (room_id) DO UPDATE SET portal = excluded.portal";
        self.change(sql(alias).text(old).number(id)).await.map(drop)
    }

    /// It has no room any more, and nothing that is said in those that it had belongs to it. Whoever was let speak there is not
    /// let speak in the next.
    pub async fn forget_portal_room(&mut self, id: i64) -> Result<(), Error> {
        self.set_portal_state(id, PortalState::None).await?;
        self.remove_relay(id).await?;
        self.change(sql("DELETE FROM portal_alias WHERE portal = $1").number(id)).await.map(drop)
    }

    /// What is said in this room, which a portal had before, belongs to it no more.
    pub async fn forget_portal_alias(&mut self, room_id: &str) -> Result<(), Error> {
        self.change(sql("DELETE FROM portal_alias WHERE room_id = $1").text(room_id)).await.map(drop)
    }

    /// The rooms that portals had before those that they have now, and whose they were.
    pub async fn portal_aliases(&mut self) -> Result<Vec<(String, i64)>, Error> {
        let aliases: Vec<Alias> = self.all(sql("SELECT * FROM portal_alias ORDER BY room_id")).await?;
        Ok(aliases.into_iter().map(|Alias(room, portal)| (room, portal)).collect())
    }

    /// What it is called.
    pub async fn set_portal_name(&mut self, id: i64, name: &str) -> Result<(), Error> {
        self.change_row("portal", id, sql("UPDATE portal SET name = $2 WHERE id = $1").number(id).text(name)).await
    }
}

/// A room that a portal had, and the portal.
struct Alias(String, i64);

impl Record for Alias {
    const TABLE: &'static str = "portal_alias";

    fn read(fields: &Fields) -> Result<Self, Error> {
        Ok(Self(fields.text("room_id")?, fields.number("portal")?))
    }
}

impl Record for PortalRow {
    const TABLE: &'static str = "portal";

    fn read(fields: &Fields) -> Result<Self, Error> {
        Ok(Self {
            id: fields.number("id")?,
            login: fields.text("login")?,
            chat: fields.text("chat")?,
            kind: fields.text("kind")?,
            name: fields.text("name")?,
            peer: fields.text_or_null("peer")?,
            room_id: fields.text_or_null("room_id")?,
            state: fields.word("state")?,
            created_at_ms: fields.number("created_at_ms")?,
        })
    }
}

impl Word for PortalState {
    const ALL: &'static [Self] = &[Self::None, Self::Creating, Self::Ready];

    fn as_str(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Creating => "creating",
            Self::Ready => "ready",
        }
    }
}
