//! Who gets which account: logins of several people at once, and an account that goes from one person to another.

use std::time::Duration;

use matrix_webqq::base::failpoint::Failpoint;
use matrix_webqq::sim::{Fault, Trouble};
use serde_json::{Value, json};

use super::{HERS, HIS, heard, neighbours, one_person, room_of, said};
use crate::support::homeserver::{Human, World as Matrix};
use crate::support::house::House;
use crate::support::inside::STEP;
use crate::support::provisioning::{Api, SECRET, ready, way_on};

/// Alice logs 小明 out, and Bob logs him in: at once, or in a bridge that dies when it has kept his session.
async fn hand_over(house: &mut House, (alice, control): (&Human, &str), dies: bool) -> Human {
    alice.say(control, "logout");
    house.bot_says(control, "Logged out 小明").await;
    let bob = house.matrix.user("bob");
    if dies {
        assert!(house.stop());
        house.start_to_die(Failpoint::LoginKept, 1);
    }
    let room = house.control_room_of(&bob).await;
    let qq = house.qq.clone();
    if dies {
        let before = house.codes_asked_about();
        bob.say(&room, "login");
        house.scan_a_code(before).await;
        house.death().await;
        house.start();
    } else {
        house.log_in_as(&bob, &qq, &room).await;
    }
    bob
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_that_goes_to_another_person_begins_in_new_rooms_and_its_old_ones_hear_nothing_more() {
    for dies in [false, true] {
        let mut house = neighbours().await;
        house.configure(&json!({ "bridge": { "personal_spaces": true } }));
        house.start();
        let (alice, his) = (house.owner.clone(), house.qq.clone());
        let control = house.log_in().await;
        his.say("friend:王芳", "王芳", "给Alice").unwrap();
        let old = room_of(&house, &alice, "给Alice").await;
        let entered = house.matrix.rooms();
        let bob = hand_over(&mut house, (&alice, &control), dies).await;
        alice.say(&old, "太晚了");

        his.say("friend:王芳", "王芳", "给Bob").unwrap();
        let new = room_of(&house, &bob, "给Bob").await;
        bob.say(&new, "我是Bob");
        his.wait_heard(|heard| !heard.is_empty()).await;
        assert_eq!(heard(&his), [("friend:王芳".to_owned(), "我是Bob".to_owned())]);
        assert!(!house.matrix.see(|world| world.members(&new)).contains(&alice.id().to_owned()));
        assert_eq!(said(&house, &old).iter().filter(|(_, text)| text.contains("Bob")).count(), 0);
        let told = house.bot_says(&control, "somebody else").await;
        assert!(told.contains(HIS) && !told.contains("bob"), "{told}");
        let bot_left = |world: &Matrix| !world.members(&old).iter().any(|user| world.is_bridged(user));
        house.matrix.wait_until("the bridge to leave", bot_left).await;
        let is_not_his = |room: &String| house.matrix.see(|world| world.membership(room, bob.id()).is_empty());
        assert!(entered.iter().all(is_not_his), "he is asked into no room of hers, nor into her spaces");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_waits_for_an_account_is_told_to_its_author_when_the_account_goes_to_another_person() {
    let mut house = neighbours().await;
    house.configure(&json!({}));
    house.start();
    let (alice, his) = (house.owner.clone(), house.qq.clone());
    let control = house.log_in().await;
    his.say("friend:王芳", "王芳", "给Alice").unwrap();
    let old = room_of(&house, &alice, "给Alice").await;
    his.fault(Fault::new("send_buddy_msg2", Trouble::Retcode(1)).times(1000));
    alice.say(&old, "等着");
    let bob = hand_over(&mut house, (&alice, &control), false).await;
    his.clear_faults();
    house.bot_says(&old, "This did not go to QQ").await;
    his.say("friend:王芳", "王芳", "给Bob").unwrap();
    let new = room_of(&house, &bob, "给Bob").await;
    bob.say(&new, "我是Bob");
    his.wait_heard(|heard| !heard.is_empty()).await;
    assert_eq!(heard(&his), [("friend:王芳".to_owned(), "我是Bob".to_owned())]);
}

/// Programs that act for Alice and for Bob.
async fn programs(house: &House) -> (Api, Api) {
    ready(&house.bridge_address()).await;
    let program = |user| Api::new(&house.bridge_address(), Some(SECRET), Some(user));
    (program(house.owner.id()), program(house.matrix.user("bob").id()))
}

fn provisioning() -> Value {
    json!({ "provisioning": { "shared_secret": SECRET } })
}

/// Begins a login; the newest code is then its own.
async fn begin(api: &Api) -> Value {
    api.post("/login/start/qr", json!({})).await
}

#[tokio::test(flavor = "multi_thread")]
async fn two_logins_through_the_api_at_once_do_not_mix_and_no_login_of_another_is_used() {
    let mut house = neighbours().await;
    house.configure(&provisioning());
    house.start();
    let (alice, bob) = programs(&house).await;
    let (his, hers) = (house.qq.clone(), house.others[0].clone());
    let alices = begin(&alice).await;
    his.scan().unwrap();
    let bobs = begin(&bob).await;
    assert_ne!(alices["display_and_wait"]["data"], bobs["display_and_wait"]["data"]);
    assert_ne!(alices["login_id"], bobs["login_id"]);
    for (one, step) in [(&alice, &bobs), (&bob, &alices)] {
        assert_eq!(one.post_refused(&way_on(step), json!({})).await, (404, "M_NOT_FOUND".to_owned()));
        let cancel = format!("/login/cancel/{}", step["login_id"].as_str().unwrap());
        assert_eq!(one.post_refused(&cancel, json!({})).await, (404, "M_NOT_FOUND".to_owned()));
    }
    hers.scan().unwrap();
    hers.confirm().unwrap();
    assert_eq!(bob.until(bobs, "complete").await["complete"]["user_login_id"], HERS);
    his.confirm().unwrap();
    assert_eq!(alice.until(alices, "complete").await["complete"]["user_login_id"], HIS);

    for (one, own, other) in [(&alice, HIS, HERS), (&bob, HERS, HIS)] {
        assert_eq!(one.get("/logins").await["login_ids"], json!([own]));
        let not_found = (404, "M_NOT_FOUND".to_owned());
        for path in ["/contacts", "/resolve_identifier/1"] {
            assert_eq!(one.refused(&format!("{path}?login_id={other}")).await, not_found, "{path}");
        }
        for path in ["/search_users", "/login/start/qr", "/create_dm/1"] {
            let refused = one.post_refused(&format!("{path}?login_id={other}"), json!({ "query": "妈妈" })).await;
            assert_eq!(refused, not_found, "{path}");
        }
        assert_eq!(one.post_refused(&format!("/logout/{other}"), json!({})).await, not_found);
    }
    let friends = |contacts: Value| contacts["contacts"].as_array().unwrap().len();
    let of_each = (friends(alice.get("/contacts").await), friends(bob.get("/contacts").await));
    assert_eq!(of_each, (7, 2), "each has friends of their own");
    assert!(his.session().online && hers.session().online);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_login_that_nobody_finishes_is_over_after_half_an_hour_and_its_code_lets_nobody_in() {
    let house = neighbours().await;
    let bridge = house.start_inside(&provisioning());
    let (alice, bob) = programs(&house).await;
    let (his, hers) = (house.qq.clone(), house.others[0].clone());
    let alices = begin(&alice).await;
    his.scan().unwrap();
    bridge.stand_still().await;
    bridge.live(Duration::from_mins(20)).await;
    assert_eq!(alice.after(&alices, json!({})).await["display_and_wait"], json!({ "type": "nothing" }), "still alive");
    let bobs = begin(&bob).await;
    bridge.live(Duration::from_mins(10) + STEP).await;
    bridge.go_on().await;
    let over = (410, "FI.MAU.BRIDGE.LOGIN_TIMED_OUT".to_owned());
    assert_eq!(alice.post_refused(&way_on(&alices), json!({})).await, over);
    let asked = his.session().calls["ptqrlogin"];
    his.confirm().unwrap();

    // That of somebody else is younger.
    hers.scan().unwrap();
    hers.confirm().unwrap();
    assert_eq!(bob.until(bobs, "complete").await["complete"]["user_login_id"], HERS);
    assert_eq!(alice.get("/logins").await["login_ids"], json!([]));
    assert_eq!((his.session().logins, his.session().calls["ptqrlogin"]), (0, asked));
}

/// Alice, who may have one account logged in and has that of 小明; her control room, and a program that acts for her.
async fn one_at_most() -> (House, Human, String, Api) {
    let mut house = neighbours().await;
    house.configure(&json!({ "bridge": { "max_logins": 1 }, "provisioning": { "shared_secret": SECRET } }));
    house.start();
    let (api, _) = programs(&house).await;
    let control = house.log_in().await;
    let alice = house.owner.clone();
    (house, alice, control, api)
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_has_as_many_accounts_as_they_may_have_gets_no_other_one_until_they_log_one_out() {
    let (house, alice, control, _) = one_at_most().await;
    let hers = house.others[0].clone();
    let (full, asked) = ("At most 1", house.codes_asked_about());
    alice.say(&control, "login");
    let told = house.bot_says(&control, full).await;
    assert!(told.contains(&format!("小明 ({HIS})")) && told.contains("`logout`"), "{told}");
    assert_eq!(house.codes_asked_about(), asked, "no code is shown that would be in vain");

    // What is theirs can be logged in again; who scans is seen only at the end.
    alice.say(&control, "relogin");
    house.scan_a_code_with(&hers, asked).await;
    house.is_told(&control, full, 2).await;
    alice.say(&control, "list-logins");
    assert!(!house.bot_says(&control, "connected").await.contains(HERS));
    let (asked, logins) = (house.codes_asked_about(), house.told(&control, "You are logged in"));
    alice.say(&control, "relogin");
    house.scan_a_code(asked).await;
    house.is_told(&control, "You are logged in", logins + 1).await;

    alice.say(&control, "logout");
    house.bot_says(&control, "Logged out 小明").await;
    house.log_in_as(&alice, &hers, &control).await;
    let told = house.told(&control, full);
    alice.say(&control, &format!("relogin {HIS}"));
    house.is_told(&control, full, told + 1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn over_the_api_another_account_may_take_the_place_of_the_only_one_and_not_stand_beside_it() {
    let (house, _, _, api) = one_at_most().await;
    let hers = house.others[0].clone();
    assert_eq!(api.post_refused("/login/start/qr", json!({})).await, (403, "M_FORBIDDEN".to_owned()));
    let before = house.codes_asked_about();
    let code = api.post(&format!("/login/start/qr?login_id={HIS}"), json!({})).await;
    house.scan_a_code_with(&hers, before).await;
    assert_eq!(api.until(code, "complete").await["complete"]["user_login_id"], HERS);
    assert_eq!(api.get("/logins").await["login_ids"], json!([HERS]));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_that_is_not_connected_is_named_where_its_chats_are_missing() {
    let (mut house, control) = one_person().await;
    let (alice, his, hers) = (house.owner.clone(), house.qq.clone(), house.others[0].clone());
    hers.kick("您的帐号在另一地点登录").unwrap();
    house.bot_says(&control, &format!("The QQ session of 小红 ({HERS}) has ended")).await;
    let lost = format!("小红 ({HERS}) is not connected to QQ now, and left out. Write `relogin {HERS}`");
    for (times, command) in ["friends 芳", "groups 相亲", "search 闺蜜", "open 闺蜜"].into_iter().enumerate() {
        alice.say(&control, command);
        house.is_told(&control, &lost, times + 1).await;
    }
    house.bot_says(&control, "No friend or group is called 闺蜜").await;

    // His session is good, and waits until QQ can be reached.
    assert!(house.stop());
    his.fault(Fault::new("get_online_buddies2", Trouble::Http(502)).times(1000));
    house.start();
    alice.say(&control, "friends");
    let told = house.bot_says(&control, &format!("小明 ({HIS}) has not reached QQ yet")).await;
    assert!(told.contains(&lost), "{told}");
    alice.say(&control, &format!("logout {HERS}"));
    house.bot_says(&control, "Logged out 小红").await;
    let polls = his.session().calls["poll2"];
    his.clear_faults();
    his.wait_session(|session| session.calls["poll2"] > polls).await;
    alice.say(&control, "friends");
    assert!(!house.bot_says(&control, "7 found").await.contains("left out"), "one that was logged out is not missed");
}
