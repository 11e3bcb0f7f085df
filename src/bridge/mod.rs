//! The two journeys of a message: receive, open, translate, deliver.
//!
//! What arrives lies in the inbox before it is acknowledged; what leaves lies in the outbox before it is sent.
//!
//! ```text
//!  QQ      receive ─▶ inbox ─▶ open ─▶ translate ─▶ outbox ─▶ deliver     Matrix
//!  Matrix  receive ─▶ inbox ─▶ open ─▶ translate ─▶ outbox ─▶ deliver     QQ
//! ```
//!
//! To follow one message, read [`receive`], [`open`], [`translate`] and [`deliver`] in this order. If the process dies
//! between any two lines of them, the next start finds the row where it was and goes on:
//!
//! * in `receive`: the homeserver got no 200 and pushes again; a poll2 batch that was not committed is lost (QQ has
//!   no acknowledgement), which is the one window that the promise names;
//! * in `open` and `translate`: the inbox row is still `new` and is done again, as a whole;
//! * in `deliver` towards Matrix: the row is `sending`; the room is searched for our key, then it is sent again under
//!   the same transaction id. A picture is fetched and uploaded before its row is `sending`, and that is done again;
//! * in `deliver` towards QQ: the row becomes `uncertain`; QQ's echo decides, else the setting `resend_uncertain`.

pub mod admission;
mod appearance;
mod around;
mod burial;
mod card;
pub mod codes;
pub mod convert;
pub mod deliver;
pub mod departure;
mod description;
pub mod doubt;
pub mod echo;
pub mod ending;
pub mod existing;
mod features;
mod filter;
pub mod ghost;
mod job;
pub mod lane;
mod language;
mod leaving;
mod levels;
pub mod login;
mod meeting;
mod members;
mod muting;
mod names;
pub mod notice;
pub mod open;
mod opening;
mod orphan;
mod pacing;
pub mod passing;
mod pause;
pub mod portal;
mod portrait;
mod puppet;
pub mod queue;
pub mod receive;
mod relay;
pub mod route;
mod secret;
mod space;
mod status;
mod sync;
pub mod text;
mod tidy;
pub mod translate;
mod upgrade;
pub mod watch;

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{Notify, Semaphore, mpsc};
use tracing::warn;

use crate::base::{Backoff, Clock, Seal, Shutdown};
use crate::config::Config;
use crate::matrix::{self, Homeserver, Links};
use crate::store::{self, Store};

pub use codes::Codes;
pub use departure::Speaker;
pub use login::Logins;
pub use muting::Muted;
pub use portal::Portals;
pub use puppet::Standing;
pub use secret::LEADING_ON;
pub use sync::Found;
pub use text::Texts;

/// How many requests to the homeserver may run at once, over all rooms.
const HOMESERVER_REQUESTS: usize = 8;

/// How many of them may tell how a message does: messages go first.
const HOMESERVER_STATUSES: usize = 1;

/// How many rooms may be made at once: homeservers take long over each. What goes into rooms that are there does not wait for that.
const ROOMS_IN_THE_MAKING: usize = 8;

/// Everything that the two journeys share.
pub struct Bridge {
    /// What was configured.
    pub config: Config,
    /// Everything that must survive.
    pub store: Store,
    /// What sessions are sealed with before they are kept.
    pub seal: Seal,
    /// The homeserver.
    pub homeserver: Homeserver,
    /// The time of day.
    pub clock: Clock,
    /// Knows every task.
    pub shutdown: Shutdown,
    /// The addresses under which QQ people get what QQ cannot carry; none when the world does not reach us.
    pub links: Option<Links>,
    /// QQ accounts.
    pub logins: Logins,
    /// QQ chats and their rooms.
    pub portals: Portals,
    /// QR codes that somebody is to scan.
    pub codes: Codes,
    ghosts: ghost::Ghosts,
    portraits: portrait::Portraits,
    appearances: appearance::Appearances,
    /// Held while levels in a room are changed.
    levelling: tokio::sync::Mutex<()>,
    /// Held while what was said in Matrix is translated, and while a room with people in it becomes that of a chat.
    meeting: tokio::sync::Mutex<()>,
    /// Held while a space is made.
    making_spaces: tokio::sync::Mutex<()>,
    puppets: puppet::Puppets,
    relays: relay::Relays,
    pauses: pause::Pauses,
    secrets: secret::Secrets,
    presences: passing::Presences,
    lanes: lane::Lanes,
    languages: language::Languages,
    /// When the homeserver's transactions are answered.
    transactions: pacing::Pacing,
    arrived_from_matrix: Notify,
    jobs: Notify,
    replaced: upgrade::Replaced,
    requests: Semaphore,
    statuses: Semaphore,
    makings: Semaphore,
    orders: mpsc::UnboundedSender<Order>,
    watch: watch::Watch,
}

/// Something that a person wants from the bridge itself rather than to say on QQ.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Order {
    /// Who.
    pub sender: String,
    /// Where.
    pub room: String,
    /// In which event.
    pub event: String,
    /// What.
    pub wish: Wish,
}

/// What a person wants.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Wish {
    /// A command, without its prefix.
    Command(String),
    /// The bot was invited.
    Join,
    /// A secret was said, which is in memory only.
    Secret,
    /// Their session has ended: they may want to log in again.
    ComeBack,
}

impl Bridge {
    /// Puts the parts together; nothing runs yet. Orders to the bot come out of the second value.
    #[must_use]
    pub fn new(
        config: Config,
        (store, seal): (Store, Seal),
        homeserver: Homeserver,
        clock: Clock,
        shutdown: Shutdown,
    ) -> (Arc<Self>, mpsc::UnboundedReceiver<Order>) {
        let (orders, received) = mpsc::unbounded_channel();
        let languages = language::Languages::new(config.bridge.language);
        let media = &config.bridge.media;
        let secret = &config.appservice.as_token;
        let links = media.public_url().map(|address| Links::new(address, secret, media.link_lifetime()));
        let bridge = Self {
            config,
            store,
            seal,
            homeserver,
            clock,
            shutdown,
            links,
            logins: Logins::default(),
            portals: Portals::default(),
            codes: Codes::default(),
            ghosts: ghost::Ghosts::default(),
            portraits: portrait::Portraits::default(),
            appearances: appearance::Appearances::default(),
            levelling: tokio::sync::Mutex::default(),
            meeting: tokio::sync::Mutex::default(),
            making_spaces: tokio::sync::Mutex::default(),
            puppets: puppet::Puppets::default(),
            relays: relay::Relays::default(),
            pauses: pause::Pauses::default(),
            secrets: secret::Secrets::default(),
            presences: passing::Presences::default(),
            lanes: lane::Lanes::default(),
            languages,
            transactions: pacing::Pacing::default(),
            arrived_from_matrix: Notify::new(),
            jobs: Notify::new(),
            replaced: upgrade::Replaced::default(),
            requests: Semaphore::new(HOMESERVER_REQUESTS),
            statuses: Semaphore::new(HOMESERVER_STATUSES),
            makings: Semaphore::new(ROOMS_IN_THE_MAKING),
            orders,
            watch: watch::Watch::default(),
        };
        (Arc::new(bridge), received)
    }

    /// Takes up where the last process left off: what was being sent to QQ becomes uncertain, portals are loaded,
    /// every lane that has something to deliver wakes, and every session that QQ may still accept is taken up.
    ///
    /// A database that is not available, as on a full disk, is waited for.
    pub async fn start(self: &Arc<Self>) -> Result<(), Error> {
        self.patiently(|| self.load()).await?;
        let bridge = Arc::clone(self);
        self.shutdown.spawn(bridge.translate_from_matrix());
        self.shutdown.spawn(Arc::clone(self).keep_tidy());
        self.shutdown.spawn(Arc::clone(self).keep_books());
        self.shutdown.spawn(Arc::clone(self).do_jobs());
        self.shutdown.spawn(Arc::clone(self).show_portraits());
        self.shutdown.spawn(Arc::clone(self).show_presences());
        self.shutdown.spawn(Arc::clone(self).check_puppets());
        self.patiently(|| self.wake_lanes(route::TO_MATRIX.to_owned())).await?;
        self.take_up_sessions().await
    }

    async fn load(&self) -> Result<(), Error> {
        let unsynced_until = self.store.unsynced_until().departures;
        let (portals, past, paused, appearances, jobs) = self
            .store
            .write(move |tx| {
                Box::pin(async move {
                    tx.unsent_to_ready(route::TO_QQ, unsynced_until).await?;
                    tx.sending_to_uncertain(route::TO_QQ).await?;
                    let past = (tx.portal_aliases().await?, tx.rooms_being_left().await?);
                    Ok((
                        tx.all_portals().await?,
                        past,
                        tx.paused().await?,
                        tx.appearances().await?,
                        tx.open_jobs().await?,
                    ))
                })
            })
            .await?;
        self.portals.load(portals);
        self.load_languages().await?;
        self.portals.load_past(past.0, past.1);
        self.pauses.load(paused);
        self.appearances.load(appearances);
        self.replaced.load(&jobs);
        Ok(())
    }

    /// Does `work` until it is done, as long as trying again may help and nobody stops us.
    async fn patiently<T, F>(&self, work: impl Fn() -> F) -> Result<T, Error>
    where
        F: Future<Output = Result<T, Error>>,
    {
        let backoff = Backoff::new(Duration::from_millis(500), Duration::from_secs(10));
        let mut failures = 0;
        loop {
            let error = match work().await {
                Ok(done) => return Ok(done),
                Err(error) => error,
            };
            let Verdict::Retry(least) = error.verdict() else { return Err(error) };
            failures += 1;
            warn!(%error, failures, "the start waits; trying again");
            let wait = backoff.delay(failures).max(least);
            if self.shutdown.unless_asked(tokio::time::sleep(wait)).await.is_none() {
                return Err(error);
            }
        }
    }
}

/// What can go wrong on a journey.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The database failed.
    #[error(transparent)]
    Store(#[from] store::Error),
    /// The homeserver failed or refused.
    #[error(transparent)]
    Matrix(#[from] matrix::Error),
    /// QQ failed or refused.
    #[error(transparent)]
    Qq(#[from] crate::qq::Error),
    /// A row of ours cannot be read: it was written by another version, or by other hands.
    #[error("row {seq} of the {table} cannot be read: {why}")]
    Row {
        /// `inbox` or `outbox`.
        table: &'static str,
        /// Its number.
        seq: i64,
        /// What is wrong with it.
        why: String,
    },
    /// The portal is gone.
    #[error("there is no portal {0}")]
    NoPortal(i64),
    /// The account is not logged in now.
    #[error("the QQ account {0} is not logged in")]
    NotLoggedIn(String),
}

/// What to do after an error on a journey.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Try again, at the earliest after this.
    Retry(Duration),
    /// It will never work.
    GiveUp,
}

impl Error {
    /// What to do next.
    #[must_use]
    pub fn verdict(&self) -> Verdict {
        match self {
            Self::Store(error) => match error.verdict() {
                store::Verdict::Retry => Verdict::Retry(Duration::from_secs(1)),
                store::Verdict::GiveUp => Verdict::GiveUp,
            },
            Self::Matrix(error) => match error.verdict() {
                matrix::Verdict::Retry(wait) => Verdict::Retry(wait),
                matrix::Verdict::GiveUp => Verdict::GiveUp,
            },
            Self::Qq(error) => match error.verdict() {
                crate::qq::Verdict::Retry(wait) => Verdict::Retry(wait),
                // The row waits for the next login.
                crate::qq::Verdict::LogIn => Verdict::Retry(Duration::from_secs(1)),
                crate::qq::Verdict::GiveUp => Verdict::GiveUp,
            },
            Self::NotLoggedIn(_) => Verdict::Retry(Duration::from_secs(1)),
            Self::Row { .. } | Self::NoPortal(_) => Verdict::GiveUp,
        }
    }
}
