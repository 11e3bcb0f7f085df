//! `metrics:` and `health:`, what whoever runs the bridge can see of it.

use std::net::SocketAddr;
use std::time::Duration;

use serde::Deserialize;

use super::fault::Fault;

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
}
