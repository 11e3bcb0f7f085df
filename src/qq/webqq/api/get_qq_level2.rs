//! `GET s.web2.qq.com/api/get_qq_level2`: the level of one person.
//!
//! Source: protocol dossier 6.6.

use serde::Deserialize;

use super::Error;
use super::http::{Answer, Ask, Fault, Site};
use super::number::{Integer, Uin};
use super::reply::Reply;
use super::session::Link;

const ENDPOINT: &str = "get_qq_level2";

#[derive(Deserialize)]
struct Level {
    level: Option<Integer>,
}

/// The level of `uin`, if QQ tells.
pub(crate) async fn ask(link: &Link, Uin(uin): Uin) -> Result<Option<u32>, Error> {
    let (tickets, uin, t) = (link.tickets(), uin.to_string(), super::t());
    let query = [("tuin", uin.as_str()), ("vfwebqq", &tickets.vfwebqq), ("t", &t)];
    read(link.ask(Ask::get(Site::Lists, "/api/get_qq_level2", &query)).await)
}

/// Reads what came back.
pub(crate) fn read(answer: Result<Answer, Fault>) -> Result<Option<u32>, Error> {
    let Level { level } = Reply::read(ENDPOINT, answer)?.result()?;
    Ok(level.and_then(|Integer(level)| u32::try_from(level).ok()))
}
