//! Logging in with number and password, in each era that had such a login.

use std::sync::Arc;

use matrix_webqq::base::Secret;
use matrix_webqq::config::{Era, WebQq as Settings};
use matrix_webqq::qq::webqq::{Pace, begin_login_paced, connect_paced, offers};
use matrix_webqq::qq::{Error, Forgetful, Login, LoginStep, Method, Network, Offers, Refusal, Session};
use serde_json::{Value, json};

use super::server::{Answer, body, result, retcode, status};
use super::{OWN, Qq, receive, said};

const SALT: &str = r"\x00\x00\x00\x00\x00\x00\x27\x11";
const CHECK_SIG: &str = "http://ptlogin4.web2.qq.com/check_sig?ptsig=1";

/// A scripted QQ of another time, of which every password login succeeds at once.
struct Old {
    qq: Qq,
    era: Era,
}

impl Old {
    async fn start(era: Era) -> Self {
        let qq = Qq::start().await;
        let next = if era == Era::Y2012 { "http://web.qq.com/loginproxy.html?login2qq=1" } else { CHECK_SIG };
        qq.server.always("login", ptui(0, 0, next, "登录成功！").cookie("ptwebqq=web1; PATH=/; DOMAIN=qq.com;"));
        qq.server.always("login2", result(json!({"uin": OWN, "psessionid": "old", "vfwebqq": "vf2"})));
        qq.server.always("get_discu_list_new2", result(json!({"dnamelist": [{"did": 70, "name": "讨论"}]})));
        let old = Self { qq, era };
        old.check("0", "!B55");
        old
    }

    /// What `check` says from now on, with as many arguments as this era had.
    fn check(&self, captcha: &str, word: &str) {
        let all = [captcha, word, SALT, "verify1", "0"];
        let count = match self.era {
            Era::Y2012 => 3,
            Era::Y2013 => 4,
            Era::Y2014 | Era::SmartQq => 5,
        };
        let args: Vec<String> = all.iter().take(count).map(|arg| format!("'{arg}'")).collect();
        self.qq.server.always("check", body(format!("ptui_checkVC({});", args.join(","))));
    }

    fn needs_captcha(&self) {
        self.check("1", "cap1");
        let picture = body(*b"\xff\xd8JPEG").cookie("verifysession=vs1; PATH=/; DOMAIN=qq.com;");
        self.qq.server.always("getimage", picture);
    }

    fn settings(&self) -> Settings {
        Settings { era: self.era, ..self.qq.settings() }
    }

    fn login(&self) -> Box<dyn Login> {
        let method = Method::Password { account: OWN.to_string(), password: Secret::new("1234567890") };
        begin_login_paced(&self.settings(), method, &self.qq.clock, Pace::hurried()).unwrap()
    }

    async fn session(&self) -> Session {
        match self.login().step().await.unwrap() {
            LoginStep::Done(session) => session,
            other => panic!("{other:?}"),
        }
    }

    async fn network(&self) -> Arc<dyn Network> {
        let memory = Arc::<Forgetful>::clone(&self.qq.memory);
        connect_paced(&self.settings(), self.session().await, memory, &self.qq.clock, Pace::hurried()).await.unwrap()
    }

    async fn refused(&self) -> Refusal {
        match self.login().step().await.unwrap_err() {
            Error::LoginRefused { why, .. } => why,
            other => panic!("{other}"),
        }
    }
}

fn ptui(code: u32, sub: u32, url: &str, text: &str) -> Answer {
    body(format!("ptuiCB('{code}','{sub}','{url}','0','{text}', '我');\r\n"))
}

#[tokio::test]
async fn without_a_captcha_a_password_login_takes_no_picture_and_shows_the_digest_of_its_era() {
    for era in [Era::Y2012, Era::Y2013, Era::Y2014] {
        let old = Old::start(era).await;
        let session = old.session().await;
        assert_eq!((session.account.as_str(), session.nick.as_str()), ("10001", "我"));
        let login = &old.qq.server.asked("login")[0];
        assert_eq!((login.query["u"].as_str(), login.query["verifycode"].as_str()), ("10001", "!B55"));
        let (host, appid, length) = match era {
            Era::Y2012 => ("ptlogin2.qq.com", "1003903", 32),
            Era::Y2013 => ("ssl.ptlogin2.qq.com", "1003903", 32),
            _ => ("ssl.ptlogin2.qq.com", "501004106", 216),
        };
        assert_eq!((login.host.as_str(), login.query["aid"].as_str(), login.query["p"].len()), (host, appid, length));
        assert!(!login.query.values().any(|value| value.contains("1234567890")));
        let session_shown = login.query.get("pt_verifysession_v1").map(String::as_str);
        assert_eq!(session_shown, (era != Era::Y2012).then_some("verify1"));
        let mut order = vec!["check", "login", "check_sig", "login2", "get_online_buddies2"];
        order.retain(|call| era != Era::Y2012 || *call != "check_sig");
        assert_eq!(old.qq.server.order(), order, "{era:?}: no getvfwebqq, no getimage");
    }
}

#[tokio::test]
async fn the_digest_follows_the_number_of_arguments_that_check_gave() {
    let old = Old::start(Era::Y2012).await;
    let p = async || {
        old.session().await;
        old.qq.server.asked("login").last().unwrap().query["p"].clone()
    };
    old.qq.server.then("check", body("ptui_checkVC('0','!B55');"));
    assert_eq!(p().await, "82A21101C30044E7B31BB584AA5DA99B");
    let salt = r"\x00\x00\x00\x00\xa6\xce\xef\xfe";
    old.qq.server.then("check", body(format!("ptui_checkVC('0','!B55', '{salt}');")));
    assert_eq!(p().await, "5AE2E1380BFBF5135AD578DFA1FD3EE9");
    old.qq.server.then("check", body(format!("ptui_checkVC('0','!B55','{salt}','v','2');")));
    assert_eq!(p().await.len(), 216);
}

#[tokio::test]
async fn a_captcha_is_shown_and_its_answer_taken_with_the_cookie_of_the_picture() {
    for era in [Era::Y2012, Era::Y2013, Era::Y2014] {
        let old = Old::start(era).await;
        old.needs_captcha();
        old.qq.server.then("login", ptui(4, 0, "", "您输入的验证码不正确，请重新输入。"));
        let mut login = old.login();
        let LoginStep::AskCaptcha { picture, again: false } = login.step().await.unwrap() else { panic!("a captcha") };
        assert_eq!(picture, b"\xff\xd8JPEG");
        login.answer(" wrng ");
        assert!(matches!(login.step().await.unwrap(), LoginStep::AskCaptcha { again: true, .. }));
        login.answer("abcd");
        assert!(matches!(login.step().await.unwrap(), LoginStep::Done(_)));
        let shown = old.qq.server.asked("login");
        assert_eq!([&shown[0].query["verifycode"], &shown[1].query["verifycode"]], ["wrng", "abcd"]);
        assert!(shown.iter().all(|login| login.query["pt_verifysession_v1"] == "vs1"));
        assert!(shown.iter().all(|login| login.cookie.contains("verifysession=vs1")));
        let image = &old.qq.server.asked("getimage")[0];
        let field = if era == Era::Y2012 { "vc_type" } else { "cap_cd" };
        assert_eq!((image.query["uin"].as_str(), image.query[field].as_str()), ("10001", "cap1"));
    }
}

#[tokio::test]
async fn pictures_that_are_misread_end_the_login_after_three() {
    let old = Old::start(Era::Y2013).await;
    old.needs_captcha();
    old.qq.server.always("login", ptui(4, 0, "", "验证码不正确"));
    let mut login = old.login();
    for _ in 0..3 {
        assert!(matches!(login.step().await.unwrap(), LoginStep::AskCaptcha { .. }));
        login.answer("nope");
    }
    let error = login.step().await.unwrap_err();
    assert!(matches!(error, Error::LoginRefused { why: Refusal::WrongCaptcha, .. }), "{error}");
    assert_eq!(old.qq.server.asked("login").len(), 3);
}

#[tokio::test]
async fn a_refusal_is_told_and_tried_only_once() {
    for (code, why) in [
        (2, Refusal::Busy),
        (3, Refusal::WrongPassword),
        (8, Refusal::TooMany),
        (24, Refusal::Other),
        (71, Refusal::Frozen),
        (10_005, Refusal::ScanInstead),
        (10_006, Refusal::ScanInstead),
    ] {
        let old = Old::start(Era::Y2014).await;
        old.qq.server.always("login", ptui(code, 0, "", "不"));
        assert_eq!(old.refused().await, why, "{code}");
        assert_eq!(old.qq.server.asked("login").len(), 1, "{code}");
    }
    let old = Old::start(Era::Y2013).await;
    old.qq.server.always("login", ptui(0, 0, "http://aq.qq.com/cn2/unban", "登录成功！"));
    assert_eq!(old.refused().await, Refusal::Frozen);
}

#[tokio::test]
async fn a_busy_qq_is_asked_again_a_bounded_number_of_times() {
    let old = Old::start(Era::Y2013).await;
    for (code, sub) in [(1, 0), (5, 0)] {
        old.qq.server.then("login", ptui(code, sub, "", "系统繁忙"));
    }
    old.session().await;
    assert_eq!((old.qq.server.asked("login").len(), old.qq.server.asked("check").len()), (3, 2));

    let old = Old::start(Era::Y2013).await;
    old.qq.server.always("login", ptui(6, 0, "", "请重试"));
    assert_eq!(old.refused().await, Refusal::Busy);
    assert_eq!(old.qq.server.asked("login").len(), 3);
    old.qq.server.always("login", ptui(4, 2, "", "页面过期"));
    assert_eq!(old.refused().await, Refusal::Busy);
}

#[tokio::test]
async fn a_captcha_may_be_wanted_after_all() {
    let old = Old::start(Era::Y2013).await;
    old.needs_captcha();
    old.check("0", "!B55");
    old.qq.server.then("login", ptui(10, 0, "", "请输入验证码"));
    let mut login = old.login();
    assert!(matches!(login.step().await.unwrap(), LoginStep::AskCaptcha { again: false, .. }));
    assert!(login.step().await.is_err(), "it was not answered");
}

#[tokio::test]
async fn each_era_offers_its_own_logins_and_no_other() {
    let qq = Qq::start().await;
    for (era, qr) in [(Era::Y2012, false), (Era::Y2013, false), (Era::Y2014, false), (Era::SmartQq, true)] {
        let settings = Settings { era, ..qq.settings() };
        assert_eq!(offers(&settings), Offers { qr, password: !qr });
        let password = Method::Password { account: OWN.to_string(), password: Secret::new("x") };
        let lacking = if qr { password } else { Method::Qr };
        let Err(error) = begin_login_paced(&settings, lacking, &qq.clock, Pace::hurried()) else { panic!("{era:?}") };
        assert!(matches!(error, Error::NoSuchLogin));
    }
}

#[tokio::test]
async fn the_calls_of_an_old_session_have_the_form_of_their_era() {
    for era in [Era::Y2012, Era::Y2013, Era::Y2014] {
        let old = Old::start(era).await;
        let network = old.network().await;
        let server = &old.qq.server;
        let clientid = server.asked("login2")[0].r["clientid"].clone();
        assert!(clientid.as_str().is_some_and(|text| text.parse::<u64>().is_ok()), "a text: {clientid}");
        server.then("poll2", result(json!([said("message", "hi", &json!({"from_uin": 1}))])));
        receive(&*network).await;
        let tip = &server.asked("get_msg_tip")[0];
        let page = if era == Era::Y2012 { "webqq.qq.com" } else { "web2.qq.com" };
        assert_eq!((tip.host.as_str(), tip.query["rc"].as_str()), (page, "1"));
        let poll = server.asked("poll2").pop().unwrap();
        assert_eq!(poll.host, "d.web2.qq.com");
        assert_eq!((&poll.r["clientid"], poll.form["clientid"].as_str()), (&clientid, clientid.as_str().unwrap()));
        assert_eq!(poll.form["psessionid"], "old");
        assert_eq!(poll.r["key"], if era == Era::Y2014 { json!("") } else { json!(0) });
        let friends = &server.asked("get_user_friends2")[0];
        assert_eq!((&friends.r["vfwebqq"], &friends.r["h"]), (&json!("vf2"), &json!("hello")));
        let length = |asked: &Value| asked.as_str().map(str::len);
        let expected = match era {
            Era::Y2012 => None,
            Era::Y2013 => Some(8),
            _ => Some(16),
        };
        assert_eq!(length(&friends.r["hash"]), expected, "{era:?}");
        let groups = &server.asked("get_group_name_list_mask2")[0];
        assert_eq!(groups.r.get("hash").is_some(), era == Era::Y2014);
        assert_eq!(server.asked("get_discu_list_new2").len(), usize::from(era == Era::Y2012));
        assert!(!network.capabilities().echoes);
    }
}

#[tokio::test]
async fn where_several_hashes_were_in_use_the_next_is_tried() {
    let old = Old::start(Era::Y2013).await;
    for _ in 0..3 {
        old.qq.server.then("get_user_friends2", retcode(50));
    }
    let network = old.network().await;
    assert_eq!(network.chats().await.unwrap().len(), 4);
    let tried: Vec<usize> =
        old.qq.server.asked("get_user_friends2").iter().map(|asked| asked.r["hash"].as_str().unwrap().len()).collect();
    assert_eq!(tried, [8, 16, 8, 36], "Q, P, N and O");
}

#[tokio::test]
async fn in_an_old_era_109_ends_the_session_and_hiccups_of_the_network_do_not_end_a_login() {
    let old = Old::start(Era::Y2013).await;
    for endpoint in ["check", "login", "check_sig", "login2"] {
        old.qq.server.then(endpoint, status(502));
    }
    let network = old.network().await;
    old.qq.server.always("poll2", retcode(109));
    let error = network.receive().await.unwrap_err();
    assert_eq!(error.verdict(), matrix_webqq::qq::Verdict::LogIn);
}
