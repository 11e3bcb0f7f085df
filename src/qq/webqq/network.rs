//! The seam: one WebQQ account, logged in.

use std::collections::HashMap;
use std::sync::atomic::AtomicI64;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;

use super::api::{change_status2, logout2};
use super::asked::Asked;
use super::content::decode::{Decoded, decode};
use super::content::encode::encode;
use super::held::Held;
use super::leave::Leaves;
use super::media::Carrier;
use super::members::Members;
use super::msg_id::MsgIds;
use super::pace::Pace;
use super::poll::Poller;
use super::roster::{Address, PlaceKind, Roster};
use super::session::Link;
use super::standing::Told;
use crate::base::Clock;
use crate::config::WebQq as Settings;
use crate::qq::{
    Answer, Capabilities, Changed, Chat, ChatId, Contact, ContactId, Envelope, Error, Event, Matching, Media, MediaRef,
    Memory, Network, Officers, Outgoing, Piece, Portrait, Profile, Sent, Session, Settled, Standing, Status, Upload,
};

/// The longest text. Nobody knows QQ's limit: real clients sent 720 bytes, but longer ones than this were seen to
/// arrive empty. Source: protocol dossier 8.2 rule 11, 8.3.
const MAX_TEXT_BYTES: usize = 516;

/// One account.
pub(crate) struct WebQq {
    pub(super) link: Link,
    pub(super) roster: Roster,
    pub(super) carrier: Carrier,
    pub(super) clock: Clock,
    pub(super) pace: Pace,
    pub(super) msg_ids: MsgIds,
    /// Members as QQ listed them in this process.
    pub(super) members: Mutex<HashMap<(PlaceKind, u64), Arc<Members>>>,
    /// Held while members are asked for that nobody knows.
    pub(super) looking_within: tokio::sync::Mutex<()>,
    /// The leave to speak to fellow members.
    pub(super) leaves: Leaves,
    pub(super) asked: Asked<super::lists::Question>,
    pub(super) told: Mutex<Told>,
    poller: Poller,
    pub(super) settings: Settings,
    /// When the lists were last asked for, by `clock`.
    pub(super) listed_at_ms: AtomicI64,
}

impl WebQq {
    /// Takes up `link` with what `memory` holds.
    pub(crate) async fn connect(
        link: Link,
        memory: Arc<dyn Memory>,
        carrier: Carrier,
        with: (Clock, Pace, Settings),
    ) -> Result<Self, Error> {
        let webqq = Self::at_rest(link, memory, carrier, with).await?;
        webqq.take_up().await?;
        Ok(webqq)
    }

    /// [`WebQq::connect`] that asks QQ nothing yet.
    pub(super) async fn at_rest(
        link: Link,
        memory: Arc<dyn Memory>,
        carrier: Carrier,
        (clock, pace, settings): (Clock, Pace, Settings),
    ) -> Result<Self, Error> {
        let (account, epoch) = (link.account().clone(), link.epoch().to_owned());
        let held = Held::recall(Arc::clone(&memory), &epoch).await?;
        let roster = Roster::load(account, link.uin(), epoch, memory).await?;
        let msg_ids = MsgIds::new(clock.now_ms());
        let poller = Poller::new(pace, clock.clone(), held);
        let (members, asked, told) = (Mutex::default(), Asked::default(), Mutex::default());
        let (listed_at_ms, leaves) = (AtomicI64::new(clock.now_ms()), Leaves::default());
        Ok(Self {
            link,
            roster,
            carrier,
            clock,
            pace,
            msg_ids,
            members,
            looking_within: tokio::sync::Mutex::default(),
            leaves,
            asked,
            told,
            poller,
            settings,
            listed_at_ms,
        })
    }
}

#[async_trait]
impl Network for WebQq {
    fn capabilities(&self) -> Capabilities {
        Capabilities {
            max_text_bytes: MAX_TEXT_BYTES,
            send_interval: self.settings.send_interval(),
            send_jitter: self.settings.send_jitter(),
            echoes: self.link.era().echoes,
            picture_bytes: self.carrier.picture_bytes(),
            file_bytes: self.carrier.file_bytes(),
            // Source: protocol dossier 10.4.
            group_files: false,
        }
    }

    fn session(&self) -> Arc<Session> {
        self.link.session()
    }

    fn matching(&self) -> Matching {
        self.roster.matching()
    }

    async fn settle(&self, number: u32, known: Option<&ChatId>) -> Result<ChatId, Error> {
        self.roster.settle(number, known, self.clock.now_ms()).await
    }

    async fn unsettle(&self, number: u32) -> Result<Settled, Error> {
        self.roster.unsettle(number).await
    }

    fn quiet_for(&self) -> Option<Duration> {
        self.poller.quiet_for()
    }

    async fn receive(&self) -> Result<Vec<Envelope>, Error> {
        self.list_anew_in_time().await?;
        self.poller.turn(&self.link).await
    }

    async fn open(&self, envelope: &Envelope) -> Result<Vec<Event>, Error> {
        self.open_envelope(envelope).await.map(|event| vec![event])
    }

    async fn send(&self, chat: &ChatId, message: &Outgoing) -> Result<Sent, Error> {
        self.say(chat, message).await
    }

    fn as_heard(&self, message: &Outgoing) -> Vec<Piece> {
        let content = encode(&message.pieces, &message.style).and_then(|content| serde_json::from_str(&content).ok());
        match content.map(|content| decode(&content)) {
            Some(Decoded::Pieces(pieces)) => pieces,
            Some(Decoded::Ghost) | None => Vec::new(),
        }
    }

    async fn fetch(&self, media: &MediaRef, most_bytes: usize) -> Result<Media, Error> {
        self.fetch_media(media, most_bytes).await
    }

    async fn refuse(&self, media: &MediaRef) -> Result<(), Error> {
        self.refuse_media(media).await
    }

    async fn upload(&self, chat: &ChatId, upload: &Upload) -> Result<Option<Piece>, Error> {
        self.upload_media(chat, upload).await
    }

    async fn chats(&self) -> Result<Vec<Chat>, Error> {
        Ok(self.roster.chats())
    }

    async fn chat(&self, chat: &ChatId) -> Result<Option<Chat>, Error> {
        Ok(self.roster.chat(chat))
    }

    async fn changed(&self) -> Changed {
        self.roster.changed().await
    }

    async fn members(&self, chat: &ChatId) -> Result<Vec<Contact>, Error> {
        self.members_of_chat(chat).await
    }

    async fn contact(&self, contact: &ContactId) -> Result<Contact, Error> {
        let own = ContactId::from(self.link.account());
        if *contact == own {
            return Ok(Contact { id: own, nick: self.link.nick().to_owned(), markname: None, card: None });
        }
        self.roster.contact(contact).ok_or_else(|| Error::Unmatched(contact.to_string()))
    }

    async fn list_again(&self) -> Result<(), Error> {
        self.list_now().await
    }

    async fn look_within_again(&self, chat: &ChatId) -> Result<bool, Error> {
        match self.roster.address(chat).and_then(Address::place) {
            Some((kind, number)) => Ok(self.look_within(kind, number).await?.is_some()),
            None => Ok(false),
        }
    }

    fn name_in(&self, chat: &ChatId, contact: &ContactId) -> Option<String> {
        self.name_of(chat, contact)
    }

    fn standing(&self, chat: &ChatId) -> Standing {
        self.standing_of(chat)
    }

    fn card(&self, chat: &ChatId, contact: &ContactId) -> Option<String> {
        self.card_of(chat, contact)
    }

    async fn profile(&self, contact: &ContactId) -> Result<Profile, Error> {
        self.profile_of(contact).await
    }

    async fn officers(&self, chat: &ChatId) -> Result<Officers, Error> {
        self.officers_of(chat).await
    }

    fn knows_members(&self, chat: &ChatId) -> bool {
        let place = self.roster.address(chat).and_then(Address::place);
        place.is_some_and(|(kind, number)| self.listed_members(kind, number).is_some())
    }

    async fn portrait(&self, whose: &Portrait, most_bytes: usize) -> Result<Media, Error> {
        self.portrait_of(whose, most_bytes).await
    }

    async fn answer(&self, ticket: &str, answer: &Answer) -> Result<(), Error> {
        self.answer_request(ticket, answer).await
    }

    async fn set_status(&self, status: Status) -> Result<(), Error> {
        change_status2::ask(&self.link, status).await
    }

    async fn log_out(&self) -> Result<(), Error> {
        logout2::ask(&self.link).await
    }
}
