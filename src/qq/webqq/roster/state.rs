//! The roster in memory: everybody and every place that is known, found by lasting id or by the numbers of a login.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::note::{Changes, DoubtNote, Kept, LoginNote, Logins, Numbers, Person, Place, PlaceKind, Real};
use crate::qq::ChatKind;
use crate::qq::webqq::number::{Account, Uin};

/// From the number of a login to what lasts.
type Index<K> = HashMap<K, HashMap<u64, u64>>;

/// From something that several may share to each of them.
type Shared<K> = BTreeSet<(K, u64)>;

/// Everything known.
#[derive(Default)]
pub(crate) struct State {
    /// Each by itself: a tree has room for eleven where there are six.
    people: BTreeMap<u64, Box<Person>>,
    places: BTreeMap<u64, Place>,
    logins: Logins,
    /// The logins of which something waited to be opened when this one began.
    awaited: BTreeSet<String>,
    uins: Index<String>,
    place_numbers: Index<(PlaceKind, String)>,
    people_by_account: Shared<Account>,
    places_by_account: Shared<Account>,
    /// Whoever was heard in a place.
    people_by_place: Shared<u64>,
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
            forget(&mut self.people_by_account, accounts(old.real.as_ref()), old.n);
            forget(&mut self.people_by_place, old.heard_in.places(), old.n);
        }
        for old in changes.places.keys().filter_map(|n| self.places.get(n)) {
            unindex(&mut self.place_numbers, &old.numbers, |epoch| (old.kind, epoch.clone()));
            forget(&mut self.places_by_account, accounts(old.real.as_ref()), old.n);
        }
        for (n, person) in changes.people {
            index(&mut self.uins, &person.numbers, n, Clone::clone);
            self.people_by_account.extend(accounts(person.real.as_ref()).map(|account| (account, n)));
            self.people_by_place.extend(person.heard_in.places().map(|place| (place, n)));
            self.people.insert(n, Box::new(person));
        }
        for (n, place) in changes.places {
            index(&mut self.place_numbers, &place.numbers, n, |epoch| (place.kind, epoch.clone()));
            self.places_by_account.extend(accounts(place.real.as_ref()).map(|account| (account, n)));
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
        self.person_n(*self.uins.get(epoch)?.get(&uin.0)?)
    }

    /// The person with this lasting id.
    pub(crate) fn person_n(&self, n: u64) -> Option<&Person> {
        self.people.get(&n).map(Box::as_ref)
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
        self.people.values().map(Box::as_ref)
    }

    /// Every place.
    pub(crate) fn places(&self) -> impl Iterator<Item = &Place> {
        self.places.values()
    }

    /// Those who were said to have this real number.
    pub(crate) fn people_with(&self, account: Account) -> impl Iterator<Item = &Person> {
        sharing(&self.people_by_account, account).filter_map(|n| self.person_n(n))
    }

    /// The places that were said to have this real number.
    pub(crate) fn places_with(&self, account: Account) -> impl Iterator<Item = &Place> {
        sharing(&self.places_by_account, account).filter_map(|n| self.places.get(&n))
    }

    /// Those who were heard in this place.
    pub(crate) fn people_heard_in(&self, place: u64) -> impl Iterator<Item = &Person> {
        sharing(&self.people_by_place, place).filter_map(|n| self.person_n(n))
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

fn next<K, C>(known: &BTreeMap<u64, K>, changed: &BTreeMap<u64, C>) -> u64 {
    let (known, changed) = (known.last_key_value(), changed.last_key_value());
    known.map_or(0, |(n, _)| *n).max(changed.map_or(0, |(n, _)| *n)) + 1
}

fn accounts(real: Option<&Real>) -> impl Iterator<Item = Account> {
    real.map(|real| real.account).into_iter()
}

fn sharing<K: Copy + Ord>(index: &Shared<K>, key: K) -> impl Iterator<Item = u64> {
    index.range((key, 0)..=(key, u64::MAX)).map(|(_, n)| *n)
}

fn forget<K: Ord>(index: &mut Shared<K>, keys: impl Iterator<Item = K>, n: u64) {
    for key in keys {
        index.remove(&(key, n));
    }
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

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Somebody, the number they are said to have, and where they were heard.
    fn person((n, account, places): (u64, Option<u64>, BTreeSet<u64>)) -> (u64, Person) {
        let real = account.map(|number| Real::told(Account::told(20_000 + number, 0).unwrap(), "now"));
        let heard_in = places.into_iter().map(|place| (place, String::new())).collect::<BTreeMap<_, _>>().into();
        (n, Person { heard_in, real, ..Person::nobody(n) })
    }

    proptest! {
        #[test]
        fn whoever_is_looked_up_is_whoever_a_search_finds(
            rounds in prop::collection::vec(
                prop::collection::vec((0..6_u64, prop::option::of(0..3_u64), prop::collection::btree_set(0..3_u64, 0..3)), 0..4),
                0..6,
            ),
        ) {
            let mut state = State::default();
            for round in rounds {
                state.apply(Changes { people: round.into_iter().map(person).collect(), ..Changes::default() });
                for key in 0..3 {
                    let account = Account::told(20_000 + key, 0).unwrap();
                    let having_it = state.people().filter(|person| accounts(person.real.as_ref()).any(|has| has == account));
                    prop_assert!(state.people_with(account).eq(having_it));
                    let heard = state.people().filter(|person| person.heard_in.card(key).is_some());
                    prop_assert!(state.people_heard_in(key).eq(heard));
                }
            }
        }
    }
}
