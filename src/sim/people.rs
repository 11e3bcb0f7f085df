//! Everybody in a world by name, with what is the same in every group: nick and real number.

use std::collections::{HashMap, HashSet};

use sha2::{Digest as _, Sha256};

use super::world::{World, WorldError};

/// Smaller numbers were never given out.
const LEAST_NUMBER: u32 = 10_001;

/// The people of one world.
#[derive(Clone, Debug, Default)]
pub(crate) struct People {
    by_name: HashMap<String, Person>,
}

/// Somebody other than the account.
#[derive(Clone, Debug)]
pub(crate) struct Person {
    pub(crate) nick: String,
    pub(crate) number: u32,
}

impl People {
    /// Collects the people of `world` and checks that it does not contradict itself.
    pub(crate) fn of(world: &World) -> Result<Self, WorldError> {
        check_names(world)?;
        let mut by_name: HashMap<String, Person> = HashMap::new();
        for (name, nick, number) in world.mentions() {
            by_name.entry(name.to_owned()).or_insert_with(|| Person {
                nick: nick.unwrap_or(name).to_owned(),
                number: number.unwrap_or_else(|| lasting_number("person", name)),
            });
        }
        let mut numbers = HashSet::from([world.account.number]);
        for (name, person) in &by_name {
            if !numbers.insert(person.number) {
                return Err(contradiction(format!("{name} has a number that somebody else has")));
            }
        }
        Ok(Self { by_name })
    }

    pub(crate) fn get(&self, name: &str) -> Option<&Person> {
        self.by_name.get(name)
    }

    pub(crate) fn nick<'a>(&'a self, name: &'a str) -> &'a str {
        self.get(name).map_or(name, |person| &person.nick)
    }

    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.by_name.keys().map(String::as_str)
    }
}

/// A number that the same name always gets, in every run.
pub(crate) fn lasting_number(kind: &str, name: &str) -> u32 {
    let digest = Sha256::new_with_prefix(kind).chain_update(":").chain_update(name).finalize();
    let first = digest.iter().take(4).fold(0, |number: u32, byte| (number << 8) | u32::from(*byte));
    first.max(LEAST_NUMBER)
}

fn check_names(world: &World) -> Result<(), WorldError> {
    let me = world.account.nick.as_str();
    once("friend", world.friends.iter().map(|friend| friend.name.as_str()).chain([me]))?;
    once("group", world.groups.iter().map(|group| group.name.as_str()))?;
    once("discussion", world.discussions.iter().map(|discussion| discussion.name.as_str()))?;
    once("strangers", world.strangers.iter().map(|stranger| stranger.name.as_str()).chain([me]))?;
    for group in &world.groups {
        let members = once(&group.name, group.members.iter().map(|member| member.name.as_str()).chain([me]))?;
        for officer in group.admins.iter().chain([&group.owner]) {
            if !members.contains(officer.as_str()) {
                return Err(contradiction(format!("{officer} has an office in {} without being in it", group.name)));
            }
        }
    }
    for discussion in &world.discussions {
        once(&discussion.name, discussion.members.iter().map(|member| member.name.as_str()).chain([me]))?;
    }
    Ok(())
}

fn once<'a>(place: &str, names: impl Iterator<Item = &'a str>) -> Result<HashSet<&'a str>, WorldError> {
    let mut seen = HashSet::new();
    for name in names {
        if name.is_empty() {
            return Err(contradiction(format!("{place}: a name is empty")));
        }
        if !seen.insert(name) {
            return Err(contradiction(format!("{place}: {name} is there twice")));
        }
    }
    Ok(seen)
}

const fn contradiction(what: String) -> WorldError {
    WorldError::Contradiction(what)
}
