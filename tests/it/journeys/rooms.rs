//! What rooms are like besides the words in them: what they tell clients, who may do what, who is in them, and what they
//! never tell.

use std::time::Duration;

use matrix_webqq::sim::{Act, Friend, World as Qq};
use serde_json::{Value, json};

use super::{FAMILY, FAMILY_CHAT};
use crate::support::homeserver::{Endpoint, Fault, World};
use crate::support::house::House;

/// Lists everybody anew before each poll.
fn often() -> Value {
    json!({ "webqq": { "list_refresh_ms": 1 } })
}

/// The level of whoever is called `name` in `room`, after whom the ghost is named already.
fn level(world: &World, room: &str, user: &str) -> Option<i64> {
    world.state(room, "m.room.power_levels", "")["users"][user].as_i64()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_room_tells_of_its_bridge_its_chat_and_what_can_be_said_from_its_first_moment_on() {
    let house = House::new().await;
    house.log_in().await;
    house.qq.say(FAMILY_CHAT, "妈妈", "hi").unwrap();
    let (room, _) = house.sees(FAMILY, "hi").await;
    let told = |room: &str, kind: &str, key: &str| house.matrix.see(|world| world.state(room, kind, key));
    for kind in ["m.bridge", "uk.half-shot.bridge"] {
        let info = told(&room, kind, "hs.test/qq");
        assert_eq!(info["bridgebot"], house.matrix.see(World::bot), "{info}");
        assert_eq!(info["creator"], house.owner.id());
        assert_eq!(info["protocol"], json!({ "id": "qq", "displayname": "QQ" }));
        assert_eq!(info["network"]["id"], "2769546520");
        assert_eq!(info["channel"]["displayname"], FAMILY);
    }
    let features = told(&room, "com.beeper.room_features", "");
    assert_eq!((&features["edit"], &features["reaction"], &features["delete"]), (&json!(1), &json!(-2), &json!(-2)));
    assert_eq!(features["file"], json!({}), "QQ of this time carries none, and nobody could reach an address");
    assert!(features["id"].as_str().unwrap().len() > 20);

    // All of it was there before anybody was in the room but the bot, and is said once.
    house.qq.say(FAMILY_CHAT, "爸爸", "again").unwrap();
    house.sees(FAMILY, "again").await;
    let timeline = house.matrix.timeline(&room);
    let at = |kind: &str| timeline.iter().position(|event| event.kind == kind).unwrap();
    let invited = timeline.iter().position(|event| event.content["membership"] == "invite").unwrap();
    assert!(at("m.bridge") < invited && at("com.beeper.room_features") < invited);
    let times = |kind: &str| timeline.iter().filter(|event| event.kind == kind).count();
    assert_eq!((times("m.bridge"), times("com.beeper.room_features"), times("m.room.topic")), (1, 1, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_group_says_of_itself_what_it_says_on_qq_and_a_restart_says_nothing_twice() {
    let mut world = Qq::example().unwrap();
    world.groups[1].memo = "报喜不报忧".to_owned();
    let mut house = House::with(world, &json!({ "network": often() })).await;
    house.log_in().await;
    house.qq.say(FAMILY_CHAT, "妈妈", "hi").unwrap();
    let (room, mother) = house.sees(FAMILY, "hi").await;
    let topic = |world: &World| world.state(&room, "m.room.topic", "")["topic"].clone();
    house.matrix.wait_until("the topic", |world| topic(world) == "报喜不报忧").await;
    house.matrix.wait_until("mother's office", |world| level(world, &room, &mother) == Some(75)).await;

    let asked = house.qq.session().calls["get_group_info_ext2"];
    let written = |house: &House| house.matrix.see(|world| world.asked(Endpoint::SetState));
    assert!(house.stop());
    let before = written(&house);
    house.start();
    house.qq.edit_world(|world| world.groups[1].title = Some("大家庭".to_owned())).unwrap();
    house.qq.say(FAMILY_CHAT, "妈妈", "there?").unwrap();
    house.sees("大家庭", "there?").await;
    let renamed = |world: &World| world.state(&room, "m.bridge", "hs.test/qq")["channel"]["displayname"] == "大家庭";
    house.matrix.wait_until("the new name of the channel", renamed).await;
    house
        .matrix
        .wait_until("the same by its other name", |world| {
            world.state(&room, "uk.half-shot.bridge", "hs.test/qq")["channel"]["displayname"] == "大家庭"
        })
        .await;
    assert_eq!(written(&house) - before, 3, "the name, and the two that name it");
    assert_eq!(house.qq.session().calls["get_group_info_ext2"], asked, "nobody asked QQ about the group again");
}

#[tokio::test(flavor = "multi_thread")]
async fn offices_on_qq_are_levels_and_nobody_else_may_change_what_the_bridge_keeps_in_step() {
    let mut world = Qq::example().unwrap();
    world.groups[1].admins = vec!["爸爸".to_owned(), "小明".to_owned()];
    let house = House::with(world, &json!({ "network": often() })).await;
    house.log_in().await;
    house.qq.say(FAMILY_CHAT, "妈妈", "one").unwrap();
    let (room, mother) = house.sees(FAMILY, "one").await;
    house.qq.say(FAMILY_CHAT, "爸爸", "two").unwrap();
    let (_, father) = house.sees(FAMILY, "two").await;
    let has = |user: &'_ str, wanted: Option<i64>| {
        let (room, user) = (room.clone(), user.to_owned());
        house.matrix.wait_until("the level", move |world| level(world, &room, &user) == wanted)
    };
    has(&mother, Some(75)).await;
    has(&father, Some(50)).await;
    let levels = house.matrix.see(|world| world.state(&room, "m.room.power_levels", ""));
    assert_eq!(levels["users"].as_object().unwrap().len(), 2, "the owner of the account is nobody here: {levels}");
    for kind in ["m.room.name", "m.room.avatar", "m.room.topic", "m.room.encryption", "m.room.power_levels"] {
        assert_eq!(levels["events"][kind], 100, "{kind}");
    }
    house.owner_enters(&room).await;
    let may = house.owner.may_set_state(&room, "m.room.name", "", json!({ "name": "mine" }));
    assert!(!may, "the bridge would write over it");

    // QQ tells a change of office at once.
    house
        .qq
        .act(
            &serde_json::from_value::<Act>(
                json!({"do": "administrator", "group": FAMILY, "name": "爸爸", "now": false}),
            )
            .unwrap(),
        )
        .unwrap();
    has(&father, Some(0)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn members_enter_with_their_first_word_or_all_of_them_up_to_a_limit_also_after_a_kill() {
    let ghosts = |world: &World, room: &str| {
        let members = world.members(room).into_iter();
        members.filter(|user| user.starts_with("@qq_")).count()
    };
    let lazy = House::new().await;
    lazy.log_in().await;
    lazy.qq.say(FAMILY_CHAT, "妈妈", "hi").unwrap();
    let (room, _) = lazy.sees(FAMILY, "hi").await;
    assert_eq!(lazy.matrix.see(|world| ghosts(world, &room)), 1);

    let mut house = House::configured(&json!({ "bridge": { "members": { "sync": "all", "limit": 2 } } })).await;
    house.log_in().await;
    house.qq.say(FAMILY_CHAT, "表哥", "hi").unwrap();
    let (room, _) = house.sees(FAMILY, "hi").await;
    // The first two of the list, and whoever has spoken.
    house.matrix.wait_until("the first two", |world| ghosts(world, &room) == 3).await;
    house.kill().await;
    house.configure(&json!({ "bridge": { "members": { "sync": "all", "limit": 4 } } }));
    house.start();
    house.qq.say("group:Rust 学习小组 🦀", "Bob", "hello").unwrap();
    let (rust, _) = house.sees("Rust 学习小组 🦀", "hello").await;
    house.matrix.wait_until("four, and Bob", |world| ghosts(world, &rust) == 5).await;
    let name = |world: &World, user: &str| world.state(&rust, "m.room.member", user)["displayname"].clone();
    let is_called = |world: &World, wanted: &str| world.members(&rust).iter().any(|user| name(world, user) == wanted);
    house.matrix.wait_until("a card", |world| is_called(world, "Alice（组长） (QQ)")).await;
    let joins = house.matrix.see(|world| world.asked(Endpoint::Join));
    assert_eq!(house.matrix.see(|world| ghosts(world, &room)), 3, "there are no more members");
    assert_eq!(house.qq.session().calls["get_group_info_ext2"], 3, "one list for each group and process");
    assert_eq!(house.matrix.see(|world| world.asked(Endpoint::Join)), joins);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_remark_is_told_by_the_name_of_the_direct_room_and_by_nothing_else_that_the_homeserver_hears() {
    let mut house = House::configured(&json!({
        "network": often(),
        "bridge": { "avatars": true, "personal_spaces": true, "members": { "sync": "all" } },
    }))
    .await;
    house.log_in().await;
    house.qq.say("friend:王芳", "王芳", "hi").unwrap();
    let (direct, _) = house.sees("芳芳", "hi").await;
    house.qq.say("group:Rust 学习小组 🦀", "王芳", "hello all").unwrap();
    let (group, _) = house.sees("Rust 学习小组 🦀", "hello all").await;
    house.qq.say("group:Rust 学习小组 🦀", "Bob", "hello").unwrap();
    house.sees("Rust 学习小组 🦀", "hello").await;
    house.matrix.wait_until("all members", |world| world.members(&group).len() >= 7).await;
    house.qq.edit_world(|world| world.friends[0].markname = Some("小芳（公司）".to_owned())).unwrap();
    house.qq.say("friend:王芳", "王芳", "again").unwrap();
    house.sees("小芳（公司）", "again").await;
    house.qq.edit_world(|world| world.friends[0].nick = Some("Fang".to_owned())).unwrap();
    house.qq.say("group:Rust 学习小组 🦀", "王芳", "renamed").unwrap();
    house
        .matrix
        .wait_until("the new nick in the group", |world| {
            let members = world.members(&group);
            members.iter().any(|user| world.display_name(user) == Some("Fang (QQ)"))
        })
        .await;
    assert!(house.stop());

    let told = house.matrix.see(|world| [world.requests_with("芳芳"), world.requests_with("小芳")].concat());
    let in_its_place = |asked: &String| {
        let makes_it = asked.contains("/createRoom?") && asked.contains("\"is_direct\":true");
        let encoded = direct.replace('!', "%21");
        let names_it = asked.contains("/state/m.room.name/") && (asked.contains(&direct) || asked.contains(&encoded));
        makes_it || names_it
    };
    assert!(told.len() >= 2, "{told:#?}");
    let elsewhere: Vec<&String> = told.iter().filter(|asked| !in_its_place(asked)).collect();
    assert!(elsewhere.is_empty(), "{elsewhere:#?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rush_of_new_chats_asks_for_a_few_rooms_at_a_time_and_holds_up_no_room_that_is_there() {
    const NEW: usize = 10;
    const AT_ONCE: usize = 8;
    let mut house = House::new().await;
    let name = |n: usize| format!("同事{n}");
    house
        .qq
        .edit_world(|world| {
            let like = world.friends[0].clone();
            let friend = |n| Friend { name: name(n), nick: None, markname: None, number: None, ..like.clone() };
            world.friends.extend((0..NEW).map(friend));
        })
        .unwrap();
    house.log_in().await;
    house.qq.say(FAMILY_CHAT, "妈妈", "hi").unwrap();
    house.sees(FAMILY, "hi").await;
    let before = house.matrix.see(|world| world.asked(Endpoint::CreateRoom));

    house.matrix.fail_next(Endpoint::CreateRoom, AT_ONCE, Fault::Delay(Duration::from_hours(1)));
    for n in 0..NEW {
        house.qq.say(&format!("friend:{}", name(n)), &name(n), &format!("words {n}")).unwrap();
    }
    let asked = |world: &World| world.asked(Endpoint::CreateRoom) - before;
    house.matrix.wait_until("rooms to be asked for", |world| asked(world) == AT_ONCE).await;
    house.qq.say(FAMILY_CHAT, "妈妈", "and here?").unwrap();
    house.sees(FAMILY, "and here?").await;
    assert_eq!(house.matrix.see(asked), AT_ONCE);

    house.kill().await;
    house.start();
    for n in 0..NEW {
        house.shows(&format!("words {n}")).await;
    }
    assert_eq!(house.matrix.see(asked), AT_ONCE + NEW, "of those that were asked for first, none was made");
}
