//! Power cuts: the machine stops, and of what the bridge committed only what was synced is there afterwards.

use matrix_webqq::base::Failpoint;
use serde_json::json;

use super::{FAMILY, FAMILY_CHAT, talking};

/// Lets the bridge die at `point` over a message, goes back to that moment after the message was seen in its room, lets the bridge die
/// at `again`, and sees that it stands there once.
async fn stands_once(point: Failpoint, again: Option<Failpoint>) {
    let (mut house, _, room) = talking(&json!({})).await;
    house.kill().await;
    house.start_to_die(point, 1);
    house.qq.say(FAMILY_CHAT, "妈妈", "before").unwrap();
    house.death().await;
    let disk = house.disk();

    house.start();
    house.matrix.wait_until("before", |world| world.said(&room).iter().any(|(_, text)| text == "before")).await;
    house.kill().await;
    house.lose_power(&disk);
    house.matrix.forget_txn_ids();
    if let Some(again) = again {
        house.start_to_die(again, 1);
        house.death().await;
    }
    house.start();
    house.qq.say(FAMILY_CHAT, "妈妈", "after").unwrap();
    house.matrix.wait_until("after", |world| world.said(&room).iter().any(|(_, text)| text == "after")).await;
    let said = house.said_by_ghosts(&room);
    assert_eq!(said.iter().filter(|text| *text == "before").count(), 1, "{said:?}");
    assert_eq!(said.last().map(String::as_str), Some("after"));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_in_a_room_before_a_power_cut_is_found_there_and_not_said_again() {
    // The bridge dies once more before it has looked: what it does not know is no better known then.
    stands_once(Failpoint::QqTranslated, Some(Failpoint::BeforeCommit)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_translated_before_a_power_cut_is_translated_again_and_stands_where_it_stood() {
    stands_once(Failpoint::BatchKept, None).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_marked_before_a_power_cut_is_in_doubt_and_never_said_twice_by_itself() {
    let permissions = json!({ "hs.test": "admin" });
    let changes =
        json!({ "bridge": { "resend_uncertain": false, "uncertain_wait_ms": 100, "permissions": permissions } });
    let (mut house, control, room) = talking(&changes).await;
    house.qq.change_rules([("poll_hold_ms".to_owned(), 200.into())].into_iter().collect()).unwrap();
    house.owner.say(&control, "pause all");
    house.bot_says(&control, "Nothing is said on QQ").await;
    for words in ["one", "two", "three"] {
        house.owner.say(&room, words);
    }
    house.matrix.all_is_pushed().await;
    house.kill().await;
    house.start_to_die(Failpoint::ToQqMarked, 1);
    house.owner.say(&control, "resume all");
    house.death().await;
    let disk = house.disk();
    assert_eq!(house.heard_in(FAMILY_CHAT), [""; 0], "all is marked, nothing has left");

    // After a crash only the first is in doubt.
    house.start();
    house.is_told(&room, "may not have been delivered", 1).await;
    house.qq.wait_heard(|heard| heard.len() == 2).await;
    assert_eq!(house.heard_in(FAMILY_CHAT), ["two", "three"]);
    // What comes after their echoes has come: QQ has nothing more to tell of them.
    house.qq.say(FAMILY_CHAT, "妈妈", "heard").unwrap();
    house.sees(FAMILY, "heard").await;
    house.kill().await;

    // After a power cut nobody knows that two of them have left.
    house.lose_power(&disk);
    house.start();
    house.is_told(&room, "may not have been delivered", 3).await;
    house.owner.say(&room, "four");
    house.qq.wait_heard(|heard| heard.len() == 3).await;
    assert_eq!(house.heard_in(FAMILY_CHAT), ["two", "three", "four"]);
}
