//! The WebQQ client through its seam, against a QQ that answers as the script says.

mod around;
mod eras;
mod login;
mod media;
mod password;
mod portraits;
mod receiving;
mod sending;
mod server;

use std::sync::Arc;

use matrix_webqq::base::Clock;
use matrix_webqq::config::WebQq as Settings;
use matrix_webqq::qq::webqq::{Pace, begin_login_paced, connect_paced};
use matrix_webqq::qq::{Envelope, Error, Event, Forgetful, Login, LoginStep, Message, Method, Network, Session};
use serde_json::{Value, json};
use server::{Server, body, result, retcode, status};

/// The account.
const OWN: u64 = 10_001;
/// When it is.
const NOW_MS: i64 = 1_484_000_005_123;

/// A scripted QQ with a small world: friends 小明 and 同事, group 群, discussion 讨论.
struct Qq {
    server: Server,
    memory: Arc<Forgetful>,
    clock: Clock,
}

impl Qq {
    async fn start() -> Self {
        let qq = Self { server: Server::start().await, memory: Arc::default(), clock: Clock::held_at(NOW_MS) };
        qq.script_login("one");
        qq.script_lists(0);
        qq
    }

    /// A login that succeeds at once, with a psessionid of its own.
    fn script_login(&self, psessionid: &str) {
        let server = &self.server;
        server.always("ptqrshow", body(*b"\x89PNG...").cookie("qrsig=a; PATH=/; DOMAIN=ptlogin2.qq.com;"));
        let yes = "ptuiCB('0','0','http://ptlogin4.web2.qq.com/check_sig?ptsigx=1','0','登录成功！', '我');";
        server.always("ptqrlogin", body(yes).cookie("ptwebqq=web1; PATH=/; DOMAIN=qq.com;"));
        let redirect = status(302).redirect("http://w.qq.com/proxy.html");
        server.always("check_sig", redirect.cookie("p_skey=p; PATH=/; DOMAIN=web2.qq.com; Secure"));
        server.always("getvfwebqq", result(json!({"vfwebqq": "vf"})));
        server.always("login2", result(json!({"uin": OWN, "psessionid": psessionid, "vfwebqq": "wrong"})));
        server.always("get_online_buddies2", result(json!([])));
        server.always("get_recent_list2", result(json!([])));
        server.always("poll2", retcode(102));
    }

    /// The lists, every number moved by `shift`.
    fn script_lists(&self, shift: u64) {
        let friends = json!({
            "friends": [{"uin": 1 + shift, "categories": 0}, {"uin": 2 + shift, "categories": 0}],
            "marknames": [{"uin": 2 + shift, "markname": "同事"}], "categories": [],
            "info": [{"uin": 1 + shift, "nick": "小明"}, {"uin": 2 + shift, "nick": "wang"}]
        });
        let groups = json!({"gnamelist": [{"gid": 50 + shift, "code": 60 + shift, "name": "群"}], "gmarklist": []});
        self.server.always("get_user_friends2", result(friends));
        self.server.always("get_group_name_list_mask2", result(groups));
        let discussions = json!({"dnamelist": [{"did": 70 + shift, "name": "讨论"}]});
        self.server.always("get_discus_list", result(discussions));
        self.server.always("get_group_info_ext2", result(group_info(shift, 1_388_307_595)));
        let members = json!({
            "info": {"discu_name": "讨论", "mem_list": [{"mem_uin": 1 + shift}, {"mem_uin": OWN}]},
            "mem_info": [{"uin": 1 + shift, "nick": "小明"}, {"uin": OWN, "nick": "我"}]
        });
        self.server.always("get_discu_info", result(members));
    }

    fn settings(&self) -> Settings {
        Settings { server: Some(self.server.address()), max_qr_codes: 2, ..Settings::default() }
    }

    fn login(&self) -> Box<dyn Login> {
        begin_login_paced(&self.settings(), Method::Qr, &self.clock, Pace::hurried()).unwrap()
    }

    /// Logs in without ceremony.
    async fn session(&self) -> Session {
        let mut login = self.login();
        loop {
            if let LoginStep::Done(session) = login.step().await.unwrap() {
                return session;
            }
        }
    }

    async fn try_connect(&self, session: Session) -> Result<Arc<dyn Network>, Error> {
        let memory = Arc::<Forgetful>::clone(&self.memory);
        connect_paced(&self.settings(), session, memory, &self.clock, Pace::hurried()).await
    }

    /// A login with its lists, as if nothing had been asked yet.
    async fn network(&self) -> Arc<dyn Network> {
        let network = self.try_connect(self.session().await).await.unwrap();
        self.server.order();
        network
    }
}

/// The group of [`Qq`], made at `created_at`: its members are the friends, a stranger 阿三 and the account itself.
fn group_info(shift: u64, created_at: i64) -> Value {
    json!({
        "ginfo": {"name": "群", "createtime": created_at, "owner": 3 + shift},
        "minfo": [
            {"uin": 1 + shift, "nick": "小明"}, {"uin": 2 + shift, "nick": "wang"},
            {"uin": 3 + shift, "nick": "阿三"}, {"uin": OWN, "nick": "我"}
        ],
        "cards": [{"muin": 3 + shift, "card": "三哥"}]
    })
}

/// An event of poll2 with a text, and more fields.
fn said(poll_type: &str, text: &str, fields: &Value) -> Value {
    let font = json!(["font", {"name": "宋体", "size": 10, "style": [0, 0, 0], "color": "000000"}]);
    let mut value = json!({"msg_id": 7, "msg_type": 0, "time": 1_484_000_000, "to_uin": OWN, "content": [font, text]});
    value.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
    json!({"poll_type": poll_type, "value": value})
}

/// Polls until something comes.
async fn receive(network: &dyn Network) -> Vec<Envelope> {
    loop {
        let batch = network.receive().await.unwrap();
        if !batch.is_empty() {
            return batch;
        }
    }
}

async fn open(network: &dyn Network, envelope: &Envelope) -> Event {
    let mut events = network.open(envelope).await.unwrap();
    assert_eq!(events.len(), 1);
    events.remove(0)
}

fn message(event: Event) -> Message {
    match event {
        Event::Message(message) => message,
        other => panic!("{other:?}"),
    }
}
