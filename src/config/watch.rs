//! `metrics:`, `health:` and `status_page:`, what whoever runs the bridge can see of it.

use std::net::SocketAddr;
use std::time::Duration;

use serde::Deserialize;

use super::fault::Fault;
use super::key::Key;
use super::validate::web_address;
use crate::base::Secret;

/// How long the secret of the status page has to be, in bytes.
const LEAST: usize = 16;

/// `metrics:`
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Metrics {
    /// Whether there is `/metrics`.
    pub enabled: bool,
    /// Address and port of its own; empty means the port that the homeserver pushes to.
    pub listen: String,
}

impl Metrics {
    /// Its own address, if it has one.
    #[must_use]
    pub fn own_address(&self) -> Option<SocketAddr> {
        self.listen.parse().ok()
    }

    /// Adds what is wrong to `faults`.
    pub(super) fn check(&self, faults: &mut Vec<Fault>) {
        if !self.listen.is_empty() && self.own_address().is_none_or(|address| address.port() == 0) {
            let fix = "write an address with a port, such as 127.0.0.1:29356, or leave it empty";
            faults.push(Fault::text("metrics.listen", &self.listen, fix));
        }
    }
}

/// `health:`
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Health {
    /// How old the last poll of a login may be that ended well, in seconds.
    pub poll_age_s: u64,
    /// How long the oldest of a queue may wait, in seconds.
    pub queue_age_s: u64,
}

impl Health {
    /// [`Health::poll_age_s`] as a duration.
    #[must_use]
    pub fn poll_age(&self) -> Duration {
        Duration::from_secs(self.poll_age_s)
    }

    /// [`Health::queue_age_s`] as a duration.
    #[must_use]
    pub fn queue_age(&self) -> Duration {
        Duration::from_secs(self.queue_age_s)
    }
}

impl Default for Health {
    fn default() -> Self {
        Self { poll_age_s: 180, queue_age_s: 900 }
    }
}

/// `status_page:`
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct StatusPage {
    /// Whether there is one.
    pub enabled: bool,
    /// Where people reach the bridge; empty means that nobody gets the address of a QR code.
    pub address: String,
    /// What opens it.
    pub secret: Secret,
    /// A file that holds `secret`.
    pub secret_file: Option<String>,
}

impl StatusPage {
    /// Adds what is wrong to `faults`.
    pub(super) fn check(&self, faults: &mut Vec<Fault>) {
        if !self.address.is_empty() {
            web_address("status_page.address", &self.address, "https://qq.example.org", faults);
        }
        if self.enabled && self.secret.expose().len() < LEAST {
            let fix = "write at least 16 characters that nobody guesses, such as `openssl rand -hex 24` prints";
            let shown = if self.secret.is_empty() { "\"\"" } else { "***" };
            faults.push(Fault::new(Key::of("status_page.secret"), shown, fix));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_has_a_port_and_no_address_is_fine() {
        for (listen, good) in
            [("", true), ("127.0.0.1:9100", true), ("[::]:9100", true), ("9100", false), ("a:1", false)]
        {
            let mut faults = Vec::new();
            Metrics { enabled: true, listen: listen.to_owned() }.check(&mut faults);
            assert_eq!(faults.is_empty(), good, "{listen}");
        }
    }

    #[test]
    fn a_status_page_has_a_long_secret_and_no_page_needs_none() {
        for (enabled, secret, address, good) in [
            (false, "", "", true),
            (true, "", "", false),
            (true, "too short", "", false),
            (true, "0123456789abcdef", "", true),
            (true, "0123456789abcdef", "https://qq.example.org", true),
            (true, "0123456789abcdef", "qq.example.org", false),
        ] {
            let mut faults = Vec::new();
            let page =
                StatusPage { enabled, address: address.to_owned(), secret: Secret::new(secret), secret_file: None };
            page.check(&mut faults);
            assert_eq!(faults.is_empty(), good, "{secret} {address}");
            assert!(secret.is_empty() || faults.iter().all(|fault| !fault.value.contains(secret)));
        }
    }
}
