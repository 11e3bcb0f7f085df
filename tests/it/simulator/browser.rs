//! A WebQQ client as small as can be: cookies by real host names, every call to the simulator's address or its proxy.

use std::net::SocketAddr;

use cookie_store::CookieStore;
use matrix_webqq::sim::{Handle, Options, QrState, Rules, Simulator, World};
use reqwest::header::{COOKIE, HOST, REFERER, SET_COOKIE, USER_AGENT};
use reqwest::{Client, Method, RequestBuilder, Response, StatusCode};
use serde_json::{Value, json};
use url::Url;

pub(crate) const S: &str = "https://s.web2.qq.com/api/";
pub(crate) const D: &str = "https://d1.web2.qq.com/channel/";
pub(crate) const PTLOGIN: &str = "https://ssl.ptlogin2.qq.com/";

/// A simulator whose world differs from the example only in its rules.
pub(crate) async fn simulator(rules: Rules) -> Simulator {
    let world = World { options: rules, ..World::example().unwrap() };
    let options = Options { world: Some(world), seed: Some(42), ..Options::default() };
    Simulator::start(options).await.unwrap()
}

pub(crate) struct Browser {
    http: Client,
    /// Where every call goes; `None` when a proxy sees to that.
    server: Option<SocketAddr>,
    pub(crate) cookies: CookieStore,
}

impl Browser {
    pub(crate) fn new(server: SocketAddr) -> Self {
        let http = Client::builder().redirect(reqwest::redirect::Policy::none()).no_proxy().build().unwrap();
        Self { http, server: Some(server), cookies: CookieStore::default() }
    }

    /// One that has QQ's own addresses, a proxy, and trust in nobody but `ca_pem`.
    pub(crate) fn behind(proxy: SocketAddr, ca_pem: &[u8]) -> Self {
        let authority = reqwest::Certificate::from_pem(ca_pem).unwrap();
        let proxy = reqwest::Proxy::all(format!("http://{proxy}")).unwrap();
        let builder = Client::builder().redirect(reqwest::redirect::Policy::none()).proxy(proxy);
        let http = builder.tls_certs_only([authority]).build().unwrap();
        Self { http, server: None, cookies: CookieStore::default() }
    }

    /// A call as the jar and the protocol have it; tests take headers away or add some.
    pub(crate) fn request(&self, method: Method, url: &str) -> RequestBuilder {
        let cookies =
            self.cookies.get_request_values(&Url::parse(url).unwrap()).map(|(name, value)| format!("{name}={value}"));
        let cookies = cookies.collect::<Vec<_>>().join("; ");
        let bare =
            self.bare(method, url).header(REFERER, "http://d1.web2.qq.com/proxy.html?v=20151105001&callback=1&id=2");
        let browser = bare.header(USER_AGENT, "Mozilla/5.0 (X11; Linux x86_64) Gecko/20100101 Firefox/60.0");
        if cookies.is_empty() { browser } else { browser.header(COOKIE, cookies) }
    }

    /// A call without cookies, Referer and User-Agent.
    pub(crate) fn bare(&self, method: Method, url: &str) -> RequestBuilder {
        let real = Url::parse(url).unwrap();
        let Some(server) = self.server else { return self.http.request(method, real) };
        let mut local = real.clone();
        local.set_scheme("http").unwrap();
        local.set_host(Some(&server.ip().to_string())).unwrap();
        local.set_port(Some(server.port())).unwrap();
        self.http.request(method, local).header(HOST, real.host_str().unwrap())
    }

    pub(crate) async fn get(&mut self, url: &str) -> Response {
        let response = self.request(Method::GET, url).send().await.unwrap();
        self.keep(response, &Url::parse(url).unwrap())
    }

    /// Keeps the cookies of an answer.
    pub(crate) fn keep(&mut self, response: Response, real: &Url) -> Response {
        for line in response.headers().get_all(SET_COOKIE) {
            // An expired cookie is an error to this jar, and a deletion to everybody.
            self.cookies.parse(line.to_str().unwrap(), real).ok();
        }
        response
    }

    pub(crate) async fn get_json(&mut self, url: &str) -> Value {
        read(self.get(url).await).await
    }

    pub(crate) fn post(&self, url: &str, r: &Value) -> RequestBuilder {
        self.request(Method::POST, url).form(&[("r", r.to_string())])
    }

    pub(crate) async fn post_json(&self, url: &str, r: &Value) -> Value {
        read(self.post(url, r).send().await.unwrap()).await
    }

    pub(crate) fn cookie(&self, domain: &str, name: &str) -> Option<String> {
        self.cookies.get(domain, "/", name).map(|cookie| cookie.value().to_owned())
    }

    /// One ptqrlogin; gives the quoted words of the answer.
    pub(crate) async fn ptqrlogin(&mut self) -> Vec<String> {
        let token = hash33(&self.cookie("ptlogin2.qq.com", "qrsig").unwrap_or_default());
        let url = format!("{PTLOGIN}ptqrlogin?ptqrtoken={token}&aid=501004106&u1=http%3A%2F%2Fw.qq.com%2Fproxy.html");
        words_of(&self.get(&url).await.text().await.unwrap())
    }
}

/// The quoted words of a ptuiCB answer.
pub(crate) fn words_of(text: &str) -> Vec<String> {
    let words = text.trim().strip_prefix("ptuiCB(").unwrap().strip_suffix(");").unwrap();
    words.split(',').map(|word| word.trim().trim_matches('\'').to_owned()).collect()
}

/// The answer as JSON, which also says that it was one.
pub(crate) async fn read(response: Response) -> Value {
    assert_eq!(response.status(), StatusCode::OK);
    let text = response.text().await.unwrap();
    assert!(text.is_ascii() && text.ends_with('\n'), "{text}");
    serde_json::from_str(&text).unwrap()
}

pub(crate) fn hash33(text: &str) -> u64 {
    text.bytes().fold(0, |hash: u64, byte| (hash * 33 + u64::from(byte)) & 0x7fff_ffff)
}

/// A client that is logged in.
pub(crate) struct LoggedIn {
    pub(crate) browser: Browser,
    pub(crate) uin: u64,
    pub(crate) ptwebqq: String,
    pub(crate) vfwebqq: String,
    pub(crate) psessionid: String,
}

impl LoggedIn {
    /// The whole dance, with `qq` holding the phone.
    pub(crate) async fn to(server: SocketAddr, qq: &Handle) -> Self {
        Self::with(Browser::new(server), qq).await
    }

    /// The same, in a browser of one's own.
    pub(crate) async fn with(mut browser: Browser, qq: &Handle) -> Self {
        browser.get(&format!("{PTLOGIN}ptqrshow?appid=501004106&e=0&l=M&s=5&d=72&v=4&t=0.1")).await;
        assert_eq!(qq.qr(), QrState::Waiting);
        qq.scan().unwrap();
        qq.confirm().unwrap();
        let link = browser.ptqrlogin().await.remove(2);
        browser.get(&link).await;
        let ptwebqq = browser.cookie("qq.com", "ptwebqq").unwrap();
        let mut client = Self { browser, uin: 0, ptwebqq, vfwebqq: String::new(), psessionid: String::new() };
        client.open_session().await;
        client
    }

    /// getvfwebqq, login2, `get_online_buddies2`.
    pub(crate) async fn open_session(&mut self) {
        let url = format!("{S}getvfwebqq?ptwebqq={}&clientid=53999199&psessionid=&t=1", self.ptwebqq);
        let ticket = self.browser.get_json(&url).await;
        ticket["result"]["vfwebqq"].as_str().unwrap().clone_into(&mut self.vfwebqq);
        let login = self.login2("").await;
        assert_eq!(login["retcode"], 0, "{login}");
        self.uin = login["result"]["uin"].as_u64().unwrap();
        login["result"]["psessionid"].as_str().unwrap().clone_into(&mut self.psessionid);
        assert_eq!(self.buddies().await["retcode"], 0);
    }

    pub(crate) async fn login2(&self, psessionid: &str) -> Value {
        let r = json!({"ptwebqq": self.ptwebqq, "clientid": 53_999_199, "psessionid": psessionid, "status": "online"});
        self.browser.post_json(&format!("{D}login2"), &r).await
    }

    pub(crate) async fn buddies(&mut self) -> Value {
        let url = self.channel("get_online_buddies2", "");
        self.browser.get_json(&url).await
    }

    /// The address of a channel call by GET.
    pub(crate) fn channel(&self, endpoint: &str, rest: &str) -> String {
        let Self { vfwebqq, psessionid, .. } = self;
        format!("{D}{endpoint}?vfwebqq={vfwebqq}&clientid=53999199&psessionid={psessionid}&t=1{rest}")
    }

    /// The address of a list call by GET.
    pub(crate) fn list(&self, endpoint: &str, rest: &str) -> String {
        format!("{S}{endpoint}?vfwebqq={}&t=1{rest}", self.vfwebqq)
    }

    pub(crate) fn poll(&self) -> RequestBuilder {
        let r = json!({"ptwebqq": self.ptwebqq, "clientid": 53_999_199, "psessionid": self.psessionid, "key": ""});
        self.browser.post(&format!("{D}poll2"), &r)
    }

    pub(crate) async fn poll_json(&self) -> Value {
        read(self.poll().send().await.unwrap()).await
    }

    /// Polls once; the texts of the events, oldest first.
    pub(crate) async fn poll_texts(&self) -> Vec<String> {
        let reply = self.poll_json().await;
        let items = reply["result"].as_array().unwrap_or_else(|| panic!("{reply}"));
        items.iter().rev().map(|item| item["value"]["content"][1].as_str().unwrap().to_owned()).collect()
    }

    /// A list call with the hash that the service expects.
    pub(crate) async fn hashed_list(&self, endpoint: &str) -> Value {
        let r = json!({"vfwebqq": self.vfwebqq, "hash": list_hash(self.uin, &self.ptwebqq)});
        self.browser.post_json(&format!("{S}{endpoint}"), &r).await
    }

    pub(crate) async fn send(&self, endpoint: &str, target: &str, number: &Value, elements: &Value) -> Value {
        self.send_request(endpoint, target, number, elements).send().await.map(read).unwrap().await
    }

    pub(crate) fn send_request(
        &self,
        endpoint: &str,
        target: &str,
        number: &Value,
        elements: &Value,
    ) -> RequestBuilder {
        let r = json!({
            target: number, "content": elements.to_string(), "face": 522, "clientid": 53_999_199, "msg_id": 6_000_001,
            "psessionid": self.psessionid,
        });
        self.browser.post(&format!("{D}{endpoint}"), &r)
    }

    /// `(gid, code)` of the group `name`.
    pub(crate) async fn group(&self, name: &str) -> (Value, Value) {
        let groups = self.hashed_list("get_group_name_list_mask2").await;
        let groups = groups["result"]["gnamelist"].as_array().unwrap();
        let group = groups.iter().find(|group| group["name"] == name).unwrap();
        (group["gid"].clone(), group["code"].clone())
    }

    /// uin of the friend with the nick `nick`.
    pub(crate) async fn friend(&self, nick: &str) -> Value {
        let friends = self.hashed_list("get_user_friends2").await;
        let friends = friends["result"]["info"].as_array().unwrap();
        friends.iter().find(|friend| friend["nick"] == nick).unwrap()["uin"].clone()
    }
}

/// The hash of the lists, generation "P". Source: protocol dossier 6.1.
pub(crate) fn list_hash(uin: u64, ptwebqq: &str) -> String {
    let mut folded = [0_u8; 4];
    ptwebqq.bytes().enumerate().for_each(|(at, byte)| folded[at % 4] ^= byte);
    let own = u32::try_from(uin).unwrap().to_be_bytes().into_iter().zip(*b"ECOK").map(|(byte, letter)| byte ^ letter);
    folded.into_iter().zip(own).fold(String::new(), |hash, (sum, own)| hash + format!("{sum:02X}{own:02X}").as_str())
}

/// A message as clients send it.
pub(crate) fn words(text: &str) -> Value {
    json!([text, ["font", {"name": "宋体", "size": 10, "style": [0, 0, 0], "color": "000000"}]])
}
