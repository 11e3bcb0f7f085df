//! What QQ says, in words that hold for every backend.

use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::around::{GroupNews, News, Request};
use super::face::Face;
use super::id::{ChatId, ContactId, MessageKey};
use super::likeness::Likeness;
use super::status::Status;
use super::style::Style;

/// What a network can carry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Capabilities {
    /// The longest text of one message, in bytes of UTF-8.
    pub max_text_bytes: usize,
    /// The least time between two messages of one account; zero for none.
    pub send_interval: Duration,
    /// At most so much is added to that time, by chance.
    pub send_jitter: Duration,
    /// Whether the account's own messages come back.
    pub echoes: bool,
    /// The largest picture that can be sent, in bytes; 0 when none can.
    pub picture_bytes: usize,
    /// The same of files.
    pub file_bytes: usize,
    /// Whether files can be sent to groups and discussions, too.
    pub group_files: bool,
}

/// Something that QQ pushed, unopened.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Envelope {
    /// The same for the same push handed out twice, different for any two pushes.
    pub dedup_key: String,
    /// The session whose numbers `body` uses.
    pub epoch: String,
    /// As it came.
    pub body: String,
}

/// Something of the moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Passing {
    /// Somebody shows another status; `None` is offline.
    Presence {
        /// Who.
        contact: ContactId,
        /// What they show now.
        status: Option<Status>,
    },
    /// A friend is typing.
    Typing {
        /// Where.
        chat: ChatId,
        /// Who.
        contact: ContactId,
    },
}

/// What was in an envelope.
#[derive(Clone, Debug, PartialEq)]
pub enum Event {
    /// Somebody said something.
    Message(Message),
    /// Of no worth when it is late.
    Passing(Passing),
    /// Something about a group.
    Group(GroupNews),
    /// Somebody wants something of the account.
    Asked(Request),
    /// Something that the account should know.
    Told(News),
    /// It was read, taken into account, and there is nothing to show.
    Quiet,
    /// It belongs to a chat or person that this login could not match for certain: keep the envelope, open it later.
    Parked {
        /// What is in doubt, for people to read; names no message text.
        reason: String,
        /// The number of the doubt, if a decision of the owner can end it.
        doubt: Option<u32>,
    },
    /// It could not be read: kept and shown as such.
    Unreadable {
        /// What is wrong with it; names no message text.
        reason: String,
    },
    /// It was read, but is of a kind that is not carried (yet).
    Unsupported {
        /// The network's own word for it, such as a `poll_type`.
        kind: String,
    },
    /// QQ ended the session.
    SignedOut {
        /// In QQ's own words.
        reason: String,
    },
}

/// One message as QQ handed it out.
#[derive(Clone, Debug, PartialEq)]
pub struct Message {
    /// Where.
    pub chat: ChatId,
    /// Of what kind that chat is.
    pub kind: ChatKind,
    /// Who.
    pub sender: Sender,
    /// Which.
    pub key: MessageKey,
    /// When, in milliseconds since 1970, by QQ's clock (whole seconds on the wire).
    pub sent_at_ms: i64,
    /// What, in order. Never empty: a message without content has a [`Piece::Unsupported`].
    pub pieces: Vec<Piece>,
    /// How all of it looks. In a box, since an event should not be large for what few messages have.
    pub style: Box<Style>,
}

/// Who said it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Sender {
    /// The account itself, from this or another device.
    Me,
    /// Somebody else.
    Contact(ContactId),
    /// Somebody whom nobody can be asked about any more. It may be the account itself: its own words tell.
    Unclear(ContactId),
    /// QQ, about the chat.
    System,
}

/// A part of a message.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Piece {
    /// Plain text with `\n` between lines, entities decoded.
    Text(String),
    /// A built-in emoticon.
    Face(Face),
    /// A picture that lies at the network.
    Picture(MediaRef),
    /// Somebody of the chat is called by name: `@name`.
    Mention {
        /// Who.
        who: ContactId,
        /// As the words call them, without the `@`.
        name: String,
    },
    /// A file that lies at the network.
    File {
        /// Where.
        media: MediaRef,
        /// What it is, as QQ users know it: `[文件] name`.
        label: String,
    },
    /// Something that is not carried (yet).
    Unsupported {
        /// What it is, as QQ users know it: `[图片]` and the like.
        label: String,
    },
}

impl Piece {
    /// What stands for it where it cannot be shown, as QQ users know it; `None` for texts, faces and names.
    #[must_use]
    pub fn label(&self) -> Option<&str> {
        match self {
            Self::Text(_) | Self::Face(_) | Self::Mention { .. } => None,
            Self::Picture(_) => Some("[图片]"),
            Self::File { label, .. } | Self::Unsupported { label } => Some(label),
        }
    }
}

/// Something that lies at the network and can be fetched, for a while.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct MediaRef {
    /// The session whose numbers `body` uses.
    #[serde(default)]
    pub epoch: String,
    /// Where it lies, sealed: only the backend that made it can read it.
    pub body: String,
    /// Its name, if it has one.
    #[serde(default)]
    pub name: String,
}

/// A picture or file to be sent.
#[derive(Clone, PartialEq, Eq)]
pub struct Upload {
    /// Its name.
    pub name: String,
    /// Whether it is to be shown rather than saved.
    pub is_picture: bool,
    /// All of it.
    pub bytes: Vec<u8>,
}

/// Never printed: it is what somebody sends to somebody.
impl fmt::Debug for Upload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Upload").field("bytes", &self.bytes.len()).finish_non_exhaustive()
    }
}

/// What was fetched.
#[derive(Clone, PartialEq, Eq)]
pub struct Media {
    /// All of it.
    pub bytes: Vec<u8>,
}

/// Never printed: it is what somebody sent to somebody.
impl fmt::Debug for Media {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Media").field("bytes", &self.bytes.len()).finish()
    }
}

/// What is to be said on QQ.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Outgoing {
    /// In order.
    pub pieces: Vec<Piece>,
    /// How all of it shall look.
    #[serde(default, skip_serializing_if = "Style::is_plain")]
    pub style: Style,
}

/// How a send ended, if it did not fail.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Sent {
    /// QQ took it.
    Accepted(Option<MessageKey>),
    /// Nobody knows: the request left and no reply came, or QQ's reply is known to mean either (retcode 1202).
    Uncertain,
}

/// What kind of chat.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ChatKind {
    /// With one friend.
    Friend,
    /// 群.
    Group,
    /// 讨论组.
    Discussion,
    /// With a stranger met in a group or discussion.
    Temporary,
}

/// A chat as lists show it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Chat {
    /// Lasting id.
    pub id: ChatId,
    /// Its kind.
    pub kind: ChatKind,
    /// What the account calls it: markname, else its own name.
    pub name: String,
    /// The other person of a friend chat.
    pub peer: Option<ContactId>,
    /// The friend's category (分组).
    pub category: Option<String>,
}

/// A person.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Contact {
    /// Lasting id.
    pub id: ContactId,
    /// The name that they gave themselves; empty when not known.
    pub nick: String,
    /// The account's own remark for a friend. Private: never shown to others.
    pub markname: Option<String>,
    /// The name within the group that was asked about.
    pub card: Option<String>,
}

/// How a new login found contacts and chats again.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Matching {
    /// Found again for certain: they keep their rooms.
    pub kept: usize,
    /// Seen for the first time.
    pub new: usize,
    /// Could be more than one of those known before, in this login or an earlier one; settled ones too. The newest come last.
    pub doubts: Vec<Doubt>,
}

impl Matching {
    /// The doubts of the login of now that wait for a decision.
    pub fn open(&self) -> impl Iterator<Item = &Doubt> {
        self.doubts.iter().filter(|doubt| doubt.is_current && doubt.settled.is_none())
    }

    /// The doubt with this number.
    #[must_use]
    pub fn doubt(&self, number: u32) -> Option<&Doubt> {
        self.doubts.iter().find(|doubt| doubt.number == number)
    }
}

/// A friend, group or discussion that could not be matched for certain: left alone until the owner says who it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Doubt {
    /// By which it is settled.
    pub number: u32,
    /// Its kind.
    pub kind: ChatKind,
    /// Its name now.
    pub name: String,
    /// Whether it is one of the login of now. In an earlier one only messages wait that came then.
    pub is_current: bool,
    /// Whom it may be, the likeliest first; always the same ones in the same order.
    pub candidates: Vec<Candidate>,
    /// What the owner said.
    pub settled: Option<Settled>,
}

/// A known chat that one in doubt may be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Candidate {
    /// Which.
    pub chat: ChatId,
    /// What it was called when it was last seen.
    pub name: String,
    /// How much of what is known agrees, out of 100.
    pub score: u8,
    /// What agrees and what does not.
    pub reasons: Vec<Likeness>,
    /// Whether it was found elsewhere meanwhile.
    pub is_taken: bool,
}

/// How a doubt was settled.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settled {
    /// The chat that it is.
    pub chat: ChatId,
    /// When, in milliseconds since 1970.
    pub at_ms: i64,
}
