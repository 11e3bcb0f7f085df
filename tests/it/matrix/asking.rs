//! What the bot and the ghosts ask of the homeserver, when all is well and when it is not.

use std::time::Duration;

use matrix_webqq::base::Secret;
use matrix_webqq::matrix::{Error, Homeserver, Intent, NewRoom, NewState, PingError, Verdict};
use serde_json::{Map, json};

use super::{Bridge, connect};
use crate::support::homeserver::{Endpoint, Fault, PretendHomeserver, Setup};

/// A homeserver, the bot in a room with alice, and the library.
async fn house() -> (PretendHomeserver, Homeserver, Intent, String) {
    let hs = PretendHomeserver::start().await;
    let homeserver = connect(&hs).await;
    let bot = homeserver.bot();
    bot.ensure_registered().await.unwrap();
    hs.let_people_join();
    let alice = hs.user("alice");
    let invite = vec![alice.id().try_into().unwrap()];
    let room = bot.create_room(NewRoom { invite, ..NewRoom::default() }).await.unwrap();
    (hs, homeserver, bot, room.to_string())
}

fn text(body: &str, key: &str) -> serde_json::Value {
    json!({ "msgtype": "m.text", "body": body, "test.key": key })
}

#[tokio::test]
async fn a_ghost_is_made_named_invited_and_speaks_at_its_own_time() {
    let (hs, homeserver, bot, room) = house().await;
    let ghost = homeserver.intent(&homeserver.ghost_id("10001").unwrap());
    let room_id = room.as_str().try_into().unwrap();
    ghost.ensure_registered().await.unwrap();
    ghost.ensure_registered().await.unwrap();
    ghost.set_display_name("Li Lei (QQ)").await.unwrap();
    bot.invite(room_id, ghost.user_id()).await.unwrap();
    ghost.join(room_id).await.unwrap();
    ghost.join(room_id).await.unwrap();
    let sent = ghost.send(room_id, "m.room.message", &text("你好", "k1"), "t1", Some(1_388_534_400_000)).await.unwrap();
    let said = hs.timeline(&room).pop().unwrap();
    assert_eq!((said.id.as_str(), said.sender.as_str(), said.body()), (sent.as_str(), "@qq_10001:hs.test", "你好"));
    assert_eq!(said.sent_at_ms, 1_388_534_400_000);
    assert_eq!(hs.see(|world| world.members(&room)), ["@alice:hs.test", "@qq_10001:hs.test", "@qqbot:hs.test"]);
    let names = bot.joined_members(room_id).await.unwrap();
    assert_eq!(names[ghost.user_id()].as_deref(), Some("Li Lei (QQ)"));
}

#[tokio::test]
async fn a_room_is_made_as_it_was_ordered() {
    let hs = PretendHomeserver::start().await;
    let bot = connect(&hs).await.bot();
    bot.ensure_registered().await.unwrap();
    let bridge = NewState { kind: "m.bridge".to_owned(), key: "qq".to_owned(), content: json!({ "protocol": {} }) };
    let order = NewRoom {
        name: Some("一家人".to_owned()),
        topic: Some("QQ group".to_owned()),
        invite: vec![hs.user("alice").id().try_into().unwrap()],
        is_direct: true,
        trusted: false,
        creation_content: Map::from_iter([("test.portal".to_owned(), json!("g1"))]),
        initial_state: vec![bridge],
        power_levels: Some(json!({ "events_default": 10 })),
        federate: false,
    };
    let room = bot.create_room(order).await.unwrap();
    let state = async |kind: &str, key: &str| bot.state(&room, kind, key).await.unwrap().unwrap();
    assert_eq!(state("m.room.name", "").await["name"], "一家人");
    assert_eq!(state("m.room.topic", "").await["topic"], "QQ group");
    assert_eq!(state("m.bridge", "qq").await["protocol"], json!({}));
    assert_eq!(state("m.room.power_levels", "").await["events_default"], 10);
    let create = state("m.room.create", "").await;
    assert_eq!((&create["test.portal"], &create["m.federate"]), (&json!("g1"), &json!(false)));
    assert_eq!(state("m.room.member", "@alice:hs.test").await["is_direct"], true);
    assert_eq!(bot.state(&room, "m.room.avatar", "").await.unwrap(), None);
    bot.set_state(&room, "m.room.name", "", &json!({ "name": "new" })).await.unwrap();
    assert_eq!(state("m.room.name", "").await["name"], "new");
    assert_eq!(bot.joined_rooms().await.unwrap(), [room]);
}

#[tokio::test]
async fn the_same_transaction_id_gives_the_same_event_whoever_sends_it() {
    let (hs, homeserver, bot, room) = house().await;
    let room_id = room.as_str().try_into().unwrap();
    let ghost = homeserver.intent(&homeserver.ghost_id("1").unwrap());
    let first = bot.send(room_id, "m.room.message", &text("one", "k"), "t/1", None).await.unwrap();
    let again = bot.send(room_id, "m.room.message", &text("one", "k"), "t/1", None).await.unwrap();
    ghost.ensure_registered().await.unwrap();
    let other = ghost.send(room_id, "m.room.message", &text("two", "k"), "t/1", None).await.unwrap();
    assert_eq!((&again, &other), (&first, &first));
    assert_eq!(hs.see(|world| world.said(&room).len()), 1);
    let raw = serde_json::value::to_raw_value(&text("raw", "k")).unwrap();
    bot.send(room_id, "m.room.message", &*raw, "t2", None).await.unwrap();
    assert_eq!(hs.timeline(&room).pop().unwrap().body(), "raw");
}

#[tokio::test]
async fn after_a_lost_answer_the_message_is_found_though_the_homeserver_forgot() {
    let (hs, _, bot, room) = house().await;
    let room_id = room.as_str().try_into().unwrap();
    let before = bot.send(room_id, "m.room.message", &text("0", "k0"), "t0", None).await.unwrap();
    hs.fail_next(Endpoint::Send, 1, Fault::Drop);
    let lost = bot.send(room_id, "m.room.message", &text("1", "k1"), "t1", None).await.unwrap_err();
    assert!(lost.is_ambiguous(), "{lost}");
    hs.fail_next(Endpoint::Send, 1, Fault::DropBefore);
    let other = bot.send(room_id, "m.room.message", &text("2", "k2"), "t2", None).await.unwrap_err();
    assert!(other.is_ambiguous() && matches!(other.verdict(), Verdict::Retry(_)), "{other}");
    assert_eq!(hs.see(|world| world.asked(Endpoint::Send)), 3, "each is tried once");
    hs.forget_txn_ids();
    let wanted = ["k1".to_owned(), "k2".to_owned()];
    let found = bot.find_sent(room_id, "test.key", &wanted, Some(&before)).await.unwrap();
    let there = hs.timeline(&room).pop().unwrap();
    assert_eq!(found.events.len(), 1);
    assert_eq!((found.events["k1"].as_str(), there.body()), (there.id.as_str(), "1"));
    assert!(found.is_complete);
}

#[tokio::test]
async fn looking_for_messages_reads_page_after_page_and_stops_where_it_may() {
    let (hs, _, bot, room) = house().await;
    let room_id = room.as_str().try_into().unwrap();
    let mut sent = Vec::new();
    for number in 0..250 {
        let (key, txn_id) = (format!("k{number}"), format!("t{number}"));
        sent.push(bot.send(room_id, "m.room.message", &text("x", &key), &txn_id, None).await.unwrap());
    }
    let find = async |key: &str, stop_at: usize| {
        bot.find_sent(room_id, "test.key", &[key.to_owned()], sent.get(stop_at).map(|id| &**id)).await.unwrap()
    };
    let pages = || hs.see(|world| world.asked(Endpoint::Messages));
    assert_eq!(find("k249", 999).await.events["k249"], sent[249]);
    assert_eq!(pages(), 1);
    assert_eq!(find("k3", 999).await.events["k3"], sent[3]);
    assert_eq!(pages(), 1 + 3);
    let stopped = find("k3", 200).await;
    assert!(stopped.events.is_empty() && stopped.is_complete);
    assert_eq!(pages(), 1 + 3 + 1);
    let nowhere = find("never sent", 999).await;
    assert!(nowhere.events.is_empty() && nowhere.is_complete);
}

#[tokio::test]
async fn a_lost_answer_makes_no_second_room() {
    let (hs, _, bot, room) = house().await;
    hs.fail_next(Endpoint::CreateRoom, 1, Fault::Drop);
    let lost = bot.create_room(NewRoom::default()).await.unwrap_err();
    assert!(lost.is_ambiguous(), "{lost}");
    assert_eq!(hs.rooms().len(), 2);
    assert_eq!(bot.joined_rooms().await.unwrap().len(), 2);
    assert_eq!(hs.rooms()[0], room);
}

#[tokio::test]
async fn what_the_homeserver_says_decides_what_to_do() {
    let (hs, _, bot, room) = house().await;
    let room_id = room.as_str().try_into().unwrap();
    let send = async || bot.send(room_id, "m.room.message", &text("x", "k"), "t", None).await.unwrap_err();
    hs.fail_next(Endpoint::Send, 1, Fault::Limit(1234));
    let limited = send().await;
    assert_eq!(limited.code(), Some("M_LIMIT_EXCEEDED"));
    assert_eq!((limited.verdict(), limited.is_ambiguous()), (Verdict::Retry(Duration::from_millis(1234)), false));
    hs.fail_next(Endpoint::Send, 1, Fault::Status(502));
    let proxy = send().await;
    assert!(proxy.is_ambiguous() && proxy.code().is_none(), "{proxy}");
    hs.fail_next(Endpoint::Send, 1, Fault::Status(404));
    assert!(matches!(send().await.verdict(), Verdict::Retry(_)), "a proxy's 404 is not the homeserver's");
    hs.fail_next(Endpoint::Send, 1, Fault::Delay(Duration::from_millis(20)));
    bot.send(room_id, "m.room.message", &text("late", "k"), "t", None).await.unwrap();
}

#[tokio::test]
async fn a_homeserver_that_is_down_is_unreachable_until_it_comes_back() {
    let (hs, homeserver, bot, room) = house().await;
    let room_id = room.as_str().try_into().unwrap();
    hs.go_down().await;
    // The first request may still find the connection of the last one; it is lost, too.
    let _ = homeserver.whoami().await.unwrap_err();
    let down = bot.send(room_id, "m.room.message", &text("x", "k"), "t", None).await.unwrap_err();
    assert!(matches!(down, Error::Unreachable { .. }) && !down.is_ambiguous(), "{down}");
    hs.come_back().await;
    bot.send(room_id, "m.room.message", &text("back", "k"), "t", None).await.unwrap();
    assert_eq!(hs.timeline(&room).pop().unwrap().body(), "back");
}

#[tokio::test]
async fn whoever_may_not_is_told_why() {
    let (hs, homeserver, bot, room) = house().await;
    let room_id = room.as_str().try_into().unwrap();
    let ghost = homeserver.intent(&homeserver.ghost_id("1").unwrap());
    let unregistered = ghost.join(room_id).await.unwrap_err();
    assert!(unregistered.is_forbidden() && !unregistered.is_not_in_room(), "{unregistered}");
    ghost.ensure_registered().await.unwrap();
    let outside = ghost.send(room_id, "m.room.message", &text("x", "k"), "t", None).await.unwrap_err();
    assert!(outside.is_not_in_room() && outside.verdict() == Verdict::GiveUp, "{outside}");
    let stranger = homeserver.intent(hs.user("alice").id().try_into().unwrap());
    assert!(stranger.joined_rooms().await.unwrap_err().is_forbidden());
    assert_eq!(stranger.ensure_registered().await.unwrap_err().code(), Some("M_EXCLUSIVE"));
    bot.invite(room_id, ghost.user_id()).await.unwrap();
    ghost.join(room_id).await.unwrap();
    let weak = ghost.set_state(room_id, "m.room.name", "", &json!({ "name": "mine" })).await.unwrap_err();
    assert!(weak.is_forbidden() && !weak.is_not_in_room(), "{weak}");
    bot.kick(room_id, ghost.user_id(), Some("bye")).await.unwrap();
    assert_eq!(hs.see(|world| world.membership(&room, "@qq_1:hs.test")), "leave");
    bot.leave(room_id, None).await.unwrap();
    bot.forget(room_id).await.unwrap();
    assert!(bot.joined_rooms().await.unwrap().is_empty());
}

#[tokio::test]
async fn media_receipts_typing_redactions_and_account_data_arrive() {
    let (hs, _, bot, room) = house().await;
    let room_id = room.as_str().try_into().unwrap();
    let uri = bot.upload(b"PNG".to_vec(), "image/png", Some("a b.png")).await.unwrap();
    assert_eq!(hs.see(|world| world.media(uri.as_str()).cloned()), Some(("image/png".to_owned(), b"PNG".to_vec())));
    let said = hs.user("alice").say(&room, "hi");
    let event = said.as_str().try_into().unwrap();
    bot.mark_read(room_id, event).await.unwrap();
    assert_eq!(hs.see(|world| world.read_by("@qqbot:hs.test").map(str::to_owned)), Some(said.clone()));
    bot.typing(room_id, Some(Duration::from_secs(5))).await.unwrap();
    assert_eq!(hs.see(|world| world.typing(&room).to_vec()), ["@qqbot:hs.test"]);
    bot.typing(room_id, None).await.unwrap();
    assert_eq!(hs.see(|world| world.typing(&room).len()), 0);
    bot.redact(room_id, event, "r1", Some("spam")).await.unwrap();
    assert_eq!(hs.timeline(&room).iter().find(|event| event.id == said).unwrap().body(), "");
    assert_eq!(bot.account_data("m.direct").await.unwrap(), None);
    let direct = json!({ "@alice:hs.test": [room] });
    bot.set_account_data("m.direct", &direct).await.unwrap();
    assert_eq!(bot.account_data("m.direct").await.unwrap(), Some(direct));
    bot.set_display_name("QQ bridge bot").await.unwrap();
    assert_eq!(hs.see(|world| world.display_name(&world.bot()).map(str::to_owned)).as_deref(), Some("QQ bridge bot"));
}

#[tokio::test]
async fn the_doctor_learns_which_link_is_broken() {
    let hs = PretendHomeserver::start().await;
    let homeserver = connect(&hs).await;
    assert!(homeserver.versions().await.unwrap().contains(&"v1.7".to_owned()));
    assert_eq!(homeserver.whoami().await.unwrap(), "@randomsender:hs.test");
    let ping = async || homeserver.ping("p1").await;
    assert!(matches!(ping().await.unwrap_err(), PingError::NoUrl));
    let wrong = Bridge::start("another token").await;
    hs.connect_bridge(&wrong.url);
    assert!(matches!(ping().await.unwrap_err(), PingError::HsTokenWrong { status: 403 }));
    hs.connect_bridge(&hs.address());
    assert!(matches!(ping().await.unwrap_err(), PingError::SomebodyElse(Some(404))));
    hs.connect_bridge("http://127.0.0.1:1");
    assert!(matches!(ping().await.unwrap_err(), PingError::CannotReachUs));
    let right = Bridge::start("hs-token-of-tests").await;
    hs.connect_bridge(&right.url);
    ping().await.unwrap();
    hs.fail_next(Endpoint::Ping, 1, Fault::Status(502));
    assert!(matches!(ping().await.unwrap_err(), PingError::Homeserver(_)));
}

#[tokio::test]
async fn the_doctor_learns_of_a_wrong_token_and_a_wrong_id() {
    let hs = PretendHomeserver::start().await;
    let mut appservice = hs.appservice_config("http://127.0.0.1:1");
    appservice.as_token = Secret::new("another token");
    let homeserver = Homeserver::new(&hs.homeserver_config(), &appservice).await.unwrap();
    assert!(homeserver.whoami().await.unwrap_err().is_token_refused());
    assert!(matches!(homeserver.ping("p").await.unwrap_err(), PingError::TokenRefused));
    let hs = PretendHomeserver::start_as(Setup { id: "whatsapp".to_owned(), ..Setup::default() }).await;
    assert!(matches!(connect(&hs).await.ping("p").await.unwrap_err(), PingError::WrongId));
}
