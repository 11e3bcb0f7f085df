//! The roster in memory: everybody and every place that is known, found by lasting id or by the numbers of a login.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::note::{Changes, DoubtNote, Kept, LoginNote, Logins, Numbers, Person, Place, PlaceKind};
use crate::qq::ChatKind;
use crate::qq::webqq::number::Uin;

/// From the number of a login to what lasts.
type Index<K> = HashMap<K, HashMap<u64, u64>>;

/// Everything known.
#[derive(Default)]
pub(crate) struct State {
    people: BTreeMap<u64, Person>,
    places: BTreeMap<u64, Place>,
    logins: Logins,
    /// The logins of which something waited to be opened when this one began.
    awaited: BTreeSet<String>,
    uins: Index<String>,
    place_numbers: Index<(PlaceKind, String)>,
}

impl State {
    /// What was kept; something of the logins `awaited` waits to be opened.
    pub(crate) fn new(kept: Kept, awaited: BTreeSet<String>) -> Self {
        let mut state = Self { logins: kept.logins, awaited, ..Self::default() };
        let people = kept.people.into_iter().map(|person| (person.n, person)).collect();
        let places = kept.places.into_iter().map(|place| (place.n, place)).collect();
        state.apply(Changes { people, places, login: None });
        state
    }

    /// Makes `changes` part of it; they are on disk already.
    pub(crate) fn apply(&mut self, changes: Changes) {
        // All old numbers go before the first new one comes: a number may pass from one to another.
        for old in changes.people.keys().filter_map(|n| self.people.get(n)) {
            unindex(&mut self.uins, &old.numbers, Clone::clone);
        }
        for old in changes.places.keys().filter_map(|n| self.places.get(n)) {
            unindex(&mut self.place_numbers, &old.numbers, |epoch| (old.kind, epoch.clone()));
        }
        for (n, person) in changes.people {
            index(&mut self.uins, &person.numbers, n, Clone::clone);
            self.people.insert(n, person);
        }
        for (n, place) in changes.places {
            index(&mut self.place_numbers, &place.numbers, n, |epoch| (place.kind, epoch.clone()));
            self.places.insert(n, place);
        }
        if let Some(login) = changes.login {
            self.logins.set(login, &self.awaited);
        }
    }

    /// The logins as they will be with `login`.
    pub(crate) fn logins_with(&self, login: LoginNote) -> Logins {
        let mut logins = self.logins.clone();
        logins.set(login, &self.awaited);
        logins
    }

    /// Whether numbers of `epoch` are needed while `logins` (else those of before) are remembered.
    pub(crate) fn is_kept(&self, logins: Option<&Logins>, epoch: &str) -> bool {
        self.awaited.contains(epoch) || logins.unwrap_or(&self.logins).of(epoch).is_some()
    }

    /// What the matching of `epoch` came to; `None` before its lists were seen.
    pub(crate) fn login(&self, epoch: &str) -> Option<&LoginNote> {
        self.logins.of(epoch)
    }

    /// The logins that are kept, the oldest first.
    pub(crate) fn logins(&self) -> impl Iterator<Item = &LoginNote> {
        self.logins.iter()
    }

    /// The doubt about a number of `epoch`, unless it is settled.
    pub(crate) fn doubt(&self, epoch: &str, kind: ChatKind, number: u64) -> Option<&DoubtNote> {
        self.doubts(epoch).find(|doubt| doubt.kind == kind && doubt.number == number)
    }

    /// The doubts of `epoch` that are not settled.
    pub(crate) fn doubts(&self, epoch: &str) -> impl Iterator<Item = &DoubtNote> {
        let doubts = self.login(epoch).map_or(&[][..], |login| login.doubts.as_slice());
        doubts.iter().filter(|doubt| doubt.settled.is_none())
    }

    /// The person with this number in `epoch`.
    pub(crate) fn person(&self, epoch: &str, uin: Uin) -> Option<&Person> {
        self.people.get(self.uins.get(epoch)?.get(&uin.0)?)
    }

    /// The person with this lasting id.
    pub(crate) fn person_n(&self, n: u64) -> Option<&Person> {
        self.people.get(&n)
    }

    /// The place with this number in `epoch`.
    pub(crate) fn place(&self, kind: PlaceKind, epoch: &str, number: u64) -> Option<&Place> {
        self.places.get(self.place_numbers.get(&(kind, epoch.to_owned()))?.get(&number)?)
    }

    /// The place with this lasting id.
    pub(crate) fn place_n(&self, kind: PlaceKind, n: u64) -> Option<&Place> {
        self.places.get(&n).filter(|place| place.kind == kind)
    }

    /// Everybody.
    pub(crate) fn people(&self) -> impl Iterator<Item = &Person> {
        self.people.values()
    }

    /// Every place.
    pub(crate) fn places(&self) -> impl Iterator<Item = &Place> {
        self.places.values()
    }

    /// The next lasting id of a person, after those in `changes`.
    pub(crate) fn next_person(&self, changes: &Changes) -> u64 {
        next(&self.people, &changes.people)
    }

    /// The next lasting id of a place, after those in `changes`.
    pub(crate) fn next_place(&self, changes: &Changes) -> u64 {
        next(&self.places, &changes.places)
    }

    /// The note of `epoch`, to be changed.
    pub(crate) fn login_in<'a>(&self, changes: &'a mut Changes, epoch: &str) -> &'a mut LoginNote {
        changes.login.get_or_insert_with(|| {
            let fresh = || LoginNote { epoch: epoch.to_owned(), ..LoginNote::default() };
            self.login(epoch).cloned().unwrap_or_else(fresh)
        })
    }
}

fn next<T>(known: &BTreeMap<u64, T>, changed: &BTreeMap<u64, T>) -> u64 {
    let last = |map: &BTreeMap<u64, T>| map.keys().next_back().copied().unwrap_or(0);
    last(known).max(last(changed)) + 1
}

fn index<K: Eq + std::hash::Hash>(index: &mut Index<K>, numbers: &Numbers, n: u64, key: impl Fn(&String) -> K) {
    for number in numbers.iter() {
        index.entry(key(&number.epoch)).or_default().insert(number.value, n);
    }
}

fn unindex<K: Eq + std::hash::Hash>(index: &mut Index<K>, numbers: &Numbers, key: impl Fn(&String) -> K) {
    for number in numbers.iter() {
        if let Some(numbers) = index.get_mut(&key(&number.epoch)) {
            numbers.remove(&number.value);
        }
    }
}
