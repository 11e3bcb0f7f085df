//! `double_puppet:`, how people's own words come from themselves.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::fault::Fault;
use super::key::Key;
use crate::base::Secret;

/// How a secret of [`DoublePuppet::secrets`] begins, as in other bridges.
const MARK: &str = "as_token:";

/// `double_puppet:`
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct DoublePuppet {
    /// By domain, `as_token:` and the token of a registration that lets us act for everybody of that domain.
    pub secrets: BTreeMap<String, Secret>,
    /// Whether direct chats are entered into the `m.direct` of those who have a puppet.
    pub sync_direct_chat_list: bool,
}

impl DoublePuppet {
    /// The token that acts for everybody of `domain`, if there is one.
    #[must_use]
    pub fn as_token(&self, domain: &str) -> Option<Secret> {
        self.secrets.get(domain)?.expose().strip_prefix(MARK).map(Secret::new)
    }

    /// Adds what is wrong to `faults`; `domain` is that of the homeserver.
    pub(super) fn check(&self, domain: &str, faults: &mut Vec<Fault>) {
        let all = Key::of("double_puppet.secrets");
        for (of, secret) in &self.secrets {
            let token = secret.expose().strip_prefix(MARK).unwrap_or_default();
            let fix = if of != domain {
                "write homeserver.domain for its name: this bridge acts for people of its own server only"
            } else if token.is_empty() || !token.chars().all(|c| c.is_ascii_graphic()) {
                "write as_token: and, behind it without a space, the as_token of the second registration"
            } else {
                continue;
            };
            faults.push(Fault::new(all.child(of), "***", fix));
        }
    }
}

impl Default for DoublePuppet {
    fn default() -> Self {
        Self { secrets: BTreeMap::new(), sync_direct_chat_list: true }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_a_token_for_the_own_server() {
        for (domain, secret, token) in [
            ("hs.test", "as_token:abc", Some("abc")),
            ("hs.test", "as_token:", None),
            ("hs.test", "as_token: abc", None),
            ("hs.test", "abc", None),
            ("else.test", "as_token:abc", None),
        ] {
            let secrets = [(domain.to_owned(), Secret::new(secret))].into_iter().collect();
            let puppet = DoublePuppet { secrets, ..DoublePuppet::default() };
            let mut faults = Vec::new();
            puppet.check("hs.test", &mut faults);
            assert_eq!(faults.is_empty(), token.is_some(), "{domain} {secret}: {faults:?}");
            assert!(!format!("{faults:?}").contains("abc"));
            if token.is_some() {
                assert_eq!(puppet.as_token("hs.test"), token.map(Secret::new));
            }
        }
        assert_eq!(DoublePuppet::default().as_token("hs.test"), None);
    }
}
