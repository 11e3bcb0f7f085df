//! `GET d1.web2.qq.com/channel/get_online_buddies2`: which friends are online.
//!
//! Source: protocol dossier 5.2, 6.6. Asked before the first poll, which may answer 103 otherwise.

use serde::Deserialize;

use super::Error;
use super::http::{Answer, Ask, Fault, Site};
use super::number::{Uin, lenient_rows};
use super::reply::Reply;
use super::session::Link;
use crate::qq::Status;

const ENDPOINT: &str = "get_online_buddies2";

/// A friend who is online.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Buddy {
    pub(crate) uin: Uin,
    pub(crate) status: Status,
}

#[derive(Deserialize)]
struct Row {
    uin: Uin,
    #[serde(default)]
    status: String,
}

/// Asks; that QQ accepts the session counts more than what it says.
pub(crate) async fn ask(link: &Link) -> Result<Vec<Buddy>, Error> {
    let (tickets, t) = (link.tickets(), super::t());
    let query = [
        ("vfwebqq", tickets.vfwebqq.as_str()),
        ("clientid", tickets.clientid.as_str()),
        ("psessionid", tickets.psessionid.as_str()),
        ("t", t.as_str()),
    ];
    read(link.ask(Ask::get(Site::Channel, "/channel/get_online_buddies2", &query)).await)
}

/// Reads what came back. Whoever is listed with a word that nobody knows is online; whoever is listed as offline is not.
pub(crate) fn read(answer: Result<Answer, Fault>) -> Result<Vec<Buddy>, Error> {
    let rows: Vec<Row> = lenient_rows(Reply::read(ENDPOINT, answer)?.result()?);
    let online = rows.into_iter().filter(|row| row.status != "offline");
    Ok(online.map(|row| Buddy { uin: row.uin, status: row.status.parse().unwrap_or_default() }).collect())
}
