//! Rooms, as one of our users sees them: making, joining, inviting, state.

use std::collections::BTreeMap;

use matrix_sdk::ruma::api::client::membership::invite_user::v3::{InvitationRecipient, InviteUserId};
use matrix_sdk::ruma::api::client::membership::{
    forget_room, invite_user, join_room_by_id, joined_members, joined_rooms, kick_user, leave_room,
};
use matrix_sdk::ruma::api::client::room::create_room::{self, v3::RoomPreset};
use matrix_sdk::ruma::api::client::state::get_state_event_for_key::{self, v3::StateEventFormat};
use matrix_sdk::ruma::api::client::state::send_state_event;
use matrix_sdk::ruma::serde::Raw;
use matrix_sdk::ruma::{OwnedEventId, OwnedRoomId, OwnedUserId, RoomId, UserId};
use serde_json::{Map, Value, json};

use super::error::Error;
use super::intent::{Intent, raw, value_or_none};

/// A room to be made. Nobody finds it and nobody enters it without an invitation.
#[derive(Clone, Debug)]
pub struct NewRoom {
    /// Its name; none for a direct chat that is named after its people.
    pub name: Option<String>,
    /// Its topic.
    pub topic: Option<String>,
    /// Who is invited at once.
    pub invite: Vec<OwnedUserId>,
    /// Whether the invitations say that this is a direct chat.
    pub is_direct: bool,
    /// Whether everybody who is invited gets the powers of whoever makes the room.
    pub trusted: bool,
    /// More for `m.room.create`, such as a `type`, or our own key by which the room is found again.
    pub creation_content: Map<String, Value>,
    /// State from the first moment on.
    pub initial_state: Vec<NewState>,
    /// What differs from the homeserver's own power levels.
    pub power_levels: Option<Value>,
    /// Whether people of other servers may enter. Cannot be changed later.
    pub federate: bool,
}

impl Default for NewRoom {
    fn default() -> Self {
        Self {
            name: None,
            topic: None,
            invite: Vec::new(),
            is_direct: false,
            trusted: false,
            creation_content: Map::new(),
            initial_state: Vec::new(),
            power_levels: None,
            federate: true,
        }
    }
}

/// A piece of state for a new room.
#[derive(Clone, Debug)]
pub struct NewState {
    /// Its type, such as `m.bridge`.
    pub kind: String,
    /// Its state key.
    pub key: String,
    /// Its content.
    pub content: Value,
}

impl NewRoom {
    fn into_request(mut self) -> Result<create_room::v3::Request, Error> {
        if !self.federate {
            self.creation_content.insert("m.federate".to_owned(), Value::Bool(false));
        }
        let mut request = create_room::v3::Request::new();
        request.name = self.name;
        request.topic = self.topic;
        request.invite = self.invite;
        request.is_direct = self.is_direct;
        request.preset = Some(if self.trusted { RoomPreset::TrustedPrivateChat } else { RoomPreset::PrivateChat });
        if !self.creation_content.is_empty() {
            request.creation_content = Some(Raw::from_json(raw(CREATE, &self.creation_content)?));
        }
        for NewState { kind, key, content } in self.initial_state {
            let state = json!({ "type": kind, "state_key": key, "content": content });
            request.initial_state.push(Raw::from_json(raw(CREATE, &state)?));
        }
        if let Some(levels) = self.power_levels {
            request.power_level_content_override = Some(Raw::from_json(raw(CREATE, &levels)?));
        }
        Ok(request)
    }
}

const CREATE: &str = "create room";

impl Intent {
    /// Makes a room. It has no transaction id: repeating it after an ambiguous error makes a second one, so look for
    /// the first among [`Intent::joined_rooms`] before.
    pub async fn create_room(&self, room: NewRoom) -> Result<OwnedRoomId, Error> {
        Ok(self.call(CREATE, room.into_request()?).await?.room_id)
    }

    /// Enters `room`; fine when the user is in it.
    pub async fn join(&self, room: &RoomId) -> Result<(), Error> {
        self.call("join", join_room_by_id::v3::Request::new(room.to_owned())).await.map(drop)
    }

    /// Invites `user`. Forbidden when they are in the room already.
    pub async fn invite(&self, room: &RoomId, user: &UserId) -> Result<(), Error> {
        let whom = InvitationRecipient::UserId(InviteUserId::new(user.to_owned()));
        self.call("invite", invite_user::v3::Request::new(room.to_owned(), whom)).await.map(drop)
    }

    /// Leaves `room`, or declines its invitation; `reason` is shown to its people.
    pub async fn leave(&self, room: &RoomId, reason: Option<&str>) -> Result<(), Error> {
        let mut request = leave_room::v3::Request::new(room.to_owned());
        request.reason = reason.map(str::to_owned);
        self.call("leave", request).await.map(drop)
    }

    /// Lets the homeserver drop a room that the user has left.
    pub async fn forget(&self, room: &RoomId) -> Result<(), Error> {
        self.call("forget", forget_room::v3::Request::new(room.to_owned())).await.map(drop)
    }

    /// Puts `user` out of `room`, or takes back their invitation.
    pub async fn kick(&self, room: &RoomId, user: &UserId, reason: Option<&str>) -> Result<(), Error> {
        let mut request = kick_user::v3::Request::new(room.to_owned(), user.to_owned());
        request.reason = reason.map(str::to_owned);
        self.call("kick", request).await.map(drop)
    }

    /// Sets a piece of state.
    pub async fn set_state(
        &self,
        room: &RoomId,
        kind: &str,
        key: &str,
        content: &Value,
    ) -> Result<OwnedEventId, Error> {
        let body = Raw::from_json(raw("set state", content)?);
        let request = send_state_event::v3::Request::new_raw(room.to_owned(), kind.into(), key.to_owned(), body);
        Ok(self.call("set state", request).await?.event_id)
    }

    /// The content of a piece of state; none when there is none.
    pub async fn state(&self, room: &RoomId, kind: &str, key: &str) -> Result<Option<Value>, Error> {
        let request = get_state_event_for_key::v3::Request::new(room.to_owned(), kind.into(), key.to_owned());
        value_or_none("state", self.call("state", request).await.map(|answer| answer.event_or_content))
    }

    /// A piece of state as the whole event, with its sender; its content alone from a homeserver that knows nothing else.
    pub async fn state_event(&self, room: &RoomId, kind: &str, key: &str) -> Result<Option<Value>, Error> {
        let mut request = get_state_event_for_key::v3::Request::new(room.to_owned(), kind.into(), key.to_owned());
        request.format = StateEventFormat::Event;
        value_or_none("state", self.call("state", request).await.map(|answer| answer.event_or_content))
    }

    /// The rooms that the user is in.
    pub async fn joined_rooms(&self) -> Result<Vec<OwnedRoomId>, Error> {
        Ok(self.call("joined rooms", joined_rooms::v3::Request::new()).await?.joined_rooms)
    }

    /// Who is in `room`, with their display names there.
    pub async fn joined_members(&self, room: &RoomId) -> Result<BTreeMap<OwnedUserId, Option<String>>, Error> {
        let answer = self.call("joined members", joined_members::v3::Request::new(room.to_owned())).await?;
        Ok(answer.joined.into_iter().map(|(user, member)| (user, member.display_name)).collect())
    }
}
