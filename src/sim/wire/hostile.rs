//! What a broken or hostile client may ask: no request to any route makes the simulator panic, hang or answer 500.
//!
//! `scripts/fuzz` runs these with 100,000 cases.

use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, to_bytes};
use axum::http::{Method, Request, StatusCode};
use proptest::prelude::*;
use serde_json::{Value, json};
use tower::ServiceExt as _;
use url::form_urlencoded;

use super::multipart::Form;
use super::router;
use crate::base::damage::{Injuries, anything_like, hurt, injuries};
use crate::base::{Clock, Shutdown};
use crate::sim::numbers::Whom;
use crate::sim::people::People;
use crate::sim::stage::{Shared, Stage};
use crate::sim::world::World;

/// Where the routes are written down.
const ROUTES: &str = include_str!("mod.rs");

/// Every path of the service.
fn paths() -> Vec<&'static str> {
    let quoted = |text: &'static str| text.split('"').nth(1);
    let paths: Vec<_> =
        ROUTES.split(".route(").skip(1).filter_map(quoted).filter(|path| path.starts_with('/')).collect();
    assert!(paths.len() > 20, "the routes are not where this test looks");
    paths
}

/// A service in which somebody is logged in, and the fields that a client of it would send, good for every call.
fn logged_in() -> (Arc<Shared>, Value, String) {
    let world = World::example().unwrap();
    let people = People::of(&world).unwrap();
    let mut stage = Stage::new(world, people, 7);
    let id = stage.start_session();
    let Stage { world, people, rng, sessions, .. } = &mut stage;
    let session = sessions.iter_mut().find(|session| session.id == id).unwrap();
    session.vfwebqq = Some("5d4c090f".to_owned());
    session.open_channel(rng, world, people, "53999199".to_owned(), "online".to_owned());
    let channel = session.channel.as_mut().unwrap();
    channel.asked_for_buddies = true;
    let group = &world.groups[0].name;
    let number = |whom: Whom| channel.numbers.of(&whom);
    let person = number(Whom::Person(world.friends[0].name.clone()));
    let hash = crate::sim::token::list_hash(world.account.number, &session.ptwebqq);
    let content =
        json!(["hi", ["face", 14], ["font", {"name": "宋体", "size": 10, "style": [0, 0, 0], "color": "000000"}]]);
    let fields = json!({
        "vfwebqq": session.vfwebqq, "psessionid": channel.psessionid, "clientid": 53_999_199, "ptwebqq": session.ptwebqq,
        "hash": hash, "to": person, "tuin": person, "to_uin": person, "id": number(Whom::Group(group.clone())),
        "gcode": number(Whom::Code(group.clone())), "group_uin": number(Whom::Group(group.clone())),
        "did": number(Whom::Discussion(world.discussions[0].name.clone())), "type": 1, "service_type": 0,
        "content": content.to_string(), "face": 522, "msg_id": 50_001, "status": "online", "newstatus": "away", "key": "",
        "aid": "501004106", "ptqrtoken": "0", "ptsigx": session.ptsigx, "uin": world.account.number, "t": "0.5",
    });
    let cookies = format!("skey={}; ptwebqq={}; uin=o{}; qrsig=a", session.skey, session.ptwebqq, world.account.number);
    (Arc::new(Shared::new(stage, Clock::held_at(1_484_000_000_000), Shutdown::new())), fields, cookies)
}

/// How one request is spoilt; most of its parts are whole, so that the damage reaches what lies behind the checks.
#[derive(Clone, Debug)]
struct Spoilt {
    path: &'static str,
    post: bool,
    host: &'static str,
    field: Option<(prop::sample::Index, Value)>,
    parts: [Option<Injuries>; 4],
}

fn spoilt() -> impl Strategy<Value = Spoilt> {
    let hosts = ["127.0.0.1", "s.web2.qq.com", "d1.web2.qq.com", "ssl.ptlogin2.qq.com", "qq.com"];
    let values = [
        json!(null),
        json!(-1),
        json!(u64::MAX),
        json!(""),
        json!([]),
        json!({}),
        json!("\u{0}"),
        json!(1.5),
        json!("[[[[[[[["),
        json!("[\"x\",[\"font\",{}]]"),
        json!("字".repeat(5000)),
        json!(true),
        json!("0"),
    ];
    let part = || prop_oneof![3 => Just(None), 1 => injuries().prop_map(Some)];
    (
        prop::sample::select(paths()),
        any::<bool>(),
        prop::sample::select(hosts.to_vec()),
        prop::option::of((any::<prop::sample::Index>(), prop::sample::select(values.to_vec()))),
        [part(), part(), part(), part()],
    )
        .prop_map(|(path, post, host, field, parts)| Spoilt { path, post, host, field, parts })
}

impl Spoilt {
    /// The request; `None` when HTTP itself does not carry it.
    fn request(self, mut fields: Value, cookies: String) -> Option<Request<Body>> {
        if let (Some((index, value)), Some(fields)) = (self.field, fields.as_object_mut()) {
            let name = index.get(&fields.keys().cloned().collect::<Vec<_>>()).clone();
            fields.insert(name, value);
        }
        let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        let pairs: Vec<_> = fields.as_object()?.iter().map(|(name, value)| (name.clone(), text(value))).collect();
        let query = form_urlencoded::Serializer::new(String::new()).extend_pairs(&pairs).finish();
        let [path, form, json, header] = self.parts;
        let whole = |bytes: Vec<u8>, injuries: Option<Injuries>| {
            injuries.map_or(bytes.clone(), |injuries| hurt(bytes, injuries))
        };
        let r = whole(fields.to_string().into_bytes(), json);
        let r = String::from_utf8_lossy(&r).into_owned();
        let body = form_urlencoded::Serializer::new(String::new()).append_pair("r", &r).extend_pairs(&pairs).finish();
        let uri = whole([self.path, "?", &query].concat().into_bytes(), path);
        Request::builder()
            .method(if self.post { Method::POST } else { Method::GET })
            .uri(String::from_utf8_lossy(&uri).into_owned())
            .header("host", self.host)
            .header("user-agent", "Mozilla/5.0")
            .header("referer", "https://d1.web2.qq.com/proxy.html")
            .header("content-type", "application/x-www-form-urlencoded")
            .header("cookie", whole(cookies.into_bytes(), header))
            .body(Body::from(if self.post { whole(body.into_bytes(), form) } else { Vec::new() }))
            .ok()
    }
}

/// A runtime whose clock runs ahead when everybody sleeps: a held poll ends at once, and what never ends is found out.
fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap()
}

/// A picture as browsers bring it.
const UPLOAD: &[u8] =
    b"--B\r\nContent-Disposition: form-data; name=\"uin\"\r\n\r\n1\r\n--B\r\nContent-Disposition: form-data; \
    name=\"file\"; filename=\"a.png\"\r\nContent-Type: image/png\r\n\r\n\x89P\r\nNG\r\n--B--\r\n";

proptest! {
    #[test]
    fn a_form_with_a_file_holds_no_more_than_came(
        kind in anything_like(vec![b"multipart/form-data; boundary=B".to_vec()]),
        body in anything_like(vec![UPLOAD.to_vec()]),
    ) {
        if let Some(Form { fields, file }) = Form::read(&String::from_utf8_lossy(&kind), &body.clone().into()) {
            // A byte that is no text becomes a character of three.
            let kept = fields.iter().map(|(name, value)| name.len() + value.len()).sum::<usize>();
            let filed = file.map_or(0, |(field, name, bytes)| field.len() + name.len() + bytes.len());
            prop_assert!(kept + filed <= 3 * body.len());
        }
    }

    #[test]
    fn no_request_of_a_client_makes_the_service_fail_or_hang(spoilt in spoilt()) {
        let (shared, fields, cookies) = logged_in();
        let Some(request) = spoilt.request(fields, cookies) else { return Ok(()) };
        let answer = runtime().block_on(async {
            let answer = tokio::time::timeout(Duration::from_hours(1), router(shared).oneshot(request)).await;
            let answer = answer.map_err(|_| "it hangs")?.map_err(|_| "it fails")?;
            let status = answer.status();
            let body = to_bytes(answer.into_body(), 1 << 20).await.map_err(|_| "an endless answer")?;
            Ok::<_, &str>((status, body))
        });
        prop_assert!(matches!(&answer, Ok((status, _)) if *status != StatusCode::INTERNAL_SERVER_ERROR), "{answer:?}");
    }
}

#[test]
fn whole_requests_are_understood_or_these_properties_say_nothing() {
    let (mut fine, paths) = (Vec::new(), paths());
    for (path, post) in paths.into_iter().flat_map(|path| [(path, false), (path, true)]) {
        let (shared, fields, cookies) = logged_in();
        let whole = Spoilt { path, post, host: "127.0.0.1", field: None, parts: [const { None }; 4] };
        let request = whole.request(fields, cookies).unwrap();
        let body = runtime().block_on(async {
            let answer = router(shared).oneshot(request).await.unwrap();
            to_bytes(answer.into_body(), 1 << 20).await.unwrap()
        });
        let answer: Value = serde_json::from_slice(&body).unwrap_or_default();
        if answer["retcode"] == 0 || answer["errCode"] == 0 {
            fine.push(path);
        }
    }
    for path in
        ["/api/get_user_friends2", "/api/get_group_info_ext2", "/channel/get_discu_info", "/channel/send_qun_msg2"]
    {
        assert!(fine.contains(&path), "{path} in {fine:?}");
    }
}

#[test]
fn a_body_beyond_the_limit_is_refused() {
    let (shared, ..) = logged_in();
    let body = Body::from(vec![b'x'; (1 << 20) + 1]);
    let request = Request::builder().method(Method::POST).uri("/channel/send_buddy_msg2").body(body).unwrap();
    let answer = runtime().block_on(router(shared).oneshot(request)).unwrap();
    assert_eq!(answer.status(), StatusCode::PAYLOAD_TOO_LARGE);
}
