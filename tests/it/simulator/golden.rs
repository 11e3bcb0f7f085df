//! One day of a real client, call by call: what qqbot 2.3.11 once sent, sent again to the simulator through its proxy.
//!
//! Source: protocol dossier 12; `golden-qqbot.log` has every request with its headers, decoded and raw.

use std::collections::{HashMap, HashSet};

use matrix_webqq::sim::{Fault, Handle, Options, Rules, Trouble, World};
use reqwest::{Response, StatusCode};
use serde_json::{Value, json};
use url::Url;

use super::browser::{Browser, hash33, list_hash, read, words_of};
use super::proxy;

const GOLDEN: &str = include_str!("../../fixtures/webqq/golden-qqbot.log");
/// The account of the log.
const ACCOUNT: u32 = 3_087_958_101;
/// Cookies that qqbot has built in, and sends whatever the service says.
const BUILT_IN: [(&str, &str); 5] = [
    ("RK", "OfeLBai4FB"),
    ("pgv_pvi", "911366144"),
    ("pgv_info", "ssid pgv_pvid=1051433466"),
    ("ptcz", "ad3bf14f9da2738e09e498bfeb93dd9da7540dea2b7a71acfb97ed4d3da4e277"),
    ("qrsig", "hJ9GvNx*oIvLjP5I5dQ19KPa3zwxNI62eALLO*g2JLbKPYsZIRsnbJIxNe74NzQQ"),
];
/// What a text message of the last schema has, whoever it is from. Source: protocol dossier 7.5.
const MESSAGE: [&str; 6] = ["content", "from_uin", "msg_id", "msg_type", "time", "to_uin"];

/// The day as it goes on.
struct Day {
    qq: Handle,
    browser: Browser,
    /// How often each endpoint was called.
    calls: HashMap<String, usize>,
    /// Hosts that the log has a `CONNECT` for; others are asked by plain HTTP.
    tunnels: HashSet<String>,
    /// What was said then, and what says it now: tickets and numbers.
    stands_for: Vec<(String, String)>,
    /// The `check_sig` link of ptqrlogin.
    link: Option<Url>,
}

#[tokio::test]
async fn a_day_of_a_real_client_goes_as_it_went() {
    let folder = tempfile::tempdir().unwrap();
    let mut world = World::example().unwrap();
    world.account.number = ACCOUNT;
    world.options = Rules { events_per_poll: 1, poll_hold_ms: 0, ..Rules::default() };
    let sim = proxy::simulator_of(folder.path(), Options { world: Some(world), ..Options::default() }).await;
    let mut day = Day {
        qq: sim.handle(),
        browser: proxy::browser(&sim, folder.path()),
        calls: HashMap::new(),
        tunnels: HashSet::new(),
        stands_for: Vec::new(),
        link: None,
    };
    for line in GOLDEN.lines() {
        match line.strip_prefix("CONNECT ") {
            Some(tunnel) => drop(day.tunnels.insert(tunnel.trim_end_matches(":443").to_owned())),
            None => day.go_through(&serde_json::from_str(line).unwrap()).await,
        }
    }
    assert_eq!(day.calls["poll2"], 9);
    let heard: Vec<(String, Value)> =
        sim.handle().heard(0).into_iter().map(|it| (it.chat, it.content.into())).collect();
    let chats = ["friend:王芳", "group:Rust 学习小组 🦀", "discussion:项目讨论"];
    let sent = calls().filter_map(|call| serde_json::from_str(call["r"]["content"].as_str()?).ok());
    assert_eq!(heard, chats.map(str::to_owned).into_iter().zip(sent).collect::<Vec<(String, Value)>>());
}

fn calls() -> impl Iterator<Item = Value> {
    GOLDEN.lines().filter_map(|line| serde_json::from_str(line).ok())
}

/// A number or ticket that the log has in field `name` of a query or of `r`.
fn then(name: &str) -> String {
    let field = |call: Value| [&call["r"][name], &call["q"][name]].into_iter().find(|it| !it.is_null()).cloned();
    let found = calls().filter_map(field).find(|found| found != "").unwrap();
    found.as_str().map_or_else(|| found.to_string(), ToOwned::to_owned)
}

impl Day {
    async fn go_through(&mut self, call: &Value) {
        let path = call["path"].as_str().unwrap();
        let endpoint = path.rsplit('/').next().unwrap().to_owned();
        let nth = self.calls.entry(endpoint.clone()).or_default();
        *nth += 1;
        let nth = *nth;
        self.happen(&endpoint, nth);
        let answer = self.ask(call).await;
        match endpoint.as_str() {
            "login" => assert!(text(answer).await.contains("g_login_sig=encodeURIComponent(\"")),
            "ptqrshow" => self.see_code(answer).await,
            "ptqrlogin" => self.see_state(nth, answer).await,
            "check_sig" => assert_eq!(answer.status(), StatusCode::FOUND),
            "proxy.html" | "pingd" => assert_eq!(answer.status(), StatusCode::OK),
            "poll2" => poll(nth, answer).await,
            send if send.starts_with("send_") => {
                assert_eq!(read(answer).await, json!({"errCode": 0, "msg": "send ok"}));
            }
            _ => self.learn(&endpoint, &read(answer).await),
        }
    }

    /// What the phone, the others and the weather did before a call.
    fn happen(&self, endpoint: &str, nth: usize) {
        let fault = |trouble| self.qq.fault(Fault::new("poll2", trouble));
        match (endpoint, nth) {
            ("ptqrlogin", 3) => self.qq.scan().unwrap(),
            ("ptqrlogin", 4) => self.qq.confirm().unwrap(),
            ("poll2", 1) => drop(self.qq.say("friend:王芳", "王芳", "[微笑] 😀").unwrap()),
            ("poll2", 2) => drop(self.qq.say("group:Rust 学习小组 🦀", "Bob", "@ME 帮助").unwrap()),
            ("poll2", 3) => drop(self.qq.say("discussion:项目讨论", "Alice Chen", "讨论").unwrap()),
            ("poll2", 4) => fault(Trouble::Http(502)),
            ("poll2", 7) => fault(Trouble::Body(r#"{"retcode":0,"retmsg":"ok","errmsg":"error"}"#.to_owned())),
            _ => {}
        }
    }

    /// Sends the call with all its headers, in the numbers of today.
    async fn ask(&mut self, call: &Value) -> Response {
        let text = |key: &str| call[key].as_str().unwrap_or_default();
        let (host, path) = (text("host"), text("path"));
        let scheme = if self.tunnels.contains(host) { "https" } else { "http" };
        let mut url = Url::parse(&format!("{scheme}://{host}{path}")).unwrap();
        for (name, value) in call["q"].as_object().unwrap() {
            url.query_pairs_mut().append_pair(name, &self.now(value.as_str().unwrap()));
        }
        if path == "/check_sig" {
            url = self.link.take().unwrap();
        }
        let mut request = self.browser.bare(text("m").parse().unwrap(), url.as_str()).body(self.now(text("raw")));
        for (key, header) in [
            ("referer", "referer"),
            ("origin", "origin"),
            ("ct", "content-type"),
            ("ua", "user-agent"),
            ("accept", "accept"),
        ] {
            if let Some(value) = call[key].as_str() {
                request = request.header(header, value);
            }
        }
        let cookies = self.cookies(&url, call["cookie"].as_array().unwrap());
        self.browser.keep(request.header("cookie", cookies).send().await.unwrap(), &url)
    }

    /// The cookies that the log names: those of the jar, and qqbot's own. None may be missing.
    fn cookies(&self, url: &Url, names: &[Value]) -> String {
        let jar: HashMap<&str, &str> = self.browser.cookies.get_request_values(url).collect();
        let built_in = HashMap::from(BUILT_IN);
        let pairs = names.iter().map(|name| {
            let name = name.as_str().unwrap();
            let value = jar.get(name).or(built_in.get(name)).unwrap_or_else(|| panic!("no cookie {name} for {url}"));
            format!("{name}={value}")
        });
        pairs.collect::<Vec<_>>().join("; ")
    }

    fn now(&self, then: &str) -> String {
        self.stands_for.iter().fold(then.to_owned(), |text, (then, now)| text.replace(then, now))
    }

    fn remember(&mut self, then: String, now: &Value) {
        self.stands_for.push((then, now.as_str().map_or_else(|| now.to_string(), ToOwned::to_owned)));
    }

    async fn see_code(&mut self, answer: Response) {
        assert_eq!(answer.headers()["content-type"], "image/png");
        assert_eq!(answer.bytes().await.unwrap()[..], self.qq.qr_png().unwrap());
        let token = hash33(&self.browser.cookie("ptlogin2.qq.com", "qrsig").unwrap());
        // The first one in the log belongs to the code that is built in.
        let own = calls().filter_map(|call| Some(call["q"]["ptqrtoken"].as_str()?.to_owned())).nth(1);
        self.remember(own.unwrap(), &json!(token));
    }

    async fn see_state(&mut self, nth: usize, answer: Response) {
        let said = words_of(&text(answer).await);
        let state = [("65", "二维码已失效"), ("66", "二维码未失效"), ("67", "二维码认证中"), ("0", "登录成功")];
        let (code, word) = state[nth - 1];
        assert!(said[0] == code && said[4].contains(word), "{said:?}");
        if code == "0" {
            let link = Url::parse(&said[2]).unwrap();
            let has: HashSet<String> = link.query_pairs().map(|(name, _)| name.into_owned()).collect();
            let had = calls().find(|call| call["path"] == "/check_sig").unwrap();
            let missing: Vec<_> = had["q"].as_object().unwrap().keys().filter(|name| !has.contains(*name)).collect();
            assert!(missing.is_empty(), "{missing:?}");
            self.link = Some(link);
            let ptwebqq = self.browser.cookie("qq.com", "ptwebqq").unwrap();
            assert_eq!(list_hash(u64::from(ACCOUNT), &then("ptwebqq")), then("hash"), "the log agrees with itself");
            self.remember(then("hash"), &json!(list_hash(u64::from(ACCOUNT), &ptwebqq)));
            self.remember(then("ptwebqq"), &json!(ptwebqq));
        }
    }

    /// What qqbot reads of a list or a ticket, and uses later. Source: protocol dossier 12.1.
    fn learn(&mut self, endpoint: &str, answer: &Value) {
        assert_eq!(answer["retcode"], 0, "{endpoint}: {answer}");
        let result = &answer["result"];
        let row = |list: &str, name: &str, wanted: &str| {
            let rows = result[list].as_array().unwrap_or_else(|| panic!("{endpoint} has no {list}"));
            rows.iter().find(|row| row[name] == wanted).unwrap_or_else(|| panic!("{wanted} is not in {answer}")).clone()
        };
        match endpoint {
            "getvfwebqq" => self.remember(then("vfwebqq"), &result["vfwebqq"]),
            "login2" => {
                assert_eq!((&result["uin"], &result["status"]), (&json!(ACCOUNT), &json!("online")));
                self.remember(then("psessionid"), &result["psessionid"]);
            }
            "get_online_buddies2" => assert!(result[0]["uin"].is_u64() && result[0]["client_type"].is_u64()),
            "get_user_friends2" => {
                assert!(result["marknames"].is_array(), "qqbot asks again and again without it");
                self.remember(then("to"), &row("info", "nick", "王芳")["uin"]);
            }
            "get_group_name_list_mask2" => {
                assert!(result["gmarklist"].is_array(), "qqbot asks again and again without it");
                let group = row("gnamelist", "name", "Rust 学习小组 🦀");
                self.remember(then("group_uin"), &group["gid"]);
                self.remember(then("gcode"), &group["code"]);
            }
            "get_group_info_ext2" => {
                let uins = |rows: &Value, key: &str| {
                    rows.as_array().unwrap().iter().map(|row| row[key].as_u64()).collect::<Vec<_>>()
                };
                assert_eq!(uins(&result["minfo"], "uin"), uins(&result["ginfo"]["members"], "muin"), "qqbot zips them");
                assert!(uins(&result["cards"], "muin").iter().all(Option::is_some));
            }
            "get_discus_list" => self.remember(then("did"), &row("dnamelist", "name", "项目讨论")["did"]),
            "get_discu_info" => {
                let members: HashSet<u64> = result["info"]["mem_list"]
                    .as_array()
                    .unwrap()
                    .iter()
                    .map(|it| it["mem_uin"].as_u64().unwrap())
                    .collect();
                assert!(
                    result["mem_info"]
                        .as_array()
                        .unwrap()
                        .iter()
                        .all(|it| members.contains(&it["uin"].as_u64().unwrap()))
                );
            }
            other => panic!("nothing is known of {other}"),
        }
    }
}

/// How the polls of the day ended: three messages, a 502, two echoes, an error that is none, and silence.
async fn poll(nth: usize, answer: Response) {
    let (poll_type, own_fields): (&str, &[&str]) = match nth {
        1 => ("message", &[]),
        2 | 5 => ("group_message", &["group_code", "send_uin"]),
        3 | 6 => ("discu_message", &["did", "send_uin"]),
        4 => return assert_eq!(answer.status(), StatusCode::BAD_GATEWAY),
        7 => return assert!(text(answer).await.contains("\"errmsg\":\"error\"")),
        _ => return assert_eq!(read(answer).await, json!({"retcode": 102, "errmsg": ""})),
    };
    let answer = read(answer).await;
    let [item] = answer["result"].as_array().unwrap().as_slice() else { panic!("not one event: {answer}") };
    let has: HashSet<&str> = item["value"].as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!(
        (item["poll_type"].as_str().unwrap(), has),
        (poll_type, MESSAGE.iter().chain(own_fields).copied().collect())
    );
    assert_eq!(item["value"]["content"][0][0], "font", "qqbot skips the first element unread");
}

async fn text(answer: Response) -> String {
    assert_eq!(answer.status(), StatusCode::OK);
    answer.text().await.unwrap()
}
