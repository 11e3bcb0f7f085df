//! Finds known friends and chats again among those of a new login, by what lasts. Pure: evidence in, verdicts out.
//!
//! Every login renumbers everything, so names have to tell who is who. A message in the wrong room is a privacy leak;
//! whatever is not certain is in doubt. Source: protocol dossier 11 (uin churn, stable mapping).

use std::collections::HashSet;

use super::evidence::Tie;

/// Who a friend or chat of the new login is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Found {
    /// The known one at this place.
    Again(usize),
    /// Nobody who was known.
    New,
    /// Perhaps one of the known ones at these places.
    Doubtful(Vec<usize>),
}

/// Says for each of `seen` who it is among `known`.
///
/// 0. A pair of one real number is the same, whatever else agrees with either.
/// 1. A pair that has in common what nobody else has is the same, unless somebody who is not so explained has nearly as
///    much in common with either.
/// 2. Of those left, a pair that agrees in all that is known is the same, if nobody else agrees with either in all of
///    it, and nobody who is not explained in this way has anything in common with either.
/// 3. Of those left, whoever has nothing in common with anybody is new; two that have something in common only with
///    each other are the same if it is enough; all others are in doubt.
pub(crate) fn find<K, S>(known: &[K], seen: &[S], compare: impl Fn(&K, &S) -> Tie) -> Vec<Found> {
    let ties: Vec<Vec<Tie>> =
        seen.iter().map(|seen| known.iter().map(|known| compare(known, seen)).collect()).collect();
    let mut open = Open { seen: vec![true; seen.len()], known: vec![true; known.len()] };
    let mut found: Vec<Found> = vec![Found::New; seen.len()];
    for (s, k) in mutual(&ties, &open, Tie::Same) {
        set(&mut found, s, Found::Again(k));
        open.close(s, k);
    }
    for (level, rival) in [(Tie::Sure, Tie::Nearly), (Tie::Full, Tie::Little)] {
        let mut pairs = mutual(&ties, &open, level);
        drop_rivalled(&ties, &open, rival, &mut pairs);
        for (s, k) in pairs {
            set(&mut found, s, Found::Again(k));
            open.close(s, k);
        }
    }
    for first in 0..seen.len() {
        let (group_seen, group_known) = open.take_group(first, &ties);
        if let ([s], [k]) = (group_seen.as_slice(), group_known.as_slice())
            && at(&ties, *s, *k) >= Tie::Enough
        {
            set(&mut found, *s, Found::Again(*k));
        } else if !group_known.is_empty() {
            for s in group_seen {
                let candidates = group_known.iter().copied().filter(|k| at(&ties, s, *k) > Tie::Nothing);
                set(&mut found, s, Found::Doubtful(candidates.collect()));
            }
        }
    }
    found
}

/// Pairs of those who are open that have just `level` in common, and neither side as much with anybody else.
fn mutual(ties: &[Vec<Tie>], open: &Open, level: Tie) -> Vec<(usize, usize)> {
    let is_tied = |s: usize, k: usize| at(ties, s, k) >= level;
    let of_seen = |s: usize| only(open.known().filter(|k| is_tied(s, *k)));
    let of_known = |k: usize| only(open.seen().filter(|s| is_tied(*s, k)));
    let is_pair = |s: usize, k: usize| at(ties, s, k) == level && of_known(k) == Some(s);
    open.seen().filter_map(|s| of_seen(s).filter(|k| is_pair(s, *k)).map(|k| (s, k))).collect()
}

/// Takes pairs out of which one side has as much as `rival` in common with somebody who is in no pair, until none is
/// left.
fn drop_rivalled(ties: &[Vec<Tie>], open: &Open, rival: Tie, pairs: &mut Vec<(usize, usize)>) {
    loop {
        let paired_seen: HashSet<usize> = pairs.iter().map(|(s, _)| *s).collect();
        let paired_known: HashSet<usize> = pairs.iter().map(|(_, k)| *k).collect();
        let is_tied = |s: usize, k: usize| at(ties, s, k) >= rival;
        let before = pairs.len();
        pairs.retain(|(s, k)| {
            let rival_known = open.known().any(|other| is_tied(*s, other) && !paired_known.contains(&other));
            let rival_seen = open.seen().any(|other| is_tied(other, *k) && !paired_seen.contains(&other));
            !rival_known && !rival_seen
        });
        if pairs.len() == before {
            return;
        }
    }
}

/// The one thing that `all` gives, if it gives one.
fn only(mut all: impl Iterator<Item = usize>) -> Option<usize> {
    all.next().filter(|_| all.next().is_none())
}

fn at(ties: &[Vec<Tie>], s: usize, k: usize) -> Tie {
    ties.get(s).and_then(|row| row.get(k)).copied().unwrap_or(Tie::Nothing)
}

fn set(found: &mut [Found], s: usize, verdict: Found) {
    if let Some(found) = found.get_mut(s) {
        *found = verdict;
    }
}

/// Those whose identity is still open.
struct Open {
    seen: Vec<bool>,
    known: Vec<bool>,
}

impl Open {
    fn seen(&self) -> impl Iterator<Item = usize> {
        places(&self.seen)
    }

    fn known(&self) -> impl Iterator<Item = usize> {
        places(&self.known)
    }

    fn close(&mut self, s: usize, k: usize) {
        take(&mut self.seen, s);
        take(&mut self.known, k);
    }

    /// Takes everybody out who is tied to `first`, directly or through others.
    fn take_group(&mut self, first: usize, ties: &[Vec<Tie>]) -> (Vec<usize>, Vec<usize>) {
        let (mut group_seen, mut group_known) = (Vec::new(), Vec::new());
        let mut queue = if take(&mut self.seen, first) { vec![first] } else { Vec::new() };
        while let Some(s) = queue.pop() {
            group_seen.push(s);
            for k in 0..self.known.len() {
                if at(ties, s, k) > Tie::Nothing && take(&mut self.known, k) {
                    group_known.push(k);
                    queue.extend(
                        (0..self.seen.len()).filter(|s| at(ties, *s, k) > Tie::Nothing && take(&mut self.seen, *s)),
                    );
                }
            }
        }
        (group_seen, group_known)
    }
}

fn places(flags: &[bool]) -> impl Iterator<Item = usize> {
    flags.iter().enumerate().filter_map(|(place, flag)| flag.then_some(place))
}

/// Closes `flags[place]`; whether it was open.
fn take(flags: &mut [bool], place: usize) -> bool {
    flags.get_mut(place).is_some_and(|flag| std::mem::replace(flag, false))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::qq::webqq::roster::evidence::{FriendEvidence, PlaceEvidence, Sketch, friend_tie, place_tie};

    /// A verdict as tables write it.
    enum Is {
        Again(usize),
        New,
        Perhaps(&'static [usize]),
    }
    use Is::{Again, New, Perhaps};

    impl From<&Is> for Found {
        fn from(is: &Is) -> Self {
            match is {
                Again(place) => Self::Again(*place),
                New => Self::New,
                Perhaps(places) => Self::Doubtful(places.to_vec()),
            }
        }
    }

    fn verdicts(table: &[Is]) -> Vec<Found> {
        table.iter().map(Found::from).collect()
    }

    /// `"nick"`, `"nick|markname"`, `"nick|markname|category"`.
    fn friends(rows: &[&str]) -> Vec<FriendEvidence> {
        let friend = |row: &&str| {
            let mut parts = row.split('|').map(str::to_owned);
            let nick = parts.next().unwrap_or_default();
            let markname = parts.next().filter(|markname| !markname.is_empty());
            FriendEvidence { nick, markname, category: parts.next().unwrap_or_default(), account: None }
        };
        rows.iter().map(friend).collect()
    }

    fn find_friends(known: &[&str], seen: &[&str]) -> Vec<Found> {
        find(&friends(known), &friends(seen), |known, seen| friend_tie(known, seen, true))
    }

    /// What is told, who was known, who is seen, who that is.
    type Row<T> = (&'static str, &'static [T], &'static [T], &'static [Is]);

    #[rustfmt::skip]
    const FRIENDS: &[Row<&str>] = &[
        ("nobody was known", &[], &["a", "a"], &[New, New]),
        ("nobody is there any more", &["a"], &[], &[]),
        ("the same people in another order", &["a", "b|B", "c||x"], &["c||x", "a", "b|B"], &[Again(2), Again(0), Again(1)]),
        ("a new friend", &["a"], &["a", "b"], &[Again(0), New]),
        ("a unique markname outlasts nick and category", &["a|M|x"], &["z|M|y"], &[Again(0)]),
        ("a markname given since", &["a||x"], &["a|M|x"], &[Again(0)]),
        ("a markname that is gone: perhaps a stranger of that nick", &["a|M|x"], &["a||x"], &[Perhaps(&[0])]),
        ("another markname: perhaps somebody else", &["a|M|x"], &["a|N|x"], &[Perhaps(&[0])]),
        ("the same nick in another category", &["a||x"], &["a||y"], &[Perhaps(&[0])]),
        ("a nick changed without a markname", &["a"], &["b"], &[New]),
        ("two of one nick without marknames", &["a", "a"], &["a", "a"], &[Perhaps(&[0, 1]), Perhaps(&[0, 1])]),
        ("one of two of one nick has gone", &["a", "a"], &["a"], &[Perhaps(&[0, 1])]),
        ("a second one of the nick has come", &["a"], &["a", "a"], &[Perhaps(&[0]), Perhaps(&[0])]),
        ("a second one of the nick, with a markname", &["a"], &["a", "a|M|x"], &[Perhaps(&[0]), Perhaps(&[0])]),
        ("the one of two namesakes that had no markname", &["a", "a|M"], &["a"], &[Perhaps(&[0, 1])]),
        ("the one of two namesakes that has one", &["a", "a|M"], &["a|M"], &[Again(1)]),
        ("one of two namesakes in two categories has gone", &["a||x", "a||y"], &["a||x"], &[Perhaps(&[0, 1])]),
        ("two of one nick told apart by markname", &["a|M", "a|N"], &["a|N", "a|M"], &[Again(1), Again(0)]),
        ("two of one nick told apart by category", &["a||x", "a||y"], &["a||y", "a||x"], &[Again(1), Again(0)]),
        ("one of two has a markname", &["a|M", "a"], &["a", "a|M"], &[Again(1), Again(0)]),
        ("a namesake beside one who was marked and renamed", &["a|M", "a"], &["b|M", "a"], &[Perhaps(&[0]), Perhaps(&[0, 1])]),
        ("two of one markname", &["a|M", "b|M"], &["b|M", "a|M"], &[Again(1), Again(0)]),
        ("two of one markname, both renamed", &["a|M", "b|M"], &["c|M", "d|M"], &[Perhaps(&[0, 1]), Perhaps(&[0, 1])]),
        ("nick and markname point to different people", &["a|M|x"], &["b|M|x", "a||x"], &[Perhaps(&[0]), Perhaps(&[0])]),
        ("a markname moved to another friend", &["a|M", "b"], &["a", "b|M"], &[Perhaps(&[0]), Perhaps(&[0, 1])]),
        ("a swapped pair of marknames", &["a|M", "b|N"], &["a|N", "b|M"], &[Perhaps(&[0, 1]), Perhaps(&[0, 1])]),
        ("a ring of marknames", &["a|M", "b|N", "c|O"], &["a|N", "b|O", "c|M"], &[Perhaps(&[0, 1]), Perhaps(&[1, 2]), Perhaps(&[0, 2])]),
        ("no name at all tells nothing", &["||x"], &["||x"], &[New]),
        ("doubt stays among those it concerns", &["a", "a", "b"], &["a", "a", "b"], &[Perhaps(&[0, 1]), Perhaps(&[0, 1]), Again(2)]),
    ];

    #[test]
    fn friends_are_found_again_only_for_certain() {
        for (case, known, seen, found) in FRIENDS {
            assert_eq!(find_friends(known, seen), verdicts(found), "{case}");
        }
    }

    #[test]
    fn while_qq_hides_the_marknames_they_tell_nobody_apart() {
        let (known, seen) = (friends(&["a|M", "a", "b|N"]), friends(&["a", "b"]));
        let found = find(&known, &seen, |known, seen| friend_tie(known, seen, false));
        assert_eq!(found, verdicts(&[Perhaps(&[0, 1]), Again(2)]));
    }

    /// `(name, owner, created_at, members)`.
    fn place((name, owner, created_at, members): &(&str, &str, i64, &str)) -> PlaceEvidence {
        let members: Vec<String> = members.chars().map(String::from).collect();
        PlaceEvidence {
            name: (*name).to_owned(),
            owner: Some((*owner).to_owned()).filter(|owner| !owner.is_empty()),
            created_at: Some(*created_at).filter(|created_at| *created_at > 0),
            members: (!members.is_empty()).then(|| Sketch::of(members.iter().map(String::as_str))),
        }
    }

    type Place = (&'static str, &'static str, i64, &'static str);

    #[rustfmt::skip]
    const PLACES: &[Row<Place>] = &[
        ("by a unique name alone",
            &[("g", "", 0, ""), ("h", "", 0, "")], &[("h", "", 0, ""), ("g", "", 0, "")], &[Again(1), Again(0)]),
        ("by name while only one side is known from within",
            &[("g", "o", 7, "abcd")], &[("g", "", 0, "")], &[Again(0)]),
        ("another group of the same name: made at another time",
            &[("g", "o", 7, "abcd")], &[("g", "o", 8, "abcd")], &[New]),
        ("another group of the same name: other people",
            &[("g", "", 0, "abcdef")], &[("g", "", 0, "uvwxyz")], &[New]),
        ("renamed, but made in the same second",
            &[("g", "o", 7, "abcd")], &[("x", "o", 7, "abcd")], &[Again(0)]),
        ("renamed, made in the same second, all people changed",
            &[("g", "o", 7, "abcdef")], &[("x", "p", 7, "uvwxyz")], &[New]),
        ("two of one name",
            &[("g", "", 0, ""), ("g", "", 0, "")], &[("g", "", 0, ""), ("g", "", 0, "")], &[Perhaps(&[0, 1]), Perhaps(&[0, 1])]),
        ("two of one name told apart by when they were made",
            &[("g", "", 7, ""), ("g", "", 8, "")], &[("g", "", 8, ""), ("g", "", 7, "")], &[Again(1), Again(0)]),
        ("two of one name told apart by their people",
            &[("g", "", 0, "abcd"), ("g", "", 0, "wxyz")], &[("g", "", 0, "wxyz"), ("g", "", 0, "abce")], &[Again(1), Again(0)]),
        ("two of one name with the same people",
            &[("g", "", 0, "abcd"), ("g", "", 0, "abcd")], &[("g", "", 0, "abcd")], &[Perhaps(&[0, 1])]),
        ("the same name, but only some of the same people",
            &[("g", "", 0, "abcdef")], &[("g", "", 0, "abcxyz")], &[Perhaps(&[0])]),
        ("the same name and the same two people",
            &[("g", "", 0, "ab")], &[("g", "", 0, "ab")], &[Again(0)]),
        ("the same name and one other of two people",
            &[("g", "", 0, "ab")], &[("g", "", 0, "ac")], &[Perhaps(&[0])]),
        ("one of two of one name is unknown from within",
            &[("g", "", 0, "abcd"), ("g", "", 0, "")], &[("g", "", 0, "abcd"), ("g", "", 0, "wxyz")], &[Again(0), Again(1)]),
        ("the same people under another name: perhaps",
            &[("g", "", 0, "abcd")], &[("x", "", 0, "abcd")], &[Perhaps(&[0])]),
        ("two that exchanged their names, seen from within",
            &[("g", "", 7, "abcd"), ("h", "", 8, "uvwx")], &[("h", "", 7, "abcd"), ("g", "", 8, "uvwx")], &[Again(0), Again(1)]),
        ("without a name, by the people",
            &[("", "", 0, "abcd")], &[("", "", 0, "abcd")], &[Again(0)]),
        ("without a name and unknown from within",
            &[("", "", 0, "")], &[("", "", 0, "")], &[New]),
    ];

    #[test]
    fn groups_and_discussions_are_found_again_only_for_certain() {
        for (case, known, seen, found) in PLACES {
            let known: Vec<PlaceEvidence> = known.iter().map(place).collect();
            let seen: Vec<PlaceEvidence> = seen.iter().map(place).collect();
            assert_eq!(find(&known, &seen, place_tie), verdicts(found), "{case}");
        }
    }

    #[test]
    fn nobody_is_ever_found_twice() {
        let names = proptest::collection::vec("[ab](\\|[MN]?(\\|[xy])?)?", 0..6);
        proptest::proptest!(|(known in names.clone(), seen in names)| {
            let rows = |rows: &[String]| friends(&rows.iter().map(String::as_str).collect::<Vec<_>>());
            let found = find(&rows(&known), &rows(&seen), |known, seen| friend_tie(known, seen, true));
            let mut places: Vec<usize> =
                found.iter().filter_map(|found| match found { Found::Again(place) => Some(*place), _ => None }).collect();
            let all = places.len();
            places.sort_unstable();
            places.dedup();
            assert_eq!(places.len(), all);
        });
    }
}
