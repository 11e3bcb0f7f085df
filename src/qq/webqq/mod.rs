//! The WebQQ backend: a client of the protocol that Tencent served at w.qq.com until January 2019 (era C).
//!
//! ```text
//!  network                    the seam; lists · poll · open · send are its four businesses
//!  roster/                    who the numbers of a login are
//!  login/  session            how a login begins, and what is kept of it
//!  content/  batch            what a message and a poll look like on the wire
//!  media/                     pictures: where they are, and where we go for them
//!  api/                       one endpoint per file
//!  retcode  reply  mend       what QQ's answers mean
//!  http  jar                  QQ's hosts, headers and cookies
//! ```

mod api;
mod asked;
mod batch;
mod content;
#[cfg(test)]
mod corpus;
mod excerpt;
mod gesture;
pub mod hash;
#[cfg(test)]
mod hostile;
mod http;
mod jar;
mod lists;
pub mod login;
mod media;
mod members;
mod mend;
mod msg_id;
mod network;
mod notice;
mod number;
mod open;
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

use std::sync::Arc;

use self::login::qr::QrLogin;
use self::media::Carrier;
use self::network::WebQq;
use self::session::Link;
use super::{Error, Login, Memory, Network, Session};
use crate::base::Clock;
use crate::config::WebQq as Settings;

pub use self::pace::Pace;

/// Begins a QR login.
pub fn begin_login(settings: &Settings, clock: &Clock) -> Result<Box<dyn Login>, Error> {
    begin_login_paced(settings, clock, Pace::default())
}

/// [`begin_login`] with other waiting times.
pub fn begin_login_paced(settings: &Settings, clock: &Clock, pace: Pace) -> Result<Box<dyn Login>, Error> {
    Ok(Box::new(QrLogin::new(settings.server.clone(), settings.max_qr_codes, clock.clone(), pace)))
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
    let link = Link::restore(settings.server.clone(), &session)?;
    let carrier = Carrier::new(settings)?;
    let webqq = WebQq::connect(link, memory, carrier, (clock.clone(), pace, settings.clone())).await?;
    Ok(Arc::new(webqq))
}
