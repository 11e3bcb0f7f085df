//! What lies on the servers for pictures and files, and the elements of messages that name it.

use std::collections::VecDeque;

use bytes::Bytes;
use rand::RngCore as _;
use rand::rngs::StdRng;
use serde::Serialize;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use super::chat::ChatKey;
use super::token;

/// The real service kept things for days; this one keeps the last ones.
const MOST: usize = 500;
/// The server that group messages name. Source: protocol dossier 8.1.
const GROUP_SERVER: &str = "119.147.15.201:443";

/// A picture or file on a server.
#[derive(Clone, Debug)]
pub(crate) struct Kept {
    /// By which messages name it: a path such as `/279dd1f0-…` or a name such as `587D….jPg`.
    pub(crate) key: String,
    /// By which the server that has it knows it.
    pub(crate) rkey: String,
    /// Its name, if it is a file.
    pub(crate) name: String,
    /// All of it.
    pub(crate) bytes: Bytes,
}

impl Kept {
    pub(crate) fn content_type(&self) -> &'static str {
        match self.bytes.as_ref() {
            [0x89, b'P', b'N', b'G', ..] => "image/png",
            [0xff, 0xd8, ..] => "image/jpeg",
            [b'G', b'I', b'F', b'8', ..] => "image/gif",
            _ => "application/octet-stream",
        }
    }
}

/// Something in a message that the page can show or offer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Attached {
    /// What `/api/media` is asked for.
    pub key: String,
    /// Its name, if the message says one.
    pub name: String,
}

/// Everything that is kept.
#[derive(Debug, Default)]
pub(crate) struct Album {
    kept: VecDeque<Kept>,
}

impl Album {
    /// Keeps a picture under `key`.
    pub(crate) fn keep(&mut self, rng: &mut StdRng, key: String, bytes: Bytes) {
        self.keep_file(rng, key, String::new(), bytes);
    }

    /// Keeps a file under `key`, and gives by which the server that has it knows it.
    pub(crate) fn keep_file(&mut self, rng: &mut StdRng, key: String, name: String, bytes: Bytes) -> String {
        let rkey = token::hex(rng, 64);
        self.share(Kept { key, rkey: rkey.clone(), name, bytes });
        rkey
    }

    /// Keeps what others may keep, too, known by the same names.
    pub(crate) fn share(&mut self, kept: Kept) {
        self.let_go(|known| known.key == kept.key);
        if self.kept.len() >= MOST {
            self.kept.pop_front();
        }
        self.kept.push_back(kept);
    }

    /// Forgets what is `gone`.
    pub(crate) fn let_go(&mut self, gone: impl Fn(&Kept) -> bool) {
        self.kept.retain(|kept| !gone(kept));
    }

    /// Keeps a picture, and gives the element that a message to `chat` has for it.
    pub(crate) fn keep_picture(&mut self, rng: &mut StdRng, chat: &ChatKey, bytes: Bytes) -> Value {
        if matches!(chat, ChatKey::Friend(_)) {
            let path = self.keep_under_path(rng, bytes);
            return json!(["offpic", {"success": 1, "file_path": path}]);
        }
        let name = format!("{}.jPg", fingerprint(&bytes));
        self.keep(rng, name.clone(), bytes);
        received(&name)
    }

    /// Keeps `bytes` under a path of their own, and gives it.
    pub(crate) fn keep_under_path(&mut self, rng: &mut StdRng, bytes: Bytes) -> String {
        let path = format!("/{}", guid(rng));
        self.keep(rng, path.clone(), bytes);
        path
    }

    /// Whether every picture in `elements` of a client is kept.
    pub(crate) fn has_all(&self, elements: &[Value]) -> bool {
        attached(elements).iter().all(|attached| self.by_key(&attached.key).is_some())
    }

    pub(crate) fn by_key(&self, key: &str) -> Option<&Kept> {
        self.kept.iter().find(|kept| kept.key == key)
    }

    pub(crate) fn by_rkey(&self, rkey: &str) -> Option<&Kept> {
        self.kept.iter().find(|kept| kept.rkey == rkey)
    }
}

/// A picture in a group as members get it.
fn received(name: &str) -> Value {
    let file_id = name.bytes().fold(1_u32, |sum, byte| sum.wrapping_mul(31).wrapping_add(byte.into())) >> 1;
    json!(["cface", {"name": name, "file_id": file_id, "key": " ".repeat(16), "server": GROUP_SERVER}])
}

/// Whether `element` is a picture that a client sends to a group.
pub(crate) fn is_group_picture(element: &Value) -> bool {
    element.get(0) == Some(&json!("cface")) && element.get(1) == Some(&json!("group"))
}

/// An element of a client as others get it.
pub(crate) fn as_received(element: &Value) -> Value {
    match element.get(2).and_then(Value::as_str) {
        Some(name) if is_group_picture(element) => received(name),
        _ => element.clone(),
    }
}

/// The key of a file that a friend's own client has.
pub(crate) fn direct_key(session_id: &str) -> String {
    format!("direct:{session_id}")
}

/// What `elements` name, in order.
pub(crate) fn attached(elements: &[Value]) -> Vec<Attached> {
    elements.iter().filter_map(named).collect()
}

fn named(element: &Value) -> Option<Attached> {
    let text = |value: Option<&Value>| value.and_then(Value::as_str).unwrap_or_default().to_owned();
    let (first, second) = (element.get(1)?, element.get(2));
    let (key, name) = match (element.get(0)?.as_str()?, first) {
        ("offpic", Value::Object(fields)) => (text(fields.get("file_path")), String::new()),
        ("offpic" | "offfile", _) => (text(Some(first)), text(second)),
        ("cface", Value::Object(fields)) => (text(fields.get("name")), text(fields.get("name"))),
        ("cface", Value::String(group)) if group == "group" => (text(second), text(second)),
        ("cface", _) => (text(Some(first)), text(Some(first))),
        _ => return None,
    };
    Some(Attached { key, name })
}

/// 32 upper-case digits that the same bytes always have; the real ones were the MD5.
pub(crate) fn fingerprint(bytes: &[u8]) -> String {
    let digest = Sha256::digest(bytes);
    hex::encode_upper(digest).chars().take(32).collect()
}

/// `279dd1f0-e108-4482-a194-c158175beacf`
fn guid(rng: &mut StdRng) -> String {
    let mut bytes = [0; 16];
    rng.fill_bytes(&mut bytes);
    let hex = hex::encode(bytes);
    [0..8, 8..12, 12..16, 16..20, 20..32].map(|range| hex.get(range).unwrap_or_default()).join("-")
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng as _;

    use super::*;

    #[test]
    fn what_is_kept_for_a_message_is_found_by_its_element() {
        let (mut rng, mut album) = (StdRng::seed_from_u64(1), Album::default());
        for chat in [ChatKey::Friend("a".into()), ChatKey::Group("g".into()), ChatKey::Discussion("d".into())] {
            let element = album.keep_picture(&mut rng, &chat, Bytes::from_static(b"GIF89a"));
            let [attached] = &*attached(&[json!("text"), element, json!(["face", 1])]) else { panic!("one") };
            let kept = album.by_key(&attached.key).expect("it is kept");
            assert_eq!(
                (kept.content_type(), album.by_rkey(&kept.rkey).unwrap().key.as_str()),
                ("image/gif", &*kept.key)
            );
        }
    }

    #[test]
    fn what_clients_send_is_found_too() {
        for (element, key, name) in [
            (json!(["offpic", "/x", "a.jpg", 5]), "/x", "a.jpg"),
            (json!(["cface", "group", "0A.jPg"]), "0A.jPg", "0A.jPg"),
            (json!(["cface", "0A.jPg"]), "0A.jPg", "0A.jPg"),
        ] {
            assert_eq!(attached(&[element]), [Attached { key: key.into(), name: name.into() }]);
        }
    }

    #[test]
    fn the_oldest_makes_room() {
        let (mut rng, mut album) = (StdRng::seed_from_u64(1), Album::default());
        for number in 0..=MOST {
            album.keep(&mut rng, number.to_string(), Bytes::new());
        }
        assert!(album.by_key("0").is_none() && album.by_key("1").is_some());
    }
}
