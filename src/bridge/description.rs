//! What the room of a portal tells of itself: which bridge it belongs to and which chat it mirrors (MSC2346), what can be
//! said in it, what a group says of itself, and who has an office there. At creation, and kept in step afterwards.

use std::collections::{BTreeMap, HashMap};

use matrix_sdk::ruma::{OwnedUserId, RoomId, UserId};
use serde_json::{Value, json};

use super::appearance::unless_refused;
use super::features::{Carriage, features};
use super::levels::{ADMINISTRATOR, LEVELS, OWNER, with_officers};
use super::login::Live;
use super::portal::Portal;
use super::{Bridge, Error, portrait};
use crate::matrix::NewState;
use crate::qq::{AccountId, ChatKind, ContactId, Officers};
use crate::store::LookRow;

/// MSC2346, and under the name that clients knew before.
const BRIDGE: [&str; 2] = ["m.bridge", "uk.half-shot.bridge"];
const FEATURES: &str = "com.beeper.room_features";
const TOPIC: &str = "m.room.topic";

/// A state with an empty key.
fn state(kind: &str, content: Value) -> NewState {
    NewState { kind: kind.to_owned(), key: String::new(), content }
}

impl Bridge {
    /// How the chats of `account` look, by portal, or that of `only` this one.
    pub(super) async fn looks(&self, account: &AccountId, only: Option<i64>) -> Result<HashMap<i64, LookRow>, Error> {
        let login = account.to_string();
        let looks = self.store.read(move |tx| Box::pin(async move { tx.looks(&login, only, portrait::ROOM).await }));
        Ok(looks.await?.into_iter().map(|look| (look.portal, look)).collect())
    }

    /// What the room of `portal` tells without anything having to be asked.
    pub(super) fn description(
        &self,
        portal: &Portal,
        look: Option<&LookRow>,
        owner: Option<&UserId>,
        live: Option<&Live>,
    ) -> Vec<NewState> {
        let content = self.bridge_info(portal, look, owner);
        let key = format!("{}/{}", self.homeserver.bot_id().server_name(), self.config.appservice.id);
        let mut states: Vec<NewState> = BRIDGE
            .iter()
            .map(|kind| NewState { kind: (*kind).to_owned(), key: key.clone(), content: content.clone() })
            .collect();
        if let Some(live) = live {
            let most_bytes = self.config.bridge.media.most_bytes();
            let carriage = Carriage {
                is_group: !portal.is_direct(),
                linked_bytes: self.links.as_ref().map(|_| most_bytes),
                most_bytes,
            };
            states.push(state(FEATURES, features(&live.network.capabilities(), carriage)));
        }
        states
    }

    fn bridge_info(&self, portal: &Portal, look: Option<&LookRow>, owner: Option<&UserId>) -> Value {
        // A remark for a person is told by the name of their room only.
        let nick = || look.and_then(|look| look.nick.as_deref()).unwrap_or_default();
        let name = if portal.is_direct() { nick() } else { &portal.name };
        let mut channel = json!({ "id": portal.chat.as_str(), "displayname": name });
        let picture = look.and_then(|look| look.picture.as_deref());
        if let (Some(picture), Some(fields)) = (picture, channel.as_object_mut()) {
            fields.insert("avatar_url".to_owned(), picture.into());
        }
        let account = portal.account.as_str();
        json!({
            "bridgebot": self.homeserver.bot_id(),
            "creator": owner.unwrap_or_else(|| self.homeserver.bot_id()),
            "protocol": { "id": "qq", "displayname": "QQ" },
            "network": { "id": account, "displayname": format!("QQ {account}") },
            "channel": channel,
            "com.beeper.room_type": if portal.is_direct() { "dm" } else { "group_dm" },
        })
    }

    /// Brings what the rooms of `live` tell up to date, or what that of `only` this portal does.
    pub(super) async fn bring_descriptions_up_to_date(&self, live: &Live, only: Option<&Portal>) -> Result<(), Error> {
        let owner = OwnedUserId::try_from(live.owner.as_str()).ok();
        let portals = match only {
            Some(only) => Vec::from_iter(self.portals.by_id(only.id)),
            None => self.portals.of(&live.account),
        };
        // After the portals: of each that is known here it is known how it looks.
        let looks = self.looks(&live.account, only.map(|portal| portal.id)).await?;
        for portal in portals {
            let Some(room) = &portal.room else { continue };
            let states = self.description(&portal, looks.get(&portal.id), owner.as_deref(), Some(live));
            unless_refused(room, self.describe(live, &portal, room, states).await)?;
        }
        Ok(())
    }

    async fn describe(&self, live: &Live, portal: &Portal, room: &RoomId, states: Vec<NewState>) -> Result<(), Error> {
        let creator = self.room_creator(portal).await?;
        for state in states {
            self.show_state(&creator, room, state).await?;
        }
        if matches!(portal.kind, ChatKind::Group | ChatKind::Discussion) && !self.is_adopted(portal) {
            self.describe_from_within(live, portal, room).await?;
        }
        Ok(())
    }

    /// Brings offices and topic up to date. QQ is asked about a group once in its life; afterwards what it tells anyway has
    /// to do.
    async fn describe_from_within(&self, live: &Live, portal: &Portal, room: &RoomId) -> Result<(), Error> {
        let was_asked = !self.appearances.keys(room, LEVELS).is_empty();
        if was_asked && !live.network.knows_members(&portal.chat) {
            return Ok(());
        }
        let Officers { owner, admins, members, memo } = match live.network.officers(&portal.chat).await {
            // It is not in the lists any more.
            Err(error) if error.verdict() == crate::qq::Verdict::GiveUp => return Ok(()),
            told => told?,
        };
        if members == 0 {
            return Ok(());
        }
        let own = ContactId::from(&live.account);
        let admins = admins.into_iter().map(|admin| (admin.id, ADMINISTRATOR));
        let mut officers = BTreeMap::new();
        for (who, level) in admins.chain(owner.map(|owner| (owner.id, OWNER))).filter(|(who, _)| *who != own) {
            officers.insert(self.homeserver.ghost_id(who.as_str())?.to_string(), level);
        }
        self.show_officers(room, officers).await?;
        if memo.is_empty() && self.appearances.keys(room, TOPIC).is_empty() {
            return Ok(());
        }
        self.show_state(&self.homeserver.bot(), room, state(TOPIC, json!({ "topic": memo }))).await
    }

    async fn show_officers(&self, room: &RoomId, officers: BTreeMap<String, i64>) -> Result<(), Error> {
        // What is remembered are the offices alone: the rest of that state is other people's, too.
        let told = state(LEVELS, json!(officers));
        if self.appearances.is(room, &told) {
            return Ok(());
        }
        let is_ours =
            |user: &str| <&UserId>::try_from(user).is_ok_and(|user| self.homeserver.contact_of(user).is_some());
        {
            let (_behind, _turn) = (self.statuses.acquire().await, self.requests.acquire().await);
            let change = |levels: Value| with_officers(&levels, &officers, is_ours);
            self.change_levels(&self.homeserver.bot(), room, change).await?;
        }
        self.note_states(room, &[told]).await
    }
}
