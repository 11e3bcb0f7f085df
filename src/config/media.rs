//! `bridge.media:`, what the bridge does with pictures and files.

use std::time::Duration;

use serde::Deserialize;
use url::Url;

use super::fault::Fault;
use super::validate::web_address;

/// `bridge.media:`
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Media {
    /// How large a picture or file may be, in megabytes of 2^20 bytes.
    pub max_mb: u32,
    /// How many times QQ is asked for one.
    pub tries: u32,
    /// Where the world reaches the bridge; empty means that it does not.
    pub public_address: String,
    /// For how many days an address is good under which QQ people get something.
    pub link_days: u32,
}

impl Media {
    /// [`Media::max_mb`] in bytes.
    #[must_use]
    pub fn most_bytes(&self) -> usize {
        usize::try_from(self.max_mb).unwrap_or(usize::MAX).saturating_mul(1 << 20)
    }

    /// [`Media::public_address`] as a URL.
    #[must_use]
    pub fn public_url(&self) -> Option<Url> {
        Url::parse(&self.public_address).ok()
    }

    /// [`Media::link_days`] as a duration.
    #[must_use]
    pub fn link_lifetime(&self) -> Duration {
        Duration::from_hours(u64::from(self.link_days) * 24)
    }

    /// Adds what is wrong to `faults`.
    pub(super) fn check(&self, faults: &mut Vec<Fault>) {
        let numbers = [("max_mb", self.max_mb), ("tries", self.tries), ("link_days", self.link_days)];
        for (key, _) in numbers.iter().filter(|(_, value)| *value == 0) {
            faults.push(Fault::text(&format!("bridge.media.{key}"), "0", "write 1 or more"));
        }
        if !self.public_address.is_empty() {
            web_address("bridge.media.public_address", &self.public_address, "https://qq.example.org", faults);
        }
    }
}

impl Default for Media {
    fn default() -> Self {
        Self { max_mb: 50, tries: 6, public_address: String::new(), link_days: 30 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_at_all_is_too_little_and_an_address_is_one_of_the_web() {
        let mut faults = Vec::new();
        let public_address = "ftp://qq.example.org".to_owned();
        let none = Media { max_mb: 0, tries: 0, link_days: 0, public_address };
        none.check(&mut faults);
        let keys: Vec<String> = faults.iter().map(|fault| fault.key.to_string()).collect();
        assert_eq!(keys.join(" ").replace("bridge.media.", ""), "max_mb tries link_days public_address");
        let media = Media { max_mb: 2, ..Media::default() };
        assert_eq!((media.most_bytes(), media.link_lifetime().as_secs()), (2_097_152, 30 * 86_400));
    }
}
