//! `GET d1.web2.qq.com/channel/notify_offfile2`: tells a friend that an offline file is not taken.
//!
//! Source: protocol dossier 10.3.

use super::Error;
use super::http::{Ask, Site};
use super::number::Uin;
use super::reply::Reply;
use super::session::Link;

const ENDPOINT: &str = "notify_offfile2";
/// The action that refuses.
const REFUSE: &str = "2";

/// Refuses.
pub(crate) async fn ask(link: &Link, name: &str, size: i64, from: Uin) -> Result<(), Error> {
    let (tickets, to, size) = (link.tickets(), from.to_string(), size.to_string());
    let query = [
        ("to", to.as_str()),
        ("file_name", name),
        ("file_size", size.as_str()),
        ("action", REFUSE),
        ("clientid", tickets.clientid.as_str()),
        ("psessionid", tickets.psessionid.as_str()),
    ];
    let answer = link.ask(Ask::get(Site::Channel, "/channel/notify_offfile2", &query)).await;
    Reply::read(ENDPOINT, answer)?.check()
}
