//! `homeserver:`, whom we serve.

use serde::Deserialize;

/// `homeserver:`
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Homeserver {
    /// Where we reach its client API, such as `http://127.0.0.1:8008`.
    pub address: String,
    /// Its server name, the part after the colon in user ids.
    pub domain: String,
}
