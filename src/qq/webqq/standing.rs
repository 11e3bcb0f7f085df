//! How chats stand and what people tell of themselves: online or not, muted, used lately, signature, level, officers.

use std::collections::HashMap;
use std::sync::PoisonError;

use super::api::get_online_buddies2::{self, Buddy};
use super::api::get_recent_list2::{self, Recent};
use super::api::{get_friend_info2, get_qq_level2, get_single_long_nick2};
use super::network::WebQq;
use super::number::Uin;
use super::roster::{Address, PlaceKind};
use crate::qq::{ChatId, ContactId, Error, Officers, Profile, Standing, Status};

/// What the last answers told. Lost at a restart, and asked anew after it.
#[derive(Debug, Default)]
pub(super) struct Told {
    online: HashMap<Uin, Status>,
    recent: HashMap<Recent, usize>,
}

impl WebQq {
    /// Asks who is online and what was used lately. That the session still holds is all that has to come out of it.
    pub(super) async fn ask_standing(&self) -> Result<(), Error> {
        match self.pace.insist(|| get_online_buddies2::ask(&self.link)).await {
            Err(error @ (Error::SessionEnded { .. } | Error::Unreachable { .. } | Error::Status { .. })) => {
                return Err(error);
            }
            Err(error) => tracing::debug!(%error, "get_online_buddies2 failed"),
            Ok(online) => self.note_online(&online),
        }
        match get_recent_list2::ask(&self.link).await {
            Err(error) => tracing::debug!(%error, "get_recent_list2 failed"),
            Ok(recent) => {
                let places = recent.into_iter().enumerate().map(|(place, chat)| (chat, place));
                self.told(|told| told.recent = places.collect());
            }
        }
        Ok(())
    }

    fn note_online(&self, online: &[Buddy]) {
        let online = online.iter().map(|buddy| (buddy.uin, buddy.status)).collect();
        self.told(|told| told.online = online);
    }

    /// Somebody shows another status now.
    pub(super) fn note_status(&self, who: Uin, status: Option<Status>) {
        self.told(|told| match status {
            Some(status) => drop(told.online.insert(who, status)),
            None => drop(told.online.remove(&who)),
        });
    }

    fn told<T>(&self, look: impl FnOnce(&mut Told) -> T) -> T {
        look(&mut self.told.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// How `chat` stands.
    pub(super) fn standing_of(&self, chat: &ChatId) -> Standing {
        let (recent, friend) = match self.roster.address(chat) {
            Some(Address::Friend(uin)) => (Recent::Friend(uin), Some(Uin(uin))),
            Some(Address::Group(gid)) => (Recent::Group(gid), None),
            Some(Address::Discussion(did)) => (Recent::Discussion(did), None),
            Some(Address::Temporary { .. }) | None => return Standing::default(),
        };
        let muting = self.roster.muting(chat);
        self.told(|told| Standing {
            muting,
            status: friend.and_then(|uin| told.online.get(&uin).copied()),
            recent: told.recent.get(&recent).copied(),
        })
    }

    /// What `contact` tells of themselves: three calls, one after the other, and whatever QQ does not tell is left out.
    pub(super) async fn profile_of(&self, contact: &ContactId) -> Result<Profile, Error> {
        let uin = self.roster.uin(contact).ok_or_else(|| Error::Unmatched(contact.to_string()))?;
        let card = if uin == self.link.uin() || self.roster.is_friend(uin) {
            get_friend_info2::ask(&self.link, uin).await
        } else {
            get_friend_info2::ask_stranger(&self.link, uin, "").await
        };
        let signature = or_nothing(get_single_long_nick2::ask(&self.link, uin).await)?;
        let level = or_nothing(get_qq_level2::ask(&self.link, uin).await)?;
        Ok(Profile { signature, level, place: or_nothing(card)?.place })
    }

    /// What `contact` is called within `chat`: by the list of its members, else as they were called when they last spoke.
    pub(super) fn card_of(&self, chat: &ChatId, contact: &ContactId) -> Option<String> {
        let Some(Address::Group(gid)) = self.roster.address(chat) else { return None };
        match (self.listed_members(PlaceKind::Group, gid), self.roster.uin(contact)) {
            (Some(members), Some(uin)) => members.find(uin)?.card.clone(),
            _ => self.roster.card(chat, contact),
        }
    }

    /// Who has a say in `chat`, from the last list of its members.
    pub(super) async fn officers_of(&self, chat: &ChatId) -> Result<Officers, Error> {
        let Some((kind, number)) = self.roster.address(chat).and_then(Address::place) else {
            return Ok(Officers::default());
        };
        let Some(members) = self.members_of(kind, number).await? else { return Ok(Officers::default()) };
        let is_officer = |uin: &Uin| members.owner == Some(*uin) || members.admins.contains(uin);
        let uins: Vec<Uin> = members.list.iter().map(|member| member.uin).filter(is_officer).collect();
        self.roster.name_members(kind, number, &members, &uins).await?;
        let contact = |uin: Uin| {
            let card = members.find(uin).and_then(|member| member.card.clone());
            self.contact_of(uin).map(|contact| crate::qq::Contact { card, ..contact })
        };
        let admins = members.admins.iter().filter(|uin| members.owner != Some(**uin));
        Ok(Officers {
            owner: members.owner.and_then(contact),
            admins: admins.filter_map(|uin| contact(*uin)).collect(),
            members: members.list.len(),
            memo: members.memo.clone(),
        })
    }
}

/// A refusal is an answer with nothing in it; only what ends the session, or comes from the line, is an error.
fn or_nothing<T: Default>(answer: Result<T, Error>) -> Result<T, Error> {
    match answer {
        Err(Error::Busy { .. } | Error::Refused { .. } | Error::Unintelligible { .. } | Error::Status { .. }) => {
            Ok(T::default())
        }
        answer => answer,
    }
}
