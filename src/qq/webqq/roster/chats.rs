//! The chats of an account, and which of them a change concerns.

use super::note::{Changes, Person, Place, PlaceKind};
use super::{Roster, place_chat_id};
use crate::qq::{Changed, Chat, ChatId, ChatKind};

impl Roster {
    /// Every chat of the last lists that is matched for certain.
    pub(crate) fn chats(&self) -> Vec<Chat> {
        let state = self.state();
        let friends = state.people().filter_map(|person| self.chat_with(person));
        friends.chain(state.places().filter_map(|place| self.chat_in(place))).collect()
    }

    /// The one of them that is called `chat`.
    pub(crate) fn chat(&self, chat: &ChatId) -> Option<Chat> {
        let (kind, n) = self.chat_n(chat)?;
        let state = self.state();
        match kind {
            ChatKind::Friend => self.chat_with(state.person_n(n)?),
            ChatKind::Group => self.chat_in(state.place_n(PlaceKind::Group, n)?),
            ChatKind::Discussion => self.chat_in(state.place_n(PlaceKind::Discussion, n)?),
            ChatKind::Temporary => None,
        }
    }

    fn chat_with(&self, person: &Person) -> Option<Chat> {
        let friend = person.friend.as_ref().filter(|_| person.listed)?;
        person.numbers.of(&self.epoch)?;
        Some(Chat {
            id: self.friend_chat_id(person.n),
            kind: ChatKind::Friend,
            name: friend.markname.clone().unwrap_or_else(|| person.nick.clone()),
            peer: Some(self.contact_id(person.n)),
            category: Some(friend.category.clone()).filter(|category| !category.is_empty()),
        })
    }

    fn chat_in(&self, place: &Place) -> Option<Chat> {
        self.is_here(place).then(|| Chat {
            id: place_chat_id(place.kind, place.n),
            kind: place.kind.into(),
            name: place.name().to_owned(),
            peer: None,
            category: None,
        })
    }

    fn is_here(&self, place: &Place) -> bool {
        place.listed && place.numbers.of(&self.epoch).is_some()
    }

    /// Whom and what `changes`, which are not taken over yet, concern: whoever becomes a friend, or is none any more, and
    /// chats that come or go, concern everything.
    pub(super) fn concerned(&self, changes: &Changes) -> Changed {
        if changes.login.is_some() {
            return Changed::everything();
        }
        let (state, mut concerned) = (self.state(), Changed::default());
        for person in changes.people.values() {
            let before = state.person_n(person.n);
            let (was_listed, friend) = before.map_or((false, None), |before| (before.listed, before.friend.as_ref()));
            if (was_listed, friend) != (person.listed, person.friend.as_ref()) {
                return Changed::everything();
            }
            concerned.contacts.insert(self.contact_id(person.n));
            // Its members were listed: more may be known of it now.
            let was_heard = |place, card| before.is_some_and(|before| before.heard_in.card(place) == Some(card));
            let heard = person.heard_in.iter().filter(|(place, card)| !was_heard(*place, *card));
            let kinds = [PlaceKind::Group, PlaceKind::Discussion];
            let places = heard.filter_map(|(n, _)| kinds.iter().find_map(|kind| state.place_n(*kind, n)));
            concerned.chats.extend(places.map(|place| place_chat_id(place.kind, place.n)));
        }
        for place in changes.places.values() {
            let before = state.place_n(place.kind, place.n);
            if before.is_some_and(|before| self.is_here(before)) != self.is_here(place) {
                return Changed::everything();
            }
            // Its real number shows nowhere.
            if before.is_none_or(|before| *before != Place { real: before.real.clone(), ..place.clone() }) {
                concerned.chats.insert(place_chat_id(place.kind, place.n));
            }
        }
        concerned
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::sync::Arc;

    use futures_util::FutureExt as _;

    use super::super::Lists;
    use super::super::tests::{friends, groups, known, login, members, only_groups};
    use super::*;
    use crate::qq::webqq::number::{Account, Uin};

    #[tokio::test]
    async fn a_change_tells_whom_and_which_chats_it_concerns() {
        let roster = login(&Arc::default(), "a").await;
        let changed = || roster.changed().now_or_never().unwrap();
        let lists = Lists { groups: Some(groups(&[(60, "同学"), (61, "other")])), ..friends(&[(1, "小明", "")]) };
        roster.absorb(lists).await.unwrap();
        assert!(changed().everything, "whoever comes into the lists belongs into a space");

        let group = known(roster.place_chat(PlaceKind::Group, "a", 60));
        roster.name_members(PlaceKind::Group, 60, &members(1, &[(5, "五", "")]), &[Uin(5)]).await.unwrap();
        let member = known(roster.person("a", Uin(5)));
        let of_member = Changed { contacts: [member.clone()].into(), chats: [group.clone()].into(), everything: false };
        assert_eq!(changed(), of_member);

        roster.name_members(PlaceKind::Group, 60, &members(1, &[(5, "伍", "")]), &[Uin(5)]).await.unwrap();
        assert_eq!(changed(), Changed { chats: BTreeSet::new(), ..of_member }, "no group calls anybody otherwise");

        roster.absorb(only_groups(&[(60, "老同学"), (61, "other")])).await.unwrap();
        let of_group = Changed { chats: [group].into(), ..Changed::default() };
        assert_eq!(changed(), of_group);
        roster.look_within(PlaceKind::Group, 60, &members(1, &[(5, "伍", "")])).await.unwrap();
        assert_eq!(changed(), of_group, "its members were listed");

        roster.note_group_number(60, Account::told(20_060, 0).unwrap(), 0).await.unwrap();
        assert_eq!(changed(), Changed::default(), "no room tells the number of a group");

        roster.absorb(only_groups(&[(60, "老同学")])).await.unwrap();
        assert!(changed().everything, "a group is gone");
        roster.absorb(friends(&[(1, "小明", "明")])).await.unwrap();
        assert!(changed().everything, "there is a remark");
    }
}
