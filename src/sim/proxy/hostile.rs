//! What a broken or hostile client may ask of the proxy: no request makes it panic, hang or answer 500.
//!
//! `scripts/fuzz` runs these with 100,000 cases.

use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::http::{Method, Request, StatusCode};
use proptest::prelude::*;
use tower::ServiceExt as _;

use super::authority::Authority;
use super::tunnel::{Mouth, Tunnels, leads_to_https, tunnels};
use super::{front, host_of, wire};
use crate::base::damage::anything_like;
use crate::base::{Clock, Shutdown};
use crate::sim::people::People;
use crate::sim::stage::{Shared, Stage};
use crate::sim::world::World;

/// Where clients want to go.
const TARGETS: [&str; 6] = [
    "http://s.web2.qq.com/api/getvfwebqq?ptwebqq=&t=0.1",
    "http://127.0.0.1/_sim/state",
    "ssl.ptlogin2.qq.com:443",
    "d1.web2.qq.com:443",
    "evilqq.com:443",
    "[::1]:443",
];

fn requests() -> impl Strategy<Value = (Method, Vec<u8>, Vec<u8>)> {
    let methods = prop::sample::select(vec![Method::CONNECT, Method::GET, Method::POST]);
    let hosts = ["w.qq.com", "d1.web2.qq.com:443", "example.com"].map(|host| host.as_bytes().to_vec()).to_vec();
    (methods, anything_like(TARGETS.iter().map(|target| target.as_bytes().to_vec()).collect()), anything_like(hosts))
}

fn request((method, target, host): (Method, Vec<u8>, Vec<u8>)) -> Option<Request<Body>> {
    let uri = String::from_utf8_lossy(&target).into_owned();
    Request::builder().method(method).uri(uri).header("host", host).body(Body::empty()).ok()
}

fn authority() -> Authority {
    Authority::open(tempfile::tempdir().unwrap().path()).unwrap()
}

fn shared() -> Arc<Shared> {
    let world = World::example().unwrap();
    let people = People::of(&world).unwrap();
    Arc::new(Shared::new(Stage::new(world, people, 7), Clock::held_at(0), Shutdown::new()))
}

thread_local! {
    static AUTHORITY: Authority = authority();
    static SHARED: Arc<Shared> = shared();
    static TUNNELS: (Mouth, Tunnels) = tunnels(authority(), SHARED.with(Arc::clone));
}

proptest! {
    #[test]
    fn no_request_makes_the_proxy_fail_or_hang(asked in requests()) {
        let Some(request) = request(asked) else { return Ok(()) };
        let front = front(TUNNELS.with(|(mouth, _)| mouth.clone()), wire::front(&SHARED.with(Arc::clone), &[]));
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
        let answer = runtime.block_on(async { tokio::time::timeout(Duration::from_hours(1), front.oneshot(request)).await });
        let status = answer.map(|answer| answer.unwrap().status());
        prop_assert!(matches!(status, Ok(status) if status != StatusCode::INTERNAL_SERVER_ERROR), "{status:?}");
    }

    #[test]
    fn whatever_host_a_tunnel_may_lead_to_has_a_certificate(asked in requests()) {
        if let Some(request) = request(asked).filter(leads_to_https) {
            prop_assert!(AUTHORITY.with(|authority| authority.server_for(&host_of(&request), 0).is_ok()));
        }
    }
}
