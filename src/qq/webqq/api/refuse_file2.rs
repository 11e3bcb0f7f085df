//! `GET d1.web2.qq.com/channel/refuse_file2`: tells a friend that a file is not taken.
//!
//! Source: protocol dossier 10.4.

use super::Error;
use super::http::{Ask, Site};
use super::number::Uin;
use super::reply::Reply;
use super::session::Link;

const ENDPOINT: &str = "refuse_file2";

/// Refuses.
pub(crate) async fn ask(link: &Link, session_id: i64, from: Uin) -> Result<(), Error> {
    let (tickets, lcid, to, t) = (link.tickets(), session_id.to_string(), from.to_string(), super::t());
    let query = [
        ("to", to.as_str()),
        ("lcid", lcid.as_str()),
        ("clientid", tickets.clientid.as_str()),
        ("psessionid", tickets.psessionid.as_str()),
        ("t", t.as_str()),
    ];
    let answer = link.ask(Ask::get(Site::Channel, "/channel/refuse_file2", &query)).await;
    Reply::read(ENDPOINT, answer)?.check()
}
