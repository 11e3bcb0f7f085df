//! A QQ client library: the seam [`Network`], the words it speaks in, and its backends.
//!
//! Whoever uses this room knows the seam and the model, never a backend. A backend owes its callers *lasting* ids:
//! whatever numbers the wire uses, [`ChatId`] and [`ContactId`] mean the same chat and person for ever.

pub mod around;
pub mod changed;
pub mod error;
pub mod face;
pub mod id;
pub mod likeness;
pub mod memory;
pub mod model;
pub mod profile;
pub mod status;
pub mod style;
pub mod webqq;

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;

use crate::base::{Clock, Secret};
use crate::config::Network as Settings;

pub use around::{Answer, Change, GroupNews, News, Request, Wanted};
pub use changed::Changed;
pub use error::{Error, Refusal, Verdict};
pub use face::Face;
pub use id::{AccountId, ChatId, ContactId, MessageKey};
pub use likeness::Likeness;
pub use memory::{Forgetful, Memory, MemoryError, Note};
pub use model::{
    Candidate, Capabilities, Chat, ChatKind, Contact, Doubt, Envelope, Event, Matching, Media, MediaRef, Message,
    Outgoing, Passing, Piece, Sender, Sent, Settled, Upload,
};
pub use profile::{Muting, Officers, Portrait, Profile, Standing};
pub use status::{Status, UnknownStatus};
pub use style::{Colour, Style};

/// One QQ account, logged in on one network.
#[async_trait]
pub trait Network: Send + Sync {
    /// What this network can carry: data, so that callers compare values instead of types.
    fn capabilities(&self) -> Capabilities;

    /// What must survive a restart. The same `Arc` until something in it changed: compare with [`Arc::ptr_eq`] and
    /// save it when it did.
    fn session(&self) -> Arc<Session>;

    /// How contacts and chats were found again when this login began, and what was decided since.
    fn matching(&self) -> Matching;

    /// Ends the doubt `number`: it is the candidate `known`, or somebody new. On disk when it returns; what waits for it
    /// can be opened then. [`Error::Unmatched`] when there is no such doubt or candidate, or the candidate was found
    /// elsewhere meanwhile.
    async fn settle(&self, number: u32, known: Option<&ChatId>) -> Result<ChatId, Error>;

    /// Takes back what [`Network::settle`] did: the doubt is open again, and nobody is sent anything more because of it.
    /// Gives what had been said. [`Error::Unmatched`] when it is not settled.
    async fn unsettle(&self, number: u32) -> Result<Settled, Error>;

    /// Waits for what the network pushes next, still sealed, oldest first; empty when the wait timed out.
    ///
    /// Call it again only after the batch is on disk. Not cancel-safe: stop between calls.
    async fn receive(&self) -> Result<Vec<Envelope>, Error>;

    /// For how long the network, asked what is new, has had nothing to tell; `None` while it still hands out what
    /// happened before, which may take many answers.
    fn quiet_for(&self) -> Option<Duration>;

    /// Decodes one envelope and turns session numbers into lasting ids. May ask the network; may be repeated, and
    /// then gives the same ids. One that cannot be read gives [`Event::Unreadable`], never an error.
    async fn open(&self, envelope: &Envelope) -> Result<Vec<Event>, Error>;

    /// Says `message` in `chat`, once. Retrying belongs to the outbox.
    async fn send(&self, chat: &ChatId, message: &Outgoing) -> Result<Sent, Error>;

    /// What `message` looks like when it comes back as an echo: the network may write it in another way, such as
    /// `＜` for `<`. Whoever compares echoes with what was sent has to compare with this.
    fn as_heard(&self, message: &Outgoing) -> Vec<Piece> {
        message.pieces.clone()
    }

    /// Fetches a picture or file of at most `most_bytes` bytes. May be repeated for as long as the network keeps it.
    async fn fetch(&self, media: &MediaRef, most_bytes: usize) -> Result<Media, Error>;

    /// Tells whoever offers a file that it is not taken, as far as the network has such a call.
    async fn refuse(&self, media: &MediaRef) -> Result<(), Error>;

    /// Brings a picture or file to the network: what is given stands for it in messages to `chat`. `None` when it cannot be
    /// sent there. May be repeated; nobody sees it before it is said.
    async fn upload(&self, chat: &ChatId, upload: &Upload) -> Result<Option<Piece>, Error>;

    /// Every friend, group and discussion of the account that is matched for certain.
    async fn chats(&self) -> Result<Vec<Chat>, Error>;

    /// The one of these chats that is called `chat`.
    async fn chat(&self, chat: &ChatId) -> Result<Option<Chat>, Error> {
        Ok(self.chats().await?.into_iter().find(|known| known.id == *chat))
    }

    /// Waits until names may have changed since the last call ended: of contacts, of chats, or the account's remarks. Gives
    /// whose. One caller at a time.
    async fn changed(&self) -> Changed;

    /// The members of `chat`, from the last list that the network gave; asks only when it has none.
    async fn members(&self, chat: &ChatId) -> Result<Vec<Contact>, Error>;

    /// Asks for every list again, however lately that was done. What is new in them tells itself by [`Network::changed`].
    async fn list_again(&self) -> Result<(), Error>;

    /// Asks for the members of `chat` again, once for all of them; `false` when the network does not tell them.
    async fn look_within_again(&self, chat: &ChatId) -> Result<bool, Error>;

    /// What `chat` calls `contact` by the last lists: the card, else the nick. Asks nothing.
    fn name_in(&self, _chat: &ChatId, _contact: &ContactId) -> Option<String> {
        None
    }

    /// One person by lasting id.
    async fn contact(&self, contact: &ContactId) -> Result<Contact, Error>;

    /// How `chat` stands by the last lists. Asks nothing.
    fn standing(&self, _chat: &ChatId) -> Standing {
        Standing::default()
    }

    /// What `contact` is called within `chat`, if anything, by the last list of its members. Asks nothing.
    fn card(&self, _chat: &ChatId, _contact: &ContactId) -> Option<String> {
        None
    }

    /// What one person tells of themselves; whatever the network does not tell is empty.
    async fn profile(&self, contact: &ContactId) -> Result<Profile, Error>;

    /// Who has a say in `chat`, from the last list of its members; asks only when there is none.
    async fn officers(&self, chat: &ChatId) -> Result<Officers, Error>;

    /// Whether the members of `chat` are known, so that nothing has to be asked to name them and its officers.
    fn knows_members(&self, _chat: &ChatId) -> bool {
        false
    }

    /// Fetches the picture that somebody shows themselves by, of at most `most_bytes` bytes.
    async fn portrait(&self, whose: &Portrait, most_bytes: usize) -> Result<Media, Error>;

    /// Answers a request of which `ticket` came with [`Event::Asked`]. Saying the same again does no harm.
    async fn answer(&self, ticket: &str, answer: &Answer) -> Result<(), Error>;

    /// Shows the account to others as `status` until the session ends, through relinks and restarts.
    async fn set_status(&self, status: Status) -> Result<(), Error>;

    /// Ends the session on the network, as far as the network has such a call.
    async fn log_out(&self) -> Result<(), Error>;
}

/// A login in progress.
#[async_trait]
pub trait Login: Send {
    /// Waits for the next thing that the person has to see or do. After [`LoginStep::Done`] or an error it is over.
    async fn step(&mut self) -> Result<LoginStep, Error>;

    /// What the person read in the picture of the last [`LoginStep::AskCaptcha`]; the next step goes on with it.
    fn answer(&mut self, _captcha: &str) {}
}

/// What a login asks of the person, or how it ended.
#[derive(Clone, Debug)]
pub enum LoginStep {
    /// Show this PNG; it replaces the one before.
    ShowQr(Vec<u8>),
    /// The code was scanned; the person has to confirm on the phone.
    Scanned,
    /// The code is too old. The next step shows a new one, or is [`Error::TooManyCodes`].
    Expired,
    /// Show this picture, and take what the person reads in it to [`Login::answer`] before the next step.
    AskCaptcha {
        /// JPEG or PNG.
        picture: Vec<u8>,
        /// Whether the answer to the one before was wrong.
        again: bool,
    },
    /// The account is logged in. Save the session before anything else.
    Done(Session),
}

/// A login as it is kept on disk, sealed: only the backend that made it can read `body`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Session {
    /// Whose session it is.
    pub account: AccountId,
    /// The account's own nick.
    pub nick: String,
    /// Changes with every login: the session whose numbers the envelopes use.
    pub epoch: String,
    /// Cookies and tickets.
    pub body: Secret,
}

/// How a person may log in.
#[derive(Clone, Debug)]
pub enum Method {
    /// With a QR code that the phone scans.
    Qr,
    /// With number and password.
    Password {
        /// The QQ number.
        account: String,
        /// Wiped as soon as the login is over.
        password: Secret,
    },
}

/// Which methods the configured network has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Offers {
    /// [`Method::Qr`].
    pub qr: bool,
    /// [`Method::Password`].
    pub password: bool,
}

/// Which methods the configured network has.
#[must_use]
pub fn offers(settings: &Settings) -> Offers {
    webqq::offers(&settings.webqq)
}

/// Begins a login on the configured network; [`Error::NoSuchLogin`] when it does not have `method`.
pub fn begin_login(settings: &Settings, method: Method, clock: &Clock) -> Result<Box<dyn Login>, Error> {
    webqq::begin_login(&settings.webqq, method, clock)
}

/// Asks for a new session in the place of `session`, which has ended, without its person; `None` when the network wants
/// them to log in again. Save it before anything else.
pub async fn resume(settings: &Settings, session: &Session, clock: &Clock) -> Result<Option<Session>, Error> {
    webqq::resume(&settings.webqq, session, clock).await
}

/// Takes up `session`: loads what `memory` holds, and after a new login fetches the lists and finds contacts and chats
/// again by what lasts. Fails with [`Verdict::LogIn`] when the network no longer accepts the session.
pub async fn connect(
    settings: &Settings,
    session: Session,
    memory: Arc<dyn Memory>,
    clock: &Clock,
) -> Result<Arc<dyn Network>, Error> {
    webqq::connect(&settings.webqq, session, memory, clock).await
}
