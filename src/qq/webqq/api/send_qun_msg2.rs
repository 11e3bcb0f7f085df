//! `POST d1.web2.qq.com/channel/send_qun_msg2`: says something to a group.
//!
//! Source: protocol dossier 9.1.

use serde_json::json;

use super::get_gface_sig2::GfaceSig;
use super::http::{Answer, Ask, Fault, Site};
use super::number::{Gid, GroupCode};
use super::session::Link;

/// The name of this call in errors.
pub(crate) const ENDPOINT: &str = "send_qun_msg2";

/// Sends once. `content` is the inner JSON of the double encoding; one with a picture needs the ticket and the group's
/// code.
pub(crate) async fn ask(
    link: &Link,
    gid: Gid,
    content: &str,
    msg_id: u64,
    picture: Option<(&GfaceSig, GroupCode)>,
) -> Result<Answer, Fault> {
    let tickets = link.tickets();
    let mut r = json!({
        "group_uin": gid,
        "content": content,
        "face": super::FACE,
        "clientid": tickets.clientid,
        "msg_id": msg_id,
        "psessionid": tickets.psessionid,
    });
    if let (Some((sig, code)), Some(r)) = (picture, r.as_object_mut()) {
        r.insert("group_code".to_owned(), json!(code));
        sig.put_into(r);
    }
    link.ask(Ask::post(Site::Channel, "/channel/send_qun_msg2", &r)).await
}
