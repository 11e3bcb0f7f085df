//! The console over HTTP: the API that end-to-end tests and the page use.

use std::net::SocketAddr;

use matrix_webqq::sim::Rules;
use reqwest::{Client, Method, StatusCode};
use serde_json::{Value, json};

use super::browser::{Browser, D, LoggedIn, PTLOGIN, S, simulator, words};

struct Console {
    http: Client,
    address: SocketAddr,
}

impl Console {
    fn at(address: SocketAddr) -> Self {
        Self { http: Client::builder().no_proxy().build().unwrap(), address }
    }

    async fn call(&self, method: Method, path: &str, body: Option<Value>) -> (StatusCode, Value) {
        let request = self.http.request(method, format!("http://{}{path}", self.address));
        let request = match body {
            Some(body) => request.json(&body),
            None => request,
        };
        let response = request.send().await.unwrap();
        (response.status(), response.json().await.unwrap())
    }

    async fn get(&self, path: &str) -> Value {
        let (status, answer) = self.call(Method::GET, path, None).await;
        assert_eq!(status, StatusCode::OK, "{answer}");
        answer
    }

    async fn post(&self, path: &str, body: Value) -> Value {
        let (status, answer) = self.call(Method::POST, path, Some(body)).await;
        assert_eq!(status, StatusCode::OK, "{answer}");
        answer
    }

    async fn refused(&self, path: &str, body: Value) -> StatusCode {
        let (status, answer) = self.call(Method::POST, path, Some(body)).await;
        assert!(status.is_client_error() && answer["error"].is_string(), "{status} {answer}");
        status
    }
}

#[tokio::test]
async fn the_whole_play_can_be_done_in_json() {
    let sim = simulator(Rules::default()).await;
    let console = Console::at(sim.console_addr());
    let world = console.get("/api/world").await;
    assert_eq!(
        world["account"],
        json!({"number": 2_769_546_520_u32, "nick": "小明", "password": "1234567890", "signature": "好好学习，天天向上"})
    );
    assert_eq!(
        (&world["friends"][0]["name"], &world["groups"][0]["members"][1]["name"]),
        (&json!("王芳"), &json!("王芳"))
    );
    assert_eq!(console.get("/api/qr").await["state"], "none");
    assert_eq!(console.call(Method::GET, "/api/qr.png", None).await.0, StatusCode::NOT_FOUND);
    assert_eq!(console.refused("/api/qr/scan", json!({})).await, StatusCode::CONFLICT);

    let mut browser = Browser::new(sim.qq_addr());
    browser.get(&format!("{PTLOGIN}ptqrshow?appid=501004106")).await;
    assert_eq!(console.get("/api/qr").await["state"], "waiting");
    assert_eq!(console.refused("/api/qr/confirm", json!({})).await, StatusCode::CONFLICT);
    assert_eq!(console.post("/api/qr/scan", json!({})).await["state"], "scanned");
    assert_eq!(console.post("/api/qr/confirm", json!({})).await["state"], "confirmed");
    assert_eq!(browser.ptqrlogin().await[0], "0");

    let client = LoggedIn::to(sim.qq_addr(), &sim.handle()).await;
    assert_eq!(console.get("/api/session").await["online"], true);
    let said = console.post("/api/say", json!({"chat": "friend:王芳", "as": "王芳", "text": "在吗"})).await;
    let content = json!(["x", ["face", 1]]);
    console.post("/api/say", json!({"chat": "friend:王芳", "as": "王芳", "content": content})).await;
    let polled = client.poll_json().await;
    assert_eq!(polled["result"][1]["value"]["msg_id"], said["msg_id"]);
    assert_eq!(polled["result"][0]["value"]["content"][2], json!(["face", 1]));

    let wang = client.friend("王芳").await;
    for text in ["one", "two"] {
        client.send("send_buddy_msg2", "to", &wang, &words(text)).await;
    }
    assert_eq!(console.get("/api/heard").await.as_array().unwrap().len(), 2);
    let heard = console.get("/api/heard?after=1&wait_ms=1000").await;
    assert_eq!(
        (&heard[0]["n"], &heard[0]["chat"], &heard[0]["text"]),
        (&json!(2), &json!("friend:王芳"), &json!("two"))
    );
}

#[tokio::test]
async fn pictures_of_the_world_and_of_ones_own_are_sent_and_shown() {
    let sim = simulator(Rules::default()).await;
    let console = Console::at(sim.console_addr());
    let client = LoggedIn::to(sim.qq_addr(), &sim.handle()).await;
    let url = |query: &str| format!("http://{}/api/picture?chat=friend:王芳&as=王芳{query}", console.address);
    let send = |query: &str, bytes: &'static [u8]| console.http.post(url(query)).body(bytes).send();
    assert_eq!(send("&name=西湖日落.png", b"").await.unwrap().status(), StatusCode::OK);
    assert_eq!(send("", b"GIF89a").await.unwrap().status(), StatusCode::OK);
    assert_eq!(send("", b"").await.unwrap().status(), StatusCode::BAD_REQUEST);
    assert_eq!(send("&name=none.png", b"").await.unwrap().status(), StatusCode::NOT_FOUND);

    let polled = client.poll_json().await;
    let path = polled["result"][0]["value"]["content"][1][1]["file_path"].as_str().unwrap();
    assert_eq!(sim.handle().spoken(0)[1].attached[0].key, path);
    let show = |key: String| console.http.get(format!("http://{}/api/media?key={key}", console.address)).send();
    let shown = show(path.to_owned()).await.unwrap();
    assert_eq!(
        (&shown.headers()["content-type"], &shown.headers()["x-content-type-options"]),
        (&"image/gif".parse().unwrap(), &"nosniff".parse().unwrap())
    );
    assert_eq!(shown.bytes().await.unwrap().as_ref(), b"GIF89a");
    assert_eq!(show("/none".to_owned()).await.unwrap().status(), StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn trouble_can_be_ordered_in_json() {
    let sim = simulator(Rules::default()).await;
    let console = Console::at(sim.console_addr());
    assert_eq!(console.refused("/api/kick", json!({})).await, StatusCode::CONFLICT);
    let client = LoggedIn::to(sim.qq_addr(), &sim.handle()).await;
    console.post("/api/fault", json!({"endpoint": "poll2", "count": 2, "kind": "retcode", "value": 121})).await;
    assert_eq!(client.poll_json().await, json!({"retcode": 121, "t": "0"}));
    let (_, cleared) = console.call(Method::DELETE, "/api/fault", None).await;
    assert_eq!(cleared, json!({"ok": true}));
    console.post("/api/push", json!({"items": [{"poll_type": "tips", "value": "$own"}]})).await;
    assert_eq!(client.poll_json().await["result"][0]["value"], client.uin);
    console.post("/api/kick", json!({"reason": "下线"})).await;
    assert_eq!(client.poll_json().await["result"][0]["value"]["reason"], "下线");
    let client = LoggedIn::to(sim.qq_addr(), &sim.handle()).await;
    console.post("/api/expire", json!({"retcode": 121})).await;
    assert_eq!(client.poll_json().await["retcode"], 121);
}

#[tokio::test]
async fn rules_can_be_changed_while_it_runs() {
    let sim = simulator(Rules::default()).await;
    let console = Console::at(sim.console_addr());
    let client = LoggedIn::to(sim.qq_addr(), &sim.handle()).await;
    let before = console.get("/api/rules").await;
    let after = console.post("/api/rules", json!({"events_per_poll": 1, "poll_idle": "empty"})).await;
    let mut wanted = before.clone();
    wanted["events_per_poll"] = json!(1);
    wanted["poll_idle"] = json!("empty");
    assert_eq!(after, wanted);
    for text in ["one", "two"] {
        sim.handle().say("friend:王芳", "王芳", text).unwrap();
    }
    assert_eq!(
        (client.poll_texts().await, client.poll_texts().await),
        (vec!["one".to_owned()], vec!["two".to_owned()])
    );
    for wrong in [json!({"burst": "many"}), json!({"colour": "red"}), json!({"burst": null}), json!(7)] {
        assert_eq!(console.refused("/api/rules", wrong).await, StatusCode::BAD_REQUEST);
    }
    assert_eq!(console.get("/api/rules").await, after, "a mistake changes nothing");
}

#[tokio::test]
async fn mistakes_are_explained() {
    let sim = simulator(Rules::default()).await;
    let console = Console::at(sim.console_addr());
    for (path, body, status) in [
        ("/api/say", json!({"chat": "group:none", "as": "小明", "text": "x"}), StatusCode::NOT_FOUND),
        ("/api/say", json!({"chat": "王芳", "as": "小明", "text": "x"}), StatusCode::NOT_FOUND),
        ("/api/say", json!({"chat": "friend:王芳", "as": "Bob", "text": "x"}), StatusCode::NOT_FOUND),
        ("/api/say", json!({"chat": "friend:王芳", "as": "王芳", "text": ""}), StatusCode::BAD_REQUEST),
        ("/api/say", json!({"chat": "friend:王芳", "as": "王芳"}), StatusCode::BAD_REQUEST),
        ("/api/say", json!({"chat": "friend:王芳", "text": "x"}), StatusCode::BAD_REQUEST),
        ("/api/fault", json!({"endpoint": "poll2", "kind": "fire"}), StatusCode::BAD_REQUEST),
        ("/api/push", json!({"items": ["$uin:nobody"]}), StatusCode::NOT_FOUND),
        ("/api/push", json!({"items": []}), StatusCode::BAD_REQUEST),
        ("/api/nothing", json!({}), StatusCode::NOT_FOUND),
    ] {
        assert_eq!(console.refused(path, body.clone()).await, status, "{path} {body}");
    }
    assert_eq!(console.call(Method::GET, "/api/heard?after=x", None).await.0, StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn other_sites_cannot_call_the_console() {
    let sim = simulator(Rules::default()).await;
    let console = Console::at(sim.console_addr());
    let say = |header: &'static str, value: String| {
        let body = json!({"chat": "friend:王芳", "as": "王芳", "text": "x"}).to_string();
        console.http.post(format!("http://{}/api/say", console.address)).header(header, value).body(body).send()
    };
    assert_eq!(say("origin", "http://evil.example".to_owned()).await.unwrap().status(), StatusCode::FORBIDDEN);
    assert_eq!(say("origin", "null".to_owned()).await.unwrap().status(), StatusCode::FORBIDDEN);
    assert_eq!(say("host", "evil.example".to_owned()).await.unwrap().status(), StatusCode::FORBIDDEN);
    assert_eq!(sim.handle().session().queued, 0);
    let own = format!("http://{}", console.address);
    assert_eq!(say("origin", own).await.unwrap().status(), StatusCode::OK);
}

#[tokio::test]
async fn the_page_and_its_live_updates_are_served() {
    let sim = simulator(Rules::default()).await;
    let console = Console::at(sim.console_addr());
    for path in ["/", "/style.css", "/page.js", "/icon.svg"] {
        let file = console.http.get(format!("http://{}{path}", console.address)).send().await.unwrap();
        assert!(file.status().is_success() && file.headers().contains_key("content-security-policy"), "{path}");
        assert!(!file.text().await.unwrap().contains("https://"), "{path} needs nothing from elsewhere");
    }
    let mut events = console.http.get(format!("http://{}/api/events", console.address)).send().await.unwrap();
    let mut told = String::new();
    let mut hear = async |wanted: &str| {
        while !told.contains(wanted) {
            told.push_str(std::str::from_utf8(&events.chunk().await.unwrap().unwrap()).unwrap());
        }
    };
    hear("\"fresh\":true").await;
    sim.handle().say("friend:王芳", "王芳", "在吗").unwrap();
    hear("在吗").await;
    Browser::new(sim.qq_addr()).get(&format!("{PTLOGIN}ptqrshow?appid=501004106")).await;
    hear("\"waiting\"").await;
}

#[tokio::test]
async fn what_people_do_and_what_the_client_answers_is_seen_in_json() {
    let sim = simulator(Rules::default()).await;
    let console = Console::at(sim.console_addr());
    let client = LoggedIn::to(sim.qq_addr(), &sim.handle()).await;
    console.post("/api/act", json!({"do": "ask_friendship", "name": "陈小花", "text": "我是小花"})).await;
    let item = client.poll_json().await["result"][0].clone();
    assert_eq!((&item["poll_type"], &item["value"]["type"]), (&json!("system_message"), &json!("verify_required")));
    let waiting = json!([{"name": "陈小花", "group": null, "accepted": null, "reason": ""}]);
    assert_eq!(console.get("/api/asked").await, waiting);

    let r = json!({"account": item["value"]["account"], "gid": 0, "mname": "", "vfwebqq": client.vfwebqq});
    let strange = json!({"account": 12_345, "gid": 0, "mname": "", "vfwebqq": client.vfwebqq});
    assert_eq!(client.browser.post_json(&format!("{S}allow_and_add2"), &strange).await["retcode"], 100_001);
    assert_eq!(client.browser.post_json(&format!("{S}allow_and_add2"), &r).await["retcode"], 0);
    assert_eq!(console.get("/api/asked").await[0]["accepted"], true);
    assert_eq!(client.browser.post_json(&format!("{S}deny_added_request2"), &r).await["retcode"], 100_001, "answered");
    assert_eq!(client.poll_json().await["result"][0]["poll_type"], "buddylist_change");
    assert_eq!(client.friend("陈小花").await, item["value"]["from_uin"]);

    for (act, status) in [
        (json!({"do": "join", "group": "none", "name": "x"}), StatusCode::NOT_FOUND),
        (json!({"do": "leave", "group": "Weekend Hikers", "name": "妈妈"}), StatusCode::NOT_FOUND),
        (json!({"do": "dance"}), StatusCode::BAD_REQUEST),
        (json!({"do": "ask_friendship", "name": "小明", "text": ""}), StatusCode::BAD_REQUEST),
    ] {
        assert_eq!(console.refused("/api/act", act).await, status);
    }
}

#[tokio::test]
async fn a_stranger_is_answered_only_with_the_leave_for_just_this_one() {
    let sim = simulator(Rules::default()).await;
    let qq = sim.handle();
    let mut client = LoggedIn::to(sim.qq_addr(), &qq).await;
    let chat = "temporary:程序员小李@group:Rust 学习小组 🦀";
    assert!(qq.say("temporary:妈妈@group:Rust 学习小组 🦀", "妈妈", "hi").is_err(), "no member");
    qq.say(chat, "程序员小李", "hi").unwrap();
    let item = client.poll_json().await["result"][0].clone();
    assert_eq!((&item["poll_type"], &item["value"]["service_type"]), (&json!("sess_message"), &json!(0)));
    let (gid, _) = client.group("Rust 学习小组 🦀").await;
    assert_eq!(item["value"]["id"], gid);
    let uin = item["value"]["from_uin"].clone();
    let ask = |id: &Value, to: &Value, kind: u8| format!("&id={id}&to_uin={to}&service_type={kind}");
    for (id, to, kind) in [(&gid, &gid, 0), (&uin, &uin, 0), (&gid, &uin, 1)] {
        let refused = client.browser.get_json(&client.channel("get_c2cmsg_sig2", &ask(id, to, kind))).await;
        assert_eq!(refused["retcode"], 100_001, "{id} {to} {kind}");
    }
    let leave = client.browser.get_json(&client.channel("get_c2cmsg_sig2", &ask(&gid, &uin, 0))).await;
    let leave = leave["result"]["value"].clone();
    assert_eq!(leave.as_str().unwrap().len(), 96);
    let wang = client.friend("王芳").await;
    for (to, group_sig, service_type, heard) in [
        (&uin, &json!("made up"), 0, false),
        (&wang, &leave, 0, false),
        (&uin, &leave, 1, false),
        (&uin, &leave, 0, true),
    ] {
        let r = json!({
            "to": to, "group_sig": group_sig, "face": 522, "content": words("说吧").to_string(), "msg_id": 1,
            "service_type": service_type, "clientid": 53_999_199, "psessionid": client.psessionid,
        });
        let answer = client.browser.post_json(&format!("{D}send_sess_msg2"), &r).await;
        assert_eq!(answer["errCode"] == 0, heard, "{r} {answer}");
    }
    let heard = qq.heard(0);
    assert_eq!((heard.len(), heard[0].chat.as_str(), heard[0].text.as_str()), (1, chat, "说吧"));
}
