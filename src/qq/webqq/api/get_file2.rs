//! `GET d1.web2.qq.com/channel/get_file2`: takes a file that a friend offers; redirects to the server that passes it on.
//!
//! Source: protocol dossier 10.4.

use super::http::{Ask, Site};
use super::number::Uin;
use super::session::Link;

/// The name of this call in errors.
pub(crate) const ENDPOINT: &str = "get_file2";

/// The question.
pub(crate) fn ask(link: &Link, session_id: i64, name: &str, from: Uin, now_ms: i64) -> Ask {
    let (tickets, lcid, to, time) = (link.tickets(), session_id.to_string(), from.to_string(), now_ms.to_string());
    let query = [
        ("lcid", lcid.as_str()),
        ("guid", name),
        ("to", to.as_str()),
        ("psessionid", tickets.psessionid.as_str()),
        ("count", "1"),
        ("time", time.as_str()),
        ("clientid", tickets.clientid.as_str()),
    ];
    Ask::get(Site::Channel, "/channel/get_file2", &query)
}
