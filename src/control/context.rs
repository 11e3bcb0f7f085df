//! One order with all that is needed to carry it out and to answer.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use matrix_sdk::ruma::{OwnedEventId, OwnedRoomId};
use serde_json::Value;

use super::{Control, Error};
use crate::bridge::{Bridge, Order, notice, route};
use crate::config::Permission;

/// Who wants something, where, and how to answer; clones answer the same order.
#[derive(Clone)]
pub struct Context {
    /// Who takes the order.
    pub control: Arc<Control>,
    /// Who gave it.
    pub sender: String,
    /// Where.
    pub room: String,
    /// In which event.
    pub event: String,
    /// What the sender may do.
    pub permission: Permission,
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
            event: order.event.clone(),
            permission,
            answers: Arc::default(),
        }
    }

    /// The bridge.
    #[must_use]
    pub fn bridge(&self) -> &Arc<Bridge> {
        &self.control.bridge
    }

    /// Whether the order was given in the sender's own control room, where nobody else sees the answers.
    pub async fn is_control_room(&self) -> Result<bool, Error> {
        let room = self.room.clone();
        let owner =
            self.bridge().store.read(move |tx| Box::pin(async move { tx.user_by_control_room(&room).await })).await?;
        Ok(owner.is_some_and(|owner| owner.mxid == self.sender))
    }

    /// A text of the table, in the language of the sender.
    #[must_use]
    pub fn say(&self, key: &str, values: &[(&str, &str)]) -> String {
        self.bridge().texts_for(&self.sender).say(key, values)
    }

    /// Answers with a text of the table.
    pub async fn reply_key(&self, key: &str, values: &[(&str, &str)]) -> Result<(), Error> {
        self.reply(&self.say(key, values)).await
    }

    /// Answers with `markdown`. It leaves through the outbox, so that an answer is neither lost nor doubled.
    pub async fn reply(&self, markdown: &str) -> Result<(), Error> {
        self.answer(notice::markdown(markdown)).await
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
