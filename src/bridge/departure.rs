//! What lies in an outbox row: something to say in a Matrix room, or in a QQ chat.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::Error;
use crate::qq::{Answer, ChatId, ContactId, Outgoing, Piece};
use crate::store::{self, OutboxRow, Tx};

/// To be sent to a Matrix room.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ToRoom {
    /// Which room.
    pub target: Target,
    /// In whose name.
    pub speaker: Speaker,
    /// Content of the event, with our key in it.
    pub content: Value,
    /// When it was said, in milliseconds since 1970; now when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ts_ms: Option<i64>,
    /// QQ's key of the message, when it is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// Which part of that message it is.
    #[serde(default)]
    pub part: i64,
    /// What has to be fetched from QQ before `content` is complete; absent once it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fetch: Option<Piece>,
    /// Whether it is no message but how one does.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub is_status: bool,
    /// What the speaker does in the room instead of saying something.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub act: Option<Act>,
}

impl ToRoom {
    /// `content`, said by `speaker` now and complete as it is.
    #[must_use]
    pub fn new(target: Target, speaker: Speaker, content: Value) -> Self {
        Self { target, speaker, content, ts_ms: None, message: None, part: 0, fetch: None, is_status: false, act: None }
    }
}

/// What somebody does in a room.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Act {
    /// Comes in.
    Enter,
    /// Goes, for a reason that people may read.
    Leave(Option<String>),
    /// Has this power level from now on.
    Level(i64),
    /// Has read this event. The bot does that, for QQ.
    Read(String),
}

/// Which room.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Target {
    /// The room of a portal, made if there is none.
    Portal(i64),
    /// Any other room.
    Room(String),
    /// Not a message: `event` is to be taken down. When that is not allowed, the message is said instead.
    Takedown {
        /// Which room.
        room: String,
        /// Which event of somebody else.
        event: String,
    },
    /// The control room of this person, made if there is none.
    Control(String),
}

/// In whose name something is said in a room.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Speaker {
    /// The bridge's own.
    Bot,
    /// The ghost of this contact.
    Ghost(ContactId),
    /// The owner of the account, through their puppet; where there is none, the ghost of this contact.
    Owner(ContactId),
}

/// To be said in a QQ chat.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ToChat {
    /// Which chat.
    pub chat: ChatId,
    /// What.
    pub message: Outgoing,
    /// The room that it was written in.
    pub room: String,
    /// The event that it was written in.
    pub event: String,
    /// Who wrote it.
    pub sender: String,
    /// In how many rows the event leaves.
    #[serde(default)]
    pub parts: usize,
    /// What has to be brought to QQ before `message` is complete; absent once it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub attachment: Option<Attachment>,
}

/// A picture or file that lies at the homeserver.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attachment {
    /// Its `mxc:` address.
    pub url: String,
    /// Its name.
    pub name: String,
    /// `m.image`, `m.file` and so on; `m.sticker` for a sticker.
    pub msgtype: String,
    /// Its length in bytes, as its sender says.
    #[serde(default)]
    pub size: Option<u64>,
}

impl Attachment {
    /// Whether it is something to look at that does not move.
    #[must_use]
    pub fn is_picture(&self) -> bool {
        matches!(self.msgtype.as_str(), "m.image" | "m.sticker")
    }
}

/// To be answered on QQ: what somebody wants of an account.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ToAsker {
    /// The number of the request.
    pub request: i64,
    /// Who asked, for people to read.
    pub who: String,
    /// What answering takes, sealed by the network.
    pub ticket: String,
    /// The answer.
    pub answer: Answer,
    /// Who gave it.
    pub sender: String,
}

/// Puts `departure`, of the account `login`, at the end of `lane`; gives the lane to wake once it is on disk. Nothing
/// happens when `key` was used before.
pub async fn put<T: Serialize>(
    tx: &mut Tx,
    lane: String,
    login: &str,
    departure: &T,
    key: &str,
) -> Result<String, store::Error> {
    put_on(tx, lane, login, departure, key, None).await
}

/// The same for what carries on the inbox row `arrival`.
pub async fn put_on<T: Serialize>(
    tx: &mut Tx,
    lane: String,
    login: &str,
    departure: &T,
    key: &str,
    arrival: Option<i64>,
) -> Result<String, store::Error> {
    let (login, dedup_key) = (login.to_owned(), key.to_owned());
    // What it sounds like on QQ is known only to the network that it leaves by.
    let row = store::Departure { lane, login, body: write(departure), dedup_key, echo: None, arrival };
    tx.add_departure(&row).await?;
    Ok(row.lane)
}

/// Reads what lies in `row`.
pub fn read<T: for<'de> Deserialize<'de>>(row: &OutboxRow) -> Result<T, Error> {
    serde_json::from_str(&row.body).map_err(|why| {
        // Its own words may quote what somebody wrote.
        let why = format!("it has another form than this version writes, from byte {} on", why.column());
        Error::Row { table: "outbox", seq: row.seq, why }
    })
}

/// `departure` as the body of an outbox row.
#[must_use]
pub fn write<T: Serialize>(departure: &T) -> String {
    // Structs of texts and numbers always have a JSON form.
    serde_json::to_string(departure).unwrap_or_default()
}
