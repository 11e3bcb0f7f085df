//! Chats that get no room by themselves: what becomes of their messages, and how they get one all the same.

use serde_json::{Value, json};

use super::{FAMILY, FAMILY_CHAT, family_rooms, is_bridge_in, talking};
use crate::support::homeserver::World;
use crate::support::house::House;

const TOLD: &str = "gives this chat no room";

fn filter(mode: &str, list: &[&str]) -> Value {
    json!({ "bridge": { "portal_create_filter": { "mode": mode, "list": list } } })
}

/// Lets a friend speak after the family: what was said before is settled when that is seen.
async fn friend_says(house: &House, words: &str) {
    house.qq.say("friend:王芳", "王芳", words).unwrap();
    house.shows(words).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_chat_that_the_filter_leaves_out_gets_no_room_and_its_owner_is_told_once_how_to_open_it() {
    let mut house = House::configured(&filter("deny", &["group"])).await;
    let control = house.log_in().await;
    house.qq.say(FAMILY_CHAT, "妈妈", "one").unwrap();
    house.qq.say(FAMILY_CHAT, "小明", "from my phone").unwrap();
    friend_says(&house, "hello").await;
    let told = house.bot_says(&control, TOLD).await;
    assert!(told.contains(FAMILY), "{told}");
    assert!(house.stop());
    // As after some weeks.
    house.change_database("DELETE FROM outbox WHERE state = 'sent' AND arrival IS NULL");
    house.start();
    house.qq.say(FAMILY_CHAT, "爸爸", "two").unwrap();
    friend_says(&house, "are you there?").await;
    assert_eq!((family_rooms(&house), house.told(&control, TOLD)), (0, 1));
    house.owner.say(&control, "audit");
    let books = house.bot_says(&control, "QQ → Matrix").await;
    assert!(books.contains("told 3, own words come back 0,"), "{books}");
    assert!(!books.contains("lost: "), "{books}");

    let call = told.split('`').find(|words| words.starts_with("open ")).unwrap();
    house.owner.say(&control, call);
    house.bot_says(&control, "is open; look for the invitation").await;
    house.qq.say(FAMILY_CHAT, "妈妈", "three").unwrap();
    let (room, _) = house.sees(FAMILY, "three").await;
    assert_eq!(house.said_by_ghosts(&room), ["three"]);
    house.owner_enters(&room).await;
    house.owner.say(&room, "now I hear you");
    house.qq.wait_heard(|heard| heard.len() == 1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_room_that_there_is_stays_whatever_the_filter_says_and_once_it_is_ended_only_open_makes_another() {
    let (mut house, control, room) = talking(&json!({})).await;
    let account = house.qq.world().account.number;
    assert!(house.stop());
    house.configure(&filter("allow", &[&format!("{account}/friend"), "10001/group"]));
    house.start();
    house.qq.say(FAMILY_CHAT, "妈妈", "still here").unwrap();
    assert_eq!(house.sees(FAMILY, "still here").await.0, room);
    house.owner.say(&room, "!qq unbridge");
    house.bot_says(&room, "It gets another room by `open` alone").await;
    let gone = |world: &World| !is_bridge_in(world, &room);
    house.matrix.wait_until("the bridge to leave", gone).await;
    house.qq.say(FAMILY_CHAT, "妈妈", "anybody?").unwrap();
    friend_says(&house, "hello").await;
    house.is_told(&control, TOLD, 1).await;
    assert_eq!(family_rooms(&house), 1);
    house.owner.say(&control, &format!("open {FAMILY}"));
    house.bot_says(&control, "is open; look for the invitation").await;
    house.qq.say(FAMILY_CHAT, "妈妈", "at last").unwrap();
    assert_ne!(house.sees(FAMILY, "at last").await.0, room);
}
