//! What people see of messages that wait or failed, and what they can do about them.

use matrix_webqq::sim::{Fault, Trouble};
use serde_json::json;

use super::{FAMILY, FAMILY_CHAT, talking};
use crate::support::homeserver::{Endpoint, Fault as MatrixFault, World};
use crate::support::house::House;

/// Asks for the queue until a line of it has `words`, and gives the number of that row.
async fn number(house: &House, control: &str, words: &str) -> String {
    loop {
        let seen = house.matrix.timeline(control).len();
        house.owner.say(control, "queue");
        let answer = |world: &World| {
            let bot = world.bot();
            world.timeline(control)[seen..]
                .iter()
                .find(|event| event.sender == bot)
                .map(|event| event.body().to_owned())
        };
        let list = house.matrix.wait_for("an answer", answer).await;
        let line = list.lines().find(|line| line.contains(words));
        if let Some(number) = line.and_then(|line| line.split('#').nth(1)?.split(' ').next()) {
            return number.to_owned();
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_refused_is_tried_again_on_request_before_what_waits_also_after_a_kill() {
    let (mut house, control, room) = talking(&json!({})).await;
    house.qq.fault(Fault::new("send_qun_msg2", Trouble::Retcode(100_006)).times(2));
    house.owner.say(&room, "first");
    house.bot_says(&room, "was not delivered to QQ").await;
    let number = number(&house, &control, "was not delivered").await;
    house.owner.say(&control, &format!("retry {number}"));
    house.bot_says(&control, &format!("#{number} is tried again")).await;
    let refusals = |world: &World| {
        world.timeline(&room).iter().filter(|event| event.body().contains("was not delivered to QQ")).count()
    };
    house.matrix.wait_until("whoever has it tried again to be told again", |world| refusals(world) == 2).await;

    house.kill().await;
    house.start();
    house.owner.say(&control, &format!("queue retry #{number}"));
    house.qq.wait_heard(|heard| heard.len() == 1).await;
    house.owner.say(&room, "second");
    house.qq.wait_heard(|heard| heard.len() == 2).await;
    assert_eq!(house.heard_in(FAMILY_CHAT), ["first", "second"]);
    house.owner.say(&control, &format!("retry {number}"));
    house.bot_says(&control, &format!("#{number} has been delivered already")).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_waits_is_given_up_on_request_and_what_comes_after_it_goes_on_after_a_kill() {
    let (mut house, control, room) =
        talking(&json!({ "network": { "webqq": { "send_interval_ms": 3_600_000 } } })).await;
    for words in ["first", "second", "third"] {
        house.owner.say(&room, words);
    }
    house.qq.wait_heard(|heard| heard.len() == 1).await;
    house.matrix.all_is_pushed().await;
    let number = number(&house, &control, "→ QQ: waits").await;
    house.owner.say(&control, &format!("drop {number}"));
    house.bot_says(&control, &format!("#{number} is given up")).await;
    house.bot_says(&room, "does not go to QQ: @alice:hs.test wanted it so").await;
    house.kill().await;
    house.configure(&json!({}));
    house.start();
    house.qq.wait_heard(|heard| heard.len() == 2).await;
    assert_eq!(house.heard_in(FAMILY_CHAT), ["first", "third"]);
    house.owner.say(&control, &format!("queue drop {number}"));
    house.bot_says(&control, "was given up before").await;
    house.owner.say(&control, "queue");
    house.bot_says(&control, "Nothing waits").await;
    assert_eq!(house.told(&room, "does not go to QQ"), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn only_the_owner_and_administrators_can_touch_a_row_and_wrong_numbers_are_refused_with_the_reason() {
    let permissions = json!({ "hs.test": "user", "@root:hs.test": "admin" });
    let (house, control, room) = talking(&json!({ "bridge": { "permissions": permissions } })).await;
    house.qq.fault(Fault::new("send_qun_msg2", Trouble::Retcode(100_006)));
    house.owner.say(&room, "refused");
    house.bot_says(&room, "was not delivered to QQ").await;
    let number = number(&house, &control, "was not delivered").await;
    for words in ["retry", "drop soon", "queue retry", "queue burn 3"] {
        let told = house.told(&control, "with a number that `queue` shows");
        house.owner.say(&control, words);
        let more = |world: &World| {
            let said = world.timeline(&control).iter();
            said.filter(|event| event.body().contains("with a number that `queue` shows")).count() > told
        };
        house.matrix.wait_until("the refusal", more).await;
    }
    house.owner.say(&control, "retry 99999");
    house.bot_says(&control, "There is no row 99999").await;

    let (bob, admin) = (house.matrix.user("bob"), house.matrix.user("root"));
    let bobs = bob.create_dm("@qqbot:hs.test");
    house.bot_says(&bobs, "control room").await;
    bob.say(&bobs, &format!("drop {number}"));
    house.bot_says(&bobs, &format!("There is no row {number}")).await;
    let admins = admin.create_dm("@qqbot:hs.test");
    house.bot_says(&admins, "control room").await;
    admin.say(&admins, &format!("drop {number}"));
    house.bot_says(&admins, "is given up").await;
    house.bot_says(&room, "@root:hs.test wanted it so").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_may_have_been_delivered_is_not_said_again_but_can_be_given_up() {
    let (house, control, room) = talking(&json!({ "bridge": { "uncertain_wait_ms": 3_600_000 } })).await;
    house.qq.fault(Fault::new("send_qun_msg2", Trouble::Retcode(1202)));
    house.owner.say(&room, "perhaps");
    house.owner.say(&room, "after");
    house.qq.wait_session(|session| session.calls.contains_key("send_qun_msg2")).await;
    let number = number(&house, &control, "may have been delivered").await;
    house.owner.say(&control, &format!("retry {number}"));
    house.bot_says(&control, "still waits for QQ's word").await;
    house.owner.say(&control, &format!("drop {number}"));
    house.qq.wait_heard(|heard| !heard.is_empty()).await;
    assert_eq!(house.heard_in(FAMILY_CHAT), ["after"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_stuck_on_its_way_to_a_session_that_is_over_can_be_given_up() {
    let (house, control, room) = talking(&json!({})).await;
    house.owner.say(&control, "logout");
    house.bot_says(&control, "Logged out").await;
    house.owner.say(&room, "stuck");
    let number = number(&house, &control, "waits").await;
    house.change_database(&format!("UPDATE outbox SET state = 'sending', sends = 1 WHERE seq = {number}"));
    house.owner.say(&control, &format!("drop {number}"));
    house.bot_says(&control, &format!("#{number} is given up")).await;
    house.bot_says(&room, "was given up and does not go to QQ").await;
    house.log_in_from(&control).await;
    house.owner.say(&room, "after it");
    house.qq.wait_heard(|heard| !heard.is_empty()).await;
    assert_eq!(house.heard_in(FAMILY_CHAT), ["after it"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_row_that_cannot_be_read_is_told_to_whoever_wrote_it_else_to_the_owner_and_holds_up_nothing() {
    let (house, control, room) = talking(&json!({ "matrix": { "message_status_events": true } })).await;
    house.owner.say(&control, "logout");
    house.bot_says(&control, "Logged out").await;
    let known = house.owner.say(&room, "known");
    let number_of_known = number(&house, &control, "waits").await;
    house.owner.say(&room, "forgotten");
    house.owner.say(&room, "after them");
    house.matrix.all_is_pushed().await;
    let last = loop {
        // The queue is asked for until all three wait.
        number(&house, &control, "waits").await;
        let list = house.matrix.timeline(&control).last().map(|event| event.body().to_owned()).unwrap_or_default();
        if list.matches("waits").count() == 3 {
            break list;
        }
    };
    let forgotten = last.lines().nth(1).and_then(|line| line.split('#').nth(1)?.split(' ').next()).unwrap().to_owned();
    let spoil =
        format!("UPDATE outbox SET body = '{{\"said\":\"秘密\"}}' WHERE seq IN ({number_of_known}, {forgotten})");
    house.change_database(&spoil);
    house.change_database(&format!("UPDATE outbox SET arrival = NULL WHERE seq = {forgotten}"));
    house.log_in_from(&control).await;
    house.qq.wait_heard(|heard| !heard.is_empty()).await;
    assert_eq!(house.heard_in(FAMILY_CHAT), ["after them"]);

    let answer = house.bot_says(&room, "was not delivered to QQ").await;
    assert!(answer.contains("cannot be read") && !answer.contains("秘密"), "{answer}");
    let failed = |world: &World| {
        world.timeline(&room).iter().any(|event| {
            event.content["status"] == "FAIL_PERMANENT" && event.content["m.relates_to"]["event_id"] == known.as_str()
        })
    };
    house.matrix.wait_until("the status of what was known", failed).await;
    house.bot_says(&control, &format!("#{forgotten} towards QQ cannot be delivered")).await;
    assert_eq!(house.told(&control, "cannot be delivered"), 1);
    assert_eq!(house.told(&room, "was not delivered to QQ"), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_came_from_qq_and_cannot_be_shown_is_told_to_the_owner_once_and_what_comes_after_it_is_shown() {
    let (mut house, control, room) = talking(&json!({})).await;
    house.matrix.fail_next(Endpoint::Send, 1, MatrixFault::Limit(60 * 60 * 1000));
    house.qq.say(FAMILY_CHAT, "妈妈", "limited").unwrap();
    house.matrix.wait_until("the limit", World::are_faults_spent).await;
    house.qq.say(FAMILY_CHAT, "妈妈", "spoilt").unwrap();
    house.qq.say(FAMILY_CHAT, "妈妈", "after it").unwrap();
    loop {
        number(&house, &control, "→ Matrix").await;
        let list = house.matrix.timeline(&control).last().map(|event| event.body().to_owned()).unwrap_or_default();
        if list.matches("→ Matrix").count() == 3 {
            break;
        }
    }
    house.kill().await;
    house.change_database("UPDATE outbox SET body = '[]' WHERE body LIKE '%\"spoilt\"%'");
    house.start();
    house.sees(FAMILY, "after it").await;
    house.bot_says(&control, "which came from QQ, cannot be shown").await;
    assert_eq!(house.said_by_ghosts(&room), ["hi", "limited", "after it"]);
    house.kill().await;
    house.start();
    house.qq.say(FAMILY_CHAT, "妈妈", "end").unwrap();
    house.sees(FAMILY, "end").await;
    assert_eq!(house.told(&control, "cannot be shown"), 1);
}
