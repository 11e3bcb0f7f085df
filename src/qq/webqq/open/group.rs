//! Opens what QQ says about groups: who came and went, who holds which office, that a group is no more.
//!
//! Source: protocol dossier 7.5, 7.6 (`sys_g_msg`).

use serde_json::Value;

use super::{Stop, account, forgotten_login, in_doubt, named, number, text, uin, unreadable};
use crate::qq::webqq::content::name;
use crate::qq::webqq::members::Members;
use crate::qq::webqq::network::WebQq;
use crate::qq::webqq::number::Uin;
use crate::qq::webqq::roster::{Named, PlaceKind};
use crate::qq::{Change, ChatId, ContactId, Envelope, Error, Event, GroupNews, News};

const GROUP: PlaceKind = PlaceKind::Group;

impl WebQq {
    pub(super) async fn open_group_news(&self, envelope: &Envelope, value: &Value) -> Result<Event, Stop> {
        let Some(Uin(gid)) = uin(value, "from_uin") else {
            return Err(Stop::from(unreadable("it names no group")));
        };
        let group = (envelope.epoch.as_str(), gid);
        if let Some(number) = account(value, "t_gcode", gid).filter(|_| self.is_now(group.0)) {
            self.roster.note_group_number(gid, number, self.clock.now_ms()).await?;
        }
        match text(value, "type").unwrap_or_default() {
            "group_join" => self.somebody_joined(group, value).await,
            "group_leave" => self.somebody_left(group, value).await,
            "group_admin_op" => self.office_changed(group, value).await,
            "group_request_join" => self.open_join_request(envelope, gid, value).await,
            "group_request_join_agree" => {
                let group = self.group_heard_of(group).await?;
                Ok(Event::Told(News::LetIn(group)))
            }
            "group_request_join_deny" => {
                let group = self.group_heard_of(group).await?;
                Ok(Event::Told(News::KeptOut { group, why: named(value, "msg") }))
            }
            "group_create" => self.group_heard_of(group).await.map(|_| Event::Quiet),
            other => Ok(Event::Unsupported { kind: format!("sys_g_msg {}", name::decode(other)).trim().to_owned() }),
        }
    }

    async fn somebody_joined(&self, group: (&str, u64), value: &Value) -> Result<Event, Stop> {
        let who = uin(value, "new_member").ok_or_else(|| nobody("joined"))?;
        if who == self.link.uin() {
            let group = self.group_heard_of(group).await?;
            return Ok(Event::Told(News::LetIn(group)));
        }
        self.about_member(group, who, Change::Joined).await
    }

    async fn somebody_left(&self, group: (&str, u64), value: &Value) -> Result<Event, Stop> {
        // 1 dissolved, 2 left, 3 put out.
        let how = number(value, "op_type");
        let by = named(value, "admin_nick");
        if how == Some(1) {
            let news = self.group_news(group, Change::Dissolved).await?;
            self.forget_group(group).await?;
            return Ok(news);
        }
        let who = uin(value, "old_member").ok_or_else(|| nobody("left"))?;
        if who == self.link.uin() {
            let by = if how == Some(3) && by.is_empty() { "?".to_owned() } else { by };
            let news = self.group_news(group, Change::Gone { by }).await?;
            self.forget_group(group).await?;
            return Ok(news);
        }
        let (epoch, gid) = group;
        if self.is_now(epoch) {
            self.change_members(gid, |members| members.list.retain(|member| member.uin != who));
        }
        // Somebody who was never heard has no ghost that could leave.
        let Named::Known(who) = self.roster.person(epoch, who) else { return Ok(Event::Quiet) };
        let change = if how == Some(3) { Change::PutOut { who, by } } else { Change::Left(who) };
        self.group_news(group, change).await
    }

    async fn office_changed(&self, group: (&str, u64), value: &Value) -> Result<Event, Stop> {
        if self.is_now(group.0) {
            self.change_members(group.1, |members| note_office(members, value));
        }
        let who = || uin(value, "uin").ok_or_else(|| nobody("got or lost an office"));
        match number(value, "op_type") {
            // The owner handed the group over.
            Some(255) => {
                let to = uin(value, "new_uin").ok_or_else(|| nobody("owns the group now"))?;
                let from = match uin(value, "old_uin") {
                    Some(from) => self.member(group, from).await?,
                    None => None,
                };
                self.about_member(group, to, |to| Change::Owner { from, to }).await
            }
            Some(1 | 3) => self.about_member(group, who()?, |who| Change::Administrator { who, now: true }).await,
            Some(0 | 2) => self.about_member(group, who()?, |who| Change::Administrator { who, now: false }).await,
            _ => Ok(Event::Unsupported { kind: "sys_g_msg group_admin_op of an unknown kind".to_owned() }),
        }
    }

    async fn about_member(
        &self,
        group: (&str, u64),
        who: Uin,
        change: impl FnOnce(ContactId) -> Change,
    ) -> Result<Event, Stop> {
        match self.member(group, who).await? {
            Some(who) => self.group_news(group, change(who)).await,
            None => Ok(Event::Quiet),
        }
    }

    /// The member `who` of a group; asks for the member list when they are new to it.
    async fn member(&self, (epoch, gid): (&str, u64), who: Uin) -> Result<Option<ContactId>, Error> {
        if self.is_now(epoch) && self.roster.place_chat(GROUP, epoch, gid) != Named::Unknown && who != self.link.uin() {
            self.name_member(GROUP, gid, who).await?;
        }
        Ok(match self.roster.person(epoch, who) {
            Named::Known(contact) => Some(contact),
            _ => None,
        })
    }

    async fn group_news(&self, group: (&str, u64), change: Change) -> Result<Event, Stop> {
        let Some(chat) = self.group_chat(group).await? else { return Ok(Event::Quiet) };
        let name = self.roster.chat_name(&chat).unwrap_or_default();
        Ok(Event::Group(GroupNews { chat, name, change }))
    }

    /// The chat of a group; `None` for one that is in no list: it gets no chat before somebody speaks in it.
    pub(super) async fn group_chat(&self, (epoch, gid): (&str, u64)) -> Result<Option<ChatId>, Stop> {
        if self.is_now(epoch) && self.roster.place_chat(GROUP, epoch, gid) == Named::Unknown {
            self.refresh_places(GROUP, gid).await?;
        }
        match self.roster.place_chat(GROUP, epoch, gid) {
            Named::Known(chat) => Ok(Some(chat)),
            Named::Doubtful(number) => Err(in_doubt(number)),
            Named::Unknown if !self.roster.knows_login(epoch) => Err(forgotten_login()),
            Named::Unknown => Ok(None),
        }
    }

    /// The name of a group that may be in no list yet.
    pub(super) async fn group_heard_of(&self, group: (&str, u64)) -> Result<String, Stop> {
        let chat = self.group_chat(group).await?;
        Ok(chat.and_then(|chat| self.roster.chat_name(&chat)).unwrap_or_default())
    }

    /// The account is no longer in the group: the list is asked for again.
    async fn forget_group(&self, (epoch, _): (&str, u64)) -> Result<(), Error> {
        if self.is_now(epoch) { self.reload_places(GROUP).await } else { Ok(()) }
    }
}

/// Keeps the offices of a member list right.
fn note_office(members: &mut Members, value: &Value) {
    match (number(value, "op_type"), uin(value, "uin")) {
        (Some(255), _) => members.owner = uin(value, "new_uin").or(members.owner),
        (Some(1 | 3), Some(who)) if !members.admins.contains(&who) => members.admins.push(who),
        (Some(0 | 2), Some(who)) => members.admins.retain(|admin| *admin != who),
        _ => {}
    }
}

fn nobody(what: &str) -> Stop {
    Stop::from(unreadable(&format!("it does not say who {what}")))
}
