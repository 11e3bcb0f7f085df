//! Logging in, losing a session, and coming back to the same rooms.

use matrix_webqq::sim::{Fault, QrState, Trouble, World};
use serde_json::json;

use super::{FAMILY, FAMILY_CHAT};
use crate::support::homeserver::{Endpoint, Fault as MatrixFault, World as Matrix};
use crate::support::house::House;

#[tokio::test(flavor = "multi_thread")]
async fn the_status_line_follows_the_code_and_the_picture_is_taken_down() {
    let house = House::new().await;
    let room = house.control_room().await;

    house.owner.say(&room, "login");
    house.qq.wait_qr(QrState::Waiting).await;
    house.bot_says(&room, "Waiting for the scan").await;
    let picture = house
        .matrix
        .wait_for("the QR code", |world| {
            world.timeline(&room).iter().find(|event| event.content["msgtype"] == "m.image").cloned()
        })
        .await;
    assert_eq!(picture.content["info"]["w"], 165);
    let shown = house.matrix.see(|world| world.media(picture.content["url"].as_str().unwrap()).cloned());
    assert_eq!(shown.map(|(_, png)| png), house.qq.qr_png(), "it is the code that QQ handed out");

    house.qq.scan().unwrap();
    house.bot_says(&room, "confirm the login on your phone").await;
    house.qq.confirm().unwrap();
    house.bot_says(&room, "Confirmed: logged in as 小明 (2769546520)").await;
    house.bot_says(&room, "groups: 3").await;
    house
        .matrix
        .wait_until("the code to be taken down", |world| {
            world.timeline(&room).iter().any(|event| event.kind == "m.room.redaction")
        })
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_code_refused_on_the_phone_is_replaced_in_place_up_to_a_bound() {
    let house = House::new().await;
    let room = house.control_room().await;
    house.owner.say(&room, "login");
    for code in 1..=5 {
        let words = format!("code {code} of at most 5");
        house.bot_says(&room, &words).await;
        house.qq.wait_qr(QrState::Waiting).await;
        house.qq.reject().unwrap();
    }
    house.bot_says(&room, "The login failed").await;
    let edited: Vec<String> = house
        .matrix
        .timeline(&room)
        .into_iter()
        .filter(|event| event.content["msgtype"] == "m.image")
        .filter_map(|event| event.content["m.relates_to"]["event_id"].as_str().map(str::to_owned))
        .collect();
    assert_eq!(edited.len(), 4, "one picture, edited in place");
    assert!(edited.iter().all(|event| *event == edited[0]));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_said_to_the_bot_before_it_has_come_is_obeyed() {
    let mut house = House::new().await;
    house.kill().await;
    let room = house.owner.create_dm(&house.matrix.see(Matrix::bot));
    // Of this the homeserver pushes nothing: nobody of ours is there yet.
    house.owner.say(&room, "version");
    house.start();
    house.bot_says(&room, "control room").await;
    house.bot_says(&room, "matrix-webqq").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_login_can_be_cancelled_and_begun_again() {
    let house = House::new().await;
    let room = house.control_room().await;
    house.owner.say(&room, "login");
    house.bot_says(&room, "Waiting for the scan").await;
    house.owner.say(&room, "login");
    house.bot_says(&room, "in progress already").await;
    house.owner.say(&room, "cancel");
    house.bot_says(&room, "was cancelled").await;
    house.log_in_from(&room).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_logs_in_again_right_after_the_last_line_of_a_login_is_heard() {
    let house = House::new().await;
    // The code stays on show for long after that line.
    house.matrix.fail_next(Endpoint::Redact, 1000, MatrixFault::Status(502));
    let room = house.log_in().await;
    let before = house.codes_asked_about();
    house.owner.say(&room, "login");
    house.scan_a_code(before).await;
    house.is_told(&room, "You are logged in", 2).await;
    assert_eq!(house.told(&room, "in progress already"), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_survives_a_restart_without_a_new_scan() {
    let mut house = House::new().await;
    house.log_in().await;
    assert!(house.stop(), "it ends well when it is asked to");
    house.qq.say(FAMILY_CHAT, "妈妈", "while you were away").unwrap();
    house.start();
    house.sees(FAMILY, "while you were away").await;
    assert_eq!((house.qq.session().logins, house.qq.qr_codes()), (1, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_session_is_told_once_and_a_new_login_goes_on_in_the_same_rooms() {
    let house = House::new().await;
    let control = house.log_in().await;
    house.qq.say(FAMILY_CHAT, "妈妈", "before").unwrap();
    let (room, mother) = house.sees(FAMILY, "before").await;

    house.qq.expire(100_000).unwrap();
    house.bot_says(&control, "has ended").await;
    house.owner.say(&room, "this waits");
    house.owner.say(&control, "queue");
    house.bot_says(&control, "→ QQ: waits").await;
    house.qq.say(FAMILY_CHAT, "妈妈", "after").unwrap();

    house.log_in_from(&control).await;
    let heard = house.qq.wait_heard(|heard| !heard.is_empty()).await;
    assert_eq!((heard[0].chat.as_str(), heard[0].text.as_str()), (FAMILY_CHAT, "this waits"));
    assert_eq!(house.sees(FAMILY, "after").await, (room.clone(), mother), "same room, same ghost");
    assert_eq!(house.said_by_ghosts(&room), ["before", "after"]);
    assert_eq!(house.told(&control, "has ended"), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_that_qq_renews_goes_on_in_the_same_rooms_without_a_scan() {
    let mut house = renewing().await;
    let control = house.log_in().await;
    house.owner.say(&control, "list-logins");
    house.bot_says(&control, "小明 (2769546520): connected; session 0 min old").await;
    house.qq.say(FAMILY_CHAT, "妈妈", "before").unwrap();
    let (room, mother) = house.sees(FAMILY, "before").await;

    house.qq.expire(100_000).unwrap();
    house.bot_says(&control, "QQ gave another without asking for you").await;
    house.qq.say(FAMILY_CHAT, "妈妈", "after").unwrap();
    assert_eq!(house.sees(FAMILY, "after").await, (room.clone(), mother.clone()));
    house.owner.say(&control, "list-logins");
    house.bot_says(&control, "connected; session 0 min old; ").await;

    // A session that ends while nobody listens is renewed as well.
    assert!(house.stop());
    house.qq.expire(100_000).unwrap();
    house.start();
    house.qq.wait_session(|session| session.logins == 3).await;
    house.qq.say(FAMILY_CHAT, "妈妈", "the day after").unwrap();
    assert_eq!(house.sees(FAMILY, "the day after").await, (room.clone(), mother));
    assert_eq!(house.said_by_ghosts(&room), ["before", "after", "the day after"]);
    assert_eq!((house.qq.qr_codes(), house.told(&control, "Messages wait here")), (1, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_renewed_session_that_never_works_is_not_renewed_again() {
    let house = renewing().await;
    let control = house.log_in().await;
    house.qq.fault(Fault::new("poll2", Trouble::Retcode(100_000)).times(100));
    house.qq.say(FAMILY_CHAT, "妈妈", "this ends the poll").unwrap();
    house.bot_says(&control, "Messages wait here").await;
    let calls = house.qq.session().calls;
    assert_eq!((calls["pt4_auth"], calls["login2"]), (1, 2));
}

#[tokio::test(flavor = "multi_thread")]
async fn one_code_is_offered_when_a_session_ends_and_none_follows_it() {
    let house = House::new().await;
    let control = house.log_in().await;
    house.qq.expire(100_000).unwrap();
    house.bot_says(&control, "To go on, scan this QR code").await;
    assert_eq!(house.qq.session().calls["pt4_auth"], 1, "a scan is asked for when nothing else is left");
    house.qq.reject().unwrap();
    house.bot_says(&control, "This code has expired").await;
    house.matrix.wait_until("the code to be taken down", |world| taken_down(world, &control) == 2).await;
    assert_eq!(house.qq.qr_codes(), 2);
    house.log_in_from(&control).await;
    assert_eq!(house.qq.qr_codes(), 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_writes_login_while_a_code_is_offered_goes_on_with_that_code() {
    let house = House::new().await;
    let control = house.log_in().await;
    house.qq.kick("您的帐号在另一地点登录").unwrap();
    house.bot_says(&control, "To go on, scan this QR code").await;
    house.owner.say(&control, "login");
    house.bot_says(&control, "The QR code above is good").await;
    house.owner.say(&control, "login");
    house.bot_says(&control, "in progress already").await;
    house.qq.reject().unwrap();
    house.bot_says(&control, "code 2 of at most 5").await;
    house.qq.scan().unwrap();
    house.qq.confirm().unwrap();
    house.qq.wait_session(|session| session.logins == 2).await;
}

/// A house in which QQ renews sessions.
async fn renewing() -> House {
    let mut world = World::example().unwrap();
    world.options.resume = true;
    House::with(world, &json!({})).await
}

fn taken_down(world: &Matrix, room: &str) -> usize {
    world.timeline(room).iter().filter(|event| event.kind == "m.room.redaction").count()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_is_sealed_on_disk_and_lost_with_its_key_and_nothing_else_is() {
    let folder = tempfile::tempdir().unwrap();
    let key = folder.path().join("key");
    let mut house = House::configured(&json!({ "database": { "secret_key_file": key } })).await;
    let control = house.log_in().await;
    house.qq.say(FAMILY_CHAT, "妈妈", "before").unwrap();
    let (room, _) = house.sees(FAMILY, "before").await;
    assert!(house.holds_nowhere("ptwebqq"), "no ticket can be read");
    assert!(house.stop());
    house.start();
    house.qq.say(FAMILY_CHAT, "妈妈", "with the key").unwrap();
    house.sees(FAMILY, "with the key").await;
    assert_eq!(house.qq.session().logins, 1);
    assert!(house.stop());

    std::fs::remove_file(&key).unwrap();
    house.start();
    house.bot_says(&control, "Messages wait here").await;
    house.log_in_from(&control).await;
    house.qq.say(FAMILY_CHAT, "妈妈", "after").unwrap();
    assert_eq!(house.sees(FAMILY, "after").await.0, room);
}

#[tokio::test(flavor = "multi_thread")]
async fn two_friends_of_one_nick_are_left_alone_and_reported_after_a_new_login() {
    let house = House::new().await;
    let control = house.log_in().await;
    house.qq.expire(100_000).unwrap();
    house.bot_says(&control, "has ended").await;
    house.log_in_from(&control).await;
    let report = house.bot_says(&control, "Not found again for certain").await;
    assert_eq!(report.matches("李明").count(), 2, "{report}");
    assert!(!report.contains("芳芳"), "a unique markname is certain: {report}");
}

#[tokio::test(flavor = "multi_thread")]
async fn being_kicked_is_told_like_a_lost_session() {
    let house = House::new().await;
    let control = house.log_in().await;
    house.qq.kick("您的帐号在另一地点登录").unwrap();
    house.bot_says(&control, "has ended").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn logging_out_ends_the_session_and_keeps_the_rooms() {
    let house = House::new().await;
    let control = house.log_in().await;
    house.qq.say(FAMILY_CHAT, "妈妈", "one").unwrap();
    let (room, _) = house.sees(FAMILY, "one").await;
    house.owner.say(&control, "logout");
    house.bot_says(&control, "Logged out").await;
    house.log_in_from(&control).await;
    house.qq.say(FAMILY_CHAT, "妈妈", "two").unwrap();
    assert_eq!(house.sees(FAMILY, "two").await.0, room);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_that_ends_while_a_message_is_read_is_reported_and_the_message_waits_for_the_next() {
    let house = House::new().await;
    let room = house.log_in().await;
    house.qq.fault(Fault::new("get_group_info_ext2", Trouble::Retcode(108)).times(100));
    house.qq.say(FAMILY_CHAT, "妈妈", "in between").unwrap();
    house.bot_says(&room, "has ended. Messages wait here").await;
    house.qq.clear_faults();
    house.log_in_from(&room).await;
    house.sees(FAMILY, "in between").await;
}
