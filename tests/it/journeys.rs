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
mod watch;

use serde_json::Value;

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
