//! `GET d1.web2.qq.com/channel/get_c2cmsg_sig2`: the leave to say something to a fellow member who is no friend.
//!
//! Source: protocol dossier 9.3. QQ blocked such sessions from 2016 on.

use serde::Deserialize;

use super::Error;
use super::http::{Ask, Site};
use super::number::Uin;
use super::reply::Reply;
use super::session::Link;
use crate::qq::webqq::roster::PlaceKind;

const ENDPOINT: &str = "get_c2cmsg_sig2";

#[derive(Deserialize)]
struct Leave {
    #[serde(default)]
    value: String,
}

/// The `service_type` of sessions that began in such a place.
pub(crate) const fn service_type(kind: PlaceKind) -> u8 {
    match kind {
        PlaceKind::Group => 0,
        PlaceKind::Discussion => 1,
    }
}

/// The `group_sig` for `who`, met in the place `number` (gid or did). Good for a while; see [`GOOD_FOR_MS`].
///
/// [`GOOD_FOR_MS`]: crate::qq::webqq::leave::GOOD_FOR_MS
pub(crate) async fn ask(link: &Link, (kind, number): (PlaceKind, u64), who: Uin) -> Result<String, Error> {
    let (tickets, t) = (link.tickets(), super::t());
    let (id, who, service_type) = (number.to_string(), who.to_string(), service_type(kind).to_string());
    let query = [
        ("id", id.as_str()),
        ("to_uin", &who),
        ("service_type", &service_type),
        ("clientid", tickets.clientid.as_str()),
        ("psessionid", &tickets.psessionid),
        ("t", &t),
    ];
    let answer = link.ask(Ask::get(Site::Channel, "/channel/get_c2cmsg_sig2", &query)).await;
    let Leave { value } = Reply::read(ENDPOINT, answer)?.result()?;
    if value.is_empty() {
        let meaning = "QQ does not let the account speak to this member";
        return Err(Error::Refused { endpoint: ENDPOINT, retcode: 0, meaning });
    }
    Ok(value)
}
