//! What QQ tells is looked at again because somebody wants it now, and what has changed is told in numbers.

use matrix_webqq::sim::{Fault, Member, SessionView, Trouble, World as Qq};
use serde_json::json;

use super::{FAMILY, FAMILY_CHAT, first_words, talking};
use crate::support::homeserver::World;
use crate::support::house::House;

/// How often QQ was asked anything, polls apart.
fn asked_in_all(house: &House) -> u64 {
    let calls = house.qq.session().calls;
    calls.iter().filter(|(call, _)| *call != "poll2").map(|(_, times)| times).sum()
}

fn asked(house: &House, call: &str) -> u64 {
    house.qq.session().calls.get(call).copied().unwrap_or_default()
}

fn name(world: &World, room: &str) -> String {
    world.state(room, "m.room.name", "")["name"].as_str().unwrap_or_default().to_owned()
}

fn space_of(world: &World, room: &str) -> Option<String> {
    let spaces = world.room_ids().into_iter();
    let holds = |space: &String| !world.state(space, "m.space.child", room)["via"].is_null();
    spaces.filter(holds).map(|space| name(world, &space)).next()
}

#[tokio::test(flavor = "multi_thread")]
async fn names_members_and_spaces_are_brought_up_to_date_at_once_and_counted() {
    let changes = json!({ "bridge": { "personal_spaces": true } });
    let (house, control, family) = talking(&changes).await;
    house.qq.say(FAMILY_CHAT, "爸爸", "me too").unwrap();
    let (_, father) = house.sees(FAMILY, "me too").await;
    house.qq.say("friend:王芳", "王芳", "hello").unwrap();
    let (friend, fang) = house.shows("hello").await;
    house.matrix.wait_until("a place in a space", |world| space_of(world, &friend).is_some()).await;

    // QQ says nothing of all this by itself.
    house
        .qq
        .edit_world(|world| {
            world.groups[1].title = Some("大家庭".to_owned());
            world.groups[1].members.retain(|member| member.name != "爸爸");
            world.friends[0].nick = Some("Fang".to_owned());
            world.friends[0].markname = Some("小芳".to_owned());
            world.friends[0].category = Some("邻居".to_owned());
            world.groups.retain(|group| group.name != "Weekend Hikers");
        })
        .unwrap();
    let lists =
        ["get_user_friends2", "get_group_name_list_mask2", "get_group_info_ext2"].map(|call| asked(&house, call));
    house.owner.say(&control, "sync");
    let told = house.bot_says(&control, "Looked at 2769546520 again").await;
    for part in ["; 0 new, 1 gone.", "Other names: 2 rooms, 1 people.", "Left rooms: 1 people."] {
        assert!(told.contains(part), "{part}: {told}");
    }
    house.matrix.see(|world| {
        assert_eq!((name(world, &family), name(world, &friend)), ("大家庭".to_owned(), "小芳".to_owned()));
        assert_eq!(world.display_name(&fang), Some("Fang (QQ)"));
        assert_eq!(world.membership(&family, &father), "leave");
    });
    let is_moved = |world: &World| space_of(world, &friend).as_deref() == Some("邻居");
    house.matrix.wait_until("the place in the other space", is_moved).await;
    let again =
        ["get_user_friends2", "get_group_name_list_mask2", "get_group_info_ext2"].map(|call| asked(&house, call));
    assert_eq!(again, lists.map(|times| times + 1), "each list was asked for once, and the members of the one room");

    house.owner.say(&control, "sync 99999");
    house.bot_says(&control, "99999 is not logged in here").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_big_group_costs_as_many_requests_as_a_small_one() {
    let mut world = Qq::example().unwrap();
    let fellow = world.groups[1].members[0].clone();
    world.groups[1].members.extend((0..500).map(|n| {
        let mut member = fellow.clone();
        member.name = format!("众人{n}");
        member
    }));
    let house = House::with(world, &json!({ "bridge": { "permissions": { "hs.test": "user" } } })).await;
    let (_, family) = first_words(&house, "hi").await;
    let bob = house.matrix.user("bob");
    house.owner.invite(&family, bob.id());
    bob.say(&family, "!qq sync");
    house.bot_says(&family, "Only the owner of the QQ account").await;

    house.qq.edit_world(|world| world.groups[1].title = Some("大家庭".to_owned())).unwrap();
    let (before, written) = (asked_in_all(&house), house.matrix.see(World::asked_in_all));
    house.owner.say(&family, "!qq sync");
    house.bot_says(&family, "Looked at 大家庭 again. Other names: 1 rooms, 0 people.").await;
    let asked = asked_in_all(&house) - before;
    assert!(asked <= 6, "{asked} requests to QQ");
    let written = house.matrix.see(World::asked_in_all) - written;
    assert!(written <= 20, "{written} requests to the homeserver");
}

#[tokio::test(flavor = "multi_thread")]
async fn newcomers_enter_and_pictures_that_could_not_be_had_are_looked_at_again() {
    let changes = json!({ "bridge": { "avatars": true, "members": { "sync": "all" } } });
    let house = House::configured(&changes).await;
    house.qq.fault(Fault::new("getface", Trouble::Drop).times(100));
    let (_, family) = first_words(&house, "hi").await;
    let tried = |session: &SessionView| session.calls.get("getface").copied() == Some(2);
    house.qq.wait_session(tried).await;
    house.qq.clear_faults();
    let picture = |world: &World| !world.state(&family, "m.room.avatar", "")["url"].is_null();
    assert!(!house.matrix.see(picture), "what fails is left alone for hours");

    house
        .qq
        .edit_world(|world| {
            let newcomer = Member { name: "新来的".to_owned(), nick: None, card: None, number: None };
            world.groups[1].members.push(newcomer);
        })
        .unwrap();
    let is_in =
        |world: &World| world.members(&family).iter().any(|user| world.display_name(user) == Some("新来的 (QQ)"));
    assert!(!house.matrix.see(is_in));
    house.owner.say(&family, "!qq sync");
    house.bot_says(&family, "Looked at").await;
    house.matrix.wait_until("the picture", picture).await;
    house.matrix.wait_until("the newcomer", is_in).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_qq_does_not_tell_is_said() {
    let (house, control, _) = talking(&json!({})).await;
    house.qq.fault(Fault::new("get_user_friends2", Trouble::Retcode(100_101)).times(100));
    house.owner.say(&control, "sync");
    house.bot_says(&control, "That did not work: get_user_friends2").await;
    house.qq.clear_faults();
    house.owner.say(&control, "sync");
    house.bot_says(&control, "Looked at 2769546520 again").await;
}
