//! What is around the bridge fails: the homeserver, QQ, the disk, the database. Afterwards nothing is missing.

use std::process::Command;
use std::time::Duration;

use matrix_webqq::sim::{Fault, Trouble, World};
use serde_json::{Value, json};

use super::{FAMILY, FAMILY_CHAT, first_words};
use crate::support::homeserver::{Endpoint, Fault as MatrixFault, World as Matrix};
use crate::support::house::House;

const WANG: &str = "friend:王芳";
const HOUR_MS: u64 = 60 * 60 * 1000;

/// A house in which somebody spoke in the family's group; its control room and the room of the group.
async fn talking(changes: &Value) -> (House, String, String) {
    let mut world = World::example().expect("the example world is good");
    // poll2 has no acknowledgement: whatever is in the air at a kill would be gone, as the promise says.
    world.options.repeat_after_hangup = true;
    let house = House::with(world, changes).await;
    let (control, room) = first_words(&house, "start").await;
    (house, control, room)
}

/// Says the last words in the group, and gives all that ghosts said there.
async fn heard_in_the_end(house: &House, room: &str) -> Vec<String> {
    house.qq.say(FAMILY_CHAT, "妈妈", "end").unwrap();
    house.sees(FAMILY, "end").await;
    house.said_by_ghosts(room)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_room_that_has_to_wait_an_hour_holds_up_no_other_and_a_start_asks_again() {
    let (mut house, control, room) = talking(&json!({})).await;
    house.matrix.fail_next(Endpoint::Send, 1, MatrixFault::Limit(HOUR_MS));
    house.qq.say(FAMILY_CHAT, "妈妈", "limited").unwrap();
    house.matrix.wait_until("the limit", Matrix::are_faults_spent).await;
    house.qq.say(FAMILY_CHAT, "妈妈", "behind it").unwrap();
    house.qq.say(WANG, "王芳", "elsewhere").unwrap();
    house.shows("elsewhere").await;
    house.owner.say(&control, "queue");
    house.bot_says(&control, "→ Matrix").await;
    assert_eq!(house.said_by_ghosts(&room), ["start"]);
    house.kill().await;
    house.start();
    assert_eq!(heard_in_the_end(&house, &room).await, ["start", "limited", "behind it", "end"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_homeserver_pushes_again_after_its_own_restore_is_said_once() {
    let (mut house, _, room) = talking(&json!({})).await;
    let first = house.owner.say(&room, "one");
    house.qq.wait_heard(|heard| heard.len() == 1).await;
    house.matrix.restart_transaction_ids();
    house.matrix.push_again(&first);
    house.owner.say(&room, "two");
    house.qq.wait_heard(|heard| heard.len() == 2).await;
    house.kill().await;
    house.matrix.push_again(&first);
    house.start();
    house.owner.say(&room, "three");
    house.qq.wait_heard(|heard| heard.len() >= 3).await;
    house.matrix.all_is_pushed().await;
    assert_eq!(house.heard_in(FAMILY_CHAT), ["one", "two", "three"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn bad_gateways_of_both_neighbours_end_nothing() {
    let (house, control, room) = talking(&json!({})).await;
    house.qq.fault(Fault::new("poll2", Trouble::Http(502)).times(2));
    house.qq.fault(Fault::new("poll2", Trouble::Http(504)));
    house.matrix.fail_next(Endpoint::Send, 2, MatrixFault::Status(502));
    house.qq.say(FAMILY_CHAT, "妈妈", "through it").unwrap();
    house.sees(FAMILY, "through it").await;
    house.owner.say(&room, "and back");
    house.qq.wait_heard(|heard| heard.len() == 1).await;
    assert_eq!(heard_in_the_end(&house, &room).await, ["start", "through it", "end"]);
    assert_eq!(house.told(&control, "has ended"), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_storm_of_lost_links_ends_in_one_notice_and_everything_goes_on_after_the_login() {
    let (house, control, room) = talking(&json!({})).await;
    house.qq.fault(Fault::new("poll2", Trouble::Body(r#"{"retcode":121,"t":"0"}"#.to_owned())).times(1000));
    house.qq.say(FAMILY_CHAT, "妈妈", "in the storm").unwrap();
    house.bot_says(&control, "Messages wait here").await;
    house.owner.say(&room, "from the other side");
    house.matrix.all_is_pushed().await;
    house.qq.clear_faults();
    house.log_in_from(&control).await;
    house.sees(FAMILY, "in the storm").await;
    house.qq.wait_heard(|heard| heard.len() == 1).await;
    assert_eq!(heard_in_the_end(&house, &room).await, ["start", "in the storm", "end"]);
    assert_eq!(house.heard_in(FAMILY_CHAT), ["from the other side"]);
    assert_eq!(house.told(&control, "Messages wait here"), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_that_a_kick_catches_on_its_way_is_said_once_after_the_next_login() {
    let (house, control, room) = talking(&json!({ "bridge": { "resend_uncertain": true } })).await;
    house.qq.fault(Fault::new("send_qun_msg2", Trouble::Drop));
    house.owner.say(&room, "on its way");
    house.qq.wait_heard(|heard| heard.len() == 1).await;
    house.owner.say(&room, "behind it");
    house.qq.kick("您的帐号在另一地点登录").unwrap();
    house.bot_says(&control, "Messages wait here").await;
    house.log_in_from(&control).await;
    house.qq.wait_heard(|heard| heard.len() >= 2).await;
    assert_eq!(heard_in_the_end(&house, &room).await, ["start", "end"]);
    assert_eq!(house.heard_in(FAMILY_CHAT), ["on its way", "behind it"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_echo_behind_a_long_queue_at_qq_is_waited_for_before_anything_is_said_again() {
    let (house, _, room) = talking(&json!({ "bridge": { "resend_uncertain": true } })).await;
    house.qq.change_rules([("events_per_poll".to_owned(), 1.into())].into_iter().collect()).unwrap();
    let queue: Vec<String> = (0..100).map(|number| format!("in the queue {number}")).collect();
    house.qq.fault(Fault::new("poll2", Trouble::Delay(Duration::from_millis(20))).times(100));
    for words in &queue {
        house.qq.say(FAMILY_CHAT, "妈妈", words).unwrap();
    }
    // QQ takes it; its answer is lost, and what it shows of it comes after all that.
    house.qq.fault(Fault::new("send_qun_msg2", Trouble::Drop));
    house.owner.say(&room, "on its way");
    house.qq.wait_heard(|heard| heard.len() == 1).await;
    house.sees(FAMILY, queue.last().unwrap()).await;
    house.owner.say(&room, "behind it");
    house.qq.wait_heard(|heard| heard.len() >= 2).await;
    let expected: Vec<&str> = ["start"].into_iter().chain(queue.iter().map(String::as_str)).chain(["end"]).collect();
    assert_eq!(heard_in_the_end(&house, &room).await, expected);
    assert_eq!(house.heard_in(FAMILY_CHAT), ["on its way", "behind it"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_doubtful_answer_to_what_qq_took_is_settled_by_the_echo_and_told_to_nobody() {
    let (house, _, room) = talking(&json!({})).await;
    house.qq.fault(Fault::new("send_qun_msg2", Trouble::Retcode(1202)).delivering());
    house.owner.say(&room, "taken");
    house.owner.say(&room, "next");
    house.qq.wait_heard(|heard| heard.len() == 2).await;
    assert_eq!(heard_in_the_end(&house, &room).await, ["start", "end"]);
    assert_eq!(house.heard_in(FAMILY_CHAT), ["taken", "next"]);
    assert_eq!(house.told(&room, "may not have been delivered"), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_disk_is_not_acknowledged_and_a_disk_with_room_again_gets_everything() {
    let (mut house, _, room) = talking(&json!({ "logging": { "min_level": "error" } })).await;
    house.kill().await;
    // Files may not grow beyond what the database takes already: it is as if the disk were full.
    house.start_with_little_disk();
    let words = "x".repeat(400);
    for number in 0..600 {
        house.owner.say(&room, &format!("up {number} {words}"));
        house.qq.say(FAMILY_CHAT, "妈妈", &format!("down {number} {words}")).unwrap();
    }
    house.matrix.wait_until("a transaction to be refused", |world| world.refused_pushes() > 2).await;
    house.kill().await;
    house.start();
    house.qq.wait_heard(|heard| heard.len() >= 600).await;
    let said = heard_in_the_end(&house, &room).await;
    let numbered = |way: &str| (0..600).map(|number| format!("{way} {number} {words}")).collect::<Vec<_>>();
    assert_eq!(said[1..=600], numbered("down"));
    assert_eq!((said.len(), house.heard_in(FAMILY_CHAT)), (602, numbered("up")));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_another_program_holds_is_waited_for() {
    let (house, _, room) = talking(&json!({})).await;
    let other = house.database();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    house.owner.say(&room, "up");
    house.qq.say(FAMILY_CHAT, "妈妈", "down").unwrap();
    // The homeserver gives up on the first try and pushes again; QQ's batch is kept in memory meanwhile.
    house.matrix.wait_until("a transaction to be refused", |world| world.refused_pushes() > 0).await;
    other.execute_batch("ROLLBACK").unwrap();
    house.sees(FAMILY, "down").await;
    house.qq.wait_heard(|heard| heard.len() == 1).await;
    assert_eq!(heard_in_the_end(&house, &room).await, ["start", "down", "end"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_start_waits_for_a_database_that_another_program_holds() {
    let (mut house, _, room) = talking(&json!({})).await;
    house.kill().await;
    house.matrix.go_down().await;
    house.start();
    house.logs("the homeserver does not answer yet").await;
    let other = house.database();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    house.matrix.come_back().await;
    house.logs("the start waits").await;
    other.execute_batch("ROLLBACK").unwrap();
    house.qq.say(FAMILY_CHAT, "妈妈", "down").unwrap();
    house.sees(FAMILY, "down").await;
    assert_eq!(heard_in_the_end(&house, &room).await, ["start", "down", "end"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_that_the_database_kept_from_being_taken_up_is_taken_up_later() {
    let (mut house, _, room) = talking(&json!({})).await;
    house.kill().await;
    house.qq.fault(Fault::new("get_online_buddies2", Trouble::Http(502)).times(5));
    house.start();
    house.logs("cannot be taken up yet").await;
    let other = house.database();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    house.logs("taken up yet; trying again account=2769546520 error=the database is not available").await;
    other.execute_batch("ROLLBACK").unwrap();
    assert_eq!(heard_in_the_end(&house, &room).await, ["start", "end"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_bridge_on_the_same_database_refuses_with_the_reason_and_disturbs_nothing() {
    let (house, _, room) = talking(&json!({})).await;
    let program = env!("CARGO_BIN_EXE_matrix-webqq");
    let second = Command::new(program).args(["-n", "-c"]).arg(house.twin()).output().expect("it runs");
    assert!(!second.status.success());
    let why = String::from_utf8_lossy(&second.stderr);
    assert!(why.contains("in use by another matrix-webqq"), "{why}");
    assert_eq!(heard_in_the_end(&house, &room).await, ["start", "end"]);
}
