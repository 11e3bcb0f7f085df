//! `GET s.web2.qq.com/api/get_friend_info2` and `get_stranger_info2`: the card of one person.
//!
//! Source: protocol dossier 6.6. The second one is for people who are no friends, and gives the same.

use serde::Deserialize;

use super::Error;
use super::http::{Answer, Ask, Fault, Site};
use super::number::Uin;
use super::reply::Reply;
use super::session::Link;
use crate::qq::webqq::content::name;

const FRIEND: &str = "get_friend_info2";
const STRANGER: &str = "get_stranger_info2";

/// What a card tells that is of use; all of it may be empty.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Card {
    pub(crate) nick: String,
    pub(crate) place: String,
}

#[derive(Deserialize)]
struct Wire {
    nick: Option<String>,
    country: Option<String>,
    province: Option<String>,
    city: Option<String>,
}

/// The card of the friend `uin`.
pub(crate) async fn ask(link: &Link, Uin(uin): Uin) -> Result<Card, Error> {
    let (tickets, uin, t) = (link.tickets(), uin.to_string(), super::t());
    let query = [
        ("tuin", uin.as_str()),
        ("vfwebqq", &tickets.vfwebqq),
        ("clientid", tickets.clientid.as_str()),
        ("psessionid", &tickets.psessionid),
        ("t", &t),
    ];
    read(FRIEND, link.ask(Ask::get(Site::Lists, "/api/get_friend_info2", &query)).await)
}

/// The card of `uin`, who is no friend. `code` tells on which occasion they are met, such as
/// `group_request_join-<gid>`; empty for none.
pub(crate) async fn ask_stranger(link: &Link, Uin(uin): Uin, code: &str) -> Result<Card, Error> {
    let (tickets, uin, t) = (link.tickets(), uin.to_string(), super::t());
    let query = [
        ("tuin", uin.as_str()),
        ("verifysession", ""),
        ("gid", "0"),
        ("code", code),
        ("vfwebqq", &tickets.vfwebqq),
        ("t", &t),
    ];
    read(STRANGER, link.ask(Ask::get(Site::Lists, "/api/get_stranger_info2", &query)).await)
}

/// Reads what came back.
pub(crate) fn read(endpoint: &'static str, answer: Result<Answer, Fault>) -> Result<Card, Error> {
    let Wire { nick, country, province, city } = Reply::read(endpoint, answer)?.result()?;
    let told = [country, province, city].into_iter().flatten().map(|part| name::decode(&part));
    let place: Vec<String> = told.filter(|part| !part.is_empty()).collect();
    Ok(Card { nick: name::decode(&nick.unwrap_or_default()), place: place.join(" ") })
}
