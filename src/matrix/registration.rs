//! The registration file: what the homeserver's administrator installs, made from the configuration.

use std::fmt;

use matrix_sdk::ruma::api::appservice::{self, Namespaces, RegistrationInit};
use rand::Rng as _;
use serde::{Deserialize, Serialize};

use super::error::Error;
use super::namespace::{Namespace, quote};
use crate::base::Secret;
use crate::config;

const LOCALPART_CHARS: &[u8] = b"abcdefghijklmnopqrstuvwxyz0123456789";
const TOKEN_CHARS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

/// A registration. It prints without its tokens.
#[derive(Clone, Serialize, Deserialize)]
pub struct Registration {
    #[serde(flatten)]
    stable: appservice::Registration,
    /// What Synapse before 1.156 calls `receive_ephemeral`.
    #[serde(rename = "de.sorunome.msc2409.push_ephemeral", default)]
    push_ephemeral: bool,
}

/// A field in which the registration and the configuration do not agree. Tokens are never shown.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{field}: the registration has {registration}, the configuration wants {config}")]
pub struct Drift {
    /// The field of the registration.
    pub field: &'static str,
    /// What stands there.
    pub registration: String,
    /// What the configuration gives.
    pub config: String,
}

/// A registration file that cannot be read. It says where, and not what stands there: that may be a token.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the registration cannot be read (line {line}, column {column})")]
pub struct Unreadable {
    /// From 1; 0 when the fault is in the whole.
    pub line: usize,
    /// From 1; 0 when the fault is in the whole.
    pub column: usize,
}

impl Registration {
    /// The registration that `homeserver` and `appservice` ask for.
    ///
    /// `sender_localpart` should be random, see [`Registration::random_localpart`]: the bot is a namespaced user like
    /// the ghosts, because Synapse treats the sender itself differently in sync and device requests.
    pub fn generate(
        homeserver: &config::Homeserver,
        appservice: &config::AppService,
        as_token: &Secret,
        hs_token: &Secret,
        sender_localpart: &str,
    ) -> Result<Self, Error> {
        let mut namespaces = Namespaces::new();
        let regexes = Namespace::new(homeserver, appservice)?.regexes();
        namespaces.users = regexes.map(|regex| appservice::Namespace::new(true, regex)).into();
        let mut stable = appservice::Registration::from(RegistrationInit {
            id: appservice.id.clone(),
            url: Some(appservice.address.clone()),
            as_token: as_token.expose().to_owned(),
            hs_token: hs_token.expose().to_owned(),
            sender_localpart: sender_localpart.to_owned(),
            namespaces,
            rate_limited: Some(false),
            protocols: None,
        });
        stable.receive_ephemeral = true;
        Ok(Self { stable, push_ephemeral: true })
    }

    /// One with which `as_token` acts for everybody of `homeserver`: nothing is pushed for it, and nobody is claimed.
    #[must_use]
    pub fn for_everybody(homeserver: &config::Homeserver, as_token: &Secret) -> Self {
        let mut namespaces = Namespaces::new();
        let regex = format!("^@.*:{}$", quote(&homeserver.domain));
        namespaces.users = vec![appservice::Namespace::new(false, regex)];
        let stable = appservice::Registration::from(RegistrationInit {
            id: "doublepuppet".to_owned(),
            url: None,
            as_token: as_token.expose().to_owned(),
            // Nobody is pushed to, so nobody shows it.
            hs_token: Self::random_token().expose().to_owned(),
            sender_localpart: Self::random_localpart(),
            namespaces,
            rate_limited: Some(false),
            protocols: None,
        });
        Self { stable, push_ephemeral: false }
    }

    /// Why this does not let `as_token` act for everybody of `homeserver`, or does more than that. The token is not shown.
    #[must_use]
    pub fn unfit_for_everybody(&self, homeserver: &config::Homeserver, as_token: &Secret) -> Option<&'static str> {
        let stable = &self.stable;
        let domain = quote(&homeserver.domain);
        let is_theirs = |users: &appservice::Namespace| users.regex.contains(&domain);
        if !as_token.matches(&stable.as_token) {
            Some("its as_token is another")
        } else if stable.url.is_some() {
            Some("its url is not null")
        } else if stable.namespaces.users.iter().any(|users| users.exclusive) {
            Some("it claims users for itself (exclusive)")
        } else if !stable.namespaces.users.iter().any(is_theirs) {
            Some("its namespaces.users do not hold the people of homeserver.domain")
        } else {
            None
        }
    }

    /// A user name that nobody has: 32 characters.
    #[must_use]
    pub fn random_localpart() -> String {
        random(LOCALPART_CHARS, 32)
    }

    /// A token that nobody guesses: 64 characters.
    #[must_use]
    pub fn random_token() -> Secret {
        Secret::new(random(TOKEN_CHARS, 64))
    }

    /// The file's text, tokens included.
    pub fn to_yaml(&self) -> Result<String, Error> {
        serde_yaml::to_string(self)
            .map_err(|why| Error::Settings(format!("the registration cannot be written ({why})")))
    }

    /// Reads a file's text. Unknown keys are passed over.
    pub fn from_yaml(text: &str) -> Result<Self, Unreadable> {
        serde_yaml::from_str(text).map_err(|why| {
            let place = why.location();
            let at = |number: fn(&serde_yaml::Location) -> usize| place.as_ref().map_or(0, number);
            Unreadable { line: at(serde_yaml::Location::line), column: at(serde_yaml::Location::column) }
        })
    }

    /// What the homeserver shows its trust with: `as_token`, then `hs_token`.
    #[must_use]
    pub fn tokens(&self) -> (Secret, Secret) {
        (Secret::new(self.stable.as_token.clone()), Secret::new(self.stable.hs_token.clone()))
    }

    /// Which application service it is for.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.stable.id
    }

    /// The user name that the application service itself has.
    #[must_use]
    pub fn sender_localpart(&self) -> &str {
        &self.stable.sender_localpart
    }

    /// Where the configuration asks for another registration than this. Empty when they agree.
    pub fn drift(&self, homeserver: &config::Homeserver, appservice: &config::AppService) -> Result<Vec<Drift>, Error> {
        let (as_token, hs_token) = (&appservice.as_token, &appservice.hs_token);
        let wanted = Self::generate(homeserver, appservice, as_token, hs_token, &self.stable.sender_localpart)?;
        let mut drifts: Vec<Drift> = self
            .shown()
            .into_iter()
            .zip(wanted.shown())
            .filter_map(|(is, wanted)| Drift::between(is, wanted))
            .collect();
        drifts.extend(token_drift("as_token", &self.stable.as_token, as_token));
        drifts.extend(token_drift("hs_token", &self.stable.hs_token, hs_token));
        Ok(drifts)
    }

    /// Every field that may be shown, as text.
    fn shown(&self) -> Vec<(&'static str, String)> {
        let stable = &self.stable;
        let users = stable.namespaces.users.iter();
        vec![
            ("id", format!("{:?}", stable.id)),
            ("url", format!("{:?}", stable.url.as_deref().unwrap_or("null"))),
            ("namespaces.users", users.map(namespace_shown).collect::<Vec<_>>().join(", ")),
            ("rate_limited", stable.rate_limited.unwrap_or(true).to_string()),
            ("receive_ephemeral", stable.receive_ephemeral.to_string()),
            ("de.sorunome.msc2409.push_ephemeral", self.push_ephemeral.to_string()),
        ]
    }
}

impl Drift {
    fn between((field, registration): (&'static str, String), (_, config): (&'static str, String)) -> Option<Self> {
        (registration != config).then_some(Self { field, registration, config })
    }
}

fn namespace_shown(namespace: &appservice::Namespace) -> String {
    format!("{}{}", namespace.regex, if namespace.exclusive { "" } else { " (not exclusive)" })
}

fn token_drift(field: &'static str, registration: &str, config: &Secret) -> Option<Drift> {
    let differs = !config.matches(registration);
    differs.then(|| Drift { field, registration: "one token".to_owned(), config: "another".to_owned() })
}

fn random(alphabet: &[u8], length: usize) -> String {
    let mut rng = rand::rng();
    (0..length).filter_map(|_| alphabet.get(rng.random_range(0..alphabet.len()))).copied().map(char::from).collect()
}

impl fmt::Debug for Registration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.shown()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What the example configuration has in place of what is generated.
    const PLACEHOLDER: &str = "This value is generated when generating the registration";

    fn settings() -> (config::Homeserver, config::AppService) {
        let homeserver =
            config::Homeserver { domain: "example.com".to_owned(), address: "http://127.0.0.1:8008".to_owned() };
        let token = || Secret::new(PLACEHOLDER);
        (homeserver, config::AppService { as_token: token(), hs_token: token(), ..Default::default() })
    }

    fn example() -> Registration {
        let (homeserver, appservice) = settings();
        let token = Secret::new(PLACEHOLDER);
        Registration::generate(&homeserver, &appservice, &token, &token, PLACEHOLDER).unwrap()
    }

    #[test]
    fn the_example_file_is_what_the_code_generates() {
        let file = include_str!("../../registration.yaml.example");
        let without_comments: String =
            file.lines().filter(|line| !line.starts_with('#')).fold(String::new(), |text, line| text + line + "\n");
        assert_eq!(without_comments, example().to_yaml().unwrap());
    }

    #[test]
    fn it_is_read_back_as_it_was_written() {
        let read = Registration::from_yaml(&example().to_yaml().unwrap()).unwrap();
        let (homeserver, appservice) = settings();
        assert_eq!(read.drift(&homeserver, &appservice).unwrap(), []);
        assert_eq!(read.to_yaml().unwrap(), example().to_yaml().unwrap());
    }

    #[test]
    fn drift_names_each_field_and_shows_no_token() {
        let (mut homeserver, mut appservice) = settings();
        homeserver.domain = "other.org".to_owned();
        appservice.address = "http://bridge:29355".to_owned();
        appservice.hs_token = Secret::new("hunter2");
        let drifts = example().drift(&homeserver, &appservice).unwrap();
        let fields: Vec<_> = drifts.iter().map(|drift| drift.field).collect();
        assert_eq!(fields, ["url", "namespaces.users", "hs_token"]);
        let text = format!("{drifts:?}");
        assert!(!text.contains("hunter2") && !text.contains(PLACEHOLDER), "{text}");
        assert!(drifts[0].to_string().contains("http://bridge:29355"));
    }

    #[test]
    fn it_prints_no_token() {
        let (homeserver, appservice) = settings();
        let secret = Secret::new("hunter2");
        let made = Registration::generate(&homeserver, &appservice, &secret, &secret, "x").unwrap();
        assert!(!format!("{made:?}").contains("hunter2"));
    }

    #[test]
    fn a_file_that_cannot_be_read_says_where_and_not_what() {
        let why = Registration::from_yaml("id: qq\nurl: [hunter2\n").unwrap_err();
        assert!(why.line >= 2, "{why}");
        assert!(Registration::from_yaml("as_token: hunter2").is_err());
    }

    #[test]
    fn random_names_and_tokens_differ_and_have_their_length() {
        assert_ne!(Registration::random_localpart(), Registration::random_localpart());
        assert_eq!(Registration::random_localpart().len(), 32);
        assert_eq!(Registration::random_token().expose().len(), 64);
    }
}
