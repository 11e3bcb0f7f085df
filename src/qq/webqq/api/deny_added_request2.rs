//! `POST s.web2.qq.com/api/deny_added_request2`: does not let somebody be a friend.
//!
//! Source: protocol dossier 10.5.

use serde_json::json;

use super::Error;
use super::http::{Ask, Site};
use super::reply::Reply;
use super::session::Link;

const ENDPOINT: &str = "deny_added_request2";

/// Asks about the real number `account`; `why` is shown to them. May be repeated.
pub(crate) async fn ask(link: &Link, account: u64, why: &str) -> Result<(), Error> {
    let r = json!({"account": account, "msg": why, "vfwebqq": link.tickets().vfwebqq});
    let answer = link.ask(Ask::post(Site::Lists, "/api/deny_added_request2", &r)).await;
    Reply::read(ENDPOINT, answer)?.check()
}
