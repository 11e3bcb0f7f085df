//! What a message says about its pictures and files, sealed into [`MediaRef`]s that can be kept.
//!
//! Source: protocol dossier 8.1 (elements), 10.2 (what each kind is asked for by).

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::qq::webqq::number::{Uin, integer};
use crate::qq::webqq::roster::PlaceKind;
use crate::qq::{Envelope, MediaRef, Piece};

/// A picture as an element of a content has it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Picture {
    /// `["offpic", {"file_path": …}]`
    Offpic {
        /// The name that the server keeps it by.
        file_path: String,
    },
    /// `["cface", …]`
    Cface {
        /// Its file name.
        name: String,
        /// Groups and discussions only.
        #[serde(default)]
        file_id: Option<i64>,
        /// `ip:port`; groups and discussions only.
        #[serde(default)]
        server: Option<String>,
    },
    /// `["pic_id", …], ["image", …]`
    Image {
        /// Its file name.
        guid: String,
    },
}

/// What lies under `key` in the body of `media`; `None` when it is something else.
pub(super) fn unsealed<T: DeserializeOwned>(media: &MediaRef, key: &str) -> Option<T> {
    let mut body: Value = serde_json::from_str(&media.body).ok()?;
    serde_json::from_value(body.get_mut(key)?.take()).ok()
}

/// What [`MediaRef::body`] holds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Source {
    pub(crate) picture: Picture,
    #[serde(default)]
    pub(crate) origin: Origin,
}

/// The message that it came in, in numbers of its login.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Origin {
    pub(crate) msg_id: i64,
    /// Who sent it.
    pub(crate) sender: u64,
    /// Where, if not in a chat of two.
    #[serde(default)]
    pub(crate) place: Option<(PlaceKind, u64)>,
}

impl Picture {
    /// A picture of which nobody knows yet what message it came in.
    pub(crate) fn piece(self) -> Piece {
        Piece::Picture(sealed(&Source { picture: self, origin: Origin::default() }, ""))
    }
}

impl Source {
    /// What was sealed; `None` when it was not by us.
    pub(crate) fn open(media: &MediaRef) -> Option<Self> {
        serde_json::from_str(&media.body).ok()
    }
}

fn sealed(source: &Source, epoch: &str) -> MediaRef {
    // Texts and numbers always have a JSON form.
    MediaRef { epoch: epoch.to_owned(), body: serde_json::to_string(source).unwrap_or_default(), ..MediaRef::default() }
}

/// Seals into the pictures and files of a message what else has to be known to ask for them. `value` is the event's; `place` is
/// where it was said, if not in a chat of two; `own` is the account's own number.
pub(crate) fn locate(
    pieces: &mut [Piece],
    envelope: &Envelope,
    value: &Value,
    place: Option<(PlaceKind, u64)>,
    own: Uin,
) {
    let number = |name: &str| value.get(name).and_then(integer).unwrap_or_default();
    let sender = number(if place.is_some() { "send_uin" } else { "from_uin" });
    // What the account says on another device comes from 0.
    let sender = u64::try_from(sender).ok().filter(|sender| *sender != 0).unwrap_or(own.0);
    let origin = Origin { msg_id: number("msg_id"), sender, place };
    for piece in pieces {
        match piece {
            Piece::Picture(media) => {
                if let Some(source) = Source::open(media) {
                    *media = sealed(&Source { origin, ..source }, &envelope.epoch);
                }
            }
            Piece::File { media, .. } => media.epoch.clone_from(&envelope.epoch),
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_picture_knows_its_message_and_can_be_kept() {
        let picture = Picture::Offpic { file_path: "/1".to_owned() };
        let envelope = Envelope { dedup_key: String::new(), epoch: "one".to_owned(), body: String::new() };
        let cases = [
            (json!({"msg_id": "7", "from_uin": 5}), None, 5),
            (json!({"msg_id": 7, "from_uin": 0, "to_uin": 5}), None, 10_001),
            (json!({"msg_id": 7, "from_uin": 50, "send_uin": 6}), Some((PlaceKind::Group, 50)), 6),
        ];
        for (value, place, sender) in cases {
            let mut pieces = [Piece::Text("hi".to_owned()), picture.clone().piece()];
            locate(&mut pieces, &envelope, &value, place, Uin(10_001));
            let kept: Piece = serde_json::from_value(json!(pieces[1])).unwrap();
            let Piece::Picture(media) = kept else { panic!("a picture") };
            let expected = Source { picture: picture.clone(), origin: Origin { msg_id: 7, sender, place } };
            assert_eq!((media.epoch.as_str(), Source::open(&media)), ("one", Some(expected)));
        }
    }

    #[test]
    fn what_an_earlier_or_later_version_sealed_is_no_error() {
        let media = |body: &str| MediaRef { body: body.to_owned(), ..MediaRef::default() };
        assert!(Source::open(&media("{\"picture\":{\"offpic\":{\"file_path\":\"/1\"}}}")).is_some());
        assert_eq!(Source::open(&media("{}")), None);
    }
}
