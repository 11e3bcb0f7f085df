//! `bridge:`, what the bridge does with messages and people.

use std::collections::BTreeMap;

use serde::Deserialize;

/// `bridge:`
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Bridge {
    /// What commands begin with outside the control room.
    pub command_prefix: String,
    /// The language of the bot.
    pub language: Language,
    /// Whether a message that QQ may or may not have taken is sent once more. It may then arrive twice.
    pub resend_uncertain: bool,
    /// How long QQ's echo of a message is waited for before the message counts as one that QQ may not have taken, in
    /// milliseconds.
    pub uncertain_wait_ms: u64,
    /// Who may do what, by user id, domain or `*`; the most exact key counts.
    pub permissions: BTreeMap<String, Permission>,
}

impl Bridge {
    /// What `user_id` may do: the entry for the id itself, else for its domain, else for `*`, else nothing.
    #[must_use]
    pub fn permission(&self, user_id: &str) -> Permission {
        let domain = user_id.split_once(':').map_or("", |(_, domain)| domain);
        [user_id, domain, "*"].iter().find_map(|key| self.permissions.get(*key)).copied().unwrap_or(Permission::Block)
    }
}

impl Default for Bridge {
    fn default() -> Self {
        Self {
            command_prefix: "!qq".to_owned(),
            language: Language::En,
            resend_uncertain: false,
            uncertain_wait_ms: 15_000,
            permissions: BTreeMap::new(),
        }
    }
}

/// The languages that the bot speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Language {
    /// English.
    En,
    /// 中文.
    Zh,
}

/// What a person may do; each level includes those before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Permission {
    /// Nothing.
    Block,
    /// Be relayed through somebody else's login.
    Relay,
    /// Use commands that need no login.
    Commands,
    /// Log in.
    User,
    /// Everything.
    Admin,
}
