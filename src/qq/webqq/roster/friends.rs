//! Takes the friend list of a login into the roster.

use std::collections::HashSet;

use super::evidence::{FriendEvidence, Tie, friend_tie};
use super::matching::{Found, find};
use super::note::{Changes, DoubtNote, Person, numbered};
use super::state::State;
use crate::qq::ChatKind;
use crate::qq::webqq::api::get_user_friends2::{Friend, Friends};
use crate::qq::webqq::number::Uin;

impl State {
    /// What changes with `list`: whoever has a number in `epoch` already keeps it, the others are found again, are
    /// new, or are in doubt.
    pub(crate) fn absorb_friends(&self, epoch: &str, list: &Friends, changes: &mut Changes) {
        let unplaced = self.refresh_friends(epoch, list, changes);
        let uins: HashSet<Uin> = list.friends.iter().map(|friend| friend.uin).collect();
        let gone = |person: &Person| person.numbers.of(epoch).is_none_or(|number| !uins.contains(&Uin(number.value)));
        let is_candidate = |person: &&Person| person.friend.is_some() && gone(person);
        let known: Vec<&Person> = self.people().filter(is_candidate).collect();
        let seen: Vec<FriendEvidence> = unplaced.iter().map(|friend| evidence(friend)).collect();
        let tie = |known: &&Person, seen: &FriendEvidence| {
            known.friend.as_ref().map_or(Tie::Nothing, |known| friend_tie(known, seen, list.marknames_told))
        };
        for (friend, found) in unplaced.into_iter().zip(find(&known, &seen, tie)) {
            let again = match &found {
                Found::Again(place) => known.get(*place).copied(),
                _ => None,
            };
            match found {
                Found::Doubtful { known, seen } => {
                    let reason = doubt(known, seen);
                    let name = friend.markname.clone().unwrap_or_else(|| friend.nick.clone());
                    let doubt = DoubtNote { kind: ChatKind::Friend, number: friend.uin.0, name, reason };
                    self.login_in(changes, epoch).doubts.push(doubt);
                }
                _ => self.place_friend(epoch, friend, again, list.marknames_told, changes),
            }
        }
    }

    fn place_friend(&self, epoch: &str, friend: &Friend, again: Option<&Person>, told: bool, changes: &mut Changes) {
        let login = self.login_in(changes, epoch);
        let mut person = if let Some(person) = again {
            login.kept += 1;
            person.clone()
        } else {
            login.new += 1;
            Person::nobody(self.next_person(changes))
        };
        person.numbers.set(numbered(epoch, friend.uin));
        learn(&mut person, friend, told);
        changes.people.insert(person.n, person);
    }

    /// Brings those up to date who have a number in `epoch`, and gives the others.
    fn refresh_friends<'a>(&self, epoch: &str, list: &'a Friends, changes: &mut Changes) -> Vec<&'a Friend> {
        let uins: HashSet<Uin> = list.friends.iter().map(|friend| friend.uin).collect();
        for person in self.people().filter(|person| person.listed) {
            if person.numbers.of(epoch).is_none_or(|number| !uins.contains(&Uin(number.value))) {
                changes.people.insert(person.n, Person { listed: false, ..person.clone() });
            }
        }
        let (mut unplaced, mut met) = (Vec::new(), HashSet::new());
        for friend in &list.friends {
            // Somebody in doubt who was heard in a group has an id there, and is in doubt as a friend all the same.
            if self.doubt(epoch, ChatKind::Friend, friend.uin.0).is_some() || !met.insert(friend.uin) {
                continue;
            }
            let Some(person) = self.person(epoch, friend.uin) else {
                unplaced.push(friend);
                continue;
            };
            let mut updated = person.clone();
            learn(&mut updated, friend, list.marknames_told);
            if updated != *person {
                changes.people.insert(updated.n, updated);
            }
        }
        unplaced
    }

    /// Somebody who is in no list. What changes, and their lasting id.
    pub(crate) fn add_stranger(&self, epoch: &str, uin: Uin, nick: &str, changes: &mut Changes) -> u64 {
        let mut person = Person::nobody(self.next_person(changes));
        let n = person.n;
        person.numbers.set(numbered(epoch, uin));
        nick.clone_into(&mut person.nick);
        changes.people.insert(n, person);
        n
    }
}

fn evidence(friend: &Friend) -> FriendEvidence {
    let (nick, markname, category) = (friend.nick.clone(), friend.markname.clone(), friend.category.clone());
    FriendEvidence { nick, markname, category }
}

/// Keeps what is newer; a markname that QQ did not tell is not a markname taken away.
fn learn(person: &mut Person, friend: &Friend, marknames_told: bool) {
    let mut newer = evidence(friend);
    if !marknames_told {
        newer.markname = person.friend.take().and_then(|known| known.markname);
    }
    newer.nick.clone_into(&mut person.nick);
    person.friend = Some(newer);
    person.listed = true;
}

/// Why somebody is in doubt, for people to read.
pub(super) fn doubt(known: usize, seen: usize) -> String {
    match (known, seen) {
        (1, 1) => "only a part of what is known about it is still the same".to_owned(),
        _ => format!("{known} of the last login and {seen} of this one cannot be told apart by name"),
    }
}
