//! Any groups and discussions, any changes between two logins: no room goes on with what is not the same, unless all
//! that QQ tells of the two is alike, and docs/identity.md says what that is.
//!
//! Two logins are gone through as the client goes through them: the list, a look from within at those whom it does not
//! tell, and one at each before its first message.

use std::collections::BTreeSet;
use std::sync::Arc;

use futures_util::FutureExt as _;
use proptest::prelude::*;

use super::{Lists, Named, PlaceEvidence, PlaceKind, Roster, SeenPlace};
use crate::qq::webqq::members::{Member, Members};
use crate::qq::webqq::number::Uin;
use crate::qq::{AccountId, ChatId, Forgetful, Memory, Muting};

/// A group or discussion as it truly is.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Truth {
    /// Who it is; QQ does not tell.
    id: usize,
    name: String,
    owner: char,
    created_at: i64,
    people: BTreeSet<char>,
    /// Whether something was said in it, so that it has a room.
    spoke: bool,
}

fn truth() -> impl Strategy<Value = Truth> {
    let people = proptest::collection::btree_set(proptest::char::range('a', 'h'), 1..7);
    ("[gh]?", proptest::char::range('a', 'c'), 1..4_i64, people, any::<bool>())
        .prop_map(|(name, owner, created_at, people, spoke)| Truth { id: 0, name, owner, created_at, people, spoke })
}

/// What happens between two logins.
#[derive(Clone, Debug)]
enum Change {
    Vanish(usize),
    Appear(Truth),
    Rename(usize, String),
    SwapNames(usize, usize),
    Own(usize, char),
    Join(usize, char),
    Leave(usize, char),
    /// A person goes by another nick everywhere.
    Renick(char, char),
}

fn change() -> impl Strategy<Value = Change> {
    let (who, one) = (0..4_usize, proptest::char::range('a', 'j'));
    prop_oneof![
        who.clone().prop_map(Change::Vanish),
        truth().prop_map(Change::Appear),
        (who.clone(), "[ghi]").prop_map(|(who, name)| Change::Rename(who, name)),
        (who.clone(), who.clone()).prop_map(|(one, other)| Change::SwapNames(one, other)),
        (who.clone(), one.clone()).prop_map(|(who, owner)| Change::Own(who, owner)),
        (who.clone(), one.clone()).prop_map(|(who, one)| Change::Join(who, one)),
        (who, one.clone()).prop_map(|(who, one)| Change::Leave(who, one)),
        (one.clone(), one).prop_map(|(old, new)| Change::Renick(old, new)),
    ]
}

fn lived_through(mut places: Vec<Truth>, changes: Vec<Change>) -> Vec<Truth> {
    let mut next = places.len();
    for change in changes {
        match change {
            Change::Vanish(who) if who < places.len() => drop(places.remove(who)),
            Change::Appear(place) => {
                places.push(Truth { id: next, ..place });
                next += 1;
            }
            Change::Rename(who, name) if who < places.len() => places[who].name = name,
            Change::SwapNames(one, other) if one.max(other) < places.len() => {
                let name = places[one].name.clone();
                places[one].name = std::mem::replace(&mut places[other].name, name);
            }
            Change::Own(who, owner) if who < places.len() => places[who].owner = owner,
            Change::Join(who, one) if who < places.len() => drop(places[who].people.insert(one)),
            Change::Leave(who, one) if who < places.len() => drop(places[who].people.remove(&one)),
            Change::Renick(old, new) => {
                for place in &mut places {
                    if place.people.remove(&old) {
                        place.people.insert(new);
                    }
                    place.owner = if place.owner == old { new } else { place.owner };
                }
            }
            _ => {}
        }
    }
    places
}

/// What `get_group_info_ext2` and `get_discu_info` say of it; the account itself is always among the people.
fn members(kind: PlaceKind, place: &Truth) -> Members {
    let member = |nick: char| Member { uin: Uin(u64::from(nick)), nick: nick.to_string(), card: None, account: None };
    let is_group = kind == PlaceKind::Group;
    Members {
        name: place.name.clone(),
        owner: Some(Uin(u64::from(place.owner))).filter(|_| is_group),
        created_at: Some(place.created_at).filter(|_| is_group),
        list: place.people.iter().copied().chain(['z']).map(member).collect(),
        ..Members::default()
    }
}

/// One login with `places`, numbered from `first` on, of which those that `speaks` are heard. The chats that they are.
async fn login(
    memory: &Arc<dyn Memory>,
    (kind, epoch, first): (PlaceKind, &str, u64),
    places: &[Truth],
    speaks: impl Fn(&Truth) -> bool,
) -> Vec<Option<ChatId>> {
    let roster = Roster::load(AccountId::new("10001"), Uin(10_001), epoch.to_owned(), memory.clone()).await.unwrap();
    let numbered = || places.iter().zip(first..);
    let absorb = async || {
        let seen = |(place, number): (&Truth, u64)| {
            let evidence = PlaceEvidence { name: place.name.clone(), ..PlaceEvidence::default() };
            SeenPlace { number, code: None, markname: None, evidence, from_within: false, muting: Muting::Loud }
        };
        let mut list: Vec<SeenPlace> = numbered().map(seen).collect();
        let wanting = roster.wanting(kind, &list);
        for (seen, (place, _)) in list.iter_mut().zip(numbered()).filter(|(seen, _)| wanting.contains(&seen.number)) {
            seen.look_within(&members(kind, place));
        }
        let (groups, discussions) = if kind == PlaceKind::Group { (Some(list), None) } else { (None, Some(list)) };
        roster.absorb(Lists { friends: None, groups, discussions }).await.unwrap();
    };
    absorb().await;
    for (place, number) in numbered().filter(|(place, _)| speaks(place)) {
        if roster.place_chat(kind, epoch, number) == Named::Unknown {
            absorb().await;
        }
        if matches!(roster.place_chat(kind, epoch, number), Named::Known(_)) && !roster.is_checked(kind, number) {
            roster.look_within(kind, number, &members(kind, place)).await.unwrap();
        }
    }
    let chat = |(_, number)| match roster.place_chat(kind, epoch, number) {
        Named::Known(chat) => Some(chat),
        Named::Doubtful(_) | Named::Unknown => None,
    };
    numbered().map(chat).collect()
}

/// Whether at least six of ten people of both are in both.
fn is_one_crowd(one: &Truth, other: &Truth) -> bool {
    let shared = one.people.intersection(&other.people).count() + 1;
    let all = one.people.union(&other.people).count() + 1;
    shared * 10 >= all * 6
}

/// Whether QQ tells of both what nothing but chance tells of two.
fn are_alike(kind: PlaceKind, one: &Truth, other: &Truth) -> bool {
    let same_name = one.name == other.name;
    match kind {
        PlaceKind::Group => {
            let same_birth = one.created_at == other.created_at;
            same_birth && (same_name || one.owner == other.owner || is_one_crowd(one, other))
        }
        PlaceKind::Discussion => same_name && is_one_crowd(one, other),
    }
}

/// Goes through both logins; a text for every room that goes on with what it is not.
fn mistakes(kind: PlaceKind, known: &[Truth], changes: Vec<Change>) -> Vec<String> {
    let memory: Arc<dyn Memory> = Arc::new(Forgetful::default());
    let seen = lived_through(known.to_vec(), changes);
    let two_logins = async {
        let before = login(&memory, (kind, "a", 100), known, |place| place.spoke).await;
        (before, login(&memory, (kind, "b", 200), &seen, |_| true).await)
    };
    let (before, after) = two_logins.now_or_never().unwrap();
    let mut mistakes = Vec::new();
    for (seen, chat) in seen.iter().zip(&after).filter(|(_, chat)| chat.is_some()) {
        for (known, _) in known.iter().zip(&before).filter(|(known, room)| known.spoke && *room == chat) {
            if known.id != seen.id && !are_alike(kind, known, seen) {
                mistakes.push(format!("{seen:?} was taken for {known:?}"));
            }
        }
    }
    mistakes
}

fn places() -> impl Strategy<Value = Vec<Truth>> {
    proptest::collection::vec(truth(), 0..5).prop_map(|mut places| {
        places.iter_mut().enumerate().for_each(|(id, place)| place.id = id);
        places
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]

    #[test]
    fn no_room_goes_on_with_another_group(known in places(), changes in proptest::collection::vec(change(), 0..6)) {
        prop_assert_eq!(mistakes(PlaceKind::Group, &known, changes), Vec::<String>::new());
    }

    #[test]
    fn no_room_goes_on_with_another_discussion(known in places(), changes in proptest::collection::vec(change(), 0..6)) {
        prop_assert_eq!(mistakes(PlaceKind::Discussion, &known, changes), Vec::<String>::new());
    }
}
