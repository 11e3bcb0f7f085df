//! `GET d.web2.qq.com/channel/get_offpic2`: a picture that a friend sent; redirects to the server that has it.
//!
//! Source: protocol dossier 10.2.

use super::http::{Ask, Site};
use super::number::Uin;
use super::session::Link;

/// The name of this call in errors.
pub(crate) const ENDPOINT: &str = "get_offpic2";

/// The question.
pub(crate) fn ask(link: &Link, file_path: &str, from: Uin) -> Ask {
    let (tickets, from) = (link.tickets(), from.to_string());
    let query = [
        ("file_path", file_path),
        ("f_uin", from.as_str()),
        ("clientid", tickets.clientid.as_str()),
        ("psessionid", tickets.psessionid.as_str()),
    ];
    Ask::get(Site::Offpics, "/channel/get_offpic2", &query)
}
