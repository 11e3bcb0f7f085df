//! `POST d1.web2.qq.com/channel/login2`: opens the channel, or takes it up again after 120 and 121.
//!
//! Source: protocol dossier 5.2 (login), 5.3 (relink).

use serde::Deserialize;
use serde_json::json;

use super::Error;
use super::clientid::Clientid;
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
    /// Opens the lists until 2014; not in era C. Source: protocol dossier 5.1, 14 row 6.
    #[serde(default)]
    pub(crate) vfwebqq: String,
}

/// Opens the channel.
pub(crate) async fn open(http: &Http, ptwebqq: &str, clientid: &Clientid) -> Result<Opened, Error> {
    let ask = if http.era().chooses_clientid {
        let r =
            json!({"status": "online", "ptwebqq": ptwebqq, "passwd_sig": "", "clientid": clientid, "psessionid": null});
        let beside = [("clientid", clientid.as_str().to_owned()), ("psessionid", "null".to_owned())];
        Ask::post(Site::Channel, PATH, &r).beside(beside)
    } else {
        let r = json!({"ptwebqq": ptwebqq, "clientid": clientid, "psessionid": "", "status": "online"});
        Ask::post(Site::Channel, PATH, &r)
    };
    Reply::read(ENDPOINT, http.ask(ask).await)?.result()
}

/// What a relink may change; absent fields stay as they were.
#[derive(Deserialize)]
struct Relinked {
    psessionid: Option<String>,
    ptwebqq: Option<String>,
    vfwebqq: Option<String>,
}

/// Takes the channel up again with the tickets of `link`, and keeps the new ones.
///
/// Fails with [`Error::Busy`] when QQ wants it asked again later; with [`Error::SessionEnded`] on any other refusal.
pub(crate) async fn relink(link: &Link) -> Result<(), Error> {
    let tickets = link.tickets();
    let (ptwebqq, psessionid, clientid) = (&tickets.ptwebqq, &tickets.psessionid, &tickets.clientid);
    let r = if link.era().chooses_clientid {
        json!({"status": tickets.status, "ptwebqq": ptwebqq, "passwd_sig": "", "clientid": clientid, "psessionid": psessionid})
    } else {
        json!({"ptwebqq": ptwebqq, "clientid": clientid, "psessionid": psessionid, "key": "", "state": tickets.status})
    };
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
    if let Some(vfwebqq) = new.vfwebqq.filter(|ticket| !ticket.is_empty() && link.era().lists_by_login2) {
        link.change(|tickets| tickets.vfwebqq = vfwebqq);
    }
    Ok(())
}
