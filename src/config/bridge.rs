//! `bridge:`, what the bridge does with messages and people.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::fault::Fault;
use super::filter::PortalFilter;
use super::homeserver::EXAMPLE_DOMAIN;
use super::key::Key;
use super::media::Media;
use super::members::Members;
use super::relay::Relay;
use super::validate::{is_historical_localpart, server_name_fault};

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
    /// How many accounts one person may have logged in at once; 0 is no limit.
    pub max_logins: usize,
    /// Whether ghosts and rooms bear the pictures of QQ.
    pub avatars: bool,
    /// Whether the rooms of an account lie in spaces.
    pub personal_spaces: bool,
    /// `bridge.portal_create_filter:`
    pub portal_create_filter: PortalFilter,
    /// `bridge.members:`
    pub members: Members,
    /// `bridge.media:`
    pub media: Media,
    /// `bridge.relay:`
    pub relay: Relay,
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

    /// Adds what is wrong, apart from permissions, to `faults`.
    pub(super) fn check(&self, faults: &mut Vec<Fault>) {
        let prefix = &self.command_prefix;
        if prefix.is_empty() || prefix.contains(char::is_whitespace) {
            let shown = Fault::text("bridge.command_prefix", prefix, "write one word, such as !qq");
            faults.push(shown);
        }
        self.portal_create_filter.check(faults);
        self.media.check(faults);
        self.relay.check(faults);
    }

    /// What is wrong with the permissions.
    pub(super) fn permission_faults(&self) -> Vec<Fault> {
        let all = Key::of("bridge.permissions");
        if self.permissions.values().all(|level| *level < Permission::User) {
            let fix = r#"nobody could log in; allow somebody, such as "@you:your.server": admin"#;
            let value = if self.permissions.is_empty() { "not set" } else { "too strict" };
            return vec![Fault::new(all, value, fix)];
        }
        let fault = |key: &String| permission_key_fault(key).map(|(value, fix)| Fault::new(all.child(key), value, fix));
        self.permissions.keys().filter_map(fault).collect()
    }
}

impl Default for Bridge {
    fn default() -> Self {
        Self {
            command_prefix: "!qq".to_owned(),
            language: Language::En,
            resend_uncertain: false,
            uncertain_wait_ms: 15_000,
            max_logins: 0,
            avatars: true,
            personal_spaces: true,
            portal_create_filter: PortalFilter::default(),
            members: Members::default(),
            media: Media::default(),
            relay: Relay::default(),
            permissions: BTreeMap::new(),
        }
    }
}

/// What is wrong with `key` as a user id, a domain or `*`.
fn permission_key_fault(key: &str) -> Option<(&'static str, &'static str)> {
    let domain = match key.strip_prefix('@') {
        None if key == "*" => return None,
        None => key,
        Some(user) => match user.split_once(':') {
            Some((localpart, domain)) if is_historical_localpart(localpart) => domain,
            _ => return Some(("no user id", "write @name:server")),
        },
    };
    if domain == EXAMPLE_DOMAIN {
        return Some(("the example", "write your own server or user id instead"));
    }
    server_name_fault(domain).map(|_| ("no user id or domain", r#"write "@name:server", "server" or "*""#))
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

impl Language {
    /// The one that is written `code` in the configuration.
    #[must_use]
    pub fn from_code(code: &str) -> Option<Self> {
        [Self::En, Self::Zh].into_iter().find(|language| language.code() == code)
    }

    /// As it is written in the configuration.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::En => "en",
            Self::Zh => "zh",
        }
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    fn bridge(permissions: &[(&str, Permission)]) -> Bridge {
        let permissions = permissions.iter().map(|(key, level)| ((*key).to_owned(), *level)).collect();
        Bridge { permissions, ..Bridge::default() }
    }

    #[test]
    fn the_most_exact_permission_counts() {
        let bridge = bridge(&[
            ("*", Permission::Relay),
            ("hs.test", Permission::User),
            ("@admin:hs.test", Permission::Admin),
            ("@spammer:hs.test", Permission::Block),
        ]);
        for (user, level) in [
            ("@admin:hs.test", Permission::Admin),
            ("@spammer:hs.test", Permission::Block),
            ("@alice:hs.test", Permission::User),
            ("@alice:else.test", Permission::Relay),
        ] {
            assert_eq!(bridge.permission(user), level, "{user}");
        }
        assert_eq!(Bridge::default().permission("@alice:hs.test"), Permission::Block);
    }

    #[test]
    fn permission_keys_are_user_ids_domains_or_a_star() {
        for good in ["*", "hs.test", "localhost:8480", "@alice:hs.test", "@Old/Name+x:hs.test"] {
            assert_eq!(permission_key_fault(good), None, "{good}");
        }
        for bad in
            ["", "@alice", "alice:hs.test", "@:hs.test", "https://hs.test", "*.test", "@a b:hs.test", "example.com"]
        {
            assert!(permission_key_fault(bad).is_some(), "{bad}");
        }
        assert!(permission_key_fault("@admin:example.com").is_some());
    }

    #[test]
    fn a_bridge_that_nobody_may_use_is_refused() {
        for permissions in [&[][..], &[("*", Permission::Relay)], &[("hs.test", Permission::Commands)]] {
            let faults = bridge(permissions).permission_faults();
            assert_eq!(faults.len(), 1, "{permissions:?}");
        }
        assert_eq!(bridge(&[("*", Permission::User)]).permission_faults(), []);
    }
}
