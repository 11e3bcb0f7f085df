//! `appservice:`, who we are for the homeserver.

use serde::Deserialize;
use url::Host;

use super::fault::Fault;
use super::key::Key;
use super::validate::{is_localpart, web_address};
use crate::base::Secret;

/// What stands for a token until one is made.
pub const TOKEN_PLACEHOLDER: &str = "This value is generated when generating the registration";

/// Where the contact's id goes in [`AppService::username_template`]; Go's templates allow the spaces.
const HOLES: [&str; 2] = ["{{.}}", "{{ . }}"];

/// `appservice:`
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct AppService {
    /// Where the homeserver reaches us, such as `http://127.0.0.1:29355`.
    pub address: String,
    /// The address that we listen on.
    pub hostname: String,
    /// The port that we listen on.
    pub port: u16,
    /// The id of our registration.
    pub id: String,
    /// Our bot.
    pub bot: Bot,
    /// Localpart of ghosts; `{{.}}` is the contact's id.
    pub username_template: String,
    /// What we show to the homeserver.
    pub as_token: Secret,
    /// What the homeserver shows to us.
    pub hs_token: Secret,
    /// A file that holds `as_token`.
    pub as_token_file: Option<String>,
    /// A file that holds `hs_token`.
    pub hs_token_file: Option<String>,
}

impl AppService {
    /// Whether `token` is still to be made.
    #[must_use]
    pub fn is_unmade(token: &Secret) -> bool {
        token.is_empty() || token.matches(TOKEN_PLACEHOLDER) || token.matches("generate")
    }

    /// Adds what is wrong, apart from tokens, to `faults`.
    pub(super) fn check(&self, faults: &mut Vec<Fault>) {
        web_address("appservice.address", &self.address, "http://127.0.0.1:29355", faults);
        if Host::parse(&self.hostname).is_err() && self.hostname.parse::<std::net::Ipv6Addr>().is_err() {
            let fix = "write the address to listen on, such as 127.0.0.1, or 0.0.0.0 for all";
            faults.push(Fault::text("appservice.hostname", &self.hostname, fix));
        }
        if self.port == 0 {
            let fix = "write a fixed port, the one in appservice.address";
            faults.push(Fault::text("appservice.port", "0", fix));
        }
        if self.id.is_empty() || !self.id.chars().all(|c| c.is_ascii_alphanumeric() || "_-.".contains(c)) {
            faults.push(Fault::text("appservice.id", &self.id, "write letters, digits, _ and -, such as qq"));
        }
        self.check_names(faults);
    }

    /// The bot must not be a ghost, and neither may break the rules of user ids.
    fn check_names(&self, faults: &mut Vec<Fault>) {
        const LETTERS: &str = "user ids may hold a-z 0-9 . _ = - / + only";
        let (template, bot) = (&self.username_template, &self.bot.username);
        let holes: Vec<_> = HOLES.iter().flat_map(|hole| template.match_indices(hole)).collect();
        let (before, after) = match holes.as_slice() {
            [(start, hole)] => (template.get(..*start), template.get(start + hole.len()..)),
            _ => (None, None),
        };
        let (before, after) = (before.unwrap_or_default(), after.unwrap_or_default());
        let fix = match holes.len() {
            1 if !is_localpart(before) || !is_localpart(after) => LETTERS,
            1 if before.is_empty() && after.is_empty() => {
                "ghosts would be the whole server; write something before {{.}}, such as qq_{{.}}"
            }
            1 => "",
            _ => "write {{.}} once, where the contact's id goes, such as qq_{{.}}",
        };
        if !fix.is_empty() {
            faults.push(Fault::text("appservice.username_template", template, fix));
        }
        if bot.is_empty() || !is_localpart(bot) {
            let fix = format!("write the part between @ and : of the bot's user id, such as qqbot; {LETTERS}");
            faults.push(Fault::text("appservice.bot.username", bot, fix));
        } else if fix.is_empty() && is_between(bot, before, after) {
            let fix = "it would be a ghost (appservice.username_template); give the bot another name, such as qqbot";
            faults.push(Fault::text("appservice.bot.username", bot, fix));
        }
    }

    /// What is wrong with the tokens.
    pub(super) fn token_faults(&self) -> Vec<Fault> {
        let tokens = [("appservice.as_token", &self.as_token), ("appservice.hs_token", &self.hs_token)];
        let mut faults = Vec::new();
        for (key, token) in tokens {
            if Self::is_unmade(token) {
                faults.push(Fault::unset(key, "make the registration with -g, which fills it in"));
            } else if !token.expose().chars().all(|c| c.is_ascii_graphic()) {
                faults.push(Fault::new(Key::of(key), "***", "it holds spaces or letters beyond ASCII; make it anew"));
            }
        }
        if faults.is_empty() && self.as_token == self.hs_token {
            let fix = "it equals appservice.as_token; the two must differ";
            faults.push(Fault::new(Key::of("appservice.hs_token"), "***", fix));
        }
        faults
    }
}

impl Default for AppService {
    fn default() -> Self {
        Self {
            address: "http://127.0.0.1:29355".to_owned(),
            hostname: "127.0.0.1".to_owned(),
            port: 29355,
            id: "qq".to_owned(),
            bot: Bot::default(),
            username_template: "qq_{{.}}".to_owned(),
            as_token: Secret::default(),
            hs_token: Secret::default(),
            as_token_file: None,
            hs_token_file: None,
        }
    }
}

/// Whether `text` is `before`, something, `after`.
fn is_between(text: &str, before: &str, after: &str) -> bool {
    text.strip_prefix(before).and_then(|rest| rest.strip_suffix(after)).is_some_and(|between| !between.is_empty())
}

/// `appservice.bot:`
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Bot {
    /// Localpart.
    pub username: String,
    /// Display name; empty leaves it alone.
    pub displayname: String,
}

impl Default for Bot {
    fn default() -> Self {
        Self { username: "qqbot".to_owned(), displayname: "QQ bridge bot".to_owned() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_fault_is_found() {
        let found = |change: fn(&mut AppService)| {
            let mut service = AppService::default();
            change(&mut service);
            let mut faults = Vec::new();
            service.check(&mut faults);
            faults.iter().map(|fault| fault.key.to_string()).collect::<Vec<_>>()
        };
        assert_eq!(found(|_| ()), [""; 0]);
        assert_eq!(found(|s| s.hostname = "::".into()), [""; 0]);
        assert_eq!(found(|s| s.address = "localhost:1".into()), ["appservice.address"]);
        assert_eq!(found(|s| s.hostname = "http://x".into()), ["appservice.hostname"]);
        assert_eq!(found(|s| s.port = 0), ["appservice.port"]);
        assert_eq!(found(|s| s.id = String::new()), ["appservice.id"]);
        for template in ["qq_", "{{.}}", "QQ_{{.}}", "qq_{{.}}{{ . }}", "qq:{{.}}"] {
            let mut faults = Vec::new();
            AppService { username_template: template.to_owned(), ..AppService::default() }.check(&mut faults);
            assert_eq!(faults.len(), 1, "{template}: {faults:?}");
        }
        assert_eq!(found(|s| s.username_template = "_{{ . }}_x".into()), [""; 0]);
        assert_eq!(found(|s| s.bot.username = "QQ".into()), ["appservice.bot.username"]);
        assert_eq!(found(|s| s.bot.username = "qq_bot".into()), ["appservice.bot.username"]);
    }

    #[test]
    fn tokens_must_be_made_differ_and_fit_into_a_header() {
        let faulty = |one: &str, other: &str| {
            let service =
                AppService { as_token: Secret::new(one), hs_token: Secret::new(other), ..AppService::default() };
            service.token_faults().into_iter().map(|fault| fault.key.to_string()).collect::<Vec<_>>()
        };
        assert_eq!(faulty("a", "b"), [""; 0]);
        assert_eq!(faulty("a", "a"), ["appservice.hs_token"]);
        assert_eq!(faulty("", TOKEN_PLACEHOLDER), ["appservice.as_token", "appservice.hs_token"]);
        assert_eq!(faulty("a b", "generate"), ["appservice.as_token", "appservice.hs_token"]);
    }
}
