//! `GET s.web2.qq.com/api/get_single_long_nick2`: the signature of one person.
//!
//! Source: protocol dossier 6.6. The result is an array.

use serde::Deserialize;

use super::Error;
use super::http::{Answer, Ask, Fault, Site};
use super::number::{Uin, lenient_rows};
use super::reply::Reply;
use super::session::Link;
use crate::qq::webqq::content::name;

const ENDPOINT: &str = "get_single_long_nick2";

#[derive(Deserialize)]
struct Row {
    #[serde(default)]
    lnick: String,
}

/// The signature of `uin`; empty when they have none.
pub(crate) async fn ask(link: &Link, Uin(uin): Uin) -> Result<String, Error> {
    let (tickets, uin, t) = (link.tickets(), uin.to_string(), super::t());
    let query = [("tuin", uin.as_str()), ("vfwebqq", &tickets.vfwebqq), ("t", &t)];
    read(link.ask(Ask::get(Site::Lists, "/api/get_single_long_nick2", &query)).await)
}

/// Reads what came back.
pub(crate) fn read(answer: Result<Answer, Fault>) -> Result<String, Error> {
    let rows: Vec<Row> = lenient_rows(Reply::read(ENDPOINT, answer)?.result()?);
    Ok(rows.first().map(|row| name::decode(&row.lnick)).unwrap_or_default())
}
