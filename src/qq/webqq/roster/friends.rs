//! Takes the friend list of a login into the roster.

use std::collections::HashSet;

use super::evidence::{FriendEvidence, Tie, friend_likeness, friend_tie, numbers_first};
use super::matching::{Found, find};
use super::note::{CandidateNote, Changes, Evidence, Person, Real, numbered};
use super::state::State;
use crate::qq::webqq::api::get_user_friends2::{Friend, Friends};
use crate::qq::webqq::number::Uin;
use crate::qq::{ChatKind, Likeness};

impl State {
    /// What changes with `list`: whoever has a number in `epoch` already keeps it, the others are found again, are
    /// new, or are in doubt.
    pub(crate) fn absorb_friends(&self, epoch: &str, list: &Friends, changes: &mut Changes) {
        let unplaced = self.refresh_friends(epoch, list, changes);
        let known = self.lost_friends(epoch, list);
        let seen: Vec<FriendEvidence> = unplaced.iter().map(|friend| evidence(friend)).collect();
        let tie = |known: &&Person, seen: &FriendEvidence| tie(known, seen, list.marknames_told);
        let mut explained: HashSet<u64> = HashSet::new();
        for ((friend, seen), found) in unplaced.into_iter().zip(&seen).zip(find(&known, &seen, tie)) {
            let person = |place: usize| known.get(place).copied();
            if let Found::Doubtful(places) = found {
                let candidates: Vec<CandidateNote> =
                    places.into_iter().filter_map(person).map(|person| candidate(person, seen)).collect();
                explained.extend(candidates.iter().map(|candidate| candidate.n));
                let name = friend.markname.clone().unwrap_or_else(|| friend.nick.clone());
                let about = (ChatKind::Friend, friend.uin.0, name);
                self.add_doubt(epoch, about, Evidence::Friend(seen.clone()), candidates, changes);
            } else {
                let again = if let Found::Again(place) = found { person(place) } else { None };
                explained.extend(again.map(|person| person.n));
                self.place_friend(epoch, friend, again, list.marknames_told, changes);
            }
        }
        for person in known.into_iter().filter(|person| !person.gone && !explained.contains(&person.n)) {
            if !self.is_candidate(epoch, ChatKind::Friend, person.n) {
                changes.people.insert(person.n, Person { listed: false, gone: true, ..person.clone() });
            }
        }
    }

    /// The known friends whom no number of `list` stands for. Whoever had a number of this login and has left is not
    /// among them, since nobody changes numbers within a login; unless none of the old numbers is there any more.
    fn lost_friends(&self, epoch: &str, list: &Friends) -> Vec<&Person> {
        let uins: HashSet<u64> = list.friends.iter().map(|friend| friend.uin.0).collect();
        let number = |person: &Person| person.numbers.of(epoch).map(|number| number.value);
        let is_here = |person: &&Person| number(person).is_some_and(|number| uins.contains(&number));
        let numbers_hold = self.people().any(|person| is_here(&person));
        let is_lost = |person: &&Person| number(person).is_none() || (!numbers_hold && !is_here(person));
        self.people().filter(|person| person.friend.is_some()).filter(is_lost).collect()
    }

    /// Those of `list` who cannot be told now, or could not be after the next login: two of them look alike.
    pub(crate) fn unclear(&self, epoch: &str, list: &Friends) -> Vec<Uin> {
        let is_unplaced = |friend: &&Friend| self.person(epoch, friend.uin).is_none();
        let unplaced: Vec<&Friend> = list.friends.iter().filter(is_unplaced).collect();
        let seen: Vec<FriendEvidence> = unplaced.iter().map(|friend| evidence(friend)).collect();
        let tie_to_known = |known: &&Person, seen: &FriendEvidence| tie(known, seen, list.marknames_told);
        let now = find(&self.lost_friends(epoch, list), &seen, tie_to_known);
        let next = find(&seen, &seen, |known, seen| friend_tie(known, seen, list.marknames_told));
        let is_doubtful = |found: &Found| matches!(found, Found::Doubtful(_));
        let verdicts = unplaced.iter().zip(now.iter().zip(&next));
        verdicts
            .filter(|(_, (now, next))| is_doubtful(now) || is_doubtful(next))
            .map(|(friend, _)| friend.uin)
            .collect()
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
        learn(&mut person, epoch, friend, told);
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
            learn(&mut updated, epoch, friend, list.marknames_told);
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
    FriendEvidence { nick, markname, category, account: friend.account }
}

/// Keeps what is newer; a markname that QQ did not tell is not a markname taken away.
fn learn(person: &mut Person, epoch: &str, friend: &Friend, marknames_told: bool) {
    let mut newer = evidence(friend);
    if !marknames_told {
        newer.markname = person.friend.take().and_then(|known| known.markname);
    }
    befriend(person, epoch, newer);
}

/// Makes `person` a friend of the last list of `epoch` with this evidence.
pub(super) fn befriend(person: &mut Person, epoch: &str, mut newer: FriendEvidence) {
    if let Some(account) = newer.account.take() {
        person.real = Some(Real::told(account, epoch));
    }
    newer.nick.clone_into(&mut person.nick);
    person.friend = Some(newer);
    person.listed = true;
    person.gone = false;
}

/// Compares a known person with a friend of the new login. Of somebody who was gone already, a nick tells little: a
/// stranger may have it.
fn tie(known: &Person, seen: &FriendEvidence, marknames_told: bool) -> Tie {
    let Some(evidence) = &known.friend else { return Tie::Nothing };
    numbers_first(known.account(), seen.account, || {
        let tie = friend_tie(evidence, seen, marknames_told);
        let is_marked = evidence.markname.is_some() && evidence.markname == seen.markname;
        if known.gone && !is_marked { tie.min(Tie::Little) } else { tie }
    })
}

fn candidate(known: &Person, seen: &FriendEvidence) -> CandidateNote {
    let (score, mut reasons) = known.friend.as_ref().map_or((0, Vec::new()), |known| friend_likeness(known, seen));
    if known.gone {
        reasons.push(Likeness::WasGone);
    }
    CandidateNote { n: known.n, score, reasons }
}
