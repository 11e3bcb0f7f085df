//! What a broken or hostile caller may ask of the console: no request makes it panic, hang or answer 500.
//!
//! `scripts/fuzz` runs these with 100,000 cases.

use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::http::{Method, Request, StatusCode};
use proptest::prelude::*;
use tower::ServiceExt as _;

use super::router;
use crate::base::damage::{Injuries, anything_like, hurt, injuries};
use crate::base::{Clock, Shutdown};
use crate::sim::handle::Handle;
use crate::sim::people::People;
use crate::sim::stage::{Shared, Stage};
use crate::sim::world::World;

/// Where the routes are written down.
const ROUTES: &str = include_str!("mod.rs");

/// Every path of the console.
fn paths() -> Vec<&'static str> {
    let quoted = |text: &'static str| text.split('"').nth(1);
    let paths: Vec<_> =
        ROUTES.split(".route(").skip(1).filter_map(quoted).filter(|path| path.starts_with('/')).collect();
    assert!(paths.len() > 10, "the routes are not where this test looks");
    paths
}

/// Bodies that are fine. Source: `docs/simulator.md`.
const REAL: [&str; 6] = [
    r#"{"chat":"group:相亲相爱一家人","as":"妈妈","text":"吃饭了吗 [微笑]"}"#,
    r#"{"chat":"friend:Alice Chen","as":"Alice Chen","content":[["font",{"size":10}],"hi",["face",14]]}"#,
    r#"{"items":[{"poll_type":"message","value":{"from_uin":"$uin:妈妈","content":["x"]}}]}"#,
    r#"{"endpoint":"poll2","kind":"retcode","value":116,"count":2}"#,
    r#"{"endpoint":"send_qun_msg2","kind":"drop","deliver":true}"#,
    r#"{"reason":"kicked"}"#,
];

type Call = (Method, &'static str, Option<Injuries>, Vec<u8>);

fn calls() -> impl Strategy<Value = Call> {
    let methods = [Method::GET, Method::POST, Method::DELETE, Method::PUT];
    let query = prop_oneof![2 => Just(None), 1 => injuries().prop_map(Some)];
    let bodies = anything_like(REAL.iter().map(|text| text.as_bytes().to_vec()).collect());
    (prop::sample::select(methods.to_vec()), prop::sample::select(paths()), query, bodies)
}

proptest! {
    #[test]
    fn no_request_makes_the_console_fail_or_hang(calls in prop::collection::vec(calls(), 1..4)) {
        let world = World::example().unwrap();
        let stage = Stage::new(world.clone(), People::of(&world).unwrap(), 7);
        let handle = Handle { shared: Arc::new(Shared::new(stage, Clock::held_at(0), Shutdown::new())) };
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
        // What one call left behind must not break the next one.
        for (method, path, query, body) in calls {
            let path = query.map_or(path.to_owned(), |injuries| {
                let query = hurt(b"?after=3&wait_ms=5".to_vec(), injuries);
                [path, &String::from_utf8_lossy(&query)].concat()
            });
            let Ok(request) = Request::builder().method(method).uri(path).header("host", "127.0.0.1").body(Body::from(body))
            else { continue };
            let console = router(handle.clone());
            let answer = runtime.block_on(async { tokio::time::timeout(Duration::from_hours(1), console.oneshot(request)).await });
            let status = answer.map(|answer| answer.unwrap().status());
            prop_assert!(matches!(status, Ok(status) if status != StatusCode::INTERNAL_SERVER_ERROR), "{status:?}");
        }
    }
}
