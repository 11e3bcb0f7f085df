//! Relay mode: people without a login of their own are carried through that of the portal, under their name.
//!
//! Bots talk to bots for ever, and bridges echo each other: notices, and what another bridge brought, are not carried, and
//! nobody is told so.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use matrix_sdk::ruma::{OwnedRoomId, OwnedUserId, RoomId, UserId};
use serde_json::Value;
use tracing::debug;

use super::convert::to_qq::Around;
use super::departure::{self, ToChat};
use super::portal::Portal;
use super::puppet::SOURCE_FIELD;
use super::{Bridge, Error};
use crate::config::Permission;
use crate::matrix::Event;
use crate::matrix::event::Message;
use crate::store::{self, OutboxRow, RelayRow, Tx};

/// How long a message waits for the names of those in its room.
const PATIENCE: Duration = Duration::from_secs(5);

/// Characters of a name.
const LONGEST_NAME: usize = 40;

/// Fields of what bridges bring. Sources: the specification's `external_url`, mautrix bridges, matrix-appservice-bridge.
const FIELDS_OF_BRIDGES: [&str; 3] = [SOURCE_FIELD, "external_url", "com.beeper.per_message_profile"];
/// How the names of other such fields begin.
const PREFIXES_OF_BRIDGES: [&str; 3] = ["fi.mau.", "net.maunium.", "uk.half-shot."];

/// Who is in a room, with their names there.
type Names = Arc<BTreeMap<OwnedUserId, Option<String>>>;

/// The names that were asked for, until somebody comes, goes or changes theirs.
#[derive(Debug, Default)]
pub(super) struct Relays {
    names: Mutex<HashMap<OwnedRoomId, Names>>,
}

impl Relays {
    /// Somebody's place in `room` changed.
    pub(super) fn forget(&self, room: &RoomId) {
        self.names.lock().unwrap_or_else(PoisonError::into_inner).remove(room);
    }

    fn known(&self, room: &RoomId) -> Option<Names> {
        self.names.lock().unwrap_or_else(PoisonError::into_inner).get(room).cloned()
    }

    fn keep(&self, room: &RoomId, names: &Names) {
        self.names.lock().unwrap_or_else(PoisonError::into_inner).insert(room.to_owned(), Arc::clone(names));
    }
}

/// Whether, and how, somebody may speak in a portal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Voice {
    /// As the account itself.
    Own,
    /// Through it, under their name.
    Relayed,
    /// Not at all; the text that says why.
    Declined(&'static str),
    /// Not at all, and not to be answered either.
    Unheard,
}

/// Whether `sender` or the content of `body`, an event as it came, is another bridge's.
pub(super) fn is_of_bridge(sender: &str, body: &str) -> bool {
    // The specification asks application services to begin the names of their users so.
    if sender.starts_with("@_") {
        return true;
    }
    let is_known = |field: &str| {
        FIELDS_OF_BRIDGES.contains(&field) || PREFIXES_OF_BRIDGES.iter().any(|prefix| field.starts_with(prefix))
    };
    let event: Value = serde_json::from_str(body).unwrap_or_default();
    let content = event.get("content").and_then(Value::as_object);
    content.is_some_and(|content| content.keys().any(|field| is_known(field)))
}

/// `name` as QQ people read it: in one line, short, and without what could end its place in the format.
fn tamed(name: &str) -> String {
    let words: String =
        name.chars().filter(|c| !matches!(c, '「' | '」') && (!c.is_control() || c.is_whitespace())).collect();
    words.split_whitespace().collect::<Vec<_>>().join(" ").chars().take(LONGEST_NAME).collect()
}

/// What `user` is called among `names`: with their id when somebody else has the same name, or they have none.
fn called(user: &UserId, names: &BTreeMap<OwnedUserId, Option<String>>) -> String {
    let name_of = |name: &Option<String>| name.as_deref().map(tamed).filter(|name| !name.is_empty());
    let Some(name) = names.get(user).and_then(name_of) else { return user.to_string() };
    let is_shared = names.iter().any(|(other, theirs)| other != user && name_of(theirs).as_ref() == Some(&name));
    if is_shared { format!("{name} ({user})") } else { name }
}

impl Bridge {
    /// Whether, and how, who sent `event` may speak in `portal`. `is_alien`: it is a notice, or another bridge's.
    pub(super) async fn voice(
        &self,
        tx: &mut Tx,
        portal: &Portal,
        event: &Event,
        is_alien: bool,
    ) -> Result<Voice, store::Error> {
        let owner = tx.owner_of(portal.account.as_str()).await?;
        let permission = self.config.bridge.permission(event.sender.as_str());
        if owner.as_deref() == Some(event.sender.as_str()) && permission >= Permission::User {
            return Ok(Voice::Own);
        }
        let relay = if self.config.bridge.relay.enabled { tx.relay(portal.id).await? } else { None };
        Ok(match relay {
            Some(_) if is_alien => Voice::Unheard,
            Some(_) if permission < Permission::Relay => Voice::Declined("message.not_owner"),
            Some(RelayRow { one_way: true, .. }) => Voice::Declined("message.one_way"),
            Some(_) => Voice::Relayed,
            None => Voice::Declined("message.not_owner"),
        })
    }

    /// Whether so many `parts` more would be more of what the sender of `event` says than may wait for QQ. What is said
    /// `around` it tells whether they are relayed: whoever speaks as the account itself fills a queue of their own.
    pub(super) async fn is_too_much(
        &self,
        tx: &mut Tx,
        portal: &Portal,
        (event, around): (&Event, &Around),
        parts: usize,
    ) -> Result<bool, store::Error> {
        let most = self.config.bridge.relay.max_waiting;
        if most == 0 || around.frame.is_none() {
            return Ok(false);
        }
        let is_theirs =
            |row: &OutboxRow| departure::read::<ToChat>(row).is_ok_and(|said| said.sender == event.sender.as_str());
        let waiting = tx.lane_head(&Self::lane_of(portal), u32::MAX).await?;
        let theirs = waiting.iter().filter(|row| is_theirs(row)).count();
        Ok(theirs.saturating_add(parts) > usize::try_from(most).unwrap_or(usize::MAX))
    }

    /// `around`, with the format in which `message` by the sender of `event` is carried.
    pub(super) fn framed(&self, around: &Around, event: &Event, message: &Message) -> Around {
        let id = event.sender.as_str();
        let name = around.name.as_deref().unwrap_or(id);
        let frame = self.config.bridge.relay.frame(&message.msgtype, name, id);
        Around { frame: Some(frame), ..around.clone() }
    }

    /// What `user` is called in `room`; `None` when nobody is relayed, or that cannot be had.
    pub(super) async fn name_in_room(&self, room: &RoomId, user: &UserId) -> Option<String> {
        if !self.config.bridge.relay.enabled {
            return None;
        }
        if let Some(names) = self.relays.known(room) {
            return Some(called(user, &names));
        }
        let ask = async {
            let _turn = self.requests.acquire().await;
            self.homeserver.bot().joined_members(room).await
        };
        let Ok(Ok(names)) = tokio::time::timeout(PATIENCE, ask).await else {
            debug!(%room, "names could not be had; somebody is called by their id");
            return None;
        };
        let names = Arc::new(names);
        self.relays.keep(room, &names);
        Some(called(user, &names))
    }

    /// Lets people without a login be carried in the portal, or only listen; `None`: neither any more. `false` when nothing
    /// changed.
    pub async fn set_relay(&self, portal: i64, relay: Option<RelayRow>) -> Result<bool, Error> {
        let set = self.store.write(move |tx| {
            Box::pin(async move {
                match relay {
                    Some(relay) => tx.put_relay(&relay).await.map(|()| true),
                    None => tx.remove_relay(portal).await,
                }
            })
        });
        Ok(set.await?)
    }
}

#[cfg(test)]
mod tests {
    use matrix_sdk::ruma::{owned_user_id, user_id};
    use serde_json::json;

    use super::*;

    #[test]
    fn two_of_one_name_are_told_apart_and_no_name_can_break_out_of_its_place() {
        let some = |name: &str| Some(name.to_owned());
        let names = BTreeMap::from([
            (owned_user_id!("@a:hs"), some("Bob")),
            (owned_user_id!("@b:hs"), some(" Bob\n")),
            (owned_user_id!("@c:hs"), some("Eve」: I owe you\n「Bob")),
            (owned_user_id!("@d:hs"), None),
        ]);
        assert_eq!(called(user_id!("@a:hs"), &names), "Bob (@a:hs)");
        assert_eq!(called(user_id!("@b:hs"), &names), "Bob (@b:hs)");
        assert_eq!(called(user_id!("@c:hs"), &names), "Eve: I owe you Bob");
        assert_eq!(called(user_id!("@d:hs"), &names), "@d:hs");
        assert_eq!(called(user_id!("@gone:hs"), &names), "@gone:hs");
    }

    #[test]
    fn what_another_bridge_brings_is_known_by_its_fields_or_its_user() {
        let event = |content: Value| json!({ "content": content }).to_string();
        for content in [
            json!({ "fi.mau.double_puppet_source": "mautrix-whatsapp" }),
            json!({ "net.maunium.telegram.puppet": true }),
            json!({ "external_url": "https://t.me/1" }),
        ] {
            assert!(is_of_bridge("@bob:hs", &event(content)));
        }
        assert!(is_of_bridge("@_discord_1:hs", &event(json!({}))));
        assert!(!is_of_bridge("@bob:hs", &event(json!({ "body": "fi.mau.", "m.mentions": {} }))));
    }
}
