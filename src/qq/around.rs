//! What happens around the account besides messages: who is there, who comes and goes, who wants something.

use serde::{Deserialize, Serialize};

use super::id::{ChatId, ContactId};

/// Something about a group that the account is or was in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GroupNews {
    /// Which group.
    pub chat: ChatId,
    /// What the account calls it.
    pub name: String,
    /// What happened.
    pub change: Change,
}

/// What happened in a group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// Somebody came.
    Joined(ContactId),
    /// Somebody went.
    Left(ContactId),
    /// Somebody was put out.
    PutOut {
        /// Who.
        who: ContactId,
        /// The nick of the administrator who did it, as QQ tells it; may be empty.
        by: String,
    },
    /// Somebody became or is no longer an administrator.
    Administrator {
        /// Who; the account itself too.
        who: ContactId,
        /// Whether they are one now.
        now: bool,
    },
    /// Somebody else owns the group now.
    Owner {
        /// Who owned it, if that is known.
        from: Option<ContactId>,
        /// Who owns it now.
        to: ContactId,
    },
    /// The account itself is no longer a member.
    Gone {
        /// Who put it out; empty when it went by itself.
        by: String,
    },
    /// The group is no more.
    Dissolved,
}

/// Somebody wants something of the account, which can be answered once by [`Network::answer`](super::Network::answer).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// The same for the same request told twice.
    pub key: String,
    /// What they want.
    pub wanted: Wanted,
    /// Who, as far as QQ tells.
    pub who: String,
    /// Their own words; may be empty.
    pub words: String,
    /// What answering it takes, sealed: only the backend that made it can read it.
    pub ticket: String,
}

/// What somebody wants.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Wanted {
    /// To be a friend.
    Friendship,
    /// To enter the group of this name.
    Membership(String),
}

/// What the account says to a [`Request`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Answer {
    /// Yes; whoever asked for friendship is added as a friend in turn.
    Accept,
    /// No, with a reason that may be empty.
    Deny(String),
}

/// What became of something that the account wanted, or what somebody did without asking.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum News {
    /// This person added the account as a friend, which needed nobody's leave.
    Added(String),
    /// This person took the account as a friend.
    Befriended(String),
    /// This person did not.
    Rejected {
        /// Who.
        who: String,
        /// Their reason; may be empty.
        why: String,
    },
    /// This group let the account in.
    LetIn(String),
    /// This group did not.
    KeptOut {
        /// Which.
        group: String,
        /// The reason; may be empty.
        why: String,
    },
}
