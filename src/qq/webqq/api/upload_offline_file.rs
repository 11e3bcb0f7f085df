//! `POST weboffline.ftn.qq.com/ftn_access/upload_offline_file`: brings a file for a friend.
//!
//! Source: protocol dossier 10.3.

use super::number::Uin;
use super::session::Link;
use super::upload_offline_pic::{self, Offline};
use crate::qq::webqq::media::{Outside, Uploaded};
use crate::qq::{Error, Upload};

/// Uploads, and gives what [`super::send_offfile2`] names it by.
pub(crate) async fn ask(
    link: &Link,
    outside: &Outside,
    peer: Uin,
    upload: &Upload,
    now_ms: i64,
) -> Result<Uploaded, Error> {
    let what = Offline {
        endpoint: "upload_offline_file",
        url: "http://weboffline.ftn.qq.com/ftn_access/upload_offline_file",
        callback: "parent.EQQ.Model.ChatMsg.callbackSendOffFile",
        fileid: &format!("{peer}_{now_ms}"),
    };
    let answer = upload_offline_pic::post(link, outside, peer, upload, &what).await?;
    Ok(Uploaded::Offfile { file_path: answer.file_path, name: upload.name.clone() })
}
