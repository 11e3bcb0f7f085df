//! What clients show beside a message towards QQ: that it waits, that QQ took it, or why not. And: whatever people send
//! into the room of a chat is carried, answered, or rightly passed over.

use matrix_webqq::sim::{Fault, Trouble};
use serde_json::{Value, json};

use super::{FAMILY, FAMILY_CHAT, talking};
use crate::support::homeserver::{Endpoint, Fault as MatrixFault, World};
use crate::support::house::House;

/// `changes` to a configuration in which clients are told.
fn telling(mut changes: Value) -> Value {
    changes["matrix"] = json!({ "message_status_events": true });
    changes
}

/// What was told about `event`, oldest first: the word, and what people read.
fn told(world: &World, room: &str, event: &str) -> Vec<(String, String)> {
    let about = |content: &Value| content["m.relates_to"] == json!({ "rel_type": "m.reference", "event_id": event });
    let statuses = world.timeline(room).iter().filter(|status| status.kind == "com.beeper.message_send_status");
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    statuses
        .filter(|status| about(&status.content))
        .map(|status| (text(&status.content["status"]), text(&status.content["message"])))
        .collect()
}

/// Waits until `word` was told about `event`, and gives all that was told about it.
async fn hears(house: &House, room: &str, event: &str, word: &str) -> Vec<(String, String)> {
    let what = format!("{word} about {event}");
    let heard = house.matrix.wait_for(&what, |world| {
        Some(told(world, room, event)).filter(|told| told.iter().any(|(status, _)| status == word))
    });
    heard.await
}

fn words(told: &[(String, String)]) -> Vec<&str> {
    told.iter().map(|(status, _)| status.as_str()).collect()
}

/// What is to become of an event.
enum Fate {
    /// QQ hears this.
    Carried(&'static str),
    /// The bot answers with these words.
    Answered(&'static str),
    /// Nobody has to be told anything.
    Silent,
}

const NO_TEXT: Fate = Fate::Answered("WebQQ carries text only");
const NO_ADDRESS: Fate = Fate::Answered("QQ does not carry it");
const NOTHING_LIKE_IT: Fate = Fate::Answered("QQ has nothing like it");

/// Events that people and their clients send, and what is to become of each; `said` is a message that was said.
fn events(said: &str) -> Vec<(&'static str, Value, Fate)> {
    let file =
        |msgtype: &str| json!({ "msgtype": msgtype, "body": "a.bin", "url": "mxc://hs.test/1", "info": { "size": 5 } });
    let locked = json!({ "msgtype": "m.image", "body": "a.png", "file": { "url": "mxc://hs.test/2" } });
    let place = json!({ "msgtype": "m.location", "body": "Here", "geo_uri": "geo:1,2" });
    let edit = json!({ "msgtype": "m.text", "body": "* fixed", "m.new_content": { "msgtype": "m.text", "body": "fixed" },
        "m.relates_to": { "rel_type": "m.replace", "event_id": said } });
    let reaction = json!({ "m.relates_to": { "rel_type": "m.annotation", "event_id": said, "key": "👍" } });
    let poll = json!({ "org.matrix.msc1767.text": "Lunch?", "org.matrix.msc3381.poll.start": {} });
    let vote = json!({ "m.relates_to": { "rel_type": "m.reference", "event_id": said } });
    let message = "m.room.message";
    vec![
        (message, json!({ "msgtype": "m.text", "body": "text" }), Fate::Carried("text")),
        (message, json!({ "msgtype": "m.notice", "body": "notice" }), Fate::Carried("notice")),
        (message, json!({ "msgtype": "m.emote", "body": "waves" }), Fate::Carried("* waves")),
        (message, edit, Fate::Carried("* fixed")),
        (message, json!({ "msgtype": "m.text", "body": " " }), Fate::Silent),
        (message, json!({}), Fate::Silent),
        (message, file("m.image"), NO_ADDRESS),
        (message, file("m.video"), NO_ADDRESS),
        (message, file("m.audio"), NO_ADDRESS),
        (message, file("m.file"), NO_ADDRESS),
        ("m.sticker", json!({ "body": "cat", "url": "mxc://hs.test/3", "info": {} }), NO_ADDRESS),
        (message, locked, NO_TEXT),
        (message, place, Fate::Carried("[位置] Here")),
        (message, json!({ "msgtype": "m.key.verification.request", "body": "Verify me" }), NO_TEXT),
        (message, json!({ "msgtype": "org.example.dice", "body": "a 6" }), NO_TEXT),
        (message, json!({ "msgtype": 7 }), NOTHING_LIKE_IT),
        ("m.room.encrypted", json!({ "algorithm": "m.megolm.v1.aes-sha2" }), Fate::Answered("cannot read encrypted")),
        ("m.reaction", reaction, Fate::Answered("QQ has no reactions")),
        ("m.room.redaction", json!({ "redacts": said }), Fate::Answered("cannot be taken back there")),
        ("org.matrix.msc3381.poll.start", poll, NOTHING_LIKE_IT),
        ("org.matrix.msc3381.poll.response", vote, Fate::Silent),
        ("m.call.invite", json!({ "call_id": "1", "offer": {} }), NOTHING_LIKE_IT),
        ("m.call.candidates", json!({ "call_id": "1", "candidates": [] }), Fate::Silent),
        ("org.matrix.msc4075.rtc.notification", json!({ "notification_type": "ring" }), NOTHING_LIKE_IT),
        ("org.example.unheard", json!({ "of": [] }), Fate::Silent),
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn every_kind_of_event_is_carried_or_answered_or_rightly_passed_over() {
    let (house, _, room) = talking(&telling(json!({}))).await;
    let said = house.owner.say(&room, "said");
    hears(&house, &room, &said, "SUCCESS").await;
    let sent: Vec<_> = events(&said)
        .into_iter()
        .map(|(kind, content, fate)| (house.owner.send(&room, kind, content.clone()), kind, content, fate))
        .collect();
    let last = house.owner.say(&room, "last");
    // Statuses of a room come in order.
    hears(&house, &room, &last, "SUCCESS").await;
    let heard = house.heard_in(FAMILY_CHAT);
    for (event, kind, content, fate) in sent {
        let told = house.matrix.see(|world| told(world, &room, &event));
        let end = told.last().map(|(status, message)| (status.as_str(), message.as_str()));
        match fate {
            Fate::Carried(text) => {
                assert!(heard.iter().any(|heard| heard == text), "{kind} {content}: {heard:?}");
                assert_eq!(end, Some(("SUCCESS", "")), "{kind} {content}");
            }
            Fate::Answered(words) => {
                let (status, message) = end.unwrap_or_else(|| panic!("nothing was told about {kind} {content}"));
                assert_eq!((status, message.contains(words)), ("FAIL_PERMANENT", true), "{kind} {content}: {message}");
                house.bot_says(&room, words).await;
            }
            Fate::Silent => assert_eq!(end, None, "{kind} {content}"),
        }
    }
    assert_eq!(heard, ["said", "text", "notice", "* waves", "* fixed", "[位置] Here", "last"], "nothing else");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_waits_is_told_its_place_and_then_that_qq_took_it_once_each_also_after_a_kill() {
    let slow = json!({ "network": { "webqq": { "send_interval_ms": 3_600_000 } } });
    let (mut house, _, room) = talking(&telling(slow)).await;
    let first = house.owner.say(&room, "first");
    assert_eq!(words(&hears(&house, &room, &first, "SUCCESS").await), ["SUCCESS"]);
    let later = ["second", "third", "fourth"].map(|words| house.owner.say(&room, words));
    let places = ["QQ takes messages only so fast", "Messages before it: 1.", "Messages before it: 2."];
    for (event, place) in later.iter().zip(places) {
        let told = hears(&house, &room, event, "PENDING").await;
        assert!(told[0].1.contains(place), "{told:?}");
    }
    // The next status is sent, and nobody hears of it: it is looked for before it is sent again.
    house.kill().await;
    house.matrix.fail_next(Endpoint::Send, 1, MatrixFault::Drop);
    house.matrix.forget_txn_ids();
    house.configure(&telling(json!({})));
    house.start();
    for event in &later {
        hears(&house, &room, event, "SUCCESS").await;
    }
    house.kill().await;
    house.start();
    let after = house.owner.say(&room, "after");
    hears(&house, &room, &after, "SUCCESS").await;
    for event in &later {
        assert_eq!(words(&house.matrix.see(|world| told(world, &room, event))), ["PENDING", "SUCCESS"]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_qq_refuses_or_leaves_in_doubt_fails_with_the_reason_and_a_new_try_is_told() {
    let (house, control, room) = talking(&telling(json!({}))).await;
    house.qq.fault(Fault::new("send_qun_msg2", Trouble::Retcode(100_006)));
    let refused = house.owner.say(&room, "refused");
    let told = hears(&house, &room, &refused, "FAIL_PERMANENT").await;
    assert!(told.last().unwrap().1.contains("retcode 100006"), "{told:?}");
    house.owner.say(&control, "queue");
    let queue = house.bot_says(&control, "was not delivered").await;
    let number = queue.split('#').nth(1).and_then(|rest| rest.split(' ').next()).unwrap();
    house.owner.say(&control, &format!("retry {number}"));
    let told = hears(&house, &room, &refused, "SUCCESS").await;
    assert_eq!(words(&told), ["FAIL_PERMANENT", "PENDING", "SUCCESS"]);

    house.qq.fault(Fault::new("send_qun_msg2", Trouble::Retcode(1202)));
    let doubtful = house.owner.say(&room, "doubtful");
    hears(&house, &room, &doubtful, "PENDING").await;
    for words in ["one poll", "and another"] {
        house.qq.say(FAMILY_CHAT, "妈妈", words).unwrap();
        house.sees(FAMILY, words).await;
    }
    let told = hears(&house, &room, &doubtful, "FAIL_RETRIABLE").await;
    assert_eq!(words(&told), ["PENDING", "FAIL_RETRIABLE"]);
    assert!(told[1].1.contains("may not have been delivered"), "{told:?}");

    house.qq.fault(Fault::new("send_qun_msg2", Trouble::Drop));
    let echoed = house.owner.say(&room, "came back");
    assert_eq!(words(&hears(&house, &room, &echoed, "SUCCESS").await).last(), Some(&"SUCCESS"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_of_several_parts_succeeds_when_the_last_is_taken() {
    let (house, _, room) = talking(&telling(json!({}))).await;
    let long = house.owner.say(&room, &"字".repeat(600));
    let told = hears(&house, &room, &long, "SUCCESS").await;
    assert_eq!(words(&told), ["SUCCESS"]);
    assert!(house.heard_in(FAMILY_CHAT).len() > 1, "all of it was there when this was told");
    assert!(house.heard_in(FAMILY_CHAT).iter().all(|part| part.starts_with('(')));
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_is_told_who_did_not_ask_for_it() {
    let (house, _, room) = talking(&json!({})).await;
    house.owner.send(&room, "m.room.message", json!({ "msgtype": 7 }));
    house.bot_says(&room, "QQ has nothing like it").await;
    house.owner.say(&room, "hello");
    house.qq.wait_heard(|heard| !heard.is_empty()).await;
    house.qq.say(FAMILY_CHAT, "妈妈", "end").unwrap();
    house.sees(FAMILY, "end").await;
    let timeline = house.matrix.timeline(&room);
    assert!(!timeline.iter().any(|event| event.kind == "com.beeper.message_send_status"));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_waits_when_the_session_is_lost_is_told_once_that_it_waits_for_a_login() {
    let slow = json!({ "network": { "webqq": { "send_interval_ms": 3_600_000 } } });
    let (mut house, control, room) = talking(&telling(slow)).await;
    let first = house.owner.say(&room, "first");
    hears(&house, &room, &first, "SUCCESS").await;
    let waiting = ["second", "third"].map(|words| house.owner.say(&room, words));
    for event in &waiting {
        hears(&house, &room, event, "PENDING").await;
    }
    house.qq.kick("您的帐号在另一地点登录").unwrap();
    house.bot_says(&control, "Messages wait here").await;
    let until_login = |count: u32| format!("until 2769546520 is logged in to QQ. Messages before it: {count}.");
    for (count, event) in (0..).zip(&waiting) {
        let words = until_login(count);
        let is_told = |world: &World| told(world, &room, event).iter().any(|(_, text)| text.contains(&words));
        house.matrix.wait_until(&words, is_told).await;
    }
    house.kill().await;
    house.configure(&telling(json!({})));
    house.start();
    house.log_in_from(&control).await;
    for event in &waiting {
        let told = hears(&house, &room, event, "SUCCESS").await;
        assert_eq!(words(&told), ["PENDING", "PENDING", "SUCCESS"], "{told:?}");
    }
    assert_eq!(house.heard_in(FAMILY_CHAT), ["first", "second", "third"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_bot_marks_as_read_what_qq_took_and_nothing_else() {
    let (house, _, room) = talking(&json!({ "matrix": { "delivery_receipts": true } })).await;
    house.qq.fault(Fault::new("send_qun_msg2", Trouble::Retcode(100_006)));
    house.owner.say(&room, "refused");
    house.bot_says(&room, "was not delivered to QQ").await;
    let taken = house.owner.say(&room, "taken");
    house.matrix.wait_until("the receipt", |world| world.read_by(&world.bot()) == Some(&taken)).await;
    assert_eq!(house.heard_in(FAMILY_CHAT), ["taken"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn encryption_is_complained_about_at_once_in_the_room_and_to_whoever_wants_it() {
    let (house, control, room) = talking(&json!({})).await;
    let algorithm = json!({ "algorithm": "m.megolm.v1.aes-sha2" });
    house.owner.set_state(&control, "m.room.power_levels", "", json!({ "users": { "@qqbot:hs.test": 100 } }));
    house.owner.set_state(&control, "m.room.encryption", "", algorithm.clone());
    house.bot_says(&control, "Start a new direct chat with me").await;
    assert_eq!(house.told(&room, "encrypted"), 0);

    let bob = house.matrix.user("bob");
    let state = json!([{ "type": "m.room.encryption", "state_key": "", "content": algorithm }]);
    let locked = bob.create_room(&json!({ "invite": ["@qqbot:hs.test"], "is_direct": true, "initial_state": state }));
    house.bot_says(&locked, "I can read nothing in it").await;
    let is_there = |world: &World| {
        let rooms = world.room_ids().into_iter().filter(|room| world.membership(room, bob.id()) == "join");
        rooms
            .filter(|room| *room != locked)
            .find(|room| world.said(room).iter().any(|(_, said)| said.contains("not encrypted")))
    };
    let office = house.matrix.wait_for("a room without encryption", is_there).await;
    bob.say(&office, "version");
    house.bot_says(&office, "matrix-webqq").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_chose_a_language_reads_in_it_why_a_message_waits_or_does_not_go() {
    let (house, control, room) = talking(&telling(json!({}))).await;
    house.owner_chooses_chinese(&control).await;
    let poll = house.owner.send(&room, "org.matrix.msc3381.poll.start", json!({ "body": "tea or coffee?" }));
    let told = hears(&house, &room, &poll, "FAIL_PERMANENT").await;
    assert!(told.iter().any(|(_, text)| text.contains("QQ 没有对应的功能")), "{told:?}");
    house.bot_says(&room, "QQ 没有对应的功能").await;
    house.qq.kick("您的帐号在另一地点登录").unwrap();
    house.bot_says(&control, "的 QQ 会话已结束").await;
    let waits = house.owner.say(&room, "later");
    let told = hears(&house, &room, &waits, "PENDING").await;
    assert!(told.iter().any(|(_, text)| text.contains("登录")), "{told:?}");
}
