//! Room 2 of both journeys: a row of the inbox as something that can be understood. Changes nothing on disk; repeatable.

use std::sync::Arc;

use tracing::debug;

use super::convert::to_qq::Around;
use super::login::Live;
use super::puppet::{self, Mark};
use super::{Bridge, Error, relay, secret};
use crate::matrix;
use crate::matrix::event::Kind;
use crate::qq::{
    Change, Chat, ContactId, Doubt, Envelope, Event, GroupNews, Message, News, Passing, Piece, Request, Sender,
};
use crate::store::InboxRow;

/// What an inbox row from QQ turned out to be.
#[derive(Debug)]
pub(super) struct OpenedFromQq {
    /// Which row.
    pub seq: i64,
    /// When it arrived, in milliseconds since 1970.
    pub received_at_ms: i64,
    /// What was in it, in order.
    pub contents: Vec<Content>,
}

impl OpenedFromQq {
    /// `row`, in which there were `contents`.
    pub(super) fn of(row: &InboxRow, contents: Vec<Content>) -> Self {
        Self { seq: row.seq, received_at_ms: row.received_at_ms, contents }
    }
}

/// One thing that QQ pushed, with all that has to be asked of QQ to show it.
#[derive(Debug)]
pub(super) enum Content {
    /// Somebody said something.
    Said(Box<Said>),
    /// It waits until it is certain where it belongs: for a decision of the owner, or for another login.
    Parked {
        /// Why, for people to read.
        why: String,
        /// What the owner is asked.
        doubt: Option<Doubt>,
    },
    /// It cannot be shown; the reason.
    Odd(String),
    /// Of no worth when it is late; never written down.
    Passing(Passing),
    /// Something about a group, and those whom it concerns with their nicks.
    Group(GroupNews, Vec<(ContactId, String)>),
    /// Somebody wants something of the account.
    Asked(Request),
    /// Something that its owner should know.
    Told(News),
    /// There is nothing to show.
    Quiet,
    /// Of a kind that is not known.
    Unknown(String),
    /// QQ ended the session; its words.
    SignedOut(String),
}

/// A message with the names that it needs.
#[derive(Debug)]
pub(super) struct Said {
    /// The message.
    pub message: Message,
    /// The chat as lists show it, asked for only when there is no portal yet.
    pub chat: Option<Chat>,
    /// The contact that speaks, and its nick; `None` when QQ itself does.
    pub speaker: Option<(ContactId, String)>,
    /// Who is called by name in it, and whoever a new chat is with; and their nicks.
    pub people: Vec<(ContactId, String)>,
}

impl Bridge {
    /// Opens one row that QQ pushed to `live`. May ask QQ.
    pub(super) async fn open_from_qq(&self, live: &Arc<Live>, row: &InboxRow) -> Result<OpenedFromQq, Error> {
        let Ok(envelope) = serde_json::from_str::<Envelope>(&row.body) else {
            let why = "the row is not an envelope".to_owned();
            return Ok(OpenedFromQq::of(row, vec![Content::Odd(why)]));
        };
        let mut contents = Vec::new();
        for event in live.network.open(&envelope).await? {
            contents.push(self.understand(live, event).await?);
        }
        Ok(OpenedFromQq::of(row, contents))
    }

    async fn understand(&self, live: &Arc<Live>, event: Event) -> Result<Content, Error> {
        Ok(match event {
            Event::Message(message) => {
                let chat = self.chat_without_portal(live, &message).await?;
                let speaker = self.speaker(live, &message.sender).await?;
                let mut people = called(live, &message).await?;
                // Whoever a chat is with makes its room, and need not be the one who speaks first.
                if let Some(peer) = chat.as_ref().and_then(|chat| chat.peer.as_ref()) {
                    let known = live.network.contact(peer).await?;
                    people.push((known.id, known.nick));
                }
                Content::Said(Box::new(Said { message, chat, speaker, people }))
            }
            Event::Parked { reason, doubt } => {
                let doubt = doubt.and_then(|number| live.network.matching().doubt(number).cloned());
                Content::Parked { why: reason, doubt }
            }
            Event::Passing(passing) => Content::Passing(passing),
            Event::Group(news) => {
                let mut people = Vec::new();
                for contact in concerned(&news.change) {
                    let known = live.network.contact(contact).await?;
                    people.push((known.id, known.nick));
                }
                Content::Group(news, people)
            }
            Event::Asked(request) => Content::Asked(request),
            Event::Told(news) => Content::Told(news),
            Event::Quiet => Content::Quiet,
            Event::Unreadable { reason } => Content::Odd(format!("unreadable: {reason}")),
            Event::Unsupported { kind } => Content::Unknown(kind),
            Event::SignedOut { reason } => Content::SignedOut(reason),
        })
    }

    async fn chat_without_portal(&self, live: &Arc<Live>, message: &Message) -> Result<Option<Chat>, Error> {
        if self.portals.by_chat(&live.account, &message.chat).is_some() {
            return Ok(None);
        }
        Ok(live.network.chat(&message.chat).await?)
    }

    async fn speaker(&self, live: &Arc<Live>, sender: &Sender) -> Result<Option<(ContactId, String)>, Error> {
        Ok(match sender {
            Sender::System => None,
            Sender::Me => Some((ContactId::from(&live.account), live.network.session().nick.clone())),
            Sender::Contact(contact) | Sender::Unclear(contact) => {
                let known = live.network.contact(contact).await?;
                Some((known.id, known.nick))
            }
        })
    }
}

/// The people whom a change in a group concerns.
fn concerned(change: &Change) -> Vec<&ContactId> {
    match change {
        Change::Joined(who) | Change::Left(who) | Change::PutOut { who, .. } | Change::Administrator { who, .. } => {
            vec![who]
        }
        Change::Owner { from, to } => from.iter().chain([to]).collect(),
        Change::Gone { .. } | Change::Dissolved => Vec::new(),
    }
}

/// The people whom `message` calls by name, as the last lists have them.
async fn called(live: &Arc<Live>, message: &Message) -> Result<Vec<(ContactId, String)>, Error> {
    let mut called = Vec::new();
    for piece in &message.pieces {
        if let Piece::Mention { who, .. } = piece {
            let known = live.network.contact(who).await?;
            called.push((known.id, known.nick));
        }
    }
    Ok(called)
}

/// What an inbox row from the homeserver turned out to be.
#[derive(Debug)]
pub(super) struct OpenedFromMatrix {
    /// Which row.
    pub seq: i64,
    /// The event; `None` for what is not one at all.
    pub event: Option<matrix::Event>,
    /// Whether it held a secret and was emptied.
    pub emptied: bool,
    /// What marks it as said by a puppet.
    pub mark: Option<Mark>,
    /// Whether another bridge brought it.
    pub is_of_bridge: bool,
    /// What had to be asked around to say it on QQ.
    pub around: Around,
}

impl OpenedFromMatrix {
    /// `event`, which is in the `body` of row `seq`; nothing was asked around.
    pub(super) fn of(seq: i64, event: Option<matrix::Event>, body: &str) -> Self {
        let is_of_bridge = event.as_ref().is_some_and(|event| relay::is_of_bridge(event.sender.as_str(), body));
        let (emptied, mark) = (secret::is_emptied(body), puppet::mark_of(body));
        Self { seq, event, emptied, mark, is_of_bridge, around: Around::default() }
    }
}

impl Bridge {
    /// Opens one row that the homeserver pushed. May ask the homeserver, and does without an answer that does not come.
    pub(super) async fn open_from_matrix(&self, row: &InboxRow) -> OpenedFromMatrix {
        let event = matrix::Event::parse(&row.body).ok();
        let around = match &event {
            Some(event) => {
                if matches!(event.kind, Kind::Member(_)) {
                    self.relays.forget(&event.room);
                }
                self.wait_for_rooms_being_made(event.room.as_str()).await;
                self.ask_around(event).await
            }
            None => Around::default(),
        };
        OpenedFromMatrix { around, ..OpenedFromMatrix::of(row.seq, event, &row.body) }
    }

    /// Whoever is asked into a new room may speak there before we know that it is made. Rooms whose making was cut off by a
    /// crash are found, or made again.
    async fn wait_for_rooms_being_made(&self, room: &str) {
        if self.portals.by_room(room).is_some() {
            return;
        }
        for portal in self.portals.in_doubt() {
            if let Err(error) = self.ensure_room(portal).await {
                debug!(portal, %error, "a room that was being made is not there yet");
            }
        }
    }
}
