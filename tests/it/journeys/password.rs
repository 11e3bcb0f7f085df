//! Logging in with number and password, as in the eras before QR codes; the password is found nowhere afterwards.

use matrix_webqq::sim::{Era, Fault, Rules, Trouble, World};
use serde_json::json;

use super::{FAMILY, FAMILY_CHAT};
use crate::support::homeserver::World as Matrix;
use crate::support::house::House;

const PASSWORD: &str = "k3in-Wort zu viel";

/// A house in which it is `era`, and the account's password is [`PASSWORD`].
async fn house(era: Era, captcha: bool) -> House {
    let mut world = World::example().unwrap();
    world.account.password = PASSWORD.to_owned();
    world.options = Rules { era, captcha, ..world.options };
    let name = serde_json::to_value(era).unwrap();
    House::with(world, &json!({ "network": { "webqq": { "era": name } } })).await
}

/// A control room in which the bot may take messages down.
async fn trusting_room(house: &House) -> String {
    let room = house.control_room().await;
    let levels = json!({ "users": { house.matrix.see(Matrix::bot): 100 }, "redact": 50 });
    house.owner.set_state(&room, "m.room.power_levels", "", levels);
    room
}

/// Gives the event by which the login began.
async fn begin(house: &House, room: &str) -> String {
    let event = house.owner.say(room, "login password 2769546520");
    house.bot_says(room, "Write the password of 2769546520").await;
    event
}

async fn wait_for_redaction(house: &House, event: &str) {
    house
        .matrix
        .wait_until("the password to be taken down", |world| {
            world.room_ids().iter().any(|room| {
                let timeline = world.timeline(room);
                timeline.iter().any(|taken| taken.kind == "m.room.redaction" && taken.content["redacts"] == event)
            })
        })
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_password_login_with_a_captcha_works_in_each_era_and_the_password_is_nowhere_afterwards() {
    for era in [Era::Y2012, Era::Y2013, Era::Y2014] {
        let mut house = house(era, true).await;
        let room = trusting_room(&house).await;
        begin(&house, &room).await;
        let event = house.owner.say(&room, PASSWORD);
        house.bot_says(&room, "Write what you read in the picture").await;
        let shown = house.matrix.see(|world| {
            let timeline = world.timeline(&room);
            let picture = timeline.iter().find(|event| event.content["msgtype"] == "m.image").unwrap();
            assert_eq!((&picture.content["info"]["w"], &picture.content["info"]["h"]), (&json!(130), &json!(53)));
            world.media(picture.content["url"].as_str().unwrap()).cloned()
        });
        assert_eq!(shown.map(|(_, png)| png), house.qq.captcha_png(), "it is the one that QQ handed out");
        house.owner.say(&room, &house.qq.captcha().unwrap().to_lowercase());
        house.bot_says(&room, "You are logged in. Friends: 6, groups: 3, discussions: 1").await;

        house.qq.say(FAMILY_CHAT, "妈妈", "吃饭了吗").unwrap();
        let (family, _) = house.sees(FAMILY, "吃饭了吗").await;
        house.owner.say(&family, "吃了");
        house.qq.wait_heard(|heard| heard.iter().any(|heard| heard.text == "吃了")).await;

        wait_for_redaction(&house, &event).await;
        assert!(house.stop());
        assert!(house.holds_nowhere(PASSWORD), "{era:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_password_is_told_and_not_tried_again() {
    let house = house(Era::Y2013, false).await;
    let room = trusting_room(&house).await;
    begin(&house, &room).await;
    house.owner.say(&room, "not the one");
    house.bot_says(&room, "number and password do not belong together").await;
    assert_eq!(house.qq.session().calls["login"], 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_captcha_answered_wrong_is_replaced_and_the_right_answer_lets_in() {
    let house = house(Era::Y2014, true).await;
    let room = trusting_room(&house).await;
    begin(&house, &room).await;
    house.owner.say(&room, PASSWORD);
    house.bot_says(&room, "Write what you read in the picture").await;
    let first = house.qq.captcha().unwrap();
    house.owner.say(&room, "captcha ????");
    house.bot_says(&room, "That was not what the picture said").await;
    let second = house.qq.wait_captcha(Some(&first)).await;
    house.owner.say(&room, &format!("captcha {second}"));
    house.bot_says(&room, "You are logged in").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_refusal_is_explained_with_qqs_own_words() {
    for (code, words) in [(8, "too many logins"), (71, "locked or frozen"), (10_005, "QR code to be scanned instead")] {
        let house = house(Era::Y2014, false).await;
        let room = trusting_room(&house).await;
        house.qq.fault(Fault::new("login", Trouble::Ptui(code)));
        begin(&house, &room).await;
        house.owner.say(&room, PASSWORD);
        let said = house.bot_says(&room, words).await;
        assert!(said.contains("QQ said: "), "{said}");
        assert_eq!(house.qq.session().calls["login"], 1);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_method_that_the_era_lacks_is_refused_with_the_reason() {
    let old = house(Era::Y2013, false).await;
    let room = old.control_room().await;
    old.owner.say(&room, "login qr");
    old.bot_says(&room, "older than QR codes").await;
    old.owner.say(&room, "login");
    old.bot_says(&room, "I ask for the password then").await;

    let new = House::new().await;
    let room = new.control_room().await;
    new.owner.say(&room, "login password 2769546520");
    new.bot_says(&room, "QQ has taken no passwords here since 2015").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_password_said_after_a_restart_is_no_command_and_is_taken_down_as_well() {
    let mut house = house(Era::Y2013, false).await;
    let room = trusting_room(&house).await;
    begin(&house, &room).await;
    house.kill().await;
    let event = house.owner.say(&room, PASSWORD);
    house.start();
    house.bot_says(&room, "The login that asked for a password has ended").await;
    wait_for_redaction(&house, &event).await;
    house.owner.say(&room, "version");
    house.bot_says(&room, "matrix-webqq ").await;
    assert!(house.stop());
    assert!(house.holds_nowhere(PASSWORD));
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_cancels_and_begins_anew_at_once_is_asked_again_and_the_password_is_nowhere() {
    let mut house = house(Era::Y2013, false).await;
    let room = trusting_room(&house).await;
    for number in ["2769546521", "2769546522", "2769546520"] {
        house.owner.say(&room, "cancel");
        house.owner.say(&room, &format!("login password {number}"));
        house.bot_says(&room, &format!("Write the password of {number}")).await;
    }
    house.owner.say(&room, PASSWORD);
    house.bot_says(&room, "You are logged in").await;
    assert!(house.stop());
    assert!(house.holds_nowhere(PASSWORD));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_pushed_again_is_taken_for_no_password() {
    let mut house = house(Era::Y2013, false).await;
    let room = trusting_room(&house).await;
    let event = begin(&house, &room).await;
    house.matrix.push_again(&event);
    house.matrix.all_is_pushed().await;
    house.owner.say(&room, PASSWORD);
    house.bot_says(&room, "You are logged in").await;
    assert!(house.stop());
    assert!(house.holds_nowhere(PASSWORD));
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_cancels_after_a_restart_is_asked_nothing_any_more() {
    let mut house = house(Era::Y2013, false).await;
    let room = trusting_room(&house).await;
    begin(&house, &room).await;
    house.kill().await;
    house.start();
    house.owner.say(&room, "cancel");
    house.bot_says(&room, "There is nothing to cancel").await;
    house.owner.say(&room, "version");
    house.bot_says(&room, "matrix-webqq ").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bot_that_may_not_take_messages_down_says_so() {
    let house = house(Era::Y2013, false).await;
    let room = house.control_room().await;
    begin(&house, &room).await;
    house.owner.say(&room, PASSWORD);
    house.bot_says(&room, "delete that message yourself").await;
    house.bot_says(&room, "You are logged in").await;
}
