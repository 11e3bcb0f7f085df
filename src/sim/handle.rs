//! What the person who plays QQ can do: speak, listen, handle the phone, and make trouble. The console says the same in JSON.

use std::sync::Arc;

use serde::Serialize;
use serde_json::{Map, Value};

use super::act::{Act, Asked};
use super::captcha;
use super::chat::ChatKey;
use super::content;
use super::fault::Fault;
use super::push;
use super::qr::QrState;
use super::rules::Rules;
use super::stage::{Shared, Stage};
use super::talk::{Event, Heard, Speaker, Spoken};
use super::world::{World, WorldError};

/// The hand that plays QQ; clones play the same one.
#[derive(Clone, Debug)]
pub struct Handle {
    pub(crate) shared: Arc<Shared>,
}

/// How the account's login stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct SessionView {
    /// Whether a client is logged in.
    pub online: bool,
    /// As the client set it: `online`, `hidden`, …; empty when nobody is logged in.
    pub status: String,
    /// Whether a poll is held right now.
    pub polling: bool,
    /// Messages that wait for a poll.
    pub queued: usize,
    /// Messages of the client that were accepted and reached nobody.
    pub dropped: u64,
    /// How often login2 gave out new numbers.
    pub logins: u64,
    /// How often each endpoint was called.
    pub calls: std::collections::BTreeMap<String, u64>,
}

impl Handle {
    /// Says `text` in `chat` (`friend:<name>`, `group:<name>`, `discussion:<name>`) as the person `speaker`; faces by `[微笑]`.
    ///
    /// The account's own nick speaks as the account from another device. Gives the `msg_id` that clients will see.
    pub fn say(&self, chat: &str, speaker: &str, text: &str) -> Result<u16, Refused> {
        self.say_content(chat, speaker, content::from_text(text))
    }

    /// Says elements as they are on the wire; without a font, a usual one is added.
    pub fn say_content(&self, chat: &str, speaker: &str, content: Vec<Value>) -> Result<u16, Refused> {
        if content.is_empty() {
            return Err(Refused::NothingSaid);
        }
        let chat: ChatKey = chat.parse()?;
        let now_ms = self.now_ms();
        self.shared.change(|stage| {
            let speaker = who_speaks(stage, &chat, speaker)?;
            Ok(stage.say(chat, speaker, content, now_ms))
        })
    }

    /// What the client said and the service accepted, in order, from number `after` + 1 on.
    #[must_use]
    pub fn heard(&self, after: u64) -> Vec<Heard> {
        self.shared.look(|stage| heard_after(stage, after).to_vec())
    }

    /// Waits until what was heard so far satisfies `enough`, and gives it.
    pub async fn wait_heard(&self, mut enough: impl FnMut(&[Heard]) -> bool) -> Vec<Heard> {
        self.wait_for(|stage| enough(&stage.heard).then(|| stage.heard.clone())).await
    }

    /// The newest QR code's state.
    #[must_use]
    pub fn qr(&self) -> QrState {
        self.shared.look(|stage| qr_state(stage, self.now_ms()))
    }

    /// How many QR codes there were: another number means another picture.
    #[must_use]
    pub fn qr_codes(&self) -> u64 {
        self.shared.look(|stage| stage.codes)
    }

    /// The newest QR code as a PNG.
    #[must_use]
    pub fn qr_png(&self) -> Option<Vec<u8>> {
        self.shared.look(|stage| stage.attempts.last().map(|attempt| attempt.picture.clone()))
    }

    /// Waits until the newest QR code is in state `state`. Growing old does not wake it.
    pub async fn wait_qr(&self, state: QrState) {
        self.wait_for(|stage| (qr_state(stage, self.now_ms()) == state).then_some(())).await;
    }

    /// Scans the newest QR code with the phone.
    pub fn scan(&self) -> Result<(), Refused> {
        self.advance_qr(&[QrState::Waiting], QrState::Scanned, "scanned")
    }

    /// Allows the login on the phone.
    pub fn confirm(&self) -> Result<(), Refused> {
        self.advance_qr(&[QrState::Scanned], QrState::Confirmed, "confirmed")
    }

    /// Refuses the login on the phone: the code is of no use any more.
    pub fn reject(&self) -> Result<(), Refused> {
        self.advance_qr(&[QrState::Waiting, QrState::Scanned], QrState::Expired, "rejected")
    }

    /// What is in the picture of the newest captcha; it goes when it was typed rightly.
    #[must_use]
    pub fn captcha(&self) -> Option<String> {
        self.shared.look(|stage| newest_captcha(stage).map(|attempt| attempt.text.clone()))
    }

    /// Its picture, a PNG.
    #[must_use]
    pub fn captcha_png(&self) -> Option<Vec<u8>> {
        self.shared.look(|stage| newest_captcha(stage).and_then(|attempt| attempt.picture.clone()))
    }

    /// Waits until there is a captcha other than `before`, and tells what is in it.
    pub async fn wait_captcha(&self, before: Option<&str>) -> String {
        self.wait_for(|stage| {
            let text = newest_captcha(stage).map(|attempt| attempt.text.clone());
            text.filter(|text| Some(text.as_str()) != before)
        })
        .await
    }

    /// Orders misbehaviour.
    pub fn fault(&self, fault: Fault) {
        self.shared.change(|stage| stage.faults.order(fault));
    }

    /// Takes back all orders for misbehaviour.
    pub fn clear_faults(&self) {
        self.shared.change(|stage| stage.faults.clear());
    }

    /// Throws the client out: its next poll gets a `kick_message`, everything after that is refused.
    pub fn kick(&self, reason: &str) -> Result<(), Refused> {
        self.shared.change(|stage| {
            let current =
                stage.current.and_then(|current| stage.session_mut(current)).ok_or(Refused::NobodyLoggedIn)?;
            current.kicked = Some(reason.to_owned());
            Ok(())
        })
    }

    /// Forgets the session: every call with its tickets is refused, those with its psessionid by `retcode` (103, 100000, …).
    pub fn expire(&self, retcode: i64) -> Result<(), Refused> {
        self.shared.change(|stage| {
            let current = stage.current.ok_or(Refused::NobodyLoggedIn)?;
            stage.forget(current, retcode);
            Ok(())
        })
    }

    /// Puts `items` into a poll reply of their own, as they are, but for texts such as `"$uin:王芳"`, `"$gid:<group>"`,
    /// `"$code:<group>"`, `"$did:<discussion>"`, `"$own"` and `"$echo"`: they become the numbers of the login that polls.
    pub fn push(&self, items: Vec<Value>) -> Result<(), Refused> {
        self.shared.change(|stage| {
            push::check(&items, &stage.world, &stage.people)?;
            stage.mail.push(Event::Raw(items), stage.world.options.queue_limit);
            Ok(())
        })
    }

    /// The world as it is now.
    #[must_use]
    pub fn world(&self) -> World {
        self.shared.look(|stage| stage.world.clone())
    }

    /// Changes the world while it runs: lists show it at once, logged-in clients get numbers for whoever is new.
    pub fn edit_world(&self, edit: impl FnOnce(&mut World)) -> Result<(), WorldError> {
        let mut world = self.world();
        edit(&mut world);
        self.shared.change(|stage| stage.replace_world(world))
    }

    /// Lets somebody do something besides speaking; the client hears of it as the real service told it.
    pub fn act(&self, act: &Act) -> Result<(), Refused> {
        self.shared.change(|stage| {
            let mut world = stage.world.clone();
            let item = act.play(&mut world, stage.next_event())?;
            stage.replace_world(world).map_err(|why| Refused::Impossible(why.to_string()))?;
            stage.asked.extend(act.asks());
            stage.mail.push(Event::Raw(vec![item]), stage.world.options.queue_limit);
            Ok(())
        })
    }

    /// What was asked of the account, in order, and what the client answered.
    #[must_use]
    pub fn asked(&self) -> Vec<Asked> {
        self.shared.look(|stage| stage.asked.clone())
    }

    /// Waits until what was asked satisfies `enough`, and gives it.
    pub async fn wait_asked(&self, mut enough: impl FnMut(&[Asked]) -> bool) -> Vec<Asked> {
        self.wait_for(|stage| enough(&stage.asked).then(|| stage.asked.clone())).await
    }

    /// Changes some of the world's rules while it runs: `{"pace_ms": 3000}`.
    pub fn change_rules(&self, changes: Map<String, Value>) -> Result<Rules, Refused> {
        self.shared.change(|stage| {
            let bad = |why: serde_json::Error| Refused::BadRules(why.to_string());
            let mut rules = serde_json::to_value(&stage.world.options).map_err(bad)?;
            if let Some(rules) = rules.as_object_mut() {
                rules.extend(changes);
            }
            stage.world.options = serde_json::from_value(rules).map_err(bad)?;
            Ok(stage.world.options.clone())
        })
    }

    /// How the account's login stands.
    #[must_use]
    pub fn session(&self) -> SessionView {
        self.shared.look(session_view)
    }

    /// Waits until the login is as `wanted` says.
    pub async fn wait_session(&self, mut wanted: impl FnMut(&SessionView) -> bool) -> SessionView {
        self.wait_for(|stage| Some(session_view(stage)).filter(|view| wanted(view))).await
    }

    /// Everything that was said on either side, from number `after` + 1 on; the oldest lines fall out in time.
    #[must_use]
    pub fn spoken(&self, after: u64) -> Vec<Spoken> {
        self.shared.look(|stage| stage.log.after(after).cloned().collect())
    }

    /// Waits until `look` finds something.
    pub(crate) async fn wait_for<T>(&self, mut look: impl FnMut(&Stage) -> Option<T>) -> T {
        let mut changes = self.shared.changes();
        loop {
            if let Some(found) = self.shared.look(&mut look) {
                return found;
            }
            if changes.changed().await.is_err() {
                std::future::pending::<()>().await;
            }
        }
    }

    fn now_ms(&self) -> i64 {
        self.shared.clock.now_ms()
    }

    fn advance_qr(&self, from: &[QrState], to: QrState, verb: &'static str) -> Result<(), Refused> {
        let now_ms = self.now_ms();
        self.shared.change(|stage| {
            let lifetime = stage.world.options.qr_lifetime();
            // Another code may be shown before this phone has answered: it answers about the one that it scanned.
            let scanned =
                stage.attempts.iter().rposition(|attempt| attempt.state(lifetime, now_ms) == QrState::Scanned);
            let meant = scanned.filter(|_| from.contains(&QrState::Scanned)).or(stage.attempts.len().checked_sub(1));
            let attempt = meant
                .and_then(|at| stage.attempts.get_mut(at))
                .ok_or(Refused::QrState { verb, state: QrState::None })?;
            attempt.advance(from, to, lifetime, now_ms).map_err(|state| Refused::QrState { verb, state })
        })
    }
}

/// Why something cannot be played.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// The world has no such chat.
    #[error(
        "there is no chat {0:?}; chats are written friend:<name>, group:<name>, discussion:<name> or temporary:<name>@<group or discussion>"
    )]
    UnknownChat(String),
    /// That person is not in that chat.
    #[error("{name:?} is not in {chat}")]
    NotInChat {
        /// Who.
        name: String,
        /// Where.
        chat: String,
    },
    /// A message without content.
    #[error("there is nothing to say: give a text or a content that is not empty")]
    NothingSaid,
    /// The QR code is not in a state for that.
    #[error("the QR code cannot be {verb}: its state is {state:?}")]
    QrState {
        /// What was tried.
        verb: &'static str,
        /// What it is in.
        state: QrState,
    },
    /// The world has no such picture.
    #[error("this world has no picture {0:?}")]
    UnknownPicture(String),
    /// No client is logged in.
    #[error("nobody is logged in")]
    NobodyLoggedIn,
    /// The order for misbehaviour is not understood.
    #[error("the fault is not understood: {0}")]
    BadFault(String),
    /// The world has no such rule, or it takes another value.
    #[error("the rules are not understood: {0}")]
    BadRules(String),
    /// The world would contradict itself.
    #[error("that cannot be: {0}")]
    Impossible(String),
    /// A placeholder stands for nobody.
    #[error("{0:?} stands for nobody in this world")]
    UnknownPlaceholder(String),
}

/// The person `name` in `chat`, or the account itself.
pub(super) fn who_speaks(stage: &Stage, chat: &ChatKey, name: &str) -> Result<Speaker, Refused> {
    if !chat.exists_in(&stage.world) {
        return Err(Refused::UnknownChat(chat.to_string()));
    }
    if name == stage.world.account.nick {
        return Ok(Speaker::Me);
    }
    if chat.includes(name, &stage.world) {
        return Ok(Speaker::Person(name.to_owned()));
    }
    Err(Refused::NotInChat { name: name.to_owned(), chat: chat.to_string() })
}

fn newest_captcha(stage: &Stage) -> Option<&captcha::Attempt> {
    stage.password_attempts.iter().rev().find(|attempt| attempt.picture.is_some())
}

fn heard_after(stage: &Stage, after: u64) -> &[Heard] {
    let from = usize::try_from(after).unwrap_or(usize::MAX);
    stage.heard.get(from..).unwrap_or_default()
}

fn qr_state(stage: &Stage, now_ms: i64) -> QrState {
    stage.attempts.last().map_or(QrState::None, |attempt| attempt.state(stage.world.options.qr_lifetime(), now_ms))
}

fn session_view(stage: &Stage) -> SessionView {
    let current = stage.current.and_then(|current| stage.session(current));
    let channel = current.and_then(|session| session.channel.as_ref());
    SessionView {
        online: channel.is_some(),
        status: channel.map(|channel| channel.status.clone()).unwrap_or_default(),
        polling: current.is_some_and(|session| session.held_polls > 0),
        queued: stage.mail.len(),
        dropped: stage.dropped,
        logins: stage.logins,
        calls: stage.calls.clone(),
    }
}
