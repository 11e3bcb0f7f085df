//! The WebQQ backend: a client of the protocol that Tencent served from 2011 until January 2019.
//!
//! ```text
//!  network                    the seam; lists · poll · open · send are its four businesses
//!  roster/                    who the numbers of a login are
//!  login/  session            how a login begins, and what is kept of it
//!  content/  batch            what a message and a poll look like on the wire
//!  media/                     pictures: where they are, and where we go for them
//!  api/                       one endpoint per file
//!  retcode  reply  mend       what QQ's answers mean
//!  era  list_hash  clientid   what differed from year to year
//!  http  jar                  QQ's headers and cookies
//! ```

mod api;
mod asked;
mod batch;
mod clientid;
mod content;
#[cfg(test)]
mod corpus;
mod era;
mod excerpt;
mod gesture;
pub mod hash;
mod held;
#[cfg(test)]
mod hostile;
mod http;
mod jar;
mod leave;
mod list_hash;
mod lists;
mod login;
mod media;
mod members;
mod mend;
mod msg_id;
mod network;
mod notice;
mod number;
mod open;
mod order;
mod pace;
mod poll;
mod reply;
mod retcode;
mod roster;
mod send;
mod session;
mod standing;
#[cfg(test)]
mod vectors;
mod web_message;

use std::sync::Arc;

use self::http::Service;
use self::login::password::PasswordLogin;
use self::login::qr::QrLogin;
use self::media::Carrier;
use self::network::WebQq;
use self::session::Link;
use super::{Error, Login, Memory, Method, Network, Offers, Session};
use crate::base::Clock;
use crate::config::WebQq as Settings;

pub use self::pace::Pace;

/// Which logins the configured era has.
#[must_use]
pub fn offers(settings: &Settings) -> Offers {
    let era = era::Era::of(settings.era);
    Offers { qr: era.qr, password: era.password.is_some() }
}

/// Begins a login.
pub fn begin_login(settings: &Settings, method: Method, clock: &Clock) -> Result<Box<dyn Login>, Error> {
    begin_login_paced(settings, method, clock, Pace::default())
}

/// [`begin_login`] with other waiting times.
pub fn begin_login_paced(
    settings: &Settings,
    method: Method,
    clock: &Clock,
    pace: Pace,
) -> Result<Box<dyn Login>, Error> {
    let service = Service::of(settings);
    match (method, service.era.password) {
        (Method::Qr, _) if service.era.qr => {
            Ok(Box::new(QrLogin::new(service, settings.max_qr_codes, clock.clone(), pace)))
        }
        (Method::Password { account, password }, Some(form)) => {
            Ok(Box::new(PasswordLogin::new(service, form, (account, password), clock.clone(), pace)))
        }
        (Method::Qr | Method::Password { .. }, _) => Err(Error::NoSuchLogin),
    }
}

/// Asks for a new session in the place of one that has ended, without a person.
pub async fn resume(settings: &Settings, session: &Session, clock: &Clock) -> Result<Option<Session>, Error> {
    resume_paced(settings, session, clock, Pace::default()).await
}

/// [`resume`] with other waiting times.
pub async fn resume_paced(
    settings: &Settings,
    session: &Session,
    clock: &Clock,
    pace: Pace,
) -> Result<Option<Session>, Error> {
    login::resume(Service::of(settings), session, clock, &pace).await
}

/// Takes up a session.
pub async fn connect(
    settings: &Settings,
    session: Session,
    memory: Arc<dyn Memory>,
    clock: &Clock,
) -> Result<Arc<dyn Network>, Error> {
    connect_paced(settings, session, memory, clock, Pace::default()).await
}

/// [`connect`] with other waiting times.
pub async fn connect_paced(
    settings: &Settings,
    session: Session,
    memory: Arc<dyn Memory>,
    clock: &Clock,
    pace: Pace,
) -> Result<Arc<dyn Network>, Error> {
    let link = Link::restore(Service::of(settings), &session)?;
    let carrier = Carrier::new(settings)?;
    let webqq = WebQq::connect(link, memory, carrier, (clock.clone(), pace, settings.clone())).await?;
    Ok(Arc::new(webqq))
}
