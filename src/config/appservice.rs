//! `appservice:`, who we are for the homeserver.

use serde::Deserialize;

use crate::base::Secret;

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
        }
    }
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
