//! `GET s.web2.qq.com/api/get_friend_uin2`: the real number of a person.
//!
//! Source: protocol dossier 6.7. Closed in April 2017; clients that called it often feared to be blocked.

use serde::Deserialize;

use super::Error;
use super::http::{Answer, Ask, Fault, Site};
use super::number::Uin;
use super::reply::Reply;
use super::session::Link;
use crate::qq::webqq::number::Account;

const ENDPOINT: &str = "get_friend_uin2";

#[derive(Deserialize)]
struct Wire {
    account: Uin,
}

/// The real number of `who`; `None` when QQ tells something that cannot be one.
pub(crate) async fn ask(link: &Link, who: Uin) -> Result<Option<Account>, Error> {
    let (tickets, tuin, t) = (link.tickets(), who.to_string(), super::t());
    let query = [
        ("tuin", tuin.as_str()),
        ("type", "1"),
        ("verifysession", ""),
        ("code", ""),
        ("vfwebqq", &tickets.vfwebqq),
        ("t", &t),
    ];
    read(link.ask(Ask::get(Site::Lists, "/api/get_friend_uin2", &query)).await, who)
}

/// Reads what came back about `who`.
pub(crate) fn read(answer: Result<Answer, Fault>, who: Uin) -> Result<Option<Account>, Error> {
    let Wire { account } = Reply::read(ENDPOINT, answer)?.result()?;
    Ok(Account::told(account.0, who.0))
}
