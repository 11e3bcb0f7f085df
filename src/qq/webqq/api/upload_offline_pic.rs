//! `POST weboffline.ftn.qq.com/ftn_access/upload_offline_pic`: brings a picture for a friend.
//!
//! Source: protocol dossier 10.1.

use serde_json::Value;

use super::number::{Uin, integer};
use super::session::Link;
use crate::qq::webqq::media::{Multipart, Outside, Uploaded, callback};
use crate::qq::{Error, Upload};

/// The application that such uploads belonged to.
const APPID: &str = "1002101";

/// Which of the two uploads that have one form.
pub(super) struct Offline<'a> {
    pub(super) endpoint: &'static str,
    pub(super) url: &'static str,
    pub(super) callback: &'static str,
    pub(super) fileid: &'a str,
}

/// What the server says about an upload.
pub(super) struct Taken {
    pub(super) file_path: String,
    pub(super) name: String,
    pub(super) size: u64,
}

/// Uploads, and gives what messages name it by.
pub(crate) async fn ask(link: &Link, outside: &Outside, peer: Uin, upload: &Upload) -> Result<Uploaded, Error> {
    let what = Offline {
        endpoint: "upload_offline_pic",
        url: "http://weboffline.ftn.qq.com/ftn_access/upload_offline_pic",
        callback: "parent.EQQ.Model.ChatMsg.callbackSendPic",
        fileid: "1",
    };
    let Taken { file_path, name, size } = post(link, outside, peer, upload, &what).await?;
    Ok(Uploaded::Offpic { file_path, name, size })
}

/// Uploads one file.
pub(super) async fn post(
    link: &Link,
    outside: &Outside,
    peer: Uin,
    upload: &Upload,
    what: &Offline<'_>,
) -> Result<Taken, Error> {
    let endpoint = what.endpoint;
    let form = Multipart::new()
        .field("callback", what.callback)
        .field("locallangid", "2052")
        .field("clientversion", "1409")
        .field("uin", &link.uin().to_string())
        .field("skey", &link.cookie("https://qq.com/", "skey"))
        .field("appid", APPID)
        .field("peeruin", &peer.to_string())
        .file("file", &upload.name, &upload.bytes)
        .field("fileid", what.fileid)
        .field("vfwebqq", &link.tickets().vfwebqq)
        .field("senderviplevel", "0")
        .field("reciverviplevel", "0");
    let page = outside.post(endpoint, what.url, link, form).await?;
    let answer = callback(endpoint, &page)?;
    let text = |name: &str| answer.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
    match answer.get("retcode").and_then(integer) {
        Some(0) => Ok(Taken {
            file_path: text("filepath"),
            name: text("filename"),
            size: answer.get("filesize").and_then(Value::as_u64).unwrap_or_default(),
        }),
        code => Err(Error::NoMedia { endpoint, why: format!("retcode {}", code.unwrap_or(-1)) }),
    }
}
