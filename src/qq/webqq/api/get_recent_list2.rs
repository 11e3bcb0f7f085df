//! `POST d1.web2.qq.com/channel/get_recent_list2`: asked because the official page asked it between login and poll.
//!
//! Source: protocol dossier 5.2 (the order after login2), 6.6. What it says is not used.

use serde_json::json;

use super::Error;
use super::http::{Ask, Site};
use super::reply::Reply;
use super::session::Link;

const ENDPOINT: &str = "get_recent_list2";

/// Asks.
pub(crate) async fn ask(link: &Link) -> Result<(), Error> {
    let tickets = link.tickets();
    let r = json!({"vfwebqq": tickets.vfwebqq, "clientid": super::CLIENTID, "psessionid": tickets.psessionid});
    let answer = link.ask(Ask::post(Site::Channel, "/channel/get_recent_list2", &r)).await;
    Reply::read(ENDPOINT, answer)?.check()
}
