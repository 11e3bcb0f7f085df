//! `login` and `cancel`: a QR code or a captcha in the room, with a line under it that follows what happens.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use matrix_sdk::ruma::OwnedEventId;
use serde_json::{Value, json};
use tracing::warn;

use super::{Context, Error, link};
use crate::base::{Secret, Shutdown};
use crate::bridge::admission::For;
use crate::bridge::codes::OnShow;
use crate::bridge::notice::markdown as notice;
use crate::bridge::text::escape;
use crate::bridge::{Texts, route};
use crate::qq::{self, AccountId, ChatKind, LoginStep, Method, Offers, Refusal, Session};
use crate::store::LoginRow;

/// How many names of those in doubt the report after a login has.
const MOST_NAMED: usize = 10;

/// How somebody wants to log in.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Way {
    Qr,
    /// With the password of this account.
    Password(String),
}

impl Way {
    /// What `words` ask for of a network that has what `offers` says; the text that says why not otherwise.
    fn parse(words: &str, offers: Offers) -> Result<Self, &'static str> {
        let (way, rest) = words.split_once(char::is_whitespace).unwrap_or((words, ""));
        let number = rest.trim();
        let is_number = (5..=10).contains(&number.len()) && number.bytes().all(|digit| digit.is_ascii_digit());
        match way {
            "" if offers.qr => Ok(Self::Qr),
            "qr" if number.is_empty() && offers.qr => Ok(Self::Qr),
            "qr" if number.is_empty() => Err("login.no_qr"),
            "password" if !offers.password => Err("login.no_password"),
            "password" if is_number => Ok(Self::Password(number.to_owned())),
            "" | "password" => Err("login.password.usage"),
            _ => Err("login.way"),
        }
    }
}

/// Begins a login. It goes on by itself; `cancel` ends it.
pub(super) async fn login(context: &Context, words: &str) -> Result<(), Error> {
    log_in(context, words, None).await
}

/// The same where it is known which account will scan the code.
async fn log_in(context: &Context, words: &str, again: Option<&str>) -> Result<(), Error> {
    let way = match Way::parse(words, qq::offers(&context.bridge().config.network)) {
        Ok(way) => way,
        Err(why) => return context.reply_key(why, &[("way", words)]).await,
    };
    if !context.is_control_room().await? {
        return context.reply_key("login.elsewhere", &[]).await;
    }
    let account = if let Way::Password(account) = &way { Some(account.as_str()) } else { again };
    if let Some(denied) = context.bridge().denied(&context.sender, &For::one(account)).await? {
        return context.reply(&denied.say(context.texts(), escape)).await;
    }
    if begin(context, way.clone(), false) {
        return Ok(());
    }
    let adopted = way == Way::Qr && context.control.adopt_login(&context.sender);
    context.reply_key(if adopted { "login.offer.taken" } else { "login.already" }, &[]).await
}

/// Logs in to an account again. QQ says itself whose code was scanned, so the number only matters for passwords.
pub(super) async fn relogin(context: &Context, number: &str) -> Result<(), Error> {
    let rows = link::logins(context).await?;
    let preferred = context.bridge().preferred_by(&context.sender).await?;
    let is_preferred = |row: &&LoginRow| preferred.as_ref().is_some_and(|account| row.account == account.as_str());
    let row = match number {
        "" => rows.iter().find(is_preferred).or(rows.first()),
        number => rows.iter().find(|row| row.account == number),
    };
    match row {
        None if number.is_empty() => context.reply_key("login.none", &[]).await,
        None => context.reply_key("logout.unknown", &[("account", number)]).await,
        Some(row) => {
            let has_codes = qq::offers(&context.bridge().config.network).qr;
            let way = if has_codes { "qr".to_owned() } else { format!("password {}", row.account) };
            log_in(context, &way, Some(&row.account)).await
        }
    }
}

/// Shows one QR code to somebody whose session has ended, where the network has them. Nothing follows when it expires.
pub(super) fn offer(context: &Context) {
    if qq::offers(&context.bridge().config.network).qr {
        begin(context, Way::Qr, true);
    }
}

/// Begins a login in a task of its own; `false` when the sender has one in progress.
fn begin(context: &Context, way: Way, is_offer: bool) -> bool {
    let is_offer = Arc::new(AtomicBool::new(is_offer));
    let Some(part) = context.control.begin_login(&context.sender, &context.room, &is_offer) else { return false };
    context.bridge().shutdown.spawn(Screen::new(context, is_offer, part).run(way));
    true
}

/// Ends the login in progress.
pub(super) async fn cancel(context: &Context, _: &str) -> Result<(), Error> {
    let was_in_progress = context.control.end_login(&context.sender);
    // Whatever asked for a password here, also before a restart, no longer does.
    context.bridge().stop_awaiting(&context.room, &context.sender, None).await?;
    if was_in_progress {
        return Ok(());
    }
    context.reply_key("cancel.nothing", &[]).await
}

/// What the person sees of a login: a picture and a line of text, both edited in place.
struct Screen {
    context: Context,
    picture: Option<OwnedEventId>,
    line: Option<OwnedEventId>,
    codes: u32,
    /// The code at an address of its own.
    on_show: Option<OnShow>,
    is_offer: Arc<AtomicBool>,
    part: Shutdown,
}

impl Screen {
    fn new(context: &Context, is_offer: Arc<AtomicBool>, part: Shutdown) -> Self {
        Self { context: context.clone(), picture: None, line: None, codes: 0, on_show: None, is_offer, part }
    }

    fn is_offer(&self) -> bool {
        self.is_offer.load(Ordering::Relaxed)
    }

    async fn run(mut self, way: Way) {
        let (asks_secret, part) = (matches!(way, Way::Password(_)), self.part.clone());
        let followed = part.unless_asked(self.follow(way)).await;
        self.on_show = None;
        let Context { room, sender, event, .. } = &self.context;
        if asks_secret && let Err(error) = self.context.bridge().stop_awaiting(room, sender, Some(event)).await {
            warn!(%error, "a password may still be waited for");
        }
        let ended = match followed {
            Some(Ok(session)) => self.finish(session).await,
            Some(Err(Error::Unanswered)) if self.is_offer() => self.show_last("login.offer.over", &[]).await,
            Some(Err(error)) => self.show_last("login.failed", &[("why", &self.reason(&error))]).await,
            None => self.show_last("login.cancelled", &[]).await,
        };
        self.leave();
        if let Err(error) = ended {
            warn!(%error, "the end of a login could not be shown");
            let _ = self.context.reply_key("command.failed", &[("why", &error.to_string())]).await;
        }
        // Whoever scans an old code gets in as somebody else's guest: do not leave it lying about.
        if let Some(picture) = &self.picture
            && let Err(error) = self.take_down(picture).await
        {
            warn!(%error, "a picture could not be taken down");
        }
    }

    /// Makes room for the next login: before the last line is said, so that whoever answers that at once is heard.
    fn leave(&self) {
        self.context.control.close_login(&self.context.sender, &self.part);
    }

    async fn show_last(&mut self, key: &str, values: &[(&str, &str)]) -> Result<(), Error> {
        self.leave();
        self.show_line(key, values).await
    }

    async fn follow(&mut self, way: Way) -> Result<Session, Error> {
        let bridge = Arc::clone(self.context.bridge());
        let method = match way {
            Way::Qr => Method::Qr,
            Way::Password(account) => Method::Password { password: self.ask_password(&account).await?, account },
        };
        let mut login = qq::begin_login(&bridge.config.network, method, &bridge.clock)?;
        loop {
            let step = login.step().await?;
            // Whatever happened, the code before is no longer to be scanned.
            self.on_show = None;
            match step {
                LoginStep::ShowQr(png) => self.show_code(png).await?,
                LoginStep::Scanned => self.show_line("login.scanned", &[]).await?,
                LoginStep::Expired if self.is_offer() => return Err(Error::Unanswered),
                LoginStep::Expired => self.show_line("login.expired", &[]).await?,
                LoginStep::AskCaptcha { picture, again } => {
                    let read = self.ask_captcha(picture, again).await?;
                    login.answer(read.expose());
                    self.show_line("login.checking", &[]).await?;
                }
                LoginStep::Done(session) => return Ok(session),
            }
        }
    }

    /// Asks for the password; the message with it is taken down, and never was on disk.
    async fn ask_password(&mut self, account: &str) -> Result<Secret, Error> {
        let context = self.context.clone();
        let answer = context.control.ask(&context.sender, true);
        context.bridge().await_secret(&context.room, &context.sender, &context.event).await?;
        self.show_line("login.password.ask", &[("account", account)]).await?;
        let password = answer.await.map_err(|_| Error::Unanswered)?;
        self.line = None;
        self.show_line("login.checking", &[]).await?;
        Ok(Secret::new(password.expose().trim()))
    }

    /// Shows the picture of a captcha under what was said before, and waits for what the person reads in it.
    async fn ask_captcha(&mut self, picture: Vec<u8>, again: bool) -> Result<Secret, Error> {
        if let Some(old) = self.picture.take() {
            self.take_down(&old).await?;
        }
        self.line = None;
        let answer = self.context.control.ask(&self.context.sender, false);
        self.show_picture(picture, "captcha").await?;
        self.show_line(if again { "login.captcha.again" } else { "login.captcha.ask" }, &[]).await?;
        answer.await.map_err(|_| Error::Unanswered)
    }

    /// Why a login failed, as markdown.
    fn reason(&self, error: &Error) -> String {
        let texts = self.context.bridge().texts_for(&self.context.sender);
        match error {
            Error::Qq(error) => reason(texts, error, escape),
            error => error.to_string(),
        }
    }

    async fn show_picture(&mut self, bytes: Vec<u8>, name: &str) -> Result<(), Error> {
        let kind = if bytes.starts_with(b"\x89PNG") { "png" } else { "jpeg" };
        let (name, mimetype) = (format!("{name}.{kind}"), format!("image/{kind}"));
        let mut shape = json!({ "mimetype": mimetype, "size": bytes.len() });
        if let (Ok(size), Some(fields)) = (imagesize::blob_size(&bytes), shape.as_object_mut()) {
            fields.insert("w".to_owned(), size.width.into());
            fields.insert("h".to_owned(), size.height.into());
        }
        let url = self.context.bridge().homeserver.bot().upload(bytes, &mimetype, Some(&name)).await?;
        let picture = json!({ "msgtype": "m.image", "body": name, "url": url, "info": shape });
        let event = self.context.send(in_place(picture, self.picture.as_ref())).await?;
        self.picture.get_or_insert(event);
        Ok(())
    }

    async fn show_code(&mut self, png: Vec<u8>) -> Result<(), Error> {
        self.codes += 1;
        let bridge = Arc::clone(self.context.bridge());
        let on_show = bridge.codes.show(png.clone(), &self.context.sender);
        let address = on_show.address(&bridge.config.status_page);
        self.on_show = Some(on_show);
        self.show_picture(png, "qr").await?;
        let mut text = if self.is_offer() {
            self.context.say("login.offer", &[])
        } else {
            let most = bridge.config.network.webqq.max_qr_codes.to_string();
            self.context.say("login.waiting", &[("code", &self.codes.to_string()), ("most", &most)])
        };
        if let Some(address) = address {
            text.push_str("\n\n");
            text.push_str(&self.context.say("login.address", &[("address", &address)]));
        }
        self.show_text(&text).await
    }

    async fn show_line(&mut self, key: &str, values: &[(&str, &str)]) -> Result<(), Error> {
        self.show_text(&self.context.say(key, values)).await
    }

    async fn show_text(&mut self, text: &str) -> Result<(), Error> {
        let event = self.context.send(in_place(notice(text), self.line.as_ref())).await?;
        self.line.get_or_insert(event);
        Ok(())
    }

    async fn take_down(&self, picture: &OwnedEventId) -> Result<(), Error> {
        let room = self.context.room_id()?;
        let key = route::key(&["take down", picture.as_str()]);
        self.context.bridge().homeserver.bot().redact(&room, picture, &key, None).await?;
        Ok(())
    }

    /// The session goes to disk before anything else happens.
    async fn finish(&mut self, session: Session) -> Result<(), Error> {
        let bridge = Arc::clone(self.context.bridge());
        let account = session.account.clone();
        if let Some(denied) = bridge.keep_new_session(&session, &self.context.sender, None).await? {
            self.leave();
            return self.show_text(&denied.say(self.context.texts(), escape)).await;
        }
        self.show_line("login.confirmed", &[("nick", &escape(&session.nick)), ("account", account.as_str())]).await?;
        bridge.admit(session, &self.context.sender).await?;
        self.leave();
        self.report(&account).await
    }

    /// How many friends and groups there are, and what is in doubt after a new login.
    async fn report(&self, account: &AccountId) -> Result<(), Error> {
        let Some(live) = self.context.bridge().logins.live(account) else { return Ok(()) };
        let chats = live.network.chats().await?;
        let count = |kind| chats.iter().filter(|chat| chat.kind == kind).count().to_string();
        let values = [
            ("friends", &*count(ChatKind::Friend)),
            ("groups", &*count(ChatKind::Group)),
            ("discussions", &*count(ChatKind::Discussion)),
        ];
        let mut text = self.context.say("login.report", &values);
        let matching = live.network.matching();
        if matching.kept > 0 {
            let values = [("kept", &*matching.kept.to_string()), ("new", &*matching.new.to_string())];
            text.push_str("\n\n");
            text.push_str(&self.context.say("login.matched", &values));
        }
        let names: Vec<String> = matching.open().map(|doubt| escape(&doubt.name)).collect();
        if let Some(most) = names.get(..names.len().min(MOST_NAMED)).filter(|most| !most.is_empty()) {
            let dots = if most.len() < names.len() { " …" } else { "" };
            let values = [("count", &*names.len().to_string()), ("names", &(most.join(", ") + dots))];
            text.push_str("\n\n");
            text.push_str(&self.context.say("login.doubtful", &values));
        }
        self.context.reply(&text).await
    }
}

/// Why a login failed, for people; QQ's own words go through `shown`.
pub(super) fn reason(texts: Texts, error: &qq::Error, shown: impl Fn(&str) -> String) -> String {
    let qq::Error::LoginRefused { why, text, .. } = error else { return error.to_string() };
    let reason = texts.say(refusal_key(*why), &[]);
    if text.is_empty() { reason } else { texts.say("login.refused", &[("why", &reason), ("said", &shown(text))]) }
}

/// The text for a refusal.
fn refusal_key(why: Refusal) -> &'static str {
    match why {
        Refusal::WrongPassword => "login.refused.password",
        Refusal::WrongCaptcha => "login.refused.captcha",
        Refusal::Frozen => "login.refused.frozen",
        Refusal::TooMany => "login.refused.too_many",
        Refusal::ScanInstead => "login.refused.scan",
        Refusal::Busy => "login.refused.busy",
        Refusal::Other => "login.refused.other",
    }
}

/// `content` as an edit of `event`, or as it is when there is nothing to edit yet.
fn in_place(content: Value, event: Option<&OwnedEventId>) -> Value {
    let Some(event) = event else { return content };
    let mut edit = content.clone();
    if let Some(fields) = edit.as_object_mut() {
        fields.insert("m.new_content".to_owned(), content);
        fields.insert("m.relates_to".to_owned(), json!({ "rel_type": "m.replace", "event_id": event }));
    }
    edit
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_way_is_taken_where_it_is_offered_and_refused_with_the_reason_elsewhere() {
        let (smart, old) = (Offers { qr: true, password: false }, Offers { qr: false, password: true });
        for words in ["", "qr"] {
            assert_eq!(Way::parse(words, smart), Ok(Way::Qr));
        }
        for words in ["password 10001", "password  2769546520 "] {
            assert_eq!(Way::parse(words, smart), Err("login.no_password"));
            assert!(matches!(Way::parse(words, old), Ok(Way::Password(_))));
        }
        assert_eq!(Way::parse("qr", old), Err("login.no_qr"));
        for words in ["", "password", "password 123", "password me@example.org", "password 12345678901"] {
            assert_eq!(Way::parse(words, old), Err("login.password.usage"), "{words}");
        }
        assert_eq!(Way::parse("fingerprint", old), Err("login.way"));
    }
}
