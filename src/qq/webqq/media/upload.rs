//! Brings pictures and files to QQ, where messages can name them.
//!
//! Source: protocol dossier 10.1, 10.3, 10.4 (the largest file).

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tokio::sync::Mutex;

use super::outside::Outside;
use super::source::unsealed;
use crate::base::clock::is_recent;
use crate::config::WebQq as Settings;
use crate::qq::webqq::api::get_gface_sig2::{self, GfaceSig};
use crate::qq::webqq::api::{cface_upload, upload_offline_file, upload_offline_pic};
use crate::qq::webqq::era::Era;
use crate::qq::webqq::network::WebQq;
use crate::qq::webqq::number::Uin;
use crate::qq::webqq::roster::Address;
use crate::qq::{ChatId, Error, MediaRef, Piece, Upload};

/// The official page refused larger ones.
const MOST_PICTURE_BYTES: usize = 1 << 20;

/// The same of files.
const MOST_FILE_BYTES: usize = 10 << 20;

/// How long the page kept the ticket for pictures of groups, in milliseconds: five days.
const GFACE_SIG_MS: i64 = 432_000_000;

/// What is needed to bring pictures and files to and fro.
pub(crate) struct Carrier {
    pub(super) outside: Outside,
    era: &'static Era,
    /// The ticket for pictures of groups, and when it was given.
    gface_sig: Mutex<Option<(i64, GfaceSig)>>,
}

impl Carrier {
    pub(crate) fn new(settings: &Settings) -> Result<Self, Error> {
        let outside = Outside::new(settings.server.clone(), settings.private_media)?;
        Ok(Self { outside, era: Era::of(settings.era), gface_sig: Mutex::default() })
    }

    /// The largest file that can be sent; 0 for none.
    pub(crate) fn file_bytes(&self) -> usize {
        if self.era.carries_media { MOST_FILE_BYTES } else { 0 }
    }

    /// The largest picture that can be sent; 0 for none.
    pub(crate) fn picture_bytes(&self) -> usize {
        if self.era.carries_media { MOST_PICTURE_BYTES } else { 0 }
    }
}

/// A picture or file that lies at QQ because we brought it there.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Uploaded {
    /// For friends.
    Offpic { file_path: String, name: String, size: u64 },
    /// For groups and discussions.
    Cface { name: String },
    /// A file for friends.
    Offfile { file_path: String, name: String },
}

impl Uploaded {
    pub(crate) fn piece(&self) -> Piece {
        // Texts and numbers always have a JSON form.
        let body = serde_json::to_string(&json!({ "uploaded": self })).unwrap_or_default();
        match self {
            Self::Offpic { .. } | Self::Cface { .. } => Piece::Picture(MediaRef { body, ..MediaRef::default() }),
            Self::Offfile { name, .. } => {
                let media = MediaRef { body, name: name.clone(), ..MediaRef::default() };
                Piece::File { media, label: ["[离线文件] ", name].concat() }
            }
        }
    }

    /// The file in `pieces` that was brought to QQ, if that is all there is.
    pub(crate) fn file_in(pieces: &[Piece]) -> Option<(String, String)> {
        let [Piece::File { media, .. }] = pieces else { return None };
        match Self::open(media)? {
            Self::Offfile { file_path, name } => Some((file_path, name)),
            Self::Offpic { .. } | Self::Cface { .. } => None,
        }
    }

    /// What was sealed; `None` for pictures of others.
    pub(crate) fn open(media: &MediaRef) -> Option<Self> {
        unsealed(media, "uploaded")
    }

    /// The element of a content that shows it.
    pub(crate) fn element(&self) -> Value {
        match self {
            Self::Offpic { file_path, name, size } => json!(["offpic", file_path, name, size]),
            Self::Cface { name } => json!(["cface", "group", name]),
            // Said by a call of its own.
            Self::Offfile { name, .. } => json!(name),
        }
    }
}

impl WebQq {
    /// Brings `upload` to QQ for `chat`; `None` when it cannot be shown there.
    pub(crate) async fn upload_media(&self, chat: &ChatId, upload: &Upload) -> Result<Option<Piece>, Error> {
        let most = if upload.is_picture { self.carrier.picture_bytes() } else { self.carrier.file_bytes() };
        if upload.bytes.len() > most {
            return Ok(None);
        }
        let (link, outside) = (&self.link, &self.carrier.outside);
        let address = self.roster.address(chat).ok_or_else(|| Error::Unmatched(chat.to_string()))?;
        let uploaded = match address {
            Address::Friend(uin) if upload.is_picture => {
                upload_offline_pic::ask(link, outside, Uin(uin), upload).await?
            }
            Address::Friend(uin) => {
                upload_offline_file::ask(link, outside, Uin(uin), upload, self.clock.now_ms()).await?
            }
            Address::Group(_) | Address::Discussion(_) if upload.is_picture => {
                cface_upload::ask(link, outside, upload).await?
            }
            // Groups kept files on a page of their own.
            Address::Group(_) | Address::Discussion(_) | Address::Temporary { .. } => return Ok(None),
        };
        Ok(Some(uploaded.piece()))
    }

    /// The ticket for pictures of groups, if `pieces` hold one.
    pub(crate) async fn gface_sig_for(&self, pieces: &[Piece]) -> Result<Option<GfaceSig>, Error> {
        let is_cface = |piece: &Piece| match piece {
            Piece::Picture(media) => matches!(Uploaded::open(media), Some(Uploaded::Cface { .. })),
            _ => false,
        };
        if !pieces.iter().any(is_cface) {
            return Ok(None);
        }
        let mut kept = self.carrier.gface_sig.lock().await;
        let now_ms = self.clock.now_ms();
        if let Some((at_ms, sig)) = kept.as_ref()
            && is_recent(*at_ms, now_ms, GFACE_SIG_MS)
        {
            return Ok(Some(sig.clone()));
        }
        let sig = get_gface_sig2::ask(&self.link).await?;
        *kept = Some((now_ms, sig.clone()));
        Ok(Some(sig))
    }
}

/// What a page gives its callback: the first object in it, in quotes of either kind.
pub(crate) fn callback(endpoint: &'static str, body: &[u8]) -> Result<Value, Error> {
    let text = String::from_utf8_lossy(body);
    let object = text.split_once('{').and_then(|(_, rest)| rest.split_once('}')).map(|(object, _)| object);
    let object = object.map(|object| format!("{{{object}}}"));
    let read = object.and_then(|object| {
        serde_json::from_str(&object).or_else(|_| serde_json::from_str(&object.replace('\'', "\""))).ok()
    });
    read.ok_or_else(|| Error::NoMedia { endpoint, why: "an answer that is none".to_owned() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_uploaded_can_be_kept_and_said() {
        for (uploaded, element) in [
            (
                Uploaded::Offpic { file_path: "/x".into(), name: "a.png".into(), size: 5 },
                json!(["offpic", "/x", "a.png", 5]),
            ),
            (Uploaded::Cface { name: "0A.jPg".into() }, json!(["cface", "group", "0A.jPg"])),
        ] {
            let Piece::Picture(media) = uploaded.piece() else { panic!("a picture") };
            let again = Uploaded::open(&media).unwrap();
            assert_eq!((again.element(), again), (element, uploaded));
        }
        assert_eq!(Uploaded::open(&MediaRef { body: "{\"picture\":{}}".into(), ..MediaRef::default() }), None);
    }

    #[test]
    fn both_pages_are_read() {
        let offline = "<head><script type=\"text/javascript\">document.domain='qq.com';\
            parent.EQQ.Model.ChatMsg.callbackSendPic({\"retcode\":0, \"result\":\"OK\", \"filesize\":17299, \
            \"filename\":\"%7B..%7D[2].jpg\", \"filepath\":\"/279dd1f0\"});</script></head><body></body>";
        assert_eq!(callback("x", offline.as_bytes()).unwrap()["filepath"], "/279dd1f0");
        let cface = "parent.EQQ.Model.ChatMsg.callbackSendPicGroup({'ret':0,'msg':'587D.jPg'});</script>";
        assert_eq!(callback("x", cface.as_bytes()).unwrap(), json!({"ret": 0, "msg": "587D.jPg"}));
        for broken in ["", "{", "}{", "<html>", "{'a':}"] {
            assert!(callback("x", broken.as_bytes()).is_err(), "{broken}");
        }
    }
}
