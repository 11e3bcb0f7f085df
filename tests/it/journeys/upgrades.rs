//! Rooms that people upgrade: their portals follow.

use matrix_webqq::base::failpoint::Failpoint;
use serde_json::{Value, json};

use super::spaces::spaces;
use super::{FAMILY, FAMILY_CHAT, family_rooms, is_bridge_in, talking};
use crate::support::homeserver::{Endpoint, Fault, World};
use crate::support::house::House;

/// The owner says that `new` replaces `old`.
fn replace(house: &House, old: &str, new: &str) {
    let tombstone = json!({ "body": "replaced", "replacement_room": new });
    house.owner.set_state(old, "m.room.tombstone", "", tombstone);
}

/// A room that is to replace `old`, with nobody in it but the owner, who has the power to replace that.
fn replacement(house: &House, old: &str, changes: &Value) -> String {
    house.matrix.give_power(old, house.owner.id(), 100);
    let mut order = json!({ "creation_content": { "predecessor": { "room_id": old } } });
    order.as_object_mut().unwrap().extend(changes.as_object().unwrap().clone());
    house.owner.create_room(&order)
}

/// Has `old`, the family's room, replaced by a room that lets nobody in, and given, while QQ goes on talking.
async fn replaced_with_words_between(house: &House, old: &str) -> String {
    let new = replacement(house, old, &json!({}));
    replace(house, old, &new);
    is_shut_out(house, &new).await;
    house.qq.say(FAMILY_CHAT, "妈妈", "into the gap").unwrap();
    house.qq.say("friend:王芳", "王芳", "after it").unwrap();
    house.shows("after it").await;
    new
}

/// Waits until the bot has tried to enter `room`.
async fn is_shut_out(house: &House, room: &str) {
    house.matrix.wait_until("the bot at the door", |world| !world.requests_with(room).is_empty()).await;
}

fn let_bot_in(house: &House, room: &str) {
    house.owner.invite(room, &house.matrix.see(World::bot));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_portal_follows_to_the_room_that_replaces_its_own_also_after_a_death() {
    let (mut house, _, old) = talking(&json!({})).await;
    let new = replaced_with_words_between(&house, &old).await;
    assert!(house.stop());
    house.start_to_die(Failpoint::RoomFollowed, 1);
    let_bot_in(&house, &new);
    house.death().await;
    house.start();
    assert_eq!(house.shows("into the gap").await.0, new);
    house.is_told(&new, "goes on with the chat", 1).await;
    house.owner.say(&new, "from the new room");
    house.qq.wait_heard(|heard| heard.len() == 1).await;
    house.owner.say(&old, "late, from the old one");
    house.qq.wait_heard(|heard| heard.len() == 2).await;
    assert_eq!(house.heard_in(FAMILY_CHAT), ["from the new room", "late, from the old one"]);

    assert!(house.stop());
    house.start();
    house.owner.say(&old, "and after a restart");
    house.qq.wait_heard(|heard| heard.len() == 3).await;
    assert_eq!(house.said_by_ghosts(&old), ["hi"]);
    assert_eq!(house.said_by_ghosts(&new), ["into the gap"]);
    assert_eq!(family_rooms(&house), 1, "no room but the old one was made");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_direct_chat_follows_with_the_ghost_that_lets_the_others_in() {
    let house = House::new().await;
    house.log_in().await;
    house.qq.say("friend:王芳", "王芳", "hi").unwrap();
    let (old, ghost) = house.shows("hi").await;
    house.owner_enters(&old).await;
    let new = replacement(&house, &old, &json!({}));
    replace(&house, &old, &new);
    is_shut_out(&house, &new).await;
    // It made the room, and may speak there whatever Synapse does to its levels.
    house.qq.say("friend:王芳", "王芳", "into the gap").unwrap();
    house.qq.say(FAMILY_CHAT, "妈妈", "after it").unwrap();
    house.sees(FAMILY, "after it").await;
    assert_eq!(house.said_by_ghosts(&old), ["hi"]);
    let_bot_in(&house, &new);
    house.bot_says(&new, "goes on with the chat").await;
    house.qq.say("friend:王芳", "王芳", "here?").unwrap();
    assert_eq!(house.shows("here?").await, (new.clone(), ghost));
    assert_eq!(house.said_by_ghosts(&new), ["into the gap", "here?"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_room_that_replaces_another_lies_in_its_space_in_its_place() {
    let (house, _, old) = talking(&json!({ "bridge": { "personal_spaces": true } })).await;
    let child = |world: &World, room: &str| {
        let space = spaces(world, "Groups").into_iter().next();
        space.map_or(Value::Null, |space| world.state(&space, "m.space.child", room)["via"].clone())
    };
    house.matrix.wait_until("it to lie in a space", |world| child(world, &old) == json!(["hs.test"])).await;
    let new = replacement(&house, &old, &json!({}));
    replace(&house, &old, &new);
    is_shut_out(&house, &new).await;
    let_bot_in(&house, &new);
    house.matrix.wait_until("the other in its place", |world| child(world, &new) == json!(["hs.test"])).await;
    house.matrix.wait_until("the old one to be out", |world| child(world, &old) == Value::Null).await;
}

/// As clients do: they ask everybody who was in a room into the one that replaces it, one by one.
#[tokio::test(flavor = "multi_thread")]
async fn members_of_a_group_who_are_asked_into_the_room_that_replaces_its_own_come_in_and_talk_there() {
    let (house, control, old) = talking(&json!({})).await;
    let ghost = house.shows("hi").await.1;
    let new = replacement(&house, &old, &json!({}));
    replace(&house, &old, &new);
    is_shut_out(&house, &new).await;
    house.owner.invite(&new, &ghost);
    house.qq.say("friend:王芳", "王芳", "the ghost is asked").unwrap();
    house.shows("the ghost is asked").await;
    assert_eq!(house.matrix.see(|world| world.membership(&new, &ghost)), "invite", "it waits for the portal");
    let_bot_in(&house, &new);
    house.matrix.wait_until("the ghost to come in", |world| world.membership(&new, &ghost) == "join").await;
    house.qq.say(FAMILY_CHAT, "妈妈", "here I am").unwrap();
    assert_eq!(house.shows("here I am").await, (new, ghost));
    assert_eq!(house.told(&control, "Whom you asked into"), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_said_in_the_room_that_replaces_another_before_the_portal_is_there_goes_to_qq_in_order() {
    let (house, _, old) = talking(&json!({})).await;
    let new = replacement(&house, &old, &json!({ "power_level_content_override": { "invite": 50 } }));
    house.owner.say(&new, "before the tombstone");
    replace(&house, &old, &new);
    is_shut_out(&house, &new).await;
    house.owner.say(&new, "before the bot");
    let_bot_in(&house, &new);
    house.bot_says(&old, "I may not invite there").await;
    house.owner.say(&new, "before the portal");
    house.matrix.give_power(&new, &house.matrix.see(World::bot), 50);
    house.bot_says(&new, "goes on with the chat").await;
    house.owner.say(&new, "after it");
    house.qq.wait_heard(|heard| heard.len() == 4).await;
    assert_eq!(
        house.heard_in(FAMILY_CHAT),
        ["before the tombstone", "before the bot", "before the portal", "after it"]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn what_waits_for_a_room_that_is_to_be_followed_to_gets_another_after_unbridge() {
    let (house, _, old) = talking(&json!({})).await;
    let new = replaced_with_words_between(&house, &old).await;
    house.owner.say(&old, "!qq unbridge");
    let (room, _) = house.shows("into the gap").await;
    assert!(room != old && room != new);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_room_that_cannot_be_followed_to_is_told_with_the_reason() {
    let (house, _, old) = talking(&json!({})).await;
    let encryption = json!([{ "type": "m.room.encryption", "content": { "algorithm": "m.megolm.v1.aes-sha2" } }]);
    for (changes, words) in [
        (json!({ "creation_content": {} }), "does not name this one as its predecessor"),
        (json!({ "initial_state": encryption }), "it is encrypted"),
    ] {
        let new = replacement(&house, &old, &changes);
        replace(&house, &old, &new);
        is_shut_out(&house, &new).await;
        let_bot_in(&house, &new);
        house.bot_says(&old, words).await;
        house.matrix.wait_until("the bot to leave", |world| !is_bridge_in(world, &new)).await;
    }
    house.owner.set_state(&old, "m.room.tombstone", "", json!({ "body": "closed" }));
    house.bot_says(&old, "closed without another in its place").await;
    house.qq.say(FAMILY_CHAT, "妈妈", "still here").unwrap();
    assert_eq!(house.sees(FAMILY, "still here").await.0, old);
    // As Synapse does it: nobody speaks in the old room any more.
    let levels = json!({ "events_default": 50, "users": { house.owner.id(): 100 } });
    house.owner.set_state(&old, "m.room.power_levels", "", levels);
    let looked = house.matrix.see(|world| world.asked(Endpoint::GetState));
    house.qq.say(FAMILY_CHAT, "妈妈", "into no room").unwrap();
    let is_refused = |world: &World| world.asked(Endpoint::GetState) > looked;
    house.matrix.wait_until("the ghost to be refused, and the reason to be looked for", is_refused).await;
    house.owner.say(&old, "!qq unbridge");
    let (new, _) = house.shows("into no room").await;
    assert_ne!(new, old);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_room_that_could_not_be_followed_to_is_followed_to_once_the_bot_may_invite_there() {
    let (mut house, _, old) = talking(&json!({})).await;
    let new = replacement(&house, &old, &json!({ "power_level_content_override": { "invite": 50 } }));
    replace(&house, &old, &new);
    is_shut_out(&house, &new).await;
    let_bot_in(&house, &new);
    house.bot_says(&old, "I may not invite there").await;
    house.kill().await;
    house.start();
    let bot = house.matrix.see(World::bot);
    let levels = json!({ "invite": 50, "users": { house.owner.id(): 100, bot: 50 } });
    house.owner.set_state(&new, "m.room.power_levels", "", levels);
    house.bot_says(&new, "goes on with the chat").await;
    house.qq.say(FAMILY_CHAT, "妈妈", "here?").unwrap();
    assert_eq!(house.shows("here?").await.0, new);
    assert_eq!(house.told(&old, "I may not invite there"), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_room_into_which_the_bot_is_invited_before_it_replaces_another_becomes_no_control_room() {
    let (house, control, old) = talking(&json!({})).await;
    let new = replacement(&house, &old, &json!({}));
    let_bot_in(&house, &new);
    house.matrix.wait_until("the bot to enter", |world| is_bridge_in(world, &new)).await;
    // Whatever it says there it says before it obeys.
    house.owner.say(&new, "!qq version");
    house.bot_says(&new, "matrix-webqq").await;
    assert_eq!(house.told(&new, "control room"), 0);
    replace(&house, &old, &new);
    house.bot_says(&new, "goes on with the chat").await;
    house.owner.say(&new, "hello from here");
    house.qq.wait_heard(|heard| heard.len() == 1).await;
    assert_eq!(house.heard_in(FAMILY_CHAT), ["hello from here"]);
    house.owner.say(&control, "version");
    house.bot_says(&control, "matrix-webqq").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_following_that_is_refused_again_and_again_is_told_once_and_tried_for_ever() {
    let (mut house, control, old) = talking(&json!({})).await;
    let new = replacement(&house, &old, &json!({}));
    house.matrix.fail_next(Endpoint::Join, 1, Fault::Refuse("M_UNKNOWN"));
    replace(&house, &old, &new);
    house.matrix.wait_until("the first refusal", World::are_faults_spent).await;
    for _ in 0..2 {
        assert!(house.stop());
        // The tries before the last have gone by, or the hour after it.
        house.change_database("UPDATE job SET attempts = attempts + 5, due_at_ms = 0");
        house.matrix.fail_next(Endpoint::Join, 1, Fault::Refuse("M_UNKNOWN"));
        house.start();
        house.matrix.wait_until("another refusal", World::are_faults_spent).await;
        house.bot_says(&control, "I try again every hour").await;
    }
    assert!(house.stop());
    let_bot_in(&house, &new);
    house.change_database("UPDATE job SET due_at_ms = 0");
    house.start();
    house.bot_says(&new, "goes on with the chat").await;
    house.qq.say(FAMILY_CHAT, "妈妈", "here?").unwrap();
    assert_eq!(house.shows("here?").await.0, new);
    assert_eq!(house.told(&control, "I try again every hour"), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_may_do_too_little_in_a_room_that_was_followed_to_asks_for_a_level_and_makes_up_for_it() {
    let (house, control, old) = talking(&json!({ "network": { "webqq": { "list_refresh_ms": 1 } } })).await;
    house.qq.say("friend:王芳", "王芳", "hello").unwrap();
    let (friend, _) = house.shows("hello").await;
    // Of version 12, as the old one: the bot made that, and was in no list of levels.
    let new = replacement(&house, &old, &json!({}));
    replace(&house, &old, &new);
    let_bot_in(&house, &new);
    let bot = house.matrix.see(World::bot);
    let asked = house.bot_says(&new, &format!("{bot} needs the power level 50 in this room")).await;
    assert!(asked.contains("it has 0"), "{asked}");

    let edit = house.qq.edit_world(|world| {
        world.groups[1].title = Some("大家庭".to_owned());
        world.friends[0].nick = Some("Fang".to_owned());
    });
    edit.unwrap();
    // The lists are asked for between two polls, and a poll without news is held for long.
    house.qq.say("friend:王芳", "王芳", "call me Fang").unwrap();
    let told = |world: &World, room: &str| {
        world.state(room, "m.bridge", "hs.test/qq")["channel"]["displayname"].as_str().map(str::to_owned)
    };
    // What is refused in one room keeps no other from its name.
    house.matrix.wait_until("the name of the friend", |world| told(world, &friend).as_deref() == Some("Fang")).await;
    assert_eq!(house.matrix.see(|world| told(world, &new)), None);

    house.matrix.give_power(&new, &bot, 50);
    house.matrix.wait_until("the name of the group", |world| told(world, &new).as_deref() == Some("大家庭")).await;
    assert_eq!(house.matrix.see(|world| world.state(&new, "m.room.name", ""))["name"], "大家庭");
    assert_eq!(house.told(&new, "needs the power level"), 1);

    let newer = replacement(&house, &new, &json!({ "power_level_content_override": { "events_default": 60 } }));
    replace(&house, &new, &newer);
    let_bot_in(&house, &newer);
    let asked = house.bot_says(&control, &format!("goes on in {newer}, where I may not speak")).await;
    assert!(asked.contains(&format!("{bot} needs the power level 60 there")), "{asked}");
}

#[tokio::test(flavor = "multi_thread")]
async fn that_the_bot_cannot_enter_is_said_once_nobody_has_asked_it_in_for_a_while() {
    let (mut house, _, old) = talking(&json!({})).await;
    let new = replacement(&house, &old, &json!({}));
    replace(&house, &old, &new);
    for tries in 1..=2 {
        let knocks = |world: &World| world.requests_with(&new).iter().filter(|asked| asked.contains("join")).count();
        house.matrix.wait_until("the bot at the door", |world| knocks(world) >= tries).await;
        assert!(house.stop());
        let said = "SELECT COUNT(*) FROM outbox WHERE body LIKE '%I cannot enter%'";
        assert_eq!(house.database().query_row(said, [], |row| row.get::<_, i64>(0)).unwrap(), 0);
        if tries == 2 {
            // That while has gone by.
            house.change_database("UPDATE job SET created_at_ms = created_at_ms - 30000");
        }
        house.start();
    }
    house.bot_says(&old, "I cannot enter the room that replaces this one").await;
    let_bot_in(&house, &new);
    house.bot_says(&new, "goes on with the chat").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_chose_a_language_reads_in_it_why_a_room_is_not_followed_and_where_it_goes_on() {
    let (house, control, old) = talking(&json!({})).await;
    house.owner_chooses_chinese(&control).await;
    let new = replacement(&house, &old, &json!({ "power_level_content_override": { "invite": 50 } }));
    house.owner.set_state(&old, "m.room.tombstone", "", json!({ "body": "closed" }));
    house.bot_says(&old, "这个房间已关闭，且没有替代的房间").await;
    replace(&house, &old, &new);
    is_shut_out(&house, &new).await;
    let_bot_in(&house, &new);
    house.bot_says(&old, "我在那里没有邀请权限").await;
    house.owner.set_state(&new, "m.room.power_levels", "", json!({ "users": { house.owner.id(): 100 } }));
    house.bot_says(&new, "这个房间接替旧房间").await;
    house.bot_says(&new, "在这个房间需要权限等级 50").await;
}
