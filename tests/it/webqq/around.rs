//! What happens around the account: each kind of event as the dossier has it captured, with the numbers of the scripted QQ.

use matrix_webqq::qq::{
    Answer, Change, ChatKind, Event, Network, News, Outgoing, Passing, Piece, Sender, Sent, Status, Wanted,
};
use matrix_webqq::qq::{ChatId, ContactId, Error};
use serde_json::{Value, json};

use super::receiving::opened;
use super::server::{body, result, retcode};
use super::{OWN, Qq, group_info, message, said};

/// A `sys_g_msg` about the group of the scripted QQ, with more fields.
fn group_event(kind: &str, more: &Value) -> Value {
    let mut value = json!({
        "msg_id": 5940, "from_uin": 50, "to_uin": OWN, "msg_id2": rand_id(more), "reply_ip": 176_498_394,
        "type": kind, "gcode": 60, "t_gcode": 249_818_602,
    });
    value.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    json!({"poll_type": "sys_g_msg", "value": value})
}

/// Different for different events.
fn rand_id(of: &Value) -> u64 {
    of.to_string().bytes().fold(7, |id, byte| (id * 31 + u64::from(byte)) % 1_000_003)
}

fn system(kind: &str, more: &Value) -> Value {
    let mut value = json!({"seq": rand_id(more), "type": kind, "from_uin": 77, "stat": 10});
    value.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    json!({"poll_type": "system_message", "value": value})
}

/// The group's chat and the lasting id of its stranger 阿三, who has spoken.
async fn met(qq: &Qq, network: &dyn Network) -> (ChatId, ContactId) {
    let spoken = said("group_message", "hi", &json!({"from_uin": 50, "send_uin": 3, "msg_id": 1}));
    let spoken = message(opened(qq, network, spoken).await);
    let Sender::Contact(third) = spoken.sender else { panic!("a member") };
    (spoken.chat, third)
}

async fn change(qq: &Qq, network: &dyn Network, kind: &str, more: Value) -> Change {
    match opened(qq, network, group_event(kind, &more)).await {
        Event::Group(news) => news.change,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn statuses_and_typing_are_of_people_who_are_known() {
    let qq = Qq::start().await;
    let network = qq.network().await;
    let status = |uin: u64, status: &str| json!({"poll_type": "buddies_status_change", "value": {"uin": uin, "status": status, "client_type": 1}});
    for (word, expected) in [
        ("online", Some(Status::Online)),
        ("away", Some(Status::Away)),
        ("busy", Some(Status::Busy)),
        ("callme", Some(Status::CallMe)),
        ("silent", Some(Status::Silent)),
        ("hidden", Some(Status::Hidden)),
        ("offline", None),
    ] {
        let Event::Passing(Passing::Presence { status, .. }) = opened(&qq, &*network, status(1, word)).await else {
            panic!("{word}")
        };
        assert_eq!(status, expected);
    }
    assert_eq!(opened(&qq, &*network, status(77, "online")).await, Event::Quiet, "a stranger gets no id for that");
    assert!(matches!(opened(&qq, &*network, status(1, "asleep")).await, Event::Unsupported { .. }));
    let odd = json!({"poll_type": "buddies_status_change", "value": {"status": "online"}});
    assert!(matches!(opened(&qq, &*network, odd).await, Event::Unreadable { .. }));

    let typing = |uin: u64| {
        let value = json!({"msg_id": 52149, "from_uin": uin, "to_uin": OWN, "msg_id2": 1, "msg_type": 121, "reply_ip": 4_294_967_295_u64});
        json!({"poll_type": "input_notify", "value": value})
    };
    let Event::Passing(Passing::Typing { chat, contact }) = opened(&qq, &*network, typing(1)).await else {
        panic!("typing")
    };
    let friend = network.chats().await.unwrap().into_iter().find(|one| one.id == chat).unwrap();
    assert_eq!((friend.name.as_str(), friend.peer), ("小明", Some(contact)));
    assert_eq!(opened(&qq, &*network, typing(77)).await, Event::Quiet);
    let tips = json!({"poll_type": "tips", "value": {"txt3": "?", "url": "run=mySignature"}});
    assert_eq!(opened(&qq, &*network, tips).await, Event::Quiet);
}

#[tokio::test]
async fn members_who_come_and_go_are_named_from_the_member_list() {
    let qq = Qq::start().await;
    let network = qq.network().await;
    let (chat, third) = met(&qq, &*network).await;
    let mut info = group_info(0, 1_388_307_595);
    info["minfo"].as_array_mut().unwrap().push(json!({"uin": 9, "nick": "新人"}));
    qq.server.always("get_group_info_ext2", result(info));
    let joined = json!({"msg_type": 33, "op_type": 3, "new_member": 9, "t_new_member": "", "admin_uin": 3, "admin_nick": "创建者"});
    let Change::Joined(ninth) = change(&qq, &*network, "group_join", joined).await else { panic!("joined") };
    assert_eq!(network.contact(&ninth).await.unwrap().nick, "新人");

    let left = |who: u64, more: Value| {
        let mut left = json!({"msg_type": 34, "op_type": 2, "old_member": who, "t_old_member": ""});
        left.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        left
    };
    assert_eq!(change(&qq, &*network, "group_leave", left(9, json!({}))).await, Change::Left(ninth));
    let put_out = left(3, json!({"op_type": 3, "admin_uin": 1, "t_admin_uin": "", "admin_nick": "创建者"}));
    let by = "创建者".to_owned();
    assert_eq!(change(&qq, &*network, "group_leave", put_out).await, Change::PutOut { who: third, by: by.clone() });
    let unheard = group_event("group_leave", &left(1234, json!({})));
    assert_eq!(opened(&qq, &*network, unheard).await, Event::Quiet);

    qq.server.always("get_group_name_list_mask2", result(json!({"gnamelist": [], "gmarklist": []})));
    let gone = left(OWN, json!({"op_type": 3, "admin_nick": "创建者"}));
    let Event::Group(news) = opened(&qq, &*network, group_event("group_leave", &gone)).await else { panic!("gone") };
    assert_eq!((news.chat, news.name.as_str(), news.change), (chat, "群", Change::Gone { by }));
    assert!(network.chats().await.unwrap().iter().all(|chat| chat.kind != ChatKind::Group), "the list is updated");
    assert_eq!(change(&qq, &*network, "group_leave", left(0, json!({"op_type": 1}))).await, Change::Dissolved);
}

#[tokio::test]
async fn offices_are_told_whichever_way_they_are_written() {
    let qq = Qq::start().await;
    let network = qq.network().await;
    let (_, third) = met(&qq, &*network).await;
    for (op_type, now) in [(1, true), (0, false), (3, true), (2, false)] {
        let more =
            json!({"msg_type": 44, "op_type": op_type, "uin": 3, "t_uin": 2_564_781_987_u64, "uin_flag": op_type});
        let who = third.clone();
        assert_eq!(change(&qq, &*network, "group_admin_op", more).await, Change::Administrator { who, now });
    }
    let handed = json!({"op_type": 255, "old_uin": 3, "new_uin": OWN, "t_old_uin": "", "t_new_uin": ""});
    let own = ContactId::new(OWN.to_string());
    let owner = Change::Owner { from: Some(third), to: own };
    assert_eq!(change(&qq, &*network, "group_admin_op", handed).await, owner);
    for odd in [json!({"op_type": 9, "uin": 3}), json!({"op_type": 1})] {
        let event = opened(&qq, &*network, group_event("group_admin_op", &odd)).await;
        assert!(matches!(event, Event::Unsupported { .. } | Event::Unreadable { .. }), "{event:?}");
    }
    let event = opened(&qq, &*network, group_event("group_party", &json!({}))).await;
    assert_eq!(event, Event::Unsupported { kind: "sys_g_msg group_party".to_owned() });
}

#[tokio::test]
async fn requests_are_asked_and_answered_with_the_calls_of_their_kind() {
    let qq = Qq::start().await;
    let network = qq.network().await;
    qq.server.always("get_stranger_info2", result(json!({"nick": "阿花&amp;", "token": "x"})));
    let wanted = system("verify_required", &json!({"uiuin": "", "account": 841_473_232, "msg": "aaa", "allow": 1}));
    let Event::Asked(friend) = opened(&qq, &*network, wanted).await else { panic!("asked") };
    assert_eq!(
        (friend.wanted, friend.who.as_str(), friend.words.as_str()),
        (Wanted::Friendship, "阿花& (841473232)", "aaa")
    );
    let enters = json!({"msg_type": 35, "request_uin": 88, "t_request_uin": "", "msg": "gggggg"});
    let Event::Asked(member) = opened(&qq, &*network, group_event("group_request_join", &enters)).await else {
        panic!("asked")
    };
    assert_eq!((member.wanted, member.words.as_str()), (Wanted::Membership("群".to_owned()), "gggggg"));
    assert_eq!(qq.server.asked("get_stranger_info2")[1].query["code"], "group_request_join-50");

    for endpoint in ["allow_and_add2", "allow_added_request2", "deny_added_request2", "op_group_join_req"] {
        qq.server.always(endpoint, result(json!("ok")));
    }
    let no = Answer::Deny("不认识".to_owned());
    network.answer(&friend.ticket, &no).await.unwrap();
    let denied = &qq.server.asked("deny_added_request2")[0].r;
    assert_eq!((&denied["account"], &denied["msg"]), (&json!(841_473_232), &json!("不认识")));
    network.answer(&friend.ticket, &Answer::Accept).await.unwrap();
    assert_eq!(qq.server.asked("allow_and_add2")[0].r["account"], 841_473_232);
    qq.server.always("allow_and_add2", retcode(100_001));
    network.answer(&friend.ticket, &Answer::Accept).await.unwrap();
    assert_eq!(qq.server.asked("allow_added_request2").len(), 1, "one who is a friend already cannot be added");
    network.answer(&member.ticket, &no).await.unwrap();
    network.answer(&member.ticket, &Answer::Accept).await.unwrap();
    let ops: Vec<_> = qq.server.asked("op_group_join_req").iter().map(|ask| ask.query.clone()).collect();
    assert_eq!(
        (ops[0]["group_uin"].as_str(), ops[0]["req_uin"].as_str(), ops[0]["op_type"].as_str()),
        ("50", "88", "3")
    );
    assert_eq!((ops[0]["msg"].as_str(), ops[1]["op_type"].as_str()), ("不认识", "2"));
    assert!(matches!(network.answer("?", &no).await, Err(Error::Refused { .. })));

    qq.script_login("two");
    let later = qq.network().await;
    assert!(matches!(later.answer(&member.ticket, &no).await, Err(Error::Refused { .. })), "its numbers are gone");
    later.answer(&friend.ticket, &no).await.unwrap();
}

#[tokio::test]
async fn what_became_of_own_requests_is_told() {
    let qq = Qq::start().await;
    let network = qq.network().await;
    let told = |who: &str| who.to_owned();
    for (event, news) in [
        (system("added_buddy_nosig", &json!({"account": 569_398_403})), News::Added(told("569398403"))),
        (
            system("added_buddy_sig", &json!({"account": 569_398_403, "sig": "Ub\u{8a}"})),
            News::Added(told("569398403")),
        ),
        (system("verify_pass", &json!({"account": 7})), News::Befriended(told("7"))),
        (system("verify_pass_add", &json!({"account": 8, "group_id": 0})), News::Befriended(told("8"))),
        (
            system("verify_rejected", &json!({"account": 7, "msg": "no"})),
            News::Rejected { who: told("7"), why: told("no") },
        ),
        (group_event("group_request_join_agree", &json!({"admin_uin": 3, "msg": ""})), News::LetIn(told("群"))),
        (
            group_event("group_request_join_deny", &json!({"admin_uin": 3, "msg": "full"})),
            News::KeptOut { group: told("群"), why: told("full") },
        ),
    ] {
        assert_eq!(opened(&qq, &*network, event).await, Event::Told(news));
    }
    assert_eq!(qq.server.asked("get_user_friends2").len(), 2, "asked again for each new friend");
    let created = group_event("group_create", &json!({"msg_type": 38, "owner_uin": OWN}));
    assert_eq!(opened(&qq, &*network, created).await, Event::Quiet);
    let other = opened(&qq, &*network, system("verify_maybe", &json!({}))).await;
    assert_eq!(other, Event::Unsupported { kind: "system_message verify_maybe".to_owned() });
}

#[tokio::test]
async fn a_changed_friend_list_is_asked_for_again_each_time() {
    let qq = Qq::start().await;
    let network = qq.network().await;
    let changed = json!({"poll_type": "buddylist_change", "value": {"added_friends": [{"groupid": 0, "uin": 4}], "removed_friends": []}});
    let friends = json!({
        "friends": [{"uin": 1, "categories": 0}, {"uin": 4, "categories": 0}], "marknames": [], "categories": [],
        "info": [{"uin": 1, "nick": "小明"}, {"uin": 4, "nick": "新朋友"}]
    });
    qq.server.always("get_user_friends2", result(friends));
    for asked in 1..=2 {
        assert_eq!(opened(&qq, &*network, changed.clone()).await, Event::Quiet);
        assert_eq!(qq.server.asked("get_user_friends2").len(), asked, "the same change twice is two changes");
    }
    let names: Vec<String> = network.chats().await.unwrap().into_iter().map(|chat| chat.name).collect();
    assert!(names.contains(&"新朋友".to_owned()) && !names.contains(&"同事".to_owned()), "{names:?}");
}

#[tokio::test]
async fn shared_things_are_said_by_whoever_shared_them_or_by_the_group() {
    let qq = Qq::start().await;
    let network = qq.network().await;
    let (chat, third) = met(&qq, &*network).await;
    let shared = |send_uin: u64, xml: &str| {
        let value = json!({"msg_id": send_uin, "from_uin": 50, "to_uin": OWN, "msg_id2": 343_597, "msg_type": 45,
            "group_code": 60, "group_type": 1, "ver": 1, "send_uin": send_uin, "xml": xml});
        json!({"poll_type": "group_web_message", "value": value})
    };
    let xml = r#"<?xml version="1.0" encoding="utf-8"?><d><n t="h" u="2519967390"/><n t="t" s="共享文件"/><n t="b"/><n t="t" s="IMG_1193.jpg"/></d>"#;
    let event = message(opened(&qq, &*network, shared(3, xml)).await);
    assert_eq!((event.chat, event.sender), (chat, Sender::Contact(third)));
    assert_eq!(event.pieces, [Piece::Text("共享文件 IMG_1193.jpg".to_owned())]);
    assert_eq!(message(opened(&qq, &*network, shared(999, xml)).await).sender, Sender::System, "never an echo");
    let broken = message(opened(&qq, &*network, shared(OWN, "<d>")).await);
    assert_eq!(broken.pieces, [Piece::Unsupported { label: "[网页消息]".to_owned() }]);
}

/// A message of a temporary session; its `id` is a gid, a code or a did.
fn whisper(id: u64, service_type: u8, from: u64, msg_id: u64) -> Value {
    let more = json!({"from_uin": from, "msg_id": msg_id, "msg_id2": 369_799, "msg_type": 140, "id": id,
        "ruin": 85_379_868, "service_type": service_type, "flags": {"text": 1, "pic": 1, "file": 1, "audio": 1, "video": 1}});
    said("sess_message", "test ", &more)
}

#[tokio::test]
async fn a_temporary_session_is_a_chat_of_its_own_for_each_person_and_place() {
    let qq = Qq::start().await;
    let network = qq.network().await;
    let first = message(opened(&qq, &*network, whisper(50, 0, 3, 1)).await);
    let Sender::Contact(third) = &first.sender else { panic!("somebody") };
    assert_eq!((first.kind, network.contact(third).await.unwrap().nick.as_str()), (ChatKind::Temporary, "阿三"));
    let by_code = message(opened(&qq, &*network, whisper(60, 0, 3, 2)).await);
    assert_eq!((&by_code.chat, &by_code.sender), (&first.chat, &first.sender), "the code means the same group");
    let elsewhere = message(opened(&qq, &*network, whisper(70, 1, 1, 3)).await);
    assert_ne!(elsewhere.chat, first.chat);
    let old = said("message", "hi", &json!({"from_uin": 3, "msg_type": 140, "id": 50, "msg_id": 4}));
    assert_eq!(message(opened(&qq, &*network, old).await).chat, first.chat, "as it was in 2011");
    assert!(network.chats().await.unwrap().iter().all(|chat| chat.kind != ChatKind::Temporary), "in no list");
}

#[tokio::test]
async fn an_answer_in_a_temporary_session_takes_a_leave_that_is_good_for_five_minutes() {
    let qq = Qq::start().await;
    let network = qq.network().await;
    let chat = message(opened(&qq, &*network, whisper(50, 0, 3, 1)).await).chat;
    qq.server.always("get_c2cmsg_sig2", result(json!({"type": 0, "value": "5ca1ab1e", "flags": {"text": 1}})));
    qq.server.always("send_sess_msg2", body(r#"{"errCode":0,"msg":"send ok"}"#));
    let words = Outgoing { pieces: vec![Piece::Text("hi".to_owned())], ..Outgoing::default() };
    for _ in 0..2 {
        assert_eq!(network.send(&chat, &words).await.unwrap(), Sent::Accepted(None));
    }
    let sent = &qq.server.asked("send_sess_msg2")[0].r;
    assert_eq!((&sent["to"], &sent["group_sig"], &sent["service_type"]), (&json!(3), &json!("5ca1ab1e"), &json!(0)));
    let leave = &qq.server.asked("get_c2cmsg_sig2")[0].query;
    assert_eq!((leave["id"].as_str(), leave["to_uin"].as_str(), leave["service_type"].as_str()), ("50", "3", "0"));
    assert_eq!(qq.server.asked("get_c2cmsg_sig2").len(), 1);
    qq.clock.set(super::NOW_MS + 300_000);
    network.send(&chat, &words).await.unwrap();
    assert_eq!(qq.server.asked("get_c2cmsg_sig2").len(), 2);

    qq.server.then("send_sess_msg2", retcode(100_001));
    assert_eq!(network.send(&chat, &words).await.unwrap(), Sent::Accepted(None), "once more with a new leave");
    assert_eq!(qq.server.asked("get_c2cmsg_sig2").len(), 3);
    qq.clock.set(super::NOW_MS + 900_000);
    qq.server.always("get_c2cmsg_sig2", result(json!({"type": 0, "value": ""})));
    assert!(matches!(network.send(&chat, &words).await, Err(Error::Refused { .. })), "QQ gives no leave");

    qq.script_login("two");
    qq.script_lists(1000);
    qq.server.always("get_c2cmsg_sig2", result(json!({"type": 0, "value": "again"})));
    let later = qq.network().await;
    assert_eq!(later.send(&chat, &words).await.unwrap(), Sent::Accepted(None));
    assert_eq!(qq.server.asked("send_sess_msg2").last().unwrap().r["to"], 1003, "found again among the members");
}
