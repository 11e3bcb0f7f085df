//! What people write to the bot, and what it answers.

use matrix_webqq::config::Permission;
use matrix_webqq::sim::{Fault, Trouble};
use serde_json::json;

use super::{FAMILY, FAMILY_CHAT};
use crate::support::house::House;

#[tokio::test(flavor = "multi_thread")]
async fn every_command_of_the_help_can_be_asked_about() {
    let house = House::new().await;
    let room = house.control_room().await;
    house.owner.say(&room, "help");
    let help = house.bot_says(&room, "These are the commands").await;
    for command in matrix_webqq::control::COMMANDS {
        let shown = command.least <= Permission::User;
        assert_eq!(help.contains(&format!("- `{}", command.name)), shown, "{}", command.name);
    }
    house.owner.say(&room, "help open");
    let detail = house.bot_says(&room, "Example: `open 李明 2`").await;
    for part in [
        "`open [QQ number] <friend|group>`",
        "without waiting for a message",
        "Also called: `pm`, `start-chat`",
        "permission `user`",
    ] {
        assert!(detail.contains(part), "{part}: {detail}");
    }
    assert!(help.contains("**QQ accounts**") && !help.contains("For administrators"), "{help}");
    house.owner.say(&room, "help opn");
    house.bot_says(&room, "There is no command `opn`. Did you mean `open`?").await;
    house.owner.say(&room, "version");
    house.bot_says(&room, env!("CARGO_PKG_VERSION")).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_slip_of_the_finger_gets_a_suggestion() {
    let house = House::new().await;
    let room = house.control_room().await;
    house.owner.say(&room, "logn");
    house.bot_says(&room, "Did you mean `login`?").await;
    house.owner.say(&room, "xyzzy");
    house.bot_says(&room, "There is no command `xyzzy`. Write `help`").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_bot_speaks_the_language_that_a_person_chose_and_still_does_after_a_restart() {
    let mut house = House::new().await;
    let room = house.control_room().await;
    house.log_in_from(&room).await;
    house.owner.say(&room, "language tlh");
    house.bot_says(&room, "I speak English and Chinese only").await;
    house.owner_chooses_chinese(&room).await;
    house.kill().await;
    house.start();
    house.owner.say(&room, "xyzzy");
    house.bot_says(&room, "没有命令 `xyzzy`").await;
    house.qq.kick("您的帐号在另一地点登录").unwrap();
    house.bot_says(&room, "的 QQ 会话已结束").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn outside_the_control_room_commands_need_the_prefix() {
    let house = House::new().await;
    house.log_in().await;
    house.qq.say(FAMILY_CHAT, "妈妈", "hi").unwrap();
    let (room, _) = house.sees(FAMILY, "hi").await;
    house.owner.say(&room, "!qq id");
    house.bot_says(&room, "This room mirrors").await;
    house.owner.say(&room, "!qq login");
    house.bot_says(&room, "Others could see the QR code or your password here").await;
    house.owner.say(&room, "help");
    house.qq.wait_heard(|heard| heard.iter().any(|heard| heard.text == "help")).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn somebody_without_permission_is_told_so() {
    let permissions = json!({ "hs.test": "block", "@alice:hs.test": "user" });
    let house = House::configured(&json!({ "bridge": { "permissions": permissions } })).await;
    let bob = house.matrix.user("bob");
    let room = bob.create_dm("@qqbot:hs.test");
    house.bot_says(&room, "@bob:hs.test has no permission").await;
    bob.say(&room, "!qq login");
    house.bot_says(&room, "has no permission to use this bridge").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn friends_and_groups_are_listed_and_opened() {
    let house = House::new().await;
    let control = house.control_room().await;
    house.owner.say(&control, "friends");
    house.bot_says(&control, "You are not logged in").await;
    house.log_in_from(&control).await;

    house.owner.say(&control, "friends 芳");
    house.bot_says(&control, "芳芳").await;
    house.owner.say(&control, "groups");
    let groups = house.bot_says(&control, "周末爬山").await;
    assert!(groups.contains(FAMILY));

    house.owner.say(&control, "open 周末");
    house.bot_says(&control, "is open; look for the invitation").await;
    let room = house
        .matrix
        .wait_for("the room", |world| {
            world.room_ids().into_iter().find(|room| world.state(room, "m.room.name", "")["name"] == "周末爬山")
        })
        .await;
    house.owner_enters(&room).await;
    house.owner.say(&room, "first words");
    let heard = house.qq.wait_heard(|heard| !heard.is_empty()).await;
    assert_eq!(heard[0].chat, "group:Weekend Hikers");

    house.owner.say(&control, "open 不存在");
    house.bot_says(&control, "No friend or group is called").await;
    house.owner.say(&control, "list-logins");
    house.bot_says(&control, "connected").await;
    house.owner.say(&control, "ping");
    house.bot_says(&control, "QQ last answered").await;
    house.owner.say(&control, "queue");
    house.bot_says(&control, "Nothing waits").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn friends_are_found_by_their_nick_and_namesakes_by_a_number() {
    let house = House::new().await;
    let control = house.log_in().await;
    house.owner.say(&control, "open 王芳");
    house.bot_says(&control, "[芳芳](").await;
    house.owner.say(&control, "open 李明");
    let asked = house.bot_says(&control, "may mean").await;
    assert!(asked.contains("- 1: 李明") && asked.contains("- 2: 李明") && asked.contains("`open 李明 1`"), "{asked}");
    for (n, said) in [("1", "to the first"), ("2", "to the second")] {
        let before = house.matrix.see(|world| world.room_ids().len());
        house.owner.say(&control, &format!("open 李明 {n}"));
        let made = house.matrix.wait_for("the room", |world| world.room_ids().get(before).cloned());
        let room = made.await;
        house.owner_enters(&room).await;
        // What is said before the bridge knows its room goes nowhere.
        house.bot_says(&control, room.trim_start_matches('!')).await;
        house.owner.say(&room, said);
    }
    let heard = house.qq.wait_heard(|heard| heard.len() == 2).await;
    let mut told: Vec<(&str, &str)> = heard.iter().map(|it| (it.text.as_str(), it.chat.as_str())).collect();
    told.sort_unstable();
    assert_eq!(told, [("to the first", "friend:李明（北京）"), ("to the second", "friend:李明（上海）")]);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_bot_speaks_chinese_when_told_so() {
    let house = House::configured(&json!({ "bridge": { "language": "zh" } })).await;
    let room = house.owner.create_dm("@qqbot:hs.test");
    house.bot_says(&room, "你好，我是 QQ 桥接机器人").await;
    house.owner.say(&room, "help");
    house.bot_says(&room, "用手机扫描二维码登录 QQ").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_status_on_qq_is_set_and_told_again_when_the_link_is_renewed() {
    let mut house = House::new().await;
    let room = house.log_in().await;
    house.owner.say(&room, "set-status sleeping");
    house.bot_says(&room, "one of online, away, busy, hidden, callme, silent").await;
    house.owner.say(&room, "set-status away 99999");
    house.bot_says(&room, "99999 is not logged in here").await;
    house.owner.say(&room, "set-status Hidden");
    house.bot_says(&room, "shows as hidden on QQ now").await;
    assert_eq!(house.qq.session().status, "hidden");

    house.kill().await;
    house.start();
    house.qq.fault(Fault::new("poll2", Trouble::Body(r#"{"retcode":121,"t":"0"}"#.to_owned())));
    house.qq.wait_session(|session| session.calls.get("login2") == Some(&2)).await;
    house.qq.say(FAMILY_CHAT, "妈妈", "still here").unwrap();
    house.sees(FAMILY, "still here").await;
    assert_eq!(house.qq.session().status, "hidden");
}
