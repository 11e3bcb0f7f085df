//! Everything that the pretend QQ knows at one moment, behind one lock, and the signal that something changed.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError, Weak};

use rand::rngs::StdRng;
use rand::{Rng as _, SeedableRng as _};
use serde_json::Value;
use tokio::sync::watch;

use super::act::Asked;
use super::album::{self, Album};
use super::captcha;
use super::chat::ChatKey;
use super::company::{News, Word};
use super::content;
use super::fault::Faults;
use super::loss::{Loss, Pace};
use super::people::People;
use super::qr::Attempt;
use super::session::{Session, SessionId};
use super::talk::{Event, Heard, Log, Mail, Said, Speaker, Spoken};
use super::token;
use super::world::{World, WorldError};
use crate::base::{Clock, Shutdown};

/// More sessions than this are not remembered at once.
const MOST_SESSIONS: usize = 16;
/// More QR codes or password logins than this are not remembered at once.
const MOST_ATTEMPTS: usize = 16;

/// The stage and what its users need besides.
#[derive(Debug)]
pub(crate) struct Shared {
    stage: Mutex<Stage>,
    changed: watch::Sender<()>,
    /// Those of other accounts.
    others: OnceLock<Vec<Weak<Self>>>,
    pub(crate) clock: Clock,
    pub(crate) shutdown: Shutdown,
}

impl Shared {
    pub(crate) fn new(stage: Stage, clock: Clock, shutdown: Shutdown) -> Self {
        let (stage, changed, others) = (Mutex::new(stage), watch::Sender::new(()), OnceLock::new());
        Self { stage, changed, others, clock, shutdown }
    }

    /// From now on the stages of `others` hear what concerns them. Can be said once.
    pub(crate) fn meet(&self, others: Vec<Weak<Self>>) {
        self.others.get_or_init(|| others);
    }

    /// Reads the stage.
    pub(crate) fn look<T>(&self, look: impl FnOnce(&Stage) -> T) -> T {
        look(&self.lock())
    }

    /// Changes the stage and wakes everybody who waits for a change.
    pub(crate) fn change<T>(&self, change: impl FnOnce(&mut Stage) -> T) -> T {
        let (result, news) = {
            let mut stage = self.lock();
            (change(&mut stage), std::mem::take(&mut stage.news))
        };
        self.changed.send_replace(());
        // No stage is told while another one is locked.
        for other in self.others.get().into_iter().flatten().filter_map(Weak::upgrade) {
            if !news.is_empty() {
                other.lock().learn(&news);
                other.changed.send_replace(());
            }
        }
        result
    }

    /// Tells of changes from now on.
    pub(crate) fn changes(&self) -> watch::Receiver<()> {
        self.changed.subscribe()
    }

    fn lock(&self) -> MutexGuard<'_, Stage> {
        self.stage.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The pretend QQ at one moment.
#[derive(Debug)]
pub(crate) struct Stage {
    pub(crate) world: World,
    pub(crate) people: People,
    pub(crate) rng: StdRng,
    /// QR codes, the newest last.
    pub(crate) attempts: Vec<Attempt>,
    /// How many codes there were.
    pub(crate) codes: u64,
    /// Password logins, the newest last.
    pub(crate) password_attempts: Vec<captcha::Attempt>,
    /// superkey and supertoken of everybody who was let in: they outlive sessions.
    pub(crate) known_browsers: Vec<(String, String)>,
    pub(crate) sessions: Vec<Session>,
    /// Who logged in last.
    pub(crate) current: Option<SessionId>,
    /// Who polled last: only that session gets messages. Source: protocol dossier 11, "multi login".
    pub(crate) last_poller: Option<SessionId>,
    /// What holders of a forgotten psessionid are told.
    pub(crate) forgotten: HashMap<String, i64>,
    pub(crate) mail: Mail,
    pub(crate) heard: Vec<Heard>,
    pub(crate) log: Log,
    /// What was asked of the account, in order.
    pub(crate) asked: Vec<Asked>,
    pub(crate) album: Album,
    pub(crate) faults: Faults,
    /// What other accounts have to hear of.
    news: Vec<News>,
    /// Calls by endpoint.
    pub(crate) calls: BTreeMap<String, u64>,
    pub(crate) logins: u64,
    /// Messages of the client that reached nobody.
    pub(crate) dropped: u64,
    pace: Pace,
    next_session: u64,
    events: u64,
    msg_ids: HashMap<String, u16>,
}

impl Stage {
    pub(crate) fn new(world: World, people: People, seed: u64) -> Self {
        let mut faults = Faults::default();
        world.faults.iter().cloned().for_each(|fault| faults.order(fault));
        Self {
            world,
            people,
            rng: StdRng::seed_from_u64(seed),
            attempts: Vec::new(),
            codes: 0,
            password_attempts: Vec::new(),
            known_browsers: Vec::new(),
            sessions: Vec::new(),
            current: None,
            last_poller: None,
            forgotten: HashMap::new(),
            mail: Mail::default(),
            heard: Vec::new(),
            log: Log::default(),
            asked: Vec::new(),
            album: Album::default(),
            faults,
            news: Vec::new(),
            calls: BTreeMap::new(),
            logins: 0,
            dropped: 0,
            pace: Pace::default(),
            next_session: 0,
            events: 0,
            msg_ids: HashMap::new(),
        }
    }

    /// Shows a code, which every phone can scan.
    pub(crate) fn show_code(&mut self, attempt: Attempt) {
        self.news.push(News::Code(attempt.clone()));
        self.add_attempt(attempt);
    }

    pub(crate) fn add_attempt(&mut self, attempt: Attempt) {
        if self.attempts.len() >= MOST_ATTEMPTS {
            self.attempts.remove(0);
        }
        self.attempts.push(attempt);
        self.codes += 1;
    }

    /// Whether this account's phone has scanned, or refused, the code of `qrsig`.
    pub(crate) fn has_scanned(&self, qrsig: &str) -> bool {
        self.attempts.iter().any(|attempt| attempt.qrsig == qrsig && attempt.is_touched())
    }

    pub(crate) fn add_password_attempt(&mut self, attempt: captcha::Attempt) {
        if self.password_attempts.len() >= MOST_ATTEMPTS {
            self.password_attempts.remove(0);
        }
        self.password_attempts.push(attempt);
    }

    /// Remembers the browser that was let in.
    pub(crate) fn remember_browser(&mut self, superkey: String, supertoken: String) {
        if self.known_browsers.len() >= MOST_SESSIONS {
            self.known_browsers.remove(0);
        }
        self.known_browsers.push((superkey, supertoken));
    }

    /// Starts a session: what a confirmed QR code or a right password leads to.
    pub(crate) fn start_session(&mut self) -> SessionId {
        if self.sessions.len() >= MOST_SESSIONS {
            self.sessions.remove(0);
        }
        self.next_session += 1;
        let id = SessionId(self.next_session);
        self.sessions.push(Session::new(id, &mut self.rng));
        id
    }

    pub(crate) fn session(&self, id: SessionId) -> Option<&Session> {
        self.sessions.iter().find(|session| session.id == id)
    }

    pub(crate) fn session_mut(&mut self, id: SessionId) -> Option<&mut Session> {
        self.sessions.iter_mut().find(|session| session.id == id)
    }

    /// Forgets a session with all its tickets; its psessionid is answered with `retcode` from now on.
    pub(crate) fn forget(&mut self, id: SessionId, retcode: i64) {
        let Some(at) = self.sessions.iter().position(|session| session.id == id) else { return };
        let session = self.sessions.remove(at);
        if let Some(channel) = session.channel {
            self.forgotten.insert(channel.psessionid, retcode);
        }
        self.current = self.current.filter(|current| *current != id);
    }

    /// Forgets the sessions that have lived as long as the rules let them.
    pub(crate) fn forget_old(&mut self, now_ms: i64) {
        let Some(life) = self.world.options.session_life_ms() else { return };
        let is_old =
            |session: &&Session| session.channel.is_some() && now_ms.saturating_sub(session.logged_in_at_ms) >= life;
        let old: Vec<SessionId> = self.sessions.iter().filter(is_old).map(|session| session.id).collect();
        for id in old {
            self.forget(id, self.world.options.unknown_session_retcode);
        }
    }

    /// Whether the service loses a message of the client, and why.
    pub(crate) fn lose(&mut self, content: &[Value], now_ms: i64) -> Option<Loss> {
        let loss = self.pace.take(content, &self.world.options, now_ms)?;
        self.dropped += 1;
        Some(loss)
    }

    /// Gives the session that logged in last a new ptwebqq, of which it does not know yet.
    pub(crate) fn rotate_ptwebqq(&mut self) {
        let fresh = token::hex(&mut self.rng, 32);
        if let Some(session) = self.current.and_then(|current| self.session_mut(current)) {
            session.ptwebqq = fresh;
        }
    }

    /// Another world takes the place of this one: logged-in clients get numbers for whoever is new.
    pub(crate) fn replace_world(&mut self, world: World) -> Result<(), WorldError> {
        let people = People::of(&world)?;
        for channel in self.sessions.iter_mut().filter_map(|session| session.channel.as_mut()) {
            channel.numbers.extend(&mut self.rng, &world, &people);
        }
        self.world = world;
        self.people = people;
        Ok(())
    }

    /// The number of the next event that is no message.
    pub(crate) fn next_event(&mut self) -> u64 {
        self.events += 1;
        self.events
    }

    /// The client answers what was asked; `None` when nobody asked for it, or it was answered before.
    pub(crate) fn answer(&mut self, (name, group): (&str, Option<&str>), accepted: bool, reason: String) -> Option<()> {
        let open =
            |asked: &&mut Asked| asked.name == name && asked.group.as_deref() == group && asked.accepted.is_none();
        let asked = self.asked.iter_mut().find(open)?;
        asked.accepted = Some(accepted);
        asked.reason = reason;
        Some(())
    }

    /// Puts a message of somebody on its way to the client. Gives its `msg_id`.
    pub(crate) fn say(&mut self, chat: ChatKey, speaker: Speaker, content: Vec<Value>, now_ms: i64) -> u16 {
        self.tell_others(&chat, &speaker, &content, now_ms);
        self.bring(chat, speaker, content, now_ms)
    }

    /// The same without a word to the stages of other accounts.
    pub(crate) fn bring(&mut self, chat: ChatKey, speaker: Speaker, content: Vec<Value>, now_ms: i64) -> u16 {
        self.log_line(&chat, &speaker, false, &content, now_ms);
        self.send_to_client(chat, speaker, content, now_ms)
    }

    /// Puts an item on its way to the client that shows `element` in the log.
    pub(crate) fn offer(&mut self, chat: &ChatKey, speaker: &Speaker, element: Value, item: Value, now_ms: i64) {
        self.log_line(chat, speaker, false, &[element], now_ms);
        self.mail.push(Event::Raw(vec![item]), self.world.options.queue_limit);
    }

    /// Accepts a message of the client; in groups and discussions it comes back as an echo.
    pub(crate) fn hear(&mut self, chat: ChatKey, content: Vec<Value>, msg_id: u64, now_ms: i64) {
        self.tell_others(&chat, &Speaker::Me, &content, now_ms);
        self.log_line(&chat, &Speaker::Me, true, &content, now_ms);
        let n = u64::try_from(self.heard.len()).unwrap_or(u64::MAX).saturating_add(1);
        let text = content::to_text(&content);
        let attached = album::attached(&content);
        let heard =
            Heard { n, chat: chat.to_string(), text, content: content.clone(), attached, msg_id, at_ms: now_ms };
        self.heard.push(heard);
        let echoes = self.world.options.echo && !self.world.options.era.is_old();
        if echoes && !matches!(chat, ChatKey::Friend(_) | ChatKey::Temporary { .. }) {
            self.send_to_client(chat, Speaker::Me, content, now_ms);
        }
    }

    fn send_to_client(&mut self, chat: ChatKey, speaker: Speaker, content: Vec<Value>, now_ms: i64) -> u16 {
        let msg_id = self.next_msg_id(&speaker);
        let said = Said { chat, speaker, content, msg_id, time: now_ms.div_euclid(1000) };
        self.mail.push(Event::Said(said), self.world.options.queue_limit);
        msg_id
    }

    /// Grows by one per message of one sender. Source: protocol dossier 7.7.
    fn next_msg_id(&mut self, speaker: &Speaker) -> u16 {
        let name = match speaker {
            Speaker::Me => "",
            Speaker::Person(name) => name,
        };
        let rng = &mut self.rng;
        let last = self.msg_ids.entry(name.to_owned()).or_insert_with(|| rng.random_range(1..60_000));
        *last = last.checked_add(1).unwrap_or(1);
        *last
    }

    fn tell_others(&mut self, chat: &ChatKey, speaker: &Speaker, content: &[Value], at_ms: i64) {
        let told_by = self.world.account.nick.clone();
        let who = match speaker {
            Speaker::Me => told_by.clone(),
            Speaker::Person(name) => name.clone(),
        };
        let pictures = album::attached(content).into_iter();
        let kept = pictures.filter_map(|attached| self.album.by_key(&attached.key).cloned()).collect();
        self.news.push(News::Said(Word { told_by, chat: chat.clone(), who, content: content.to_vec(), kept, at_ms }));
    }

    fn log_line(&mut self, chat: &ChatKey, speaker: &Speaker, from_client: bool, content: &[Value], at_ms: i64) {
        let (who, mine) = match speaker {
            Speaker::Me => (self.world.account.nick.clone(), true),
            Speaker::Person(name) => (name.clone(), false),
        };
        let text = content::to_text(content);
        let (attached, font) = (album::attached(content), content::font(content));
        self.log.push(Spoken { n: 0, chat: chat.to_string(), who, mine, from_client, text, attached, font, at_ms });
    }
}
