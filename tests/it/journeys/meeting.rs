//! Ghosts whom people ask into rooms of their own, as they would ask anybody whom they want to talk to.

use matrix_webqq::base::failpoint::Failpoint;
use serde_json::{Value, json};

use super::{FAMILY_CHAT, talking};
use crate::support::homeserver::{Endpoint, Fault, World};
use crate::support::house::House;

const FRIEND: &str = "friend:Alice Chen";

/// Logs the owner in and lets a friend say something: the control room, the room of the chat, and the ghost.
async fn met(house: &House) -> (String, String, String) {
    let control = house.log_in().await;
    house.qq.say(FRIEND, "Alice Chen", "hi").unwrap();
    let (room, ghost) = house.shows("hi").await;
    house.owner_enters(&room).await;
    (control, room, ghost)
}

/// Ends what `room` mirrors.
async fn unbridged(house: &House, room: &str) {
    house.owner.say(room, "!qq unbridge");
    let left = |world: &World| !world.members(room).iter().any(|user| world.is_bridged(user));
    house.matrix.wait_until("the bridge to leave", left).await;
}

/// A room that the owner made for `ghost` as clients make direct chats, changed by `changes`.
fn direct_chat(house: &House, ghost: &str, changes: &Value) -> String {
    let users = json!({ house.owner.id(): 100, ghost: 100 });
    let mut order = json!({ "invite": [ghost], "is_direct": true, "power_level_content_override": { "users": users } });
    order.as_object_mut().unwrap().extend(changes.as_object().unwrap().clone());
    house.owner.create_room(&order)
}

async fn is_left(house: &House, room: &str, ghost: &str) {
    house.matrix.wait_until("the ghost to leave", |world| world.membership(room, ghost) == "leave").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_friend_who_is_asked_into_a_room_talks_there_or_it_is_said_where() {
    let mut house = House::new().await;
    let (control, old, ghost) = met(&house).await;
    let second = direct_chat(&house, &ghost, &json!({}));
    let told = house.bot_says(&control, "Alice Chen has [a room]").await;
    assert!(told.contains(&old), "{told}");
    is_left(&house, &second, &ghost).await;

    unbridged(&house, &old).await;
    let room = direct_chat(&house, &ghost, &json!({}));
    house.bot_says(&room, "mirrors a QQ chat from now on").await;
    house.owner.say(&room, "there you are");
    house.qq.wait_heard(|heard| heard.len() == 1).await;
    house.qq.say(FRIEND, "Alice Chen", "yes").unwrap();
    assert_eq!(house.shows("yes").await, (room.clone(), ghost.clone()));
    assert!(house.stop());
    house.start();
    house.qq.say(FRIEND, "Alice Chen", "still here").unwrap();
    assert_eq!(house.shows("still here").await, (room, ghost));
    assert_eq!(house.heard_in(FRIEND), ["there you are"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_said_to_a_friend_who_has_not_come_yet_goes_to_qq_once_and_in_order() {
    let mut house = House::new().await;
    let (_, old, ghost) = met(&house).await;
    unbridged(&house, &old).await;
    assert!(house.stop());
    let room = house.owner.create_room(&json!({}));
    let powers = json!({ "users": { house.owner.id(): 100, ghost.as_str(): 100 } });
    house.owner.set_state(&room, "m.room.power_levels", "", powers);
    house.owner.say(&room, "to nobody");
    house.owner.invite(&room, &ghost);
    house.owner.say(&room, "one");
    house.owner.say(&room, "!qq login-matrix syt_secret");
    house.owner.say(&room, "two");
    house.start();
    house.bot_says(&room, "mirrors a QQ chat from now on").await;
    house.owner.say(&room, "three");
    house.qq.wait_heard(|heard| heard.len() == 3).await;
    assert!(house.stop());
    house.start();
    house.owner.say(&room, "four");
    house.qq.wait_heard(|heard| heard.len() == 4).await;
    assert_eq!(house.heard_in(FRIEND), ["one", "two", "three", "four"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn wherever_the_bridge_dies_over_a_meeting_it_takes_place_once() {
    let mut house = House::new().await;
    let (_, mut room, ghost) = met(&house).await;
    let mut heard = Vec::new();
    for (point, words) in [(Failpoint::GhostCame, "one"), (Failpoint::RoomAdopted, "two")] {
        unbridged(&house, &room).await;
        assert!(house.stop());
        house.start_to_die(point, 1);
        room = direct_chat(&house, &ghost, &json!({}));
        heard.extend(["before", "after"].map(|when| format!("{when} {words}")));
        house.owner.say(&room, &format!("before {words}"));
        house.death().await;
        house.owner.say(&room, &format!("after {words}"));
        house.start();
        house.bot_says(&room, "mirrors a QQ chat from now on").await;
        house.qq.say(FRIEND, "Alice Chen", words).unwrap();
        assert_eq!(house.shows(words).await, (room.clone(), ghost.clone()));
        assert_eq!(house.told(&room, "mirrors a QQ chat from now on"), 1);
        house.qq.wait_heard(|all| all.len() == heard.len()).await;
        assert_eq!(house.heard_in(FRIEND), heard);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_cannot_meet_a_ghost_is_told_why_and_it_leaves() {
    let (house, control, _) = talking(&json!({ "bridge": { "permissions": { "@carol:hs.test": "relay" } } })).await;
    let (room, stranger) = house.shows("hi").await;
    house.qq.say(FRIEND, "Alice Chen", "hello").unwrap();
    let (old, ghost) = house.shows("hello").await;
    house.owner_enters(&old).await;
    unbridged(&house, &old).await;

    let encryption = json!([{ "type": "m.room.encryption", "content": { "algorithm": "m.megolm.v1.aes-sha2" } }]);
    let weak = json!({ "power_level_content_override": { "users": { house.owner.id(): 100 } } });
    for (whom, changes, words) in [
        (&stranger, json!({}), "is no friend of your QQ account"),
        (&ghost, json!({ "initial_state": encryption }), "This room is encrypted"),
        (&ghost, weak, "I need the power level 50"),
        (&ghost, json!({ "invite": [ghost, house.matrix.user("bob").id()] }), "There are others in the room"),
    ] {
        let asked = direct_chat(&house, whom, &changes);
        if words.starts_with("There are others") {
            house.matrix.user("bob").join(&asked);
        }
        house.bot_says(&control, words).await;
        is_left(&house, &asked, whom).await;
        assert_ne!(house.matrix.see(|world| world.membership(&asked, &world.bot())), "join", "{words}");
    }
    assert_eq!(house.matrix.see(|world| world.membership(&room, &stranger)), "join", "that is another room");
    house.owner.invite(&control, &ghost);
    let told = house.bot_says(&control, "This is a control room").await;
    assert!(told.contains("write `!qq bridge` there"), "{told}");
    is_left(&house, &control, &ghost).await;

    let bob = house.matrix.user("bob");
    let his = house.control_room_of(&bob).await;
    let asked = bob.create_dm(&ghost);
    house.bot_says(&his, "You are not logged in to QQ").await;
    is_left(&house, &asked, &ghost).await;
    let asked = house.matrix.user("carol").create_dm(&ghost);
    is_left(&house, &asked, &ghost).await;
    house.qq.say(FAMILY_CHAT, "妈妈", "and on").unwrap();
    assert_eq!(house.shows("and on").await.0, room);
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_is_asked_into_the_room_of_a_group_that_they_are_not_in_leaves_and_it_is_said() {
    let (house, control, room) = talking(&json!({})).await;
    house.qq.say(FRIEND, "Alice Chen", "hello").unwrap();
    let (_, stranger) = house.shows("hello").await;
    house.owner.invite(&room, &stranger);
    let told = house.bot_says(&control, "is not in it on QQ").await;
    assert!(told.contains("相亲相爱一家人"), "{told}");
    is_left(&house, &room, &stranger).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn all_who_are_asked_into_the_room_of_a_group_before_one_of_them_is_seen_to_are_seen_to() {
    let (mut house, control, room) = talking(&json!({})).await;
    let mut strangers = Vec::new();
    for (friend, name) in [(FRIEND, "Alice Chen"), ("friend:王芳", "王芳")] {
        house.qq.say(friend, name, name).unwrap();
        strangers.push(house.shows(name).await.1);
    }
    assert!(house.stop());
    for stranger in &strangers {
        house.owner.invite(&room, stranger);
    }
    house.start();
    for stranger in &strangers {
        is_left(&house, &room, stranger).await;
    }
    house.is_told(&control, "is not in it on QQ", 2).await;
}

/// It was in the room when it was to be invited, which is refused then, and left before it could join again.
#[tokio::test(flavor = "multi_thread")]
async fn a_ghost_that_leaves_while_it_is_let_in_is_let_in_again() {
    let (house, control, room) = talking(&json!({})).await;
    house.matrix.fail_next(Endpoint::Invite, 1, Fault::Refuse("M_FORBIDDEN"));
    house.qq.say(FAMILY_CHAT, "爸爸", "let me in").unwrap();
    assert_eq!(house.shows("let me in").await.0, room);
    assert!(house.matrix.see(World::are_faults_spent));
    assert_eq!(house.told(&control, "cannot be shown"), 0);
}
