//! Gives lasting ids to members of groups and discussions, when they are heard or asked for.
//!
//! Whom a member is taken for decides under which name their words appear, not where: so a member who cannot be told
//! for certain is simply somebody new.

use super::evidence::{Tie, numbers_first};
use super::matching::{Found, find};
use super::note::{Changes, Person, PlaceKind, Real, numbered};
use super::state::State;
use crate::qq::webqq::members::{Member, Members};
use crate::qq::webqq::number::Uin;

impl State {
    /// What changes when the members `uins` of a place need ids; `own` is the account itself, which needs none.
    pub(crate) fn name_members(
        &self,
        (kind, epoch, number): (PlaceKind, &str, u64),
        members: &Members,
        (own, uins): (Uin, &[Uin]),
        changes: &mut Changes,
    ) {
        let Some(place) = self.place(kind, epoch, number).map(|place| place.n) else { return };
        let unnumbered = |member: &&Member| member.uin != own && self.person(epoch, member.uin).is_none();
        let mut seen: Vec<&Member> = members.list.iter().filter(unnumbered).collect();
        let mut known: Vec<&Person> = Vec::new();
        if seen.iter().any(|member| uins.contains(&member.uin)) {
            // Friends are found again by the friend list, or are in doubt.
            let is_lost = |person: &&Person| person.numbers.of(epoch).is_none() && person.friend.is_none();
            known.extend(self.people_heard_in(place).filter(is_lost));
        } else {
            // Mostly everybody who is asked about has a number already.
            seen.clear();
        }
        let found = find(&known, &seen, |known, seen| member_tie(known, seen, place));
        for (member, found) in seen.into_iter().zip(found).filter(|(member, _)| uins.contains(&member.uin)) {
            let again = match found {
                Found::Again(again) => known.get(again).map(|person| (*person).clone()),
                _ => None,
            };
            let mut person = again.unwrap_or_else(|| Person::nobody(self.next_person(changes)));
            person.numbers.set(numbered(epoch, member.uin));
            person.real = member.account.map(|account| Real::told(account, epoch)).or(person.real);
            learn(&mut person, member, place);
            changes.people.insert(person.n, person);
        }
        for member in members.list.iter().filter(|member| uins.contains(&member.uin)) {
            let Some(person) = self.person(epoch, member.uin) else { continue };
            let mut newer = person.clone();
            learn(&mut newer, member, place);
            if newer != *person {
                changes.people.insert(newer.n, newer);
            }
        }
    }
}

/// Keeps the nick if QQ told one, and the card. The nick of a friend is that in the list of friends, which is asked for more
/// often than the members of a place.
fn learn(person: &mut Person, member: &Member, place: u64) {
    if !member.nick.is_empty() && !person.listed {
        member.nick.clone_into(&mut person.nick);
    }
    person.heard_in.note(place, member.card.clone().unwrap_or_default());
}

fn member_tie(known: &Person, seen: &Member, place: u64) -> Tie {
    let card = seen.card.as_deref().unwrap_or_default();
    let same_nick = !known.nick.is_empty() && known.nick == seen.nick;
    let same_card = known.heard_in.card(place) == Some(card);
    numbers_first(known.account(), seen.account, || match (same_nick, same_card) {
        (true, true) => Tie::Full,
        (true, false) => Tie::Enough,
        (false, true) if !card.is_empty() => Tie::Enough,
        (false, _) => Tie::Nothing,
    })
}
