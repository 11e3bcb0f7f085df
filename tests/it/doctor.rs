//! `doctor` tries both directions and names the key that is wrong.

use std::process::{Command, Output};

use serde_json::{Value, json};
use sqlx::{Connection as _, PgConnection};

use crate::support::house::House;
use crate::support::postgres::{OwnDatabase, run};

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

#[tokio::test(flavor = "multi_thread")]
async fn a_registration_for_double_puppets_that_does_not_fit_is_shown() {
    let house = House::asleep().await;
    let with = |token: &str| json!({ "double_puppet": { "secrets": { "hs.test": format!("as_token:{token}") } } });
    let (config, registration) = (house.configure(&with("hunter2")), house.file("registration.yaml"));
    let bridge = || Command::new(env!("CARGO_BIN_EXE_matrix-webqq"));
    let made = bridge().arg("-g").arg("-c").arg(&config).arg("-r").arg(&registration).output().unwrap();
    assert!(made.status.success(), "{made:?}");
    let second = house.file("doublepuppet.yaml");
    let yaml = std::fs::read_to_string(&second).unwrap();
    let try_it = |token: &str| {
        let mut asked = Command::new(env!("CARGO_BIN_EXE_matrix-webqq"));
        let asked =
            asked.args(["doctor", "-c"]).arg(house.configure(&with(token))).arg("-r").arg(&registration).output();
        let said = String::from_utf8(asked.unwrap().stdout).unwrap();
        assert!(!said.contains("hunter2") && !said.contains("another-one"), "{said}");
        said
    };
    assert!(try_it("hunter2").contains(&format!("ok    registration {}", second.display())));
    assert!(try_it("another-one").contains("its as_token is another"));
    for (from, to, words) in [
        ("url: null", "url: http://127.0.0.1:9", "its url is not null"),
        ("exclusive: false", "exclusive: true", "it claims users for itself"),
        ("hs\\.test", "else\\.test", "do not hold the people of homeserver.domain"),
    ] {
        assert!(yaml.contains(from), "{from}: {yaml}");
        std::fs::write(&second, yaml.replace(from, to)).unwrap();
        let said = try_it("hunter2");
        assert!(said.contains("WRONG registration for double puppets") && said.contains(words), "{from}: {said}");
    }
}

/// Whom `scripts/lib/postgres.py` asks for a password.
const STRANGER: &str = "webqq_test_stranger";

fn on_postgres(url: &str) -> Value {
    json!({ "database": { "type": "postgres", "uri": url } })
}

/// `doctor` ends with `code` and says `words` of the database at `url`, and its password never.
fn expect(house: &House, url: &str, code: i32, words: [&str; 2]) {
    let (found, said) = doctor(house, &on_postgres(url));
    assert_eq!(found, Some(code), "{url}: {said}");
    assert!(words.iter().all(|words| said.contains(words)), "{url}: {said}");
    assert!(!said.contains("hunter2") && !said.contains("right-one"), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_is_wrong_with_a_postgres_server_is_told_with_what_to_do() {
    let Some(own) = OwnDatabase::create().await else { return };
    let house = House::asleep().await;
    let expect = |url: &str, code, words| expect(&house, url, code, words);
    let changed = |change: &dyn Fn(&mut url::Url)| {
        let mut url = url::Url::parse(&own.url).unwrap();
        change(&mut url);
        url.to_string()
    };
    let known_by = |name: &str, password: &str| {
        changed(&|url| {
            url.set_username(name).unwrap();
            url.set_password(Some(password)).unwrap();
        })
    };
    run(&own.url, &format!("DROP ROLE IF EXISTS {STRANGER}")).await;
    run(&own.url, &format!("CREATE ROLE {STRANGER} LOGIN PASSWORD 'right-one'")).await;
    run(&own.url, "CREATE DATABASE webqq_test_latin ENCODING 'LATIN1' LC_COLLATE 'C' LC_CTYPE 'C' TEMPLATE template0")
        .await;
    expect(&own.url, 0, ["ok    database.uri", ""]);
    expect(
        &changed(&|url| url.set_port(Some(9)).unwrap()),
        14,
        ["is the server running", "In a container localhost is"],
    );
    expect(&known_by("webqq_test_nobody", "hunter2"), 14, ["role \"webqq_test_nobody\"", "CREATE ROLE"]);
    expect(
        &known_by(STRANGER, "hunter2"),
        14,
        ["password authentication failed", "correct name and password in database.uri"],
    );
    expect(&known_by(STRANGER, "right-one"), 14, ["may make no tables there", "GRANT USAGE, CREATE ON SCHEMA public"]);
    expect(
        &changed(&|url| url.set_path("webqq_test_none")),
        14,
        ["does not exist", "CREATE DATABASE \"webqq_test_none\""],
    );
    expect(&changed(&|url| url.set_path("webqq_test_latin")), 14, ["encoding is LATIN1", "ENCODING 'UTF8'"]);
    let read_only = changed(&|url| url.set_query(Some("options=-c%20default_transaction_read_only%3Don")));
    expect(&read_only, 14, ["it is read only", "name the primary server"]);
    run(&own.url, "DROP DATABASE webqq_test_latin").await;
    run(&own.url, &format!("DROP ROLE {STRANGER}")).await;
    own.drop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_postgres_database_that_is_not_this_bridges_to_use_is_told_as_such() {
    let Some(own) = OwnDatabase::create().await else { return };
    let house = House::asleep().await;
    run(&own.url, "CREATE TABLE meta (name TEXT)").await;
    expect(&house, &own.url, 14, ["column \"value\" does not exist", "a database of its own"]);
    run(
        &own.url,
        "DROP TABLE meta; CREATE TABLE meta (key TEXT, value TEXT); INSERT INTO meta VALUES ('schema', '999')",
    )
    .await;
    expect(&house, &own.url, 14, ["the database has schema 999", "run the version of matrix-webqq that wrote it"]);
    run(&own.url, "DROP TABLE meta").await;
    let mut other = PgConnection::connect(&own.url).await.unwrap();
    let hold = "SELECT pg_advisory_lock(hashtext('matrix-webqq'), hashtext(current_schema()))";
    sqlx::raw_sql(hold).execute(&mut other).await.unwrap();
    expect(&house, &own.url, 14, ["in use by another matrix-webqq", "stop that one first"]);
    other.close().await.unwrap();
    own.drop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bridge_that_runs_on_its_postgres_server_is_not_in_its_own_way() {
    let Some(own) = OwnDatabase::create().await else { return };
    let house = House::configured(&on_postgres(&own.url)).await;
    house.control_room().await;
    let (code, said) = doctor(&house, &on_postgres(&own.url));
    assert_eq!(code, Some(0), "{said}");
    drop(house);
    own.drop().await;
}
