//! Rooms that people made: one becomes that of a chat, also in the place of another one and when the bridge dies over it.

use std::time::Duration;

use matrix_webqq::base::Clock;
use matrix_webqq::base::failpoint::Failpoint;
use serde_json::{Value, json};

use super::{FAMILY, FAMILY_CHAT, is_bridge_in, talking};
use crate::support::homeserver::World;
use crate::support::house::House;

/// A room that the owner made with `changes`, with bob and the bot in it, who may invite and set state there.
async fn room_of_people(house: &House, changes: &Value) -> String {
    let bot = house.matrix.see(World::bot);
    let mut order = json!({ "name": "Tea", "invite": [house.matrix.user("bob").id(), bot] });
    order.as_object_mut().unwrap().extend(changes.as_object().unwrap().clone());
    let room = house.owner.create_room(&order);
    house.bot_says(&room, "In this room commands begin with").await;
    house.matrix.give_power(&room, &bot, 50);
    room
}

/// Lets the owner write that `room` is to be that of `chat`, and waits until it is.
async fn bridge(house: &House, room: &str, chat: &str) {
    house.owner.say(room, &format!("!qq bridge {chat}"));
    house.bot_says(room, "mirrors a QQ chat from now on").await;
}

fn count(house: &House, table: &str) -> i64 {
    house.database().query_row(&format!("SELECT COUNT(*) FROM {table}"), [], |row| row.get(0)).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_room_that_people_made_becomes_that_of_a_group_and_keeps_what_is_theirs() {
    let mut house = House::new().await;
    let control = house.log_in().await;
    let room = room_of_people(&house, &json!({})).await;
    bridge(&house, &room, FAMILY).await;
    house.qq.say(FAMILY_CHAT, "妈妈", "hi").unwrap();
    assert_eq!(house.shows("hi").await.0, room);
    house.owner.say(&room, "good morning");
    house.qq.wait_heard(|heard| heard.len() == 1).await;
    let channel = |world: &World| world.state(&room, "m.bridge", "hs.test/qq")["channel"]["displayname"].clone();
    house.matrix.wait_until("what the room says of its chat", |world| channel(world) == FAMILY).await;

    assert!(house.stop());
    house.start();
    house.qq.edit_world(|world| world.groups[1].title = Some("大家庭".to_owned())).unwrap();
    house.qq.say(FAMILY_CHAT, "爸爸", "after a restart").unwrap();
    assert_eq!(house.shows("after a restart").await.0, room);
    assert_eq!(house.heard_in(FAMILY_CHAT), ["good morning"]);
    house.owner.say(&room, "!qq delete-portal");
    house.bot_says(&room, "I put nobody out of it").await;
    let levels = house.matrix.see(|world| world.state(&room, "m.room.power_levels", ""));
    assert_eq!(levels["users"].as_object().unwrap().len(), 1, "nobody of QQ has a say there: {levels}");
    assert_eq!(house.matrix.see(|world| world.state(&room, "m.room.name", ""))["name"], "Tea");

    let other = room_of_people(&house, &json!({})).await;
    house.owner.say(&control, &format!("doin {other} bridge 项目讨论"));
    house.bot_says(&control, "is mirrored in").await;
    house.qq.say("discussion:项目讨论", "老张", "from afar").unwrap();
    assert_eq!(house.shows("from afar").await.0, other);

    house.owner.say(&control, "delete-all-portals");
    let asked = house.bot_says(&control, "Rooms that people made are left to them").await;
    let (_, code) = asked.split_once("write `delete-all-portals ").unwrap();
    house.owner.say(&control, &format!("delete-all-portals {}", code.trim_end_matches("`.")));
    house.bot_says(&control, "The rooms that you wanted deleted are gone").await;
    for room in [&room, &other] {
        let bob = house.matrix.user("bob");
        assert_eq!(house.matrix.see(|world| world.members(room)), [house.owner.id(), bob.id()]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_keeps_a_room_from_being_bridged_is_said_with_what_would_help() {
    let (house, control, portal) = talking(&json!({})).await;
    let bot = house.matrix.see(World::bot);
    house.owner.say(&control, "bridge 项目讨论");
    house.bot_says(&control, "This is a control room").await;
    house.owner.say(&portal, "!qq bridge 项目讨论");
    house.bot_says(&portal, "mirrors a QQ chat already").await;

    let bobs = house.matrix.user("bob").create_room(&json!({ "invite": [house.owner.id(), bot] }));
    house.bot_says(&bobs, "In this room commands begin with").await;
    house.owner.say(&bobs, "!qq bridge 项目讨论");
    house.bot_says(&bobs, "you need the power level 50 in this room; yours is 0").await;
    house.matrix.give_power(&bobs, house.owner.id(), 50);
    house.owner.say(&bobs, "!qq bridge 项目讨论");
    house.bot_says(&bobs, "I need the power level 50 in this room").await;
    house.owner.say(&bobs, "!qq bridge");
    house.bot_says(&bobs, "Write `!qq bridge` with the name").await;

    let encryption = json!([{ "type": "m.room.encryption", "content": { "algorithm": "m.megolm.v1.aes-sha2" } }]);
    let bob = house.matrix.user("bob");
    for (changes, greeting, words) in [
        (
            json!({ "initial_state": encryption }),
            "I can read nothing in it",
            "I could not read what is said in it for QQ",
        ),
        (
            json!({ "power_level_content_override": { "events_default": 10, "users": { bot.as_str(): 50 } } }),
            "In this room commands begin with",
            "takes the power level 10, and people of QQ would have 0",
        ),
        (json!({ "creation_content": { "type": "m.space" } }), "In this room commands begin with", "This is a space"),
    ] {
        let mut order = json!({ "invite": [bob.id(), bot] });
        order.as_object_mut().unwrap().extend(changes.as_object().unwrap().clone());
        let room = house.owner.create_room(&order);
        house.bot_says(&room, greeting).await;
        house.owner.say(&room, "!qq bridge 项目讨论");
        house.bot_says(&room, words).await;
    }
    house.matrix.give_power(&bobs, &bot, 50);
    bridge(&house, &bobs, "项目讨论").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_portal_moves_to_a_room_of_people_only_when_that_is_said_and_what_waits_for_qq_still_goes() {
    let slow = json!({ "network": { "webqq": { "send_interval_ms": 3_600_000 } } });
    let (mut house, _, old) = talking(&slow).await;
    for words in ["first", "second"] {
        house.owner.say(&old, words);
    }
    house.qq.wait_heard(|heard| heard.len() == 1).await;
    let new = room_of_people(&house, &json!({})).await;
    house.owner.say(&new, &format!("!qq bridge {FAMILY}"));
    let told = house.bot_says(&new, "has [a room](").await;
    assert!(told.contains(&format!("!qq bridge --overwrite {FAMILY}")), "{told}");
    house.qq.say(FAMILY_CHAT, "妈妈", "where?").unwrap();
    assert_eq!(house.shows("where?").await.0, old);
    let id = house.matrix.see(|world| world.state(&old, "m.bridge", "hs.test/qq")["channel"]["id"].clone());
    bridge(&house, &new, &format!("--overwrite {}", id.as_str().unwrap())).await;
    house.bot_says(&old, "goes on in another room").await;
    house.matrix.wait_until("the bridge to leave", |world| !is_bridge_in(world, &old)).await;
    assert_eq!(house.matrix.see(|world| world.members(&old)), [house.owner.id()]);
    house.qq.say(FAMILY_CHAT, "妈妈", "here?").unwrap();
    assert_eq!(house.shows("here?").await.0, new);

    assert!(house.stop());
    house.configure(&json!({}));
    house.start();
    house.owner.say(&new, "third");
    house.qq.wait_heard(|heard| heard.len() == 3).await;
    assert_eq!(house.heard_in(FAMILY_CHAT), ["first", "second", "third"]);
    assert_eq!(
        (house.said_by_ghosts(&old), house.said_by_ghosts(&new)),
        (vec!["hi".into(), "where?".into()], vec!["here?".into()])
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_move_that_a_death_ended_goes_on_and_nothing_is_lost_or_doubled_on_the_way() {
    let (mut house, _, old) = talking(&json!({})).await;
    let new = room_of_people(&house, &json!({})).await;
    assert!(house.stop());
    house.start_to_die(Failpoint::RoomAdopted, 1);
    house.qq.wait_session(|session| session.polling).await;
    house.owner.say(&new, &format!("!qq bridge --overwrite {FAMILY}"));
    house.death().await;
    let soon = Clock::system().ms_in(Duration::from_mins(30));
    house.change_database(&format!("UPDATE job SET due_at_ms = {soon}"));
    house.qq.say(FAMILY_CHAT, "妈妈", "meanwhile").unwrap();
    house.owner.say(&old, "late, from the old room");
    house.start();
    assert_eq!(house.shows("meanwhile").await.0, new);
    house.qq.wait_heard(|heard| heard.len() == 1).await;

    assert!(house.stop());
    house.change_database("UPDATE job SET due_at_ms = 0");
    house.start();
    house.matrix.wait_until("the bridge to leave", |world| !is_bridge_in(world, &old)).await;
    house.owner.say(&old, "to nobody");
    house.owner.say(&new, "from the new room");
    house.qq.wait_heard(|heard| heard.len() == 2).await;
    assert_eq!(house.heard_in(FAMILY_CHAT), ["late, from the old room", "from the new room"]);
    assert_eq!((house.said_by_ghosts(&old), house.said_by_ghosts(&new)), (vec!["hi".into()], vec!["meanwhile".into()]));
    let told = (house.told(&old, "goes on in another room"), house.told(&new, "mirrors a QQ chat from now on"));
    assert_eq!(told, (1, 1));
    assert!(house.stop());
    assert_eq!((count(&house, "job"), count(&house, "portal_alias")), (0, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn in_a_room_of_people_the_bot_lets_a_friend_and_the_accounts_own_ghost_in() {
    let house = House::new().await;
    let control = house.log_in().await;
    let only_some_invite = json!({ "power_level_content_override": { "invite": 50 } });
    let room = room_of_people(&house, &only_some_invite).await;
    house.owner.say(&room, "!qq bridge 李明");
    house.bot_says(&room, "I have answered in our control room").await;
    house.bot_says(&control, "!qq bridge 李明 1").await;
    bridge(&house, &room, "芳芳").await;
    house.owner.say(&room, "!qq id");
    house.bot_says(&room, "This room mirrors 王芳").await;
    assert_eq!(house.told(&room, "芳芳"), 1, "a remark is told by whoever wrote the command alone");
    house.qq.say("friend:王芳", "王芳", "hi").unwrap();
    assert_eq!(house.shows("hi").await.0, room);
    house.qq.say("friend:王芳", "小明", "from my phone").unwrap();
    assert_eq!(house.shows("from my phone").await.0, room);
    house.owner.say(&room, "and from here");
    house.qq.wait_heard(|heard| heard.len() == 1).await;
    assert_eq!(house.matrix.see(|world| world.state(&room, "m.room.name", ""))["name"], "Tea");
}
