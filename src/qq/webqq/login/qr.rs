//! Logging in by QR code: show it, wait until it was scanned and confirmed, fetch the tickets.
//!
//! Source: protocol dossier 4.

use async_trait::async_trait;
use tokio::time::sleep;

use crate::base::Clock;
use crate::qq::webqq::api::ptqrlogin::{self, Progress};
use crate::qq::webqq::api::{login, ptqrshow};
use crate::qq::webqq::http::{Http, Service};
use crate::qq::webqq::jar::Jar;
use crate::qq::webqq::pace::Pace;
use crate::qq::{Error, Login, LoginStep, Verdict};

/// How many questions about a code may fail in a row: a minute of a network that is down.
const MOST_HICCUPS: u32 = 30;

/// A QR login in progress.
pub(crate) struct QrLogin {
    service: Service,
    clock: Clock,
    pace: Pace,
    most_codes: u32,
    shown: u32,
    state: State,
}

enum State {
    /// A new code is to be fetched.
    NeedsCode,
    /// The code of this connection is on show.
    Shown { http: Box<Http>, scanned: bool },
    /// It is over.
    Over,
}

impl QrLogin {
    /// A login that shows at most `most_codes` codes.
    pub(crate) fn new(service: Service, most_codes: u32, clock: Clock, pace: Pace) -> Self {
        Self { service, clock, pace, most_codes, shown: 0, state: State::NeedsCode }
    }

    /// Every code begins with an empty cookie jar: nothing of a code that expired is carried over.
    async fn show(&mut self) -> Result<LoginStep, Error> {
        if self.shown >= self.most_codes {
            return Err(Error::TooManyCodes(self.shown));
        }
        let http = Box::new(Http::new(self.service.clone(), Jar::default())?);
        let png = self.pace.insist(|| ptqrshow::ask(&http)).await?;
        self.shown += 1;
        self.state = State::Shown { http, scanned: false };
        Ok(LoginStep::ShowQr(png))
    }

    async fn wait(&mut self, http: Box<Http>, mut scanned: bool) -> Result<LoginStep, Error> {
        let mut hiccups = 0;
        loop {
            sleep(self.pace.qr).await;
            match ptqrlogin::ask(&http, self.clock.now_ms()).await {
                Ok(Progress::Confirmed { check_sig, nick }) => {
                    let end = super::LetIn { next: Some(check_sig), nick };
                    return super::finish(*http, end, &self.clock, &self.pace).await.map(LoginStep::Done);
                }
                Ok(Progress::Refused { code, text }) => {
                    return Err(Error::LoginRefused { why: login::refusal(&code), code, text });
                }
                Ok(Progress::Expired) => {
                    self.state = State::NeedsCode;
                    return Ok(LoginStep::Expired);
                }
                Ok(Progress::Scanned) if !scanned => {
                    self.state = State::Shown { http, scanned: true };
                    return Ok(LoginStep::Scanned);
                }
                Ok(Progress::Scanned) => hiccups = 0,
                // Whoever taps "back" on the phone may scan again.
                Ok(Progress::Waiting) => (hiccups, scanned) = (0, false),
                Err(error) if hiccups < MOST_HICCUPS && matches!(error.verdict(), Verdict::Retry(_)) => {
                    hiccups += 1;
                    tracing::debug!(%error, hiccups, "asking about the QR code failed");
                }
                Err(error) => return Err(error),
            }
        }
    }
}

#[async_trait]
impl Login for QrLogin {
    async fn step(&mut self) -> Result<LoginStep, Error> {
        match std::mem::replace(&mut self.state, State::Over) {
            State::NeedsCode => self.show().await,
            State::Shown { http, scanned } => self.wait(http, scanned).await,
            State::Over => Err(Error::Settings("this login is over".to_owned())),
        }
    }
}
