//! Spaces: the rooms of a login in one space, sorted into a space for each category of friends, one for groups and one for
//! discussions. They follow QQ: categories get other names, friends go from one to another, chats end.
//!
//! A space is on disk before it is made, and bears a mark by which it is found again when the process dies in between. What
//! lies in which space is remembered as all state is. None of it is ever in the way of a message.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use matrix_sdk::ruma::{OwnedRoomId, OwnedUserId, RoomId};
use serde_json::{Value, json};
use tracing::info;

use super::appearance::unless_refused;
use super::login::Live;
use super::portal::Portal;
use super::{Bridge, Error, levels};
use crate::base::failpoint::{Failpoint, reach};
use crate::matrix::{NewRoom, NewState};
use crate::qq::{AccountId, Changed, Chat, ChatKind};

/// The field of a space's creation content that says what it was made for: how an orphan is found after a crash.
const SPACE_FIELD: &str = "net.matrix_webqq.space";
const NAME: &str = "m.room.name";
const CHILD: &str = "m.space.child";
const PARENT: &str = "m.space.parent";

/// What a space holds.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Part {
    /// The other spaces, and what belongs into none of them.
    All,
    /// The friends of this category; that which has no name of its own is empty.
    Friends(String),
    Groups,
    Discussions,
}

impl Part {
    /// Where a chat belongs.
    fn of(chat: &Chat) -> Self {
        match chat.kind {
            ChatKind::Friend => Self::Friends(chat.category.clone().unwrap_or_default()),
            ChatKind::Group => Self::Groups,
            ChatKind::Discussion => Self::Discussions,
            ChatKind::Temporary => Self::All,
        }
    }

    /// How it is kept.
    fn key(&self) -> String {
        match self {
            Self::All => "all".to_owned(),
            Self::Friends(category) => format!("friends/{category}"),
            Self::Groups => "groups".to_owned(),
            Self::Discussions => "discussions".to_owned(),
        }
    }

    fn read(key: &str) -> Option<Self> {
        match key {
            "all" => Some(Self::All),
            "groups" => Some(Self::Groups),
            "discussions" => Some(Self::Discussions),
            _ => key.strip_prefix("friends/").map(|category| Self::Friends(category.to_owned())),
        }
    }

    /// Its place among the others: friends first, as QQ has them.
    const fn order(&self) -> &'static str {
        match self {
            Self::All => "0",
            Self::Friends(_) => "1",
            Self::Groups => "2",
            Self::Discussions => "3",
        }
    }
}

/// The rooms that belong into each space.
type Sorted = BTreeMap<Part, BTreeMap<OwnedRoomId, Arc<Portal>>>;

impl Bridge {
    /// Keeps the spaces of `live` in step with its chats, behind messages and names.
    pub(super) async fn follow_spaces(self: Arc<Self>, live: Arc<Live>) {
        if !self.config.bridge.personal_spaces {
            return;
        }
        let work = |changed| self.bring_spaces_up_to_date(&live, changed);
        live.at_each_ring(|| live.sorted.taken(), "the spaces could not be brought up to date", work).await;
    }

    async fn bring_spaces_up_to_date(&self, live: &Live, changed: Changed) -> Result<(), Error> {
        let sorted = self.sorted_rooms(live, &changed).await?;
        let mut spaces = self.known_spaces(&live.account).await?;
        if sorted.is_empty() && (spaces.is_empty() || !changed.everything) {
            return Ok(());
        }
        if changed.everything {
            self.follow_categories(&live.account, &mut spaces, &sorted).await?;
        }
        let all = self.ensure_space(live, &mut spaces, &Part::All).await?;
        for (part, rooms) in &sorted {
            let space = self.ensure_space(live, &mut spaces, part).await?;
            if *part != Part::All {
                let child = json!({ "via": [self.server()], "order": part.order() });
                self.put_in(&all, &space, child, None).await?;
            }
            for (room, portal) in rooms {
                self.put_in(&space, room, json!({ "via": [self.server()] }), Some(portal)).await?;
            }
        }
        if changed.everything { self.take_out(live, &all, &spaces, &sorted).await } else { Ok(()) }
    }

    fn server(&self) -> &str {
        self.homeserver.bot_id().server_name().as_str()
    }

    /// Where the rooms of the chats of `changed` belong.
    async fn sorted_rooms(&self, live: &Live, changed: &Changed) -> Result<Sorted, Error> {
        let portals = if changed.everything {
            self.portals.of(&live.account)
        } else {
            changed.chats.iter().filter_map(|chat| self.portals.by_chat(&live.account, chat)).collect()
        };
        let mut sorted = Sorted::new();
        for portal in portals {
            let is_met = portal.kind == ChatKind::Temporary;
            let part =
                live.network.chat(&portal.chat).await?.map(|chat| Part::of(&chat)).or(is_met.then_some(Part::All));
            if let (Some(part), Some(room)) = (part, portal.room.clone()) {
                sorted.entry(part).or_default().insert(room, portal);
            }
        }
        Ok(sorted)
    }

    async fn known_spaces(&self, account: &AccountId) -> Result<BTreeMap<Part, OwnedRoomId>, Error> {
        let login = account.to_string();
        let rows = self.store.read(move |tx| Box::pin(async move { tx.spaces(&login).await })).await?;
        let made = rows.into_iter().filter_map(|row| Some((Part::read(&row.part)?, row.room_id?.try_into().ok()?)));
        Ok(made.collect())
    }

    /// Lets the space of a category that has another name now bear that name.
    async fn follow_categories(
        &self,
        account: &AccountId,
        spaces: &mut BTreeMap<Part, OwnedRoomId>,
        sorted: &Sorted,
    ) -> Result<(), Error> {
        let had = spaces.iter().map(|(part, space)| (part.clone(), self.appearances.keys(space, CHILD)));
        let had: BTreeMap<Part, BTreeSet<String>> =
            had.map(|(part, rooms)| (part, rooms.into_iter().collect())).collect();
        let has = sorted.iter().map(|(part, rooms)| (part.clone(), rooms.keys().map(ToString::to_string).collect()));
        for (from, to) in renamed(&had, &has.collect()) {
            let (login, before, after) = (account.to_string(), from.key(), to.key());
            self.store
                .write(move |tx| Box::pin(async move { tx.set_space_part(&login, &before, &after).await }))
                .await?;
            if let Some(space) = spaces.remove(&from) {
                spaces.insert(to, space);
            }
        }
        Ok(())
    }

    /// The space of `part`, under the name that it has now, made if there is none.
    async fn ensure_space(
        &self,
        live: &Live,
        spaces: &mut BTreeMap<Part, OwnedRoomId>,
        part: &Part,
    ) -> Result<OwnedRoomId, Error> {
        let name =
            NewState { kind: NAME.to_owned(), key: String::new(), content: json!({ "name": self.title(live, part) }) };
        let bot = self.homeserver.bot();
        if let Some(space) = spaces.get(part) {
            unless_refused(space, self.show_state(&bot, space, name).await)?;
            return Ok(space.clone());
        }
        // Two connections of one account may overlap.
        let _one_at_a_time = self.making_spaces.lock().await;
        if let Some(space) = self.known_spaces(&live.account).await?.get(part) {
            return Ok(space.clone());
        }
        let (login, key) = (live.account.to_string(), part.key());
        let mark = format!("{login}/{key}");
        let is_new = self.store.write(move |tx| Box::pin(async move { tx.begin_space(&login, &key).await })).await?;
        let taken: BTreeSet<OwnedRoomId> = spaces.values().cloned().collect();
        let is_known = |room: &RoomId| taken.contains(room) || self.portals.by_room(room.as_str()).is_some();
        let orphan = if is_new { None } else { self.find_marked(&bot, (SPACE_FIELD, &mark), is_known).await? };
        let owner = OwnedUserId::try_from(live.owner.as_str()).ok();
        let space = match orphan {
            Some(space) => space,
            None => bot.create_room(self.new_space(&name, mark, owner)).await?,
        };
        reach(Failpoint::SpaceMade);
        let (login, key, room_id) = (live.account.to_string(), part.key(), space.to_string());
        self.store.write(move |tx| Box::pin(async move { tx.set_space_room(&login, &key, &room_id).await })).await?;
        info!(account = %live.account, room = %space, "a space was made");
        self.note_states(&space, &[name]).await?;
        spaces.insert(part.clone(), space.clone());
        if let Ok(Some(puppet)) = self.puppet_of_account(&live.account).await {
            unless_refused(&space, puppet.join(&space).await.map_err(Error::from))?;
        }
        Ok(space)
    }

    fn new_space(&self, name: &NewState, mark: String, owner: Option<OwnedUserId>) -> NewRoom {
        let creation_content = [("type".to_owned(), Value::from("m.space")), (SPACE_FIELD.to_owned(), mark.into())];
        NewRoom {
            name: name.content.get("name").and_then(Value::as_str).map(str::to_owned),
            invite: owner.into_iter().collect(),
            creation_content: creation_content.into_iter().collect(),
            power_levels: Some(levels::of_space()),
            federate: self.config.matrix.federate_rooms,
            ..NewRoom::default()
        }
    }

    fn title(&self, live: &Live, part: &Part) -> String {
        let texts = self.texts_for(&live.owner);
        match part {
            Part::All => texts.say("space.all", &[("account", live.account.as_str())]),
            Part::Friends(category) if category.is_empty() => texts.say("space.friends", &[]),
            Part::Friends(category) => category.clone(),
            Part::Groups => texts.say("space.groups", &[]),
            Part::Discussions => texts.say("space.discussions", &[]),
        }
    }

    /// Puts `room`, that of `portal` or a space, into `space`.
    async fn put_in(&self, space: &RoomId, room: &RoomId, child: Value, portal: Option<&Portal>) -> Result<(), Error> {
        let bot = self.homeserver.bot();
        let child = NewState { kind: CHILD.to_owned(), key: room.to_string(), content: child };
        unless_refused(space, self.show_state(&bot, space, child).await)?;
        let content = json!({ "via": [self.server()], "canonical": true });
        let parent = NewState { kind: PARENT.to_owned(), key: space.to_string(), content };
        let creator = match portal {
            Some(portal) => self.room_creator(portal).await?,
            None => bot,
        };
        unless_refused(room, self.show_state(&creator, room, parent).await)
    }

    /// Takes out of the spaces what does not belong into them any more, and ends those that hold nothing.
    async fn take_out(
        &self,
        live: &Live,
        all: &RoomId,
        spaces: &BTreeMap<Part, OwnedRoomId>,
        sorted: &Sorted,
    ) -> Result<(), Error> {
        let bot = self.homeserver.bot();
        let mut belongs: BTreeSet<(&str, &str)> = BTreeSet::new();
        for (part, rooms) in sorted {
            let Some(space) = spaces.get(part) else { continue };
            belongs.extend(rooms.keys().map(|room| (space.as_str(), room.as_str())));
            belongs.insert((all.as_str(), space.as_str()));
        }
        for portal in self.portals.of(&live.account) {
            let Some(room) = &portal.room else { continue };
            for space in self.appearances.keys(room, PARENT) {
                if !belongs.contains(&(space.as_str(), room.as_str())) {
                    let creator = self.room_creator(&portal).await?;
                    unless_refused(room, self.withdraw_state(&creator, room, (PARENT, &space)).await)?;
                }
            }
        }
        for space in spaces.values() {
            for room in self.appearances.keys(space, CHILD) {
                if !belongs.contains(&(space.as_str(), room.as_str())) {
                    unless_refused(space, self.withdraw_state(&bot, space, (CHILD, &room)).await)?;
                }
            }
        }
        for (part, space) in spaces.iter().filter(|(part, _)| **part != Part::All && !sorted.contains_key(part)) {
            self.end_space(live, part, space).await?;
        }
        Ok(())
    }

    /// Puts the owner out of a space that holds nothing any more, and forgets it.
    async fn end_space(&self, live: &Live, part: &Part, space: &RoomId) -> Result<(), Error> {
        let bot = self.homeserver.bot();
        if let Ok(owner) = OwnedUserId::try_from(live.owner.as_str()) {
            unless_refused(space, bot.kick(space, &owner, None).await.map_err(Error::from))?;
        }
        unless_refused(space, bot.leave(space, None).await.map_err(Error::from))?;
        let (login, key, room_id) = (live.account.to_string(), part.key(), space.to_string());
        self.store.write(move |tx| Box::pin(async move { tx.forget_space(&login, &key, &room_id).await })).await?;
        self.appearances.forget_room(space);
        Ok(())
    }
}

/// The categories that have another name now: QQ tells no more than that one is gone and another one is there. It is the
/// same when most of the rooms of the one are in the other. `had` is what the spaces hold, `has` what they should.
fn renamed(had: &BTreeMap<Part, BTreeSet<String>>, has: &BTreeMap<Part, BTreeSet<String>>) -> Vec<(Part, Part)> {
    let is_category = |part: &Part| matches!(part, Part::Friends(_));
    let mut found: Vec<(Part, Part)> = Vec::new();
    for (before, rooms) in had.iter().filter(|(part, _)| is_category(part) && !has.contains_key(part)) {
        let is_new =
            |part: &Part| is_category(part) && !had.contains_key(part) && found.iter().all(|(_, to)| to != part);
        let heir = has.iter().find(|(part, now)| is_new(part) && 2 * now.intersection(rooms).count() > rooms.len());
        if let Some((after, _)) = heir {
            found.push((before.clone(), after.clone()));
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parts(list: &[(&str, &[&str])]) -> BTreeMap<Part, BTreeSet<String>> {
        let rooms = |rooms: &[&str]| rooms.iter().map(|room| (*room).to_owned()).collect();
        list.iter().map(|(key, list)| (Part::read(key).unwrap(), rooms(list))).collect()
    }

    #[test]
    fn a_category_is_the_same_when_most_of_its_rooms_are_in_a_new_one() {
        let had = parts(&[("friends/同学", &["a", "b", "c"]), ("friends/", &["d"]), ("groups", &["g"])]);
        for (has, expected) in [
            (parts(&[("friends/老同学", &["a", "b"]), ("friends/", &["c", "d"])]), Some("老同学")),
            (parts(&[("friends/老同学", &["a"]), ("friends/", &["b", "c", "d"])]), None),
            (parts(&[("friends/同学", &["a"]), ("friends/new", &["b", "c"])]), None),
            (parts(&[("friends/", &["a", "b", "c", "d"])]), None),
            (parts(&[("groups", &["a", "b", "c"])]), None),
        ] {
            let to = expected.map(|to| (Part::Friends("同学".to_owned()), Part::Friends(to.to_owned())));
            assert_eq!(
                renamed(&had, &has).into_iter().find(|(from, _)| *from == Part::Friends("同学".to_owned())),
                to,
                "{has:?}"
            );
        }
    }

    #[test]
    fn every_part_survives_the_database() {
        for part in [
            Part::All,
            Part::Groups,
            Part::Discussions,
            Part::Friends(String::new()),
            Part::Friends("groups".to_owned()),
            Part::Friends("a/b".to_owned()),
        ] {
            assert_eq!(Part::read(&part.key()), Some(part));
        }
    }
}
