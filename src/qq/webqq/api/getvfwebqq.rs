//! `GET s.web2.qq.com/api/getvfwebqq`: the ticket of the lists.
//!
//! Source: protocol dossier 5.1. login2 gives another one of the same name, which does not work in era C.

use serde::Deserialize;

use super::Error;
use super::clientid::Clientid;
use super::http::{Ask, Http, Site};
use super::reply::Reply;

const ENDPOINT: &str = "getvfwebqq";

#[derive(Deserialize)]
struct Ticket {
    vfwebqq: String,
}

/// `vfwebqq`.
pub(crate) async fn ask(http: &Http, ptwebqq: &str, clientid: &Clientid) -> Result<String, Error> {
    let t = super::t();
    let query = [("ptwebqq", ptwebqq), ("clientid", clientid.as_str()), ("psessionid", ""), ("t", &t)];
    let answer = http.ask(Ask::get(Site::Lists, "/api/getvfwebqq", &query)).await;
    let ticket: Ticket = Reply::read(ENDPOINT, answer)?.result()?;
    Ok(ticket.vfwebqq)
}
