//! `GET d1.web2.qq.com/channel/get_online_buddies2`: asked before the first poll, which may answer 103 otherwise.
//!
//! Source: protocol dossier 5.2, 6.6. Who is online is not carried.

use super::Error;
use super::http::{Ask, Site};
use super::reply::Reply;
use super::session::Link;

const ENDPOINT: &str = "get_online_buddies2";

/// Asks; only whether QQ accepts the session counts.
pub(crate) async fn ask(link: &Link) -> Result<(), Error> {
    let (tickets, t) = (link.tickets(), super::t());
    let query = [
        ("vfwebqq", tickets.vfwebqq.as_str()),
        ("clientid", super::CLIENTID_TEXT),
        ("psessionid", tickets.psessionid.as_str()),
        ("t", t.as_str()),
    ];
    let answer = link.ask(Ask::get(Site::Channel, "/channel/get_online_buddies2", &query)).await;
    Reply::read(ENDPOINT, answer)?.check()
}
