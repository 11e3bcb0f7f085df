//! Kills, restarts and outages in the middle of a conversation: all of it arrives once and in order, both ways.

use std::collections::BTreeMap;

use matrix_webqq::sim::{Fault, Trouble, World};
use serde_json::json;

use super::{FAMILY, FAMILY_CHAT};
use crate::support::homeserver::{Endpoint, Fault as MatrixFault};
use crate::support::house::House;
use crate::support::postgres::OwnDatabase;

const ROOMS: usize = 5;
const EACH_WAY: usize = 100;

fn five_groups() -> World {
    let mut world = World::example().expect("the example world is good");
    let family = world.groups[1].clone();
    world.groups = (0..ROOMS)
        .map(|number| {
            let mut group = family.clone();
            group.name = format!("group {number}");
            group
        })
        .collect();
    // poll2 has no acknowledgement: whatever is in the air at a kill would be gone, as the promise says.
    world.options.repeat_after_hangup = true;
    world
}

/// What happens in between: each to be called at its turn.
async fn trouble(house: &mut House, turn: usize) {
    match turn % 10 {
        1 => {
            house.kill().await;
            house.start();
        }
        2 => {
            house.matrix.go_down().await;
            house.matrix.forget_txn_ids();
            house.matrix.come_back().await;
        }
        3 => house.qq.fault(Fault::new("poll2", Trouble::Drop)),
        4 => house.matrix.fail_next(Endpoint::Send, 2, MatrixFault::Drop),
        5 => {
            house.matrix.fail_next(Endpoint::Send, 1, MatrixFault::Drop);
            house.kill().await;
            house.matrix.forget_txn_ids();
            house.start();
        }
        6 => house.qq.fault(Fault::new("send_qun_msg2", Trouble::Drop)),
        7 => {
            house.matrix.restart_transaction_ids();
            house.stop();
            house.start();
        }
        8 => house.qq.fault(Fault::new("send_qun_msg2", Trouble::DropBefore)),
        9 => {
            house.kill().await;
            house.matrix.go_down().await;
            house.start();
            house.matrix.come_back().await;
        }
        _ => {}
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn two_hundred_messages_survive_kills_restarts_and_outages() {
    let house = House::with(five_groups(), &json!({ "bridge": { "resend_uncertain": true } })).await;
    survive(house).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_hundred_messages_survive_kills_restarts_and_outages_on_postgres() {
    let Some(own) = OwnDatabase::create().await else { return };
    let database = json!({ "type": "postgres", "uri": own.url });
    let changes = json!({ "bridge": { "resend_uncertain": true }, "database": database });
    survive(House::with(five_groups(), &changes).await).await;
    own.drop().await;
}

async fn survive(mut house: House) {
    house.log_in().await;
    let mut rooms = BTreeMap::new();
    for number in 0..ROOMS {
        let name = format!("group {number}");
        house.qq.say(&format!("group:{name}"), "妈妈", "hello").unwrap();
        let (room, _) = house.sees(&name, "hello").await;
        house.owner_enters(&room).await;
        rooms.insert(number, room);
    }

    for turn in 0..EACH_WAY {
        let number = turn % ROOMS;
        house.qq.say(&format!("group:group {number}"), "爸爸", &format!("down {turn}")).unwrap();
        house.owner.say(&rooms[&number], &format!("up {turn}"));
        if turn % 5 == 4 {
            trouble(&mut house, turn / 5).await;
        }
    }

    let of_room = |number: usize, way: &str| -> Vec<String> {
        (number..EACH_WAY).step_by(ROOMS).map(|turn| format!("{way} {turn}")).collect()
    };
    let heard = house.qq.wait_heard(|heard| heard.len() >= EACH_WAY).await;
    for (number, room) in &rooms {
        let last = format!("down {}", EACH_WAY - ROOMS + number);
        house.sees(&format!("group {number}"), &last).await;
        let arrived: Vec<String> = house.said_by_ghosts(room).into_iter().filter(|text| text != "hello").collect();
        assert_eq!(arrived, of_room(*number, "down"));
        let chat = format!("group:group {number}");
        let sent: Vec<String> = heard.iter().filter(|h| h.chat == chat).map(|h| h.text.clone()).collect();
        assert_eq!(sent, of_room(*number, "up"));
    }
    house.stop();
    assert_eq!(house.qq.heard(0).len(), EACH_WAY, "nothing more came after all had arrived");
    assert_eq!(house.matrix.rooms().len(), ROOMS + 1, "no orphan rooms");
    assert_eq!(house.qq.session().logins, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_room_that_was_made_without_our_hearing_of_it_is_found_again() {
    let house = House::new().await;
    house.log_in().await;
    house.matrix.fail_next(Endpoint::CreateRoom, 1, MatrixFault::Drop);
    house.qq.say(FAMILY_CHAT, "妈妈", "hi").unwrap();
    house.sees(FAMILY, "hi").await;
    let family = |room: &String| house.matrix.see(|world| world.state(room, "m.room.name", "")["name"] == FAMILY);
    assert_eq!(house.matrix.rooms().iter().filter(|room| family(room)).count(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_uncertain_send_that_qq_took_is_recognised_by_its_echo() {
    let house = House::new().await;
    house.log_in().await;
    house.qq.say(FAMILY_CHAT, "妈妈", "hi").unwrap();
    let (room, _) = house.sees(FAMILY, "hi").await;
    house.qq.fault(Fault::new("send_qun_msg2", Trouble::Drop));
    house.owner.say(&room, "took it");
    house.owner.say(&room, "next");
    let heard = house.qq.wait_heard(|heard| heard.len() == 2).await;
    assert_eq!(heard.iter().map(|h| h.text.as_str()).collect::<Vec<_>>(), ["took it", "next"]);
    assert_eq!(house.said_by_ghosts(&room), ["hi"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_uncertain_send_without_an_echo_is_told_to_its_sender() {
    let house = House::new().await;
    house.log_in().await;
    house.qq.say(FAMILY_CHAT, "妈妈", "hi").unwrap();
    let (room, _) = house.sees(FAMILY, "hi").await;
    house.qq.fault(Fault::new("send_qun_msg2", Trouble::Retcode(1202)));
    house.owner.say(&room, "hm");
    // A poll has to end well before silence means anything.
    house.qq.say(FAMILY_CHAT, "妈妈", "there?").unwrap();
    let sees = house.sees(FAMILY, "there?");
    sees.await;
    house.qq.say(FAMILY_CHAT, "妈妈", "hello?").unwrap();
    house.bot_says(&room, "may not have been delivered").await;
    assert_eq!(house.heard_in(FAMILY_CHAT), [""; 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_homeserver_that_is_away_misses_nothing() {
    let house = House::new().await;
    house.log_in().await;
    house.qq.say(FAMILY_CHAT, "妈妈", "before").unwrap();
    let (room, _) = house.sees(FAMILY, "before").await;
    house.matrix.go_down().await;
    for number in 0..50 {
        house.qq.say(FAMILY_CHAT, "妈妈", &format!("{number}")).unwrap();
    }
    house.qq.wait_session(|session| session.queued == 0).await;
    house.matrix.come_back().await;
    house.sees(FAMILY, "49").await;
    let expected: Vec<String> = std::iter::once("before".to_owned()).chain((0..50).map(|n| n.to_string())).collect();
    assert_eq!(house.said_by_ghosts(&room), expected);
}
