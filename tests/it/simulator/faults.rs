//! What the simulator does wrong on order or by its rules.

use std::time::Duration;

use matrix_webqq::base::Clock;
use matrix_webqq::sim::{Fault, Options, QrState, Rules, Simulator, Trouble, World};
use reqwest::StatusCode;
use serde_json::json;

use super::browser::{Browser, LoggedIn, PTLOGIN, read, simulator, words};
use super::{GROUP, IN_GROUP};

const NOW: i64 = 1_493_339_717_000;

/// A simulator whose time stands still until it is told to go on.
async fn held(rules: Rules) -> (Simulator, Clock) {
    let clock = Clock::held_at(NOW);
    let world = World { options: rules, ..World::example().unwrap() };
    let options = Options { world: Some(world), clock: clock.clone(), ..Options::default() };
    (Simulator::start(options).await.unwrap(), clock)
}

#[tokio::test]
async fn a_rotated_ptwebqq_is_told_by_116_until_it_is_used() {
    let sim = simulator(Rules { poll_hold_ms: 0, ..Rules::default() }).await;
    let mut client = LoggedIn::to(sim.qq_addr(), &sim.handle()).await;
    sim.handle().fault(Fault::new("poll2", Trouble::Rotate));
    let rotated = client.poll_json().await;
    assert_eq!(rotated["retcode"], 116);
    assert_eq!(client.poll_json().await, rotated);
    rotated["p"].as_str().unwrap().clone_into(&mut client.ptwebqq);
    assert_eq!(client.poll_json().await["retcode"], 102);
    assert_eq!(client.hashed_list("get_user_friends2").await["retcode"], 0);
}

#[tokio::test]
async fn a_kicked_client_hears_so_once_and_an_expired_one_is_unknown() {
    let sim = simulator(Rules::default()).await;
    let qq = sim.handle();
    let client = LoggedIn::to(sim.qq_addr(), &qq).await;
    let kick = async {
        qq.wait_session(|session| session.polling).await;
        qq.kick("下线").unwrap();
    };
    let (kicked, ()) = tokio::join!(client.poll_json(), kick);
    assert_eq!(kicked["result"][0]["poll_type"], "kick_message");
    assert_eq!(kicked["result"][0]["value"]["reason"], "下线");
    assert_eq!(client.poll_json().await["retcode"], 103);
    assert!(qq.kick("again").is_err() && !qq.session().online);

    let client = LoggedIn::to(sim.qq_addr(), &qq).await;
    let expire = async {
        qq.wait_session(|session| session.polling).await;
        qq.expire(100_000).unwrap();
    };
    let (expired, ()) = tokio::join!(client.poll_json(), expire);
    assert_eq!(expired["retcode"], 100_000);
    assert_eq!(client.hashed_list("get_user_friends2").await["retcode"], 100_000);
    assert_eq!(client.login2("").await["retcode"], 100_000);
}

#[tokio::test]
async fn a_send_can_fail_before_or_after_it_was_heard() {
    let sim = simulator(Rules::default()).await;
    let qq = sim.handle();
    let client = LoggedIn::to(sim.qq_addr(), &qq).await;
    let (gid, _) = client.group(GROUP).await;
    let send = |text: &str| client.send_request("send_qun_msg2", "group_uin", &gid, &words(text)).send();
    let fault = |trouble| Fault::new("send_qun_msg2", trouble);
    qq.fault(fault(Trouble::Retcode(1202)));
    assert_eq!(read(send("lost").await.unwrap()).await, json!({"retcode": 1202, "errmsg": "error!!!"}));
    qq.fault(fault(Trouble::Retcode(1202)).delivering());
    assert_eq!(read(send("1202").await.unwrap()).await["retcode"], 1202);
    qq.fault(fault(Trouble::Drop));
    assert!(send("cut").await.unwrap_err().is_request());
    qq.fault(fault(Trouble::DropBefore));
    assert!(send("never").await.is_err());
    qq.fault(fault(Trouble::Http(502)));
    assert_eq!(send("502").await.unwrap().status(), StatusCode::BAD_GATEWAY);
    qq.fault(fault(Trouble::Delay(Duration::from_millis(1))).after(1));
    assert!(send("well").await.is_ok() && send("late").await.is_ok());
    let heard: Vec<String> = qq.heard(0).into_iter().map(|heard| heard.text).collect();
    assert_eq!(heard, ["1202", "cut", "well", "late"]);
}

#[tokio::test]
async fn the_events_of_a_broken_poll_come_again_with_the_same_ids() {
    let sim = simulator(Rules::default()).await;
    let qq = sim.handle();
    let client = LoggedIn::to(sim.qq_addr(), &qq).await;
    for (n, trouble) in [Trouble::Drop, Trouble::Truncate(None), Trouble::Truncate(Some(40))].into_iter().enumerate() {
        qq.fault(Fault::new("poll2", trouble));
        let msg_id = qq.say(IN_GROUP, "Bob", &format!("message {n}")).unwrap();
        let broken = match client.poll().send().await {
            Ok(response) => response.bytes().await.is_err(),
            Err(_) => true,
        };
        assert!(broken);
        let reply = client.poll_json().await;
        assert_eq!(
            (&reply["result"][0]["value"]["msg_id"], reply["result"].as_array().unwrap().len()),
            (&json!(msg_id), 1)
        );
    }
    qq.fault(Fault::new("poll2", Trouble::Repeat));
    qq.say(IN_GROUP, "Bob", "twice").unwrap();
    assert_eq!(client.poll_json().await, client.poll_json().await);
}

#[tokio::test]
async fn a_code_lives_for_two_minutes() {
    let (sim, clock) = held(Rules::default()).await;
    let qq = sim.handle();
    let mut browser = Browser::new(sim.qq_addr());
    browser.get(&format!("{PTLOGIN}ptqrshow?appid=501004106")).await;
    clock.set(NOW + 119_999);
    assert_eq!((browser.ptqrlogin().await[0].as_str(), qq.qr()), ("66", QrState::Waiting));
    qq.scan().unwrap();
    clock.set(NOW + 120_000);
    let said = browser.ptqrlogin().await;
    assert!((said[0].as_str(), said[4].contains("二维码已失效")) == ("65", true), "{said:?}");
    assert!(qq.confirm().is_err(), "too late");
    browser.get(&format!("{PTLOGIN}ptqrshow?appid=501004106")).await;
    qq.scan().unwrap();
    qq.confirm().unwrap();
    clock.set(NOW + 600_000);
    assert_eq!(browser.ptqrlogin().await[0], "0", "what was confirmed stays so");
}

#[tokio::test]
async fn a_session_lives_as_long_as_the_rules_say() {
    const TWO_DAYS: i64 = 172_800_000;
    let (sim, clock) = held(Rules { session_life_ms: 172_800_000, poll_hold_ms: 0, ..Rules::default() }).await;
    let client = LoggedIn::to(sim.qq_addr(), &sim.handle()).await;
    clock.set(NOW + TWO_DAYS - 1);
    assert_eq!(client.poll_json().await["retcode"], 102);
    clock.set(NOW + TWO_DAYS);
    assert_eq!(client.poll_json().await["retcode"], 103);
    assert_eq!(client.hashed_list("get_user_friends2").await["retcode"], 100_000);
    assert!(!sim.handle().session().online);
}

#[tokio::test]
async fn messages_above_the_pace_are_answered_well_and_reach_nobody() {
    let (sim, clock) = held(Rules { pace_ms: 3000, burst: 2, ..Rules::default() }).await;
    let qq = sim.handle();
    let client = LoggedIn::to(sim.qq_addr(), &qq).await;
    let wang = client.friend("王芳").await;
    let (gid, _) = client.group(GROUP).await;
    for (at_ms, text) in
        [(0, "one"), (1, "two"), (2, "three"), (2999, "four"), (3001, "five"), (3002, "six"), (9002, "seven")]
    {
        clock.set(NOW + at_ms);
        let (endpoint, target, number) =
            if text == "two" { ("send_qun_msg2", "group_uin", &gid) } else { ("send_buddy_msg2", "to", &wang) };
        let answer = client.send(endpoint, target, number, &words(text)).await;
        assert_eq!(answer, json!({"errCode": 0, "msg": "send ok"}), "{text}");
    }
    let heard: Vec<String> = qq.heard(0).into_iter().map(|heard| heard.text).collect();
    assert_eq!(
        (heard.as_slice(), qq.session().dropped),
        (["one", "two", "five", "seven"].map(str::to_owned).as_slice(), 3)
    );
    assert_eq!(client.poll_texts().await, ["two"], "what is dropped has no echo");
}

#[tokio::test]
async fn every_login_has_another_pseudonym_for_its_own_words() {
    let sim = simulator(Rules::default()).await;
    let qq = sim.handle();
    let mut pseudonyms = Vec::new();
    for _ in 0..2 {
        let client = LoggedIn::to(sim.qq_addr(), &qq).await;
        let (gid, _) = client.group(GROUP).await;
        for _ in 0..2 {
            client.send("send_qun_msg2", "group_uin", &gid, &words("hi")).await;
            pseudonyms.push(client.poll_json().await["result"][0]["value"]["send_uin"].as_u64().unwrap());
        }
        assert_ne!(pseudonyms.last(), Some(&client.uin));
    }
    assert!(pseudonyms[0] == pseudonyms[1] && pseudonyms[2] == pseudonyms[3] && pseudonyms[0] != pseudonyms[2]);
}

#[tokio::test]
async fn a_batch_comes_newest_first_or_in_order_and_brackets_come_as_entities_or_as_they_are() {
    for (newest_first, escape_text, texts) in
        [(true, true, ["&gt; 2", "&lt; 1"]), (false, true, ["&lt; 1", "&gt; 2"]), (false, false, ["< 1", "> 2"])]
    {
        let sim = simulator(Rules { newest_first, escape_text, ..Rules::default() }).await;
        let client = LoggedIn::to(sim.qq_addr(), &sim.handle()).await;
        for text in ["< 1", "> 2"] {
            sim.handle().say(IN_GROUP, "Bob", text).unwrap();
        }
        let items = client.poll_json().await["result"].as_array().unwrap().clone();
        let got: Vec<&str> = items.iter().map(|item| item["value"]["content"][1].as_str().unwrap()).collect();
        assert_eq!(got, texts);
    }
}

#[tokio::test]
async fn a_shuffled_batch_has_every_event_once_in_an_order_that_the_seed_decides() {
    let texts: Vec<String> = (1..=9).map(|number| number.to_string()).collect();
    let newest_first: Vec<String> = texts.iter().rev().cloned().collect();
    let mut orders = Vec::new();
    for _ in 0..2 {
        let sim = simulator(Rules { shuffled: true, ..Rules::default() }).await;
        let client = LoggedIn::to(sim.qq_addr(), &sim.handle()).await;
        for text in &texts {
            sim.handle().say(IN_GROUP, "Bob", text).unwrap();
        }
        let items = client.poll_json().await["result"].as_array().unwrap().clone();
        orders.push(
            items.iter().map(|item| item["value"]["content"][1].as_str().unwrap().to_owned()).collect::<Vec<_>>(),
        );
    }
    assert_eq!(orders[0], orders[1]);
    assert!(orders[0] != texts && orders[0] != newest_first, "{orders:?}");
    orders[0].sort();
    assert_eq!(orders[0], texts);
}

#[tokio::test]
async fn the_world_file_can_order_faults_from_the_start() {
    let world = World::parse(
        "account: {number: 12345, nick: me}\n\
         faults: [{endpoint: ptqrshow, kind: http, value: 502, skip: 1}]\n",
    );
    let sim = Simulator::start(Options { world: Some(world.unwrap()), ..Options::default() }).await.unwrap();
    let mut browser = Browser::new(sim.qq_addr());
    let mut statuses = Vec::new();
    for _ in 0..3 {
        statuses.push(browser.get(&format!("{PTLOGIN}ptqrshow?appid=501004106")).await.status().as_u16());
    }
    assert_eq!(statuses, [200, 502, 200]);
}
