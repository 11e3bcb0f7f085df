//! Portals: QQ chats and the Matrix rooms that mirror them.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, PoisonError};

use matrix_sdk::ruma::{OwnedRoomId, OwnedUserId, RoomId};
use serde_json::{Value, json};
use tracing::info;

use super::{Bridge, Error, levels, route};
use crate::base::Locks;
use crate::base::failpoint::{Failpoint, reach};
use crate::matrix::{Intent, NewRoom, NewState};
use crate::qq::{AccountId, Chat, ChatId, ChatKind, ContactId};
use crate::store::{PortalRow, PortalState, Tx};

/// The field of a room's creation content that says which portal it was made for: how an orphan is found after a crash.
const PORTAL_FIELD: &str = "net.matrix_webqq.portal";

/// A QQ chat and the Matrix room that mirrors it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Portal {
    /// Our number for it; part of the names of its lanes.
    pub id: i64,
    /// Whose chat.
    pub account: AccountId,
    /// Which chat.
    pub chat: ChatId,
    /// Of what kind.
    pub kind: ChatKind,
    /// What the account calls it.
    pub name: String,
    /// The other person of a friend chat.
    pub peer: Option<ContactId>,
    /// The room, once there is one.
    pub room: Option<OwnedRoomId>,
    /// Whether a room was being made when this was last written: there may be one that we do not know.
    pub(super) in_doubt: bool,
}

impl Portal {
    /// Whether its room is a direct chat.
    #[must_use]
    pub fn is_direct(&self) -> bool {
        self.peer.is_some() && matches!(self.kind, ChatKind::Friend | ChatKind::Temporary)
    }

    /// A text that no other portal has, of this or any other account.
    fn mark(&self) -> String {
        format!("{}/{}", self.account, self.chat)
    }
}

impl From<PortalRow> for Portal {
    fn from(row: PortalRow) -> Self {
        Self {
            id: row.id,
            account: AccountId::new(row.login),
            chat: ChatId::new(row.chat),
            kind: kind_from(&row.kind),
            name: row.name,
            peer: row.peer.map(ContactId::new),
            in_doubt: row.state == PortalState::Creating,
            room: row.room_id.and_then(|room| room.try_into().ok()),
        }
    }
}

/// Every portal, in memory: they are asked for with every message.
#[derive(Debug, Default)]
pub struct Portals {
    known: Mutex<Known>,
    /// One room is made at a time for each portal.
    making: Mutex<HashMap<i64, Arc<tokio::sync::Mutex<()>>>>,
    /// Whoever sends into the room of a portal reads it, whoever moves the portal writes it.
    standing: Locks<i64, tokio::sync::RwLock<()>>,
}

#[derive(Debug, Default)]
struct Known {
    ids: HashMap<i64, Arc<Portal>>,
    rooms: HashMap<OwnedRoomId, i64>,
    chats: HashMap<(AccountId, ChatId), i64>,
    /// Rooms that portals have let go of.
    left: HashSet<OwnedRoomId>,
}

impl Portals {
    /// Takes in rows as they are on disk.
    pub(super) fn load(&self, rows: Vec<PortalRow>) {
        for row in rows {
            self.meet(row);
        }
    }

    /// Takes in the rooms that portals had before.
    pub(super) fn load_past(&self, aliases: Vec<(String, i64)>, left: Vec<String>) {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let aliases = aliases.into_iter().filter_map(|(room, id)| Some((OwnedRoomId::try_from(room).ok()?, id)));
        known.rooms.extend(aliases);
        known.left.extend(left.into_iter().filter_map(|room| OwnedRoomId::try_from(room).ok()));
    }

    /// Portal `id` is mirrored in `room` from now on, and its former room is still known as its own.
    pub(super) fn move_to(&self, id: i64, room: OwnedRoomId) {
        if let Some(portal) = self.by_id(id) {
            self.put(Portal { room: Some(room), in_doubt: false, ..Portal::clone(&portal) });
        }
    }

    /// What is said in `room`, which a portal had before, belongs to it no more.
    pub(super) fn forget_past(&self, room: &RoomId) {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let portal = known.rooms.get(room).and_then(|id| known.ids.get(id));
        if portal.is_some_and(|portal| portal.room.as_deref() != Some(room)) {
            known.rooms.remove(room);
            known.left.insert(room.to_owned());
        }
    }

    /// Portal `id` has no room any more.
    pub(super) fn let_go(&self, id: i64, room: OwnedRoomId) {
        if let Some(portal) = self.by_id(id) {
            self.put(Portal { room: None, in_doubt: false, ..Portal::clone(&portal) });
        }
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.rooms.retain(|_, portal| *portal != id);
        known.left.insert(room);
    }

    /// Held for reading while something is sent into the room of portal `id`, for writing while that changes.
    pub(super) fn standing(&self, id: i64) -> Arc<tokio::sync::RwLock<()>> {
        self.standing.of(&id)
    }

    /// Takes in a row that may be new. What is known of it already may be newer than the row: that stays.
    fn meet(&self, row: PortalRow) -> Arc<Portal> {
        self.by_id(row.id).unwrap_or_else(|| self.put(row.into()))
    }

    fn put(&self, portal: Portal) -> Arc<Portal> {
        let portal = Arc::new(portal);
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(room) = &portal.room {
            known.rooms.insert(room.clone(), portal.id);
        }
        known.chats.insert((portal.account.clone(), portal.chat.clone()), portal.id);
        known.ids.insert(portal.id, Arc::clone(&portal));
        portal
    }

    /// Notes what QQ calls the chat of `id` now.
    pub(super) fn rename(&self, id: i64, name: &str) {
        if let Some(portal) = self.by_id(id) {
            self.put(Portal { name: name.to_owned(), ..Portal::clone(&portal) });
        }
    }

    /// By our number.
    #[must_use]
    pub fn by_id(&self, id: i64) -> Option<Arc<Portal>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner).ids.get(&id).cloned()
    }

    /// By the room's id.
    #[must_use]
    pub fn by_room(&self, room: &str) -> Option<Arc<Portal>> {
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let id = known.rooms.get(<&RoomId>::try_from(room).ok()?)?;
        known.ids.get(id).cloned()
    }

    /// The portals of which a room may be that we do not know.
    pub(super) fn in_doubt(&self) -> Vec<i64> {
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let doubtful = known.ids.values().filter(|portal| portal.in_doubt && portal.room.is_none());
        doubtful.map(|portal| portal.id).collect()
    }

    /// By chat.
    #[must_use]
    pub fn by_chat(&self, account: &AccountId, chat: &ChatId) -> Option<Arc<Portal>> {
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let id = known.chats.get(&(account.clone(), chat.clone()))?;
        known.ids.get(id).cloned()
    }

    /// All of `account`.
    #[must_use]
    pub fn of(&self, account: &AccountId) -> Vec<Arc<Portal>> {
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.ids.values().filter(|portal| portal.account == *account).cloned().collect()
    }

    pub(super) fn making(&self, id: i64) -> Arc<tokio::sync::Mutex<()>> {
        let mut making = self.making.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(making.entry(id).or_default())
    }

    /// Whether `portal` has a room, or one is being made for it.
    pub(super) fn is_wanted(&self, portal: &Portal) -> bool {
        let making = || self.making.lock().unwrap_or_else(PoisonError::into_inner).contains_key(&portal.id);
        portal.room.is_some() || portal.in_doubt || making()
    }

    pub(super) fn made(&self, id: i64) {
        self.making.lock().unwrap_or_else(PoisonError::into_inner).remove(&id);
    }
}

/// The portal of `chat` on disk, made if there is none.
pub(super) async fn ensure_row(
    tx: &mut Tx,
    account: &AccountId,
    chat: &Chat,
) -> Result<PortalRow, crate::store::Error> {
    let peer = chat.peer.as_ref().map(ContactId::as_str);
    tx.ensure_portal(account.as_str(), chat.id.as_str(), kind_text(chat.kind), &chat.name, peer).await
}

impl Bridge {
    /// The portal of `chat`, made on disk and without a room if there is none.
    pub async fn ensure_portal(&self, account: &AccountId, chat: Chat) -> Result<Arc<Portal>, Error> {
        if let Some(portal) = self.portals.by_chat(account, &chat.id) {
            return Ok(portal);
        }
        let account = account.clone();
        let row = self.store.write(move |tx| Box::pin(async move { ensure_row(tx, &account, &chat).await })).await?;
        Ok(self.portals.meet(row))
    }

    /// Makes room for a row that a translation put on disk.
    pub(super) fn note_portal(&self, row: PortalRow) -> Arc<Portal> {
        self.portals.meet(row)
    }

    /// The room of portal `id`, made if there is none, with the bot and the owner of the login asked in.
    pub async fn ensure_room(&self, id: i64) -> Result<OwnedRoomId, Error> {
        if let Some(room) = self.portals.by_id(id).and_then(|portal| portal.room.clone()) {
            return Ok(room);
        }
        let making = self.portals.making(id);
        let _one_at_a_time = making.lock().await;
        let portal = self.portals.by_id(id).ok_or(Error::NoPortal(id))?;
        if let Some(room) = &portal.room {
            self.portals.made(id);
            return Ok(room.clone());
        }
        let creator = self.room_creator(&portal).await?;
        let orphan = if portal.in_doubt { self.find_orphan(&portal, &creator).await? } else { None };
        let room = match orphan {
            Some(room) => room,
            None => self.make_room(&portal, &creator).await?,
        };
        if portal.is_direct() {
            // Before the room counts as made: a start that finds it half made comes through here again.
            self.homeserver.bot().join(&room).await?;
        }
        self.note_member(&room, creator.user_id()).await?;
        let text = room.to_string();
        self.store.write(move |tx| Box::pin(async move { tx.set_portal_room(id, &text).await })).await?;
        info!(portal = id, %room, "a portal has its room");
        self.portals.put(Portal { room: Some(room.clone()), in_doubt: false, ..Portal::clone(&portal) });
        self.portals.made(id);
        if let Some(live) = self.logins.live(&portal.account) {
            live.look_at(&portal);
        }
        self.let_owner_in(&portal, &room).await;
        Ok(room)
    }

    /// Who makes the room: the ghost in a direct chat, so that clients show it as a chat with that person; else the
    /// bot, which has the say of the bridge also in a room that people made.
    pub(super) async fn room_creator(&self, portal: &Portal) -> Result<Intent, Error> {
        match &portal.peer {
            Some(peer) if portal.is_direct() && !self.is_adopted(portal) => self.ensure_ghost(peer).await,
            _ => Ok(self.homeserver.bot()),
        }
    }

    async fn make_room(&self, portal: &Arc<Portal>, creator: &Intent) -> Result<OwnedRoomId, Error> {
        let (_turn, id) = (self.makings.acquire().await, portal.id);
        self.store
            .write(move |tx| Box::pin(async move { tx.set_portal_state(id, PortalState::Creating).await }))
            .await?;
        // From here on there may be a room that we do not know of.
        self.portals.put(Portal { in_doubt: true, ..Portal::clone(portal) });
        let owner = self.owner_of(&portal.account).await?;
        let live = self.logins.live(&portal.account);
        let name = self.room_name(portal, &portal.name, live.as_deref()).await;
        let looks = self.looks(&portal.account, Some(id)).await?;
        let states = self.description(portal, looks.get(&id), owner.as_deref(), live.as_deref());
        let room = creator.create_room(self.new_room(portal, name, owner, states.clone())).await?;
        reach(Failpoint::RoomMade);
        self.note_states(&room, &states).await?;
        Ok(room)
    }

    fn new_room(
        &self,
        portal: &Portal,
        name: Option<String>,
        owner: Option<OwnedUserId>,
        mut initial_state: Vec<NewState>,
    ) -> NewRoom {
        let bot = self.homeserver.bot_id();
        let mut invite: Vec<OwnedUserId> = owner.into_iter().collect();
        if portal.is_direct() {
            invite.push(bot.to_owned());
            // Clients leave these out when they name and count a direct chat.
            let service = json!({ "service_members": [bot] });
            let kind = "io.element.functional_members".to_owned();
            initial_state.push(NewState { kind, key: String::new(), content: service });
        }
        NewRoom {
            name,
            invite,
            is_direct: portal.is_direct(),
            // In a direct chat the bot and the owner get the powers of the ghost that makes it.
            trusted: portal.is_direct(),
            creation_content: [(PORTAL_FIELD.to_owned(), Value::String(portal.mark()))].into_iter().collect(),
            initial_state,
            power_levels: (!portal.is_direct()).then(levels::of_group),
            federate: self.config.matrix.federate_rooms,
            ..NewRoom::default()
        }
    }

    /// The room that an earlier try may have made without our hearing of it.
    pub(super) async fn find_orphan(&self, portal: &Portal, creator: &Intent) -> Result<Option<OwnedRoomId>, Error> {
        let known: HashSet<OwnedRoomId> = {
            let known = self.portals.known.lock().unwrap_or_else(PoisonError::into_inner);
            known.rooms.keys().chain(&known.left).cloned().collect()
        };
        self.find_marked(creator, (PORTAL_FIELD, &portal.mark()), |room| known.contains(room)).await
    }

    /// Who logged `account` in.
    pub async fn owner_of(&self, account: &AccountId) -> Result<Option<OwnedUserId>, Error> {
        let name = account.as_str().to_owned();
        let owner = self.store.read(move |tx| Box::pin(async move { tx.owner_of(&name).await })).await?;
        Ok(owner.and_then(|owner| owner.try_into().ok()))
    }

    /// The lane that leads to what is said in `portal` on QQ.
    #[must_use]
    pub fn lane_of(portal: &Portal) -> String {
        route::lane_to_chat(&portal.account, portal.id)
    }
}

/// What a kind of chats is called on disk and in the configuration.
pub(super) fn kind_text(kind: ChatKind) -> &'static str {
    match kind {
        ChatKind::Friend => "friend",
        ChatKind::Group => "group",
        ChatKind::Discussion => "discussion",
        ChatKind::Temporary => "temporary",
    }
}

fn kind_from(text: &str) -> ChatKind {
    match text {
        "friend" => ChatKind::Friend,
        "discussion" => ChatKind::Discussion,
        "temporary" => ChatKind::Temporary,
        _ => ChatKind::Group,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(room_id: Option<&str>, state: PortalState) -> PortalRow {
        PortalRow {
            id: 1,
            login: "10001".into(),
            chat: "friend:10001.2".into(),
            kind: kind_text(ChatKind::Friend).into(),
            name: "王芳".into(),
            peer: Some("10001.2".into()),
            room_id: room_id.map(str::to_owned),
            state,
            created_at_ms: 0,
        }
    }

    #[test]
    fn an_old_row_does_not_take_the_room_of_a_portal_away() {
        let portals = Portals::default();
        portals.put(row(Some("!room:hs.test"), PortalState::Ready).into());
        assert!(portals.meet(row(None, PortalState::None)).room.is_some());
        assert!(portals.by_room("!room:hs.test").is_some());
        assert_eq!(portals.by_chat(&AccountId::new("10001"), &ChatId::new("friend:10001.2")).map(|p| p.id), Some(1));
    }

    #[test]
    fn every_kind_survives_the_database() {
        for kind in [ChatKind::Friend, ChatKind::Group, ChatKind::Discussion, ChatKind::Temporary] {
            assert_eq!(kind_from(kind_text(kind)), kind);
        }
    }

    #[test]
    fn only_a_chat_with_one_person_is_direct_and_a_room_half_made_is_in_doubt() {
        let portal = Portal::from(row(None, PortalState::Creating));
        assert!(portal.is_direct() && portal.in_doubt);
        assert!(!Portal { kind: ChatKind::Group, ..portal }.is_direct());
    }
}
