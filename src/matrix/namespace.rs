//! Which Matrix users are ours: the bot, and one ghost for each contact.

use std::fmt::Write as _;

use matrix_sdk::ruma::{OwnedServerName, OwnedUserId, ServerName, UserId};

use super::error::Error;
use crate::config;

/// Where the contact's id stands in `appservice.username_template`; Go templates allow the spaces.
const HOLES: [&str; 2] = ["{{.}}", "{{ . }}"];

/// A user id is no longer. Source: Matrix specification 1.18, appendices, user identifiers.
const MOST_BYTES: usize = 255;

/// Our part of the homeserver's users. It turns contacts into ghosts and back, and touches no network.
#[derive(Clone, Debug)]
pub struct Namespace {
    bot: OwnedUserId,
    domain: OwnedServerName,
    prefix: String,
    suffix: String,
}

impl Namespace {
    /// Reads the bot's name, the ghosts' template and the domain. Fails, naming the key, when they cannot work.
    pub fn new(homeserver: &config::Homeserver, appservice: &config::AppService) -> Result<Self, Error> {
        let domain = ServerName::parse(&homeserver.domain)
            .map_err(|_| Error::Settings(format!("homeserver.domain: {:?} is no server name", homeserver.domain)))?;
        let bot = user(&appservice.bot.username, &domain)
            .map_err(|why| Error::Settings(format!("appservice.bot.username: {why}")))?;
        let (prefix, suffix) = around_hole(&appservice.username_template)?;
        let ours = Self { bot, domain, prefix: prefix.to_owned(), suffix: suffix.to_owned() };
        if ours.contact_of(&ours.bot).is_some() {
            return Err(Error::Settings(format!(
                "appservice.username_template: {:?} would make the bot {} a ghost",
                appservice.username_template, ours.bot
            )));
        }
        ours.ghost_id("0").map_err(|why| Error::Settings(format!("appservice.username_template: {why}")))?;
        Ok(ours)
    }

    /// The bot.
    #[must_use]
    pub fn bot(&self) -> &UserId {
        &self.bot
    }

    /// The domain of all our users.
    #[must_use]
    pub fn domain(&self) -> &ServerName {
        &self.domain
    }

    /// The ghost of `contact`: the same for ever, another one for each contact. Fails only when the id gets too long.
    pub fn ghost_id(&self, contact: &str) -> Result<OwnedUserId, Error> {
        let localpart = format!("{}{}{}", self.prefix, escape(contact), self.suffix);
        user(&localpart, &self.domain).map_err(Error::Settings)
    }

    /// Whose ghost `user_id` is; none when it is not a ghost of ours.
    #[must_use]
    pub fn contact_of(&self, user_id: &UserId) -> Option<String> {
        let escaped = user_id.localpart().strip_prefix(&self.prefix)?.strip_suffix(&self.suffix)?;
        if user_id.server_name() != self.domain {
            return None;
        }
        unescape(escaped).filter(|contact| !contact.is_empty())
    }

    /// Whether `user_id` is the bot or a ghost.
    #[must_use]
    pub fn is_ours(&self, user_id: &UserId) -> bool {
        user_id == self.bot || self.contact_of(user_id).is_some()
    }

    /// Regular expressions for the registration: the bot's and the ghosts'.
    #[must_use]
    pub fn regexes(&self) -> [String; 2] {
        let quoted = [self.bot.localpart(), &self.prefix, &self.suffix, self.domain.as_str()].map(quote);
        let [bot, prefix, suffix, domain] = quoted;
        [format!("^@{bot}:{domain}$"), format!("^@{prefix}.*{suffix}:{domain}$")]
    }
}

fn around_hole(template: &str) -> Result<(&str, &str), Error> {
    let hole = HOLES.iter().find_map(|hole| template.split_once(hole));
    hole.ok_or_else(|| Error::Settings(format!("appservice.username_template: {template:?} lacks {}", HOLES[0])))
}

fn user(localpart: &str, domain: &ServerName) -> Result<OwnedUserId, String> {
    if localpart.is_empty() || !localpart.bytes().all(is_plain_or_escape) {
        return Err(format!("{localpart:?} may hold only a-z 0-9 . _ = - / +"));
    }
    let user_id = format!("@{localpart}:{domain}");
    if user_id.len() > MOST_BYTES {
        return Err(format!("{localpart:?} is too long for a user name"));
    }
    UserId::parse(user_id).map_err(|why| format!("{localpart:?} is no user name ({why})"))
}

/// What a localpart may hold. Source: Matrix specification 1.18, appendices, user identifiers.
fn is_plain_or_escape(byte: u8) -> bool {
    byte == b'=' || is_plain(byte)
}

fn is_plain(byte: u8) -> bool {
    byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"._-/+".contains(&byte)
}

/// `=` and two hex digits for each byte that a localpart may not hold: upper and lower case stay two contacts.
fn escape(contact: &str) -> String {
    contact.bytes().fold(String::with_capacity(contact.len()), |mut out, byte| {
        if is_plain(byte) {
            out.push(char::from(byte));
        } else {
            // Writing to a string cannot fail.
            let _ = write!(out, "={byte:02x}");
        }
        out
    })
}

/// Undoes [`escape`]; none for what it never makes, so that no two users are the same contact's ghost.
fn unescape(localpart: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(localpart.len());
    let mut rest = localpart;
    while let Some((plain, after)) = rest.split_once('=') {
        bytes.extend_from_slice(plain.as_bytes());
        bytes.push(u8::from_str_radix(after.get(..2)?, 16).ok()?);
        rest = after.get(2..)?;
    }
    bytes.extend_from_slice(rest.as_bytes());
    String::from_utf8(bytes).ok().filter(|contact| escape(contact) == localpart)
}

/// `text` as a regular expression that matches it only.
pub(super) fn quote(text: &str) -> String {
    text.chars().fold(String::with_capacity(text.len()), |mut out, char| {
        if r"\.+*?()|[]{}^$".contains(char) {
            out.push('\\');
        }
        out.push(char);
        out
    })
}

#[cfg(test)]
mod tests {
    use matrix_sdk::ruma::user_id;
    use proptest::prelude::*;

    use super::*;

    fn namespace(template: &str) -> Result<Namespace, Error> {
        let homeserver = config::Homeserver { domain: "hs.test".to_owned(), ..Default::default() };
        let appservice = config::AppService { username_template: template.to_owned(), ..Default::default() };
        Namespace::new(&homeserver, &appservice)
    }

    #[test]
    fn the_bot_and_the_ghosts_are_ours_and_nobody_else_is() {
        let ours = namespace("qq_{{.}}").unwrap();
        assert_eq!(ours.bot(), "@qqbot:hs.test");
        assert_eq!(ours.ghost_id("10001").unwrap(), "@qq_10001:hs.test");
        assert_eq!(ours.contact_of(user_id!("@qq_10001:hs.test")).as_deref(), Some("10001"));
        for stranger in ["@alice:hs.test", "@qq_10001:other.test", "@qq_:hs.test", "@qq_A:hs.test", "@qq_=zz:hs.test"] {
            assert!(!ours.is_ours(&UserId::parse(stranger).unwrap()), "{stranger}");
        }
        assert!(ours.is_ours(ours.bot()) && ours.contact_of(ours.bot()).is_none());
    }

    #[test]
    fn the_regexes_take_every_character_for_itself() {
        let ours = namespace("q+q_{{ . }}.x").unwrap();
        assert_eq!(ours.regexes(), [r"^@qqbot:hs\.test$", r"^@q\+q_.*\.x:hs\.test$"]);
    }

    #[test]
    fn a_template_that_cannot_work_names_its_key() {
        for template in ["qq_", "{{.}}", "QQ_{{.}}", "qq {{.}}"] {
            let why = namespace(template).unwrap_err().to_string();
            assert!(why.starts_with("appservice.username_template: "), "{template}: {why}");
        }
        let homeserver = config::Homeserver { domain: "no domain".to_owned(), ..Default::default() };
        let why = Namespace::new(&homeserver, &config::AppService::default()).unwrap_err().to_string();
        assert!(why.starts_with("homeserver.domain: "), "{why}");
    }

    #[test]
    fn a_contact_too_long_for_a_user_id_is_refused() {
        assert!(namespace("qq_{{.}}").unwrap().ghost_id(&"9".repeat(300)).is_err());
    }

    proptest! {
        #[test]
        fn every_contact_is_found_again_from_its_ghost(contact in "\\PC{1,15}") {
            let ours = namespace("qq_{{.}}").unwrap();
            let ghost = ours.ghost_id(&contact).unwrap();
            prop_assert_eq!(ours.contact_of(&ghost), Some(contact));
        }
    }
}
