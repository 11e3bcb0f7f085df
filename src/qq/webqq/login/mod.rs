//! Logging in: by QR code, which is all that era C knows.

pub mod digest;
pub(crate) mod ptui;
pub(crate) mod qr;

use url::Url;

use super::api::{check_sig, get_online_buddies2, get_self_info2, getvfwebqq, login2};
use super::content::name;
use super::http::Http;
use super::pace::Pace;
use super::session::{Link, Tickets};
use super::{Error, Session};
use crate::qq::Status;

/// From the address that a confirmed login gives to a session that QQ accepts.
///
/// Source: protocol dossier 4 (the order), 5.2 (`get_online_buddies2` before the first poll).
async fn finish(http: Http, check_sig: Url, nick: &str, pace: &Pace) -> Result<Session, Error> {
    let ptwebqq = pace.insist(|| check_sig::ask(&http, check_sig.clone())).await?;
    let vfwebqq = pace.insist(|| getvfwebqq::ask(&http, &ptwebqq)).await?;
    let opened = pace.insist(|| login2::open(&http, &ptwebqq)).await?;
    let mut nick = name::decode(nick);
    if nick.is_empty() {
        // A login without a nick is still a login.
        nick = get_self_info2::ask(&http).await.unwrap_or_default();
    }
    let psessionid = opened.psessionid;
    let tickets = Tickets { uin: opened.uin, ptwebqq, vfwebqq, psessionid, status: Status::Online };
    let link = Link::new(http, tickets, nick);
    if let Err(error) = pace.insist(|| get_online_buddies2::ask(&link)).await {
        tracing::debug!(%error, "get_online_buddies2 failed at the end of a login");
    }
    Ok((*link.session()).clone())
}
