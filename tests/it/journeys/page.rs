//! The status page: what it shows, to whom, and for how long; and what nobody finds on it.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use matrix_webqq::sim::{Fault, QrState, Trouble};
use reqwest::header::{ACCEPT_LANGUAGE, CONTENT_SECURITY_POLICY, COOKIE, LOCATION, SET_COOKIE};
use reqwest::redirect::Policy;
use reqwest::{Client, RequestBuilder};
use serde_json::{Value, json};

use super::talking;
use crate::support::house::House;

const SECRET: &str = "a secret of the status page";

/// A browser that goes nowhere by itself.
struct Browser {
    client: Client,
    address: String,
}

/// What it got.
struct Got {
    status: u16,
    cookie: String,
    location: String,
    policy: String,
    page: String,
}

impl Browser {
    fn of(house: &House) -> Self {
        let client = Client::builder().redirect(Policy::none()).build().expect("a client");
        Self { client, address: house.bridge_address() }
    }

    fn get(&self, path: &str) -> RequestBuilder {
        self.client.get(format!("{}{path}", self.address)).header(ACCEPT_LANGUAGE, "en-GB,en")
    }

    async fn show(&self, secret: &str) -> Got {
        let form = [("secret", secret)];
        got(self.client.post(format!("{}/_webqq/status?lang=en", self.address)).form(&form)).await
    }
}

async fn got(request: RequestBuilder) -> Got {
    let answer = request.send().await.expect("it answers");
    let header = |name| answer.headers().get(name).map_or("", |value| value.to_str().expect("text")).to_owned();
    let (cookie, location, policy) = (header(SET_COOKIE), header(LOCATION), header(CONTENT_SECURITY_POLICY));
    Got { status: answer.status().as_u16(), cookie, location, policy, page: answer.text().await.expect("text") }
}

fn with_page() -> Value {
    json!({ "status_page": { "enabled": true, "secret": SECRET } })
}

#[tokio::test(flavor = "multi_thread")]
async fn the_status_page_shows_how_the_bridge_does_and_never_what_people_write() {
    let (house, _, room) = talking(&with_page()).await;
    house.qq.fault(Fault::new("send_qun_msg2", Trouble::Retcode(100_006)));
    house.owner.say(&room, "between us");
    house.bot_says(&room, "was not delivered to QQ").await;
    let browser = Browser::of(&house);
    let let_in = browser.show(SECRET).await;
    assert_eq!((let_in.status, let_in.location.as_str()), (303, "status?lang=en"));
    assert!(let_in.cookie.contains("; HttpOnly; SameSite=Strict"), "{}", let_in.cookie);
    let cookie = let_in.cookie.split(';').next().expect("a cookie");
    let shown = got(browser.get("/_webqq/status").header(COOKIE, cookie)).await;
    assert_eq!(shown.status, 200);
    let account = house.qq.world().account;
    for words in [account.nick.as_str(), &account.number.to_string(), "@alice:hs.test", "connected", "100006"] {
        assert!(shown.page.contains(words), "{words} is not in\n{}", shown.page);
    }
    for words in ["between us", "as-token", SECRET, "<script", "http:", "https:", "//"] {
        assert!(!shown.page.contains(words), "{words} is in\n{}", shown.page);
    }
    assert!(shown.policy.starts_with("default-src 'none'") && !shown.policy.contains("script-src"), "{}", shown.policy);
    let chinese = got(browser.get("/_webqq/status?lang=zh").header(COOKIE, cookie)).await;
    assert!(chinese.page.contains("<html lang=zh>") && chinese.page.contains("已连接"), "{}", chinese.page);
    let style = got(browser.get("/_webqq/page.css")).await;
    assert!(style.status == 200 && !style.page.contains("url("));
    let leave = got(browser.client.post(format!("{}/_webqq/leave", browser.address)).header(COOKIE, cookie)).await;
    assert!(leave.status == 303 && leave.cookie.contains("Max-Age=0"), "{}", leave.cookie);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_status_page_opens_for_its_secret_only_and_guessing_it_is_slow() {
    let house = House::configured(&with_page()).await;
    house.log_in().await;
    let account = house.qq.world().account.number.to_string();
    let browser = Browser::of(&house);
    let cookie = browser.show(SECRET).await.cookie;
    let cookie = cookie.split(';').next().expect("a cookie");
    let outside = got(browser.get("/_webqq/status").header(COOKIE, format!("{cookie}0"))).await;
    assert!(outside.status == 401 && !outside.page.contains(&account), "{}", outside.page);
    let (mut guesses, mut last) = (0, 401);
    while last == 401 {
        let guess = browser.show("a guess").await;
        assert!(guess.cookie.is_empty() && !guess.page.contains(&account), "{}", guess.page);
        (guesses, last) = (guesses + 1, guess.status);
        assert!(guesses < 100, "guessing is free");
    }
    assert_eq!(last, 429);
    assert_eq!(got(browser.get("/_webqq/status").header(COOKIE, cookie)).await.status, 200, "whoever is in stays in");
    assert!(!house.log().contains("a guess") && !house.log().contains(SECRET));
}

#[tokio::test(flavor = "multi_thread")]
async fn there_is_no_status_page_unless_it_is_wanted() {
    let house = House::new().await;
    let room = house.control_room().await;
    let browser = Browser::of(&house);
    for path in ["/_webqq/status", "/_webqq/page.css", "/_webqq/qr/0"] {
        assert_eq!(got(browser.get(path)).await.status, 404, "{path}");
    }
    house.owner.say(&room, "login");
    assert!(!house.bot_says(&room, "Waiting for the scan").await.contains("/_webqq/"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_code_is_at_its_own_address_as_long_as_it_can_be_scanned() {
    let mut house = House::asleep().await;
    let page = json!({ "enabled": true, "secret": SECRET, "address": house.bridge_address() });
    house.configure(&json!({ "status_page": page }));
    house.start();
    let room = house.control_room().await;
    house.owner.say(&room, "login");
    let said = house.bot_says(&room, "/_webqq/qr/").await;
    let address = said.split_whitespace().find(|word| word.contains("/_webqq/qr/")).expect("an address");
    let path = address.strip_prefix(&house.bridge_address()).expect("it is ours");
    let browser = Browser::of(&house);
    let picture = STANDARD.encode(house.qq.qr_png().expect("a code"));
    let shown = got(browser.get(path)).await;
    assert!(shown.status == 200 && shown.page.contains(&picture), "{}", shown.page);
    assert_eq!(got(browser.get("/_webqq/qr/00000000000000000000000000000000")).await.status, 404);
    let cookie = browser.show(SECRET).await.cookie;
    let status = browser.get("/_webqq/status").header(COOKIE, cookie.split(';').next().expect("a cookie"));
    assert!(got(status).await.page.contains(&picture), "the page shows it too");
    house.qq.wait_qr(QrState::Waiting).await;
    house.qq.scan().expect("a code is there");
    house.bot_says(&room, "confirm the login on your phone").await;
    let gone = got(browser.get(path)).await;
    assert!(gone.status == 404 && !gone.page.contains("data:image"), "{}", gone.page);
}
