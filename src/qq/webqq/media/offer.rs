//! Files that friends offer: sealed, fetched, refused.
//!
//! Source: protocol dossier 7.6 (`file_message`, `push_offfile`), 10.3, 10.4.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use url::Url;

use super::source::unsealed;
use crate::qq::webqq::api::{get_file2, notify_offfile2, refuse_file2};
use crate::qq::webqq::network::WebQq;
use crate::qq::webqq::number::{Uin, integer};
use crate::qq::{Error, Media, MediaRef};

/// What an offline file is called in errors.
const OFFLINE: &str = "offline file";
/// Longer names of files are no names.
const LONGEST: usize = 1024;

/// A file that waits to be taken.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Offer {
    /// The friend's own client has it.
    Direct { session_id: i64, name: String, from: u64 },
    /// A server has it.
    Offline { ip: String, port: i64, name: String, rkey: String, size: i64, from: u64 },
}

impl Offer {
    /// The file in an event; `None` when it offers none, or says too little of it.
    pub(crate) fn read(poll_type: &str, value: &Value) -> Option<Self> {
        let text = |field: &str| {
            value.get(field)?.as_str().filter(|text| (1..LONGEST).contains(&text.len())).map(str::to_owned)
        };
        let number = |field: &str| value.get(field).and_then(integer);
        let (name, from) = (text("name")?, u64::try_from(number("from_uin")?).ok()?);
        match (poll_type, value.get("mode").and_then(Value::as_str)) {
            ("file_message", Some("recv")) => Some(Self::Direct { session_id: number("session_id")?, name, from }),
            ("push_offfile", _) => {
                let (ip, port, size) = (text("ip")?, number("port")?, number("size").unwrap_or_default());
                Some(Self::Offline { ip, port, name, rkey: text("rkey")?, size, from })
            }
            _ => None,
        }
    }

    /// A reference that can be kept; `name` is for people.
    pub(crate) fn seal(&self, name: &str) -> MediaRef {
        // Texts and numbers always have a JSON form.
        let body = serde_json::to_string(&json!({ "offer": self })).unwrap_or_default();
        MediaRef { epoch: String::new(), name: name.to_owned(), body }
    }

    /// What was sealed; `None` when it is no file.
    pub(super) fn open(media: &MediaRef) -> Option<Self> {
        unsealed(media, "offer")
    }

    const fn from(&self) -> u64 {
        match self {
            Self::Direct { from, .. } | Self::Offline { from, .. } => *from,
        }
    }
}

/// Where an offline file lies.
fn place(ip: &str, port: i64, name: &str, rkey: &str) -> Option<Url> {
    let mut url = Url::parse(&format!("http://{ip}/")).ok()?;
    url.set_port(Some(u16::try_from(port).ok()?)).ok()?;
    url.path_segments_mut().ok()?.pop_if_empty().push(name);
    url.query_pairs_mut().append_pair("ver", "2173").append_pair("rkey", rkey).append_pair("range", "0");
    Some(url)
}

impl WebQq {
    /// Takes a file.
    pub(super) async fn fetch_offer(&self, epoch: &str, offer: &Offer, most_bytes: usize) -> Result<Media, Error> {
        match offer {
            Offer::Direct { session_id, name, from } => {
                let unknown =
                    || Error::NoMedia { endpoint: get_file2::ENDPOINT, why: "of an earlier login".to_owned() };
                let from = self.uin_of_now(epoch, *from).ok_or_else(unknown)?;
                let ask = get_file2::ask(&self.link, *session_id, name, from, self.clock.now_ms());
                self.fetch_from(get_file2::ENDPOINT, ask, most_bytes).await
            }
            Offer::Offline { ip, port, name, rkey, .. } => {
                let url = place(ip, *port, name, rkey).ok_or(Error::MediaUnsafe("no address at all"))?;
                let answer = self.carrier.outside.get(&url, most_bytes).await?;
                let answer = answer.map_err(|fault| fault.unreachable(OFFLINE))?;
                let bytes = self.carrier.outside.follow(OFFLINE, (url, answer), most_bytes, |_| true).await?;
                Ok(Media { bytes })
            }
        }
    }

    /// Tells the friend that a file is not taken.
    pub(crate) async fn refuse_media(&self, media: &MediaRef) -> Result<(), Error> {
        let Some(offer) = Offer::open(media) else { return Ok(()) };
        let Some(from) = self.uin_of_now(&media.epoch, offer.from()) else { return Ok(()) };
        match offer {
            Offer::Direct { session_id, .. } => refuse_file2::ask(&self.link, session_id, from).await,
            Offer::Offline { name, size, .. } => notify_offfile2::ask(&self.link, &name, size, from).await,
        }
    }

    fn uin_of_now(&self, epoch: &str, from: u64) -> Option<Uin> {
        self.number_of_now(epoch, from).map(Uin)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_kinds_of_file_are_read_and_can_be_kept() {
        let direct = json!({"mode": "recv", "type": 101, "from_uin": 5, "name": "a&amp;b.txt", "session_id": 19823});
        let offline =
            json!({"from_uin": "5", "name": "t.py", "rkey": "2c", "ip": "101.226.77.168", "port": 80, "size": 235});
        let (a, t) = ("a&amp;b.txt".to_owned(), "t.py".to_owned());
        let (ip, rkey) = ("101.226.77.168".to_owned(), "2c".to_owned());
        for (poll_type, value, offer) in [
            ("file_message", &direct, Offer::Direct { session_id: 19823, name: a, from: 5 }),
            ("push_offfile", &offline, Offer::Offline { ip, port: 80, name: t, rkey, size: 235, from: 5 }),
        ] {
            assert_eq!(Offer::read(poll_type, value).as_ref(), Some(&offer));
            assert_eq!(Offer::open(&offer.seal("a")), Some(offer));
        }
    }

    #[test]
    fn an_event_that_offers_no_file_is_none() {
        for (poll_type, value) in [
            ("file_message", json!({"mode": "refuse", "from_uin": 5, "name": "a", "session_id": 1})),
            ("file_message", json!({"mode": "recv", "from_uin": 5, "name": "", "session_id": 1})),
            ("file_message", json!({"mode": "recv", "from_uin": 5, "name": "a"})),
            ("push_offfile", json!({"from_uin": 5, "name": "a", "ip": "1.1.1.1", "port": 80})),
            ("push_offfile", json!({"name": "a", "ip": "1.1.1.1", "port": 80, "rkey": "x"})),
            ("shake_message", json!({"from_uin": 5, "name": "a"})),
        ] {
            assert_eq!(Offer::read(poll_type, &value), None, "{poll_type} {value}");
        }
    }

    #[test]
    fn an_offline_file_lies_where_its_event_says() {
        let url = place("101.226.77.168", 8080, "图 1?.png", "2c").unwrap();
        assert_eq!(url.as_str(), "http://101.226.77.168:8080/%E5%9B%BE%201%3F.png?ver=2173&rkey=2c&range=0");
        assert_eq!(place("101.226.77.168", 80_000, "a", "2c"), None);
        assert_eq!(place("::::", 80, "a", "2c"), None);
    }
}
