//! Doubts: whom the matching could not tell for certain, and what the owner says about them.
//!
//! A doubt keeps whom it may be, with the reasons, and once it is settled also how that is taken back.

use super::Roster;
use super::friends::befriend;
use super::note::{
    CandidateNote, Changes, DoubtNote, Evidence, LoginNote, Number, Person, Place, PlaceKind, SettledNote,
};
use super::places::nowhere;
use super::state::State;
use crate::qq::webqq::number::Uin;
use crate::qq::{Candidate, ChatId, ChatKind, Doubt, Error, Settled};

impl Roster {
    /// Ends a doubt: it is `known`, or somebody new.
    pub(crate) async fn settle(&self, id: u32, known: Option<&ChatId>, now_ms: i64) -> Result<ChatId, Error> {
        let unmatched = || Error::Unmatched(format!("match {id}"));
        let choice = known.map(|chat| self.chat_n(chat).map(|(_, n)| n).ok_or_else(unmatched)).transpose()?;
        let mut settled = None;
        self.change(|state, changes| settled = state.settle(id, choice, now_ms, changes)).await?;
        settled.map(|(kind, n)| self.chat_id(kind, n)).ok_or_else(unmatched)
    }

    /// Takes back what was said about a doubt.
    pub(crate) async fn unsettle(&self, id: u32) -> Result<Settled, Error> {
        let mut taken_back = None;
        self.change(|state, changes| taken_back = state.unsettle(id, changes)).await?;
        let (kind, settled) = taken_back.ok_or_else(|| Error::Unmatched(format!("match {id}")))?;
        Ok(Settled { chat: self.chat_id(kind, settled.n), at_ms: settled.at_ms })
    }

    /// All doubts of all logins that are kept.
    pub(super) fn doubts(&self, state: &State) -> Vec<Doubt> {
        let all = state.logins().flat_map(|login| login.doubts.iter().map(move |doubt| (login, doubt)));
        all.map(|(login, doubt)| self.doubt(state, login, doubt)).collect()
    }

    fn doubt(&self, state: &State, login: &LoginNote, doubt: &DoubtNote) -> Doubt {
        let candidate = |candidate: &CandidateNote| Candidate {
            chat: self.chat_id(doubt.kind, candidate.n),
            name: state.name_of(doubt.kind, candidate.n),
            score: candidate.score,
            reasons: candidate.reasons.clone(),
            is_taken: state.has_number(doubt.kind, candidate.n, &login.epoch),
        };
        let settled =
            |settled: &SettledNote| Settled { chat: self.chat_id(doubt.kind, settled.n), at_ms: settled.at_ms };
        Doubt {
            number: doubt.id,
            kind: doubt.kind,
            name: doubt.name.clone(),
            is_current: login.epoch == self.epoch,
            candidates: doubt.candidates.iter().map(candidate).collect(),
            settled: doubt.settled.as_ref().map(settled),
        }
    }
}

impl State {
    /// Notes a doubt about a number of `epoch`, with whom it may be.
    pub(super) fn add_doubt(
        &self,
        epoch: &str,
        (kind, number, name): (ChatKind, u64, String),
        seen: Evidence,
        mut candidates: Vec<CandidateNote>,
        changes: &mut Changes,
    ) {
        let known = self.logins().flat_map(|login| &login.doubts).map(|doubt| doubt.id).max();
        let added = changes.login.iter().flat_map(|login| &login.doubts).map(|doubt| doubt.id).max();
        let id = known.max(added).unwrap_or(0).saturating_add(1);
        candidates.sort_by_key(|candidate| (std::cmp::Reverse(candidate.score), candidate.n));
        let doubt = DoubtNote { id, kind, number, name, seen, candidates, made: None, settled: None };
        self.login_in(changes, epoch).doubts.push(doubt);
    }

    /// Whether `n` may be somebody in doubt of `epoch`.
    pub(super) fn is_candidate(&self, epoch: &str, kind: ChatKind, n: u64) -> bool {
        self.doubts(epoch).any(|doubt| doubt.kind == kind && doubt.candidates.iter().any(|one| one.n == n))
    }

    /// What changes when doubt `id` is settled, and whom it turned out to be; `None` when that cannot be.
    fn settle(&self, id: u32, choice: Option<u64>, at_ms: i64, changes: &mut Changes) -> Option<(ChatKind, u64)> {
        let (epoch, doubt) = self.doubt_by_id(id)?;
        let is_open = doubt.settled.is_none();
        let is_free =
            |n: &u64| doubt.candidates.iter().any(|one| one.n == *n) && !self.has_number(doubt.kind, *n, epoch);
        if !is_open || choice.is_some_and(|n| !is_free(&n)) {
            return None;
        }
        self.settle_as(epoch, doubt, choice, at_ms, changes)
    }

    /// The same for whoever is known to be right.
    pub(super) fn settle_as(
        &self,
        epoch: &str,
        doubt: &DoubtNote,
        choice: Option<u64>,
        at_ms: i64,
        changes: &mut Changes,
    ) -> Option<(ChatKind, u64)> {
        let (n, before) = match &doubt.seen {
            Evidence::Nothing => return None,
            Evidence::Friend(seen) => {
                let mut person = self.chosen_person(epoch, doubt, choice, changes)?;
                let before = person.friend.clone().map_or(Evidence::Nothing, Evidence::Friend);
                let number = Number { epoch: epoch.to_owned(), value: doubt.number, code: None };
                person.numbers.set(number);
                befriend(&mut person, epoch, seen.clone());
                let n = person.n;
                changes.people.insert(n, person);
                (n, before)
            }
            Evidence::Place { evidence, code, markname } => {
                let mut place = self.chosen_place(doubt, choice, changes)?;
                let (known, old_markname) = (place.evidence.clone(), place.markname.clone());
                let number = Number { epoch: epoch.to_owned(), value: doubt.number, code: *code };
                place.numbers.set(number);
                place.evidence.learn(evidence.clone());
                place.markname.clone_from(markname);
                place.listed = true;
                // Its owner has looked; what is within need not convince anybody any more.
                place.checked_in = Some(epoch.to_owned());
                let n = place.n;
                changes.places.insert(n, place);
                (n, Evidence::Place { evidence: known, code: None, markname: old_markname })
            }
        };
        let made = doubt.made.or(choice.is_none().then_some(n));
        let settled = Some(SettledNote { n, at_ms, before });
        self.change_doubt(epoch, DoubtNote { made, settled, ..doubt.clone() }, changes);
        Some((doubt.kind, n))
    }

    /// What changes when that is taken back, and what had been said; `None` when nothing had.
    fn unsettle(&self, id: u32, changes: &mut Changes) -> Option<(ChatKind, SettledNote)> {
        let (epoch, doubt) = self.doubt_by_id(id)?;
        let settled = doubt.settled.clone()?;
        match settled.before.clone() {
            Evidence::Place { evidence, markname, .. } => {
                let place = self.place_of(doubt.kind, settled.n)?;
                let mut place = Place { evidence, markname, listed: false, checked_in: None, ..place.clone() };
                place.real = place.real.filter(|real| real.told_in != epoch);
                place.numbers.unset(epoch);
                changes.places.insert(place.n, place);
            }
            before => {
                let friend = if let Evidence::Friend(friend) = before { Some(friend) } else { None };
                let mut person = Person { friend, listed: false, ..self.person_n(settled.n)?.clone() };
                if let Some(friend) = &person.friend {
                    person.nick.clone_from(&friend.nick);
                }
                person.real = person.real.filter(|real| real.told_in != epoch);
                person.numbers.unset(epoch);
                changes.people.insert(person.n, person);
            }
        }
        self.change_doubt(epoch, DoubtNote { settled: None, ..doubt.clone() }, changes);
        Some((doubt.kind, settled))
    }

    fn chosen_person(
        &self,
        epoch: &str,
        doubt: &DoubtNote,
        choice: Option<u64>,
        changes: &mut Changes,
    ) -> Option<Person> {
        // Somebody in doubt who was heard in a group has an id there already.
        let heard = self.person(epoch, Uin(doubt.number));
        let Some(n) = choice else {
            let made = doubt.made.and_then(|n| self.person_n(n)).or(heard);
            return Some(made.cloned().unwrap_or_else(|| Person::nobody(self.next_person(changes))));
        };
        if let Some(heard) = heard.filter(|heard| heard.n != n) {
            let mut heard = heard.clone();
            heard.numbers.unset(epoch);
            changes.people.insert(heard.n, heard);
        }
        self.person_n(n).cloned()
    }

    fn chosen_place(&self, doubt: &DoubtNote, choice: Option<u64>, changes: &Changes) -> Option<Place> {
        let kind = place_kind(doubt.kind)?;
        match choice.or(doubt.made) {
            Some(n) => self.place_n(kind, n).cloned(),
            None => Some(nowhere(self.next_place(changes), kind)),
        }
    }

    fn change_doubt(&self, epoch: &str, newer: DoubtNote, changes: &mut Changes) {
        let mut all = self.login_in(changes, epoch).doubts.iter_mut();
        if let Some(doubt) = all.find(|doubt| doubt.id == newer.id) {
            *doubt = newer;
        }
    }

    /// The doubt with this id, and the login that it is of.
    fn doubt_by_id(&self, id: u32) -> Option<(&str, &DoubtNote)> {
        let mut all =
            self.logins().flat_map(|login| login.doubts.iter().map(move |doubt| (login.epoch.as_str(), doubt)));
        all.find(|(_, doubt)| doubt.id == id)
    }

    /// Whether `n` has a number in `epoch`.
    fn has_number(&self, kind: ChatKind, n: u64, epoch: &str) -> bool {
        let numbers = match place_kind(kind) {
            Some(kind) => self.place_n(kind, n).map(|place| &place.numbers),
            None => self.person_n(n).map(|person| &person.numbers),
        };
        numbers.is_some_and(|numbers| numbers.of(epoch).is_some())
    }

    fn name_of(&self, kind: ChatKind, n: u64) -> String {
        if let Some(place) = self.place_of(kind, n) {
            return place.name().to_owned();
        }
        let Some(person) = self.person_n(n) else { return String::new() };
        let markname = person.friend.as_ref().and_then(|friend| friend.markname.clone());
        markname.unwrap_or_else(|| person.nick.clone())
    }

    fn place_of(&self, kind: ChatKind, n: u64) -> Option<&Place> {
        self.place_n(place_kind(kind)?, n)
    }
}

fn place_kind(kind: ChatKind) -> Option<PlaceKind> {
    match kind {
        ChatKind::Group => Some(PlaceKind::Group),
        ChatKind::Discussion => Some(PlaceKind::Discussion),
        ChatKind::Friend | ChatKind::Temporary => None,
    }
}
