//! The simulator over HTTP, as any WebQQ client meets it.

mod browser;
mod company;
mod console;
mod faults;
mod golden;
mod proxy;

use matrix_webqq::sim::{Fault, Idle, QrState, Rules, Trouble};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use browser::{Browser, D, LoggedIn, PTLOGIN, S, read, simulator, words};

const GROUP: &str = "Rust 学习小组 🦀";
const IN_GROUP: &str = "group:Rust 学习小组 🦀";

#[tokio::test]
async fn a_login_goes_from_the_code_to_the_session_with_cookies_on_their_real_domains() {
    let sim = simulator(Rules::default()).await;
    let qq = sim.handle();
    let mut browser = Browser::new(sim.qq_addr());
    let page = browser.get("https://ui.ptlogin2.qq.com/cgi-bin/login?daid=164&appid=501004106").await;
    assert!(page.text().await.unwrap().contains("g_login_sig=encodeURIComponent("));
    assert_eq!(qq.qr(), QrState::None);

    let picture = browser.get(&format!("{PTLOGIN}ptqrshow?appid=501004106&e=0&l=M&s=5&d=72&v=4&t=0.5")).await;
    assert_eq!(picture.bytes().await.unwrap()[..], qq.qr_png().unwrap());
    assert_eq!(browser.cookie("ptlogin2.qq.com", "qrsig").unwrap().len(), 64);
    let said = browser.ptqrlogin().await;
    assert!((said[0].as_str(), said[4].contains("二维码未失效")) == ("66", true), "{said:?}");
    qq.scan().unwrap();
    let said = browser.ptqrlogin().await;
    assert!((said[0].as_str(), said[4].contains("二维码认证中")) == ("67", true), "{said:?}");
    qq.confirm().unwrap();
    let said = browser.ptqrlogin().await;
    assert!((said[0].as_str(), said[4].as_str(), said[5].as_str()) == ("0", "登录成功！", "小明"), "{said:?}");
    assert_eq!(browser.cookie("ptlogin2.qq.com", "superuin").unwrap(), "o2769546520");
    assert!(browser.cookie("qq.com", "skey").unwrap().starts_with('@'));

    let proxy = browser.get(&said[2]).await;
    assert_eq!(proxy.status(), StatusCode::FOUND);
    assert_eq!(proxy.headers()["location"], "http://w.qq.com/proxy.html?login2qq=1&webqq_type=10");
    assert!(browser.cookie("web2.qq.com", "p_skey").is_some() && browser.cookie("qq.com", "p_skey").is_none());
    assert_eq!(browser.get("http://w.qq.com/proxy.html?login2qq=1&webqq_type=10").await.status(), StatusCode::OK);

    let ptwebqq = browser.cookie("qq.com", "ptwebqq").unwrap();
    let (uin, vfwebqq, psessionid) = (0, String::new(), String::new());
    let mut client = LoggedIn { browser, uin, ptwebqq, vfwebqq, psessionid };
    client.open_session().await;
    assert_eq!((client.uin, client.vfwebqq.len()), (2_769_546_520, 80));
    assert!(client.psessionid.starts_with("836804676400"));
    assert_eq!(
        client.browser.get_json(&client.list("get_self_info2", "")).await["result"]["account"],
        2_769_546_520_u32
    );
    assert!(qq.session().online);
}

#[tokio::test]
async fn a_code_that_is_refused_or_unknown_is_of_no_use() {
    let sim = simulator(Rules::default()).await;
    let mut browser = Browser::new(sim.qq_addr());
    // qqbot begins with the qrsig of somebody else.
    let foreign = "hJ9GvNx*oIvLjP5I5dQ19KPa3zwxNI62eALLO*g2JLbKPYsZIRsnbJIxNe74NzQQ";
    let strange = format!("{PTLOGIN}ptqrlogin?ptqrtoken=1178303247&aid=501004106");
    let said = browser.bare(Method::GET, &strange).header("cookie", format!("qrsig={foreign}")).send().await.unwrap();
    assert!(said.text().await.unwrap().starts_with("ptuiCB('65'"));
    let wrong = browser.bare(Method::GET, &format!("{PTLOGIN}ptqrlogin?ptqrtoken=1&aid=501004106"));
    let wrong = wrong.header("cookie", format!("qrsig={foreign}")).send().await.unwrap();
    assert_eq!(wrong.status(), StatusCode::FORBIDDEN);

    browser.get(&format!("{PTLOGIN}ptqrshow?appid=501004106")).await;
    sim.handle().scan().unwrap();
    sim.handle().reject().unwrap();
    assert_eq!(browser.ptqrlogin().await[0], "65");
    assert!(sim.handle().confirm().is_err());
    let resumed = browser.get(&format!("{PTLOGIN}pt4_auth?daid=164&appid=501004106&auth_token=1")).await;
    assert!(resumed.text().await.unwrap().starts_with("ptui_auth_CB('1'"));
}

#[tokio::test]
async fn the_lists_tell_the_world_in_the_numbers_of_the_login() {
    let sim = simulator(Rules::default()).await;
    let mut client = LoggedIn::to(sim.qq_addr(), &sim.handle()).await;
    let friends = client.hashed_list("get_user_friends2").await["result"].clone();
    let nicks: Vec<&str> =
        friends["info"].as_array().unwrap().iter().map(|row| row["nick"].as_str().unwrap()).collect();
    assert_eq!(nicks.iter().filter(|nick| **nick == "李明").count(), 2);
    assert!(nicks.contains(&"张建国 &amp; Söhne &lt;3"), "{nicks:?}");
    let wang = client.friend("王芳").await;
    assert!(friends["marknames"].as_array().unwrap().contains(&json!({"uin": wang, "markname": "芳芳", "type": 0})));
    assert_eq!(friends["categories"][0]["name"], "同学");

    let (gid, code) = client.group(GROUP).await;
    assert_ne!(gid, code);
    let info =
        client.browser.get_json(&client.list("get_group_info_ext2", &format!("&gcode={code}"))).await["result"].clone();
    let uins =
        |rows: &Value, key: &str| rows.as_array().unwrap().iter().map(|row| row[key].clone()).collect::<Vec<_>>();
    assert_eq!(uins(&info["minfo"], "uin"), uins(&info["ginfo"]["members"], "muin"));
    assert!(uins(&info["minfo"], "uin").contains(&json!(client.uin)) && uins(&info["minfo"], "uin").contains(&wang));
    assert_eq!(info["ginfo"]["owner"], client.friend("Alice Chen").await);
    assert_eq!((&info["ginfo"]["createtime"], info["cards"].as_array().unwrap().len()), (&json!(1_388_307_595), 2));
    let (_, hikers) = client.group("Weekend Hikers").await;
    let bare = client.browser.get_json(&client.list("get_group_info_ext2", &format!("&gcode={hikers}"))).await;
    assert!(bare["result"].get("cards").is_none(), "no cards at all");

    let discussions = client.browser.get_json(&client.list("get_discus_list", "")).await;
    let did = discussions["result"]["dnamelist"][0]["did"].clone();
    let info =
        client.browser.get_json(&client.channel("get_discu_info", &format!("&did={did}"))).await["result"].clone();
    assert_eq!(uins(&info["mem_info"], "uin"), uins(&info["info"]["mem_list"], "mem_uin"));
    let online = client.buddies().await;
    assert_eq!(online["result"].as_array().unwrap().len(), 4);
    let recent = json!({"vfwebqq": client.vfwebqq, "clientid": 53_999_199, "psessionid": client.psessionid});
    sim.handle().say(IN_GROUP, "Bob", "hi").unwrap();
    let recent = client.browser.post_json(&format!("{D}get_recent_list2"), &recent).await;
    assert_eq!(recent["result"], json!([{"uin": gid, "type": 1}]));
}

#[tokio::test]
async fn calls_with_wrong_tickets_headers_or_targets_are_refused_by_their_retcodes() {
    let sim = simulator(Rules { poll_hold_ms: 0, ..Rules::default() }).await;
    let mut client = LoggedIn::to(sim.qq_addr(), &sim.handle()).await;
    let (gid, code) = client.group(GROUP).await;
    let friends = format!("{S}get_user_friends2");
    let good = json!({"vfwebqq": client.vfwebqq, "hash": "0000000000000000"});
    assert_eq!(client.browser.post_json(&friends, &good).await["retcode"], 100_000, "wrong hash");
    let stale = client.login2(&client.psessionid).await["result"]["vfwebqq"].clone();
    assert_eq!(
        client.browser.post_json(&friends, &json!({"vfwebqq": stale})).await["retcode"],
        100_000,
        "login2's ticket"
    );
    let no_r = client.browser.request(Method::POST, &friends).form(&[("q", "{}")]);
    assert_eq!(read(no_r.send().await.unwrap()).await["retcode"], 100_006, "no r");
    let bad_r = client.browser.request(Method::POST, &friends).form(&[("r", "{")]);
    assert_eq!(read(bad_r.send().await.unwrap()).await["retcode"], 100_006, "r is not JSON");
    let naked = client.browser.bare(Method::POST, &friends).form(&[("r", good.to_string())]);
    assert_eq!(read(naked.send().await.unwrap()).await["retcode"], 100_101, "no headers");
    let by_gid = client.list("get_group_info_ext2", &format!("&gcode={gid}"));
    assert_eq!(client.browser.get_json(&by_gid).await["retcode"], 6, "gid for a code");
    let unknown = client.list("get_group_info_ext2", "&gcode=12345");
    assert_eq!(client.browser.get_json(&unknown).await["retcode"], 100_001, "unknown code");
    let closed = client.list("get_friend_uin2", &format!("&tuin={code}&type=4"));
    assert_eq!(client.browser.get_json(&closed).await["retcode"], 100_000, "real numbers");

    for (target, number) in [("to", &gid), ("to", &json!(12345)), ("group_uin", &code), ("did", &gid)] {
        let endpoint = match target {
            "to" => "send_buddy_msg2",
            "did" => "send_discu_msg2",
            _ => "send_qun_msg2",
        };
        assert_eq!(client.send(endpoint, target, number, &words("x")).await["retcode"], 100_001, "{target} {number}");
    }
    let font_first = json!([["font", {}], "x"]);
    assert_eq!(client.send("send_qun_msg2", "group_uin", &gid, &font_first).await["retcode"], 100_006);
    let unknown = client.browser.get_json(&format!("{S}getvfwebqq?ptwebqq=00&clientid=53999199&psessionid=&t=1")).await;
    assert_eq!(unknown["retcode"], 100_000, "unknown ptwebqq");
    client.psessionid = "8368".to_owned();
    assert_eq!(client.poll_json().await["retcode"], 103, "unknown psessionid");
    assert!(sim.handle().heard(0).is_empty(), "nothing refused was heard");
    let elsewhere = client.browser.get("https://s.web2.qq.com/channel/poll2").await;
    assert_eq!(elsewhere.status(), StatusCode::NOT_FOUND, "a path of another host");
}

#[tokio::test]
async fn polling_is_refused_until_the_online_buddies_were_asked_for() {
    let sim = simulator(Rules { poll_hold_ms: 0, ..Rules::default() }).await;
    let mut client = LoggedIn::to(sim.qq_addr(), &sim.handle()).await;
    let again = client.login2("").await;
    again["result"]["psessionid"].as_str().unwrap().clone_into(&mut client.psessionid);
    assert_eq!(client.poll_json().await["retcode"], 103);
    client.buddies().await;
    assert_eq!(client.poll_json().await["retcode"], 102);
}

#[tokio::test]
async fn an_idle_poll_ends_as_the_rules_say() {
    for (idle, body) in [
        (Idle::Retcode102, json!({"retcode": 102, "errmsg": ""})),
        (Idle::Empty, json!({"retcode": 0, "result": "ok"})),
        (Idle::Error, json!({"errmsg": "error!!!", "retcode": 0})),
    ] {
        let sim = simulator(Rules { poll_hold_ms: 1, poll_idle: idle, ..Rules::default() }).await;
        assert_eq!(LoggedIn::to(sim.qq_addr(), &sim.handle()).await.poll_json().await, body);
    }
    let sim = simulator(Rules { poll_hold_ms: 1, poll_idle: Idle::Http504, ..Rules::default() }).await;
    let client = LoggedIn::to(sim.qq_addr(), &sim.handle()).await;
    assert_eq!(client.poll().send().await.unwrap().status(), StatusCode::GATEWAY_TIMEOUT);
}

#[tokio::test]
async fn a_held_poll_is_answered_as_soon_as_somebody_speaks() {
    let sim = simulator(Rules::default()).await;
    let qq = sim.handle();
    let client = LoggedIn::to(sim.qq_addr(), &qq).await;
    let (gid, _) = client.group(GROUP).await;
    let speak = async {
        qq.wait_session(|session| session.polling).await;
        qq.say(IN_GROUP, "王芳", "你好 <b> [微笑]").unwrap()
    };
    let (reply, msg_id) = tokio::join!(client.poll_json(), speak);
    let item = &reply["result"][0];
    assert_eq!((&item["poll_type"], &item["value"]["msg_id"]), (&json!("group_message"), &json!(msg_id)));
    let wang = client.friend("王芳").await;
    let value = &item["value"];
    assert_eq!((&value["from_uin"], &value["group_code"], &value["send_uin"]), (&gid, &gid, &wang));
    assert_eq!(value["to_uin"], json!(client.uin));
    assert_eq!(value["content"][0][0], "font");
    assert_eq!(value["content"].as_array().unwrap()[1..], [json!("你好 &lt;b&gt; "), json!(["face", 14])]);
}

#[tokio::test]
async fn friends_and_discussions_have_their_own_kinds_of_message() {
    let sim = simulator(Rules { events_per_poll: 1, ..Rules::default() }).await;
    let qq = sim.handle();
    let client = LoggedIn::to(sim.qq_addr(), &qq).await;
    let alice = client.friend("Alice Chen").await;
    qq.say("friend:Alice Chen", "Alice Chen", "hi").unwrap();
    qq.say("discussion:项目讨论", "Alice Chen", "hello").unwrap();
    qq.say("friend:Alice Chen", "小明", "from my phone").unwrap();
    let first = client.poll_json().await["result"][0].clone();
    assert_eq!((&first["poll_type"], &first["value"]["from_uin"]), (&json!("message"), &alice));
    let second = client.poll_json().await["result"][0].clone();
    assert_eq!((&second["poll_type"], &second["value"]["send_uin"]), (&json!("discu_message"), &alice));
    assert_eq!(second["value"]["did"], second["value"]["from_uin"]);
    let third = client.poll_json().await["result"][0]["value"].clone();
    assert_eq!((&third["from_uin"], &third["to_uin"]), (&json!(0), &alice));
}

#[tokio::test]
async fn what_is_said_while_nobody_polls_waits_in_order() {
    let sim = simulator(Rules { events_per_poll: 30, ..Rules::default() }).await;
    let qq = sim.handle();
    let client = LoggedIn::to(sim.qq_addr(), &qq).await;
    let said: Vec<String> = (0..100).map(|n| format!("message {n}")).collect();
    for text in &said {
        qq.say(IN_GROUP, "Bob", text).unwrap();
    }
    let mut got = Vec::new();
    while got.len() < said.len() {
        got.extend(client.poll_texts().await);
    }
    assert_eq!(got, said);
}

#[tokio::test]
async fn a_second_poll_supersedes_the_first() {
    let sim = simulator(Rules::default()).await;
    let qq = sim.handle();
    let client = LoggedIn::to(sim.qq_addr(), &qq).await;
    let first = async {
        let reply = client.poll_json().await;
        qq.say(IN_GROUP, "Bob", "hi").unwrap();
        reply
    };
    let second = async {
        qq.wait_session(|session| session.polling).await;
        client.poll_json().await
    };
    let (first, second) = tokio::join!(first, second);
    assert_eq!((&first["retcode"], &second["retcode"]), (&json!(102), &json!(0)));
}

#[tokio::test]
async fn a_poll_whose_client_went_away_takes_nothing_with_it() {
    let sim = simulator(Rules::default()).await;
    let qq = sim.handle();
    let client = LoggedIn::to(sim.qq_addr(), &qq).await;
    tokio::select! {
        reply = client.poll_json() => panic!("{reply}"),
        _ = qq.wait_session(|session| session.polling) => {}
    }
    qq.wait_session(|session| !session.polling).await;
    qq.say(IN_GROUP, "Bob", "still there").unwrap();
    assert_eq!(client.poll_texts().await, ["still there"]);
}

#[tokio::test]
async fn what_the_client_says_is_heard_exactly_and_comes_back_as_an_echo() {
    let sim = simulator(Rules::default()).await;
    let qq = sim.handle();
    let client = LoggedIn::to(sim.qq_addr(), &qq).await;
    let (gid, code) = client.group(GROUP).await;
    let elements = json!(["a\"b\n<c> ", ["face", 14], ["font", {"name": "宋体", "size": 10, "style": [0, 0, 0], "color": "000000"}]]);
    let reply = client.send("send_qun_msg2", "group_uin", &gid, &elements).await;
    assert_eq!(reply, json!({"errCode": 0, "msg": "send ok"}));
    let heard = qq.wait_heard(|heard| !heard.is_empty()).await;
    assert_eq!((heard[0].n, heard[0].chat.as_str(), heard[0].text.as_str()), (1, IN_GROUP, "a\"b\n<c> [微笑]"));
    assert_eq!((Value::from(heard[0].content.clone()), heard[0].msg_id), (elements, 6_000_001));

    qq.say(IN_GROUP, "小明", "from my phone").unwrap();
    let reply = client.poll_json().await;
    let echoes = reply["result"].as_array().unwrap();
    let (phone, own) = (&echoes[0]["value"], &echoes[1]["value"]);
    assert_eq!((&phone["content"][1], &own["content"][1]), (&json!("from my phone"), &json!("a\"b\n&lt;c&gt; ")));
    assert_eq!(phone["send_uin"], own["send_uin"], "one pseudonym for a session");
    let mut browser = client.browser;
    let info = browser.get_json(&format!("{S}get_group_info_ext2?gcode={code}&vfwebqq={}&t=1", client.vfwebqq)).await;
    let members = info["result"]["minfo"].as_array().unwrap();
    assert!(members.iter().all(|member| member["uin"] != own["send_uin"]), "in no member list");
}

#[tokio::test]
async fn friends_and_accounts_without_echo_get_no_echo() {
    let sim = simulator(Rules { echo: false, ..Rules::default() }).await;
    let qq = sim.handle();
    let client = LoggedIn::to(sim.qq_addr(), &qq).await;
    let (gid, _) = client.group(GROUP).await;
    let wang = client.friend("王芳").await;
    client.send("send_qun_msg2", "group_uin", &gid, &words("one")).await;
    client.send("send_buddy_msg2", "to", &wang, &words("two")).await;
    assert_eq!((qq.heard(0).len(), qq.heard(1)[0].chat.as_str(), qq.session().queued), (2, "friend:王芳", 0));
}

#[tokio::test]
async fn a_new_login_gets_new_numbers_and_what_was_said_since() {
    let sim = simulator(Rules::default()).await;
    let qq = sim.handle();
    let old = LoggedIn::to(sim.qq_addr(), &qq).await;
    let (old_gid, old_code) = old.group(GROUP).await;
    let old_wang = old.friend("王芳").await;
    qq.say(IN_GROUP, "王芳", "before").unwrap();
    let new = LoggedIn::to(sim.qq_addr(), &qq).await;
    let (gid, code) = new.group(GROUP).await;
    assert!(gid != old_gid && code != old_code && new.friend("王芳").await != old_wang);
    let item = new.poll_json().await["result"][0]["value"].clone();
    assert_eq!((&item["from_uin"], &item["send_uin"]), (&gid, &new.friend("王芳").await));
    assert_eq!(qq.session().logins, 2);
}

#[tokio::test]
async fn relinking_keeps_session_and_numbers() {
    let sim = simulator(Rules::default()).await;
    let client = LoggedIn::to(sim.qq_addr(), &sim.handle()).await;
    let before = client.group(GROUP).await;
    let relinked = client.login2(&client.psessionid).await;
    assert_eq!(relinked["result"]["psessionid"], client.psessionid);
    assert_eq!((client.group(GROUP).await, sim.handle().session().logins), (before, 1));
    assert_eq!(client.login2("8368").await["retcode"], 103);
}

#[tokio::test]
async fn logging_out_ends_the_session() {
    let sim = simulator(Rules::default()).await;
    let mut client = LoggedIn::to(sim.qq_addr(), &sim.handle()).await;
    let status = client.channel("change_status2", "&newstatus=hidden");
    assert_eq!(client.browser.get_json(&status).await, json!({"retcode": 0, "result": "ok"}));
    assert_eq!(sim.handle().session().status, "hidden");
    let logout = client.channel("logout2", "&ids=");
    assert_eq!(client.browser.get_json(&logout).await["retcode"], 0);
    assert_eq!(client.poll_json().await["retcode"], 103);
}

#[tokio::test]
async fn poll_replies_and_items_can_be_written_by_hand() {
    let sim = simulator(Rules::default()).await;
    let qq = sim.handle();
    let client = LoggedIn::to(sim.qq_addr(), &qq).await;
    qq.fault(Fault::new("poll2", Trouble::Body("{\"retcode\":0,\"result\":[{\"poll_".to_owned())));
    assert_eq!(client.poll().send().await.unwrap().text().await.unwrap(), "{\"retcode\":0,\"result\":[{\"poll_");
    let item = json!({"poll_type": "sys_g_msg", "value": {"from_uin": format!("$gid:{GROUP}"), "who": ["$uin:王芳", "$own", "$5"]}});
    assert!(qq.push(vec![item]).is_err(), "$5 stands for nobody");
    let item =
        json!({"poll_type": "sys_g_msg", "value": {"from_uin": format!("$gid:{GROUP}"), "who": ["$uin:王芳", "$own"]}});
    qq.push(vec![item, json!("not an item")]).unwrap();
    let reply = client.poll_json().await;
    let (gid, _) = client.group(GROUP).await;
    assert_eq!(reply["result"][0]["value"], json!({"from_uin": gid, "who": [client.friend("王芳").await, client.uin]}));
    assert_eq!(reply["result"][1], "not an item");
}

#[tokio::test]
async fn the_world_can_change_while_it_runs() {
    let sim = simulator(Rules::default()).await;
    let qq = sim.handle();
    let client = LoggedIn::to(sim.qq_addr(), &qq).await;
    let wang = client.friend("王芳").await;
    qq.edit_world(|world| {
        world.friends[0].nick = Some("王小芳".to_owned());
        world.groups[0].members[0].card = None;
        let carol = world.friends[0].clone();
        world.friends.push(matrix_webqq::sim::Friend { name: "新朋友".to_owned(), nick: None, ..carol });
    })
    .unwrap();
    assert_eq!(client.friend("王小芳").await, wang);
    qq.say("friend:新朋友", "新朋友", "hi").unwrap();
    assert_eq!(client.poll_json().await["result"][0]["value"]["from_uin"], client.friend("新朋友").await);
}

#[tokio::test]
async fn two_thousand_messages_go_both_ways_without_loss_or_disorder() {
    let sim = simulator(Rules::default()).await;
    let qq = sim.handle();
    let client = LoggedIn::to(sim.qq_addr(), &qq).await;
    let wang = client.friend("王芳").await;
    let said: Vec<String> = (0..1000).map(|n| format!("message {n}")).collect();
    let say = async {
        for text in &said {
            qq.say("friend:王芳", "王芳", text).unwrap();
            let reply = client.send("send_buddy_msg2", "to", &wang, &words(text)).await;
            assert_eq!(reply["errCode"], 0);
        }
    };
    let listen = async {
        let mut got = Vec::new();
        while got.len() < said.len() {
            got.extend(client.poll_texts().await);
        }
        got
    };
    let ((), got) = tokio::join!(say, listen);
    let heard: Vec<String> = qq.heard(0).into_iter().map(|heard| heard.text).collect();
    assert!(got == said && heard == said);
}

#[tokio::test]
async fn stopping_ends_held_polls() {
    let sim = simulator(Rules::default()).await;
    let qq = sim.handle();
    let client = LoggedIn::to(sim.qq_addr(), &qq).await;
    let stop = async {
        qq.wait_session(|session| session.polling).await;
        sim.stop().await;
    };
    let (reply, ()) = tokio::join!(client.poll_json(), stop);
    assert_eq!(reply["retcode"], 102);
}
