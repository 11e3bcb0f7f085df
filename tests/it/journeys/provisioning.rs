//! Logging in and starting chats over the provisioning API, as mautrix-manager does. Every answer is held against
//! docs/provisioning.json.

use matrix_webqq::base::failpoint::Failpoint;
use matrix_webqq::sim::{Era, QrState, Rules, World};
use reqwest::Method;
use serde_json::{Value, json};

use crate::support::house::House;
use crate::support::provisioning::{Api, SECRET, ready, way_on};

const ACCOUNT: &str = "2769546520";

fn settings() -> Value {
    json!({ "provisioning": { "shared_secret": SECRET } })
}

/// A house whose API knows [`SECRET`], and a program that acts for the owner.
async fn house() -> (House, Api) {
    let house = House::configured(&settings()).await;
    ready(&house.bridge_address()).await;
    let api = Api::new(&house.bridge_address(), Some(SECRET), Some(house.owner.id()));
    (house, api)
}

/// The same in which a password is asked for, and a captcha.
async fn house_of_passwords() -> (House, Api) {
    let mut world = World::example().unwrap();
    world.options = Rules { era: Era::Y2014, captcha: true, ..world.options };
    let mut changes = settings();
    changes["network"] = json!({ "webqq": { "era": "2014" } });
    let house = House::with(world, &changes).await;
    ready(&house.bridge_address()).await;
    let api = Api::new(&house.bridge_address(), Some(SECRET), Some(house.owner.id()));
    (house, api)
}

/// Begins a login and has the phone say yes; gives what the client is told then.
async fn log_in(house: &House, api: &Api) -> Value {
    let before = house.codes_asked_about();
    let code = api.post("/login/start/qr", json!({})).await;
    house.scan_a_code(before).await;
    api.until(code, "complete").await
}

fn names(people: &Value) -> Vec<&str> {
    people.as_array().unwrap().iter().map(|one| one["name"].as_str().unwrap()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn somebody_logs_in_over_the_api_alone_and_is_connected() {
    let (mut house, api) = house().await;
    let who = api.get("/whoami").await;
    assert_eq!(
        (&who["logins"], &who["command_prefix"], &who["homeserver"]),
        (&json!([]), &json!("!qq"), &json!("hs.test"))
    );
    assert_eq!(who["login_flows"], api.get("/login/flows").await["flows"]);
    assert_eq!(who["login_flows"][0]["id"], "qr");
    assert!(house.matrix.see(|world| world.media(who["network"]["network_icon"].as_str().unwrap()).is_some()));
    assert_eq!(api.get("/capabilities").await["resolve_identifier"]["contact_list"], true);

    let before = house.codes_asked_about();
    let code = api.post("/login/start/qr", json!({})).await;
    assert!(code["display_and_wait"]["data"].as_str().unwrap().starts_with("https://txz.qq.com/p?k="), "{code}");
    let refused = async {
        house.qq.wait_session(|session| session.calls.get("ptqrlogin").copied().unwrap_or_default() > before).await;
        house.qq.reject().unwrap();
    };
    let (next, ()) = tokio::join!(api.until(code.clone(), "qr.2"), refused);
    assert_ne!(next["display_and_wait"]["data"], code["display_and_wait"]["data"], "a new code takes its place");

    house.qq.wait_qr(QrState::Waiting).await;
    house.qq.scan().unwrap();
    let scanned = api.until(next.clone(), "scanned").await;
    assert_eq!(scanned["display_and_wait"], json!({ "type": "nothing" }));
    house.qq.confirm().unwrap();
    let end = api.until(scanned, "complete").await;
    assert_eq!(end["complete"]["user_login_id"], ACCOUNT);
    for step in [&code, &next] {
        assert_eq!(api.after(step, json!({})).await, end, "an answer that was lost can be asked for again");
    }
    let over = api.post_refused(&way_on(&end), json!({})).await;
    assert_eq!(over, (410, "FI.MAU.BRIDGE.LOGIN_ALREADY_FINISHED".to_owned()));

    assert_eq!(api.get("/logins").await["login_ids"], json!([ACCOUNT]));
    assert!(house.stop());
    house.start();
    ready(&house.bridge_address()).await;
    house.qq.wait_session(|session| session.polling).await;
    let login = api.get("/whoami").await["logins"][0].clone();
    assert_eq!((&login["profile"]["username"], &login["name"]), (&json!(ACCOUNT), &json!("小明 (2769546520)")));
    assert!(["CONNECTING", "CONNECTED"].contains(&login["state"]["state_event"].as_str().unwrap()), "{login}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_password_and_a_captcha_are_asked_for_and_the_password_is_nowhere_afterwards() {
    let (mut house, api) = house_of_passwords().await;
    let password = house.qq.world().account.password;
    assert_eq!(api.post_refused("/login/start/qr", json!({})).await, (404, "M_UNRECOGNIZED".to_owned()));
    let asked = api.post("/login/start/password", json!({})).await;
    assert_eq!(asked["user_input"]["fields"][1]["type"], "password");
    let incomplete = api.post_refused(&way_on(&asked), json!({ "number": ACCOUNT })).await;
    assert_eq!(incomplete, (400, "M_BAD_JSON".to_owned()));

    let captcha = api.after(&asked, json!({ "number": ACCOUNT, "password": password })).await;
    let shown = &captcha["user_input"]["attachments"][0];
    assert_eq!((&shown["info"]["w"], &shown["info"]["h"]), (&json!(130), &json!(53)));
    let wrong = api.after(&captcha, json!({ "captcha": "????" })).await;
    assert_ne!(wrong["step_id"], captcha["step_id"], "another picture");
    let read = house.qq.captcha().unwrap();
    let end = api.after(&wrong, json!({ "captcha": read })).await;
    assert_eq!(end["complete"]["user_login_id"], ACCOUNT);
    assert!(house.stop());
    assert!(house.holds_nowhere(&password));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_password_is_told_with_the_reason_and_ends_the_login() {
    let (house, api) = house_of_passwords().await;
    let asked = api.post("/login/start/password", json!({})).await;
    let captcha = api.after(&asked, json!({ "number": ACCOUNT, "password": "not the one" })).await;
    let answer = json!({ "captcha": house.qq.captcha().unwrap() });
    let (status, why) = api.ask(Method::POST, &way_on(&captcha), Some(answer.clone())).await;
    assert_eq!((status, &why["errcode"]), (403, &json!("M_FORBIDDEN")));
    assert!(why["error"].as_str().unwrap().contains("number and password do not belong together"), "{why}");
    assert_eq!(api.post_refused(&way_on(&captcha), answer).await.0, 403, "and again");
    assert_eq!(api.get("/logins").await["login_ids"], json!([]));
}

#[tokio::test(flavor = "multi_thread")]
async fn only_the_secret_and_peoples_own_tokens_open_and_only_for_those_who_may_log_in() {
    let mut changes = settings();
    changes["bridge"] = json!({ "permissions": { "@mallory:hs.test": "block", "@carl:hs.test": "commands" } });
    let house = House::configured(&changes).await;
    let address = house.bridge_address();
    ready(&address).await;
    let api = |token, user| Api::new(&address, token, user);
    house.matrix.give_token("@alice:hs.test", "syt_of_alice");
    house.matrix.give_token("@mallory:hs.test", "syt_of_mallory");

    let (alice, mallory) = (Some("@alice:hs.test"), Some("@mallory:hs.test"));
    for good in [api(Some(SECRET), alice), api(Some("syt_of_alice"), alice), api(Some("syt_of_alice"), None)] {
        good.get("/logins").await;
    }
    for (token, user, status, code) in [
        (None, alice, 401, "M_MISSING_TOKEN"),
        (Some("0123456789abcdef-of-others"), alice, 401, "M_UNKNOWN_TOKEN"),
        (Some("syt_of_alice"), mallory, 401, "M_UNKNOWN_TOKEN"),
        (Some("as-token-of-tests"), Some("@qqbot:hs.test"), 401, "M_UNKNOWN_TOKEN"),
        (Some("syt_of_mallory"), mallory, 403, "M_FORBIDDEN"),
        (Some(SECRET), mallory, 403, "M_FORBIDDEN"),
        (Some(SECRET), Some("@carl:hs.test"), 403, "M_FORBIDDEN"),
        (Some(SECRET), Some("@alice:elsewhere.test"), 403, "M_FORBIDDEN"),
        (Some(SECRET), Some("@qqbot:hs.test"), 403, "M_FORBIDDEN"),
        (Some(SECRET), Some("alice"), 400, "M_INVALID_PARAM"),
        (Some(SECRET), None, 400, "M_INVALID_PARAM"),
    ] {
        let refused = api(token, user).refused("/logins").await;
        assert_eq!(refused, (status, code.to_owned()), "{token:?} {user:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_api_that_is_turned_off_opens_for_nobody_and_one_without_a_secret_for_people_only() {
    let off = House::configured(&json!({ "provisioning": { "shared_secret": "disable" } })).await;
    ready(&off.bridge_address()).await;
    let api = Api::new(&off.bridge_address(), Some("disable"), Some("@alice:hs.test"));
    assert_eq!(api.refused("/whoami").await, (403, "M_FORBIDDEN".to_owned()));

    let unmade = House::configured(&json!({})).await;
    ready(&unmade.bridge_address()).await;
    unmade.matrix.give_token("@alice:hs.test", "syt_of_alice");
    let api = |token| Api::new(&unmade.bridge_address(), Some(token), Some("@alice:hs.test"));
    assert_eq!(api("generate").refused("/whoami").await, (401, "M_UNKNOWN_TOKEN".to_owned()));
    api("syt_of_alice").get("/whoami").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_login_can_be_cancelled_here_and_in_the_control_room_and_a_new_one_takes_the_place_of_the_old() {
    let (house, api) = house().await;
    let room = house.control_room().await;
    let first = api.post("/login/start/qr", json!({})).await;
    let process = first["login_id"].as_str().unwrap().to_owned();
    let other = Api::new(&house.bridge_address(), Some(SECRET), Some("@bob:hs.test"));
    let foreign = other.post_refused(&format!("/login/cancel/{process}"), json!({})).await;
    assert_eq!(foreign, (404, "M_NOT_FOUND".to_owned()), "it is nobody else's");
    let (wait, cancel) = (way_on(&first), format!("/login/cancel/{process}"));
    let (waited, _) = tokio::join!(api.post_refused(&wait, json!({})), api.post(&cancel, json!({})));
    let cancelled = (410, "FI.MAU.BRIDGE.LOGIN_CANCELLED".to_owned());
    assert_eq!(waited, cancelled);

    let second = api.post("/login/start/qr", json!({})).await;
    house.owner.say(&room, "login");
    house.bot_says(&room, "in progress already").await;
    house.owner.say(&room, "cancel");
    assert_eq!(api.post_refused(&way_on(&second), json!({})).await, cancelled);

    house.owner.say(&room, "login");
    house.bot_says(&room, "Waiting for the scan").await;
    let end = log_in(&house, &api).await;
    assert_eq!(end["complete"]["user_login_id"], ACCOUNT);
    house.bot_says(&room, "was cancelled").await;
    assert_eq!(api.post_refused(&way_on(&second), json!({})).await, (404, "M_NOT_FOUND".to_owned()));
}

#[tokio::test(flavor = "multi_thread")]
async fn two_people_log_in_at_once_and_nobody_gets_the_account_of_another() {
    let (house, alice) = house().await;
    let bob = Api::new(&house.bridge_address(), Some(SECRET), Some("@bob:hs.test"));
    log_in(&house, &alice).await;
    let before = house.codes_asked_about();
    let step = bob.post("/login/start/qr", json!({})).await;
    house.scan_a_code(before).await;
    let mut step = step;
    let refused = loop {
        let (status, answer) = bob.ask(Method::POST, &way_on(&step), Some(json!({}))).await;
        if status != 200 {
            break (status, answer);
        }
        step = answer;
    };
    assert_eq!(refused.0, 403);
    assert!(refused.1["error"].as_str().unwrap().contains("logged in by @alice:hs.test already"), "{}", refused.1);
    assert_eq!(bob.get("/logins").await["login_ids"], json!([]));
    for path in ["/contacts", "/resolve_identifier/1"] {
        assert_eq!(bob.refused(path).await, (400, "FI.MAU.NOT_LOGGED_IN".to_owned()));
        assert_eq!(bob.refused(&format!("{path}?login_id={ACCOUNT}")).await, (404, "M_NOT_FOUND".to_owned()));
    }
    assert_eq!(bob.post_refused(&format!("/logout/{ACCOUNT}"), json!({})).await, (404, "M_NOT_FOUND".to_owned()));
}

#[tokio::test(flavor = "multi_thread")]
async fn friends_are_listed_found_and_talked_to_and_a_logout_ends_it() {
    let (house, api) = house().await;
    log_in(&house, &api).await;
    let contacts = api.get("/contacts").await;
    let all = names(&contacts["contacts"]);
    assert_eq!(all.len(), 6, "{all:?}");
    let friend = contacts["contacts"][0].clone();
    let (id, name, mxid) =
        (friend["id"].as_str().unwrap(), friend["name"].as_str().unwrap(), friend["mxid"].as_str().unwrap());
    for identifier in [id, mxid] {
        assert_eq!(api.get(&format!("/resolve_identifier/{identifier}")).await, friend);
    }
    let found = api.post("/search_users", json!({ "query": name })).await;
    assert!(names(&found["results"]).contains(&name), "{found}");
    assert_eq!(api.post("/search_users", json!({ "query": "nobody at all" })).await["results"], json!([]));
    assert_eq!(api.refused("/resolve_identifier/nobody").await, (404, "M_NOT_FOUND".to_owned()));

    let (status, made) = api.ask(Method::POST, &format!("/create_dm/{id}"), Some(json!({}))).await;
    assert_eq!(status, 201, "{made}");
    let room = made["dm_room_mxid"].as_str().unwrap();
    house.owner_enters(room).await;
    let (status, again) =
        api.ask(Method::POST, &format!("/create_dm/{mxid}?login_id={ACCOUNT}"), Some(json!({}))).await;
    assert_eq!((status, &again), (200, &made));
    house.owner.say(room, "hello over the API");
    house.qq.wait_heard(|heard| heard.iter().any(|heard| heard.text == "hello over the API")).await;

    api.post(&format!("/logout/{ACCOUNT}"), json!({})).await;
    assert_eq!(api.get("/logins").await["login_ids"], json!([]));
    assert_eq!(api.refused("/contacts").await, (400, "FI.MAU.NOT_LOGGED_IN".to_owned()));
    api.post("/logout/all", json!({})).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_that_the_phone_confirmed_is_kept_though_the_bridge_dies_before_its_answer() {
    let mut house = House::asleep().await;
    house.configure(&settings());
    house.start_to_die(Failpoint::LoginKept, 1);
    let api = Api::new(&house.bridge_address(), Some(SECRET), Some(house.owner.id()));
    ready(&house.bridge_address()).await;
    let before = house.codes_asked_about();
    api.post("/login/start/qr", json!({})).await;
    house.scan_a_code(before).await;
    house.death().await;
    house.start();
    ready(&house.bridge_address()).await;
    house.qq.wait_session(|session| session.polling).await;
    assert_eq!(api.get("/logins").await["login_ids"], json!([ACCOUNT]));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_there_is_refused_in_the_form_that_clients_understand() {
    let (house, api) = house().await;
    for (method, path, status) in [
        (Method::GET, "/nothing", 404),
        (Method::POST, "/whoami", 405),
        (Method::POST, "/create_group/group", 404),
        (Method::POST, "/login/start/fingerprint", 404),
        (Method::POST, "/login/step/x/y/cookies", 404),
    ] {
        let (found, answer) = api.ask(method, path, Some(json!({}))).await;
        assert_eq!((found, &answer["errcode"]), (status, &json!("M_UNRECOGNIZED")), "{path}");
    }
    assert_eq!(api.post_refused("/login/step/x/y/display_and_wait", json!({})).await, (404, "M_NOT_FOUND".to_owned()));
    assert_eq!(api.post_refused("/search_users", json!([1])).await, (400, "M_BAD_JSON".to_owned()));
    let asked = reqwest::Client::new()
        .request(Method::OPTIONS, format!("{}/_matrix/provision/v3/whoami", house.bridge_address()))
        .send()
        .await
        .unwrap();
    assert_eq!(
        (asked.status().as_u16(), &asked.headers()["access-control-allow-origin"]),
        (204, &"*".parse().unwrap())
    );
    let described =
        reqwest::get(format!("{}/_matrix/provision/v3/openapi.json", house.bridge_address())).await.unwrap();
    assert_eq!(described.json::<Value>().await.unwrap()["openapi"], "3.1.0");
}

#[tokio::test(flavor = "multi_thread")]
async fn programs_are_told_in_the_language_that_their_person_chose() {
    let (house, api) = house().await;
    let control = house.control_room().await;
    house.owner_chooses_chinese(&control).await;
    assert_eq!(api.get("/login/flows").await["flows"][0]["name"], "二维码");
    assert_eq!(api.get("/whoami").await["login_flows"][0]["name"], "二维码");
    let before = house.codes_asked_about();
    let code = api.post("/login/start/qr", json!({})).await;
    assert!(code["instructions"].as_str().unwrap().starts_with("请用手机 QQ 扫描此二维码"), "{code}");
    house.scan_a_code(before).await;
    assert!(api.until(code, "complete").await["instructions"].as_str().unwrap().starts_with("已登录"));
    house.qq.kick("您的帐号在另一地点登录").unwrap();
    house.bot_says(&control, "的 QQ 会话已结束").await;
    let state = &api.get("/whoami").await["logins"][0]["state"];
    assert_eq!(state["message"], "QQ 会话已失效，请重新登录");
    let bob = Api::new(&house.bridge_address(), Some(SECRET), Some("@bob:hs.test"));
    assert_eq!(bob.get("/login/flows").await["flows"][0]["name"], "QR code");
}
