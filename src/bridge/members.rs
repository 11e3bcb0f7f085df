//! All members of groups and discussions, up to a limit, where that was asked for: they enter one after the other, behind
//! messages, at a pace that no homeserver minds. Nobody is asked about by themselves. Otherwise people enter with their
//! first word.
//!
//! That a room has all of them is on disk once the last one is in; whoever entered before a crash does not enter again.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use matrix_sdk::ruma::RoomId;
use serde_json::json;
use tracing::{debug, warn};

use super::login::Live;
use super::portal::Portal;
use super::{Bridge, Error, Verdict};
use crate::config::MemberSync;
use crate::matrix::NewState;
use crate::qq::{self, ChatKind, Contact, ContactId};

/// The least time between two who enter: each costs the homeserver some requests.
const PACE: Duration = Duration::from_millis(300);
/// How the limit up to which the members of a room are in is remembered; no state of this type is ever sent.
const DONE: &str = "net.matrix_webqq.members";

impl Bridge {
    /// Lets the members of all rooms of `live` enter.
    pub(super) async fn follow_members(self: Arc<Self>, live: Arc<Live>) {
        if self.config.bridge.members.sync == MemberSync::Lazy {
            return;
        }
        let work = |()| self.let_all_members_in(&live);
        live.at_each_ring(|| live.peopled.notified(), "the members of a group could not enter", work).await;
    }

    /// Lets whoever came to the group behind `room` since its members entered be looked for.
    pub(super) fn look_for_newcomers(&self, live: &Live, room: &RoomId) {
        self.appearances.forget(room, DONE, "");
        live.peopled.notify_one();
    }

    async fn let_all_members_in(&self, live: &Live) -> Result<(), Error> {
        for portal in self.portals.of(&live.account) {
            let is_shared = matches!(portal.kind, ChatKind::Group | ChatKind::Discussion);
            if let (true, Some(room)) = (is_shared, &portal.room) {
                self.let_members_in(live, &portal, room).await?;
            }
        }
        Ok(())
    }

    async fn let_members_in(&self, live: &Live, portal: &Portal, room: &RoomId) -> Result<(), Error> {
        let limit = self.config.bridge.members.limit;
        let done = NewState { kind: DONE.to_owned(), key: String::new(), content: json!(limit) };
        if self.appearances.is(room, &done) {
            return Ok(());
        }
        let members = match live.network.members(&portal.chat).await {
            Err(error) if error.verdict() == qq::Verdict::GiveUp => {
                debug!(portal = portal.id, %error, "QQ does not tell the members of a chat");
                return Ok(());
            }
            told => told?,
        };
        let name = room.to_string();
        let inside = self.store.read(move |tx| Box::pin(async move { tx.members(&name).await })).await?;
        let inside: BTreeSet<String> = inside.into_iter().collect();
        let own = ContactId::from(&live.account);
        let listed: BTreeSet<ContactId> = members.iter().map(|member| member.id.clone()).collect();
        for member in members.into_iter().filter(|member| member.id != own).take(limit) {
            if live.part.is_asked() {
                return Ok(());
            }
            if inside.contains(self.homeserver.ghost_id(member.id.as_str())?.as_str()) {
                continue;
            }
            match self.let_member_in(portal, room, member).await {
                Err(error) if error.verdict() == Verdict::GiveUp => {
                    warn!(portal = portal.id, %error, "a member could not enter a room");
                }
                entered => entered?,
            }
            live.part.unless_asked(tokio::time::sleep(PACE)).await;
        }
        if live.network.members(&portal.chat).await?.iter().any(|member| !listed.contains(&member.id)) {
            // QQ was asked again meanwhile.
            live.peopled.notify_one();
            return Ok(());
        }
        self.note_states(room, &[done]).await
    }

    /// Lets `member` into the room of `portal`, a group or discussion.
    pub(super) async fn let_member_in(&self, portal: &Portal, room: &RoomId, member: Contact) -> Result<(), Error> {
        let id = member.id.clone();
        self.name_ghost(member.id, member.nick).await?;
        let (_behind, _turn) = (self.statuses.acquire().await, self.requests.acquire().await);
        let ghost = self.ensure_ghost(&id).await?;
        self.ensure_joined(&ghost, room, &self.homeserver.bot()).await?;
        self.show_card(&id, &ghost, portal.id).await;
        Ok(())
    }
}
