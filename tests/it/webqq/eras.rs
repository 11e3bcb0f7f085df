//! The client and the simulator, which share no code, in each era that had passwords.

use std::sync::Arc;

use matrix_webqq::base::{Clock, Secret};
use matrix_webqq::config::{Era, WebQq as Settings};
use matrix_webqq::qq::webqq::{Pace, begin_login_paced, connect_paced};
use matrix_webqq::qq::{
    Answer, ChatKind, Error, Event, Forgetful, Login, LoginStep, Method, Network, Outgoing, Piece, Refusal, Sender,
    Sent, Session,
};
use matrix_webqq::sim::{self, Fault, Handle, Options, Rules, Simulator, Trouble, World};
use serde_json::json;
use url::Url;

use super::{open, receive};

const ERAS: [(Era, sim::Era); 3] =
    [(Era::Y2012, sim::Era::Y2012), (Era::Y2013, sim::Era::Y2013), (Era::Y2014, sim::Era::Y2014)];
const GROUP: &str = "group:Weekend Hikers";

struct House {
    simulator: Simulator,
    settings: Settings,
}

impl House {
    async fn start((era, theirs): (Era, sim::Era), rules: Rules) -> Self {
        let world = World { options: Rules { era: theirs, ..rules }, ..World::example().unwrap() };
        let simulator =
            Simulator::start(Options { world: Some(world), seed: Some(7), ..Options::default() }).await.unwrap();
        let server = Url::parse(&format!("http://{}", simulator.qq_addr())).ok();
        let settings = Settings { era, server, send_interval_ms: 0, ..Settings::default() };
        Self { simulator, settings }
    }

    fn qq(&self) -> Handle {
        self.simulator.handle()
    }

    fn login(&self, password: &str) -> Box<dyn Login> {
        let method = Method::Password { account: "2769546520".to_owned(), password: Secret::new(password) };
        begin_login_paced(&self.settings, method, &Clock::system(), Pace::hurried()).unwrap()
    }

    /// Logs in with the right password, and reads the picture when there is one.
    async fn session(&self) -> Session {
        let mut login = self.login("1234567890");
        loop {
            match login.step().await.unwrap() {
                LoginStep::AskCaptcha { .. } => login.answer(&self.qq().captcha().unwrap().to_lowercase()),
                LoginStep::Done(session) => return session,
                other => panic!("{other:?}"),
            }
        }
    }

    async fn network(&self) -> Arc<dyn Network> {
        let (session, memory) = (self.session().await, Arc::<Forgetful>::default());
        connect_paced(&self.settings, session, memory, &Clock::system(), Pace::hurried()).await.unwrap()
    }
}

#[tokio::test]
async fn a_password_login_with_a_captcha_leads_to_the_lists_and_to_messages_both_ways() {
    for era in ERAS {
        let house = House::start(era, Rules::default()).await;
        let network = house.network().await;
        let chats = network.chats().await.unwrap();
        let count = |kind| chats.iter().filter(|chat| chat.kind == kind).count();
        assert_eq!([ChatKind::Friend, ChatKind::Group, ChatKind::Discussion].map(count), [6, 3, 1], "{era:?}");

        for (chat, speaker) in [("friend:王芳", "王芳"), (GROUP, "Bob"), ("discussion:项目讨论", "Alice Chen")]
        {
            house.qq().say(chat, speaker, "你好[微笑]").unwrap();
            let batch = receive(&*network).await;
            let Event::Message(message) = open(&*network, &batch[0]).await else { panic!("{era:?} {chat}") };
            assert!(matches!(message.sender, Sender::Contact(_)), "{era:?} {chat}");
            assert!(matches!(message.pieces.as_slice(), [Piece::Text(text), Piece::Face(_)] if text == "你好"));
            assert!(chats.iter().any(|known| known.id == message.chat), "{era:?} {chat}");
            let words = Outgoing { pieces: vec![Piece::Text("我也好".to_owned())], ..Outgoing::default() };
            assert!(matches!(network.send(&message.chat, &words).await.unwrap(), Sent::Accepted(_)));
            assert_eq!(house.qq().heard(0).last().unwrap().chat, chat);
        }
        assert!(house.qq().session().calls["get_msg_tip"] >= 1);
    }
}

#[tokio::test]
async fn strangers_are_spoken_to_and_let_in_by_the_clientid_of_the_session() {
    for era in ERAS {
        let house = House::start(era, Rules { captcha: false, ..Rules::default() }).await;
        let network = house.network().await;
        let chat = format!("temporary:Carol@{GROUP}");
        house.qq().say(&chat, "Carol", "a word aside").unwrap();
        let Event::Message(message) = open(&*network, &receive(&*network).await[0]).await else { panic!("{era:?}") };
        let words = Outgoing { pieces: vec![Piece::Text("gladly".to_owned())], ..Outgoing::default() };
        assert!(matches!(network.send(&message.chat, &words).await.unwrap(), Sent::Accepted(_)), "{era:?}");
        assert_eq!(house.qq().heard(0).last().unwrap().chat, chat);

        let act = json!({"do": "ask_membership", "group": "Weekend Hikers", "name": "陈小花", "text": ""});
        house.qq().act(&serde_json::from_value(act).unwrap()).unwrap();
        let Event::Asked(request) = open(&*network, &receive(&*network).await[0]).await else { panic!("{era:?}") };
        network.answer(&request.ticket, &Answer::Accept).await.unwrap();
        let hikers = house.qq().world().groups.into_iter().find(|group| group.name == "Weekend Hikers").unwrap();
        assert!(hikers.members.iter().any(|member| member.name == "陈小花"), "{era:?}");
    }
}

#[tokio::test]
async fn without_a_captcha_no_picture_is_asked_for() {
    for era in ERAS {
        let house = House::start(era, Rules { captcha: false, ..Rules::default() }).await;
        house.session().await;
        assert!(!house.qq().session().calls.contains_key("getimage"));
    }
}

#[tokio::test]
async fn a_wrong_password_is_told_from_a_misread_picture() {
    for era in ERAS {
        let house = House::start(era, Rules::default()).await;
        let mut login = house.login("not the one");
        assert!(matches!(login.step().await.unwrap(), LoginStep::AskCaptcha { again: false, .. }));
        let first = house.qq().captcha().unwrap();
        login.answer("????");
        assert!(matches!(login.step().await.unwrap(), LoginStep::AskCaptcha { again: true, .. }));
        let second = house.qq().captcha().unwrap();
        assert_ne!(first, second);
        login.answer(&second);
        let error = login.step().await.unwrap_err();
        assert!(matches!(error, Error::LoginRefused { why: Refusal::WrongPassword, .. }), "{era:?}: {error}");
        assert_eq!(house.qq().session().calls["login"], 2);
    }
}

#[tokio::test]
async fn codes_come_on_order_and_a_captcha_may_be_wanted_after_all() {
    let house = House::start(ERAS[2], Rules { captcha: false, ..Rules::default() }).await;
    house.qq().fault(Fault::new("login", Trouble::Ptui(8)));
    let error = house.login("1234567890").step().await.unwrap_err();
    assert!(matches!(error, Error::LoginRefused { why: Refusal::TooMany, .. }), "{error}");
    house.qq().fault(Fault::new("login", Trouble::Ptui(10)));
    house.session().await;
    assert_eq!(house.qq().session().calls["getimage"], 1);
}

#[tokio::test]
async fn the_page_of_qr_codes_takes_no_password() {
    let house = House::start((Era::Y2014, sim::Era::SmartQq), Rules { captcha: false, ..Rules::default() }).await;
    let error = house.login("1234567890").step().await.unwrap_err();
    assert!(matches!(error, Error::LoginRefused { why: Refusal::ScanInstead, .. }), "{error}");
}
