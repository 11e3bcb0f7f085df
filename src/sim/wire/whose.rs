//! Several accounts at one address: whose a call is.

use std::collections::HashMap;
use std::sync::Arc;

use axum::Router;
use axum::extract::{Request, State};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::Response;
use hyper::service::Service as _;
use hyper_util::service::TowerToHyperService;
use url::form_urlencoded;

use super::ask;
use crate::sim::stage::Shared;

/// An account, and the protocol as it is spoken with it.
#[derive(Clone)]
struct Door {
    shared: Arc<Shared>,
    inside: TowerToHyperService<Router>,
}

/// The protocol for `account` and `others`.
pub(crate) fn front(account: &Arc<Shared>, others: &[Arc<Shared>]) -> Router {
    let alone = super::router(account.clone());
    if others.is_empty() {
        return alone;
    }
    let open = |shared: &Arc<Shared>| Door {
        shared: shared.clone(),
        inside: TowerToHyperService::new(super::router(shared.clone())),
    };
    let doors: Arc<[Door]> = others.iter().map(open).collect();
    let look = from_fn_with_state(doors, go_to_another);
    alone.layer(look)
}

/// Answers a call of another account in its stead; one of nobody, such as the first for a code, is as good for this one.
async fn go_to_another(State(doors): State<Arc<[Door]>>, request: Request, next: Next) -> Response {
    let call = Call::of(&request);
    match doors.iter().find(|door| call.is_of(&door.shared)) {
        Some(door) => door.inside.call(request).await.unwrap_or_else(|never| match never {}),
        None => next.run(request).await,
    }
}

/// By what a call can be told.
struct Call {
    /// Whether it asks how far a code has come.
    asks_about_code: bool,
    query: HashMap<String, String>,
    cookies: HashMap<String, String>,
}

impl Call {
    fn of(request: &Request) -> Self {
        let query = form_urlencoded::parse(request.uri().query().unwrap_or_default().as_bytes());
        Self {
            asks_about_code: request.uri().path() == "/ptqrlogin",
            query: query.into_owned().collect(),
            cookies: ask::cookies(request.headers()),
        }
    }

    fn is_of(&self, account: &Shared) -> bool {
        let shown = |fields: &HashMap<String, String>, name: &str| fields.get(name).cloned().unwrap_or_default();
        account.look(|stage| {
            if self.asks_about_code {
                return stage.has_scanned(&shown(&self.cookies, "qrsig"));
            }
            let number = stage.world.account.number;
            let named = ["uin", "u"].iter().any(|name| shown(&self.query, name) == number.to_string());
            named
                || shown(&self.cookies, "uin") == format!("o{number:010}")
                || stage.album.by_rkey(&shown(&self.query, "rkey")).is_some()
        })
    }
}
