//! What people learn about their friends and groups.

use matrix_webqq::sim::{Fault, Member, Trouble, World};

use serde_json::json;

use crate::support::homeserver::World as Matrix;
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
    assert!(list.contains("a setting of your Matrix client"), "{list}");
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
    house.qq.say("group:相亲相爱一家人", "妈妈", "hi").unwrap();
    let (room, _) = house.sees("相亲相爱一家人", "hi").await;
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
    House::configured(&json!({ "network": { "webqq": { "list_refresh_ms": 1 } } })).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_group_that_gets_another_name_keeps_its_room_under_the_new_name() {
    let house = attentive().await;
    house.log_in().await;
    house.qq.say("group:相亲相爱一家人", "妈妈", "before").unwrap();
    let (room, _) = house.sees("相亲相爱一家人", "before").await;
    house.qq.edit_world(|world| world.groups[1].title = Some("幸福的一家 <3".to_owned())).unwrap();
    house.qq.say("group:相亲相爱一家人", "妈妈", "after").unwrap();
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

#[tokio::test(flavor = "multi_thread")]
async fn a_thousand_members_cost_no_more_requests_than_those_who_speak() {
    let mut world = World::example().unwrap();
    let member = |n: usize| Member { name: format!("member {n}"), nick: None, card: None, number: None };
    world.groups[1].members = (0..1000).map(member).collect();
    world.groups[1].owner = "member 0".to_owned();
    let house = House::with(world, &json!({})).await;
    house.log_in().await;
    let asked_qq = |house: &House| {
        house.qq.session().calls.iter().filter(|(call, _)| call.as_str() != "poll2").map(|(_, n)| *n).sum::<u64>()
    };
    let asked_matrix = |house: &House| house.matrix.see(Matrix::asked_in_all);
    let before = (asked_qq(&house), asked_matrix(&house));
    for n in 0..10 {
        house.qq.say("group:相亲相爱一家人", &format!("member {}", 500 + n % 3), &format!("message {n}")).unwrap();
    }
    house.sees("相亲相爱一家人", "message 9").await;
    // One list of members; the lists of a login came before.
    assert_eq!(asked_qq(&house) - before.0, 1);
    // A room, its owner's joining, and for each of three speakers: made, named, asked in, joined; then ten messages.
    let asked = asked_matrix(&house) - before.1;
    assert!(asked <= 10 + 3 * 4 + 8, "{asked} requests");
    assert_eq!(house.qq.session().calls["get_group_info_ext2"], 1);
}
