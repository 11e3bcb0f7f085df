//! What whoever runs the bridge sees of it from outside: what is counted, whether it is well, and never who or what.

use matrix_webqq::base::metrics::FAMILIES;
use matrix_webqq::sim::{Fault, Trouble};
use serde_json::{Value, json};

use super::{FAMILY, FAMILY_CHAT, talking};
use crate::support::house::House;
use crate::support::port::Port;

/// What the bridge answers at `path`: status, and text.
async fn get(address: &str, path: &str) -> (u16, String) {
    let answer = reqwest::get(format!("{address}{path}")).await.expect("it answers");
    (answer.status().as_u16(), answer.text().await.expect("a text"))
}

/// The number of the sample `name` with its labels.
fn sample(page: &str, name: &str) -> u64 {
    let mut lines = page.lines().filter_map(|line| line.rsplit_once(' '));
    let found = lines.find(|(sample, _)| *sample == name);
    found.unwrap_or_else(|| panic!("{name} is not in\n{page}")).1.parse().expect("a number")
}

/// Fails when something in `text` says whose it is.
fn names_nobody(house: &House, text: &str) {
    let account = house.qq.world().account;
    for secret in
        [account.number.to_string(), account.nick, "alice".to_owned(), FAMILY.to_owned(), "as-token".to_owned()]
    {
        assert!(!text.contains(&secret), "{secret} is in\n{text}");
    }
}

/// Asks for `/health` until it gives all of `codes` as reasons, or none where there are none; its last answer.
async fn is_ill(house: &House, codes: &[&str]) -> Value {
    loop {
        let (status, text) = get(&house.bridge_address(), "/health").await;
        let health: Value = serde_json::from_str(&text).expect("JSON");
        names_nobody(house, &text);
        let reasons = health["reasons"].as_array().expect("reasons");
        assert_eq!(status == 200, reasons.is_empty(), "{text}");
        let has_all = codes.iter().all(|code| reasons.iter().any(|reason| reason["code"] == *code));
        if has_all && reasons.is_empty() == codes.is_empty() {
            return health;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn metrics_count_what_goes_through_and_name_nobody() {
    let (house, _, room) = talking(&json!({ "metrics": { "enabled": true } })).await;
    house.owner.say(&room, "hello");
    house.qq.wait_heard(|heard| heard.len() == 1).await;
    house.qq.fault(Fault::new("send_qun_msg2", Trouble::Retcode(100_006)));
    house.owner.say(&room, "refused");
    house.bot_says(&room, "was not delivered to QQ").await;
    house.qq.say(FAMILY_CHAT, "妈妈", "last").unwrap();
    house.sees(FAMILY, "last").await;
    let (status, page) = get(&house.bridge_address(), "/metrics").await;
    assert_eq!(status, 200);
    names_nobody(&house, &page);
    let to_qq = |what: &str| sample(&page, &format!("matrix_webqq_{what}{{direction=\"to_qq\"}}"));
    assert_eq!((to_qq("bridged_total"), to_qq("failed_total")), (1, 1));
    assert!(to_qq("received_total") >= 3, "two messages and the invitation of the bot");
    assert!(sample(&page, "matrix_webqq_received_total{direction=\"to_matrix\"}") >= 2);
    assert_eq!(sample(&page, "matrix_webqq_queue_depth{direction=\"to_qq\",state=\"dead\"}"), 1);
    assert_eq!(sample(&page, "matrix_webqq_logins{state=\"connected\"}"), 1);
    assert_eq!(sample(&page, "matrix_webqq_login_up{login=\"1\"}"), 1);
    let ok = "matrix_webqq_qq_request_seconds_count{endpoint=\"send_qun_msg2\",outcome=\"ok\"}";
    assert_eq!(sample(&page, ok), 2, "QQ answered both");
    assert!(sample(&page, "matrix_webqq_homeserver_request_seconds_count{endpoint=\"send\",outcome=\"ok\"}") > 2);
    assert!(sample(&page, "matrix_webqq_store_commits_total") > 5);
    assert_eq!(sample(&page, "matrix_webqq_ledger{direction=\"to_qq\",state=\"lost\"}"), 0);
    for family in FAMILIES {
        assert!(page.contains(&format!("# TYPE {} ", family.name)), "{} is not shown", family.name);
    }
    let known = |line: &str| FAMILIES.iter().any(|family| line.starts_with(family.name));
    assert!(page.lines().filter(|line| !line.starts_with('#')).all(known), "{page}");
}

#[tokio::test(flavor = "multi_thread")]
async fn metrics_are_off_unless_wanted_and_can_have_a_port_of_their_own() {
    let mut house = House::new().await;
    let room = house.control_room().await;
    assert_eq!(get(&house.bridge_address(), "/metrics").await.0, 404);
    house.stop();
    let own = Port::reserve();
    house.configure(&json!({ "metrics": { "enabled": true, "listen": own.address.to_string() } }));
    house.start();
    let before = house.told(&room, "login");
    house.owner.say(&room, "help");
    house.is_told(&room, "login", before + 1).await;
    assert_eq!(get(&house.bridge_address(), "/metrics").await.0, 404);
    let address = format!("http://{}", own.address);
    assert_eq!(get(&address, "/metrics").await.0, 200);
    assert_eq!(get(&address, "/health").await.0, 200);
    assert_eq!(get(&address, "/_matrix/app/v1/transactions/1").await.0, 404, "nothing else is there");
}

#[tokio::test(flavor = "multi_thread")]
async fn health_is_degraded_with_reasons_by_what_gets_through_and_names_nobody() {
    // Whatever is older than no time at all is too old.
    let strict = json!({
        "health": { "poll_age_s": 0, "queue_age_s": 0 },
        "network": { "webqq": { "send_interval_ms": 3_600_000 } },
    });
    let house = House::configured(&strict).await;
    let control = house.control_room().await;
    let well = is_ill(&house, &[]).await;
    assert_eq!((&well["status"], &well["logins"]), (&json!("ok"), &json!([])));
    house.log_in_from(&control).await;
    let ill = is_ill(&house, &["login_silent"]).await;
    assert_eq!((&ill["status"], &ill["reasons"][0]["login"]), (&json!("degraded"), &json!(1)));
    house.qq.say(FAMILY_CHAT, "妈妈", "hi").unwrap();
    let (room, _) = house.sees(FAMILY, "hi").await;
    house.owner_enters(&room).await;
    for words in ["first", "waits for an hour"] {
        house.owner.say(&room, words);
    }
    // What went to Matrix is also older than no time at all, for a moment.
    let mut ill = is_ill(&house, &["queue_stuck"]).await;
    while ill["queues"]["to_qq"]["waiting"] != 1 {
        ill = is_ill(&house, &["queue_stuck"]).await;
    }
    assert!(ill["reasons"].as_array().unwrap().iter().any(|reason| reason["direction"] == "to_qq"), "{ill}");
    // Somebody else has the database for themselves.
    let other = house.database();
    other.execute_batch("BEGIN IMMEDIATE").expect("it is free");
    is_ill(&house, &["database_refuses"]).await;
    other.execute_batch("ROLLBACK").expect("it had begun");
    house.matrix.go_down().await;
    let ill = is_ill(&house, &["homeserver_unreachable"]).await;
    assert!(!ill["reasons"].to_string().contains("database_refuses"), "{ill}");
}
