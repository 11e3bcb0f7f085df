//! `GET d1.web2.qq.com/channel/op_group_join_req`: lets somebody into a group, or not.
//!
//! Source: protocol dossier 10.5. That `group_uin` is the gid, as in `send_qun_msg2`, is a guess.

use super::Error;
use super::http::{Ask, Site};
use super::number::{Gid, Uin};
use super::reply::Reply;
use super::session::Link;
use crate::qq::Answer;

const ENDPOINT: &str = "op_group_join_req";

/// Answers the request of `who` to enter `gid`. May be repeated.
pub(crate) async fn ask(link: &Link, gid: Gid, who: Uin, answer: &Answer) -> Result<(), Error> {
    let (op_type, why) = match answer {
        Answer::Accept => ("2", ""),
        Answer::Deny(why) => ("3", why.as_str()),
    };
    let (tickets, t, gid, who) = (link.tickets(), super::t(), gid.to_string(), who.to_string());
    let query = [
        ("group_uin", gid.as_str()),
        ("req_uin", &who),
        ("msg", why),
        ("op_type", op_type),
        ("clientid", tickets.clientid.as_str()),
        ("psessionid", &tickets.psessionid),
        ("t", &t),
    ];
    let answer = link.ask(Ask::get(Site::Channel, "/channel/op_group_join_req", &query)).await;
    Reply::read(ENDPOINT, answer)?.check()
}
