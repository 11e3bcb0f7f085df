//! Polling and opening.

use std::sync::Arc;

use matrix_webqq::qq::{ChatKind, ContactId, Envelope, Event, Piece, Sender, Verdict};
use serde_json::{Value, json};

use super::server::{body, result, retcode, status};
use super::{OWN, Qq, message, open, receive, said};

/// What one event opens as.
pub(super) async fn opened(qq: &Qq, network: &dyn matrix_webqq::qq::Network, event: Value) -> Event {
    qq.server.then("poll2", result(json!([event])));
    let batch = receive(network).await;
    assert_eq!(batch.len(), 1);
    open(network, &batch[0]).await
}

#[tokio::test]
async fn messages_of_friends_groups_and_discussions_are_opened_with_lasting_ids() {
    let qq = Qq::start().await;
    let network = qq.network().await;
    let chats = network.chats().await.unwrap();
    let cases = [
        ("message", json!({"from_uin": 2}), ChatKind::Friend, "同事"),
        ("group_message", json!({"from_uin": 50, "group_code": 50, "send_uin": 2}), ChatKind::Group, "群"),
        ("discu_message", json!({"from_uin": 10_000, "did": 70, "send_uin": 2}), ChatKind::Discussion, "讨论"),
    ];
    let peer = chats.iter().find(|chat| chat.name == "同事").unwrap().peer.clone().unwrap();
    for (poll_type, fields, kind, name) in cases {
        let message = message(opened(&qq, &*network, said(poll_type, "你好&amp;hi ", &fields)).await);
        assert_eq!((message.kind, message.sent_at_ms), (kind, 1_484_000_000_000));
        assert_eq!(message.sender, Sender::Contact(peer.clone()), "one person, whatever the chat");
        assert_eq!(message.pieces, [Piece::Text("你好&hi".to_owned())]);
        assert_eq!(chats.iter().find(|chat| chat.id == message.chat).unwrap().name, name);
    }
    assert_eq!(network.contact(&peer).await.unwrap().markname.as_deref(), Some("同事"));
}

#[tokio::test]
async fn own_words_members_and_notices_are_told_apart() {
    let qq = Qq::start().await;
    let network = qq.network().await;
    let from = |send_uin: u64, text: &str| said("group_message", text, &json!({"from_uin": 50, "send_uin": send_uin}));
    let sender = async |send_uin, text: &str| message(opened(&qq, &*network, from(send_uin, text)).await).sender;
    let Sender::Contact(member) = sender(3, "hi").await else { panic!("a member") };
    let contact = network.contact(&member).await.unwrap();
    assert_eq!((contact.nick.as_str(), contact.markname), ("阿三", None));
    assert_eq!(sender(OWN, "hi").await, Sender::Me);
    assert_eq!(qq.server.asked("get_group_info_ext2").len(), 1, "asked once, by its code");
    assert_eq!(qq.server.asked("get_group_info_ext2")[0].query["gcode"], "60");

    assert_eq!(sender(999, "my own words").await, Sender::Me);
    assert_eq!(sender(999, "my own words again").await, Sender::Me);
    assert_eq!(qq.server.asked("get_group_info_ext2").len(), 2, "once more because of 999");
    assert_eq!(sender(998, "李军(1002053815) 被管理员禁言10分钟 ").await, Sender::System);

    qq.clock.set(super::NOW_MS + 600_000);
    let mut info = super::group_info(0, 1_388_307_595);
    info["minfo"].as_array_mut().unwrap().push(json!({"uin": 999, "nick": "newcomer"}));
    qq.server.always("get_group_info_ext2", result(info));
    assert!(matches!(sender(999, "hello").await, Sender::Contact(_)), "listed ten minutes later");
}

#[tokio::test]
async fn what_a_friend_does_without_words_is_shown_in_the_chat_with_them() {
    let qq = Qq::start().await;
    let network = qq.network().await;
    let theirs = message(opened(&qq, &*network, said("message", "hi", &json!({"from_uin": 1}))).await);
    for (poll_type, fields, label) in [
        ("shake_message", json!({"msg_id": 2, "msg_type": 9}), "[窗口抖动]"),
        ("file_message", json!({"msg_id": 3, "mode": "recv", "type": 101, "name": "test.txt"}), "[文件] test.txt"),
        ("push_offfile", json!({"msg_id": 4, "rkey": "2c09", "name": "test2.py", "size": 235}), "[离线文件] test2.py"),
    ] {
        let mut event = json!({"poll_type": poll_type, "value": fields});
        event["value"]["from_uin"] = json!(1);
        let shown = message(opened(&qq, &*network, event).await);
        assert_eq!((&shown.chat, &shown.sender), (&theirs.chat, &theirs.sender), "{poll_type}");
        assert_eq!(shown.pieces, [Piece::Unsupported { label: label.to_owned() }]);
    }
    let answer = json!({"poll_type": "file_message", "value": {"mode": "send_ack", "from_uin": 1, "session_id": 7}});
    assert_eq!(opened(&qq, &*network, answer).await, Event::Quiet);
}

#[tokio::test]
async fn own_words_to_a_friend_from_another_device_are_in_the_chat_with_that_friend() {
    let qq = Qq::start().await;
    let network = qq.network().await;
    let theirs = message(opened(&qq, &*network, said("message", "hi", &json!({"from_uin": 1}))).await);
    for from in [0, OWN] {
        let mine = said("message", "hi", &json!({"from_uin": from, "to_uin": 1, "msg_id": from}));
        let mine = message(opened(&qq, &*network, mine).await);
        assert_eq!((mine.chat, mine.sender), (theirs.chat.clone(), Sender::Me));
    }
    let nowhere = said("message", "hi", &json!({"from_uin": 0, "to_uin": OWN}));
    assert!(matches!(opened(&qq, &*network, nowhere).await, Event::Unreadable { .. }));
}

#[tokio::test]
async fn a_stranger_is_looked_for_once_and_then_gets_a_chat_that_stays() {
    let qq = Qq::start().await;
    let network = qq.network().await;
    let first = message(opened(&qq, &*network, said("message", "hi", &json!({"from_uin": 77}))).await);
    let again = message(opened(&qq, &*network, said("message", "hi", &json!({"from_uin": 77, "msg_id": 8}))).await);
    assert_eq!((&first.chat, &first.sender, first.kind), (&again.chat, &again.sender, ChatKind::Friend));
    assert_eq!(qq.server.asked("get_user_friends2").len(), 1);
    let Sender::Contact(stranger) = first.sender else { panic!("somebody") };
    assert_eq!(network.contact(&stranger).await.unwrap().nick, "");
}

#[tokio::test]
async fn whatever_else_comes_is_kept_as_what_it_is() {
    let qq = Qq::start().await;
    let network = qq.network().await;
    let unsupported = |kind: &str| Event::Unsupported { kind: kind.to_owned() };
    let eclipse = json!({"poll_type": "lunar_eclipse", "value": {"when": "tonight"}});
    assert_eq!(opened(&qq, &*network, eclipse).await, unsupported("lunar_eclipse"));
    let kick = json!({"poll_type": "kick_message", "value": {"reason": "另一地点登录", "show_reason": 1}});
    qq.server.then("poll2", result(json!([kick])));
    let kick = receive(&*network).await.remove(0);
    assert_eq!(open(&*network, &kick).await, Event::SignedOut { reason: "另一地点登录".to_owned() });
    let earlier = Envelope { epoch: "an earlier login".to_owned(), ..kick };
    assert_eq!(open(&*network, &earlier).await, Event::Quiet);
    for odd in [json!(7), json!("x"), json!({"value": {}}), json!({"poll_type": "message"}), json!([])] {
        assert!(matches!(opened(&qq, &*network, odd.clone()).await, Event::Unreadable { .. }), "{odd}");
    }
    let in_unknown = said("group_message", "hi", &json!({"from_uin": 4711, "send_uin": 3}));
    assert_eq!(message(opened(&qq, &*network, in_unknown).await).kind, ChatKind::Group, "a group that no list has");
}

#[tokio::test]
async fn a_torn_batch_gives_what_is_whole_and_the_rest_as_unreadable() {
    let qq = Qq::start().await;
    let network = qq.network().await;
    let whole = said("message", "whole", &json!({"from_uin": 1}));
    let torn = format!("{{\"retcode\":0,\"result\":[{whole},{{\"poll_type\":\"message\",\"value\":{{\"con");
    qq.server.then("poll2", body(torn).torn());
    let batch = receive(&*network).await;
    assert_eq!(batch.len(), 2);
    assert_eq!(message(open(&*network, &batch[0]).await).pieces, [Piece::Text("whole".to_owned())]);
    assert!(matches!(open(&*network, &batch[1]).await, Event::Unreadable { .. }));
}

#[tokio::test]
async fn events_come_oldest_first_and_the_same_push_has_the_same_key() {
    let qq = Qq::start().await;
    let network = qq.network().await;
    let at = |time: u64, n: u64| said("message", "hi", &json!({"from_uin": 1, "time": time, "msg_id": n}));
    let events = json!([at(30, 3), at(20, 2), at(10, 1)]);
    qq.server.then("poll2", result(events.clone()));
    qq.server.then("poll2", result(events));
    let (first, second) = (receive(&*network).await, receive(&*network).await);
    assert_eq!(first, second);
    let mut times = Vec::new();
    for envelope in &first {
        times.push(message(open(&*network, envelope).await).sent_at_ms);
    }
    assert_eq!(times, [10_000, 20_000, 30_000]);
}

#[tokio::test]
async fn a_new_ptwebqq_is_taken_kept_and_used() {
    let qq = Qq::start().await;
    let network = qq.network().await;
    let before = network.session();
    qq.server.then("poll2", body("{\"retcode\":116,\"p\":\"web2\"}"));
    assert_eq!(network.receive().await.unwrap(), []);
    let session = network.session();
    assert!(!Arc::ptr_eq(&before, &session) && before.epoch == session.epoch);
    let restarted = qq.try_connect((*session).clone()).await.unwrap();
    restarted.receive().await.unwrap();
    let poll = qq.server.asked("poll2").pop().unwrap();
    assert_eq!(poll.r["ptwebqq"], "web2");
    assert!(poll.cookie.contains("ptwebqq=web2") && !poll.cookie.contains("web1"), "{}", poll.cookie);
}

#[tokio::test]
async fn a_lost_link_is_taken_up_again_and_a_refused_relink_ends_the_session() {
    let qq = Qq::start().await;
    let network = qq.network().await;
    qq.server.then("poll2", body("{\"retcode\":121,\"t\":\"0\"}"));
    qq.server.then("login2", result(json!({"psessionid": "relinked"})));
    network.receive().await.unwrap();
    network.receive().await.unwrap();
    assert_eq!(qq.server.asked("login2")[0].r["psessionid"], "one");
    assert_eq!(qq.server.asked("poll2")[1].r["psessionid"], "relinked");
    // Numbers live on.
    let theirs = said("message", "hi", &json!({"from_uin": 1}));
    assert!(matches!(opened(&qq, &*network, theirs).await, Event::Message(_)));

    qq.server.then("poll2", retcode(120));
    qq.server.then("login2", retcode(103));
    assert_eq!(network.receive().await.unwrap_err().verdict(), Verdict::LogIn);

    network.receive().await.unwrap();
    qq.server.always("poll2", retcode(121));
    for _ in 0..3 {
        network.receive().await.unwrap();
    }
    assert_eq!(network.receive().await.unwrap_err().verdict(), Verdict::LogIn, "three relinks in a row");
}

#[tokio::test]
async fn not_logged_in_is_cured_once_by_get_online_buddies2() {
    let qq = Qq::start().await;
    let network = qq.network().await;
    qq.server.then("poll2", retcode(103));
    assert_eq!(network.receive().await.unwrap(), []);
    assert_eq!(network.receive().await.unwrap(), []);
    assert_eq!(qq.server.order(), ["poll2", "get_online_buddies2", "poll2"]);
    qq.server.always("poll2", retcode(103));
    assert_eq!(network.receive().await.unwrap(), []);
    assert_eq!(network.receive().await.unwrap_err().verdict(), Verdict::LogIn);
}

#[tokio::test]
async fn every_way_in_which_an_idle_poll_ends_is_an_empty_batch() {
    let qq = Qq::start().await;
    let network = qq.network().await;
    let idle = "{\"errmsg\":\"error!!!\",\"retcode\":0}";
    for answer in [status(502), status(504), status(404), body(""), body(idle), retcode(102), retcode(1202)] {
        qq.server.then("poll2", answer);
        assert_eq!(network.receive().await.unwrap(), []);
    }
    for answer in [status(500), body("<html>"), retcode(4711), retcode(112)] {
        qq.server.then("poll2", answer);
        assert!(matches!(network.receive().await.unwrap_err().verdict(), Verdict::Retry(_)));
    }
}

#[tokio::test]
async fn the_members_of_a_group_have_ids_cards_and_the_account_among_them() {
    let qq = Qq::start().await;
    let network = qq.network().await;
    let group = network.chats().await.unwrap().into_iter().find(|chat| chat.kind == ChatKind::Group).unwrap();
    let members = network.members(&group.id).await.unwrap();
    let told: Vec<_> = members.iter().map(|member| (member.nick.as_str(), member.card.as_deref())).collect();
    assert_eq!(told, [("小明", None), ("wang", None), ("阿三", Some("三哥")), ("我", None)]);
    assert_eq!(members[3].id, ContactId::new("10001"));
    network.members(&group.id).await.unwrap();
    assert_eq!(qq.server.asked("get_group_info_ext2").len(), 1);
}

#[tokio::test]
async fn a_group_whose_members_qq_does_not_tell_still_speaks_and_is_not_asked_about_again_and_again() {
    let qq = Qq::start().await;
    let network = qq.network().await;
    qq.server.always("get_group_info_ext2", retcode(6));
    let from = |n: u64| said("group_message", "hi", &json!({"from_uin": 50, "send_uin": 900, "msg_id": n}));
    let first = message(opened(&qq, &*network, from(1)).await);
    let asked = qq.server.asked("get_group_info_ext2").len();
    let second = message(opened(&qq, &*network, from(2)).await);
    assert!(matches!(first.sender, Sender::Unclear(_)), "it may be the account's own echo");
    assert_eq!((first.chat, first.sender), (second.chat, second.sender));
    assert_eq!(qq.server.asked("get_group_info_ext2").len(), asked);
}

#[tokio::test]
async fn everything_is_listed_anew_every_ten_minutes_and_a_refusal_ends_nothing() {
    let qq = Qq::start().await;
    let network = qq.network().await;
    network.receive().await.unwrap();
    assert_eq!(qq.server.order(), ["poll2"]);
    qq.clock.set(super::NOW_MS + 599_999);
    network.receive().await.unwrap();
    assert_eq!(qq.server.order(), ["poll2"]);

    qq.clock.set(super::NOW_MS + 600_000);
    let lists = ["get_user_friends2", "get_group_name_list_mask2", "get_discus_list", "get_online_buddies2"];
    let expected = [&lists[..], &["get_recent_list2", "poll2"]].concat();
    network.receive().await.unwrap();
    assert_eq!(qq.server.order(), expected);
    network.receive().await.unwrap();
    assert_eq!(qq.server.order(), ["poll2"], "once");

    qq.clock.set(super::NOW_MS + 1_200_000);
    qq.server.then("get_user_friends2", retcode(100_101));
    network.receive().await.unwrap();
    assert_eq!(qq.server.order(), ["get_user_friends2", "poll2"]);
    qq.clock.set(super::NOW_MS + 1_800_000);
    qq.server.then("get_user_friends2", retcode(108));
    assert_eq!(network.receive().await.unwrap_err().verdict(), Verdict::LogIn);
}

#[tokio::test]
async fn strangers_make_the_client_ask_once_each_and_not_more_than_five_times_in_ten_minutes() {
    let qq = Qq::start().await;
    let network = qq.network().await;
    for n in 0..20 {
        for again in 0..2 {
            let fields = json!({"from_uin": 700 + n, "msg_id": 2 * n + again});
            message(opened(&qq, &*network, said("message", "hi", &fields)).await);
        }
    }
    assert_eq!(qq.server.asked("get_user_friends2").len(), 5);
    qq.clock.set(super::NOW_MS + 599_999);
    message(opened(&qq, &*network, said("message", "hi", &json!({"from_uin": 800, "msg_id": 90}))).await);
    assert_eq!(qq.server.asked("get_user_friends2").len(), 5);
    qq.clock.set(super::NOW_MS + 600_000);
    message(opened(&qq, &*network, said("message", "hi", &json!({"from_uin": 801, "msg_id": 91}))).await);
    // Once because of the time, and once more because of the stranger.
    assert_eq!(qq.server.asked("get_user_friends2").len(), 7);
}
