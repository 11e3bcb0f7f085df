//! `POST d1.web2.qq.com/channel/login2`: opens the channel, or takes it up again after 120 and 121.
//!
//! Source: protocol dossier 5.2 (login), 5.3 (relink).

use serde::Deserialize;
use serde_json::json;

use super::Error;
use super::http::{Ask, Http, Site};
use super::number::Uin;
use super::reply::Reply;
use super::session::Link;

const ENDPOINT: &str = "login2";
const PATH: &str = "/channel/login2";

/// What a login gives.
#[derive(Deserialize)]
pub(crate) struct Opened {
    /// The account's own, real number.
    pub(crate) uin: Uin,
    pub(crate) psessionid: String,
}

/// Opens the channel.
pub(crate) async fn open(http: &Http, ptwebqq: &str) -> Result<Opened, Error> {
    let r = json!({"ptwebqq": ptwebqq, "clientid": super::CLIENTID, "psessionid": "", "status": "online"});
    Reply::read(ENDPOINT, http.ask(Ask::post(Site::Channel, PATH, &r)).await)?.result()
}

/// What a relink may change; absent fields stay as they were. Its `vfwebqq` is left out: the one of login2 does not open
/// the lists. Source: protocol dossier 5.1, 14 row 6.
#[derive(Deserialize)]
struct Relinked {
    psessionid: Option<String>,
    ptwebqq: Option<String>,
}

/// Takes the channel up again with the tickets of `link`, and keeps the new ones.
///
/// Fails with [`Error::Busy`] when QQ wants it asked again later; with [`Error::SessionEnded`] on any other refusal.
pub(crate) async fn relink(link: &Link) -> Result<(), Error> {
    let tickets = link.tickets();
    let (ptwebqq, psessionid) = (&tickets.ptwebqq, &tickets.psessionid);
    let r = json!({"ptwebqq": ptwebqq, "clientid": super::CLIENTID, "psessionid": psessionid, "key": "",
        "state": tickets.status});
    let reply = Reply::read(ENDPOINT, link.ask(Ask::post(Site::Channel, PATH, &r)).await)?;
    match reply.code() {
        Some(0) | None => {}
        Some(retcode @ (112 | 113 | 115)) => return Err(Error::Busy { endpoint: ENDPOINT, retcode }),
        Some(retcode) => return Err(Error::SessionEnded { endpoint: ENDPOINT, retcode }),
    }
    let new: Relinked = reply.result()?;
    if let Some(ptwebqq) = new.ptwebqq.filter(|ticket| !ticket.is_empty()) {
        link.rotate(&ptwebqq);
    }
    if let Some(psessionid) = new.psessionid.filter(|ticket| !ticket.is_empty()) {
        link.change(|tickets| tickets.psessionid = psessionid);
    }
    Ok(())
}
