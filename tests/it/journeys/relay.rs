//! People without a login speak through the account of a room, under their name, in the order of all that is said there.

use serde_json::{Value, json};

use super::{FAMILY, FAMILY_CHAT, talking};
use crate::support::homeserver::{Human, World};
use crate::support::house::House;

/// Begins what somebody is told of whom too much would wait.
const TOO_MANY: &str = "too many of your messages";

fn relaying() -> Value {
    json!({ "bridge": {
        "relay": { "enabled": true, "admin_only": false },
        "permissions": { "hs.test": "relay", "@alice:hs.test": "user", "@mallory:hs.test": "block" },
    } })
}

/// Somebody called `name`, in `room`.
fn guest(house: &House, room: &str, name: &str) -> Human {
    let guest = house.matrix.user(name);
    house.owner.invite(room, guest.id());
    guest
}

/// A house with the family's room, in which people are relayed.
async fn relayed_room() -> (House, String) {
    let (house, _, room) = talking(&relaying()).await;
    house.owner.say(&room, "!qq set-relay");
    house.bot_says(&room, "speaks here through 2769546520").await;
    (house, room)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_guest_is_heard_under_their_name_in_order_with_the_owner_and_survives_a_kill() {
    let (mut house, room) = relayed_room().await;
    let bob = guest(&house, &room, "bob");
    bob.say(&room, "hello");
    house.owner.say(&room, "that was Bob");
    bob.send(&room, "m.room.message", json!({ "msgtype": "m.emote", "body": "waves" }));
    house.qq.wait_heard(|heard| heard.len() == 3).await;
    house.kill().await;
    bob.say(&room, "still here");
    house.start();
    house.qq.wait_heard(|heard| heard.len() == 4).await;
    assert_eq!(
        house.heard_in(FAMILY_CHAT),
        ["「bob」: hello", "that was Bob", "* 「bob」 waves", "「bob」: still here"]
    );
    // Their echoes were queued before this.
    house.qq.say(FAMILY_CHAT, "妈妈", "end").unwrap();
    house.shows("end").await;
    assert_eq!(house.said_by_ghosts(&room), ["hi", "end"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn two_guests_of_one_name_are_told_apart_by_their_ids() {
    let (house, room) = relayed_room().await;
    let (bob, rob) = (guest(&house, &room, "bob"), guest(&house, &room, "rob"));
    bob.say(&room, "one");
    house.qq.wait_heard(|heard| heard.len() == 1).await;
    rob.set_state(&room, "m.room.member", rob.id(), json!({ "membership": "join", "displayname": "bob" }));
    rob.say(&room, "two");
    let heard = house.qq.wait_heard(|heard| heard.len() == 2).await;
    assert_eq!((heard[0].text.as_str(), heard[1].text.as_str()), ("「bob」: one", "「bob (@rob:hs.test)」: two"));
}

#[tokio::test(flavor = "multi_thread")]
async fn bots_and_other_bridges_are_neither_carried_nor_answered_and_the_blocked_are_told() {
    let (house, room) = relayed_room().await;
    let (bob, mallory) = (guest(&house, &room, "bob"), guest(&house, &room, "mallory"));
    let alien = guest(&house, &room, "_discord_7");
    let text = |extra: Value| {
        let mut content = json!({ "msgtype": "m.text", "body": "echo" });
        content.as_object_mut().unwrap().extend(extra.as_object().unwrap().clone());
        content
    };
    bob.send(&room, "m.room.message", json!({ "msgtype": "m.notice", "body": "I am a bot" }));
    bob.send(&room, "m.room.message", text(json!({ "fi.mau.double_puppet_source": "mautrix-telegram" })));
    bob.send(&room, "m.room.message", text(json!({ "external_url": "https://t.me/c/1/2" })));
    alien.say(&room, "from another network");
    mallory.say(&room, "buy this");
    house.bot_says(&room, "only the person whose QQ account").await;
    bob.say(&room, "me");
    house.qq.wait_heard(|heard| !heard.is_empty()).await;
    assert_eq!(house.heard_in(FAMILY_CHAT), ["「bob」: me"]);
    assert_eq!(house.told(&room, "This was not sent to QQ"), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn one_way_guests_listen_and_are_told_so_once_and_the_owner_goes_on() {
    let (house, room) = relayed_room().await;
    let bob = guest(&house, &room, "bob");
    house.owner.say(&room, "!qq set-relay 10001");
    house.bot_says(&room, "nobody can speak here through another account").await;
    house.owner.say(&room, "!qq set-relay 2769546520 --one-way");
    house.bot_says(&room, "only listen here").await;
    bob.say(&room, "first");
    bob.say(&room, "second");
    house.bot_says(&room, "people without a QQ login only listen").await;
    house.owner.say(&room, "mine");
    house.qq.wait_heard(|heard| !heard.is_empty()).await;
    assert_eq!(house.heard_in(FAMILY_CHAT), ["mine"]);
    assert_eq!(house.told(&room, "people without a QQ login only listen"), 1);
    house.owner.say(&room, "!qq unset-relay");
    house.bot_says(&room, "nobody but the owner").await;
    bob.say(&room, "third");
    house.bot_says(&room, "only the person whose QQ account").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_guest_cannot_fill_the_queue_and_is_told_of_each_word_that_does_not_go() {
    let mut limited = relaying();
    limited["bridge"]["relay"]["max_waiting"] = 2.into();
    let (mut house, control, room) = talking(&limited).await;
    house.owner.say(&room, "!qq set-relay");
    house.bot_says(&room, "speaks here through 2769546520").await;
    let (bob, eve) = (guest(&house, &room, "bob"), guest(&house, &room, "eve"));
    house.qq.expire(103).unwrap();
    house.bot_says(&control, "has ended").await;
    for words in ["one", "two", "three"] {
        bob.say(&room, words);
    }
    house.is_told(&room, TOO_MANY, 1).await;
    house.kill().await;
    bob.say(&room, "four");
    let too_long = "long ".repeat(1000);
    eve.say(&room, &too_long);
    eve.say(&room, "mine");
    for words in ["a", "b", "c"] {
        house.owner.say(&room, words);
    }
    house.start();
    house.is_told(&room, TOO_MANY, 3).await;
    house.log_in_from(&control).await;
    house.qq.wait_heard(|heard| heard.len() == 6).await;
    bob.say(&room, "five");
    house.qq.wait_heard(|heard| heard.len() == 7).await;
    assert_eq!(
        house.heard_in(FAMILY_CHAT),
        ["「bob」: one", "「bob」: two", "「eve」: mine", "a", "b", "c", "「bob」: five"]
    );
    assert_eq!(house.told(&room, TOO_MANY), 3);

    assert!(house.stop());
    limited["bridge"]["relay"]["max_waiting"] = 0.into();
    house.configure(&limited);
    house.start();
    eve.say(&room, &too_long);
    house.qq.wait_heard(|heard| heard.len() > 7 + 2).await;
    assert_eq!(house.told(&room, TOO_MANY), 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_but_the_owner_or_an_administrator_switches_it_on_and_nobody_where_it_is_off() {
    let (house, room) = relayed_room().await;
    let bob = guest(&house, &room, "bob");
    bob.say(&room, "!qq unset-relay");
    house.bot_says(&room, "has no permission to use `unset-relay`").await;
    let (house, _, room) = talking(&json!({})).await;
    house.owner.say(&room, "!qq set-relay");
    house.bot_says(&room, "bridge.relay.enabled").await;
    let changes = json!({ "bridge": { "relay": { "enabled": true } } });
    let (house, control, room) = talking(&changes).await;
    house.owner.say(&room, "!qq set-relay");
    house.bot_says(&room, "Only an administrator").await;
    house.owner.say(&control, "set-relay");
    house.bot_says(&control, "in the room of a QQ chat").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_room_that_follows_one_that_went_carries_nobody_until_that_is_said_there() {
    for command in ["unbridge", "delete-portal"] {
        let (house, room) = relayed_room().await;
        house.owner.say(&room, &format!("!qq {command}"));
        let bot_left = |world: &World| !world.members(&room).contains(&world.bot());
        house.matrix.wait_until("the bridge to leave", bot_left).await;
        house.qq.say(FAMILY_CHAT, "妈妈", "again").unwrap();
        let (new, _) = house.sees(FAMILY, "again").await;
        let bob = guest(&house, &new, "bob");
        bob.say(&new, "let in by nobody");
        house.bot_says(&new, "only the person whose QQ account").await;
        house.owner.say(&new, "!qq set-relay");
        house.bot_says(&new, "speaks here through 2769546520").await;
        bob.say(&new, "let in");
        house.qq.wait_heard(|heard| !heard.is_empty()).await;
        assert_eq!(house.heard_in(FAMILY_CHAT), ["「bob」: let in"], "{command}");
    }
}
