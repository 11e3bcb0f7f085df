//! The rules of rooms, as far as a bridge can break them.

use axum::http::StatusCode;
use serde_json::{Value, json};

use super::world::{Event, Room, World};

/// Why the homeserver says no.
#[derive(Debug)]
pub(super) struct Refused {
    pub(super) status: StatusCode,
    pub(super) body: Value,
}

impl Refused {
    pub(super) fn new(status: u16, errcode: &str, error: impl Into<String>) -> Self {
        let status = StatusCode::from_u16(status).unwrap();
        Self { status, body: json!({ "errcode": errcode, "error": error.into() }) }
    }

    pub(super) fn forbidden(error: impl Into<String>) -> Self {
        Self::new(403, "M_FORBIDDEN", error)
    }

    pub(super) fn not_found(error: &str) -> Self {
        Self::new(404, "M_NOT_FOUND", error)
    }
}

/// An event that somebody wants to be in a room.
pub(super) struct Wish<'a> {
    pub(super) kind: &'a str,
    pub(super) state_key: Option<&'a str>,
    pub(super) content: Value,
    pub(super) ts: Option<i64>,
}

impl<'a> Wish<'a> {
    pub(super) fn message(kind: &'a str, content: Value) -> Self {
        Self { kind, state_key: None, content, ts: None }
    }

    pub(super) fn state(kind: &'a str, key: &'a str, content: Value) -> Self {
        Self { kind, state_key: Some(key), content, ts: None }
    }
}

impl World {
    /// Makes a room of version 12, with its first events in Synapse's order.
    pub(super) fn create_room(&mut self, who: &str, order: &Value) -> String {
        let room = format!("!room{}", self.next());
        self.rooms.push((room.clone(), Room { creator: who.to_owned(), ..Room::default() }));
        let mut create = order["creation_content"].as_object().cloned().unwrap_or_default();
        create.insert("room_version".to_owned(), "12".into());
        self.append(&room, who, Wish::state("m.room.create", "", create.into()));
        self.set_membership(&room, who, who, "join", json!({}));
        let mut levels = json!({ "users_default": 0, "events_default": 0, "state_default": 50, "invite": 0 });
        for (key, value) in order["power_level_content_override"].as_object().into_iter().flatten() {
            levels[key] = value.clone();
        }
        self.append(&room, who, Wish::state("m.room.power_levels", "", levels));
        self.append(&room, who, Wish::state("m.room.join_rules", "", json!({ "join_rule": "invite" })));
        self.append(
            &room,
            who,
            Wish::state("m.room.history_visibility", "", json!({ "history_visibility": "shared" })),
        );
        for state in order["initial_state"].as_array().into_iter().flatten() {
            let (kind, key) = (state["type"].as_str().unwrap(), state["state_key"].as_str().unwrap_or(""));
            self.append(&room, who, Wish::state(kind, key, state["content"].clone()));
        }
        for field in ["name", "topic"] {
            if let Some(text) = order[field].as_str() {
                self.append(&room, who, Wish::state(&format!("m.room.{field}"), "", json!({ field: text })));
            }
        }
        for whom in order["invite"].as_array().into_iter().flatten().filter_map(Value::as_str) {
            self.invite_with(&room, who, whom, json!({ "is_direct": order["is_direct"] == true }));
        }
        room
    }

    pub(super) fn join(&mut self, room: &str, who: &str) -> Result<(), Refused> {
        match self.membership(room, who).as_str() {
            "join" => Ok(()),
            "invite" => {
                self.set_membership(room, who, who, "join", json!({}));
                Ok(())
            }
            _ => Err(Refused::forbidden("You are not invited to this room.")),
        }
    }

    pub(super) fn invite(&mut self, room: &str, who: &str, whom: &str) -> Result<(), Refused> {
        self.need_joined(room, who)?;
        self.need_level(room, who, "invite", 0)?;
        if self.membership(room, whom) == "join" {
            return Err(Refused::forbidden(format!("{whom} is already in the room.")));
        }
        self.invite_with(room, who, whom, json!({}));
        Ok(())
    }

    fn invite_with(&mut self, room: &str, who: &str, whom: &str, content: Value) {
        self.set_membership(room, who, whom, "invite", content);
        if self.people_join && !self.is_bridged(whom) {
            self.set_membership(room, whom, whom, "join", json!({}));
        }
    }

    /// They leave; `content` may have a reason.
    pub(super) fn leave(&mut self, room: &str, who: &str, content: Value) -> Result<(), Refused> {
        match self.membership(room, who).as_str() {
            "join" | "invite" => {
                self.set_membership(room, who, who, "leave", content);
                Ok(())
            }
            _ => Err(Refused::forbidden(format!("User {who} not in room {room} (None)"))),
        }
    }

    pub(super) fn kick(&mut self, room: &str, who: &str, whom: &str) -> Result<(), Refused> {
        self.need_joined(room, who)?;
        self.need_level(room, who, "kick", 50)?;
        self.set_membership(room, who, whom, "leave", json!({}));
        Ok(())
    }

    /// Puts what somebody sends into the room, if they may.
    pub(super) fn send(&mut self, room: &str, who: &str, wish: Wish<'_>) -> Result<String, Refused> {
        self.need_joined(room, who)?;
        if wish.kind == "m.room.member" && wish.state_key == Some(who) && wish.content["membership"] == "join" {
            // Whoever is in a room may say under which name.
            return Ok(self.append(room, who, wish));
        }
        let (field, usual) = if wish.state_key.is_some() { ("state_default", 50) } else { ("events_default", 0) };
        let needed = self.levels(room)["events"][wish.kind].as_i64();
        match needed {
            Some(needed) if self.level(room, who) >= needed => Ok(()),
            Some(_) => Err(too_weak()),
            None => self.need_level(room, who, field, usual),
        }?;
        Ok(self.append(room, who, wish))
    }

    pub(super) fn redact(&mut self, room: &str, who: &str, event: &str, reason: &Value) -> Result<String, Refused> {
        self.need_joined(room, who)?;
        let author = self.timeline(room).iter().find(|kept| kept.id == event).map(|kept| kept.sender.clone());
        if author.ok_or_else(|| Refused::not_found("Event not found"))? != who {
            self.need_level(room, who, "redact", 50)?;
        }
        for kept in self.room_mut(room).timeline.iter_mut().filter(|kept| kept.id == event) {
            kept.content = json!({});
        }
        let content = json!({ "redacts": event, "reason": reason });
        Ok(self.append(room, who, Wish::message("m.room.redaction", content)))
    }

    pub(super) fn give_power(&mut self, room: &str, user: &str, level: i64) {
        let creator = self.room_mut(room).creator.clone();
        let mut levels = self.levels(room);
        levels["users"][user] = level.into();
        self.append(room, &creator, Wish::state("m.room.power_levels", "", levels));
    }

    pub(super) fn set_display_name(&mut self, who: &str, name: &str) {
        self.users.entry(who.to_owned()).or_default().display_name = Some(name.to_owned());
        self.enter_again(who);
    }

    /// One page of a room's past and where the next one begins.
    pub(super) fn page_back(
        &self,
        room: &str,
        who: &str,
        from: Option<usize>,
        limit: usize,
    ) -> Result<(Vec<Value>, Option<usize>), Refused> {
        self.need_joined(room, who)?;
        let timeline = self.timeline(room);
        let end = from.unwrap_or(timeline.len()).min(timeline.len());
        let begin = end.saturating_sub(limit);
        let page = timeline[begin..end].iter().rev().map(Event::to_json).collect();
        Ok((page, (begin > 0).then_some(begin)))
    }

    pub(super) fn need_joined(&self, room: &str, who: &str) -> Result<(), Refused> {
        if self.membership(room, who) == "join" {
            return Ok(());
        }
        Err(Refused::forbidden(format!("User {who} not in room {room} (None)")))
    }

    fn need_level(&self, room: &str, who: &str, field: &str, usual: i64) -> Result<(), Refused> {
        let needed = self.levels(room)[field].as_i64().unwrap_or(usual);
        if self.level(room, who) >= needed { Ok(()) } else { Err(too_weak()) }
    }

    fn levels(&self, room: &str) -> Value {
        self.state(room, "m.room.power_levels", "")
    }

    /// In room version 12 nobody is above its creator.
    fn level(&self, room: &str, who: &str) -> i64 {
        if self.room(room).is_some_and(|room| room.creator == who) {
            return i64::MAX;
        }
        let levels = self.levels(room);
        levels["users"][who].as_i64().or(levels["users_default"].as_i64()).unwrap_or(0)
    }

    /// Shows the new profile of `who` in every room, which ends whatever they were called there, as Synapse does.
    pub(super) fn enter_again(&mut self, who: &str) {
        for room in self.room_ids() {
            if self.membership(&room, who) == "join" {
                self.set_membership(&room, who, who, "join", json!({}));
            }
        }
    }

    fn set_membership(&mut self, room: &str, who: &str, whom: &str, membership: &str, mut content: Value) {
        content["membership"] = membership.into();
        if let Some(name) = self.display_name(whom) {
            content["displayname"] = name.into();
        }
        self.append(room, who, Wish::state("m.room.member", whom, content));
    }

    /// Puts an event into the room and, when it concerns the bridge, into the queue.
    fn append(&mut self, room: &str, sender: &str, wish: Wish<'_>) -> String {
        let id = format!("$event{}", self.next());
        let key = wish.state_key.map(|key| (wish.kind.to_owned(), key.to_owned()));
        let before = key.as_ref().and_then(|key| self.room(room)?.state.get(key).cloned());
        let event = Event {
            id: id.clone(),
            room: room.to_owned(),
            sender: sender.to_owned(),
            kind: wish.kind.to_owned(),
            state_key: wish.state_key.map(str::to_owned),
            sent_at_ms: wish.ts.unwrap_or(self.now_ms()),
            unsigned: before.map_or(json!({}), |content| json!({ "prev_content": content })),
            content: wish.content,
        };
        let kept = self.room_mut(room);
        if let Some(key) = key {
            kept.state.insert(key, event.content.clone());
        }
        kept.timeline.push(event.clone());
        self.said_by_ghosts += usize::from(event.kind == "m.room.message" && self.setup.is_ghost(&event.sender));
        if self.concerns_bridge(&event) {
            self.queue.push_back(event.to_json());
        }
        id
    }

    fn concerns_bridge(&self, event: &Event) -> bool {
        let in_room = |user: &str| self.is_bridged(user) && self.membership(&event.room, user) == "join";
        let members = self.room(&event.room).into_iter().flat_map(|room| room.state.keys());
        self.is_bridged(&event.sender)
            || event.state_key.as_deref().is_some_and(|user| self.is_bridged(user))
            || members.filter(|(kind, _)| kind == "m.room.member").any(|(_, user)| in_room(user))
    }
}

fn too_weak() -> Refused {
    Refused::forbidden("You don't have permission to do that in this room")
}
