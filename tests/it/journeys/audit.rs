//! The books that people can ask for: all that arrived on either side is there under what became of it.

use matrix_webqq::sim::{Fault, Trouble};
use serde_json::json;

use super::{FAMILY, FAMILY_CHAT, first_words};
use crate::support::house::House;

#[tokio::test(flavor = "multi_thread")]
async fn the_books_show_what_became_of_everything_and_that_nothing_is_lost_also_after_a_kill() {
    let mut house = House::new().await;
    let (control, room) = first_words(&house, "one").await;
    house.qq.push(vec![json!({ "poll_type": "lunar_eclipse", "value": { "when": "tonight" } })]).unwrap();
    house.bot_says(&control, "QQ sent something that this bridge does not know").await;
    house.owner.say(&room, "said");
    house.owner.say(&room, "!qq id");
    house.bot_says(&room, "This room mirrors").await;
    house.owner.send(&room, "m.room.message", json!({ "msgtype": 7 }));
    house.bot_says(&room, "QQ has nothing like it").await;
    house.qq.fault(Fault::new("send_qun_msg2", Trouble::Retcode(100_006)));
    house.owner.say(&room, "refused");
    house.bot_says(&room, "was not delivered to QQ").await;
    // What QQ said before this has arrived.
    house.qq.say(FAMILY_CHAT, "妈妈", "two").unwrap();
    house.sees(FAMILY, "two").await;
    house.kill().await;
    house.start();
    house.qq.say(FAMILY_CHAT, "妈妈", "three").unwrap();
    house.sees(FAMILY, "three").await;

    house.owner.say(&control, "audit");
    let books = house.bot_says(&control, "Matrix → QQ").await;
    let (from_qq, from_matrix) = books.split_once("Matrix → QQ").unwrap();
    assert!(from_qq.contains("bridged 3, told 0, own words come back 1,"), "{books}");
    assert!(from_qq.contains("waiting 0, in doubt 0, failed 1, given up 0; lost = 0"), "{books}");
    assert!(from_qq.contains("failed: `raw "), "{books}");
    assert!(from_matrix.contains("bridged 1, answered 1, orders 1,"), "{books}");
    assert!(from_matrix.contains("waiting 0, in doubt 0, failed 1, given up 0; lost = 0"), "{books}");

    let number = from_matrix.split("retry ").nth(1).unwrap();
    let number: String = number.chars().take_while(char::is_ascii_digit).collect();
    house.owner.say(&control, &format!("drop {number}"));
    house.bot_says(&control, "is given up").await;
    house.owner.say(&control, "audit 2h");
    house.bot_says(&control, "failed 0, given up 1; lost = 0").await;
    house.owner.say(&control, "audit 2100-01-01");
    house.bot_says(&control, "QQ → Matrix: received 0; bridged 0").await;
    house.owner.say(&control, "audit yesterday");
    house.bot_says(&control, "or a day such as").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_to_leave_and_is_not_there_any_more_is_shown_as_lost_by_its_number() {
    let house = House::new().await;
    let (control, room) = first_words(&house, "one").await;
    house.owner.say(&room, "up");
    house.qq.wait_heard(|heard| heard.len() == 1).await;
    house.qq.say(FAMILY_CHAT, "妈妈", "down").unwrap();
    house.sees(FAMILY, "down").await;
    house.owner.say(&control, "audit");
    let books = house.bot_says(&control, "Matrix → QQ").await;
    assert_eq!((books.matches("lost = 0").count(), books.contains("lost:")), (2, false), "{books}");

    house.change_database("DELETE FROM outbox WHERE lane LIKE 'q/%'");
    house.owner.say(&control, "audit");
    let books = house.bot_says(&control, "lost = 1").await;
    let (from_qq, from_matrix) = books.split_once("Matrix → QQ").unwrap();
    assert!(from_qq.contains("lost = 0") && !from_qq.contains("lost:"), "{books}");
    let number = from_matrix.split("lost: #").nth(1).expect("it is named");
    assert!(number.starts_with(|digit: char| digit.is_ascii_digit()), "{books}");
}
