//! What becomes of a message to QQ, by QQ's answer: taken, perhaps taken, refused, or kept for the next login.

use matrix_webqq::sim::{Fault, Trouble};
use serde_json::json;

use super::{FAMILY, FAMILY_CHAT};
use crate::support::house::House;

/// A house with a family room.
async fn talking(house: &House) -> (String, String) {
    let control = house.log_in().await;
    house.qq.say(FAMILY_CHAT, "妈妈", "hi").unwrap();
    let (room, _) = house.sees(FAMILY, "hi").await;
    (control, room)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_burst_waits_on_disk_for_its_turns_and_nothing_of_it_is_lost() {
    let mut house = House::configured(&json!({ "network": { "webqq": { "send_interval_ms": 3_600_000 } } })).await;
    let (control, room) = talking(&house).await;
    let burst: Vec<String> = (0..10).map(|n| format!("message {n}")).collect();
    for words in &burst {
        house.owner.say(&room, words);
    }
    house.qq.wait_heard(|heard| !heard.is_empty()).await;
    house.owner.say(&control, "queue");
    house.bot_says(&control, "→ QQ: waits").await;
    assert_eq!(house.heard_in(FAMILY_CHAT), burst[..1], "the next one has its turn in an hour");
    house.kill().await;
    house.configure(&json!({}));
    house.start();
    house.qq.wait_heard(|heard| heard.len() >= burst.len()).await;
    assert_eq!(house.heard_in(FAMILY_CHAT), burst);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_ambiguous_answer_to_a_friend_is_told_and_the_words_are_not_said_again() {
    let house = House::new().await;
    house.log_in().await;
    house.qq.say("friend:王芳", "王芳", "hi").unwrap();
    let (room, _) = house.sees("芳芳", "hi").await;
    house.qq.fault(Fault::new("send_buddy_msg2", Trouble::Retcode(1202)).delivering());
    house.owner.say(&room, "perhaps");
    house.qq.wait_heard(|heard| !heard.is_empty()).await;
    for words in ["one poll", "and another"] {
        house.qq.say("friend:王芳", "王芳", words).unwrap();
        house.sees("芳芳", words).await;
    }
    house.bot_says(&room, "may not have been delivered").await;
    house.owner.say(&room, "for sure");
    house.qq.wait_heard(|heard| heard.len() == 2).await;
    assert_eq!(house.heard_in("friend:王芳"), ["perhaps", "for sure"]);
    assert_eq!(house.qq.session().calls["send_buddy_msg2"], 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_login_that_is_gone_keeps_the_words_for_the_next_one() {
    let house = House::new().await;
    let (control, room) = talking(&house).await;
    house.qq.fault(Fault::new("send_qun_msg2", Trouble::Retcode(100_012)));
    for words in ["first", "second"] {
        house.owner.say(&room, words);
    }
    house.bot_says(&control, "has ended. Messages wait here").await;
    assert_eq!(house.heard_in(FAMILY_CHAT), [""; 0]);
    // The answers of the first login must not be taken for those of the second.
    house.owner.say(&control, "login");
    house.qq.wait_session(|session| session.calls["ptqrshow"] == 2).await;
    house.qq.wait_qr(matrix_webqq::sim::QrState::Waiting).await;
    house.qq.scan().unwrap();
    house.qq.confirm().unwrap();
    house.qq.wait_heard(|heard| heard.len() == 2).await;
    assert_eq!(house.heard_in(FAMILY_CHAT), ["first", "second"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_qq_refuses_for_good_is_told_with_the_reason_and_holds_nothing_up() {
    let house = House::new().await;
    let (_, room) = talking(&house).await;
    house.qq.fault(Fault::new("send_qun_msg2", Trouble::Retcode(100_006)));
    house.owner.say(&room, "bad");
    house.bot_says(&room, "was not delivered to QQ: send_qun_msg2: QQ refused (retcode 100006)").await;
    house.owner.say(&room, "good");
    house.qq.wait_heard(|heard| !heard.is_empty()).await;
    assert_eq!(house.heard_in(FAMILY_CHAT), ["good"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_number_that_qq_calls_stale_makes_the_lists_be_asked_for_and_is_told_when_it_is_still_the_same() {
    let house = House::new().await;
    let (_, room) = talking(&house).await;
    let lists = |house: &House| house.qq.session().calls["get_group_name_list_mask2"];
    let before = lists(&house);
    house.qq.fault(Fault::new("send_qun_msg2", Trouble::Retcode(100_001)));
    house.owner.say(&room, "anybody?");
    house.bot_says(&room, "was not delivered to QQ: send_qun_msg2: QQ refused (retcode 100001)").await;
    assert_eq!(lists(&house), before + 1);
}
