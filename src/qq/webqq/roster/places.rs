//! Takes the groups and discussions of a login into the roster.

use std::collections::HashSet;

use super::evidence::{PlaceEvidence, Sketch, Tie, place_likeness, place_tie};
use super::matching::{Found, find};
use super::note::{CandidateNote, Changes, Evidence, Number, Numbers, Place, PlaceKind};
use super::state::State;
use crate::qq::Muting;
use crate::qq::webqq::members::Members;

/// How many groups or discussions are asked about at a login, at most: the account must not be made conspicuous.
const MOST_ASKED: usize = 40;

/// A group or discussion of this login.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct SeenPlace {
    /// gid or did.
    pub(crate) number: u64,
    /// The group code.
    pub(crate) code: Option<u64>,
    pub(crate) markname: Option<String>,
    pub(crate) muting: Muting,
    pub(crate) evidence: PlaceEvidence,
    /// Whether `evidence` is from within, not only from the list.
    pub(crate) from_within: bool,
}

impl SeenPlace {
    /// Adds what is known from within.
    pub(crate) fn look_within(&mut self, members: &Members) {
        self.evidence.learn(within(members));
        self.from_within = true;
    }
}

/// What lasts of a place, seen from within.
fn within(members: &Members) -> PlaceEvidence {
    let owner = members.owner.and_then(|owner| members.find(owner));
    let nicks = members.list.iter().map(|member| member.nick.as_str());
    PlaceEvidence {
        name: members.name.clone(),
        owner: owner.map(|owner| owner.nick.clone()).filter(|nick| !nick.is_empty()),
        created_at: members.created_at,
        members: (!members.list.is_empty()).then(|| Sketch::of(nicks)),
    }
}

impl State {
    /// The numbers of those that the list alone does not tell: they have to be looked at from within.
    pub(crate) fn wanting(&self, kind: PlaceKind, epoch: &str, list: &[SeenPlace]) -> Vec<u64> {
        let (known, seen) = self.unplaced(kind, epoch, list);
        let found = find(&known, &seen, |known, seen| place_tie(&known.evidence, &seen.evidence));
        let again = found.iter().filter(|found| matches!(found, Found::Again(_))).count();
        // Without anybody to be found again there is nothing to ask for.
        let gone = known.len() > again;
        let wants = |found: &Found| match found {
            Found::Again(_) => false,
            Found::New => gone,
            Found::Doubtful(_) => true,
        };
        seen.iter()
            .zip(&found)
            .filter(|(_, found)| wants(found))
            .map(|(seen, _)| seen.number)
            .take(MOST_ASKED)
            .collect()
    }

    /// What changes with `list`, as for friends.
    pub(crate) fn absorb_places(&self, kind: PlaceKind, epoch: &str, list: &[SeenPlace], changes: &mut Changes) {
        self.refresh_places(kind, epoch, list, changes);
        let (known, seen) = self.unplaced(kind, epoch, list);
        let found = find(&known, &seen, |known, seen| place_tie(&known.evidence, &seen.evidence));
        for (seen, found) in seen.into_iter().zip(found) {
            let place = match found {
                Found::Doubtful(places) => {
                    let places = places.into_iter().filter_map(|place| known.get(place));
                    let candidates = places.map(|place| candidate(place, &seen.evidence)).collect();
                    let name = seen.markname.clone().unwrap_or_else(|| seen.evidence.name.clone());
                    let about = (kind.into(), seen.number, name);
                    self.add_doubt(epoch, about, evidence_of(seen), candidates, changes);
                    continue;
                }
                Found::Again(place) => known.get(place).copied(),
                Found::New => None,
            };
            let login = self.login_in(changes, epoch);
            *if place.is_some() { &mut login.kept } else { &mut login.new } += 1;
            let place = place.cloned().unwrap_or_else(|| nowhere(self.next_place(changes), kind));
            let place = settled(place, epoch, seen);
            changes.places.insert(place.n, place);
        }
    }

    fn unplaced<'a>(&self, kind: PlaceKind, epoch: &str, list: &'a [SeenPlace]) -> (Vec<&Place>, Vec<&'a SeenPlace>) {
        let numbers: HashSet<u64> = list.iter().map(|seen| seen.number).collect();
        let gone = |place: &Place| place.numbers.of(epoch).is_none_or(|number| !numbers.contains(&number.value));
        let known = self.places().filter(|place| place.kind == kind && gone(place)).collect();
        let is_open = |seen: &&SeenPlace| {
            self.place(kind, epoch, seen.number).is_none() && self.doubt(epoch, kind.into(), seen.number).is_none()
        };
        let mut met = HashSet::new();
        (known, list.iter().filter(is_open).filter(|seen| met.insert(seen.number)).collect())
    }

    fn refresh_places(&self, kind: PlaceKind, epoch: &str, list: &[SeenPlace], changes: &mut Changes) {
        let numbers: HashSet<u64> = list.iter().map(|seen| seen.number).collect();
        for place in self.places().filter(|place| place.kind == kind && place.listed) {
            if place.numbers.of(epoch).is_none_or(|number| !numbers.contains(&number.value)) {
                changes.places.insert(place.n, Place { listed: false, ..place.clone() });
            }
        }
        for seen in list {
            if let Some(place) = self.place(kind, epoch, seen.number) {
                let newer = settled(place.clone(), epoch, seen);
                if newer != *place {
                    changes.places.insert(newer.n, newer);
                }
            }
        }
    }

    /// What changes when a place is seen from within. If it does not agree with what was known, the match by name was wrong:
    /// the number belongs to the one known place that it does fit for sure, else it is in doubt.
    pub(crate) fn look_within(
        &self,
        kind: PlaceKind,
        epoch: &str,
        number: u64,
        members: &Members,
        changes: &mut Changes,
    ) {
        let Some(place) = self.place(kind, epoch, number) else { return };
        let seen = within(members);
        let mut newer = place.clone();
        let checked = place.checked_in.as_deref() == Some(epoch);
        let called = PlaceEvidence { name: place.evidence.name.clone(), ..seen.clone() };
        let agrees = !place.evidence.is_from_within() || place_tie(&place.evidence, &called) >= Tie::Enough;
        let is_wrong = !checked && !agrees;
        if let Some(right) = self.right_place(place, epoch, &seen).filter(|_| is_wrong) {
            changes.places.insert(right.n, moved(right, place, epoch, seen));
            newer.numbers.unset(epoch);
            newer.listed = false;
        } else if is_wrong {
            let code = place.numbers.of(epoch).and_then(|number| number.code);
            newer.numbers.unset(epoch);
            newer.listed = false;
            let name = place.name().to_owned();
            let candidates = self.possible_places(place, epoch, &seen);
            let seen = Evidence::Place { evidence: seen, code, markname: place.markname.clone() };
            self.add_doubt(epoch, (kind.into(), number, name), seen, candidates, changes);
            let login = self.login_in(changes, epoch);
            login.kept = login.kept.saturating_sub(1);
        } else {
            newer.evidence.learn(seen);
            newer.checked_in = Some(epoch.to_owned());
        }
        if newer != *place {
            changes.places.insert(newer.n, newer);
        }
    }

    /// The one known place that is for sure what `mistaken` was taken for, unless it was looked at from within itself.
    fn right_place(&self, mistaken: &Place, epoch: &str, seen: &PlaceEvidence) -> Option<&Place> {
        let is_right = |place: &&Place| {
            let is_unchecked = place.checked_in.as_deref() != Some(epoch) || place.numbers.of(epoch).is_none();
            place.kind == mistaken.kind && is_unchecked && place_tie(&place.evidence, seen) == Tie::Sure
        };
        let mut right = self.places().filter(is_right);
        right.next().filter(|_| right.next().is_none())
    }

    /// Which known places one may be that was taken for `mistaken`: that one, and all others without a number that have
    /// something in common with it.
    fn possible_places(&self, mistaken: &Place, epoch: &str, seen: &PlaceEvidence) -> Vec<CandidateNote> {
        let is_possible = |place: &&Place| {
            let is_free = place.kind == mistaken.kind && place.numbers.of(epoch).is_none();
            place.n == mistaken.n || (is_free && place_tie(&place.evidence, seen) > Tie::Nothing)
        };
        self.places().filter(is_possible).map(|place| candidate(place, seen)).collect()
    }

    /// A place that is in no list. What changes, and its lasting id.
    pub(crate) fn add_place(&self, kind: PlaceKind, epoch: &str, number: u64, changes: &mut Changes) -> u64 {
        let mut place = nowhere(self.next_place(changes), kind);
        let n = place.n;
        place.numbers.set(Number { epoch: epoch.to_owned(), value: number, code: None });
        changes.places.insert(n, place);
        n
    }
}

pub(super) fn nowhere(n: u64, kind: PlaceKind) -> Place {
    let (numbers, evidence) = (Numbers::default(), PlaceEvidence::default());
    let (muting, markname, checked_in) = (Muting::Loud, None, None);
    Place { n, kind, numbers, evidence, markname, listed: false, checked_in, muting, real: None }
}

/// `right` with the number that `mistaken` had in `epoch`. What had its own number before is in no place any more, and
/// the next look at the list finds out what it is.
pub(super) fn moved(right: &Place, mistaken: &Place, epoch: &str, seen: PlaceEvidence) -> Place {
    let mut right = right.clone();
    right.numbers.unset(epoch);
    if let Some(number) = mistaken.numbers.of(epoch) {
        right.numbers.set(number.clone());
    }
    right.evidence.learn(seen);
    right.markname.clone_from(&mistaken.markname);
    right.listed = true;
    right.checked_in = Some(epoch.to_owned());
    right
}

fn candidate(known: &Place, seen: &PlaceEvidence) -> CandidateNote {
    let (score, reasons) = place_likeness(&known.evidence, seen);
    CandidateNote { n: known.n, score, reasons }
}

fn evidence_of(seen: &SeenPlace) -> Evidence {
    Evidence::Place { evidence: seen.evidence.clone(), code: seen.code, markname: seen.markname.clone() }
}

/// `place` with its number of `epoch` and what the list says of it.
fn settled(mut place: Place, epoch: &str, seen: &SeenPlace) -> Place {
    place.numbers.set(Number { epoch: epoch.to_owned(), value: seen.number, code: seen.code });
    place.evidence.learn(seen.evidence.clone());
    place.markname.clone_from(&seen.markname);
    place.muting = seen.muting;
    place.listed = true;
    if seen.from_within {
        place.checked_in = Some(epoch.to_owned());
    }
    place
}
