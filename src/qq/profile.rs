//! What is known of chats and people besides their names.

use serde::{Deserialize, Serialize};

use super::id::{ChatId, ContactId};
use super::model::Contact;
use super::status::Status;

/// What the account set a group to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Muting {
    /// Its messages come and are announced.
    #[default]
    Loud,
    /// Its messages come without a sound.
    Silent,
    /// Its messages do not come, or should not.
    Blocked,
}

/// How a chat stands, as far as the lists told.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Standing {
    /// Whether it is muted on QQ.
    pub muting: Muting,
    /// How the friend shows; `None` when offline, hidden, or not a friend chat.
    pub status: Option<Status>,
    /// Its place among the chats that were used last, 0 for the last one; `None` when it is not among them.
    pub recent: Option<usize>,
}

/// What somebody tells of themselves.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Profile {
    /// 个性签名; empty when there is none, or QQ does not tell.
    pub signature: String,
    /// QQ level.
    pub level: Option<u32>,
    /// Country, province and city, as far as told.
    pub place: String,
}

/// Whose picture.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Portrait {
    /// A person's.
    Person(ContactId),
    /// A group's.
    Group(ChatId),
}

/// Who has a say in a chat, and what they say of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Officers {
    /// 群主.
    pub owner: Option<Contact>,
    /// 管理员, without the owner.
    pub admins: Vec<Contact>,
    /// How many people are in the chat.
    pub members: usize,
    /// What the chat says of itself (群介绍); empty when it says nothing, or the network does not tell.
    pub memo: String,
}
