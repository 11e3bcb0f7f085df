//! The numbers that one login sees: pseudonyms for people, groups and discussions, dealt anew at every login.
//!
//! Source: protocol dossier 1.

use std::collections::HashMap;

use rand::Rng;

use super::people::People;
use super::world::World;

/// Every second number lies above this one: clients that keep them in 31 bits must fail early.
const HALF: u32 = 1 << 31;
/// Pseudonyms of the real service had nine or ten digits.
const LEAST: u32 = 100_000_000;

/// What a number stands for, by the names of the world.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Whom {
    /// `uin`: a person other than the account.
    Person(String),
    /// `gid`: a group, in lists and messages.
    Group(String),
    /// `code`: the same group, for `get_group_info_ext2`.
    Code(String),
    /// `did`: a discussion.
    Discussion(String),
    /// The account itself as the sender of its own echoes; in no member list. Source: protocol dossier 9.4.
    Echo,
}

/// Numbers both ways; no number is used twice.
#[derive(Clone, Debug)]
pub(crate) struct Numbers {
    own: u32,
    by_whom: HashMap<Whom, u32>,
    by_number: HashMap<u32, Whom>,
}

impl Numbers {
    /// Deals numbers to everybody in `world`.
    pub(crate) fn deal(rng: &mut impl Rng, world: &World, people: &People) -> Self {
        let mut numbers = Self { own: world.account.number, by_whom: HashMap::new(), by_number: HashMap::new() };
        numbers.extend(rng, world, people);
        numbers
    }

    /// Deals numbers to those who have none yet.
    pub(crate) fn extend(&mut self, rng: &mut impl Rng, world: &World, people: &People) {
        let mut names: Vec<&str> = people.names().collect();
        names.sort_unstable();
        for name in names {
            self.give(rng, Whom::Person(name.to_owned()));
        }
        for group in &world.groups {
            self.give(rng, Whom::Group(group.name.clone()));
            self.give(rng, Whom::Code(group.name.clone()));
        }
        for discussion in &world.discussions {
            self.give(rng, Whom::Discussion(discussion.name.clone()));
        }
        self.give(rng, Whom::Echo);
    }

    /// The number of `whom`; `None` when the world did not have them yet at the last dealing.
    pub(crate) fn of(&self, whom: &Whom) -> Option<u32> {
        self.by_whom.get(whom).copied()
    }

    pub(crate) fn person(&self, name: &str) -> Option<u32> {
        self.of(&Whom::Person(name.to_owned()))
    }

    /// Whom `number` stands for in this login.
    pub(crate) fn whom(&self, number: u32) -> Option<&Whom> {
        self.by_number.get(&number)
    }

    fn give(&mut self, rng: &mut impl Rng, whom: Whom) {
        if self.by_whom.contains_key(&whom) {
            return;
        }
        let range = if self.by_whom.len().is_multiple_of(2) { HALF..=u32::MAX } else { LEAST..=HALF - 1 };
        let number = loop {
            let number = rng.random_range(range.clone());
            if number != self.own && !self.by_number.contains_key(&number) {
                break number;
            }
        };
        self.by_whom.insert(whom.clone(), number);
        self.by_number.insert(number, whom);
    }
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng as _;
    use rand::rngs::StdRng;

    use super::*;

    #[test]
    fn every_login_is_dealt_other_numbers_and_half_of_them_are_large() {
        let world = World::example().unwrap();
        let people = People::of(&world).unwrap();
        let mut rng = StdRng::seed_from_u64(7);
        let (one, other) = (Numbers::deal(&mut rng, &world, &people), Numbers::deal(&mut rng, &world, &people));
        assert!(one.by_whom.iter().all(|(whom, number)| other.of(whom) != Some(*number)));
        let large = one.by_number.keys().filter(|number| **number >= HALF).count();
        assert_eq!(large, one.by_number.len().div_ceil(2));
    }

    #[test]
    fn a_number_leads_back_to_whom_it_was_dealt() {
        let world = World::example().unwrap();
        let numbers = Numbers::deal(&mut StdRng::seed_from_u64(7), &world, &People::of(&world).unwrap());
        for (whom, number) in &numbers.by_whom {
            assert_eq!(numbers.whom(*number), Some(whom));
        }
        assert_eq!(numbers.by_number.len(), numbers.by_whom.len());
    }
}
