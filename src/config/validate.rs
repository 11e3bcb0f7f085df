//! Checks what the options say: everything that is wrong, at once. Each section knows its own rules.

use url::Url;

use super::Config;
use super::fault::Fault;

impl Config {
    /// Everything that keeps the bridge from running.
    #[must_use]
    pub fn validate(&self) -> Vec<Fault> {
        let mut faults = self.settings_faults();
        faults.extend(self.appservice.token_faults());
        faults.extend(self.bridge.permission_faults());
        faults
    }

    /// Everything that is wrong apart from tokens and permissions, which may be filled in after the registration.
    pub(super) fn settings_faults(&self) -> Vec<Fault> {
        let mut faults = Vec::new();
        self.network.check(&mut faults);
        self.bridge.check(&mut faults);
        self.database.check(&mut faults);
        self.homeserver.check(&mut faults);
        self.appservice.check(&mut faults);
        self.double_puppet.check(&self.homeserver.domain, &mut faults);
        self.provisioning.check(&mut faults);
        self.logging.check(&mut faults);
        self.metrics.check(&mut faults);
        self.status_page.check(&mut faults);
        faults
    }
}

/// The option `key` must be a web address such as `example`; adds a fault when it is not.
pub(super) fn web_address(key: &str, value: &str, example: &str, faults: &mut Vec<Fault>) {
    if let Some(why) = web_address_fault(value) {
        // What stands before an @ may be a password.
        let shown = if value.contains('@') { "***" } else { value };
        faults.push(Fault::text(key, shown, format!("{why}, such as {example}")));
    }
}

fn web_address_fault(value: &str) -> Option<&'static str> {
    let Ok(url) = Url::parse(value) else { return Some("write a URL with http:// or https://") };
    if !matches!(url.scheme(), "http" | "https") {
        return Some("write a URL with http:// or https://");
    }
    if !url.username().is_empty() || url.password().is_some() || url.query().is_some() || url.fragment().is_some() {
        return Some("write the URL without a user, ? or #");
    }
    None
}

/// Characters that a Matrix user id may hold before the colon. Source: Matrix specification 1.17, appendix "User
/// identifiers".
pub(super) fn is_localpart(text: &str) -> bool {
    text.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || "._=-/+".contains(c))
}

/// Whether `text` may stand before the colon of a user id that already exists: old ones hold more than new ones may.
pub(super) fn is_historical_localpart(text: &str) -> bool {
    !text.is_empty() && text.chars().all(|c| c.is_ascii_graphic() && c != ':')
}

/// What is wrong with `domain` as a Matrix server name: host or address, perhaps a port; nothing when it is fine.
/// Source: Matrix specification 1.17, appendix "Server name".
pub(super) fn server_name_fault(domain: &str) -> Option<&'static str> {
    const FIX: &str = "write the server name alone, such as matrix.org, the part after the colon in user ids";
    let (host, port) = match domain.rsplit_once(':') {
        Some((host, port)) if !port.ends_with(']') => (host, Some(port)),
        _ => (domain, None),
    };
    let host_is_fine = match host.strip_prefix('[').and_then(|host| host.strip_suffix(']')) {
        Some(address) => address.parse::<std::net::Ipv6Addr>().is_ok(),
        None => !host.is_empty() && host.chars().all(|c| c.is_ascii_alphanumeric() || c == '.' || c == '-'),
    };
    let port_is_fine = port.is_none_or(|port| port.parse::<u16>().is_ok());
    (!host_is_fine || !port_is_fine).then_some(FIX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn server_names_are_hosts_or_addresses_with_perhaps_a_port() {
        for good in ["matrix.org", "hs.test", "localhost", "localhost:8480", "1.2.3.4:80", "[::1]", "[::1]:8448"] {
            assert_eq!(server_name_fault(good), None, "{good}");
        }
        for bad in ["", "https://matrix.org", "matrix.org/", "a b", "@bot:matrix.org", "matrix.org:x", "[::x]", "::1"] {
            assert!(server_name_fault(bad).is_some(), "{bad}");
        }
    }

    #[test]
    fn web_addresses_have_a_scheme_and_a_host_and_no_user() {
        for good in ["http://127.0.0.1:8008", "https://matrix.example.org", "https://a.b/path/"] {
            assert_eq!(web_address_fault(good), None, "{good}");
        }
        for bad in ["", "127.0.0.1:8008", "ftp://a.b", "https://u:p@a.b", "https://a.b/?x=1", "http://"] {
            assert!(web_address_fault(bad).is_some(), "{bad}");
        }
    }
}
