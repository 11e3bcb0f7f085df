//! `GET /_matrix/client/v3/rooms/{roomId}/messages`: the past of a room, read from its end.

use matrix_sdk::ruma::api::client::message::get_message_events;
use matrix_sdk::ruma::{RoomId, UInt};
use serde_json::value::RawValue;

use super::error::Error;
use super::event::{Event, Kind, Member, Membership};
use super::intent::Intent;
use super::transaction::Incoming;

/// Events in one page; Synapse gives no more than 1000.
const PAGE: u32 = 100;
/// Pages that are read at most.
const PAGES: usize = 50;

impl Intent {
    /// What was said in `room` since this user was asked in, oldest first: homeservers push nothing of it before one of ours has
    /// joined. The user must be in the room.
    pub async fn said_since_asked(&self, room: &RoomId) -> Result<Vec<Incoming>, Error> {
        self.said_since(room, |member| member.now == Membership::Invite && member.user == *self.user_id()).await
    }

    /// What was said in `room`, oldest first. The user must be in the room.
    pub async fn said_in(&self, room: &RoomId) -> Result<Vec<Incoming>, Error> {
        self.said_since(room, |_| false).await
    }

    async fn said_since(
        &self,
        room: &RoomId,
        is_start: impl Fn(&Member) -> bool + Send + Sync,
    ) -> Result<Vec<Incoming>, Error> {
        let mut said = Vec::new();
        let read = self.read_back(room, |raw| {
            match Event::parse(raw.get()).map(|event| event.kind) {
                Ok(Kind::Message(_)) => said.push(Incoming::of(raw)),
                Ok(Kind::Member(member)) => return is_start(&member),
                _ => {}
            }
            false
        });
        read.await?;
        said.reverse();
        Ok(said)
    }

    /// Shows `is_enough` what is in `room`, newest first, until it is; `false` when the room's past is longer than we read.
    pub(super) async fn read_back(
        &self,
        room: &RoomId,
        mut is_enough: impl FnMut(&RawValue) -> bool + Send,
    ) -> Result<bool, Error> {
        let mut from = None;
        for _ in 0..PAGES {
            let mut request = get_message_events::v3::Request::backward(room.to_owned()).from(from.clone());
            request.limit = UInt::from(PAGE);
            let page = self.call("messages", request).await?;
            if page.chunk.iter().any(|event| is_enough(event.json())) {
                return Ok(true);
            }
            // The past ends where no next page is named, or, at some homeservers, the same one again. An empty page
            // alone means nothing: the homeserver may have hidden what was on it.
            if page.end.is_none() || page.end == from {
                return Ok(true);
            }
            from = page.end;
        }
        Ok(false)
    }
}
