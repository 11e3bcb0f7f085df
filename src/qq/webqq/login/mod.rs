//! Logging in: by QR code since 2015, by number and password before; and what both end with.

mod digest;
pub(crate) mod password;
pub(crate) mod ptui;
pub(crate) mod qr;
mod tea;

use url::Url;

use super::api::{check_sig, get_online_buddies2, get_self_info2, getvfwebqq, login2, pt4_auth};
use super::clientid::Clientid;
use super::content::name;
use super::era::Site;
use super::http::{Http, Service};
use super::pace::Pace;
use super::session::{Link, Tickets};
use super::{Error, Session};
use crate::base::Clock;
use crate::qq::Status;

/// What the login servers give to whom they let in.
struct LetIn {
    /// The address that sets the rest of the cookies, where there is one.
    next: Option<Url>,
    nick: String,
}

/// A new session for whom `session` was of, without their doing anything; `None` when QQ wants them to log in.
pub(super) async fn resume(
    service: Service,
    session: &Session,
    clock: &Clock,
    pace: &Pace,
) -> Result<Option<Session>, Error> {
    if !service.era.resumes {
        return Ok(None);
    }
    let http = Link::restore(service, session)?.into_http();
    let Some(next) = pace.insist(|| pt4_auth::ask(&http)).await? else { return Ok(None) };
    let let_in = LetIn { next: Some(next), nick: session.nick.clone() };
    finish(http, let_in, clock, pace).await.map(Some)
}

/// From a login that QQ said yes to, to a session that it accepts.
///
/// Source: protocol dossier 3 and 4 (the order), 5.2 (`get_online_buddies2` before the first poll).
async fn finish(http: Http, let_in: LetIn, clock: &Clock, pace: &Pace) -> Result<Session, Error> {
    if let Some(next) = let_in.next {
        pace.insist(|| check_sig::ask(&http, next.clone())).await?;
    }
    // Some accounts got none since 2017.
    let ptwebqq = http.cookie(Site::Channel, "ptwebqq").unwrap_or_default();
    let era = http.era();
    let clientid = if era.chooses_clientid { Clientid::chosen(clock.now_ms()) } else { Clientid::default() };
    let ticket = if era.lists_by_login2 {
        None
    } else {
        Some(pace.insist(|| getvfwebqq::ask(&http, &ptwebqq, &clientid)).await?)
    };
    let opened = pace.insist(|| login2::open(&http, &ptwebqq, &clientid)).await?;
    let mut nick = name::decode(&let_in.nick);
    if nick.is_empty() {
        // A login without a nick is still a login.
        nick = get_self_info2::ask(&http).await.unwrap_or_default();
    }
    let (vfwebqq, psessionid) = (ticket.unwrap_or(opened.vfwebqq), opened.psessionid);
    let tickets = Tickets { uin: opened.uin, ptwebqq, vfwebqq, psessionid, clientid, status: Status::Online };
    let link = Link::new(http, tickets, nick);
    if let Err(error) = pace.insist(|| get_online_buddies2::ask(&link)).await {
        tracing::debug!(%error, "get_online_buddies2 failed at the end of a login");
    }
    Ok((*link.session()).clone())
}
