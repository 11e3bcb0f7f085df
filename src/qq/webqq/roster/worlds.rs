//! Any friends, any changes between two logins: whatever the matching calls certain is what an honest reader of both
//! lists would say.
//!
//! The reader is an oracle that knows nothing of ties: it goes through every way in which the old list can have become
//! the new one, counts the changes that each way needs, and is certain only of what all ways agree in that need at most
//! one change more than the shortest. What a list does not show (friends who exchange everything that is visible) it
//! cannot know either; docs/identity.md says so.

use proptest::prelude::*;

use super::evidence::{FriendEvidence, friend_tie, numbers_first};
use super::matching::{Found, find};
use crate::qq::webqq::number::Account;

/// One way: for each of the new list, who of the old one it is.
type Story = Vec<Option<usize>>;

fn friend() -> impl Strategy<Value = FriendEvidence> {
    let markname = proptest::option::weighted(0.4, "[MN]");
    ("[abc]", markname, "[x]?").prop_map(|(nick, markname, category)| FriendEvidence {
        nick,
        markname,
        category,
        account: None,
    })
}

/// What happens to one friend between two logins.
#[derive(Clone, Debug)]
enum Change {
    Leave(usize),
    Join(FriendEvidence),
    Nick(usize, String),
    Mark(usize, Option<String>),
    Category(usize, String),
    SwapMarks(usize, usize),
    SwapNicks(usize, usize),
    SwapAll(usize, usize),
}

fn change() -> impl Strategy<Value = Change> {
    prop_oneof![
        (0..4_usize).prop_map(Change::Leave),
        friend().prop_map(Change::Join),
        (0..4_usize, "[abcd]").prop_map(|(who, nick)| Change::Nick(who, nick)),
        (0..4_usize, proptest::option::of("[MNO]")).prop_map(|(who, mark)| Change::Mark(who, mark)),
        (0..4_usize, "[xy]?").prop_map(|(who, category)| Change::Category(who, category)),
        (0..4_usize, 0..4_usize).prop_map(|(one, other)| Change::SwapMarks(one, other)),
        (0..4_usize, 0..4_usize).prop_map(|(one, other)| Change::SwapNicks(one, other)),
        (0..4_usize, 0..4_usize).prop_map(|(one, other)| Change::SwapAll(one, other)),
    ]
}

/// Somebody of the new list with who they truly are.
type True = (Option<usize>, FriendEvidence);

fn lived_through(known: &[FriendEvidence], changes: Vec<Change>) -> Vec<True> {
    let mut people: Vec<True> = known.iter().cloned().enumerate().map(|(k, friend)| (Some(k), friend)).collect();
    for change in changes {
        match change {
            Change::Leave(who) if who < people.len() => drop(people.remove(who)),
            Change::Join(friend) => people.push((None, friend)),
            Change::Nick(who, nick) if who < people.len() => people[who].1.nick = nick,
            Change::Mark(who, mark) if who < people.len() => people[who].1.markname = mark,
            Change::Category(who, category) if who < people.len() => people[who].1.category = category,
            Change::SwapMarks(one, other) if one.max(other) < people.len() => {
                let mark = people[one].1.markname.clone();
                people[one].1.markname = std::mem::replace(&mut people[other].1.markname, mark);
            }
            Change::SwapNicks(one, other) if one.max(other) < people.len() => {
                let nick = people[one].1.nick.clone();
                people[one].1.nick = std::mem::replace(&mut people[other].1.nick, nick);
            }
            Change::SwapAll(one, other) if one.max(other) < people.len() => {
                let all = people[one].1.clone();
                people[one].1 = std::mem::replace(&mut people[other].1, all);
            }
            _ => {}
        }
    }
    people
}

/// How many changes make the known friend look like the new one. Nobody hits upon the nick of another friend by chance:
/// that counts as two.
fn changes_between(known: &FriendEvidence, seen: &FriendEvidence, all: &[FriendEvidence]) -> u32 {
    let is_taken = all.iter().any(|other| other.nick == seen.nick);
    let nick = if known.nick == seen.nick { 0 } else { 1 + u32::from(is_taken) };
    let mark = match (&known.markname, &seen.markname) {
        (Some(known), Some(seen)) if known == seen => 0,
        (None, None) => 0,
        (Some(_), None) => 1,
        (_, Some(_)) => 2,
    };
    nick + u32::from(known.category != seen.category) + mark
}

/// Somebody joins, and is given a markname and a category. Here too the nick of a friend is a coincidence.
fn joining(seen: &FriendEvidence, all: &[FriendEvidence]) -> u32 {
    let nick = u32::from(all.iter().any(|other| other.nick == seen.nick));
    1 + nick + if seen.markname.is_some() { 2 } else { 0 } + u32::from(!seen.category.is_empty())
}

/// Every story with the changes that it needs.
fn stories(known: &[FriendEvidence], seen: &[FriendEvidence]) -> Vec<(u32, Story)> {
    let mut all: Vec<(u32, Story)> = vec![(0, Vec::new())];
    for seen in seen {
        let mut longer = Vec::new();
        for (cost, story) in &all {
            let mut go_on = |who: Option<usize>, more: u32| {
                let mut story = story.clone();
                story.push(who);
                longer.push((cost + more, story));
            };
            go_on(None, joining(seen, known));
            for (k, one) in known.iter().enumerate().filter(|(k, _)| !story.contains(&Some(*k))) {
                go_on(Some(k), changes_between(one, seen, known));
            }
        }
        all = longer;
    }
    let left = |story: &Story| known.len() - story.iter().flatten().count();
    all.into_iter().map(|(cost, story)| (cost + u32::try_from(left(&story)).unwrap(), story)).collect()
}

/// The real number of the known friend, or of the newcomer, at this place.
fn account(is_told: bool, place: usize, of_newcomers: bool) -> Option<Account> {
    let number = if of_newcomers { 30_000 } else { 20_000 } + u64::try_from(place).unwrap();
    Account::told(number, 0).filter(|_| is_told)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn whoever_told_a_real_number_both_times_is_found_by_it_whatever_was_exchanged(
        mut known in proptest::collection::vec(friend(), 0..5),
        changes in proptest::collection::vec(change(), 0..6),
        told in proptest::collection::vec(any::<(bool, bool)>(), 12),
    ) {
        let mut people = lived_through(&known, changes);
        for (place, (who, friend)) in people.iter_mut().enumerate() {
            friend.account = account(told[place].1, who.unwrap_or(place), who.is_none());
        }
        for (place, friend) in known.iter_mut().enumerate() {
            friend.account = account(told[place].0, place, false);
        }
        let seen: Vec<FriendEvidence> = people.iter().map(|(_, friend)| friend.clone()).collect();
        let tie = |known: &FriendEvidence, seen: &FriendEvidence| {
            numbers_first(known.account, seen.account, || friend_tie(known, seen, true))
        };
        for ((who, seen), found) in people.iter().zip(find(&known, &seen, tie)) {
            let is_told = who.is_some_and(|k| known[k].account.is_some() && seen.account.is_some());
            if let Some(k) = who.filter(|_| is_told) {
                prop_assert_eq!(&found, &Found::Again(k));
            }
            if let Found::Again(k) = found {
                let both = known[k].account.zip(seen.account);
                prop_assert!(both.is_none_or(|(known, seen)| known == seen));
            }
        }
    }

    #[test]
    fn whatever_is_certain_is_so_in_every_likely_story(
        known in proptest::collection::vec(friend(), 0..5),
        changes in proptest::collection::vec(change(), 0..5),
    ) {
        let people = lived_through(&known, changes);
        prop_assume!(people.len() <= 5);
        let seen: Vec<FriendEvidence> = people.iter().map(|(_, friend)| friend.clone()).collect();
        let found = find(&known, &seen, |known, seen| friend_tie(known, seen, true));
        let stories = stories(&known, &seen);
        let shortest = stories.iter().map(|(cost, _)| *cost).min().unwrap_or(0);
        for (s, found) in found.iter().enumerate() {
            let Found::Again(k) = found else { continue };
            // The account's own word for somebody is believed even where one change more would tell another story.
            let is_own_word = known[*k].markname.is_some() && known[*k].markname == seen[s].markname;
            let longest = shortest + u32::from(!is_own_word);
            for (cost, story) in stories.iter().filter(|(cost, _)| *cost <= longest) {
                prop_assert_eq!(story[s], Some(*k), "{:?} became {:?} by {} changes: {:?}", known, seen, cost, story);
            }
            // Wrong only where all that the list showed of somebody was passed on, or the owner's own word was.
            if people[s].0 != Some(*k) {
                let (known, seen) = (&known[*k], &seen[s]);
                let same_names = known.nick == seen.nick && known.category == seen.category;
                let is_disguised = match &known.markname {
                    Some(_) => known.markname == seen.markname,
                    None => same_names,
                };
                prop_assert!(is_disguised, "{:?} was taken for {:?}", seen, known);
            }
        }
    }
}
