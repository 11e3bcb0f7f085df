//! `doctor` tries both directions and names the key that is wrong.

use std::process::{Command, Output};

use serde_json::{Value, json};

use crate::support::house::House;

/// What `doctor` prints and how it ends, with `changes` to a configuration that is right.
fn doctor(house: &House, changes: &Value) -> (Option<i32>, String) {
    let config = house.configure(changes);
    let Output { status, stdout, stderr } =
        Command::new(env!("CARGO_BIN_EXE_matrix-webqq")).args(["doctor", "-c"]).arg(config).output().unwrap();
    let said = [stdout, stderr].map(|text| String::from_utf8(text).unwrap()).concat();
    assert!(!said.contains("token-of-tests"), "{said}");
    (status.code(), said)
}

#[tokio::test(flavor = "multi_thread")]
async fn everything_that_is_right_is_said_to_be() {
    let house = House::asleep().await;
    let (code, said) = doctor(&house, &json!({}));
    assert_eq!(code, Some(0), "{said}");
    assert_eq!(said.matches("ok    ").count(), 6, "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn it_works_beside_a_bridge_that_runs() {
    let house = House::new().await;
    house.control_room().await;
    let (code, said) = doctor(&house, &json!({}));
    assert_eq!(code, Some(0), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn each_wrong_key_is_named_with_an_exit_code_of_its_own() {
    let house = House::asleep().await;
    let cases = [
        (json!({ "appservice": { "as_token": "another" } }), 16, "WRONG appservice.as_token"),
        (json!({ "appservice": { "hs_token": "another" } }), 13, "appservice.hs_token: make it the same"),
        (json!({ "appservice": { "id": "another" } }), 17, "appservice.id: make it the same"),
        (
            json!({ "homeserver": { "address": "http://127.0.0.1:9" } }),
            25,
            "WRONG homeserver.address http://127.0.0.1:9",
        ),
        (json!({ "network": { "webqq": { "server": "http://127.0.0.1:9" } } }), 1, "WRONG network.webqq.server"),
        (json!({ "database": { "uri": "file:/nowhere/at/all.db" } }), 14, "there is no folder /nowhere/at"),
    ];
    for (changes, code, words) in cases {
        let (found, said) = doctor(&house, &changes);
        assert_eq!(found, Some(code), "{changes}: {said}");
        assert!(said.contains(words), "{changes}: {said}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_homeserver_of_another_name_is_told_apart() {
    let house = House::asleep().await;
    let permissions = json!({ "other.test": "user" });
    let changes = json!({ "homeserver": { "domain": "other.test" }, "bridge": { "permissions": permissions } });
    let (code, said) = doctor(&house, &changes);
    assert_eq!(code, Some(17), "{said}");
    assert!(said.contains("the homeserver calls itself hs.test"), "{said}");
}
