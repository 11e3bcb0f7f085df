//! `login` and `cancel`: a QR code in the room, replaced in place, with a line under it that follows what happens.

use std::sync::{Arc, PoisonError};

use matrix_sdk::ruma::{OwnedEventId, OwnedMxcUri};
use serde_json::{Value, json};
use tracing::warn;

use super::context::notice;
use super::list::escape;
use super::{Context, Control, Error};
use crate::base::Shutdown;
use crate::bridge::{Bridge, Error as BridgeError, route};
use crate::qq::{self, AccountId, ChatKind, LoginStep, Method, Session};
use crate::store::{LoginRow, LoginState};

/// Begins a login by QR code. It goes on by itself; `cancel` ends it.
pub(super) async fn login(context: &Context, way: &str) -> Result<(), Error> {
    if !matches!(way, "" | "qr") {
        return context.reply_key("login.way", &[("way", way)]).await;
    }
    if !context.is_control_room().await? {
        return context.reply_key("login.elsewhere", &[]).await;
    }
    let Some(part) = context.control.begin_login(&context.sender) else {
        return context.reply_key("login.already", &[]).await;
    };
    let screen = Screen::new(context);
    let control = Arc::clone(&context.control);
    let sender = context.sender.clone();
    context.bridge().shutdown.spawn(async move {
        screen.run(&part).await;
        // A login that was cancelled has made room for the next one already.
        if !part.is_asked() {
            control.end_login(&sender);
        }
    });
    Ok(())
}

/// Ends the login in progress.
pub(super) async fn cancel(context: &Context, _: &str) -> Result<(), Error> {
    match context.control.end_login(&context.sender) {
        Some(part) => {
            part.begin();
            Ok(())
        }
        None => context.reply_key("cancel.nothing", &[]).await,
    }
}

impl Control {
    fn begin_login(&self, sender: &str) -> Option<Shutdown> {
        let mut logging_in = self.logging_in.lock().unwrap_or_else(PoisonError::into_inner);
        if logging_in.contains_key(sender) {
            return None;
        }
        let part = self.bridge.shutdown.part();
        logging_in.insert(sender.to_owned(), part.clone());
        Some(part)
    }

    fn end_login(&self, sender: &str) -> Option<Shutdown> {
        self.logging_in.lock().unwrap_or_else(PoisonError::into_inner).remove(sender)
    }
}

/// What the person sees of a login: a picture and a line of text, both edited in place.
struct Screen {
    context: Context,
    picture: Option<OwnedEventId>,
    line: Option<OwnedEventId>,
    codes: u32,
}

impl Screen {
    fn new(context: &Context) -> Self {
        Self { context: context.clone(), picture: None, line: None, codes: 0 }
    }

    async fn run(mut self, part: &Shutdown) {
        let ended = match part.unless_asked(self.follow()).await {
            Some(Ok(session)) => self.finish(session).await,
            Some(Err(error)) => self.show_line("login.failed", &[("why", &error.to_string())]).await,
            None => self.show_line("login.cancelled", &[]).await,
        };
        if let Err(error) = ended {
            warn!(%error, "the end of a login could not be shown");
            let _ = self.context.reply_key("command.failed", &[("why", &error.to_string())]).await;
        }
        // Whoever scans an old code gets in as somebody else's guest: do not leave it lying about.
        if let Some(picture) = &self.picture
            && let Err(error) = self.take_down(picture).await
        {
            warn!(%error, "the QR code could not be taken down");
        }
    }

    async fn follow(&mut self) -> Result<Session, Error> {
        let bridge = Arc::clone(self.context.bridge());
        let mut login = qq::begin_login(&bridge.config.network, Method::Qr, &bridge.clock)?;
        loop {
            match login.step().await? {
                LoginStep::ShowQr(png) => self.show_code(png).await?,
                LoginStep::Scanned => self.show_line("login.scanned", &[]).await?,
                LoginStep::Expired => self.show_line("login.expired", &[]).await?,
                // Only a login by password has captchas.
                LoginStep::AskCaptcha { .. } => return Err(qq::Error::NoSuchLogin.into()),
                LoginStep::Done(session) => return Ok(session),
            }
        }
    }

    async fn show_code(&mut self, png: Vec<u8>) -> Result<(), Error> {
        self.codes += 1;
        let bytes = png.len();
        let size = imagesize::blob_size(&png).ok();
        let url = self.context.bridge().homeserver.bot().upload(png, "image/png", Some("qr.png")).await?;
        let picture = picture(&url, bytes, size);
        let event = self.context.send(in_place(picture, self.picture.as_ref())).await?;
        self.picture.get_or_insert(event);
        let most = self.context.bridge().config.network.webqq.max_qr_codes.to_string();
        self.show_line("login.waiting", &[("code", &self.codes.to_string()), ("most", &most)]).await
    }

    async fn show_line(&mut self, key: &str, values: &[(&str, &str)]) -> Result<(), Error> {
        let text = self.context.say(key, values);
        let event = self.context.send(in_place(notice(&text), self.line.as_ref())).await?;
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
        if let Some(other) = owner_of(&bridge, &account).await?.filter(|owner| *owner != self.context.sender) {
            return self.show_line("login.taken", &[("account", account.as_str()), ("owner", &other)]).await;
        }
        save(&bridge, &session, &self.context.sender).await?;
        self.show_line("login.confirmed", &[("nick", &session.nick), ("account", account.as_str())]).await?;
        bridge.take_up(session, &self.context.sender).await?;
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
        if !matching.doubtful.is_empty() {
            text.push_str("\n\n");
            text.push_str(&self.context.say("login.doubtful", &[]));
        }
        for doubt in &matching.doubtful {
            text.push_str(&["\n- ", &escape(&doubt.name), ": ", &escape(&doubt.reason)].concat());
        }
        self.context.reply(&text).await
    }
}

async fn owner_of(bridge: &Bridge, account: &AccountId) -> Result<Option<String>, Error> {
    let account = account.as_str().to_owned();
    let row = bridge.store.read(move |tx| Box::pin(async move { tx.login(&account).await })).await?;
    Ok(row.filter(|row| row.state != LoginState::LoggedOut).map(|row| row.owner))
}

async fn save(bridge: &Bridge, session: &Session, owner: &str) -> Result<(), BridgeError> {
    let row = LoginRow {
        account: session.account.as_str().to_owned(),
        owner: owner.to_owned(),
        nick: session.nick.clone(),
        state: LoginState::Connected,
        epoch: session.epoch.clone(),
        session: Some(session.body.clone()),
        notice: None,
        since_ms: bridge.clock.now_ms(),
    };
    bridge.store.write(move |tx| Box::pin(async move { tx.save_login(&row).await })).await?;
    Ok(())
}

fn picture(url: &OwnedMxcUri, bytes: usize, size: Option<imagesize::ImageSize>) -> Value {
    let mut shape = json!({ "mimetype": "image/png", "size": bytes });
    if let (Some(size), Some(fields)) = (size, shape.as_object_mut()) {
        fields.insert("w".to_owned(), size.width.into());
        fields.insert("h".to_owned(), size.height.into());
    }
    json!({ "msgtype": "m.image", "body": "qr.png", "url": url, "info": shape })
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
