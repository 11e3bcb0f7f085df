//! `bridge.portal_create_filter:`, which chats get a room by themselves.

use serde::Deserialize;

use super::fault::Fault;

/// The kinds of chats. The id of a chat begins with its kind.
const KINDS: [&str; 4] = ["friend", "group", "discussion", "temporary"];

/// `bridge.portal_create_filter:`
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct PortalFilter {
    /// What the list is.
    pub mode: FilterMode,
    /// Kinds and ids of chats, each perhaps behind the number of an account and a slash.
    pub list: Vec<String>,
}

/// What a list of chats is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum FilterMode {
    /// Those that get no room.
    #[default]
    Deny,
    /// Those that get one, and no others.
    Allow,
}

impl PortalFilter {
    /// Whether the chat `chat` of this `kind`, which `account` has, gets a room by itself.
    #[must_use]
    pub fn lets(&self, account: &str, kind: &str, chat: &str) -> bool {
        let means = |entry: &String| {
            let (whose, what) = parts(entry);
            whose.is_none_or(|whose| whose == account) && (what == kind || what == chat)
        };
        self.list.iter().any(means) == (self.mode == FilterMode::Allow)
    }

    /// Adds what is wrong to `faults`.
    pub(super) fn check(&self, faults: &mut Vec<Fault>) {
        for entry in &self.list {
            let (kind, id) = match parts(entry).1.split_once(':') {
                Some((kind, id)) => (kind, Some(id)),
                None => (parts(entry).1, None),
            };
            if KINDS.contains(&kind) && id != Some("") {
                continue;
            }
            let fix = "write friend, group, discussion or temporary, or the id of a chat, such as group:3";
            let shown = if entry.is_empty() { "\"\" in it" } else { entry };
            faults.push(Fault::text("bridge.portal_create_filter.list", shown, fix));
        }
    }
}

/// The account that `entry` is about, if it says so, and what of it.
fn parts(entry: &str) -> (Option<&str>, &str) {
    match entry.split_once('/') {
        Some((whose, what)) if whose.chars().all(|c| c.is_ascii_digit()) => (Some(whose), what),
        _ => (None, entry),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filter(mode: FilterMode, list: &[&str]) -> PortalFilter {
        PortalFilter { mode, list: list.iter().map(|&entry| entry.to_owned()).collect() }
    }

    #[test]
    fn a_list_is_of_those_that_get_no_room_or_of_those_that_get_one() {
        let lets = |list: &[&str], account, kind, chat| {
            let denied = !filter(FilterMode::Deny, list).lets(account, kind, chat);
            assert_eq!(filter(FilterMode::Allow, list).lets(account, kind, chat), denied, "{list:?}");
            denied
        };
        assert!(!lets(&[], "10001", "group", "group:3"));
        for list in [&["friend", "group"][..], &["group:3"], &["10001/group"], &["10001/group:3"]] {
            assert!(lets(list, "10001", "group", "group:3"), "{list:?}");
        }
        for list in [&["friend"][..], &["group:31"], &["10002/group"], &["10002/group:3"]] {
            assert!(!lets(list, "10001", "group", "group:3"), "{list:?}");
        }
    }

    #[test]
    fn entries_that_mean_no_chat_are_faults() {
        for (entry, is_good) in [
            ("group", true),
            ("group:3", true),
            ("friend:10001.2", true),
            ("10001/temporary", true),
            ("groups", false),
            ("", false),
            ("group:", false),
            ("10001/", false),
            ("!room:example.org", false),
        ] {
            let mut faults = Vec::new();
            filter(FilterMode::Deny, &[entry]).check(&mut faults);
            assert_eq!(faults.is_empty(), is_good, "{entry}");
        }
    }
}
