//! `POST login/start/{flow}`, `login/step/{process}/{step}/{kind}` and `login/cancel/{process}`: a login step by step.
//!
//! It runs in a task of its own and is the one login that its person has in progress: a new one, here or by `login` in the
//! control room after `cancel`, takes its place. A session that the phone confirmed is on disk before a client is told.

use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use tokio::time::timeout;
use tracing::{info, warn};

use super::Provision;
use super::answer::{Answer, Refused, done};
use super::auth::Person;
use super::code;
use super::flow::{self, Flow};
use super::process::{Input, Kind, Process};
use crate::base::Secret;
use crate::bridge::admission::For;
use crate::bridge::convert::media::Picture;
use crate::control::Error;
use crate::control::login::reason;
use crate::qq::{self, AccountId, LoginStep, Method, Session};

/// How long a login may take.
const LIFETIME: Duration = Duration::from_mins(30);
/// How many logins there may be at once.
const MOST: usize = 256;

/// Begins a login of `person` by the flow `name`; `again` is the account that they want to log in again.
pub(super) async fn start(provision: Arc<Provision>, person: Person, name: &str, again: Option<AccountId>) -> Answer {
    let offered = Flow::of(name, qq::offers(&provision.bridge().config.network));
    let flow = offered.ok_or_else(|| Refused::unrecognized(http::StatusCode::NOT_FOUND, "No such login flow"))?;
    let whom = For::one(again.as_ref().map(AccountId::as_str));
    if let Some(denied) = provision.bridge().denied(&person.0, &whom).await? {
        return Err(Refused::forbidden(denied.say(provision.bridge().texts_for(&person.0), str::to_owned)));
    }
    let process = provision.begin(&person).ok_or_else(|| Refused::limited("Too many logins are in progress"))?;
    info!(person = person.0, flow = name, "a login begins through the API");
    let login = Login { provision: Arc::clone(&provision), process: Arc::clone(&process), person, flow, again };
    provision.bridge().shutdown.spawn(login.run());
    process.first().await.map(axum::Json)
}

/// What comes after the step `step` of the login `process`.
pub(super) async fn step(
    provision: &Provision,
    person: &Person,
    (process, step, kind): (&str, &str, Kind),
    input: Input,
) -> Answer {
    let process = provision.process(person, process).ok_or_else(|| Refused::not_found("Login"))?;
    if kind == Kind::Complete {
        return Err(Refused::finished());
    }
    process.after(step, kind, input).await.map(axum::Json)
}

/// Ends the login `process`.
pub(super) fn cancel(provision: &Provision, person: &Person, process: &str) -> Answer {
    let process = provision.process(person, process).ok_or_else(|| Refused::not_found("Login"))?;
    process.part.begin();
    process.fail(Refused::cancelled());
    Ok(done())
}

impl Provision {
    /// A new login of `person`, in the place of the one before; `None` when there are too many of others.
    fn begin(&self, person: &Person) -> Option<Arc<Process>> {
        let mut processes = self.processes();
        if processes.len() >= MOST {
            processes.retain(|_, process| !process.is_over());
        }
        if processes.len() >= MOST && !processes.contains_key(&person.0) {
            return None;
        }
        let process = Arc::new(Process::new(self.control.begin_login_elsewhere(&person.0)));
        processes.insert(person.0.clone(), Arc::clone(&process));
        Some(process)
    }

    /// The login `id`, if it is that of `person`.
    fn process(&self, person: &Person, id: &str) -> Option<Arc<Process>> {
        self.processes().get(&person.0).filter(|process| process.id() == id).cloned()
    }
}

/// A login on its way.
struct Login {
    provision: Arc<Provision>,
    process: Arc<Process>,
    person: Person,
    flow: Flow,
    again: Option<AccountId>,
}

/// Why it ends without a session.
enum Stopped {
    Failed(Error),
    Refused(Refused),
}

impl<E: Into<Error>> From<E> for Stopped {
    fn from(error: E) -> Self {
        Self::Failed(error.into())
    }
}

impl Drop for Login {
    /// Whatever ended it, nobody waits any longer.
    fn drop(&mut self) {
        self.leave();
        self.process.fail(Refused::cancelled());
    }
}

impl Login {
    /// Makes room for the next login: before the end is told, so that whoever goes on at once may.
    fn leave(&self) {
        self.provision.control.close_login(&self.person.0, &self.process.part);
    }

    async fn run(self) {
        let ended = match self.process.part.unless_asked(timeout(LIFETIME, self.follow())).await {
            None => Err(Stopped::Refused(Refused::cancelled())),
            Some(Err(_)) => Err(Stopped::Refused(Refused::timed_out())),
            Some(Ok(Ok(session))) => self.finish(session).await,
            Some(Ok(Err(stopped))) => Err(stopped),
        };
        if let Err(stopped) = ended {
            self.leave();
            self.process.fail(self.refusal(stopped));
        }
    }

    async fn follow(&self) -> Result<Session, Stopped> {
        let bridge = self.provision.bridge();
        let method = match self.flow {
            Flow::Qr => Method::Qr,
            Flow::Password => self.ask_password().await?,
        };
        let mut login = qq::begin_login(&bridge.config.network, method, &bridge.clock)?;
        loop {
            match login.step().await? {
                LoginStep::ShowQr(picture) => self.show_code(picture).await?,
                LoginStep::Scanned => self.wait("scanned", "provision.scanned", &json!({ "type": "nothing" })),
                // A new code comes at once.
                LoginStep::Expired => {}
                LoginStep::AskCaptcha { picture, again } => {
                    login.answer(self.ask_captcha(&picture, again).await?.expose());
                }
                LoginStep::Done(session) => return Ok(session),
            }
        }
    }

    async fn show_code(&self, picture: Vec<u8>) -> Result<(), Stopped> {
        let image = format!("data:image/png;base64,{}", STANDARD.encode(&picture));
        let unreadable = || Stopped::Refused(Refused::failed(self.say("provision.unreadable")));
        let text = code::text_in(picture).await.ok_or_else(unreadable)?;
        self.wait("qr", "provision.qr", &json!({ "type": "qr", "data": text, "image_url": image }));
        Ok(())
    }

    async fn ask_password(&self) -> Result<Method, Stopped> {
        let (number, password) = (self.say("provision.number"), self.say("provision.password"));
        let default = self.again.as_ref().map(AccountId::as_str).unwrap_or_default();
        let fields = json!([
            { "type": "username", "id": "number", "name": number, "description": "", "pattern": flow::NUMBER, "default_value": default },
            { "type": "password", "id": "password", "name": password, "description": "" },
        ]);
        let mut asked =
            self.ask("password", "provision.ask_password", json!({ "fields": fields, "attachments": [] })).await?;
        let account = asked.remove("number").unwrap_or_default().expose().trim().to_owned();
        if !flow::is_number(&account) {
            return Err(Stopped::Refused(Refused::invalid(self.say("provision.no_number"))));
        }
        Ok(Method::Password { account, password: asked.remove("password").unwrap_or_default() })
    }

    async fn ask_captcha(&self, picture: &[u8], again: bool) -> Result<Secret, Stopped> {
        let field = json!({ "type": "captcha_code", "id": "captcha", "name": self.say("provision.captcha"), "description": "" });
        let shape = Picture::of(picture);
        let (mime, name) = shape.as_ref().map_or(("image/jpeg", "jpg"), |shape| (shape.mime, shape.extension));
        let (width, height) = shape.map_or((0, 0), |shape| (shape.width, shape.height));
        let attachment = json!({
            "type": "m.image",
            "filename": format!("captcha.{name}"),
            "content": STANDARD.encode(picture),
            "info": { "mimetype": mime, "w": width, "h": height, "size": picture.len() },
        });
        let key = if again { "provision.ask_captcha_again" } else { "provision.ask_captcha" };
        let mut asked = self.ask("captcha", key, json!({ "fields": [field], "attachments": [attachment] })).await?;
        Ok(asked.remove("captcha").unwrap_or_default())
    }

    fn say(&self, key: &str) -> String {
        self.provision.bridge().texts_for(&self.person.0).say(key, &[])
    }

    fn wait(&self, name: &str, key: &str, parameters: &Value) {
        self.process.show(name, Kind::DisplayAndWait, &self.say(key), parameters);
    }

    async fn ask(&self, name: &str, key: &str, parameters: Value) -> Result<Input, Stopped> {
        let asked = self.process.ask(name, &self.say(key), &parameters).await;
        asked.ok_or_else(|| Stopped::Refused(Refused::cancelled()))
    }

    /// The session goes to disk before anybody hears of it.
    async fn finish(&self, session: Session) -> Result<(), Stopped> {
        let (bridge, owner) = (self.provision.bridge(), self.person.0.as_str());
        let (account, nick) = (session.account.clone(), session.nick.clone());
        let values = [("nick", &*nick), ("account", account.as_str())];
        if let Some(denied) = bridge.keep_new_session(&session, owner, self.again.as_ref()).await? {
            return Err(Stopped::Refused(Refused::forbidden(denied.say(bridge.texts_for(owner), str::to_owned))));
        }
        // When it fails it goes on in the background, and `whoami` tells how it does.
        let _ = bridge.admit(session, owner).await;
        if let Some(other) = self.again.as_ref().filter(|other| **other != account)
            && let Err(error) = bridge.log_out(other).await
        {
            warn!(account = %other, %error, "the login that another took the place of could not be ended");
        }
        self.leave();
        let text = bridge.texts_for(owner).say("provision.complete", &values);
        self.process.show("complete", Kind::Complete, &text, &json!({ "user_login_id": account.as_str() }));
        Ok(())
    }

    /// What a client is told.
    fn refusal(&self, stopped: Stopped) -> Refused {
        match stopped {
            Stopped::Refused(refused) => refused,
            Stopped::Failed(Error::Qq(qq::Error::TooManyCodes(_))) => Refused::timed_out(),
            Stopped::Failed(Error::Qq(error @ qq::Error::LoginRefused { .. })) => {
                Refused::forbidden(reason(self.provision.bridge().texts_for(&self.person.0), &error, str::to_owned))
            }
            Stopped::Failed(error) => error.into(),
        }
    }
}
