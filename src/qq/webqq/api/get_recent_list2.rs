//! `POST d1.web2.qq.com/channel/get_recent_list2`: the chats that were used last, the last one first.
//!
//! Source: protocol dossier 5.2 (the order after login2), 6.6.

use serde::Deserialize;
use serde_json::json;

use super::Error;
use super::http::{Answer, Ask, Fault, Site};
use super::number::{Integer, lenient_rows};
use super::reply::Reply;
use super::session::Link;

const ENDPOINT: &str = "get_recent_list2";

/// A chat that was used lately.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Recent {
    Friend(u64),
    Group(u64),
    Discussion(u64),
}

#[derive(Deserialize)]
struct Row {
    uin: Integer,
    r#type: Integer,
}

/// Asks.
pub(crate) async fn ask(link: &Link) -> Result<Vec<Recent>, Error> {
    let tickets = link.tickets();
    let r = json!({"vfwebqq": tickets.vfwebqq, "clientid": tickets.clientid, "psessionid": tickets.psessionid});
    read(link.ask(Ask::post(Site::Channel, "/channel/get_recent_list2", &r)).await)
}

/// Reads what came back.
pub(crate) fn read(answer: Result<Answer, Fault>) -> Result<Vec<Recent>, Error> {
    let rows: Vec<Row> = lenient_rows(Reply::read(ENDPOINT, answer)?.result()?);
    let recent = |row: Row| {
        let number = u64::try_from(row.uin.0).ok()?;
        match row.r#type.0 {
            0 => Some(Recent::Friend(number)),
            1 => Some(Recent::Group(number)),
            2 => Some(Recent::Discussion(number)),
            _ => None,
        }
    };
    Ok(rows.into_iter().filter_map(recent).collect())
}
