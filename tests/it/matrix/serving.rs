//! Our side of the application-service API, asked by hand.

use std::sync::Arc;
use std::time::Duration;

use matrix_webqq::base::{Secret, Shutdown};
use matrix_webqq::matrix::listener::{Limits, serve};
use matrix_webqq::matrix::server::router;
use matrix_webqq::matrix::{Appservice, Transaction};
use reqwest::{Client, Method, StatusCode};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::{Notify, mpsc};

use super::Bridge;

/// What `method path` answers to whoever shows `token`: status and errcode.
async fn ask(bridge: &Bridge, method: Method, path: &str, token: Option<&str>, body: &str) -> (u16, String) {
    let mut request = Client::new().request(method, format!("{}{path}", bridge.url)).body(body.to_owned());
    if let Some(token) = token {
        request = request.header("authorization", token);
    }
    let answer = request.send().await.unwrap();
    let status = answer.status().as_u16();
    let body: Value = answer.json().await.unwrap();
    (status, body["errcode"].as_str().unwrap_or("").to_owned())
}

#[tokio::test]
async fn only_the_homeserver_is_let_in() {
    let bridge = Bridge::start("secret").await;
    let cases = [
        (Some("Bearer secret"), "", 200, ""),
        (Some("bearer secret"), "", 200, ""),
        (None, "?access_token=secret", 200, ""),
        (None, "", 401, "M_MISSING_TOKEN"),
        (Some("secret"), "", 401, "M_MISSING_TOKEN"),
        (Some("Basic secret"), "", 401, "M_MISSING_TOKEN"),
        (Some("Bearer Secret"), "", 403, "M_FORBIDDEN"),
        (Some("Bearer "), "", 401, "M_MISSING_TOKEN"),
        (Some("Bearer wrong"), "?access_token=secret", 403, "M_FORBIDDEN"),
        (None, "?access_token=wrong", 403, "M_FORBIDDEN"),
    ];
    for (token, query, status, errcode) in cases {
        let path = format!("/_matrix/app/v1/transactions/1{query}");
        let answer = ask(&bridge, Method::PUT, &path, token, "{}").await;
        assert_eq!(answer, (status, errcode.to_owned()), "{token:?} {query}");
    }
    let without_token = Bridge::start("").await;
    let answer = ask(&without_token, Method::POST, "/_matrix/app/v1/ping?access_token=", None, "").await;
    assert_eq!(answer.0, 403, "an empty hs_token lets nobody in");
}

#[tokio::test]
async fn every_path_answers_as_the_specification_says() {
    let bridge = Bridge::start("secret").await;
    let (get, put, post) = (Method::GET, Method::PUT, Method::POST);
    let cases = [
        (&put, "/_matrix/app/v1/transactions/a%2Fb", "{\"events\":[]}", 200, ""),
        (&put, "/transactions/2", "{\"events\":[]}", 200, ""),
        (&put, "/_matrix/app/v1/transactions/3", "no json", 400, "M_NOT_JSON"),
        (&put, "/_matrix/app/v1/transactions/4", "[5]", 200, ""),
        (&get, "/_matrix/app/v1/transactions/5", "", 405, "M_UNRECOGNIZED"),
        (&post, "/_matrix/app/v1/ping", "", 200, ""),
        (&post, "/_matrix/app/v1/ping", "{\"transaction_id\":\"x\"}", 200, ""),
        (&get, "/_matrix/app/v1/users/%40qq_10001%3Ahs.test", "", 200, ""),
        (&get, "/users/%40qq_10001%3Ahs.test", "", 200, ""),
        (&get, "/_matrix/app/v1/users/%40qq_2%3Ahs.test", "", 404, "M_NOT_FOUND"),
        (&get, "/_matrix/app/v1/users/nobody", "", 404, "M_NOT_FOUND"),
        (&get, "/_matrix/app/v1/rooms/%23qq%3Ahs.test", "", 404, "M_NOT_FOUND"),
        (&get, "/_matrix/app/v1/thirdparty/protocol/qq", "", 404, "M_NOT_FOUND"),
        (&get, "/_matrix/app/v1/nonsense", "", 404, "M_UNRECOGNIZED"),
        (&get, "/_matrix/mau/live", "", 200, ""),
        (&get, "/_matrix/mau/ready", "", 503, "M_UNKNOWN"),
    ];
    for (method, path, body, status, errcode) in cases {
        let answer = ask(&bridge, method.clone(), path, Some("Bearer secret"), body).await;
        assert_eq!(answer, (status, errcode.to_owned()), "{method} {path}");
    }
    let ids: Vec<String> = bridge.taken.borrow().iter().map(|transaction| transaction.id.clone()).collect();
    assert_eq!(ids, ["a/b", "2", "4"]);
    let probe = Client::new().get(format!("{}/_matrix/mau/live", bridge.url)).send().await.unwrap();
    assert_eq!(probe.status(), StatusCode::OK, "probes need no token");
}

#[tokio::test]
async fn the_same_transaction_is_taken_once_even_when_it_comes_twice_at_once() {
    let bridge = Bridge::start("secret").await;
    let put = async |id: &str, event: &str| {
        let body = json!({ "events": [{ "event_id": event }] }).to_string();
        let path = format!("/_matrix/app/v1/transactions/{id}");
        ask(&bridge, Method::PUT, &path, Some("Bearer secret"), &body).await.0
    };
    let together = futures_util::future::join3(put("1", "$a"), put("1", "$a"), put("1", "$a")).await;
    assert_eq!(together, (200, 200, 200));
    assert_eq!(put("1", "$b").await, 200);
    assert_eq!(put("2", "$c").await, 200);
    assert_eq!(put("1", "$b").await, 200);
    assert_eq!(bridge.event_ids(), ["$a", "$b", "$c"]);
}

#[tokio::test]
async fn a_refused_transaction_is_not_taken_for_done() {
    let bridge = Bridge::start("secret").await;
    *bridge.refusals.lock().unwrap() = 1;
    let put = async || {
        ask(&bridge, Method::PUT, "/_matrix/app/v1/transactions/1", Some("Bearer secret"), "{\"events\":[{}]}").await
    };
    assert_eq!(put().await, (500, "M_UNKNOWN".to_owned()));
    assert_eq!(put().await.0, 200);
    assert_eq!(bridge.event_ids().len(), 1);
}

#[tokio::test]
async fn shutdown_waits_for_the_transaction_under_way() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/_matrix/app/v1/transactions/1?access_token=x", listener.local_addr().unwrap());
    let (begun, mut has_begun) = mpsc::unbounded_channel::<Transaction>();
    let finish = Arc::new(Notify::new());
    let may_finish = Arc::clone(&finish);
    let app = router(Appservice {
        hs_token: Secret::new("x"),
        sink: Arc::new(move |transaction| {
            let may_finish = Arc::clone(&may_finish);
            begun.send(transaction).unwrap();
            Box::pin(async move {
                may_finish.notified().await;
                Ok(())
            })
        }),
        knows_user: Arc::new(|_| Box::pin(std::future::ready(false))),
        is_ready: Arc::new(|| true),
        public: None,
    });
    let shutdown = Shutdown::new();
    let served = shutdown.clone();
    shutdown.spawn(async move { serve(listener, app, Limits::default(), &served).await });
    let stop = async {
        has_begun.recv().await.unwrap();
        shutdown.begin();
        finish.notify_one();
    };
    let (answer, ()) = futures_util::future::join(Client::new().put(url).body("{}").send(), stop).await;
    assert_eq!(answer.unwrap().status(), StatusCode::OK);
    assert!(shutdown.finish(Duration::from_secs(10)).await);
}
