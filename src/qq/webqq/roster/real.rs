//! What real numbers tell: whoever has one that was told of somebody known before is that one, whatever names say.
//!
//! They come with messages and news of a login that was matched without them. Source: protocol dossier 1.1 (`info_seq`,
//! `t_gcode`), 7.5 (`ruin`). What may be something else than a real number is believed only while no two have the same
//! and nobody has two.

use super::Roster;
use super::evidence::PlaceEvidence;
use super::friends::befriend;
use super::note::{Changes, Person, Place, PlaceKind, Real, numbered};
use super::places::{moved, nowhere};
use super::state::State;
use crate::qq::webqq::number::{Account, Uin};
use crate::qq::{ChatKind, Error};

const GROUP: PlaceKind = PlaceKind::Group;

impl Roster {
    /// QQ told the real number of the group `gid` of this login.
    pub(crate) async fn note_group_number(&self, gid: u64, account: Account, now_ms: i64) -> Result<(), Error> {
        self.change(|state, changes| state.note_group_number((&self.epoch, gid), account, now_ms, changes)).await
    }

    /// QQ told the real number of `uin` of this login.
    pub(crate) async fn note_account(&self, uin: Uin, account: Account, now_ms: i64) -> Result<(), Error> {
        self.change(|state, changes| state.note_account((&self.epoch, uin), account, now_ms, changes)).await
    }
}

/// Somebody or something, as far as real numbers go.
#[derive(Clone, Copy)]
struct Bearer<'a> {
    n: u64,
    real: Option<&'a Real>,
    /// Whether it has a number in this login.
    is_here: bool,
    /// Whether more than its name says that it is who it was taken for.
    is_checked: bool,
}

/// What follows when QQ says that somebody has a real number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Verdict {
    Nothing,
    /// It is kept.
    Learn,
    /// They are this one who was known before.
    Is(u64),
    /// They are nobody who was known before.
    IsNew,
    /// The number of this one tells nothing.
    Void(u64),
}

/// Judges what QQ says in `epoch` of `bearer`, whose number `owner` had before, if anybody.
fn judge(bearer: Bearer<'_>, owner: Option<Bearer<'_>>, account: Account, epoch: &str) -> Verdict {
    let told_now = |real: &Real| real.told_in == epoch;
    match (bearer.real, owner.and_then(|owner| Some((owner, owner.real?)))) {
        (_, Some((_, real))) if real.is_void => Verdict::Nothing,
        (Some(real), _) if real.is_void => Verdict::Nothing,
        (Some(real), _) if real.account == account && told_now(real) => Verdict::Nothing,
        (Some(real), _) if real.account == account => Verdict::Learn,
        // One that has two numbers in one login, or two of one number.
        (Some(real), _) if told_now(real) => Verdict::Void(bearer.n),
        (_, Some((owner, real))) if owner.is_here && told_now(real) => Verdict::Void(owner.n),
        (_, Some((owner, _))) => Verdict::Is(owner.n),
        (Some(_), None) if bearer.is_checked => Verdict::Void(bearer.n),
        (Some(_), None) => Verdict::IsNew,
        (None, None) => Verdict::Learn,
    }
}

/// The one thing that `all` gives, if it gives one.
fn only<T>(mut all: impl Iterator<Item = T>) -> Option<T> {
    all.next().filter(|_| all.next().is_none())
}

impl<'a> Bearer<'a> {
    fn group(place: &'a Place, epoch: &str) -> Self {
        let (is_here, is_checked) = (place.numbers.of(epoch).is_some(), place.checked_in.as_deref() == Some(epoch));
        Self { n: place.n, real: place.real.as_ref(), is_here, is_checked }
    }

    fn person(person: &'a Person, epoch: &str) -> Self {
        let is_here = person.numbers.of(epoch).is_some();
        Self { n: person.n, real: person.real.as_ref(), is_here, is_checked: false }
    }

    /// Whether somebody in doubt who has this number can be nobody else.
    fn is_free(&self) -> bool {
        !self.is_here && self.real.is_some_and(|real| !real.is_void)
    }
}

impl State {
    fn note_group_number(&self, (epoch, gid): (&str, u64), account: Account, at_ms: i64, changes: &mut Changes) {
        let having_it = self.places_with(account).filter(|place| place.kind == GROUP);
        let owner = only(having_it).map(|owner| Bearer::group(owner, epoch));
        if let Some(doubt) = self.doubt(epoch, ChatKind::Group, gid) {
            if let Some(owner) = owner.filter(Bearer::is_free) {
                self.settle_as(epoch, doubt, Some(owner.n), at_ms, changes);
            }
            return;
        }
        let Some(place) = self.place(GROUP, epoch, gid) else { return };
        let real = Real::told(account, epoch);
        match judge(Bearer::group(place, epoch), owner, account, epoch) {
            // What was found by its name alone may be another one.
            Verdict::Learn if place.checked_in.as_deref() == Some(epoch) => {
                changes.places.insert(place.n, Place { real: Some(real), ..place.clone() });
            }
            Verdict::Nothing | Verdict::Learn => {}
            Verdict::Is(n) => {
                if let Some(right) = self.place_n(GROUP, n) {
                    move_group(right, place, real, changes);
                }
            }
            Verdict::IsNew => move_group(&nowhere(self.next_place(changes), GROUP), place, real, changes),
            Verdict::Void(n) => {
                if let Some(place) = self.place_n(GROUP, n) {
                    let real = place.real.clone().map(Real::void);
                    changes.places.insert(n, Place { real, ..place.clone() });
                }
            }
        }
    }

    fn note_account(&self, (epoch, uin): (&str, Uin), account: Account, at_ms: i64, changes: &mut Changes) {
        let owner = only(self.people_with(account)).map(|owner| Bearer::person(owner, epoch));
        if let Some(doubt) = self.doubt(epoch, ChatKind::Friend, uin.0) {
            if let Some(owner) = owner.filter(Bearer::is_free) {
                self.settle_as(epoch, doubt, Some(owner.n), at_ms, changes);
            }
            return;
        }
        let Some(person) = self.person(epoch, uin) else { return };
        let real = Real::told(account, epoch);
        match judge(Bearer::person(person, epoch), owner, account, epoch) {
            Verdict::Nothing => {}
            Verdict::Learn => drop(changes.people.insert(person.n, Person { real: Some(real), ..person.clone() })),
            Verdict::Is(n) => {
                if let Some(right) = self.person_n(n) {
                    move_person(right.clone(), person, uin, real, changes);
                }
            }
            Verdict::IsNew => move_person(Person::nobody(self.next_person(changes)), person, uin, real, changes),
            Verdict::Void(n) => {
                if let Some(person) = self.person_n(n) {
                    let real = person.real.clone().map(Real::void);
                    changes.people.insert(n, Person { real, ..person.clone() });
                }
            }
        }
    }
}

/// `right` is the group that `mistaken` was taken for in the login of `real`.
fn move_group(right: &Place, mistaken: &Place, real: Real, changes: &mut Changes) {
    let epoch = real.told_in.clone();
    let is_checked = mistaken.checked_in.as_ref() == Some(&epoch);
    let name = mistaken.evidence.name.clone();
    let only_listed = || PlaceEvidence { name, ..PlaceEvidence::default() };
    let seen = if is_checked { mistaken.evidence.clone() } else { only_listed() };
    let right = Place { real: Some(real), muting: mistaken.muting, ..moved(right, mistaken, &epoch, seen) };
    let mut left = Place { listed: false, ..mistaken.clone() };
    left.numbers.unset(&epoch);
    if left.numbers.is_empty() {
        // It never was anything but the other one: nothing may be taken for it later.
        left = Place { checked_in: None, ..nowhere(left.n, left.kind) };
    }
    changes.places.extend([(right.n, right), (left.n, left)]);
}

/// `right` is the person whom `mistaken` was taken for in the login of `real`.
fn move_person(mut right: Person, mistaken: &Person, uin: Uin, real: Real, changes: &mut Changes) {
    let epoch = real.told_in.clone();
    right.numbers.unset(&epoch);
    right.numbers.set(numbered(&epoch, uin));
    if let Some(friend) = mistaken.friend.clone().filter(|_| mistaken.listed) {
        befriend(&mut right, &epoch, friend);
    } else if !mistaken.nick.is_empty() {
        right.nick.clone_from(&mistaken.nick);
    }
    mistaken.heard_in.iter().for_each(|(place, card)| right.heard_in.note(place, card.to_owned()));
    right.real = Some(real);
    let mut left = Person { listed: false, ..mistaken.clone() };
    left.numbers.unset(&epoch);
    if left.numbers.is_empty() {
        // They never were anybody but the other one: nobody may be taken for them later.
        left = Person::nobody(left.n);
    }
    changes.people.extend([(right.n, right), (left.n, left)]);
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::qq::ChatId;
    use crate::qq::webqq::roster::Named;
    use crate::qq::webqq::roster::tests::{friends, groups, known, login, members, only_groups};

    fn account(number: u64) -> Account {
        Account::told(number, 0).unwrap()
    }

    fn group_chat(roster: &Roster, epoch: &str, gid: u64) -> ChatId {
        known(roster.place_chat(GROUP, epoch, gid))
    }

    /// Who is spoken of, their number and its login; whether they are here and checked.
    type Row = (u64, Option<(u64, &'static str)>, bool, bool);

    #[rustfmt::skip]
    const SAID: &[(&str, Row, Option<Row>, Verdict)] = &[
        ("the first time", (1, None, true, true), None, Verdict::Learn),
        ("the same in another login", (1, Some((X, "old")), true, true), Some((1, Some((X, "old")), true, true)), Verdict::Learn),
        ("the same once more", (1, Some((X, "now")), true, true), Some((1, Some((X, "now")), true, true)), Verdict::Nothing),
        ("somebody else of old has it", (1, None, true, true), Some((2, Some((X, "old")), false, false)), Verdict::Is(2)),
        ("both were taken for others", (1, Some((Y, "old")), true, true), Some((2, Some((X, "old")), true, true)), Verdict::Is(2)),
        ("two of this login have it", (1, None, true, true), Some((2, Some((X, "now")), true, true)), Verdict::Void(2)),
        ("one has two in this login", (1, Some((Y, "now")), true, true), Some((2, Some((X, "old")), false, false)), Verdict::Void(1)),
        ("it is believed no more", (1, None, true, true), Some((2, Some((X, "void")), false, false)), Verdict::Nothing),
        ("another than of old, and only a name agrees", (1, Some((Y, "old")), true, false), None, Verdict::IsNew),
        ("another than of old, but what is within agrees", (1, Some((Y, "old")), true, true), None, Verdict::Void(1)),
    ];
    const X: u64 = 10_007;
    const Y: u64 = 10_008;

    #[test]
    fn a_number_is_believed_while_no_two_have_it_and_nobody_has_two() {
        let real = |(_, real, ..): &Row| {
            real.map(|(number, epoch)| Real { is_void: epoch == "void", ..Real::told(account(number), epoch) })
        };
        for (case, who, owner, verdict) in SAID {
            let (real_of_who, real_of_owner) = (real(who), owner.as_ref().and_then(real));
            let bearer = |row: &Row, real| Bearer { n: row.0, real, is_here: row.2, is_checked: row.3 };
            let owner = owner.as_ref().map(|owner| bearer(owner, real_of_owner.as_ref()));
            assert_eq!(judge(bearer(who, real_of_who.as_ref()), owner, account(X), "now"), *verdict, "{case}");
        }
    }

    #[tokio::test]
    async fn a_group_is_found_by_its_number_whatever_else_has_changed() {
        let memory = Arc::default();
        let roster = login(&memory, "a").await;
        roster.absorb(only_groups(&[(50, "old"), (51, "other")])).await.unwrap();
        roster.look_within(GROUP, 50, &members(1_000, &[(1, "a", ""), (2, "b", ""), (3, "c", "")])).await.unwrap();
        roster.note_group_number(50, account(20_000), 1).await.unwrap();
        let (chat, other) = (group_chat(&roster, "a", 50), group_chat(&roster, "a", 51));

        let roster = login(&memory, "b").await;
        roster.absorb(only_groups(&[(60, "new"), (61, "other")])).await.unwrap();
        roster.look_within(GROUP, 60, &members(2_000, &[(7, "x", ""), (8, "y", ""), (9, "z", "")])).await.unwrap();
        assert_ne!(group_chat(&roster, "b", 60), chat);
        roster.note_group_number(60, account(20_000), 1).await.unwrap();
        assert_eq!((group_chat(&roster, "b", 60), group_chat(&roster, "b", 61)), (chat.clone(), other.clone()));

        // What it was taken for in between leads nobody astray, and old numbers still lead there.
        let roster = login(&memory, "c").await;
        roster.absorb(only_groups(&[(70, "new"), (71, "other")])).await.unwrap();
        assert_eq!((group_chat(&roster, "c", 70), group_chat(&roster, "c", 71)), (chat.clone(), other));
        assert_eq!((group_chat(&roster, "a", 50), group_chat(&roster, "b", 60)), (chat.clone(), chat));
    }

    #[tokio::test]
    async fn two_groups_of_one_name_wait_until_a_number_tells() {
        let memory = Arc::default();
        let roster = login(&memory, "a").await;
        roster.absorb(only_groups(&[(50, "same"), (51, "same")])).await.unwrap();
        let mut chats = Vec::new();
        for (gid, number) in [(50, 20_000), (51, 20_001)] {
            roster.look_within(GROUP, gid, &members(1_000, &[(1, "a", ""), (2, "b", ""), (3, "c", "")])).await.unwrap();
            roster.note_group_number(gid, account(number), 1).await.unwrap();
            chats.push(group_chat(&roster, "a", gid));
        }
        let roster = login(&memory, "b").await;
        roster.absorb(only_groups(&[(60, "same"), (61, "same")])).await.unwrap();
        for (gid, number, chat) in [(61, 20_000, &chats[0]), (60, 20_001, &chats[1])] {
            assert!(matches!(roster.place_chat(GROUP, "b", gid), Named::Doubtful(_)));
            roster.note_group_number(gid, account(number), 1).await.unwrap();
            assert_eq!(group_chat(&roster, "b", gid), *chat);
        }
        assert_eq!(roster.matching().open().count(), 0);
    }

    #[tokio::test]
    async fn a_group_with_the_name_of_another_and_a_number_of_its_own_is_new_when_nobody_tells_who_is_in_it() {
        let memory = Arc::default();
        let roster = login(&memory, "a").await;
        roster.absorb(only_groups(&[(50, "same")])).await.unwrap();
        roster.look_within(GROUP, 50, &members(1_000, &[(1, "a", "")])).await.unwrap();
        roster.note_group_number(50, account(20_000), 1).await.unwrap();
        let chat = group_chat(&roster, "a", 50);
        let roster = login(&memory, "b").await;
        roster.absorb(only_groups(&[(60, "same")])).await.unwrap();
        roster.note_group_number(60, account(30_000), 1).await.unwrap();
        assert_ne!(group_chat(&roster, "b", 60), chat);
        assert_eq!(roster.address(&chat), None);
    }

    #[tokio::test]
    async fn what_is_said_of_every_group_is_no_number_and_moves_nothing() {
        let memory = Arc::default();
        for (epoch, first) in [("a", 50), ("b", 60), ("c", 70)] {
            let roster = login(&memory, epoch).await;
            let names = [(first, "one"), (first + 1, "two"), (first + 2, "three")];
            roster.absorb(only_groups(&names)).await.unwrap();
            // The last one speaks first.
            for (gid, n) in [(first + 2, 3), (first, 1), (first + 1, 2)] {
                let people = members(n, &[(1, "a", ""), (2, "b", ""), (3, "c", "")]);
                roster.look_within(GROUP, gid, &people).await.unwrap();
                roster.note_group_number(gid, account(4_294_967_295), 1).await.unwrap();
                assert_eq!(group_chat(&roster, epoch, gid).as_str(), format!("group:{n}"));
            }
        }
    }

    #[tokio::test]
    async fn friends_who_exchange_everything_that_the_list_shows_are_told_by_their_numbers() {
        let memory = Arc::default();
        let list = |rows: &[(u64, &str, &str)], numbers: &[u64]| {
            let mut lists = friends(rows);
            let rows = lists.friends.iter_mut().flat_map(|list| &mut list.friends);
            rows.zip(numbers).for_each(|(friend, number)| friend.account = Some(account(*number)));
            lists
        };
        let roster = login(&memory, "a").await;
        let lists = list(&[(1, "同名", ""), (2, "同名", ""), (3, "x", "M")], &[20_001, 20_002, 20_003]);
        assert_eq!(roster.unclear(lists.friends.as_ref().unwrap()), [Uin(1), Uin(2)], "after the next login");
        roster.absorb(lists).await.unwrap();
        let chats = [1, 2, 3].map(|uin| known(roster.friend_chat("a", Uin(uin))));

        let roster = login(&memory, "b").await;
        let rows = [(11, "x", "M"), (12, "同名", ""), (13, "同名", "")];
        assert_eq!(roster.unclear(friends(&rows).friends.as_ref().unwrap()), [Uin(12), Uin(13)]);
        roster.absorb(list(&rows, &[20_001, 20_003, 20_002])).await.unwrap();
        for (uin, chat) in [(11, &chats[0]), (12, &chats[2]), (13, &chats[1])] {
            assert_eq!(known(roster.friend_chat("b", Uin(uin))), *chat);
        }
        assert!(roster.unclear(friends(&rows).friends.as_ref().unwrap()).is_empty(), "they have numbers of this login");
    }

    #[tokio::test]
    async fn somebody_who_speaks_in_private_is_known_by_number_in_the_next_login() {
        let memory = Arc::default();
        let roster = login(&memory, "a").await;
        let one = roster.stranger("a", Uin(5), "").await.unwrap();
        roster.note_account(Uin(5), account(20_000), 1).await.unwrap();
        let roster = login(&memory, "b").await;
        roster.absorb(crate::qq::webqq::roster::Lists { groups: Some(groups(&[])), ..friends(&[]) }).await.unwrap();
        let other = roster.stranger("b", Uin(6), "").await.unwrap();
        assert_ne!(other, one);
        roster.note_account(Uin(6), account(20_000), 1).await.unwrap();
        assert_eq!(known(roster.person("b", Uin(6))), one);
    }
}
