//! The roster over several logins: what keeps its id, what gets a new one, what is in doubt.

use std::collections::BTreeSet;

use super::*;
use crate::qq::Forgetful;
use crate::qq::Note;
use crate::qq::webqq::api::get_user_friends2::Friend;
use crate::qq::webqq::members::Member;

/// A login of account 10001 with this memory.
pub(super) async fn login(memory: &Arc<Forgetful>, epoch: &str) -> Roster {
    Roster::load(AccountId::new("10001"), Uin(10_001), epoch.to_owned(), Arc::<Forgetful>::clone(memory)).await.unwrap()
}

pub(super) fn friends(rows: &[(u64, &str, &str)]) -> Lists {
    let friend = |(uin, nick, markname): &(u64, &str, &str)| Friend {
        uin: Uin(*uin),
        nick: (*nick).to_owned(),
        markname: Some((*markname).to_owned()).filter(|markname| !markname.is_empty()),
        category: String::new(),
        account: None,
    };
    let friends = Friends { friends: rows.iter().map(friend).collect(), marknames_told: true };
    Lists { friends: Some(friends), ..Lists::default() }
}

pub(super) fn groups(rows: &[(u64, &str)]) -> Vec<SeenPlace> {
    let group = |(gid, name): &(u64, &str)| SeenPlace {
        muting: Muting::Loud,
        number: *gid,
        code: Some(gid + 1000),
        markname: None,
        evidence: PlaceEvidence { name: (*name).to_owned(), ..PlaceEvidence::default() },
        from_within: false,
    };
    rows.iter().map(group).collect()
}

pub(super) fn only_groups(rows: &[(u64, &str)]) -> Lists {
    Lists { groups: Some(groups(rows)), ..Lists::default() }
}

pub(super) fn members(created_at: i64, rows: &[(u64, &str, &str)]) -> Members {
    let member = |(uin, nick, card): &(u64, &str, &str)| Member {
        uin: Uin(*uin),
        nick: (*nick).to_owned(),
        card: Some((*card).to_owned()).filter(|card| !card.is_empty()),
        account: None,
    };
    Members { created_at: Some(created_at), list: rows.iter().map(member).collect(), ..Members::default() }
}

pub(super) fn known<T>(named: Named<T>) -> T {
    match named {
        Named::Known(id) => id,
        Named::Doubtful(reason) => panic!("doubtful: {reason}"),
        Named::Unknown => panic!("unknown"),
    }
}

#[tokio::test]
async fn a_friend_keeps_the_id_through_logins_and_old_numbers_still_lead_there() {
    let memory = Arc::default();
    let mut ids = Vec::new();
    for (epoch, uin) in [("a", 7), ("b", 8), ("c", 9), ("d", 10)] {
        let roster = login(&memory, epoch).await;
        assert!(roster.is_new_login());
        roster.absorb(friends(&[(uin, "小明", ""), (uin + 100, "other", "")])).await.unwrap();
        ids.push(known(roster.friend_chat(epoch, Uin(uin))));
    }
    assert!(ids.iter().all(|id| *id == ids[0] && id.as_str() == "friend:10001.1"));
    let roster = login(&memory, "d").await;
    assert!(!roster.is_new_login());
    for (epoch, uin) in [("b", 8), ("c", 9), ("d", 10)] {
        assert_eq!(known(roster.friend_chat(epoch, Uin(uin))), ids[0]);
    }
    assert_eq!(roster.friend_chat("a", Uin(7)), Named::Unknown, "four logins ago");
    assert_eq!(roster.address(&ids[0]), Some(Address::Friend(10)));
    assert_eq!(roster.matching(), Matching { kept: 2, new: 0, doubts: Vec::new() });
}

#[tokio::test]
async fn friends_of_one_nick_are_in_doubt_after_the_next_login_and_nothing_reaches_them() {
    let memory = Arc::default();
    let roster = login(&memory, "a").await;
    roster.absorb(friends(&[(1, "同名", ""), (2, "同名", ""), (3, "x", "")])).await.unwrap();
    let chat = known(roster.friend_chat("a", Uin(1)));
    assert_eq!(roster.chats().len(), 3);

    let roster = login(&memory, "b").await;
    roster.absorb(friends(&[(11, "同名", ""), (12, "同名", ""), (13, "x", "")])).await.unwrap();
    for _ in 0..2 {
        let roster = login(&memory, "b").await;
        assert!(matches!(roster.friend_chat("b", Uin(11)), Named::Doubtful(_)));
        assert_eq!(roster.address(&chat), None);
        assert_eq!(roster.chats().len(), 1);
        let matching = roster.matching();
        assert_eq!((matching.kept, matching.new, matching.open().count()), (1, 0, 2));
        // A second look at the same list in the same login changes nothing.
        roster.absorb(friends(&[(11, "同名", ""), (12, "同名", ""), (13, "x", "")])).await.unwrap();
    }
    // Marknames given since tell nobody apart: the old ones had none. But somebody with another nick is free again.
    let roster = login(&memory, "c").await;
    roster.absorb(friends(&[(21, "同名", ""), (22, "换了", ""), (23, "x", "")])).await.unwrap();
    assert!(matches!(roster.friend_chat("c", Uin(21)), Named::Doubtful(_)));
    assert!(matches!(roster.friend_chat("c", Uin(22)), Named::Known(_)));
}

/// The number of the doubt about `uin`, and its candidates.
fn doubt_about(roster: &Roster, epoch: &str, uin: u64) -> (u32, Vec<ChatId>) {
    let Named::Doubtful(number) = roster.friend_chat(epoch, Uin(uin)) else { panic!("{uin} is not in doubt") };
    let matching = roster.matching();
    let doubt = matching.doubt(number).unwrap();
    (number, doubt.candidates.iter().map(|candidate| candidate.chat.clone()).collect())
}

#[tokio::test]
async fn the_owner_settles_a_doubt_takes_it_back_and_says_something_else() {
    let memory = Arc::default();
    let roster = login(&memory, "a").await;
    roster.absorb(friends(&[(1, "同名", ""), (2, "同名", "")])).await.unwrap();
    let chats = [known(roster.friend_chat("a", Uin(1))), known(roster.friend_chat("a", Uin(2)))];
    let roster = login(&memory, "b").await;
    roster.absorb(friends(&[(11, "同名", ""), (12, "同名", "")])).await.unwrap();
    let (number, candidates) = doubt_about(&roster, "b", 11);
    assert_eq!(candidates, chats);
    assert_eq!(roster.settle(number, Some(&chats[1]), 5).await.unwrap(), chats[1]);

    // It holds after a restart, and through the next look at the list.
    let roster = login(&memory, "b").await;
    roster.absorb(friends(&[(11, "同名", ""), (12, "同名", "")])).await.unwrap();
    assert_eq!(known(roster.friend_chat("b", Uin(11))), chats[1]);
    assert_eq!(roster.address(&chats[1]), Some(Address::Friend(11)));
    let (other, _) = doubt_about(&roster, "b", 12);
    assert!(roster.matching().doubt(other).unwrap().candidates[1].is_taken);
    assert!(roster.settle(other, Some(&chats[1]), 6).await.is_err(), "somebody else is that one");
    assert!(roster.settle(number, Some(&chats[0]), 6).await.is_err(), "it is settled");
    assert!(roster.settle(99, None, 6).await.is_err(), "there is no such doubt");

    let settled = roster.unsettle(number).await.unwrap();
    assert_eq!((settled.chat, settled.at_ms), (chats[1].clone(), 5));
    assert!(matches!(roster.friend_chat("b", Uin(11)), Named::Doubtful(_)));
    assert_eq!(roster.address(&chats[1]), None);
    assert!(roster.unsettle(number).await.is_err(), "nothing is left to take back");
    let new = roster.settle(number, None, 7).await.unwrap();
    assert!(!chats.contains(&new));
    roster.unsettle(number).await.unwrap();
    assert_eq!(roster.settle(number, None, 8).await.unwrap(), new, "somebody new is new only once");
}

#[tokio::test]
async fn a_doubt_of_an_earlier_login_can_still_be_settled_for_the_messages_of_then() {
    let memory = Arc::default();
    let twins = |uin: u64| friends(&[(uin, "同名", ""), (uin + 1, "同名", "")]);
    let roster = login(&memory, "a").await;
    roster.absorb(twins(1)).await.unwrap();
    let chat = known(roster.friend_chat("a", Uin(1)));
    login(&memory, "b").await.absorb(twins(11)).await.unwrap();
    let roster = login(&memory, "c").await;
    roster.absorb(twins(21)).await.unwrap();
    let (then, _) = doubt_about(&roster, "b", 11);
    let (now, _) = doubt_about(&roster, "c", 22);
    assert_eq!(roster.matching().open().count(), 2, "those of now");
    roster.settle(now, Some(&chat), 1).await.unwrap();
    roster.settle(then, Some(&chat), 1).await.unwrap();
    assert_eq!(known(roster.friend_chat("b", Uin(11))), chat);
    assert_eq!(known(roster.friend_chat("c", Uin(22))), chat);
    assert_eq!(roster.address(&chat), Some(Address::Friend(22)));
    // The login after next forgets the oldest numbers first.
    let roster = login(&memory, "d").await;
    roster.absorb(friends(&[(31, "同名", "M"), (32, "x", "")])).await.unwrap();
    let (again, _) = doubt_about(&roster, "d", 31);
    roster.settle(again, Some(&chat), 1).await.unwrap();
    assert_eq!(roster.friend_chat("a", Uin(1)), Named::Unknown);
    assert_eq!(known(roster.friend_chat("b", Uin(11))), chat);
}

#[tokio::test]
async fn the_numbers_and_doubts_of_a_login_are_known_as_long_as_something_of_it_waits() {
    let memory: Arc<Forgetful> = Arc::default();
    let twins = |uin: u64| friends(&[(uin, "同名", ""), (uin + 1, "同名", ""), (uin + 2, "x", "")]);
    let roster = login(&memory, "a").await;
    roster.absorb(twins(1)).await.unwrap();
    let chats = [1, 3].map(|uin| known(roster.friend_chat("a", Uin(uin))));
    login(&memory, "b").await.absorb(twins(11)).await.unwrap();
    *memory.awaited.lock().await = ["a", "b"].map(str::to_owned).into();
    for (uin, epoch) in [(21, "c"), (31, "d"), (41, "e"), (51, "f")] {
        login(&memory, epoch).await.absorb(twins(uin)).await.unwrap();
    }
    let roster = login(&memory, "f").await;
    assert_eq!(known(roster.friend_chat("a", Uin(3))), chats[1]);
    assert_eq!(known(roster.friend_chat("b", Uin(13))), chats[1]);
    assert_eq!(roster.friend_chat("c", Uin(23)), Named::Unknown, "nothing of it waits");
    let (number, _) = doubt_about(&roster, "b", 11);
    roster.settle(number, Some(&chats[0]), 1).await.unwrap();
    assert_eq!(known(roster.friend_chat("b", Uin(11))), chats[0]);

    memory.awaited.lock().await.clear();
    let roster = login(&memory, "g").await;
    roster.absorb(twins(61)).await.unwrap();
    assert_eq!(roster.friend_chat("a", Uin(3)), Named::Unknown, "nothing of it waits any more");
    assert_eq!(known(roster.friend_chat("g", Uin(63))), chats[1]);
}

#[tokio::test]
async fn whoever_was_missing_from_a_list_is_not_found_again_by_a_nick_alone() {
    let memory = Arc::default();
    let roster = login(&memory, "a").await;
    roster.absorb(friends(&[(1, "gone", ""), (2, "marked", "M"), (3, "x", "")])).await.unwrap();
    let chats = [1, 2].map(|uin| known(roster.friend_chat("a", Uin(uin))));
    login(&memory, "b").await.absorb(friends(&[(13, "x", "")])).await.unwrap();
    let roster = login(&memory, "c").await;
    roster.absorb(friends(&[(21, "gone", ""), (22, "marked", "M"), (23, "x", "")])).await.unwrap();
    let (number, candidates) = doubt_about(&roster, "c", 21);
    assert_eq!(candidates, chats[..1]);
    let reasons = roster.matching().doubt(number).unwrap().candidates[0].reasons.clone();
    assert!(reasons.contains(&crate::qq::Likeness::WasGone));
    assert_eq!(known(roster.friend_chat("c", Uin(22))), chats[1], "a markname is the owner's own word");
    // Once settled, they are found again like anybody else.
    roster.settle(number, Some(&chats[0]), 1).await.unwrap();
    let roster = login(&memory, "d").await;
    roster.absorb(friends(&[(31, "gone", ""), (33, "x", "")])).await.unwrap();
    assert_eq!(known(roster.friend_chat("d", Uin(31))), chats[0]);
}

#[tokio::test]
async fn a_stranger_who_takes_the_nick_of_somebody_who_left_in_the_same_login_is_somebody_new() {
    let memory = Arc::default();
    let roster = login(&memory, "a").await;
    roster.absorb(friends(&[(1, "nick", ""), (2, "x", "")])).await.unwrap();
    let chat = known(roster.friend_chat("a", Uin(1)));
    roster.absorb(friends(&[(9, "nick", ""), (2, "x", "")])).await.unwrap();
    assert_ne!(known(roster.friend_chat("a", Uin(9))), chat);
    assert_eq!(known(roster.friend_chat("a", Uin(1))), chat, "words that were on their way");
}

#[tokio::test]
async fn a_group_found_by_name_is_given_up_when_its_members_contradict() {
    let memory = Arc::default();
    let people = [(1, "a", ""), (2, "b", ""), (3, "c", "")];
    let roster = login(&memory, "a").await;
    roster.absorb(only_groups(&[(50, "群")])).await.unwrap();
    roster.look_within(PlaceKind::Group, 50, &members(1_000, &people)).await.unwrap();
    let chat = known(roster.place_chat(PlaceKind::Group, "a", 50));
    assert!(roster.is_checked(PlaceKind::Group, 50));

    let roster = login(&memory, "b").await;
    roster.absorb(only_groups(&[(60, "群")])).await.unwrap();
    assert_eq!(known(roster.place_chat(PlaceKind::Group, "b", 60)), chat);
    assert!(!roster.is_checked(PlaceKind::Group, 60));
    roster.look_within(PlaceKind::Group, 60, &members(2_000, &people)).await.unwrap();
    assert!(matches!(roster.place_chat(PlaceKind::Group, "b", 60), Named::Doubtful(_)));
    assert_eq!(roster.address(&chat), None);
    assert_eq!(roster.matching().open().count(), 1);

    let roster = login(&memory, "c").await;
    roster.absorb(only_groups(&[(70, "群")])).await.unwrap();
    roster.look_within(PlaceKind::Group, 70, &members(1_000, &people)).await.unwrap();
    assert_eq!(known(roster.place_chat(PlaceKind::Group, "c", 70)), chat, "the right one keeps its id");
}

#[tokio::test]
async fn groups_are_looked_at_from_within_only_when_names_do_not_tell() {
    let memory = Arc::default();
    let roster = login(&memory, "a").await;
    let list = groups(&[(1, "one"), (2, "two"), (3, "same"), (4, "same")]);
    assert_eq!(roster.wanting(PlaceKind::Group, &list), [0_u64; 0], "nobody was known");
    roster.absorb(Lists { groups: Some(list), ..Lists::default() }).await.unwrap();
    roster.look_within(PlaceKind::Group, 1, &members(7, &[])).await.unwrap();

    let roster = login(&memory, "b").await;
    assert_eq!(roster.wanting(PlaceKind::Group, &groups(&[(11, "one"), (12, "two")])), [0_u64; 0]);
    let mut list = groups(&[(11, "renamed"), (12, "two"), (13, "same"), (14, "same")]);
    assert_eq!(roster.wanting(PlaceKind::Group, &list), [11, 13, 14]);
    list[0].look_within(&members(7, &[]));
    list[0].evidence.owner = None;
    roster.absorb(Lists { groups: Some(list), ..Lists::default() }).await.unwrap();
    assert!(matches!(roster.place_chat(PlaceKind::Group, "b", 11), Named::Doubtful(_)), "its age alone is too little");
    assert!(matches!(roster.place_chat(PlaceKind::Group, "b", 13), Named::Doubtful(_)));
    assert!(matches!(roster.place_chat(PlaceKind::Group, "b", 12), Named::Known(_)));
}

#[tokio::test]
async fn members_keep_their_ids_by_card_or_nick_and_namesakes_get_new_ones() {
    let memory = Arc::default();
    let name = async |epoch: &str, gid: u64, rows: &[(u64, &str, &str)]| {
        let roster = login(&memory, epoch).await;
        roster.absorb(only_groups(&[(gid, "群")])).await.unwrap();
        let uins: Vec<Uin> = rows.iter().map(|(uin, ..)| Uin(*uin)).collect();
        roster.name_members(PlaceKind::Group, gid, &members(1, rows), &uins).await.unwrap();
        uins.into_iter().map(|uin| known(roster.person(epoch, uin))).collect::<Vec<_>>()
    };
    let first =
        name("a", 1, &[(1, "a", "Card"), (2, "b", ""), (3, "twin", ""), (4, "twin", ""), (10_001, "me", "")]).await;
    let second =
        name("b", 2, &[(11, "z", "Card"), (12, "b", ""), (13, "twin", ""), (14, "twin", ""), (10_001, "me", "")]).await;
    assert_eq!((&first[..2], first[4].as_str()), (&second[..2], "10001"));
    assert_eq!(first[4], second[4]);
    assert!(second[2..4].iter().all(|id| !first.contains(id)));
}

#[tokio::test]
async fn a_friend_is_called_as_in_the_list_of_friends_whatever_an_older_list_of_members_says() {
    let roster = login(&Arc::default(), "a").await;
    let before = members(1, &[(1, "before", "Card"), (2, "stranger", "")]);
    roster.absorb(Lists { groups: Some(groups(&[(60, "群")])), ..friends(&[(1, "before", "")]) }).await.unwrap();
    let speaks = async || roster.name_members(PlaceKind::Group, 60, &before, &[Uin(1), Uin(2)]).await.unwrap();
    speaks().await;
    roster.absorb(friends(&[(1, "after", "")])).await.unwrap();
    speaks().await;
    let nick = |uin: u64| roster.contact(&known(roster.person("a", Uin(uin)))).unwrap().nick;
    assert_eq!((nick(1), nick(2)), ("after".to_owned(), "stranger".to_owned()));
}

#[tokio::test]
async fn a_stranger_gets_an_id_once_and_may_become_a_friend_with_it() {
    let memory = Arc::default();
    let roster = login(&memory, "a").await;
    roster.absorb(friends(&[])).await.unwrap();
    assert_eq!(roster.friend_chat("a", Uin(5)), Named::Unknown);
    let id = roster.stranger("a", Uin(5), "").await.unwrap();
    assert_eq!(roster.stranger("a", Uin(5), "").await.unwrap(), id);
    assert_eq!(roster.chats(), []);
    roster.absorb(friends(&[(5, "new friend", "")])).await.unwrap();
    assert_eq!(known(roster.person("a", Uin(5))), id);
    assert_eq!(roster.contact(&id).unwrap().nick, "new friend");
    assert_eq!(roster.chats().len(), 1);
    roster.absorb(friends(&[])).await.unwrap();
    assert_eq!(roster.chats(), [], "no friend any more");
}

#[tokio::test]
async fn a_friend_in_doubt_who_is_heard_in_a_group_stays_in_doubt() {
    let memory = Arc::default();
    let roster = login(&memory, "a").await;
    roster.absorb(friends(&[(1, "同名", ""), (2, "同名", "")])).await.unwrap();
    let roster = login(&memory, "b").await;
    let twins = || friends(&[(11, "同名", ""), (12, "同名", "")]);
    roster.absorb(Lists { groups: Some(groups(&[(60, "群")])), ..twins() }).await.unwrap();
    let heard = members(1, &[(11, "同名", "")]);
    roster.name_members(PlaceKind::Group, 60, &heard, &[Uin(11)]).await.unwrap();
    assert!(matches!(roster.person("b", Uin(11)), Named::Known(_)));
    roster.absorb(twins()).await.unwrap();
    assert!(matches!(roster.friend_chat("b", Uin(11)), Named::Doubtful(_)));
    assert_eq!(roster.chats().iter().filter(|chat| chat.kind == ChatKind::Friend).count(), 0);
}

/// A memory whose disk is full.
struct Full;

#[async_trait::async_trait]
impl Memory for Full {
    async fn recall(&self) -> Result<Vec<Note>, crate::qq::MemoryError> {
        Ok(Vec::new())
    }

    async fn awaited_epochs(&self) -> Result<BTreeSet<String>, crate::qq::MemoryError> {
        Ok(BTreeSet::new())
    }

    async fn remember(&self, _: Vec<Note>) -> Result<(), crate::qq::MemoryError> {
        Err(crate::qq::MemoryError("disk full".to_owned()))
    }
}

#[tokio::test]
async fn no_id_is_handed_out_that_is_not_on_disk() {
    let roster = Roster::load(AccountId::new("10001"), Uin(10_001), "a".to_owned(), Arc::new(Full)).await.unwrap();
    assert!(roster.absorb(friends(&[(1, "a", "")])).await.is_err());
    assert_eq!(roster.friend_chat("a", Uin(1)), Named::Unknown);
    assert!(roster.is_new_login());
}

#[tokio::test]
async fn a_note_that_cannot_be_read_stops_everything_rather_than_making_second_rooms() {
    let memory = Arc::new(Forgetful::default());
    let note = Note { key: "person.1".to_owned(), body: "{".to_owned() };
    memory.remember(vec![note]).await.unwrap();
    let loaded = Roster::load(AccountId::new("1"), Uin(1), "a".to_owned(), memory).await;
    assert!(matches!(loaded.err(), Some(Error::Memory(_))));
}
