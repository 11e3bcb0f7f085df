//! `POST d1.web2.qq.com/channel/send_discu_msg2`: says something to a discussion.
//!
//! Source: protocol dossier 9.1.

use serde_json::json;

use super::get_gface_sig2::GfaceSig;
use super::http::{Answer, Ask, Fault, Site};
use super::number::Did;
use super::session::Link;

/// The name of this call in errors.
pub(crate) const ENDPOINT: &str = "send_discu_msg2";

/// Sends once. `content` is the inner JSON of the double encoding; one with a picture needs the ticket.
pub(crate) async fn ask(
    link: &Link,
    did: Did,
    content: &str,
    msg_id: u64,
    picture: Option<&GfaceSig>,
) -> Result<Answer, Fault> {
    let tickets = link.tickets();
    // A text before SmartQQ.
    let did = if link.era().chooses_clientid { json!(did.to_string()) } else { json!(did) };
    let mut r = json!({
        "did": did,
        "content": content,
        "face": super::FACE,
        "clientid": tickets.clientid,
        "msg_id": msg_id,
        "psessionid": tickets.psessionid,
    });
    if let (Some(sig), Some(r)) = (picture, r.as_object_mut()) {
        sig.put_into(r);
    }
    link.ask(Ask::post(Site::Channel, "/channel/send_discu_msg2", &r)).await
}
