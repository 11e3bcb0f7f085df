//! Finds known friends and chats again among those of a new login, by what lasts. Pure: evidence in, verdicts out.
//!
//! Every login renumbers everything, so names have to tell who is who. A message in the wrong room is a privacy leak;
//! whatever is not certain is in doubt. Source: protocol dossier 11 (uin churn, stable mapping).

use super::evidence::Tie;

/// Who a friend or chat of the new login is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Found {
    /// The known one at this place.
    Again(usize),
    /// Nobody who was known.
    New,
    /// Somebody who was known, perhaps.
    Doubtful {
        /// How many known ones it could be.
        known: usize,
        /// How many of the new login could be those.
        seen: usize,
    },
}

/// Says for each of `seen` who it is among `known`.
///
/// 1. A pair that agrees in everything, and with nobody else in everything, is the same.
/// 2. Of those left, whoever has nothing in common with anybody is new; two that have something in common only with
///    each other are the same if it is enough; all others are in doubt.
pub(crate) fn find<K, S>(known: &[K], seen: &[S], tie: impl Fn(&K, &S) -> Tie) -> Vec<Found> {
    let ties: Vec<Vec<Tie>> = seen.iter().map(|seen| known.iter().map(|known| tie(known, seen)).collect()).collect();
    let mut open = Open { seen: vec![true; seen.len()], known: vec![true; known.len()] };
    let mut found: Vec<Found> = vec![Found::New; seen.len()];
    for (s, k) in full_pairs(&ties, known.len()) {
        set(&mut found, s, &Found::Again(k));
        open.close(s, k);
    }
    for first in 0..seen.len() {
        let (group_seen, group_known) = open.take_group(first, &ties);
        let verdict = match (group_seen.as_slice(), group_known.as_slice()) {
            (_, []) => continue,
            ([s], [k]) if at(&ties, *s, *k) >= Tie::Enough => Found::Again(*k),
            (seen, known) => Found::Doubtful { known: known.len(), seen: seen.len() },
        };
        for s in group_seen {
            set(&mut found, s, &verdict);
        }
    }
    found
}

/// Pairs that agree in everything, each side with nobody else.
fn full_pairs(ties: &[Vec<Tie>], known: usize) -> Vec<(usize, usize)> {
    let full = |s: usize, k: usize| at(ties, s, k) == Tie::Full;
    let of_seen = |s: usize| only((0..known).filter(|k| full(s, *k)));
    let of_known = |k: usize| only((0..ties.len()).filter(|s| full(*s, k)));
    (0..ties.len()).filter_map(|s| of_seen(s).filter(|k| of_known(*k) == Some(s)).map(|k| (s, k))).collect()
}

/// The one thing that `all` gives, if it gives one.
fn only(mut all: impl Iterator<Item = usize>) -> Option<usize> {
    all.next().filter(|_| all.next().is_none())
}

fn at(ties: &[Vec<Tie>], s: usize, k: usize) -> Tie {
    ties.get(s).and_then(|row| row.get(k)).copied().unwrap_or(Tie::Nothing)
}

fn set(found: &mut [Found], s: usize, verdict: &Found) {
    if let Some(found) = found.get_mut(s) {
        *found = verdict.clone();
    }
}

/// Those whose identity is still open.
struct Open {
    seen: Vec<bool>,
    known: Vec<bool>,
}

impl Open {
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

/// Closes `flags[place]`; whether it was open.
fn take(flags: &mut [bool], place: usize) -> bool {
    flags.get_mut(place).is_some_and(|flag| std::mem::replace(flag, false))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::qq::webqq::roster::evidence::{FriendEvidence, PlaceEvidence, Sketch, friend_tie, place_tie};

    const NEW: Found = Found::New;

    const fn again(place: usize) -> Found {
        Found::Again(place)
    }

    const fn doubt(known: usize, seen: usize) -> Found {
        Found::Doubtful { known, seen }
    }

    /// `"nick"`, `"nick|markname"`, `"nick|markname|category"`.
    fn friends(rows: &[&str]) -> Vec<FriendEvidence> {
        let friend = |row: &&str| {
            let mut parts = row.split('|').map(str::to_owned);
            let nick = parts.next().unwrap_or_default();
            let markname = parts.next().filter(|markname| !markname.is_empty());
            FriendEvidence { nick, markname, category: parts.next().unwrap_or_default() }
        };
        rows.iter().map(friend).collect()
    }

    fn find_friends(known: &[&str], seen: &[&str]) -> Vec<Found> {
        find(&friends(known), &friends(seen), |known, seen| friend_tie(known, seen, true))
    }

    /// What is told, who was known, who is seen, who that is.
    type Row<T> = (&'static str, &'static [T], &'static [T], &'static [Found]);

    #[rustfmt::skip]
    const FRIENDS: &[Row<&str>] = &[
        ("nobody was known", &[], &["a", "a"], &[NEW, NEW]),
        ("nobody is there any more", &["a"], &[], &[]),
        ("the same people in another order", &["a", "b|B", "c||x"], &["c||x", "a", "b|B"], &[again(2), again(0), again(1)]),
        ("a new friend", &["a"], &["a", "b"], &[again(0), NEW]),
        ("a unique markname outlasts nick and category", &["a|M|x"], &["z|M|y"], &[again(0)]),
        ("a markname given since", &["a||x"], &["a|M|x"], &[again(0)]),
        ("a markname taken away since", &["a|M|x"], &["a||x"], &[again(0)]),
        ("another markname: perhaps somebody else", &["a|M|x"], &["a|N|x"], &[doubt(1, 1)]),
        ("the same nick in another category", &["a||x"], &["a||y"], &[doubt(1, 1)]),
        ("a nick changed without a markname", &["a"], &["b"], &[NEW]),
        ("two of one nick without marknames", &["a", "a"], &["a", "a"], &[doubt(2, 2), doubt(2, 2)]),
        ("one of two of one nick has gone", &["a", "a"], &["a"], &[doubt(2, 1)]),
        ("a second one of the nick has come", &["a"], &["a", "a"], &[doubt(1, 2), doubt(1, 2)]),
        ("two of one nick told apart by markname", &["a|M", "a|N"], &["a|N", "a|M"], &[again(1), again(0)]),
        ("two of one nick told apart by category", &["a||x", "a||y"], &["a||y", "a||x"], &[again(1), again(0)]),
        ("one of two has a markname", &["a|M", "a"], &["a", "a|M"], &[again(1), again(0)]),
        ("a namesake stays apart while the marked one renames", &["a|M", "a"], &["b|M", "a"], &[again(0), again(1)]),
        ("two of one markname", &["a|M", "b|M"], &["b|M", "a|M"], &[again(1), again(0)]),
        ("two of one markname, both renamed", &["a|M", "b|M"], &["c|M", "d|M"], &[doubt(2, 2), doubt(2, 2)]),
        ("nick and markname point to different people", &["a|M|x"], &["b|M|x", "a||x"], &[doubt(1, 2), doubt(1, 2)]),
        ("a markname moved to another friend", &["a|M", "b"], &["a", "b|M"], &[doubt(2, 2), doubt(2, 2)]),
        ("no name at all tells nothing", &["||x"], &["||x"], &[NEW]),
        ("doubt stays among those it concerns", &["a", "a", "b"], &["a", "a", "b"], &[doubt(2, 2), doubt(2, 2), again(2)]),
    ];

    #[test]
    fn friends_are_found_again_only_for_certain() {
        for (case, known, seen, found) in FRIENDS {
            assert_eq!(find_friends(known, seen), *found, "{case}");
        }
    }

    #[test]
    fn while_qq_hides_the_marknames_they_tell_nobody_apart() {
        let (known, seen) = (friends(&["a|M", "a", "b|N"]), friends(&["a", "b"]));
        let found = find(&known, &seen, |known, seen| friend_tie(known, seen, false));
        assert_eq!(found, [doubt(2, 1), again(2)]);
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
            &[("g", "", 0, ""), ("h", "", 0, "")], &[("h", "", 0, ""), ("g", "", 0, "")], &[again(1), again(0)]),
        ("by name while only one side is known from within",
            &[("g", "o", 7, "abcd")], &[("g", "", 0, "")], &[again(0)]),
        ("another group of the same name: made at another time",
            &[("g", "o", 7, "abcd")], &[("g", "o", 8, "abcd")], &[NEW]),
        ("another group of the same name: other people",
            &[("g", "", 0, "abcdef")], &[("g", "", 0, "uvwxyz")], &[NEW]),
        ("renamed, but made in the same second",
            &[("g", "o", 7, "abcd")], &[("x", "o", 7, "abcd")], &[again(0)]),
        ("renamed, made in the same second, all people changed",
            &[("g", "o", 7, "abcdef")], &[("x", "p", 7, "uvwxyz")], &[NEW]),
        ("two of one name",
            &[("g", "", 0, ""), ("g", "", 0, "")], &[("g", "", 0, ""), ("g", "", 0, "")], &[doubt(2, 2), doubt(2, 2)]),
        ("two of one name told apart by when they were made",
            &[("g", "", 7, ""), ("g", "", 8, "")], &[("g", "", 8, ""), ("g", "", 7, "")], &[again(1), again(0)]),
        ("two of one name told apart by their people",
            &[("g", "", 0, "abcd"), ("g", "", 0, "wxyz")], &[("g", "", 0, "wxyz"), ("g", "", 0, "abce")], &[again(1), again(0)]),
        ("two of one name with the same people",
            &[("g", "", 0, "abcd"), ("g", "", 0, "abcd")], &[("g", "", 0, "abcd")], &[doubt(2, 1)]),
        ("one of two of one name is unknown from within",
            &[("g", "", 0, "abcd"), ("g", "", 0, "")], &[("g", "", 0, "abcd"), ("g", "", 0, "wxyz")], &[again(0), again(1)]),
        ("the same people under another name: perhaps",
            &[("g", "", 0, "abcd")], &[("x", "", 0, "abcd")], &[doubt(1, 1)]),
        ("without a name, by the people",
            &[("", "", 0, "abcd")], &[("", "", 0, "abcd")], &[again(0)]),
        ("without a name and unknown from within",
            &[("", "", 0, "")], &[("", "", 0, "")], &[NEW]),
    ];

    #[test]
    fn groups_and_discussions_are_found_again_only_for_certain() {
        for (case, known, seen, found) in PLACES {
            let known: Vec<PlaceEvidence> = known.iter().map(place).collect();
            let seen: Vec<PlaceEvidence> = seen.iter().map(place).collect();
            assert_eq!(find(&known, &seen, place_tie), *found, "{case}");
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
