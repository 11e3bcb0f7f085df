//! `POST up.web2.qq.com/cgi-bin/cface_upload`: brings a picture for groups and discussions.
//!
//! Source: protocol dossier 10.1.

use serde_json::Value;

use super::number::integer;
use super::session::Link;
use crate::qq::webqq::media::{Multipart, Outside, Uploaded, callback};
use crate::qq::{Error, Upload};

const ENDPOINT: &str = "cface_upload";
const URL: &str = "http://up.web2.qq.com/cgi-bin/cface_upload";

/// Uploads, and gives what messages name it by.
pub(crate) async fn ask(link: &Link, outside: &Outside, upload: &Upload) -> Result<Uploaded, Error> {
    let form = Multipart::new()
        .field("from", "control")
        .field("f", "EQQ.Model.ChatMsg.callbackSendPicGroup")
        .field("vfwebqq", &link.tickets().vfwebqq)
        .field("fileid", "1")
        .file("custom_face", &upload.name, &upload.bytes);
    let page = outside.post(ENDPOINT, URL, link, form).await?;
    let answer = callback(ENDPOINT, &page)?;
    let message = answer.get("msg").and_then(Value::as_str).unwrap_or_default();
    match answer.get("ret").and_then(integer) {
        // 4: QQ has it already, and says so behind its name.
        Some(0 | 4) => {
            let name = message.split(' ').next().unwrap_or_default().to_owned();
            Ok(Uploaded::Cface { name })
        }
        code => Err(Error::NoMedia { endpoint: ENDPOINT, why: format!("ret {}", code.unwrap_or(-1)) }),
    }
}
