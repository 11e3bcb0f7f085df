//! One order with all that is needed to carry it out and to answer.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use matrix_sdk::ruma::{OwnedEventId, OwnedRoomId};
use serde_json::Value;

use super::{Control, Error};
use crate::bridge::{Bridge, Order, Texts, notice, route};
use crate::config::Permission;
use crate::qq::AccountId;

/// Who wants something, where, and how to answer; clones answer the same order.
#[derive(Clone)]
pub struct Context {
    /// Who takes the order.
    pub control: Arc<Control>,
    /// Who gave it, or on whose behalf it was given.
    pub sender: String,
    /// Where it was given, and is answered.
    pub room: String,
    /// The room that it is about: that one, unless it says otherwise.
    pub about: String,
    /// In which event.
    pub event: String,
    /// What the sender may do.
    pub permission: Permission,
    /// Who gave it.
    giver: String,
    /// How many commands that run another one led here.
    detours: u8,
    answers: Arc<AtomicU32>,
}

impl Context {
    /// For `order`.
    pub(super) fn new(control: Arc<Control>, order: &Order) -> Self {
        let permission = control.bridge.config.bridge.permission(&order.sender);
        Self {
            control,
            sender: order.sender.clone(),
            room: order.room.clone(),
            about: order.room.clone(),
            event: order.event.clone(),
            permission,
            giver: order.sender.clone(),
            detours: 0,
            answers: Arc::default(),
        }
    }

    /// The same order, given on behalf of `user` and with what they may do.
    pub(super) fn on_behalf_of(&self, user: &str) -> Self {
        let permission = self.bridge().config.bridge.permission(user);
        Self { sender: user.to_owned(), permission, detours: self.detours.saturating_add(1), ..self.clone() }
    }

    /// The same order about `room`.
    pub(super) fn in_room(&self, room: &str) -> Self {
        Self { about: room.to_owned(), detours: self.detours.saturating_add(1), ..self.clone() }
    }

    /// Whether the order may lead to another one: on somebody's behalf and about another room is enough. Each one more is
    /// deeper on the stack.
    pub(super) const fn may_lead_on(&self) -> bool {
        self.detours < 2
    }

    /// The bridge.
    #[must_use]
    pub fn bridge(&self) -> &Arc<Bridge> {
        &self.control.bridge
    }

    /// Whether the order was given in its giver's own control room, where nobody else sees the answers.
    pub async fn is_control_room(&self) -> Result<bool, Error> {
        let room = self.room.clone();
        let owner =
            self.bridge().store.read(move |tx| Box::pin(async move { tx.user_by_control_room(&room).await })).await?;
        Ok(owner.is_some_and(|owner| owner.mxid == self.giver))
    }

    /// Whether `account` is the sender's.
    pub async fn owns(&self, account: &AccountId) -> Result<bool, Error> {
        let owner = self.bridge().owner_of(account).await?;
        Ok(owner.is_some_and(|owner| owner.as_str() == self.sender))
    }

    /// A text of the table, in the language of whoever gave the order.
    #[must_use]
    pub fn say(&self, key: &str, values: &[(&str, &str)]) -> String {
        self.texts().say(key, values)
    }

    /// All of them.
    #[must_use]
    pub fn texts(&self) -> Texts {
        self.bridge().texts_for(&self.giver)
    }

    /// Answers with a text of the table.
    pub async fn reply_key(&self, key: &str, values: &[(&str, &str)]) -> Result<(), Error> {
        self.reply(&self.say(key, values)).await
    }

    /// Answers with `markdown`. It leaves through the outbox, so that an answer is neither lost nor doubled.
    pub async fn reply(&self, markdown: &str) -> Result<(), Error> {
        self.answer(notice::markdown(markdown)).await
    }

    /// Says `markdown` where nobody but whoever gave the order reads it, and where the order was given that it is there.
    pub async fn whisper(&self, markdown: &str) -> Result<(), Error> {
        if self.is_control_room().await? {
            return self.reply(markdown).await;
        }
        let room = self.bridge().ensure_control_room(&self.giver).await?;
        Self { room: room.to_string(), ..self.clone() }.reply(markdown).await?;
        self.reply_key("list.whispered", &[]).await
    }

    /// The same with `content` as it is.
    pub async fn answer(&self, mut content: Value) -> Result<(), Error> {
        let key = self.key();
        notice::mark(&mut content, &key);
        Ok(self.bridge().tell(&self.room, content, &key).await?)
    }

    /// Sends `content` to the room at once and tells its event id, for messages that are edited later.
    pub async fn send(&self, mut content: Value) -> Result<OwnedEventId, Error> {
        let key = self.key();
        notice::mark(&mut content, &key);
        let room = self.room_id()?;
        Ok(self.bridge().homeserver.bot().send(&room, "m.room.message", &content, &key, None).await?)
    }

    /// The room's id, typed.
    pub fn room_id(&self) -> Result<OwnedRoomId, Error> {
        OwnedRoomId::try_from(self.room.as_str()).map_err(|why| {
            crate::bridge::Error::Row { table: "inbox", seq: 0, why: format!("{}: {why}", self.room) }.into()
        })
    }

    /// A key for the next answer to this order.
    fn key(&self) -> String {
        let answer = self.answers.fetch_add(1, Ordering::Relaxed);
        route::key(&["answer", &self.event, &answer.to_string()])
    }
}
