//! What is remembered of friends and chats to know them again, and how well two memories agree.

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::qq::Likeness;
use crate::qq::webqq::number::Account;

/// How much two memories have in common.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Tie {
    /// Nothing, or they contradict each other.
    Nothing,
    /// Something, but too little to be certain even if nobody else has it.
    Little,
    /// Enough, unless somebody else has something of it as well.
    Enough,
    /// Everything that is known, but others may well have the same.
    Full,
    /// What hardly anybody else has by chance.
    Nearly,
    /// What nobody else has by chance.
    Sure,
    /// The real number: nobody else has it at all.
    Same,
}

/// What lasts of a friend.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct FriendEvidence {
    /// Their own name; they change it.
    pub(crate) nick: String,
    /// The account's remark; only the account changes it.
    pub(crate) markname: Option<String>,
    /// The account's category.
    pub(crate) category: String,
    /// The real number, where QQ told it with the list.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) account: Option<Account>,
}

/// What real numbers say of two people, if both are known; else what `tie` says.
pub(crate) fn numbers_first(known: Option<Account>, seen: Option<Account>, tie: impl FnOnce() -> Tie) -> Tie {
    match known.zip(seen) {
        Some((known, seen)) if known == seen => Tie::Same,
        Some(_) => Tie::Nothing,
        None => tie(),
    }
}

/// Compares a known friend with one of the new login. `marknames_told`: whether QQ listed marknames this time.
///
/// A markname is the account's own word for one person. A markname that is gone counts against: whoever deletes a
/// friend loses it, and a stranger of the same nick never had one.
pub(crate) fn friend_tie(known: &FriendEvidence, seen: &FriendEvidence, marknames_told: bool) -> Tie {
    let marknames = (known.markname.as_ref(), seen.markname.as_ref());
    let same_mark = marknames.0.is_some() && marknames.0 == marknames.1;
    let same_nick = !known.nick.is_empty() && known.nick == seen.nick;
    let same_category = known.category == seen.category;
    let all_marks_agree = !marknames_told || marknames.0 == marknames.1;
    match (same_nick, same_mark) {
        (true, true) if same_category => Tie::Sure,
        (true, false) if same_category && all_marks_agree => Tie::Full,
        (_, true) => Tie::Nearly,
        (true, false) if same_category && marknames.0.is_none() => Tie::Enough,
        (true, false) => Tie::Little,
        (false, false) => Tie::Nothing,
    }
}

/// What speaks for and against a friend's being the known one, and how much in all, out of 100.
pub(crate) fn friend_likeness(known: &FriendEvidence, seen: &FriendEvidence) -> (u8, Vec<Likeness>) {
    let mut weighed = Weighed::default();
    if !known.nick.is_empty() {
        weighed.weigh(known.nick == seen.nick, (35, Likeness::SameNick), Likeness::OtherNick);
    }
    match (&known.markname, &seen.markname) {
        (Some(known), Some(seen)) => {
            weighed.weigh(known == seen, (45, Likeness::SameMarkname), Likeness::OtherMarkname);
        }
        (Some(_), None) => weighed.against(Likeness::NoMarkname),
        (None, Some(_)) => weighed.against(Likeness::NewMarkname),
        (None, None) => {}
    }
    weighed.weigh(known.category == seen.category, (20, Likeness::SameCategory), Likeness::OtherCategory);
    weighed.done()
}

/// The same for a group or discussion.
pub(crate) fn place_likeness(known: &PlaceEvidence, seen: &PlaceEvidence) -> (u8, Vec<Likeness>) {
    let mut weighed = Weighed::default();
    weighed.weigh(known.name == seen.name, (30, Likeness::SameName), Likeness::OtherName);
    if let (Some(known), Some(seen)) = (known.created_at, seen.created_at) {
        weighed.weigh(known == seen, (30, Likeness::SameBirth), Likeness::OtherBirth);
    }
    if let (Some(known), Some(seen)) = (&known.owner, &seen.owner) {
        weighed.weigh(known == seen, (10, Likeness::SameOwner), Likeness::OtherOwner);
    }
    match known.members.as_ref().zip(seen.members.as_ref()).map(|(known, seen)| known.crowd(seen)) {
        Some(Crowd::Same) => weighed.weigh(true, (30, Likeness::SamePeople), Likeness::OtherPeople),
        Some(Crowd::Other) => weighed.against(Likeness::OtherPeople),
        Some(Crowd::Mixed) | None => {}
    }
    weighed.done()
}

/// Reasons on a scale.
#[derive(Default)]
struct Weighed {
    score: u8,
    reasons: Vec<Likeness>,
}

impl Weighed {
    fn weigh(&mut self, agrees: bool, (weight, reason): (u8, Likeness), else_reason: Likeness) {
        self.score += if agrees { weight } else { 0 };
        self.reasons.push(if agrees { reason } else { else_reason });
    }

    fn against(&mut self, reason: Likeness) {
        self.reasons.push(reason);
    }

    fn done(self) -> (u8, Vec<Likeness>) {
        (self.score.min(100), self.reasons)
    }
}

/// What lasts of a group or discussion. Only the name is in the lists; the rest is known from within.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct PlaceEvidence {
    /// Its own name.
    pub(crate) name: String,
    /// The nick of its owner.
    pub(crate) owner: Option<String>,
    /// When it was made, in seconds since 1970.
    pub(crate) created_at: Option<i64>,
    /// Who is in it.
    pub(crate) members: Option<Sketch>,
}

impl PlaceEvidence {
    /// Whether more is known than the list tells.
    pub(crate) const fn is_from_within(&self) -> bool {
        self.created_at.is_some() || self.members.is_some()
    }

    /// Adds what is newer.
    pub(crate) fn learn(&mut self, newer: Self) {
        if !newer.name.is_empty() {
            self.name = newer.name;
        }
        self.owner = newer.owner.or(self.owner.take());
        self.created_at = newer.created_at.or(self.created_at.take());
        self.members = newer.members.or(self.members.take());
    }
}

/// Whether the two cannot be the same place, whatever they are called: made at another time, or full of other people.
fn contradict(known: &PlaceEvidence, seen: &PlaceEvidence) -> bool {
    let same_birth = known.created_at.zip(seen.created_at).map(|(known, seen)| known == seen);
    let crowd = known.members.as_ref().zip(seen.members.as_ref()).map(|(known, seen)| known.crowd(seen));
    same_birth == Some(false) || crowd == Some(Crowd::Other)
}

/// Compares a known group or discussion with one of the new login.
pub(crate) fn place_tie(known: &PlaceEvidence, seen: &PlaceEvidence) -> Tie {
    if contradict(known, seen) {
        return Tie::Nothing;
    }
    let same_name = !known.name.is_empty() && known.name == seen.name;
    let same_birth = known.created_at.is_some() && known.created_at == seen.created_at;
    let same_owner = known.owner.is_some() && known.owner == seen.owner;
    let crowd = known.members.as_ref().zip(seen.members.as_ref()).map(|(known, seen)| known.crowd(seen));
    let same_crowd = crowd == Some(Crowd::Same);
    if same_birth {
        return if same_crowd || same_name || same_owner { Tie::Sure } else { Tie::Little };
    }
    match (same_name, crowd) {
        (true, Some(Crowd::Same)) => Tie::Sure,
        (true, None) => Tie::Enough,
        // Too few people to tell two crowds apart have to be the very same ones.
        (true, Some(_)) if known.members == seen.members => Tie::Enough,
        (false, Some(Crowd::Same)) if known.name.is_empty() && seen.name.is_empty() => Tie::Enough,
        (true, Some(_)) | (false, Some(Crowd::Same)) => Tie::Little,
        (false, _) => Tie::Nothing,
    }
}

/// How many people two sets share.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Crowd {
    /// Most.
    Same,
    /// Some, or too few people to tell.
    Mixed,
    /// Hardly any.
    Other,
}

/// A set of names small enough to keep: the least hashes of them, from which the overlap of two sets can be told.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct Sketch(Vec<u32>);

impl Sketch {
    /// Enough for an error of some percent.
    const SIZE: usize = 64;

    /// The sketch of a set of names.
    pub(crate) fn of<'a>(names: impl Iterator<Item = &'a str>) -> Self {
        let mut hashes: Vec<u32> = names.filter(|name| !name.is_empty()).map(hash).collect();
        hashes.sort_unstable();
        hashes.dedup();
        hashes.truncate(Self::SIZE);
        Self(hashes)
    }

    /// Judges the shared part of the union, estimated from its least hashes.
    fn crowd(&self, other: &Self) -> Crowd {
        let mut union: Vec<u32> = self.0.iter().chain(&other.0).copied().collect();
        union.sort_unstable();
        union.dedup();
        union.truncate(Self::SIZE);
        let shared = union.iter().filter(|hash| self.0.contains(hash) && other.0.contains(hash)).count();
        let few = self.0.len().min(other.0.len()) < 3;
        match shared * 10 {
            shared if shared >= union.len() * 6 && !few => Crowd::Same,
            shared if shared < union.len() && !few => Crowd::Other,
            _ => Crowd::Mixed,
        }
    }
}

fn hash(name: &str) -> u32 {
    let digest = Sha256::digest(name);
    digest.iter().take(4).fold(0, |hash, byte| hash << 8 | u32::from(*byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn crowd(ones: std::ops::Range<u32>, others: std::ops::Range<u32>) -> Crowd {
        let sketch = |people: std::ops::Range<u32>| {
            let names: Vec<String> = people.map(|n| n.to_string()).collect();
            Sketch::of(names.iter().map(String::as_str))
        };
        sketch(ones).crowd(&sketch(others))
    }

    #[test]
    fn a_sketch_tells_whether_two_crowds_are_one() {
        assert_eq!(crowd(0..5, 0..5), Crowd::Same);
        assert_eq!(crowd(0..5, 1..6), Crowd::Same);
        assert_eq!(crowd(0..2000, 10..2010), Crowd::Same);
        assert_eq!(crowd(0..10, 5..15), Crowd::Mixed);
        assert_eq!(crowd(0..2, 0..2), Crowd::Mixed, "two people are in many groups together");
        assert_eq!(crowd(0..500, 500..1000), Crowd::Other);
        assert_eq!(crowd(0..5, 0..500), Crowd::Other);
    }
}
