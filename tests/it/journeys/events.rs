//! What happens on QQ besides messages: who is there, who comes and goes, who wants something, who whispers.

use matrix_webqq::sim::{Act, Fault, Trouble};
use serde_json::{Value, json};

use super::{FAMILY, FAMILY_CHAT};
use crate::support::homeserver::{Endpoint, World};
use crate::support::house::House;

const RUST: &str = "Rust 学习小组 🦀";

/// Lets somebody on QQ do something, written as for the console.
fn act(house: &House, act: Value) {
    let act: Act = serde_json::from_value(act).expect("the simulator knows it");
    house.qq.act(&act).expect("it can happen");
}

/// What the bot said in `room`.
fn notices(world: &World, room: &str) -> Vec<String> {
    let bot = world.bot();
    world.said(room).into_iter().filter(|(who, _)| *who == bot).map(|(_, text)| text).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_friend_request_is_accepted_from_the_control_room_once_and_survives_a_restart() {
    let mut house = House::new().await;
    let control = house.log_in().await;
    act(&house, json!({"do": "ask_friendship", "name": "陈小花", "text": "我是小花"}));
    let asked = house.bot_says(&control, "wants to be a QQ friend").await;
    assert!(asked.contains("陈小花") && asked.contains("> 我是小花") && asked.contains("accept 1"), "{asked}");

    house.kill().await;
    house.start();
    house.owner.say(&control, "accept");
    house.bot_says(&control, "These wait for").await;
    house.owner.say(&control, "accept 1");
    house.bot_says(&control, "is accepted").await;
    let asked = house.qq.asked();
    assert_eq!((asked.len(), asked[0].accepted), (1, Some(true)));
    assert!(house.qq.world().friends.iter().any(|friend| friend.name == "陈小花"));

    house.owner.say(&control, "deny 1 too late");
    house.bot_says(&control, "Request 1 was answered before").await;
    house.owner.say(&control, "accept 77");
    house.bot_says(&control, "You have no request 77").await;
    house.owner.say(&control, "friends 小花");
    house.bot_says(&control, "1 found").await;
    assert_eq!(house.qq.asked()[0].accepted, Some(true));
    assert_eq!(house.qq.session().calls.get("allow_and_add2"), Some(&1));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_qq_did_not_take_is_given_again_until_it_does() {
    let house = House::new().await;
    let control = house.log_in().await;
    house.qq.fault(Fault::new("deny_added_request2", Trouble::Http(502)));
    house.qq.fault(Fault::new("deny_added_request2", Trouble::DropBefore));
    act(&house, json!({"do": "ask_friendship", "name": "Carol", "text": ""}));
    house.bot_says(&control, "wants to be a QQ friend").await;
    house.owner.say(&control, "deny 1 I do not know you");
    house.bot_says(&control, "is refused").await;
    let asked = house.qq.asked();
    assert_eq!((asked[0].accepted, asked[0].reason.as_str()), (Some(false), "I do not know you"));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_survives_the_death_of_the_bridge_and_nobody_else_can_give_it() {
    let mut house = House::new().await;
    let control = house.log_in().await;
    act(&house, json!({"do": "ask_friendship", "name": "陈小花", "text": ""}));
    house.bot_says(&control, "wants to be a QQ friend").await;
    let bob = house.matrix.user("bob");
    let office = bob.create_dm("@qqbot:hs.test");
    house.bot_says(&office, "control room").await;
    bob.say(&office, "accept 1");
    house.bot_says(&office, "You have no request 1").await;

    house.qq.fault(Fault::new("allow_and_add2", Trouble::Http(502)).times(1_000));
    house.owner.say(&control, "accept 1");
    house.qq.wait_session(|session| session.calls.contains_key("allow_and_add2")).await;
    house.kill().await;
    assert_eq!(house.qq.asked()[0].accepted, None);
    house.qq.clear_faults();
    house.start();
    house.bot_says(&control, "is accepted").await;
    assert_eq!(house.qq.asked()[0].accepted, Some(true));
}

#[tokio::test(flavor = "multi_thread")]
async fn somebody_who_asks_to_enter_a_group_is_denied_or_let_in() {
    let house = House::new().await;
    let control = house.log_in().await;
    act(&house, json!({"do": "ask_membership", "group": "Weekend Hikers", "name": "陈小花", "text": "gggggg"}));
    let asked = house.bot_says(&control, "wants to enter the group 周末爬山").await;
    assert!(asked.contains("陈小花") && asked.contains("> gggggg"), "{asked}");
    house.owner.say(&control, "deny 1 full");
    house.bot_says(&control, "is refused").await;
    let asked = house.qq.asked();
    assert_eq!((asked[0].accepted, asked[0].reason.as_str()), (Some(false), "full"));

    act(&house, json!({"do": "ask_membership", "group": "Weekend Hikers", "name": "妈妈", "text": ""}));
    house.bot_says(&control, "accept 2").await;
    house.owner.say(&control, "accept 2");
    house.bot_says(&control, "is accepted").await;
    let world = house.qq.world();
    let hikers = world.groups.iter().find(|group| group.name == "Weekend Hikers").unwrap();
    assert!(hikers.members.iter().any(|member| member.name == "妈妈"));
}

#[tokio::test(flavor = "multi_thread")]
async fn members_come_and_go_and_get_offices() {
    let house = House::new().await;
    let control = house.log_in().await;
    house.qq.say(FAMILY_CHAT, "妈妈", "大家好").unwrap();
    let (room, mother) = house.sees(FAMILY, "大家好").await;

    act(&house, json!({"do": "join", "group": FAMILY, "name": "新来的"}));
    let find =
        |world: &World| world.members(&room).into_iter().find(|user| world.display_name(user) == Some("新来的 (QQ)"));
    let newcomer = house.matrix.wait_for("the newcomer's ghost", find).await;
    act(&house, json!({"do": "leave", "group": FAMILY, "name": "新来的"}));
    house.matrix.wait_until("the newcomer to leave", |world| world.membership(&room, &newcomer) == "leave").await;

    let level = |world: &World, user: &str| world.state(&room, "m.room.power_levels", "")["users"][user].as_i64();
    act(&house, json!({"do": "administrator", "group": FAMILY, "name": "爸爸", "now": true}));
    house.qq.say(FAMILY_CHAT, "爸爸", "我是管理员").unwrap();
    let (_, father) = house.sees(FAMILY, "我是管理员").await;
    house.matrix.wait_until("father to be an administrator", |world| level(world, &father) == Some(50)).await;
    act(&house, json!({"do": "owner", "group": FAMILY, "name": "爸爸"}));
    house.matrix.wait_until("father to own the group", |world| level(world, &father) == Some(75)).await;
    act(&house, json!({"do": "administrator", "group": FAMILY, "name": "爸爸", "now": false}));
    house.matrix.wait_until("father to be nobody", |world| level(world, &father) == Some(0)).await;
    house.owner_chooses_chinese(&control).await;
    act(&house, json!({"do": "remove", "group": FAMILY, "name": "妈妈"}));
    house.matrix.wait_until("mother to be put out", |world| world.membership(&room, &mother) == "leave").await;
    assert_eq!(house.matrix.see(|world| world.state(&room, "m.room.member", &mother))["reason"], "被 爸爸 移出群");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_group_that_is_lost_is_told_in_its_room_and_in_the_control_room() {
    let house = House::new().await;
    let control = house.log_in().await;
    house.qq.say(FAMILY_CHAT, "妈妈", "大家好").unwrap();
    let (room, _) = house.sees(FAMILY, "大家好").await;
    act(&house, json!({"do": "remove", "group": FAMILY, "name": "小明"}));
    house.bot_says(&control, "removed from the group 相亲相爱一家人 by 妈妈").await;
    house.bot_says(&room, "removed from the group").await;
    act(&house, json!({"do": "dissolve", "group": RUST}));
    house.bot_says(&control, "was dissolved").await;
    house.owner.say(&control, "groups");
    let groups = house.bot_says(&control, "1 found").await;
    assert!(groups.contains("周末爬山"), "{groups}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stranger_of_a_group_is_spoken_to_in_a_room_of_their_own_also_after_another_login() {
    let mut house = House::new().await;
    let control = house.log_in().await;
    let chat = format!("temporary:程序员小李@group:{RUST}");
    house.qq.say(&chat, "程序员小李", "借一步说话").unwrap();
    let (room, ghost) = house.shows("借一步说话").await;
    assert_eq!(
        house.matrix.see(|world| world.display_name(&ghost).map(str::to_owned)).as_deref(),
        Some("程序员小李 (QQ)")
    );
    house.owner.say(&room, "说吧 [微笑]");
    house.qq.wait_heard(|heard| !heard.is_empty()).await;
    assert_eq!(house.heard_in(&chat), ["说吧 [微笑]"]);
    house.owner.say(&room, "第二句");
    house.qq.wait_heard(|heard| heard.len() == 2).await;
    assert_eq!(house.qq.session().calls.get("get_c2cmsg_sig2"), Some(&1), "one leave for both");

    house.stop();
    house.qq.expire(103).unwrap();
    house.start();
    house.bot_says(&control, "has ended").await;
    house.log_in_from(&control).await;
    house.owner.say(&room, "还在吗");
    house.qq.wait_heard(|heard| heard.len() == 3).await;
    assert_eq!(house.heard_in(&chat).last().map(String::as_str), Some("还在吗"));
    house.qq.say(&chat, "程序员小李", "在").unwrap();
    house
        .matrix
        .wait_until("the answer in the same room", |world| world.said(&room).iter().any(|(_, text)| text == "在"))
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_members_share_is_shown_as_text() {
    let house = House::new().await;
    house.log_in().await;
    let xml = r#"<?xml version="1.0" encoding="utf-8"?><d><n t="h" u="2519967390"/><n t="t" s="共享文件"/><n t="b"/><n t="t" s="IMG_1193.jpg"/></d>"#;
    act(&house, json!({"do": "web", "group": FAMILY, "name": "表哥", "xml": xml}));
    let (room, _) = house.sees(FAMILY, "共享文件 IMG_1193.jpg").await;
    let bomb = r#"<!DOCTYPE d [<!ENTITY a "ha">]><d><n t="t" s="&a;"/></d>"#;
    act(&house, json!({"do": "web", "group": FAMILY, "name": "表哥", "xml": bomb}));
    house.sees(FAMILY, "[网页消息]").await;
    assert_eq!(house.said_by_ghosts(&room).len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn presence_and_typing_are_seen_and_leave_nothing_behind() {
    let mut house = House::new().await;
    let control = house.log_in().await;
    house.qq.say("friend:王芳", "王芳", "hi").unwrap();
    let (room, ghost) = house.shows("hi").await;
    for (status, presence) in
        [("busy", "unavailable"), ("online", "online"), ("offline", "offline"), ("online", "online")]
    {
        act(&house, json!({"do": "status", "friend": "王芳", "status": status}));
        house.matrix.wait_until(&format!("{status} to be seen"), |world| world.presence(&ghost) == presence).await;
    }
    house.kill().await;
    act(&house, json!({"do": "status", "friend": "王芳", "status": "away"}));
    house.start();
    house.matrix.wait_until("away to be seen", |world| world.presence(&ghost) == "unavailable").await;
    act(&house, json!({"do": "type", "friend": "王芳"}));
    house.matrix.wait_until("typing to be seen", |world| world.typing(&room) == [ghost.clone()]).await;
    // Nobody is made to exist for a status.
    let registered = house.matrix.see(|world| world.asked(Endpoint::Register));
    act(&house, json!({"do": "status", "friend": "Alice Chen", "status": "away"}));
    house.qq.push(vec![json!({"poll_type": "tips", "value": {"txt3": "?", "url": "run=mySignature"}})]).unwrap();
    house.qq.say("friend:王芳", "王芳", "end").unwrap();
    house.matrix.wait_until("the end", |world| world.said(&room).iter().any(|(_, text)| text == "end")).await;
    assert_eq!(house.matrix.see(|world| world.asked(Endpoint::Register)), registered);
    house.owner.say(&control, "queue");
    house.bot_says(&control, "Nothing waits").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unknown_event_is_kept_told_once_and_shown_raw_to_an_administrator_only() {
    let permissions = json!({ "hs.test": "user", "@admin:hs.test": "admin" });
    let house = House::configured(&json!({ "bridge": { "permissions": permissions } })).await;
    let control = house.log_in().await;
    let eclipse = json!({ "poll_type": "lunar_eclipse", "value": { "when": "<b>tonight</b>" } });
    house.qq.push(vec![eclipse.clone()]).unwrap();
    let told = house.bot_says(&control, "does not know: lunar_eclipse").await;
    let n = told.split("raw ").nth(1).unwrap().split('`').next().unwrap().to_owned();
    house.qq.push(vec![json!({ "poll_type": "lunar_eclipse", "value": { "when": "again" } })]).unwrap();
    // Whatever is told of it is told before this is said.
    house.qq.say("friend:王芳", "王芳", "behind it").unwrap();
    house.shows("behind it").await;

    house.owner.say(&control, &format!("raw {n}"));
    house.bot_says(&control, "has no permission to use `raw`").await;
    let admin = house.matrix.user("admin");
    let office = admin.create_dm("@qqbot:hs.test");
    house.bot_says(&office, "control room").await;
    admin.say(&office, &format!("raw {n}"));
    let raw = house.bot_says(&office, "lunar_eclipse").await;
    assert_eq!(serde_json::from_str::<Value>(&raw).unwrap(), eclipse);
    admin.say(&office, "raw 1000000");
    house.bot_says(&office, "There is no event 1000000").await;
    assert!(!house.log().contains("tonight"));
    let told = house.matrix.see(|world| notices(world, &control));
    assert_eq!(told.iter().filter(|text| text.contains("lunar_eclipse")).count(), 1, "{told:?}");
}
