//! What has to be asked around before a Matrix message can be said on QQ: what people are called in the chat, and the
//! message that is answered. Whatever cannot be had is done without: no message waits for long, and none is lost.

use std::time::Duration;

use matrix_sdk::ruma::{EventId, UserId};
use tracing::debug;

use super::Bridge;
use super::convert::to_qq::{self, Around, Quote};
use super::portal::Portal;
use crate::matrix::Event;
use crate::matrix::event::Kind;
use crate::qq::ContactId;

/// How long a message waits for the one that it answers.
const PATIENCE: Duration = Duration::from_secs(5);

impl Bridge {
    /// Asks around for `event`, if it is something to be said on QQ.
    pub(super) async fn ask_around(&self, event: &Event) -> Around {
        let Kind::Message(message) = &event.kind else { return Around::default() };
        let Some(portal) = self.portals.by_room(event.room.as_str()) else { return Around::default() };
        let mut around = Around::default();
        for user in to_qq::mentioned(message) {
            if let Some(who) = self.contact_behind(&portal, &user).await
                && let Some(name) = self.name_in_chat(&portal, &who).await
            {
                around.people.insert(user, (who, name));
            }
        }
        if self.config.bridge.relay.enabled && self.contact_behind(&portal, &event.sender).await.is_none() {
            around.name = self.name_in_room(&event.room, &event.sender).await;
        }
        if let Some(answered) = to_qq::answered(message) {
            around.quote = self.quote(&portal, event, answered).await;
        }
        around
    }

    /// The contact that `user` is: a ghost's, or the account itself for its owner.
    async fn contact_behind(&self, portal: &Portal, user: &UserId) -> Option<ContactId> {
        if let Some(contact) = self.homeserver.contact_of(user) {
            return Some(ContactId::new(contact));
        }
        let account = portal.account.as_str().to_owned();
        let owner = self.store.read(move |tx| Box::pin(async move { tx.owner_of(&account).await })).await.ok()??;
        (owner == user.as_str()).then(|| ContactId::from(&portal.account))
    }

    /// What the chat calls `who`, by the last lists of a login or by what their ghost is called.
    async fn name_in_chat(&self, portal: &Portal, who: &ContactId) -> Option<String> {
        let live = self.logins.live(&portal.account);
        if let Some(name) = live.and_then(|live| live.network.name_in(&portal.chat, who)) {
            return Some(name);
        }
        let id = who.as_str().to_owned();
        let ghost = self.store.read(move |tx| Box::pin(async move { tx.ghost(&id).await })).await.ok()??;
        Some(ghost.name).filter(|name| !name.is_empty())
    }

    /// The message `answered`, which the homeserver keeps: the bridge keeps no texts, and what was taken back meanwhile
    /// must not be quoted.
    async fn quote(&self, portal: &Portal, event: &Event, answered: &EventId) -> Option<Quote> {
        let bot = self.homeserver.bot();
        let ask = async {
            let _turn = self.requests.acquire().await;
            bot.event(&event.room, answered).await
        };
        let asked = tokio::time::timeout(PATIENCE, ask).await;
        let original = match asked {
            Ok(Ok(original)) => original?,
            Ok(Err(error)) => {
                debug!(%error, "a message that is answered could not be had; the answer goes without it");
                return None;
            }
            Err(_) => {
                debug!("a message that is answered did not come in time; the answer goes without it");
                return None;
            }
        };
        let Kind::Message(message) = &original.kind else { return None };
        // What the bot says was never on QQ.
        if original.sender == self.homeserver.bot_id() {
            return None;
        }
        let words = to_qq::excerpt(message);
        let name = match self.contact_behind(portal, &original.sender).await {
            Some(who) => self.name_in_chat(portal, &who).await?,
            None => self.name_in_room(&event.room, &original.sender).await?,
        };
        (!words.is_empty()).then_some(Quote { name, words })
    }
}
