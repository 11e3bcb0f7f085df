//! `homeserver:`, whom we serve.

use serde::Deserialize;

use super::fault::Fault;
use super::validate::{server_name_fault, web_address};

/// The domain of the example, which is nobody's.
pub(super) const EXAMPLE_DOMAIN: &str = "example.com";

/// `homeserver:`
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Homeserver {
    /// Where we reach its client API, such as `http://127.0.0.1:8008`.
    pub address: String,
    /// Its server name, the part after the colon in user ids.
    pub domain: String,
}

impl Homeserver {
    /// Adds what is wrong to `faults`.
    pub(super) fn check(&self, faults: &mut Vec<Fault>) {
        web_address("homeserver.address", &self.address, "http://127.0.0.1:8008", faults);
        if self.domain == EXAMPLE_DOMAIN {
            let fix = "that is the example: write the name of your server";
            faults.push(Fault::text("homeserver.domain", &self.domain, fix));
        } else if let Some(fix) = server_name_fault(&self.domain) {
            faults.push(Fault::text("homeserver.domain", &self.domain, fix));
        }
    }
}
