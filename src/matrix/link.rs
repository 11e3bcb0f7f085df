//! Addresses under which people without a Matrix account get one picture or file for a while: signed by us, so that
//! nobody makes one for anything else.

use std::fmt;
use std::time::Duration;

use hmac::{Hmac, Mac as _};
use matrix_sdk::ruma::{MxcUri, OwnedMxcUri};
use sha2::Sha256;
use url::Url;

use crate::base::Secret;

/// What such an address begins with, after the address of the bridge.
pub(super) const PATH: &str = "/_webqq/media";

/// The longest name in an address: QQ's messages are short.
const LONGEST_NAME: usize = 40;

/// Makes and checks addresses.
#[derive(Clone)]
pub struct Links {
    address: Url,
    key: [u8; 32],
    lifetime: Duration,
}

impl Links {
    /// For a bridge that the world reaches at `address`. The addresses are good for `lifetime`, and until `secret` changes.
    #[must_use]
    pub fn new(address: Url, secret: &Secret, lifetime: Duration) -> Self {
        // A key of their own, which says nothing of the secret that it is made from.
        let key = digest(secret.expose().as_bytes(), &["matrix-webqq media link"]).finalize().into_bytes().into();
        Self { address, key, lifetime }
    }

    /// The address of `media`, from now on; `None` when that is no address of a homeserver.
    #[must_use]
    pub fn link(&self, media: &MxcUri, name: &str, now_ms: i64) -> Option<Url> {
        let (server, id) = media.parts().ok()?;
        let (name, until) = (plain(name), self.until(now_ms).to_string());
        let signature = self.digest(server.as_str(), id, &name, &until).finalize().into_bytes();
        let mut url = self.address.clone();
        let path = [self.address.path().trim_end_matches('/'), PATH].concat();
        url.set_path(&path);
        url.path_segments_mut().ok()?.extend([server.as_str(), id, &name]);
        url.query_pairs_mut().append_pair("until", &until).append_pair("sig", &hex::encode(signature));
        Some(url)
    }

    /// What an address leads to; `None` when we did not make it or it is too old.
    #[must_use]
    pub fn open(&self, place: &LinkPath, stamp: &LinkStamp, now_ms: i64) -> Option<OwnedMxcUri> {
        let LinkPath { server, id, name } = place;
        let signature = hex::decode(&stamp.sig).ok()?;
        // In constant time.
        self.digest(server, id, name, &stamp.until).verify_slice(&signature).ok()?;
        let is_good = stamp.until.parse::<i64>().is_ok_and(|until| now_ms / 1000 <= until);
        let media = OwnedMxcUri::from(format!("mxc://{server}/{id}"));
        (is_good && media.is_valid()).then_some(media)
    }

    fn until(&self, now_ms: i64) -> i64 {
        (now_ms / 1000).saturating_add(i64::try_from(self.lifetime.as_secs()).unwrap_or(i64::MAX))
    }

    fn digest(&self, server: &str, id: &str, name: &str, until: &str) -> Hmac<Sha256> {
        digest(&self.key, &[server, id, name, until])
    }
}

/// The part of an address that says what it leads to.
#[derive(Clone, Debug, serde::Deserialize)]
pub struct LinkPath {
    /// The homeserver that has it.
    pub server: String,
    /// Its id there.
    pub id: String,
    /// The name under which it is saved.
    pub name: String,
}

/// The part of an address that says that we made it.
#[derive(Clone, Debug, serde::Deserialize)]
pub struct LinkStamp {
    /// Until when it is good, in seconds since 1970.
    pub until: String,
    /// Our signature, in hexadecimal.
    pub sig: String,
}

impl fmt::Debug for Links {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Links").field("address", &self.address.as_str()).finish_non_exhaustive()
    }
}

/// The digest of `parts`, which are told apart by their lengths.
fn digest(key: &[u8], parts: &[&str]) -> Hmac<Sha256> {
    let mut digest = Hmac::<Sha256>::new_from_slice(key).unwrap_or_else(|_| Hmac::new(&[0; 64].into()));
    for part in parts {
        digest.update(&part.len().to_be_bytes());
        digest.update(part.as_bytes());
    }
    digest
}

/// A name that needs no escape in an address and no thought in a file system; its ending stays.
fn plain(name: &str) -> String {
    let fits = |c: &char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
    let is_ending = |ending: &str| ending.len() <= 8 && ending.chars().all(|c| c.is_ascii_alphanumeric());
    let (stem, ending) = name.rsplit_once('.').filter(|(_, ending)| is_ending(ending)).unwrap_or((name, ""));
    let stem: String = stem.chars().filter(fits).take(LONGEST_NAME).collect();
    let stem = if stem.is_empty() { "file" } else { &stem };
    if ending.is_empty() { stem.to_owned() } else { format!("{stem}.{ending}") }
}

#[cfg(test)]
mod tests {
    use matrix_sdk::ruma::mxc_uri;

    use super::*;

    const NOW_MS: i64 = 1_700_000_000_000;

    fn links(secret: &str) -> Links {
        let address = Url::parse("https://qq.example.org/bridge/").unwrap();
        Links::new(address, &Secret::new(secret), Duration::from_hours(1))
    }

    fn taken_apart(url: &Url) -> (LinkPath, LinkStamp) {
        let mut path = url.path_segments().unwrap().rev().map(str::to_owned);
        let (name, id, server) = (path.next().unwrap(), path.next().unwrap(), path.next().unwrap());
        let query = |name: &str| url.query_pairs().find(|(key, _)| key == name).unwrap().1.into_owned();
        (LinkPath { server, id, name }, LinkStamp { until: query("until"), sig: query("sig") })
    }

    #[test]
    fn an_address_leads_to_what_it_was_made_for_until_its_time_is_over() {
        let media = mxc_uri!("mxc://hs.test/AbC-d_1");
        let url = links("secret").link(media, "图 片.v2.PNG", NOW_MS).unwrap();
        let start = "https://qq.example.org/bridge/_webqq/media/hs.test/AbC-d_1/v2.PNG?until=1700003600&sig=";
        assert!(url.as_str().starts_with(start), "{url}");
        let (path, stamp) = taken_apart(&url);
        let open = |now_ms| links("secret").open(&path, &stamp, now_ms);
        assert_eq!(open(NOW_MS + 3_600_000).as_deref(), Some(media));
        assert_eq!(open(NOW_MS + 3_601_000), None);
    }

    #[test]
    fn whatever_is_changed_in_an_address_it_leads_nowhere() {
        let url = links("secret").link(mxc_uri!("mxc://hs.test/1"), "a.png", NOW_MS).unwrap();
        let (path, stamp) = taken_apart(&url);
        let is_open = |links: &Links, path: &LinkPath, stamp: &LinkStamp| links.open(path, stamp, NOW_MS).is_some();
        let ours = links("secret");
        assert!(is_open(&ours, &path, &stamp));
        assert!(!is_open(&links("another"), &path, &stamp));
        for changed in [
            LinkPath { server: "hs.tes".into(), id: "t1".into(), ..path.clone() },
            LinkPath { id: "2".into(), ..path.clone() },
            LinkPath { name: "a.html".into(), ..path.clone() },
        ] {
            assert!(!is_open(&ours, &changed, &stamp), "{changed:?}");
        }
        let sig = |sig: &str| LinkStamp { sig: sig.to_owned(), ..stamp.clone() };
        let half = stamp.sig.get(..32).unwrap();
        for changed in [sig(""), sig("0"), sig("zz"), sig(half), sig(&[&stamp.sig, "00"].concat())] {
            assert!(!is_open(&ours, &path, &changed), "{changed:?}");
        }
        assert!(!is_open(&ours, &path, &LinkStamp { until: "9999999999".into(), ..stamp.clone() }));
    }

    #[test]
    fn names_in_addresses_are_plain_and_short() {
        for (name, plain_name) in [
            ("sun.png", "sun.png"),
            ("日落.png", "file.png"),
            ("../../etc/passwd", "etcpasswd"),
            ("a b&c?.tar.gz", "abctar.gz"),
            ("", "file"),
            (".html", "file.html"),
        ] {
            assert_eq!(plain(name), plain_name, "{name}");
        }
        assert!(plain(&"x".repeat(500)).len() <= LONGEST_NAME);
    }
}
