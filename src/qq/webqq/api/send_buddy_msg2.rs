//! `POST d1.web2.qq.com/channel/send_buddy_msg2`: says something to a friend.
//!
//! Source: protocol dossier 9.1.

use serde_json::json;

use super::http::{Answer, Ask, Fault, Site};
use super::number::Uin;
use super::session::Link;

/// The name of this call in errors.
pub(crate) const ENDPOINT: &str = "send_buddy_msg2";

/// Sends once. `content` is the inner JSON of the double encoding.
pub(crate) async fn ask(link: &Link, uin: Uin, content: &str, msg_id: u64) -> Result<Answer, Fault> {
    let tickets = link.tickets();
    let r = json!({
        "to": uin,
        "content": content,
        "face": super::FACE,
        "clientid": tickets.clientid,
        "msg_id": msg_id,
        "psessionid": tickets.psessionid,
    });
    link.ask(Ask::post(Site::Channel, "/channel/send_buddy_msg2", &r)).await
}
