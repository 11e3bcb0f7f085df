//! Ghosts that people ask into a room, as they would ask anybody whom they want to talk to: the room becomes that of the chat
//! with the friend, or whoever asked is told why not, and the ghost leaves. In the room of a group, its members come in.
//!
//! It is a job: whenever the bridge dies over it, the ghost's place in the room and the portal tell how far it came.

use std::sync::Arc;
use std::time::Duration;

use matrix_sdk::ruma::{OwnedRoomId, OwnedUserId, RoomId};

use super::existing::Bridged;
use super::job::Progress;
use super::leaving::leave;
use super::login::Live;
use super::portal::Portal;
use super::text::escape;
use super::{Bridge, Error, levels, route, upgrade};
use crate::base::failpoint::{Failpoint, reach};
use crate::config::Permission;
use crate::matrix::Intent;
use crate::matrix::event::{Member, Membership};
use crate::qq::{self, AccountId, Chat, ChatKind, ContactId};
use crate::store::{JobKind, JobRow, LoginRow, LoginState};

/// Somebody who asks, and the friend whom they ask.
const PAIR: usize = 2;

/// How long to wait before looking again whether a session is taken up.
const LOOK_AGAIN: Duration = Duration::from_millis(500);

/// Who is asked into which room.
struct Meeting<'j> {
    job: &'j JobRow,
    room: OwnedRoomId,
    ghost: Intent,
}

/// What came of it.
enum Met {
    /// The room is that of the chat, or the ghost is not asked any more.
    Now,
    /// A session has to be taken up before.
    Later,
    /// The ghost leaves; whoever asked it hears this, if anything.
    Never(Option<String>),
}

impl Bridge {
    /// Whether a ghost is asked into a room.
    pub(super) fn invites_ghost(&self, member: &Member) -> bool {
        member.now == Membership::Invite && self.homeserver.namespace().contact_of(&member.user).is_some()
    }

    /// Does a job of [`JobKind::Meet`].
    pub(super) async fn meet(self: &Arc<Self>, job: &JobRow) -> Result<Progress, Error> {
        let ghost = job.target.as_deref().and_then(|user| OwnedUserId::try_from(user).ok());
        let contact = ghost.as_deref().and_then(|user| self.homeserver.namespace().contact_of(user));
        let room = OwnedRoomId::try_from(job.room_id.as_str()).ok();
        let (Some(ghost), Some(contact), Some(room)) = (ghost, contact.map(ContactId::new), room) else {
            return Ok(Progress::Done);
        };
        if self.is_followed_to(&room).await? {
            // Clients ask everybody who was in a room into the one that replaces it. Whoever follows there has its jobs done next.
            return Ok(Progress::Wait(upgrade::LOOK_AGAIN));
        }
        let portal = self.portals.by_room(room.as_str());
        let meeting = Meeting { job, room, ghost: self.homeserver.intent(&ghost) };
        let met = match portal {
            // They met before the bridge died.
            Some(portal) if portal.peer.as_ref() == Some(&contact) => Met::Now,
            Some(portal) if !portal.is_direct() => self.join_chat(&meeting, &contact, &portal).await?,
            _ => self.try_to_meet(&meeting, &contact).await?,
        };
        match met {
            Met::Later => return Ok(Progress::Wait(LOOK_AGAIN)),
            Met::Never(why) => self.decline_meeting(&meeting, why).await?,
            Met::Now => {}
        }
        Ok(Progress::Done)
    }

    /// Whether a portal is about to move to `room`.
    async fn is_followed_to(&self, room: &RoomId) -> Result<bool, Error> {
        let jobs = self.store.read(|tx| Box::pin(async move { tx.open_jobs().await })).await?;
        Ok(jobs.iter().any(|job| job.kind == JobKind::Follow && job.target.as_deref() == Some(room.as_str())))
    }

    /// Lets `contact` into the room of `portal`, if it is a member of that group or discussion. Where that is not known, it comes
    /// in with its first word, as all do.
    async fn join_chat(&self, meeting: &Meeting<'_>, contact: &ContactId, portal: &Portal) -> Result<Met, Error> {
        if portal.room.as_ref() != Some(&meeting.room) {
            return Ok(Met::Now);
        }
        let Some(live) = self.logins.live(&portal.account) else {
            let account = portal.account.as_str().to_owned();
            let login = self.store.read(move |tx| Box::pin(async move { tx.login(&account).await })).await?;
            return Ok(if login.is_some_and(|login| self.is_awaited(&login)) { Met::Later } else { Met::Now });
        };
        let members = match live.network.members(&portal.chat).await {
            Err(error) if error.verdict() == qq::Verdict::GiveUp => return Ok(Met::Now),
            told => told?,
        };
        let Some(member) = members.into_iter().find(|member| member.id == *contact) else {
            let (asker, name) = (meeting.job.asker.as_str(), escape(&portal.name));
            let is_user = self.config.bridge.permission(asker) >= Permission::User;
            let say = || self.texts_for(asker).say("meet.no_member", &[("name", &name)]);
            return Ok(Met::Never(is_user.then(say)));
        };
        self.let_member_in(portal, &meeting.room, member).await?;
        Ok(Met::Now)
    }

    async fn try_to_meet(self: &Arc<Self>, meeting: &Meeting<'_>, contact: &ContactId) -> Result<Met, Error> {
        let asker = meeting.job.asker.as_str();
        if self.config.bridge.permission(asker) < Permission::User {
            return Ok(Met::Never(None));
        }
        let Some((live, chat)) = self.friend_of(asker, contact).await? else {
            if self.is_taking_up(asker).await? {
                return Ok(Met::Later);
            }
            let why = if self.logins.of_owner(asker).is_empty() { "login.none" } else { "meet.no_friend" };
            return Ok(Met::Never(Some(self.texts_for(asker).say(why, &[]))));
        };
        let why = self.become_chat(meeting, contact, (&live, chat)).await?;
        Ok(why.map_or(Met::Now, |why| Met::Never(Some(why))))
    }

    /// Makes the room that of `chat`; gives what stands in the way.
    async fn become_chat(
        self: &Arc<Self>,
        meeting: &Meeting<'_>,
        contact: &ContactId,
        (live, chat): (&Arc<Live>, Chat),
    ) -> Result<Option<String>, Error> {
        let (asker, room) = (meeting.job.asker.as_str(), &meeting.room);
        let (texts, prefix) = (self.texts_for(asker), self.config.bridge.command_prefix.as_str());
        if self.portals.by_chat(&live.account, &chat.id).is_some_and(|portal| portal.room.is_some()) {
            return self.where_it_is(asker, live, chat).await.map(Some);
        }
        if let Some(obstacle) = self.why_not_from_outside(room).await? {
            return Ok(Some(obstacle.say(texts, prefix)));
        }
        let ghost = self.ensure_ghost(contact).await?;
        match ghost.join(room).await {
            // It is asked no more.
            Err(error) if error.is_forbidden() || error.is_not_found() => return Ok(None),
            joined => joined?,
        }
        self.note_member(room, ghost.user_id()).await?;
        reach(Failpoint::GhostCame);
        let bot = self.homeserver.bot_id();
        if ghost.joined_members(room).await?.into_keys().filter(|user| user != bot).count() > PAIR {
            return Ok(Some(texts.say("meet.not_alone", &[("prefix", prefix), ("bot", bot.as_str())])));
        }
        if !self.let_bot_in(&ghost, room).await? {
            return Ok(Some(texts.say("meet.no_bot", &[("bot", bot.as_str())])));
        }
        if let Some(obstacle) = self.why_not_from_inside(room, asker).await? {
            leave(&self.homeserver.bot(), room).await?;
            return Ok(Some(obstacle.say(texts, prefix)));
        }
        match self.bridge_room((&live.account, chat.clone()), room, asker, false, Some(&ghost)).await? {
            Bridged::Done => Ok(None),
            // It got one just now.
            Bridged::HasRoom(_) => {
                leave(&self.homeserver.bot(), room).await?;
                self.where_it_is(asker, live, chat).await.map(Some)
            }
        }
    }

    /// The friend of `asker` who is known as `contact`, and through which login.
    async fn friend_of(&self, asker: &str, contact: &ContactId) -> Result<Option<(Arc<Live>, Chat)>, Error> {
        for live in self.logins.of_owner(asker) {
            let chats = live.network.chats().await?;
            let is_theirs = |chat: &Chat| chat.kind == ChatKind::Friend && chat.peer.as_ref() == Some(contact);
            if let Some(chat) = chats.into_iter().find(is_theirs) {
                return Ok(Some((live, chat)));
            }
        }
        Ok(None)
    }

    /// Whether a session of `asker` is awaited.
    async fn is_taking_up(&self, asker: &str) -> Result<bool, Error> {
        let owner = asker.to_owned();
        let logins = self.store.read(move |tx| Box::pin(async move { tx.logins_of(&owner).await })).await?;
        Ok(logins.iter().any(|login| self.is_awaited(login)))
    }

    /// Whether the session of `login` works, as far as is known, and is not taken up yet: after a start.
    fn is_awaited(&self, login: &LoginRow) -> bool {
        login.state == LoginState::Connected && self.logins.live(&AccountId::new(&login.account)).is_none()
    }

    /// Asks `asker` into the room that `chat` has, and says which that is.
    async fn where_it_is(&self, asker: &str, live: &Live, chat: Chat) -> Result<String, Error> {
        let name = escape(&chat.name);
        let link = self.open_chat(&live.account, chat).await?.matrix_to_uri().to_string();
        Ok(self.texts_for(asker).say("meet.has_room", &[("name", &name), ("link", &link)]))
    }

    /// Has `ghost`, which is in `room`, ask the bot in, and give it of its own powers what that lacks; `false` when it may not.
    async fn let_bot_in(&self, ghost: &Intent, room: &RoomId) -> Result<bool, Error> {
        let (bot, id) = (self.homeserver.bot(), self.homeserver.bot_id());
        match ghost.invite(room, id).await {
            // Whoever is in the room already cannot be invited.
            Err(error) if !error.is_forbidden() => return Err(error.into()),
            _ => {}
        }
        match bot.join(room).await {
            Err(error) if error.is_forbidden() || error.is_not_found() => return Ok(false),
            joined => joined?,
        }
        let powers = self.powers(room).await?;
        let level = powers.of(ghost.user_id().as_str()).min(levels::BOT);
        if level > powers.of(id.as_str()) {
            match self.change_levels(ghost, room, |now| levels::with_level(now, id, level)).await {
                // What the bot lacks then is said.
                Err(Error::Matrix(error)) if error.is_forbidden() => {}
                given => given?,
            }
        }
        Ok(true)
    }

    /// The ghost leaves, and whoever asked it hears why.
    async fn decline_meeting(self: &Arc<Self>, meeting: &Meeting<'_>, why: Option<String>) -> Result<(), Error> {
        let Meeting { job, room, ghost } = meeting;
        if let Some(why) = why {
            let key = route::key(&["declined to meet", room.as_str(), &job.id.to_string()]);
            self.tell_owner_in_markdown(&job.asker, &why, &key).await?;
        }
        // Nobody was asked who is not registered.
        leave(ghost, room).await?;
        self.forget_member(room, ghost.user_id()).await
    }
}
