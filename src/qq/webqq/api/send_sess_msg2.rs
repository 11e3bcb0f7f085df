//! `POST d1.web2.qq.com/channel/send_sess_msg2`: says something to a fellow member who is no friend.
//!
//! Source: protocol dossier 9.1.

use serde_json::json;

use super::get_c2cmsg_sig2::service_type;
use super::http::{Answer, Ask, Fault, Site};
use super::number::Uin;
use super::session::Link;
use crate::qq::webqq::roster::PlaceKind;

/// The name of this call in errors.
pub(crate) const ENDPOINT: &str = "send_sess_msg2";

/// Sends once. `content` is the inner JSON of the double encoding, `group_sig` the leave for this member.
pub(crate) async fn ask(
    link: &Link,
    (to, kind): (Uin, PlaceKind),
    group_sig: &str,
    (content, msg_id): (&str, u64),
) -> Result<Answer, Fault> {
    let tickets = link.tickets();
    let r = json!({
        "to": to,
        "group_sig": group_sig,
        "content": content,
        "face": super::FACE,
        "msg_id": msg_id,
        "service_type": service_type(kind),
        "clientid": tickets.clientid,
        "psessionid": tickets.psessionid,
    });
    link.ask(Ask::post(Site::Channel, "/channel/send_sess_msg2", &r)).await
}
