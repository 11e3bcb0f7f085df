//! `POST d1.web2.qq.com/channel/send_qun_msg2`: says something to a group.
//!
//! Source: protocol dossier 9.1.

use serde_json::json;

use super::http::{Answer, Ask, Fault, Site};
use super::number::Gid;
use super::session::Link;

/// The name of this call in errors.
pub(crate) const ENDPOINT: &str = "send_qun_msg2";

/// Sends once. `content` is the inner JSON of the double encoding.
pub(crate) async fn ask(link: &Link, gid: Gid, content: &str, msg_id: u64) -> Result<Answer, Fault> {
    let tickets = link.tickets();
    let r = json!({
        "group_uin": gid,
        "content": content,
        "face": super::FACE,
        "clientid": super::CLIENTID,
        "msg_id": msg_id,
        "psessionid": tickets.psessionid,
    });
    link.ask(Ask::post(Site::Channel, "/channel/send_qun_msg2", &r)).await
}
