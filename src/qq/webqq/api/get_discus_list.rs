//! `GET s.web2.qq.com/api/get_discus_list`: every discussion; until 2012 `d.web2.qq.com/channel/get_discu_list_new2`.
//!
//! Source: protocol dossier 6.5.

use serde::Deserialize;

use super::Error;
use super::http::{Answer, Ask, Fault};
use super::number::{Did, rows};
use super::reply::Reply;
use super::session::Link;
use crate::qq::webqq::content::name;

const ENDPOINT: &str = "get_discus_list";

/// One discussion.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Discussion {
    pub(crate) did: Did,
    pub(crate) name: String,
}

#[derive(Deserialize)]
struct Wire {
    #[serde(default, deserialize_with = "rows")]
    dnamelist: Vec<WireDiscussion>,
}

#[derive(Deserialize)]
struct WireDiscussion {
    did: Did,
    #[serde(default)]
    name: String,
}

/// Every discussion of the account.
pub(crate) async fn ask(link: &Link) -> Result<Vec<Discussion>, Error> {
    let (tickets, t) = (link.tickets(), super::t());
    let query = [
        ("clientid", tickets.clientid.as_str()),
        ("psessionid", &tickets.psessionid),
        ("vfwebqq", &tickets.vfwebqq),
        ("t", &t),
    ];
    let (site, path) = link.era().discussions;
    let answer = link.ask(Ask::get(site, path, &query)).await;
    read(answer)
}

/// Reads what came back.
pub(crate) fn read(answer: Result<Answer, Fault>) -> Result<Vec<Discussion>, Error> {
    let wire: Wire = Reply::read(ENDPOINT, answer)?.result()?;
    let discussion = |row: WireDiscussion| Discussion { did: row.did, name: name::decode(&row.name) };
    Ok(wire.dnamelist.into_iter().map(discussion).collect())
}
