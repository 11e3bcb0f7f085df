//! How the bridge stops: what has left is waited for, and nobody has to wait for it.

use std::fs;
use std::os::unix::process::ExitStatusExt as _;
use std::time::Duration;

use matrix_webqq::sim::{Fault, Trouble};
use serde_json::{Value, json};

use super::{FAMILY, FAMILY_CHAT, talking};

#[tokio::test(flavor = "multi_thread")]
async fn told_to_stop_it_waits_for_the_answer_to_what_has_left_and_leaves_nothing_half_sent() {
    let (mut house, _, room) = talking(&json!({})).await;
    house.qq.fault(Fault::new("send_qun_msg2", Trouble::Delay(Duration::from_secs(1))));
    house.owner.say(&room, "on its way");
    house.qq.wait_session(|session| session.calls.get("send_qun_msg2").is_some_and(|calls| *calls > 0)).await;
    assert!(house.stop(), "it ends well");
    assert_eq!(house.heard_in(FAMILY_CHAT), ["on its way"]);
    let rows = "SELECT COUNT(*) FROM outbox WHERE state <> 'sent'";
    let unsent: i64 = house.database().query_row(rows, [], |row| row.get(0)).unwrap();
    assert_eq!(unsent, 0, "nothing is in doubt");
}

#[tokio::test(flavor = "multi_thread")]
async fn told_twice_it_does_not_wait() {
    let (mut house, _, room) = talking(&json!({})).await;
    house.qq.fault(Fault::new("send_qun_msg2", Trouble::Delay(Duration::from_hours(1))));
    house.owner.say(&room, "on its way");
    house.qq.wait_session(|session| session.calls.get("send_qun_msg2").is_some_and(|calls| *calls > 0)).await;
    house.ask_to_stop();
    house.logs("stopping").await;
    house.ask_to_stop();
    let status = house.death().await;
    assert_eq!((status.code(), status.signal()), (Some(0), None));
    assert!(house.log().contains("told twice"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_log_file_has_a_json_object_in_every_line_beside_text_for_people() {
    let (mut house, _, _) = talking(&json!({})).await;
    house.stop();
    let path = house.file("bridge.json");
    house.configure(&json!({ "logging": { "file": { "path": path } } }));
    house.start();
    house.qq.say(FAMILY_CHAT, "妈妈", "later").unwrap();
    house.sees(FAMILY, "later").await;
    house.stop();
    let text = fs::read_to_string(&path).unwrap();
    let lines: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).expect(line)).collect();
    assert!(lines.iter().any(|line| line["fields"]["message"] == "the bridge is running"), "{text}");
    assert!(house.log().contains(" INFO ") && house.log().contains("the bridge is running"));
}
