//! The WebQQ backend: a client of the protocol that Tencent served at w.qq.com until January 2019.

use std::sync::Arc;

use super::{Error, Login, Memory, Network, Session};
use crate::base::Clock;
use crate::config::WebQq as Settings;

/// Begins a QR login.
pub fn begin_login(_settings: &Settings, _clock: &Clock) -> Result<Box<dyn Login>, Error> {
    Err(Error::Settings("not built yet".to_owned()))
}

/// Takes up a session.
pub async fn connect(
    _settings: &Settings,
    _session: Session,
    _memory: Arc<dyn Memory>,
    _clock: &Clock,
) -> Result<Arc<dyn Network>, Error> {
    Err(Error::Settings("not built yet".to_owned()))
}
