//! `POST s.web2.qq.com/api/allow_added_request2`: lets somebody be a friend who is one of the account's already.
//!
//! Source: protocol dossier 10.5.

use serde_json::json;

use super::Error;
use super::http::{Ask, Site};
use super::reply::Reply;
use super::session::Link;

const ENDPOINT: &str = "allow_added_request2";

/// Asks about the real number `account`. May be repeated.
pub(crate) async fn ask(link: &Link, account: u64) -> Result<(), Error> {
    let r = json!({"account": account, "vfwebqq": link.tickets().vfwebqq});
    let answer = link.ask(Ask::post(Site::Lists, "/api/allow_added_request2", &r)).await;
    Reply::read(ENDPOINT, answer)?.check()
}
