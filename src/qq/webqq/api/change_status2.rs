//! `GET d1.web2.qq.com/channel/change_status2`: shows the account to others as online, away, hidden and so on.
//!
//! Source: protocol dossier 5.5, 2.4.

use super::Error;
use super::http::{Ask, Site};
use super::reply::Reply;
use super::session::Link;
use crate::qq::Status;

const ENDPOINT: &str = "change_status2";

/// Asks, and remembers `status` for relinks, which tell it again. May be repeated.
pub(crate) async fn ask(link: &Link, status: Status) -> Result<(), Error> {
    let (tickets, t) = (link.tickets(), super::t());
    let query = [
        ("newstatus", status.as_str()),
        ("clientid", tickets.clientid.as_str()),
        ("psessionid", tickets.psessionid.as_str()),
        ("t", &t),
    ];
    let answer = link.ask(Ask::get(Site::Channel, "/channel/change_status2", &query)).await;
    Reply::read(ENDPOINT, answer)?.check()?;
    link.change(|tickets| tickets.status = status);
    Ok(())
}
