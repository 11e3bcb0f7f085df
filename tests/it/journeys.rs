//! Whole journeys through the real binary, as scenes.

mod attachments;
mod audit;
mod chat;
mod commands;
mod contacts;
mod content;
mod crash;
mod events;
mod existing;
mod files;
mod filter;
mod identity;
mod login;
mod markup;
mod meeting;
mod odd;
mod outages;
mod page;
mod password;
mod people;
mod pictures;
mod portals;
mod power;
mod provisioning;
mod puppet;
mod queue;
mod relay;
mod rooms;
mod secrecy;
mod sending;
mod spaces;
mod status;
mod stopping;
mod sync;
mod time;
mod twins;
mod upgrades;
mod watch;

use serde_json::Value;

use crate::support::homeserver::World;
use crate::support::house::House;

const FAMILY: &str = "相亲相爱一家人";
const FAMILY_CHAT: &str = "group:相亲相爱一家人";

/// A house with a control room and a family room.
async fn talking(changes: &Value) -> (House, String, String) {
    let house = House::configured(changes).await;
    let (control, room) = first_words(&house, "hi").await;
    (house, control, room)
}

/// Logs the owner in and lets somebody say `words` in the family's group: the control room, and the room of the group, in
/// which the owner is.
async fn first_words(house: &House, words: &str) -> (String, String) {
    let control = house.log_in().await;
    house.qq.say(FAMILY_CHAT, "妈妈", words).unwrap();
    let (room, _) = house.sees(FAMILY, words).await;
    house.owner_enters(&room).await;
    (control, room)
}

/// Whether any user of the bridge is in `room`.
fn is_bridge_in(world: &World, room: &str) -> bool {
    world.members(room).iter().any(|user| world.is_bridged(user))
}

/// How many rooms of the family there are.
fn family_rooms(house: &House) -> usize {
    let is_family = |world: &World, room: &String| world.state(room, "m.room.name", "")["name"] == FAMILY;
    house.matrix.see(|world| world.room_ids().iter().filter(|room| is_family(world, room)).count())
}
