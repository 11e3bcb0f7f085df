//! The end of rooms, also when the bridge dies in the middle of it, and upgrades of rooms.

use matrix_webqq::base::failpoint::Failpoint;
use serde_json::{Value, json};

use super::{FAMILY, FAMILY_CHAT, talking};
use crate::support::homeserver::{Endpoint, Fault, World};
use crate::support::house::House;

/// Whether any user of the bridge is in `room`.
fn is_bridge_in(world: &World, room: &str) -> bool {
    world.members(room).iter().any(|user| world.is_bridged(user))
}

/// How many rooms of the family there are.
fn family_rooms(house: &House) -> usize {
    let is_family = |world: &World, room: &String| world.state(room, "m.room.name", "")["name"] == FAMILY;
    house.matrix.see(|world| world.room_ids().iter().filter(|room| is_family(world, room)).count())
}

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
    house.bot_says(old, "I cannot enter the room that replaces this one").await;
    house.qq.say(FAMILY_CHAT, "妈妈", "into the gap").unwrap();
    house.qq.say("friend:王芳", "王芳", "after it").unwrap();
    house.shows("after it").await;
    new
}

fn let_bot_in(house: &House, room: &str) {
    house.owner.invite(room, &house.matrix.see(World::bot));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_room_that_is_unbridged_stays_to_its_people_and_what_waited_is_told() {
    let (house, _, room) = talking(&json!({ "network": { "webqq": { "send_interval_ms": 3_600_000 } } })).await;
    for words in ["first", "second"] {
        house.owner.say(&room, words);
    }
    house.qq.wait_heard(|heard| heard.len() == 1).await;
    house.owner.say(&room, "!qq unbridge");
    house.bot_says(&room, "This did not go to QQ").await;
    house.matrix.wait_until("the bridge to leave", |world| !is_bridge_in(world, &room)).await;
    assert_eq!(house.matrix.see(|world| world.members(&room)), [house.owner.id()]);
    assert_eq!(house.told(&room, "mirrors 相亲相爱一家人 no more"), 1);
    house.qq.say(FAMILY_CHAT, "妈妈", "again").unwrap();
    let (new, _) = house.sees(FAMILY, "again").await;
    assert_ne!(new, room);
    assert_eq!(house.said_by_ghosts(&room), ["hi"]);
    assert_eq!(house.heard_in(FAMILY_CHAT), ["first"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deletion_goes_on_where_a_death_ended_it_and_leaves_nothing_behind() {
    for point in [Failpoint::RoomLetGo, Failpoint::RoomLeftByOne] {
        let (mut house, _, room) = talking(&json!({})).await;
        house.qq.say(FAMILY_CHAT, "爸爸", "me too").unwrap();
        house.sees(FAMILY, "me too").await;
        assert!(house.stop());
        house.start_to_die(point, 1);
        house.owner.say(&room, "!qq delete-portal");
        house.death().await;
        assert!(house.matrix.see(|world| is_bridge_in(world, &room)), "{point:?} is in the middle");
        house.qq.say(FAMILY_CHAT, "妈妈", "meanwhile").unwrap();
        house.start();
        house.matrix.wait_until("nobody to be left", |world| world.members(&room).is_empty()).await;
        let (new, _) = house.sees(FAMILY, "meanwhile").await;
        assert_ne!(new, room);
        assert!(house.stop());
        assert_eq!(family_rooms(&house), 2, "{point:?}");
        let jobs = house.database().query_row("SELECT COUNT(*) FROM job", [], |row| row.get::<_, i64>(0));
        assert_eq!(jobs.unwrap(), 0, "{point:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deletion_that_is_refused_once_too_often_is_told_and_stops_no_other() {
    let (mut house, control, room) = talking(&json!({})).await;
    house.qq.say("friend:王芳", "王芳", "hello").unwrap();
    let (other, _) = house.shows("hello").await;
    house.owner_enters(&other).await;
    assert!(house.stop());
    // Both were wanted, and the tries before the last have gone by.
    house.change_database(
        "INSERT INTO job (kind, portal, room_id, asker, state, attempts, due_at_ms, created_at_ms) \
         SELECT 'empty', id, room_id, '@alice:hs.test', 'open', 5, 0, 0 FROM portal ORDER BY id",
    );
    house.matrix.fail_next(Endpoint::Leave, 1, Fault::Refuse("M_UNKNOWN"));
    house.start();
    house.bot_says(&control, &format!("could not be done in the room {room}")).await;
    house.matrix.wait_until("the other to be empty", |world| world.members(&other).is_empty()).await;
    assert!(house.matrix.see(|world| is_bridge_in(world, &room)));
    house.qq.say(FAMILY_CHAT, "妈妈", "again").unwrap();
    assert_ne!(house.sees(FAMILY, "again").await.0, room);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_homeserver_that_is_away_only_puts_a_deletion_off() {
    let (house, _, room) = talking(&json!({})).await;
    house.matrix.fail_next(Endpoint::Leave, 2, Fault::Status(502));
    house.matrix.fail_next(Endpoint::Kick, 1, Fault::Drop);
    house.owner.say(&room, "!qq delete-portal");
    house.matrix.wait_until("nobody to be left", |world| world.members(&room).is_empty()).await;
    assert!(house.matrix.see(World::are_faults_spent));
}

#[tokio::test(flavor = "multi_thread")]
async fn only_the_owner_or_an_administrator_ends_a_room() {
    let (house, control, room) = talking(&json!({})).await;
    let bob = house.matrix.user("bob");
    house.owner.invite(&room, bob.id());
    bob.say(&room, "!qq delete-portal");
    house.bot_says(&room, "Only the owner of the QQ account").await;
    house.owner.say(&control, "unbridge");
    house.bot_says(&control, "This room mirrors no QQ chat").await;
    house.qq.say(FAMILY_CHAT, "妈妈", "still here").unwrap();
    assert_eq!(house.sees(FAMILY, "still here").await.0, room);
}

/// The code with which the bot wants it confirmed that `count` rooms go.
async fn asked_to_confirm(house: &House, control: &str, count: usize) -> String {
    let asked = house.bot_says(control, &format!("{count} rooms would be emptied")).await;
    let (_, code) = asked.split_once("write `delete-all-portals ").expect("it says how to confirm");
    code.split_once('`').expect("a code").0.to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn all_rooms_go_once_that_is_confirmed_also_when_the_bridge_dies_at_it_and_the_end_is_told() {
    let changes = json!({ "bridge": { "personal_spaces": true } });
    let (mut house, control, family) = talking(&changes).await;
    house.owner.say(&control, "delete-all-portals");
    let for_one = asked_to_confirm(&house, &control, 1).await;
    house.qq.say("friend:王芳", "王芳", "hello").unwrap();
    let (friend, _) = house.shows("hello").await;
    house.owner_enters(&friend).await;
    let in_a_space = |world: &World, room: &str| {
        world.room_ids().iter().any(|space| !world.state(space, "m.space.child", room)["via"].is_null())
    };
    for room in [&family, &friend] {
        house.matrix.wait_until("a place in a space", |world| in_a_space(world, room)).await;
    }
    // What was confirmed is what was shown, and nothing else.
    house.owner.say(&control, &format!("delete-all-portals {for_one}"));
    house.bot_says(&control, &format!("{for_one} is not the code")).await;
    let code = asked_to_confirm(&house, &control, 2).await;
    assert!(house.bot_says(&control, "2 of the account 2769546520").await.contains(house.owner.id()));
    assert!(house.matrix.see(|world| is_bridge_in(world, &family) && is_bridge_in(world, &friend)));

    assert!(house.stop());
    house.start_to_die(Failpoint::RoomLeftByOne, 1);
    house.owner.say(&control, &format!("delete-all-portals {code}"));
    house.death().await;
    house.start();
    for room in [&family, &friend] {
        house.matrix.wait_until("nobody to be left", |world| world.members(room).is_empty()).await;
        house.matrix.wait_until("no place in a space", |world| !in_a_space(world, room)).await;
    }
    house.bot_says(&control, "The rooms that you wanted deleted are gone.").await;
    house.owner.say(&control, "delete-all-portals");
    house.bot_says(&control, "There are no rooms to delete").await;
    house.qq.say(FAMILY_CHAT, "妈妈", "again").unwrap();
    assert_ne!(house.sees(FAMILY, "again").await.0, family);
    assert_eq!(house.told(&control, "are being emptied"), 1);
    assert_eq!(house.told(&control, "that you wanted deleted are gone"), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn people_delete_their_own_rooms_and_an_administrator_everybodys_and_hears_of_one_that_stays() {
    let permissions = json!({ "hs.test": "user", "@admin:hs.test": "admin" });
    let (mut house, _, family) = talking(&json!({ "bridge": { "permissions": permissions } })).await;
    let (bob, admin) = (house.matrix.user("bob"), house.matrix.user("admin"));
    let bobs = bob.create_dm("@qqbot:hs.test");
    house.bot_says(&bobs, "control room").await;
    bob.say(&bobs, "delete-all-portals");
    house.bot_says(&bobs, "There are no rooms to delete").await;

    let office = admin.create_dm("@qqbot:hs.test");
    house.bot_says(&office, "control room").await;
    admin.say(&office, "delete-all-portals 2769546520");
    let code = asked_to_confirm(&house, &office, 1).await;
    bob.say(&bobs, &format!("delete-all-portals {code}"));
    house.is_told(&bobs, "There are no rooms to delete", 2).await;
    house.matrix.fail_next(Endpoint::Leave, 1, Fault::Refuse("M_UNKNOWN"));
    admin.say(&office, &format!("delete-all-portals {code}"));
    house.matrix.wait_until("the first refusal", World::are_faults_spent).await;
    assert!(house.stop());
    // The tries before the last have gone by.
    house.change_database("UPDATE job SET attempts = 5, due_at_ms = 0");
    house.matrix.fail_next(Endpoint::Leave, 1, Fault::Refuse("M_UNKNOWN"));
    house.start();
    house.bot_says(&office, &format!("could not be done in the room {family}")).await;
    house.bot_says(&office, "are gone, but for 1 that could not be emptied").await;
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
    house.bot_says(&old, "I cannot enter").await;
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
        let asked = house.told(&old, "I cannot enter");
        replace(&house, &old, &new);
        house.is_told(&old, "I cannot enter", asked + 1).await;
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
    house.bot_says(&old, "I cannot enter").await;
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
    replace(&house, &old, &new);
    house.bot_says(&old, "I cannot enter").await;
    house.matrix.fail_next(Endpoint::Join, 1, Fault::Refuse("M_UNKNOWN"));
    let_bot_in(&house, &new);
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
    house.change_database("UPDATE job SET due_at_ms = 0");
    house.start();
    house.bot_says(&new, "goes on with the chat").await;
    house.qq.say(FAMILY_CHAT, "妈妈", "here?").unwrap();
    assert_eq!(house.shows("here?").await.0, new);
    assert_eq!(house.told(&control, "I try again every hour"), 1);
}
