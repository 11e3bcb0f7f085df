//! Several accounts on one QQ.

use matrix_webqq::sim::{Handle, Options, Simulator, World};
use serde_json::json;

use super::browser::{Browser, LoggedIn, PTLOGIN, words};

const BOTH: &str = "group:一起";

/// The world of `nick`, who has the number `number`; `other` is a friend, and both are in one group with Carol.
fn world(nick: &str, number: u32, (other, its): (&str, u32)) -> World {
    World::parse(&format!(
        "account: {{nick: {nick}, number: {number}}}\n\
         friends: [{{name: {other}, number: {its}}}, {{name: {nick}的妈妈}}]\n\
         groups: [{{name: 一起, owner: Carol, members: [{{name: Carol}}, {{name: {other}}}]}}]\n"
    ))
    .unwrap()
}

async fn two() -> (Simulator, Handle, Handle) {
    let (anna, bert) = (("安娜", 111_111), ("伯特", 222_222));
    let options = Options {
        world: Some(world(anna.0, anna.1, bert)),
        others: vec![world(bert.0, bert.1, anna)],
        seed: Some(42),
        ..Options::default()
    };
    let sim = Simulator::start(options).await.unwrap();
    let (anna, bert) = (sim.handle(), sim.others()[0].clone());
    (sim, anna, bert)
}

#[tokio::test]
async fn each_account_has_its_own_session_friends_and_numbers_and_both_hear_their_group() {
    let (sim, anna_qq, bert_qq) = two().await;
    let (anna, bert) = (LoggedIn::to(sim.qq_addr(), &anna_qq).await, LoggedIn::to(sim.qq_addr(), &bert_qq).await);
    assert_eq!((anna.uin, bert.uin), (111_111, 222_222));
    assert_ne!(anna.group("一起").await, bert.group("一起").await, "numbers are dealt to each");
    assert_ne!(anna.friend("安娜的妈妈").await, bert.friend("伯特的妈妈").await);

    bert_qq.say(BOTH, "Carol", "你们好").unwrap();
    assert_eq!(
        (anna.poll_texts().await, bert.poll_texts().await),
        (vec!["你们好".to_owned()], vec!["你们好".to_owned()])
    );
    anna_qq.say("friend:安娜的妈妈", "安娜的妈妈", "吃了吗").unwrap();
    assert_eq!((anna.poll_texts().await, bert_qq.session().queued), (vec!["吃了吗".to_owned()], 0));

    anna_qq.send_picture_bytes(BOTH, "Carol", &b"GIF89a"[..]).unwrap();
    let key = bert_qq.spoken(0).pop().unwrap().attached.pop().unwrap().key;
    assert_eq!(bert_qq.kept(&key).unwrap(), ("image/gif", b"GIF89a"[..].into()));
}

#[tokio::test]
async fn what_one_account_says_is_an_echo_to_itself_and_a_message_to_the_other() {
    let (sim, anna_qq, bert_qq) = two().await;
    let (anna, bert) = (LoggedIn::to(sim.qq_addr(), &anna_qq).await, LoggedIn::to(sim.qq_addr(), &bert_qq).await);
    let (gid, _) = anna.group("一起").await;
    anna.send("send_qun_msg2", "group_uin", &gid, &words("到家了")).await;
    let (echo, message) = (anna.poll_json().await, bert.poll_json().await);
    let sender = |reply: &serde_json::Value| reply["result"][0]["value"]["send_uin"].clone();
    assert_eq!(message["result"][0]["value"]["content"][1], "到家了");
    assert_eq!(sender(&message), bert.friend("安娜").await);
    assert!(![json!(anna.uin), anna.friend("伯特").await].contains(&sender(&echo)), "{echo}");

    let to = anna.friend("伯特").await;
    anna.send("send_buddy_msg2", "to", &to, &words("你呢")).await;
    assert_eq!(bert.poll_json().await["result"][0]["value"]["from_uin"], bert.friend("安娜").await);
    bert_qq.say(BOTH, "伯特", "我也是").unwrap();
    let (message, phone) = (anna.poll_json().await, bert.poll_json().await);
    assert_eq!(sender(&message), anna.friend("伯特").await);
    assert_eq!((phone["result"].as_array().unwrap().len(), anna_qq.session().queued), (1, 0));
    let said = |qq: &Handle| qq.heard(0).into_iter().map(|heard| heard.text).collect::<Vec<_>>();
    assert_eq!((said(&anna_qq), said(&bert_qq).len()), (vec!["到家了".to_owned(), "你呢".to_owned()], 0));
}

#[tokio::test]
async fn a_code_is_of_the_account_whose_phone_scans_it_also_when_several_are_shown() {
    let (sim, anna_qq, bert_qq) = two().await;
    let show = async || {
        let mut browser = Browser::new(sim.qq_addr());
        browser.get(&format!("{PTLOGIN}ptqrshow?appid=501004106")).await;
        browser
    };
    let mut one = show().await;
    bert_qq.scan().unwrap();
    let mut other = show().await;
    anna_qq.scan().unwrap();
    assert_eq!((&*one.ptqrlogin().await[0], &*other.ptqrlogin().await[0]), ("67", "67"));
    bert_qq.confirm().unwrap();
    assert_eq!((&*one.ptqrlogin().await[5], &*other.ptqrlogin().await[0]), ("伯特", "67"));
    anna_qq.confirm().unwrap();
    assert_eq!(other.ptqrlogin().await[5], "安娜");
}

#[tokio::test]
async fn two_accounts_of_one_number_cannot_be() {
    let world = world("安娜", 111_111, ("伯特", 222_222));
    let options = Options { world: Some(world.clone()), others: vec![world], ..Options::default() };
    let why = Simulator::start(options).await.unwrap_err();
    assert!(why.to_string().contains("安娜 shares number or nick"), "{why}");
}
