//! What people learn about their friends and groups.

use matrix_webqq::sim::{Fault, Member, Trouble, World};

use serde_json::{Value, json};

use super::{FAMILY, FAMILY_CHAT};
use crate::support::homeserver::{Endpoint, Fault as MatrixFault, World as Matrix};
use crate::support::house::House;

#[tokio::test(flavor = "multi_thread")]
async fn friends_are_shown_with_nick_category_and_status_and_those_talked_to_last_come_first() {
    let house = House::new().await;
    house.qq.say("friend:🐼 阿宝", "🐼 阿宝", "hi").unwrap();
    let control = house.log_in().await;
    house.owner.say(&control, "friends");
    let list = house.bot_says(&control, "芳芳").await;
    let lines: Vec<&str> = list.lines().filter_map(|line| line.trim().strip_prefix("- ")).collect();
    assert!(lines[0].starts_with("🐼 阿宝 · online"), "{list}");
    assert!(lines.iter().any(|line| line.replace('\\', "") == "芳芳 (王芳) [同学] · online"), "{list}");
    assert!(lines.iter().any(|line| line.contains("张建国") && !line.contains("online")), "{list}");
}

#[tokio::test(flavor = "multi_thread")]
async fn whois_tells_the_signature_and_level_of_a_friend_and_goes_on_when_qq_refuses_one_of_them() {
    let house = House::new().await;
    let control = house.log_in().await;
    house.qq.fault(Fault::new("get_qq_level2", Trouble::Retcode(100_101)));
    house.owner.say(&control, "whois 芳芳");
    let told = house.bot_says(&control, "signature").await;
    assert!(told.contains("王芳") && told.contains("岁月静好") && told.contains("status: online"), "{told}");
    assert!(!told.contains("level"), "{told}");
    house.owner.say(&control, "whois 芳芳");
    house.bot_says(&control, "level: 19").await;
    house.owner.say(&control, "whois 2769546520");
    house.bot_says(&control, "天天向上").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn groups_show_what_is_muted_on_qq_and_who_has_a_say_in_them() {
    let house = House::new().await;
    let control = house.log_in().await;
    house.owner.say(&control, "groups");
    let list = house.bot_says(&control, "周末爬山").await;
    assert!(list.lines().any(|line| line.contains("周末爬山") && line.contains("muted on QQ")), "{list}");
    assert!(list.contains("`mute`, written in the room, changes it"), "{list}");
    house.owner.say(&control, "whois Rust");
    let told = house.bot_says(&control, "owner").await;
    assert!(
        told.contains("Alice（组长）") && told.contains("administrators: 小明") && told.contains("members: 6"),
        "{told}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_account_calls_people_is_told_in_the_control_room_only() {
    let house = House::new().await;
    house.log_in().await;
    house.qq.say(FAMILY_CHAT, "妈妈", "hi").unwrap();
    let (room, _) = house.sees(FAMILY, "hi").await;
    for command in ["!qq friends", "!qq groups", "!qq whois 芳芳"] {
        house.owner.say(&room, command);
    }
    let refusals = house.matrix.wait_until("three refusals", |world| {
        world.timeline(&room).iter().filter(|event| event.body().contains("in our control room")).count() == 3
    });
    refusals.await;
}

/// A house that lists everybody anew before each poll.
async fn attentive() -> House {
    let often = json!({ "webqq": { "list_refresh_ms": 1 } });
    House::configured(&json!({ "network": often, "bridge": { "avatars": true } })).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_group_that_gets_another_name_keeps_its_room_under_the_new_name() {
    let house = attentive().await;
    house.log_in().await;
    house.qq.say(FAMILY_CHAT, "妈妈", "before").unwrap();
    let (room, _) = house.sees(FAMILY, "before").await;
    house.qq.edit_world(|world| world.groups[1].title = Some("幸福的一家 <3".to_owned())).unwrap();
    house.qq.say(FAMILY_CHAT, "妈妈", "after").unwrap();
    assert_eq!(house.sees("幸福的一家 <3", "after").await.0, room);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_remark_names_the_direct_chat_and_is_never_the_ghosts_name_and_a_new_nick_is() {
    let house = attentive().await;
    house.log_in().await;
    house.qq.say("friend:王芳", "王芳", "hi").unwrap();
    let (room, ghost) = house.sees("芳芳", "hi").await;
    let ghost_name = || house.matrix.see(|world| world.display_name(&ghost).map(str::to_owned)).unwrap();
    assert_eq!(ghost_name(), "王芳 (QQ)");

    let rename = |nick: &str, markname: Option<&str>| {
        let edit = house.qq.edit_world(|world| {
            world.friends[0].nick = Some(nick.to_owned());
            world.friends[0].markname = markname.map(str::to_owned);
        });
        edit.unwrap();
        house.qq.say("friend:王芳", "王芳", nick).unwrap();
    };
    rename("Fang", Some("小芳（公司）"));
    assert_eq!(house.sees("小芳（公司）", "Fang").await.0, room);
    let renamed =
        house.matrix.wait_until("the ghost's new name", |world| world.display_name(&ghost) == Some("Fang (QQ)"));
    renamed.await;

    rename("Fang Fang", None);
    house.matrix.wait_until("the remark to be gone", |world| world.state(&room, "m.room.name", "")["name"] == "").await;
    let told = house.matrix.see(|world| {
        world
            .timeline(&room)
            .iter()
            .filter(|event| event.kind == "m.room.member")
            .map(|event| event.content.to_string())
            .collect::<String>()
    });
    assert!(told.contains("Fang") && !told.contains("小芳"), "{told}");
}

/// A push in which `person` says `text` to the account alone.
fn says(person: &str, text: &str, n: u64) -> Value {
    let font = json!(["font", { "name": "宋体", "size": 10, "style": [0, 0, 0], "color": "000000" }]);
    json!({ "poll_type": "message", "value": {
        "from_uin": format!("$uin:{person}"), "to_uin": "$own", "msg_id": n, "msg_type": 0, "time": 1_493_339_716 + n,
        "content": [font, text],
    }})
}

#[tokio::test(flavor = "multi_thread")]
async fn a_nick_that_changes_while_the_first_words_are_read_is_the_ghosts_name() {
    let house = House::new().await;
    house.log_in().await;
    house.qq.edit_world(|world| world.friends[0].nick = Some("Fang".to_owned())).unwrap();
    // The friend is known, by the old nick. The stranger makes the bridge ask for the lists, before either has a room.
    house.qq.push(vec![says("王芳", "hi", 1), says("陈小花", "do you know me?", 2)]).unwrap();
    let (_, ghost) = house.shows("hi").await;
    house.matrix.wait_until("the new nick", |world| world.display_name(&ghost) == Some("Fang (QQ)")).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_thousand_members_cost_no_more_requests_than_those_who_speak() {
    let mut world = World::example().unwrap();
    let member = |n: usize| Member { name: format!("member {n}"), nick: None, card: None, number: None };
    world.groups[1].members = (0..1000).map(member).collect();
    world.groups[1].owner = "member 0".to_owned();
    let house = House::with(world, &json!({ "bridge": { "avatars": true } })).await;
    house.log_in().await;
    let asked_qq = |house: &House| {
        house.qq.session().calls.iter().filter(|(call, _)| call.as_str() != "poll2").map(|(_, n)| *n).sum::<u64>()
    };
    let asked_matrix = |house: &House| house.matrix.see(Matrix::asked_in_all);
    let before = (asked_qq(&house), asked_matrix(&house));
    for n in 0..10 {
        house.qq.say(FAMILY_CHAT, &format!("member {}", 500 + n % 3), &format!("message {n}")).unwrap();
    }
    let (room, _) = house.sees(FAMILY, "message 9").await;
    house
        .matrix
        .wait_until("the room's picture", |world| world.state(&room, "m.room.avatar", "")["url"].is_string())
        .await;
    // One list of members, a picture of each of three speakers (and where it lies), and that of the group; the lists of a
    // login came before.
    assert!(asked_qq(&house) - before.0 <= 1 + 3 * 2 + 1);
    // A room with its picture, its owner's joining, and for each of three speakers: made, named, asked in, joined, shown;
    // then ten messages.
    let asked = asked_matrix(&house) - before.1;
    assert!(asked <= 10 + 3 * 6 + 8, "{asked} requests");
    assert_eq!(house.qq.session().calls["get_group_info_ext2"], 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn ghosts_and_rooms_bear_the_pictures_of_qq_and_each_picture_is_uploaded_once() {
    let mut house = House::configured(&json!({ "bridge": { "avatars": true } })).await;
    house.log_in().await;
    let uploads = |house: &House| house.matrix.see(|world| world.asked(Endpoint::Upload));
    let codes = uploads(&house);
    for (chat, who) in [(FAMILY_CHAT, "妈妈"), (FAMILY_CHAT, "爸爸"), ("friend:王芳", "王芳")] {
        house.qq.say(chat, who, who).unwrap();
    }
    let (family, mother) = house.sees(FAMILY, "妈妈").await;
    let (_, father) = house.sees(FAMILY, "爸爸").await;
    let (direct, friend) = house.sees("芳芳", "王芳").await;
    let room_avatar =
        |world: &Matrix, room: &str| world.state(room, "m.room.avatar", "")["url"].as_str().map(str::to_owned);
    let all = house.matrix.wait_for("every picture", |world| {
        let ghosts = [&mother, &father, &friend].map(|ghost| world.avatar_url(ghost).map(str::to_owned));
        let rooms = [&family, &direct].map(|room| room_avatar(world, room));
        ghosts.into_iter().chain(rooms).collect::<Option<Vec<_>>>()
    });
    let all = all.await;
    assert_eq!(all[0], all[1], "two people without a picture of their own share one, and it is there once");
    assert_eq!(all[2], all[4], "the room of a friend looks like the friend");
    assert!(all[0] != all[2] && all[2] != all[3] && all[0] != all[3]);
    assert_eq!(uploads(&house) - codes, 3);

    let asked = |house: &House| house.qq.session().calls["getface"];
    let before = asked(&house);
    assert!(house.stop());
    house.start();
    house.qq.say(FAMILY_CHAT, "妈妈", "again").unwrap();
    house.qq.say(FAMILY_CHAT, "表哥", "me too").unwrap();
    house.sees(FAMILY, "me too").await;
    let (_, cousin) = house.sees(FAMILY, "me too").await;
    house.matrix.wait_until("the cousin's picture", |world| world.avatar_url(&cousin) == Some(&all[0])).await;
    assert_eq!(
        (asked(&house), uploads(&house)),
        (before + 1, codes + 3),
        "nobody is looked at twice, and nothing uploaded again"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_picture_that_cannot_be_had_or_lies_elsewhere_holds_no_message_up() {
    let house = House::configured(&json!({ "bridge": { "avatars": true } })).await;
    house.log_in().await;
    house.qq.fault(Fault::new("getface", Trouble::Body("<html>no picture".to_owned())).times(1));
    house.qq.fault(Fault::new("getface", Trouble::Drop).times(1));
    house.matrix.fail_next(Endpoint::Upload, 1, MatrixFault::Status(500));
    for n in 0..3 {
        house.qq.say(FAMILY_CHAT, "妈妈", &format!("message {n}")).unwrap();
    }
    house.qq.say("friend:王芳", "王芳", "hi").unwrap();
    let (room, _) = house.sees(FAMILY, "message 2").await;
    house.sees("芳芳", "hi").await;
    house.qq.wait_session(|session| session.calls.get("getface").copied().unwrap_or_default() == 3).await;
    assert_eq!(house.said_by_ghosts(&room), ["message 0", "message 1", "message 2"]);
    assert!(!house.log().contains("panicked"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_card_is_the_ghosts_name_in_that_group_alone_and_outlives_a_new_picture_and_nick() {
    let house = attentive().await;
    house.log_in().await;
    house.qq.say("group:Rust 学习小组 🦀", "Alice Chen", "hi").unwrap();
    let (room, ghost) = house.sees("Rust 学习小组 🦀", "hi").await;
    let called =
        |world: &Matrix| world.state(&room, "m.room.member", &ghost)["displayname"].as_str().map(str::to_owned);
    let card = "Alice（组长） (QQ)";
    let shown = house.matrix.wait_until("picture and card", |world| {
        world.avatar_url(&ghost).is_some() && called(world).as_deref() == Some(card)
    });
    shown.await;
    assert_eq!(
        house.matrix.see(|world| world.display_name(&ghost).map(str::to_owned)).as_deref(),
        Some("Alice Chen (QQ)")
    );
    house
        .matrix
        .wait_until("the picture beside the card", |world| {
            world.state(&room, "m.room.member", &ghost)["avatar_url"].as_str() == world.avatar_url(&ghost)
        })
        .await;

    house.qq.edit_world(|world| world.friends[1].nick = Some("Alicia".to_owned())).unwrap();
    house.qq.say("friend:Alice Chen", "Alice Chen", "privately").unwrap();
    let renamed = house.matrix.wait_until("the new nick", |world| world.display_name(&ghost) == Some("Alicia (QQ)"));
    renamed.await;
    house.matrix.wait_until("the card again", |world| called(world).as_deref() == Some(card)).await;
}
