//! Logging in, taking a session up, and finding everybody again after the next login.

use matrix_webqq::qq::{ChatKind, Event, LoginStep, Outgoing, Piece, Verdict};
use serde_json::json;

use super::server::{body, result, retcode, status};
use super::{Qq, message, open, receive, said};

fn ptui(code: u32, text: &str) -> super::server::Answer {
    body(format!("ptuiCB('{code}','0','','0','{text}', '');\r\n"))
}

#[tokio::test]
async fn a_qr_login_goes_from_the_code_to_a_session() {
    let qq = Qq::start().await;
    for answer in [ptui(66, "二维码未失效。(1)"), ptui(67, "二维码认证中。(1)"), ptui(67, "二维码认证中。(2)")]
    {
        qq.server.then("ptqrlogin", answer);
    }
    let mut login = qq.login();
    assert!(matches!(login.step().await.unwrap(), LoginStep::ShowQr(png) if png.starts_with(b"\x89PNG")));
    assert!(matches!(login.step().await.unwrap(), LoginStep::Scanned));
    let LoginStep::Done(session) = login.step().await.unwrap() else { panic!("done") };
    assert_eq!((session.account.as_str(), session.nick.as_str()), ("10001", "我"));
    assert!(!session.epoch.is_empty() && !session.epoch.contains("one"), "the epoch gives no ticket away");
    assert!(login.step().await.is_err(), "it is over");

    let asked = qq.server.asked("ptqrlogin");
    assert_eq!(asked.len(), 4);
    assert!(asked.iter().all(|asked| asked.host == "ssl.ptlogin2.qq.com" && asked.query["ptqrtoken"] == "97"));
    assert!(asked[0].cookie.contains("qrsig=a"));
    let check_sig = &qq.server.asked("check_sig")[0];
    assert_eq!((check_sig.host.as_str(), check_sig.query["ptsigx"].as_str()), ("ptlogin4.web2.qq.com", "1"));
    assert!(qq.server.asked("proxy.html").is_empty(), "the redirect is not followed");
    let login2 = &qq.server.asked("login2")[0];
    assert_eq!(login2.host, "d1.web2.qq.com");
    assert_eq!(login2.r["ptwebqq"], "web1");
    assert!(login2.cookie.contains("p_skey=p") && login2.cookie.contains("ptwebqq=web1"), "{}", login2.cookie);
    assert!(!login2.cookie.contains("qrsig"), "another domain's cookie");
    let order = qq.server.order();
    let order: Vec<&str> = order.iter().skip(5).map(String::as_str).collect();
    assert_eq!(order, ["check_sig", "getvfwebqq", "login2", "get_online_buddies2"]);
}

#[tokio::test]
async fn a_code_that_expired_is_replaced_until_there_were_too_many() {
    let qq = Qq::start().await;
    qq.server.always("ptqrlogin", ptui(65, "二维码已失效。(1)"));
    let mut login = qq.login();
    for _ in 0..2 {
        assert!(matches!(login.step().await.unwrap(), LoginStep::ShowQr(_)));
        assert!(matches!(login.step().await.unwrap(), LoginStep::Expired));
    }
    let error = login.step().await.unwrap_err();
    assert_eq!((error.verdict(), qq.server.asked("ptqrshow").len()), (Verdict::GiveUp, 2));
}

#[tokio::test]
async fn hiccups_of_the_network_do_not_end_a_login_but_a_no_does() {
    let qq = Qq::start().await;
    for answer in [status(502), status(403), body(""), body("<html>"), ptui(66, "二维码未失效。(1)").torn()] {
        qq.server.then("ptqrlogin", answer);
    }
    for endpoint in ["ptqrshow", "getvfwebqq", "login2"] {
        qq.server.then(endpoint, status(404));
    }
    assert_eq!(qq.session().await.account.as_str(), "10001");

    qq.server.always("ptqrlogin", ptui(68, "本次登录已被拒绝"));
    let mut login = qq.login();
    login.step().await.unwrap();
    assert_eq!(login.step().await.unwrap_err().to_string(), "QQ refused the login (code 68): 本次登录已被拒绝");
}

#[tokio::test]
async fn a_new_login_fetches_the_lists_and_a_restart_does_not() {
    let qq = Qq::start().await;
    let session = qq.session().await;
    qq.server.order();
    let network = qq.try_connect(session.clone()).await.unwrap();
    let lists = ["get_user_friends2", "get_group_name_list_mask2", "get_discus_list"];
    let after = ["get_online_buddies2", "get_recent_list2"];
    let friends = &qq.server.asked("get_user_friends2")[0];
    assert_eq!((friends.host.as_str(), &friends.r["vfwebqq"]), ("s.web2.qq.com", &json!("vf")));
    assert_eq!(friends.r["hash"].as_str().unwrap().len(), 16);
    assert_eq!(qq.server.order(), [lists.as_slice(), &after].concat());
    let chats = network.chats().await.unwrap();
    let names: Vec<&str> = chats.iter().map(|chat| chat.name.as_str()).collect();
    assert_eq!(names, ["小明", "同事", "群", "讨论"]);
    assert_eq!((network.matching().kept, network.matching().new), (0, 4));

    let again = qq.try_connect(session).await.unwrap();
    assert_eq!(qq.server.order(), after);
    assert_eq!(again.chats().await.unwrap(), chats);
}

#[tokio::test]
async fn lists_that_fail_for_now_are_asked_again_and_lasting_refusals_ask_for_a_login() {
    let qq = Qq::start().await;
    qq.server.then("get_user_friends2", retcode(6));
    qq.server.then("get_user_friends2", retcode(100_000));
    qq.server.then("get_group_name_list_mask2", body("{\"retcode\":0,\"result\":"));
    qq.server.then("get_discus_list", status(502));
    let session = qq.session().await;
    assert!(qq.try_connect(session.clone()).await.is_ok());

    qq.server.always("get_online_buddies2", retcode(103));
    let Err(error) = qq.try_connect(session).await else { panic!("refused") };
    assert_eq!(error.verdict(), Verdict::LogIn);

    let qq = Qq::start().await;
    qq.server.always("get_user_friends2", retcode(100_000));
    let Err(error) = qq.try_connect(qq.session().await).await else { panic!("refused") };
    assert_eq!(error.verdict(), Verdict::LogIn);
}

#[tokio::test]
async fn after_the_next_login_chats_keep_their_ids_and_old_envelopes_open() {
    let qq = Qq::start().await;
    let network = qq.network().await;
    let chats = network.chats().await.unwrap();
    let words = said("message", "hi", &json!({"from_uin": 1}));
    let in_group = said("group_message", "hi", &json!({"from_uin": 50, "send_uin": 3}));
    qq.server.then("poll2", result(json!([words, in_group])));
    let old = receive(&*network).await;
    // The group message, newest first on the wire, comes first; both are known by now.
    let known: Vec<_> = [open(&*network, &old[0]).await, open(&*network, &old[1]).await].map(message).into();

    qq.script_login("two");
    qq.script_lists(1000);
    let network = qq.network().await;
    assert_eq!(network.chats().await.unwrap(), chats);
    assert_eq!((network.matching().kept, network.matching().new), (4, 0));
    let again: Vec<_> = [open(&*network, &old[0]).await, open(&*network, &old[1]).await].map(message).into();
    assert_eq!(again, known);

    let words = said("message", "hi", &json!({"from_uin": 1001}));
    let in_group = said("group_message", "hi", &json!({"from_uin": 1050, "send_uin": 1003}));
    qq.server.then("poll2", result(json!([words, in_group])));
    let new = receive(&*network).await;
    for (envelope, known) in new.iter().zip(&known) {
        let message = message(open(&*network, envelope).await);
        assert_eq!((&message.chat, &message.sender), (&known.chat, &known.sender));
        assert_eq!(message.key, known.key, "handed out again");
    }
    qq.server.then("poll2", result(json!([said("message", "hi", &json!({"from_uin": 1001, "time": 1_500_000_099}))])));
    let later = message(open(&*network, &receive(&*network).await[0]).await);
    assert!(known.iter().all(|known| known.key != later.key), "the same words at another time");
}

#[tokio::test]
async fn friends_who_cannot_be_told_apart_are_parked_after_the_next_login() {
    let qq = Qq::start().await;
    let twins = |one: u64, two: u64| {
        let info = [json!({"uin": one, "nick": "同名"}), json!({"uin": two, "nick": "同名"})];
        result(json!({"friends": [{"uin": one}, {"uin": two}], "marknames": [], "info": info}))
    };
    qq.server.always("get_user_friends2", twins(1, 2));
    qq.network().await;
    qq.script_login("two");
    qq.server.always("get_user_friends2", twins(11, 12));
    let network = qq.network().await;
    let matching = network.matching();
    assert_eq!(matching.doubts.len(), 2);
    assert!(matching.doubts.iter().all(|doubt| doubt.kind == ChatKind::Friend && doubt.name == "同名"));
    qq.server.then("poll2", result(json!([said("message", "hi", &json!({"from_uin": 11}))])));
    let batch = receive(&*network).await;
    assert!(matches!(open(&*network, &batch[0]).await, Event::Parked { .. }));
}

#[tokio::test]
async fn a_group_of_the_same_name_but_another_age_gets_no_word_in_either_direction() {
    let qq = Qq::start().await;
    let network = qq.network().await;
    let in_group = |gid: u64, uin: u64| said("group_message", "hi", &json!({"from_uin": gid, "send_uin": uin}));
    qq.server.then("poll2", result(json!([in_group(50, 3)])));
    let old = receive(&*network).await;
    let chat = message(open(&*network, &old[0]).await).chat;

    qq.script_login("two");
    qq.script_lists(1000);
    qq.server.always("get_group_info_ext2", result(super::group_info(1000, 1_500_000_000)));
    let network = qq.network().await;
    let hello = Outgoing { pieces: vec![Piece::Text("hi".to_owned())], ..Outgoing::default() };
    assert!(network.send(&chat, &hello).await.is_err());
    assert!(qq.server.asked("send_qun_msg2").is_empty());
    qq.server.then("poll2", result(json!([in_group(1050, 1003)])));
    let batch = receive(&*network).await;
    assert!(matches!(open(&*network, &batch[0]).await, Event::Parked { .. }));
}
