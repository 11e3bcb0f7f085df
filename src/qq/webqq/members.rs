//! The members of a group or discussion, as QQ last listed them.

use super::number::{Account, Uin};

/// One member.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Member {
    pub(crate) uin: Uin,
    /// Empty when QQ did not tell.
    pub(crate) nick: String,
    /// The name within the group.
    pub(crate) card: Option<String>,
    /// Their real number, where QQ tells it.
    pub(crate) account: Option<Account>,
}

/// A group or discussion from within.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Members {
    pub(crate) name: String,
    /// What a group says of itself; discussions say nothing.
    pub(crate) memo: String,
    pub(crate) owner: Option<Uin>,
    /// 管理员. The owner may be among them.
    pub(crate) admins: Vec<Uin>,
    /// When the group was made, in seconds since 1970; discussions do not tell.
    pub(crate) created_at: Option<i64>,
    pub(crate) list: Vec<Member>,
}

impl Members {
    /// The member with this number.
    pub(crate) fn find(&self, uin: Uin) -> Option<&Member> {
        self.list.iter().find(|member| member.uin == uin)
    }
}
