//! `GET d1.web2.qq.com/channel/logout2`: ends the session.
//!
//! Source: protocol dossier 5.6; 100 ("not logged in") counts as done.

use super::Error;
use super::http::{Ask, Site};
use super::reply::Reply;
use super::session::Link;

const ENDPOINT: &str = "logout2";

/// Asks; a session that is gone already is as good.
pub(crate) async fn ask(link: &Link) -> Result<(), Error> {
    let (tickets, t) = (link.tickets(), super::t());
    let query =
        [("ids", ""), ("clientid", tickets.clientid.as_str()), ("psessionid", tickets.psessionid.as_str()), ("t", &t)];
    let answer = link.ask(Ask::get(Site::Channel, "/channel/logout2", &query)).await;
    match Reply::read(ENDPOINT, answer)?.check() {
        Err(Error::SessionEnded { .. }) => Ok(()),
        done => done,
    }
}
