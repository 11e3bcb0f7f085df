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
    assert_eq!(said.matches("ok    ").count(), 7, "{said}");
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
        (json!({ "database": { "uri": format!("file:{}", house.file("").display()) } }), 14, "it cannot be written to"),
        (json!({ "homeserver": { "address": "http://localhost:9" } }), 25, "In a container localhost is the container"),
        (json!({ "bridge": { "permissions": { "example.com": "user" } } }), 11, "is the example"),
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

#[tokio::test(flavor = "multi_thread")]
async fn a_port_that_something_else_has_is_told_apart_from_a_bridge_that_runs() {
    let house = House::asleep().await;
    let other = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    // Whoever connects is hung up on.
    let port = other.local_addr().unwrap().port();
    std::thread::spawn(move || other.incoming().for_each(drop));
    let (code, said) = doctor(&house, &json!({ "appservice": { "port": port } }));
    assert_eq!(code, Some(23), "{said}");
    assert!(said.contains("something else than this bridge listens there"), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_registration_that_is_older_than_the_configuration_is_shown_with_what_differs() {
    let house = House::asleep().await;
    let (config, registration) = (house.configure(&json!({})), house.file("registration.yaml"));
    let bridge = || Command::new(env!("CARGO_BIN_EXE_matrix-webqq"));
    let made = bridge().arg("-g").arg("-c").arg(&config).arg("-r").arg(&registration).output().unwrap();
    assert!(made.status.success(), "{made:?}");
    let try_it = |changes: &Value| {
        let asked = bridge().args(["doctor", "-c"]).arg(house.configure(changes)).arg("-r").arg(&registration).output();
        String::from_utf8(asked.unwrap().stdout).unwrap()
    };
    assert!(try_it(&json!({})).contains("ok    registration "));
    let said = try_it(&json!({ "appservice": { "address": "http://elsewhere:29355" } }));
    assert!(said.contains("WRONG registration ") && said.contains("url") && said.contains("matrix-webqq -g"), "{said}");
}
