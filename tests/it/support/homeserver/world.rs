//! What the pretend homeserver knows: people, rooms, what was sent, and what is to be pushed.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::fmt::Write as _;

use serde_json::{Value, json};

use super::fault::{Endpoint, Faults};

/// Events in one transaction, as in Synapse.
const MOST_EVENTS: usize = 100;

/// The registration that the homeserver has.
#[derive(Clone, Debug)]
pub(crate) struct Setup {
    pub(crate) domain: String,
    pub(crate) id: String,
    pub(crate) as_token: String,
    pub(crate) hs_token: String,
    pub(crate) sender_localpart: String,
    pub(crate) bot_localpart: String,
    pub(crate) ghost_prefix: String,
}

impl Default for Setup {
    fn default() -> Self {
        Self {
            domain: "hs.test".to_owned(),
            id: "qq".to_owned(),
            as_token: "as-token-of-tests".to_owned(),
            hs_token: "hs-token-of-tests".to_owned(),
            sender_localpart: "randomsender".to_owned(),
            bot_localpart: "qqbot".to_owned(),
            ghost_prefix: "qq_".to_owned(),
        }
    }
}

impl Setup {
    pub(super) fn is_ghost(&self, user: &str) -> bool {
        user.strip_prefix('@').is_some_and(|name| name.starts_with(&self.ghost_prefix))
    }
}

/// An event as the homeserver keeps it.
#[derive(Clone, Debug)]
pub(crate) struct Event {
    pub(crate) id: String,
    pub(crate) room: String,
    pub(crate) sender: String,
    pub(crate) kind: String,
    pub(crate) state_key: Option<String>,
    pub(crate) content: Value,
    pub(crate) sent_at_ms: i64,
    pub(super) unsigned: Value,
}

impl Event {
    /// What it says; empty when it says nothing.
    pub(crate) fn body(&self) -> &str {
        self.content["body"].as_str().unwrap_or("")
    }

    pub(super) fn to_json(&self) -> Value {
        let mut event = json!({
            "event_id": self.id, "room_id": self.room, "sender": self.sender, "type": self.kind,
            "content": self.content, "origin_server_ts": self.sent_at_ms, "unsigned": self.unsigned,
        });
        if let Some(key) = &self.state_key {
            event["state_key"] = key.as_str().into();
        }
        event
    }
}

#[derive(Default)]
pub(super) struct User {
    pub(super) display_name: Option<String>,
    pub(super) avatar_url: Option<String>,
    pub(super) account_data: BTreeMap<String, Value>,
    /// By kind and id.
    pub(super) push_rules: BTreeMap<String, Value>,
}

#[derive(Default)]
pub(super) struct Room {
    pub(super) creator: String,
    pub(super) timeline: Vec<Event>,
    pub(super) state: BTreeMap<(String, String), Value>,
}

/// A transaction under way.
#[derive(Clone)]
pub(super) struct Push {
    pub(super) id: u64,
    pub(super) body: Value,
}

/// All there is.
pub(crate) struct World {
    pub(crate) setup: Setup,
    pub(super) users: BTreeMap<String, User>,
    pub(super) rooms: Vec<(String, Room)>,
    /// Event ids by access token and path: Synapse shares them between all users of an application service.
    pub(super) answered: HashMap<String, Value>,
    /// Who shows which access token.
    pub(super) tokens: BTreeMap<String, String>,
    /// The token of a second application service, which may act for everybody.
    pub(super) second_service: Option<String>,
    pub(super) media: BTreeMap<String, (String, Vec<u8>)>,
    pub(super) receipts: Vec<(String, String)>,
    pub(super) typing: BTreeMap<String, Vec<String>>,
    pub(super) presence: BTreeMap<String, Value>,
    pub(super) requests: Vec<Endpoint>,
    /// The same in full: address and body.
    pub(super) asked_for: Vec<String>,
    pub(super) faults: Faults,
    pub(super) bridge_url: Option<String>,
    pub(super) is_down: bool,
    pub(super) is_listening: bool,
    pub(super) people_join: bool,
    pub(super) queue: VecDeque<Value>,
    pub(super) ephemeral: Vec<Value>,
    pub(super) under_way: Option<Push>,
    pub(super) said_by_ghosts: usize,
    pub(super) refused_pushes: usize,
    last_push: u64,
    made: i64,
}

impl World {
    pub(super) fn new(setup: Setup) -> Self {
        let sender = format!("@{}:{}", setup.sender_localpart, setup.domain);
        Self {
            setup,
            users: BTreeMap::from([(sender, User::default())]),
            rooms: Vec::new(),
            answered: HashMap::new(),
            tokens: BTreeMap::new(),
            second_service: None,
            media: BTreeMap::new(),
            receipts: Vec::new(),
            typing: BTreeMap::new(),
            presence: BTreeMap::new(),
            requests: Vec::new(),
            asked_for: Vec::new(),
            faults: Faults::default(),
            bridge_url: None,
            is_down: false,
            is_listening: false,
            people_join: false,
            queue: VecDeque::new(),
            ephemeral: Vec::new(),
            under_way: None,
            said_by_ghosts: 0,
            refused_pushes: 0,
            last_push: 0,
            made: 0,
        }
    }

    /// How often the bridge answered a transaction with an error.
    pub(crate) fn refused_pushes(&self) -> usize {
        self.refused_pushes
    }

    /// Whether every fault that was ordered has happened.
    pub(crate) fn are_faults_spent(&self) -> bool {
        self.faults.are_spent()
    }

    /// How much ghosts have said, in all rooms.
    pub(crate) fn said_by_ghosts(&self) -> usize {
        self.said_by_ghosts
    }

    /// The user called `localpart`.
    pub(crate) fn user_id(&self, localpart: &str) -> String {
        format!("@{localpart}:{}", self.setup.domain)
    }

    /// The bridge's bot.
    pub(crate) fn bot(&self) -> String {
        self.user_id(&self.setup.bot_localpart)
    }

    /// Whether `user` is the bridge's.
    pub(crate) fn is_bridged(&self, user: &str) -> bool {
        user == self.bot() || user.starts_with(&format!("@{}", self.setup.ghost_prefix))
    }

    pub(super) fn sender(&self) -> String {
        self.user_id(&self.setup.sender_localpart)
    }

    /// Every room, oldest first.
    pub(crate) fn room_ids(&self) -> Vec<String> {
        self.rooms.iter().map(|(id, _)| id.clone()).collect()
    }

    /// Everything in `room`, oldest first; nothing when there is no such room.
    pub(crate) fn timeline(&self, room: &str) -> &[Event] {
        self.room(room).map_or(&[], |room| &room.timeline)
    }

    /// Who said what in `room`, oldest first.
    pub(crate) fn said(&self, room: &str) -> Vec<(String, String)> {
        let messages = self.timeline(room).iter().filter(|event| event.kind == "m.room.message");
        messages.map(|event| (event.sender.clone(), event.body().to_owned())).collect()
    }

    /// A piece of state; null when there is none.
    pub(crate) fn state(&self, room: &str, kind: &str, key: &str) -> Value {
        let found = self.room(room).and_then(|room| room.state.get(&(kind.to_owned(), key.to_owned())));
        found.cloned().unwrap_or_default()
    }

    /// The event that a piece of state came in.
    pub(super) fn state_event(&self, room: &str, kind: &str, key: &str) -> Option<&Event> {
        let mut latest = self.timeline(room).iter().rev();
        latest.find(|event| event.kind == kind && event.state_key.as_deref() == Some(key))
    }

    /// `join`, `invite`, `leave`, `ban`, or nothing.
    pub(crate) fn membership(&self, room: &str, user: &str) -> String {
        self.state(room, "m.room.member", user)["membership"].as_str().unwrap_or("").to_owned()
    }

    /// Everybody in `room`.
    pub(crate) fn members(&self, room: &str) -> Vec<String> {
        let Some(found) = self.room(room) else { return Vec::new() };
        let members =
            found.state.keys().filter(|(kind, user)| kind == "m.room.member" && self.membership(room, user) == "join");
        members.map(|(_, user)| user.clone()).collect()
    }

    /// The name that `user` gave themselves.
    pub(crate) fn display_name(&self, user: &str) -> Option<&str> {
        self.users.get(user)?.display_name.as_deref()
    }

    /// The picture of `user`.
    pub(crate) fn avatar_url(&self, user: &str) -> Option<&str> {
        self.users.get(user)?.avatar_url.as_deref()
    }

    /// The account data of `user`; null when there is none.
    pub(crate) fn account_data(&self, user: &str, kind: &str) -> Value {
        self.users.get(user).and_then(|user| user.account_data.get(kind)).cloned().unwrap_or_default()
    }

    /// What the rule of `user` for `room` is; null when they have none.
    pub(crate) fn room_rule(&self, user: &str, room: &str) -> Value {
        let rules = self.users.get(user).map(|user| &user.push_rules);
        rules.and_then(|rules| rules.get(&format!("room/{room}"))).cloned().unwrap_or_default()
    }

    /// What was uploaded, as type and bytes.
    pub(crate) fn media(&self, uri: &str) -> Option<&(String, Vec<u8>)> {
        self.media.get(uri)
    }

    /// Up to which event `user` has read.
    pub(crate) fn read_by(&self, user: &str) -> Option<&str> {
        self.receipts.iter().rev().find(|(who, _)| who == user).map(|(_, event)| event.as_str())
    }

    /// Who is typing in `room`.
    pub(crate) fn typing(&self, room: &str) -> &[String] {
        self.typing.get(room).map_or(&[], Vec::as_slice)
    }

    /// How often anything was asked, faults included.
    pub(crate) fn asked_in_all(&self) -> usize {
        self.requests.len()
    }

    /// `online`, `unavailable`, `offline`, or nothing when `user` never said.
    pub(crate) fn presence(&self, user: &str) -> &str {
        self.presence.get(user).and_then(|presence| presence["presence"].as_str()).unwrap_or("")
    }

    /// Every request with `words` in its address or body; the address is as it was on the wire.
    pub(crate) fn requests_with(&self, words: &str) -> Vec<String> {
        let encoded = url::form_urlencoded::byte_serialize(words.as_bytes()).collect::<String>();
        let has = |asked: &&String| asked.contains(words) || asked.contains(&encoded);
        self.asked_for.iter().filter(has).cloned().collect()
    }

    /// How often `endpoint` was asked, faults included.
    pub(crate) fn asked(&self, endpoint: Endpoint) -> usize {
        self.requests.iter().filter(|asked| **asked == endpoint).count()
    }

    /// Whether the bridge has said 200 to all that happened.
    pub(crate) fn is_all_pushed(&self) -> bool {
        self.queue.is_empty() && self.ephemeral.is_empty() && self.under_way.is_none()
    }

    /// What happened, for a test that failed.
    pub(super) fn story(&self) -> String {
        let mut story = String::new();
        for event in self.rooms.iter().flat_map(|(_, room)| &room.timeline) {
            let _ = writeln!(story, "{} {} {} {}", event.room, event.sender, event.kind, event.content);
        }
        story
    }

    pub(super) fn room(&self, room: &str) -> Option<&Room> {
        self.rooms.iter().find(|(id, _)| id == room).map(|(_, room)| room)
    }

    pub(super) fn room_mut(&mut self, room: &str) -> &mut Room {
        self.rooms.iter_mut().find(|(id, _)| id == room).map(|(_, room)| room).unwrap()
    }

    /// Number and time of the next thing that is made.
    pub(super) fn next(&mut self) -> i64 {
        self.made += 1;
        self.made
    }

    pub(super) fn now_ms(&self) -> i64 {
        1_700_000_000_000 + self.made
    }

    /// The next transaction; the same one until it is acknowledged.
    pub(super) fn next_push(&mut self) -> Option<(String, Push)> {
        let url = self.bridge_url.clone().filter(|_| !self.is_down)?;
        if self.under_way.is_none() && !(self.queue.is_empty() && self.ephemeral.is_empty()) {
            self.last_push += 1;
            let events: Vec<Value> = self.queue.drain(..self.queue.len().min(MOST_EVENTS)).collect();
            let ephemeral = std::mem::take(&mut self.ephemeral);
            // With both flags in the registration Synapse sends these twice.
            let body = json!({ "events": events, "ephemeral": ephemeral, "de.sorunome.msc2409.ephemeral": ephemeral });
            self.under_way = Some(Push { id: self.last_push, body });
        }
        self.under_way.clone().map(|push| (url, push))
    }

    pub(super) fn restart_transaction_ids(&mut self) {
        self.last_push = 0;
    }

    pub(super) fn push_again(&mut self, event_id: &str) {
        let events = self.rooms.iter().flat_map(|(_, room)| &room.timeline);
        let again: Vec<Value> = events.filter(|event| event.id == event_id).map(Event::to_json).collect();
        self.queue.extend(again);
    }
}
