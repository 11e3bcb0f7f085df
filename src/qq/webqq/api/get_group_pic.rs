//! `GET web2.qq.com/cgi-bin/get_group_pic`: a picture that was sent to a group or discussion.
//!
//! Source: protocol dossier 10.2.

use super::http::{Ask, Site};
use super::number::Uin;
use super::session::Link;

/// The name of this call in errors.
pub(crate) const ENDPOINT: &str = "get_group_pic";

/// Where it was sent.
pub(crate) struct Place {
    /// Whether to a discussion.
    pub(crate) is_discussion: bool,
    /// The code of the group, or the number of the discussion.
    pub(crate) number: u64,
    /// By whom.
    pub(crate) sender: Uin,
}

/// The question. `server` is the `ip:port` that the message names.
pub(crate) fn ask(link: &Link, place: &Place, name: &str, file_id: i64, server: &str) -> Ask {
    let (tickets, t) = (link.tickets(), super::t());
    let (gid, uin, fid) = (place.number.to_string(), place.sender.to_string(), file_id.to_string());
    let (ip, port) = server.split_once(':').unwrap_or((server, ""));
    let query = [
        ("type", if place.is_discussion { "1" } else { "0" }),
        ("gid", gid.as_str()),
        ("uin", uin.as_str()),
        ("rip", ip),
        ("rport", port),
        ("fid", fid.as_str()),
        ("pic", name),
        ("vfwebqq", tickets.vfwebqq.as_str()),
        ("t", t.as_str()),
    ];
    Ask::get(Site::Pictures, "/cgi-bin/get_group_pic", &query)
}
