//! The end of rooms, also when the bridge dies in the middle of it.

use matrix_webqq::base::failpoint::Failpoint;
use serde_json::json;

use super::{FAMILY, FAMILY_CHAT, family_rooms, is_bridge_in, talking};
use crate::support::homeserver::{Endpoint, Fault, World};
use crate::support::house::House;

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
