//! `GET face<0…9>.web.qq.com/cgi/svr/face/getface`: the picture of a person or group, or a redirect to it.
//!
//! Source: protocol dossier 6.8 (era C).

use super::http::{Ask, Site};
use super::session::Link;

/// The name of this call in errors.
pub(crate) const ENDPOINT: &str = "getface";

/// Whose picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Whose {
    /// A person, by uin.
    Person(u64),
    /// A group, by code.
    Group(u64),
}

/// The question.
pub(crate) fn ask(link: &Link, whose: Whose) -> Ask {
    let (kind, number) = match whose {
        Whose::Person(uin) => ("1", uin),
        Whose::Group(code) => ("4", code),
    };
    let (tickets, uin, t) = (link.tickets(), number.to_string(), super::t());
    let query = [
        ("cache", "1"),
        ("type", kind),
        ("f", "40"),
        ("uin", uin.as_str()),
        ("t", t.as_str()),
        ("vfwebqq", tickets.vfwebqq.as_str()),
    ];
    let host = format!("face{}.web.qq.com", number % 10);
    Ask::get(Site::Faces, "/cgi/svr/face/getface", &query).on_host(&host)
}
