//! The rooms of an account lie in a space of their own, sorted as QQ sorts them; whatever changes there, and whenever the
//! bridge dies.

use matrix_webqq::base::failpoint::Failpoint;
use serde_json::{Value, json};

use super::{FAMILY, FAMILY_CHAT};
use crate::support::homeserver::{Endpoint, Fault, World};
use crate::support::house::House;

fn spacious() -> Value {
    json!({
        "network": { "webqq": { "list_refresh_ms": 1 } },
        "bridge": { "personal_spaces": true },
    })
}

/// The spaces called `name` that are not left.
pub(super) fn spaces(world: &World, name: &str) -> Vec<String> {
    let rooms = world.room_ids().into_iter();
    let is_space = |room: &String| world.state(room, "m.room.create", "")["type"] == "m.space";
    let is_called = |room: &String| world.state(room, "m.room.name", "")["name"] == name;
    rooms.filter(is_space).filter(is_called).filter(|room| !world.members(room).is_empty()).collect()
}

/// Whether `room` lies in the one space called `name`, and says so itself.
fn lies_in(world: &World, room: &str, name: &str) -> bool {
    let found = spaces(world, name);
    let [space] = found.as_slice() else { return false };
    let child = world.state(space, "m.space.child", room);
    let parent = world.state(room, "m.space.parent", space);
    child["via"] == json!(["hs.test"]) && parent["via"] == json!(["hs.test"])
}

const ALL: &str = "QQ 2769546520";

#[tokio::test(flavor = "multi_thread")]
async fn rooms_are_sorted_into_spaces_and_follow_what_is_changed_on_qq() {
    let house = House::configured(&spacious()).await;
    house.log_in().await;
    house.qq.say(FAMILY_CHAT, "妈妈", "hi").unwrap();
    let (family, _) = house.sees(FAMILY, "hi").await;
    house.qq.say("friend:王芳", "王芳", "hello").unwrap();
    let (fang, _) = house.shows("hello").await;
    house.qq.say("friend:Alice Chen", "Alice Chen", "hey").unwrap();
    let (alice, _) = house.shows("hey").await;
    house.qq.say("discussion:项目讨论", "老张", "开会").unwrap();
    let (talk, _) = house.shows("开会").await;
    for (room, space) in [(&family, "Groups"), (&fang, "同学"), (&alice, "同事"), (&talk, "Discussions")] {
        house.matrix.wait_until(space, |world| lies_in(world, room, space)).await;
        let sorted = |world: &World| spaces(world, space).first().is_some_and(|space| lies_in(world, space, ALL));
        house.matrix.wait_until("it to lie in the space of the account", sorted).await;
    }
    house.matrix.see(|world| {
        let space = &spaces(world, ALL)[0];
        assert_eq!(world.membership(space, house.owner.id()), "join");
        let order = |name: &str| world.state(space, "m.space.child", &spaces(world, name)[0])["order"].clone();
        assert!(order("同学").as_str() < order("Groups").as_str());
        assert!(order("Groups").as_str() < order("Discussions").as_str());
        assert!(spaces(world, "Friends").is_empty(), "nobody of that category has a room");
    });

    // A category gets another name: its space does, too.
    let before = house.matrix.see(|world| spaces(world, "同学")[0].clone());
    let renamed = house.qq.edit_world(|world| world.friends[0].category = Some("老同学".to_owned()));
    renamed.unwrap();
    house.qq.say("friend:王芳", "王芳", "two").unwrap();
    house.matrix.wait_until("the new name", |world| spaces(world, "老同学") == [before.clone()]).await;

    // A friend goes to another category, which leaves the old one empty.
    house.qq.edit_world(|world| world.friends[0].category = Some("同事".to_owned())).unwrap();
    house.qq.say("friend:王芳", "王芳", "three").unwrap();
    house.matrix.wait_until("the move", |world| lies_in(world, &fang, "同事")).await;
    house.matrix.wait_until("the end of an empty space", |world| spaces(world, "老同学").is_empty()).await;
    house.matrix.see(|world| {
        assert_eq!(world.membership(&before, house.owner.id()), "leave");
        assert_eq!(world.state(&fang, "m.space.parent", &before), json!({}));
        assert_eq!(world.state(&spaces(world, ALL)[0], "m.space.child", &before), json!({}));
    });

    // A group ends: its room stays, but lies nowhere.
    house.qq.edit_world(|world| drop(world.groups.remove(1))).unwrap();
    house.qq.say("friend:王芳", "王芳", "four").unwrap();
    house.matrix.wait_until("the groups to be none", |world| spaces(world, "Groups").is_empty()).await;
    assert!(house.matrix.see(|world| !world.members(&family).is_empty()));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_space_is_made_once_whenever_the_bridge_dies_and_whatever_the_homeserver_answers() {
    let mut house = House::configured(&spacious()).await;
    house.log_in().await;
    assert!(house.stop());
    house.start_to_die(Failpoint::SpaceMade, 1);
    house.qq.say(FAMILY_CHAT, "妈妈", "hi").unwrap();
    assert!(!house.death().await.success());
    house.start_to_die(Failpoint::SpaceMade, 2);
    assert!(!house.death().await.success());
    house.start();
    let (family, _) = house.sees(FAMILY, "hi").await;
    house.matrix.wait_until("the room in its space", |world| lies_in(world, &family, "Groups")).await;

    // An answer that is lost, and one that never comes to anything.
    house.matrix.fail_next(Endpoint::CreateRoom, 2, Fault::Drop);
    house.qq.say("friend:王芳", "王芳", "hello").unwrap();
    let (fang, _) = house.shows("hello").await;
    house.matrix.wait_until("the friend in a space", |world| lies_in(world, &fang, "同学")).await;
    house.matrix.fail_next(Endpoint::SetState, 3, Fault::Status(502));
    house.qq.say("friend:Alice Chen", "Alice Chen", "hey").unwrap();
    let (alice, _) = house.shows("hey").await;
    house.matrix.wait_until("another in a space", |world| lies_in(world, &alice, "同事")).await;
    house.matrix.see(|world| {
        for name in [ALL, "Groups", "同学", "同事"] {
            assert_eq!(spaces(world, name).len(), 1, "{name}");
        }
        assert!(world.are_faults_spent());
    });

    // A restart changes nothing.
    let written = house.matrix.see(|world| (world.room_ids().len(), world.asked(Endpoint::SetState)));
    assert!(house.stop());
    house.start();
    house.qq.say("friend:王芳", "王芳", "still there?").unwrap();
    house.shows("still there?").await;
    assert!(house.stop());
    assert_eq!(house.matrix.see(|world| (world.room_ids().len(), world.asked(Endpoint::SetState))), written);
}
