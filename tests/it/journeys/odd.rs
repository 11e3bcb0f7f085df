//! Odd things from QQ and from the homeserver: the others arrive, the odd one is kept and visible, nothing panics.

use matrix_webqq::sim::{Fault, Trouble, World};
use serde_json::{Value, json};

use super::{FAMILY, FAMILY_CHAT};
use crate::support::house::House;

/// What poll2 hands out when somebody speaks in the family's group, the `id`th thing that is said there.
fn said(text: &str, id: u32) -> Value {
    json!({ "poll_type": "group_message", "value": {
        "content": [["font", { "name": "宋体", "size": 10, "style": [0, 0, 0], "color": "000000" }], text],
        "from_uin": format!("$gid:{FAMILY}"), "group_code": format!("$gid:{FAMILY}"), "send_uin": "$uin:妈妈",
        "msg_id": id, "msg_type": 0, "time": 1_493_339_717 + id, "to_uin": "$own",
    } })
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_handed_out_again_to_another_login_is_shown_once_own_words_too() {
    let mut world = World::example().expect("the example world is good");
    world.options.repeat_after_hangup = true;
    let mut house = House::with(world, &json!({})).await;
    let control = house.log_in().await;
    house.qq.say(FAMILY_CHAT, "妈妈", "start").unwrap();
    let (room, _) = house.sees(FAMILY, "start").await;
    house.owner_enters(&room).await;
    // The last poll brings somebody's words and the echo of the owner's; then its connection ends.
    house.owner.say(&room, "up");
    house.qq.say(FAMILY_CHAT, "妈妈", "down").unwrap();
    house.sees(FAMILY, "down").await;
    house.qq.wait_heard(|heard| !heard.is_empty()).await;
    house.qq.wait_session(|session| session.queued == 0 && session.polling).await;
    house.kill().await;
    house.qq.expire(100_000).unwrap();
    house.start();
    house.bot_says(&control, "has ended").await;
    house.log_in_from(&control).await;
    house.qq.say(FAMILY_CHAT, "妈妈", "end").unwrap();
    house.sees(FAMILY, "end").await;
    assert_eq!(house.said_by_ghosts(&room), ["start", "down", "end"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn one_odd_item_never_takes_its_batch_with_it() {
    let house = House::new().await;
    let control = house.log_in().await;
    let mut as_texts = said("numbers as strings", 3);
    for field in ["msg_id", "time"] {
        let number = as_texts["value"][field].to_string();
        as_texts["value"][field] = json!(number);
    }
    house
        .qq
        .push(vec![
            said("first", 1),
            json!(17),
            json!({ "poll_type": "group_message", "value": { "from_uin": "?" } }),
            json!({ "poll_type": "lunar_eclipse", "value": { "when": "tonight" } }),
            said("second", 2),
            as_texts,
        ])
        .unwrap();
    let (room, _) = house.sees(FAMILY, "first").await;
    house.sees(FAMILY, "second").await;
    house.sees(FAMILY, "numbers as strings").await;
    assert_eq!(house.said_by_ghosts(&room).len(), 3);

    house.owner.say(&control, "queue");
    let queue = house.bot_says(&control, "inbox #").await;
    assert_eq!(queue.matches("inbox #").count(), 3, "{queue}");
    assert!(!house.log().contains("panicked"));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_is_torn_loses_nothing_doubles_nothing_and_turns_no_order_round() {
    let house = House::new().await;
    let control = house.log_in().await;
    // A fault is for the poll after the one that is held: only with that may the batch come.
    let polls = || house.qq.session().calls.get("poll2").copied().unwrap_or_default();
    house.qq.wait_session(|session| session.polling).await;
    let spared = polls();
    house.qq.fault(Fault::new("poll2", Trouble::Truncate(None)));
    house.qq.say(FAMILY_CHAT, "妈妈", "start").unwrap();
    let (room, _) = house.sees(FAMILY, "start").await;
    house.qq.wait_session(|session| session.polling && session.calls["poll2"] > spared).await;

    // Newest first, as QQ does it: what is cut off is what was said first.
    house.qq.push((1..=4).rev().map(|number| said(&format!("message {number}"), number)).collect()).unwrap();
    house.qq.say(FAMILY_CHAT, "妈妈", "end").unwrap();
    house.sees(FAMILY, "end").await;
    assert_eq!(house.said_by_ghosts(&room), ["start", "message 1", "message 2", "message 3", "message 4", "end"]);
    house.owner.say(&control, "queue");
    house.bot_says(&control, "Nothing waits").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_came_of_a_torn_answer_outlives_the_process_that_holds_it_back() {
    let mut house = House::new().await;
    house.log_in().await;
    house.qq.say(FAMILY_CHAT, "妈妈", "start").unwrap();
    let (room, _) = house.sees(FAMILY, "start").await;
    house.qq.wait_session(|session| session.polling).await;
    let polls = house.qq.session().calls["poll2"];
    // The poll that waits now spares the fault; the next one is torn, and after it the server says nothing for a while.
    house.qq.fault(Fault::new("poll2", Trouble::Truncate(None)));
    house.qq.fault(Fault::new("poll2", Trouble::Http(502)).times(2));
    house.qq.say(FAMILY_CHAT, "妈妈", "before").unwrap();
    house.sees(FAMILY, "before").await;
    house.qq.wait_session(|session| session.polling && session.calls["poll2"] > polls).await;
    house.qq.push((1..=4).rev().map(|number| said(&format!("message {number}"), number)).collect()).unwrap();
    house.qq.wait_session(|session| session.calls["poll2"] > polls + 2).await;
    house.kill().await;
    assert_eq!(house.said_by_ghosts(&room), ["start", "before"], "they are held back");
    house.start();
    house.qq.say(FAMILY_CHAT, "妈妈", "end").unwrap();
    house.sees(FAMILY, "end").await;
    let expected = ["start", "before", "message 1", "message 2", "message 3", "message 4", "end"];
    assert_eq!(house.said_by_ghosts(&room), expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_batch_in_any_order_is_read_in_the_order_in_which_it_was_said() {
    let mut world = World::example().unwrap();
    world.options.shuffled = true;
    let mut house = House::with(world, &json!({})).await;
    house.log_in().await;
    house.qq.say(FAMILY_CHAT, "妈妈", "start").unwrap();
    let (room, _) = house.sees(FAMILY, "start").await;
    house.kill().await;
    // One poll hands all of it out: one speaker within a second or two, told apart by the numbers.
    let mut expected = vec!["start".to_owned()];
    for number in 1..=9 {
        expected.push(format!("word {number}"));
        house.qq.say(FAMILY_CHAT, "妈妈", expected.last().unwrap()).unwrap();
    }
    // Two speakers, told apart by the seconds.
    let mut items = Vec::new();
    for id in [3, 1, 6, 2, 5, 4] {
        let mut item = said(&format!("turn {id}"), id);
        if id % 2 == 0 {
            item["value"]["send_uin"] = json!("$uin:爸爸");
        }
        items.push(item);
    }
    expected.extend((1..=6).map(|id| format!("turn {id}")));
    house.qq.push(items).unwrap();
    house.start();
    house.sees(FAMILY, "turn 6").await;
    assert_eq!(house.said_by_ghosts(&room), expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn retcodes_that_mean_nothing_are_passed_over() {
    let house = House::new().await;
    house.log_in().await;
    for retcode in [102, 1202, 100_012, 100_003] {
        house.qq.fault(Fault::new("poll2", Trouble::Retcode(retcode)));
    }
    house.qq.fault(Fault::new("poll2", Trouble::Http(502)));
    house.qq.fault(Fault::new("poll2", Trouble::Rotate));
    house.qq.say(FAMILY_CHAT, "妈妈", "still here").unwrap();
    house.sees(FAMILY, "still here").await;
    assert_eq!(house.qq.session().logins, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broken_event_from_the_homeserver_stops_nothing() {
    let house = House::new().await;
    house.log_in().await;
    house.qq.say(FAMILY_CHAT, "妈妈", "start").unwrap();
    let (room, _) = house.sees(FAMILY, "start").await;
    house.owner.send(&room, "m.room.message", json!({ "msgtype": 7 }));
    house.owner.send(&room, "org.example.unheard", json!({ "of": [] }));
    house.owner.say(&room, "and on we go");
    let heard = house.qq.wait_heard(|heard| !heard.is_empty()).await;
    assert_eq!(heard[0].text, "and on we go");
}
