//! Logging in by number and password, with a captcha when QQ wants one.
//!
//! Source: protocol dossier 3. Nothing is tried for ever: three pictures, two more tries when QQ asks for them.

use async_trait::async_trait;
use tokio::time::sleep;

use super::digest;
use crate::base::{Clock, Secret};
use crate::qq::webqq::api::check::{self, Captcha, Check, Salt};
use crate::qq::webqq::api::getimage;
use crate::qq::webqq::api::login::{self, Outcome, Shown};
use crate::qq::webqq::era::{PasswordForm, Site};
use crate::qq::webqq::http::{Http, Service};
use crate::qq::webqq::jar::Jar;
use crate::qq::webqq::pace::Pace;
use crate::qq::{Error, Login, LoginStep, Refusal};

/// How many pictures a person may misread.
const MOST_PICTURES: u32 = 3;
/// How often a login begins anew, or is tried once more, because QQ says so.
const MOST_REPEATS: u32 = 2;

/// A password login in progress.
pub(crate) struct PasswordLogin {
    service: Service,
    form: PasswordForm,
    account: String,
    password: Secret,
    clock: Clock,
    pace: Pace,
    pictures: u32,
    repeats: u32,
    state: State,
}

enum State {
    /// Nothing was asked yet.
    Fresh,
    /// The person looks at a picture.
    Shown(Box<Talk>),
    /// The captcha is known.
    Ready(Box<Talk>, String),
    /// It is over.
    Over,
}

/// One conversation with the login servers: its cookies, and what they want to see.
struct Talk {
    http: Http,
    check: Check,
}

impl PasswordLogin {
    /// A login of an account with its password.
    pub(crate) fn new(
        service: Service,
        form: PasswordForm,
        (account, password): (String, Secret),
        clock: Clock,
        pace: Pace,
    ) -> Self {
        Self { service, form, account, password, clock, pace, pictures: 0, repeats: 0, state: State::Fresh }
    }

    /// Every conversation begins with an empty cookie jar.
    async fn begin(&mut self) -> Result<Option<LoginStep>, Error> {
        let http = Http::new(self.service.clone(), Jar::default())?;
        let check = self.pace.insist(|| check::ask(&http, self.form, &self.account)).await?;
        let talk = Box::new(Talk { http, check });
        match talk.check.captcha.clone() {
            Captcha::Known(captcha) => {
                self.state = State::Ready(talk, captcha);
                Ok(None)
            }
            Captcha::Picture(_) => self.show(talk, false).await.map(Some),
        }
    }

    async fn show(&mut self, talk: Box<Talk>, again: bool) -> Result<LoginStep, Error> {
        if self.pictures >= MOST_PICTURES {
            let (why, text) = (Refusal::WrongCaptcha, String::new());
            return Err(Error::LoginRefused { why, code: "4".to_owned(), text });
        }
        self.pictures += 1;
        let name = match &talk.check.captcha {
            Captcha::Picture(name) => name.as_str(),
            Captcha::Known(_) => "",
        };
        let picture = self.pace.insist(|| getimage::ask(&talk.http, self.form, &self.account, name)).await?;
        self.state = State::Shown(talk);
        Ok(LoginStep::AskCaptcha { picture, again })
    }

    async fn log_in(&mut self, talk: Box<Talk>, captcha: String) -> Result<Option<LoginStep>, Error> {
        let p = self.hidden(&talk.check.salt, &captcha);
        let from_picture = talk.http.cookie(Site::Captcha, "verifysession");
        let session = from_picture.as_deref().unwrap_or(&talk.check.session);
        let (account, rand_salt) = (self.account.as_str(), talk.check.rand_salt.as_str());
        let shown = Shown { account, p: &p, captcha: &captcha, session, rand_salt };
        let outcome = self.pace.insist(|| login::ask(&talk.http, self.form, &shown)).await?;
        match outcome {
            Outcome::In { next, nick } => {
                let end = super::LetIn { next, nick };
                super::finish(talk.http, end, &self.clock, &self.pace)
                    .await
                    .map(|session| Some(LoginStep::Done(session)))
            }
            Outcome::Captcha { misread } => self.show(talk, misread).await.map(Some),
            Outcome::Anew if self.repeats < MOST_REPEATS => {
                self.repeats += 1;
                self.state = State::Fresh;
                Ok(None)
            }
            Outcome::Again { .. } if self.repeats < MOST_REPEATS => {
                self.repeats += 1;
                sleep(self.pace.retry.delay(self.repeats)).await;
                self.state = State::Ready(talk, captcha);
                Ok(None)
            }
            Outcome::Anew => Err(Error::LoginRefused { why: Refusal::Busy, code: "5".to_owned(), text: String::new() }),
            Outcome::Again { code, text } => Err(Error::LoginRefused { why: Refusal::Busy, code, text }),
            Outcome::Refused { why, code, text } => Err(Error::LoginRefused { why, code, text }),
        }
    }

    /// The password as QQ wants to see it.
    fn hidden(&self, salt: &Salt, captcha: &str) -> Secret {
        match salt {
            Salt::None => digest::unsalted(&self.password, captcha),
            Salt::Digest(salt) => digest::salted(&self.password, salt, captcha),
            Salt::Cipher(salt) => digest::enciphered(&self.password, salt, captcha, &mut rand::rng()),
        }
    }
}

#[async_trait]
impl Login for PasswordLogin {
    async fn step(&mut self) -> Result<LoginStep, Error> {
        loop {
            let step = match std::mem::replace(&mut self.state, State::Over) {
                State::Fresh => self.begin().await?,
                State::Ready(talk, captcha) => self.log_in(talk, captcha).await?,
                State::Shown(_) => return Err(Error::Settings("the captcha was not answered".to_owned())),
                State::Over => return Err(Error::Settings("this login is over".to_owned())),
            };
            if let Some(step) = step {
                return Ok(step);
            }
        }
    }

    fn answer(&mut self, captcha: &str) {
        if let State::Shown(talk) = std::mem::replace(&mut self.state, State::Over) {
            self.state = State::Ready(talk, captcha.trim().to_owned());
        }
    }
}
