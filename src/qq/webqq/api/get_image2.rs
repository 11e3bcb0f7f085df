//! `GET d1.web2.qq.com/channel/get_image2`: a picture of a temporary session.
//!
//! Source: protocol dossier 10.2.

use super::http::{Ask, Site};
use super::number::Uin;
use super::session::Link;

/// The name of this call in errors.
pub(crate) const ENDPOINT: &str = "get_image2";

/// The question.
pub(crate) fn ask(link: &Link, guid: &str, msg_id: i64, from: Uin) -> Ask {
    question(link, "/channel/get_image2", (guid, "1"), msg_id, from)
}

/// A picture by its file name and the message that it came in; the `count` differs between the calls.
pub(super) fn question(link: &Link, path: &str, (guid, count): (&str, &str), msg_id: i64, from: Uin) -> Ask {
    let (tickets, lcid, to) = (link.tickets(), msg_id.to_string(), from.to_string());
    let query = [
        ("lcid", lcid.as_str()),
        ("guid", guid),
        ("to", to.as_str()),
        ("count", count),
        ("time", "1"),
        ("clientid", tickets.clientid.as_str()),
        ("psessionid", tickets.psessionid.as_str()),
    ];
    Ask::get(Site::Channel, path, &query)
}
