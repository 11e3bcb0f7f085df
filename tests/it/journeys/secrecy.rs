//! The log tells nobody what people say or what opens their accounts, at whatever level and whatever goes wrong.

use matrix_webqq::sim::{Fault, Trouble, World};
use serde_json::{Value, json};

use super::{FAMILY, FAMILY_CHAT, first_words};
use crate::support::homeserver::{Endpoint, Fault as MatrixFault};
use crate::support::house::House;

/// Everything that can be said about anything.
const ALL: &str = "trace,hyper=trace,sqlx=trace,matrix_sdk=trace,matrix_sdk::http_client=trace";

/// What opens the account on QQ, as the bridge keeps it.
fn keys_of_the_account(house: &House) -> Vec<String> {
    let database = house.database();
    let kept: String = database.query_row("SELECT session FROM login", (), |row| row.get(0)).unwrap();
    let kept: Value = serde_json::from_str(&kept).unwrap();
    let tickets = ["ptwebqq", "vfwebqq", "psessionid"].map(|name| kept["tickets"][name].as_str().unwrap().to_owned());
    let jar: Value = serde_json::from_str(kept["cookies"].as_str().unwrap()).unwrap();
    let mut cookies = Vec::new();
    collect_cookies(&jar, &mut cookies);
    assert!(cookies.len() > 3, "{}", cookies.len());
    let mut keys: Vec<String> = tickets.into_iter().chain(cookies).collect();
    // A shorter one is no key, and may be part of anything.
    keys.retain(|key| key.len() > 8);
    keys
}

/// The values of all cookies in `jar`.
fn collect_cookies(jar: &Value, values: &mut Vec<String>) {
    match jar {
        Value::Array(list) => list.iter().for_each(|entry| collect_cookies(entry, values)),
        Value::Object(fields) => {
            let raw = fields.get("raw_cookie").and_then(Value::as_str).unwrap_or_default();
            values.extend(raw.split(';').next().and_then(|pair| Some(pair.split_once('=')?.1.to_owned())));
        }
        _ => {}
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn no_secret_and_no_message_text_reaches_the_log_at_any_level_whatever_goes_wrong() {
    let mut world = World::example().unwrap();
    // A message in doubt waits for the end of the poll during which it was said.
    world.options.poll_hold_ms = 500;
    let changes = json!({ "logging": { "min_level": ALL }, "bridge": { "uncertain_wait_ms": 1 } });
    let mut house = House::with(world, &changes).await;
    let (control, room) = first_words(&house, "秘密的话").await;
    let keys = keys_of_the_account(&house);
    house.owner.say(&room, "secret words");
    house.owner.send(&room, "m.room.message", json!({ "msgtype": 7, "body": "secret nonsense" }));
    house.bot_says(&room, "QQ has nothing like it").await;
    house.owner.say(&control, "secret order");
    house.bot_says(&control, "help").await;

    // QQ refuses, is in doubt, breaks off, answers nonsense; the homeserver fails.
    house.qq.fault(Fault::new("send_qun_msg2", Trouble::Retcode(100_006)));
    house.owner.say(&room, "secret refused");
    house.bot_says(&room, "was not delivered to QQ").await;
    house.qq.fault(Fault::new("send_qun_msg2", Trouble::Body("{\"secret\": \"nonsense of QQ\"".to_owned())));
    house.owner.say(&room, "secret doubt");
    house.qq.push(vec![json!({ "poll_type": "lunar_eclipse", "value": { "content": "秘密的事" } })]).unwrap();
    house.bot_says(&control, "QQ sent something that this bridge does not know").await;
    house.qq.fault(Fault::new("poll2", Trouble::Truncate(None)));
    house.qq.fault(Fault::new("poll2", Trouble::Body("{\"retcode\":0,\"result\":[{\"秘密\":\"秘密的乱\"".to_owned())));
    house.matrix.fail_next(Endpoint::Send, 1, MatrixFault::Status(502));
    house.matrix.fail_next(Endpoint::Send, 1, MatrixFault::Drop);
    for words in ["秘密之一", "秘密之二", "秘密之三"] {
        house.qq.say(FAMILY_CHAT, "妈妈", words).unwrap();
    }
    house.sees(FAMILY, "秘密之三").await;
    house.bot_says(&room, "may not have been delivered").await;
    assert!(house.stop());

    let log = house.log();
    assert!(log.contains("TRACE") && log.contains("WARN"), "there is a log, of everything");
    assert!(log.contains("chmod 600 "), "the tests' configuration can be read by anybody, and that is said");
    let words = ["秘密", "secret", "nonsense of QQ"].map(str::to_owned);
    let tokens = ["as-token-of-tests", "hs-token-of-tests", "ptwebqq=", "psessionid=", "skey="].map(str::to_owned);
    for secret in words.into_iter().chain(tokens).chain(keys) {
        let told = log.lines().find(|line| line.contains(&secret));
        assert_eq!(told, None, "{secret:?} is in the log");
    }
}
