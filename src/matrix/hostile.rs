//! What a broken or hostile homeserver may push: no event, transaction or request makes us panic, hang or answer 500.
//!
//! `scripts/fuzz` runs these with 100,000 cases.

use std::sync::Arc;

use axum::body::{Body, to_bytes};
use axum::http::{Method, Request, StatusCode};
use futures_util::FutureExt as _;
use proptest::prelude::*;
use tower::ServiceExt as _;

use super::event::Event;
use super::html::{self, Reading, Stretch};
use super::server::{Appservice, router};
use super::transaction::Transaction;
use crate::base::Secret;
use crate::base::damage::{anything_like, hurt, injuries};
use matrix_sdk::ruma::html::{Html, NodeRef};

const TOKEN: &str = "hs-token-of-tests";

/// What Synapse really pushed.
fn fixtures(begin: &str) -> Vec<Vec<u8>> {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/synapse");
    let mut files: Vec<_> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.retain(|path| path.file_name().unwrap().to_str().unwrap().starts_with(begin));
    files.sort();
    assert!(!files.is_empty(), "{begin}");
    files.into_iter().map(|path| std::fs::read(path).unwrap()).collect()
}

/// One request of the homeserver, spoilt in some places.
fn requests() -> impl Strategy<Value = (Method, String, Vec<u8>, Vec<u8>)> {
    let routes = [
        (Method::PUT, "/_matrix/app/v1/transactions/17"),
        (Method::PUT, "/transactions/17"),
        (Method::GET, "/_matrix/app/v1/users/%40qq_10001:hs.test"),
        (Method::GET, "/_matrix/app/v1/rooms/%23qq:hs.test"),
        (Method::GET, "/_matrix/app/v1/thirdparty/protocol/qq?field=x"),
        (Method::POST, "/_matrix/app/v1/ping"),
        (Method::GET, "/_matrix/mau/ready"),
    ];
    let route = (prop::sample::select(routes.to_vec()), prop_oneof![3 => Just(None), 1 => injuries().prop_map(Some)]);
    let path = route.prop_map(|((method, path), injuries)| {
        let path = injuries.map_or(path.as_bytes().to_vec(), |injuries| hurt(path.as_bytes().to_vec(), injuries));
        (method, String::from_utf8_lossy(&path).into_owned())
    });
    let header = ["Bearer ", TOKEN].concat().into_bytes();
    let header =
        prop_oneof![3 => Just(header.clone()), 1 => injuries().prop_map(move |hurts| hurt(header.clone(), hurts))];
    (path, header, anything_like(fixtures("txn-")))
        .prop_map(|((method, path), header, body)| (method, path, header, body))
}

fn appservice() -> Appservice {
    Appservice {
        hs_token: Secret::new(TOKEN),
        sink: Arc::new(|_| async { Ok(()) }.boxed()),
        knows_user: Arc::new(|_| async { true }.boxed()),
        is_ready: Arc::new(|| true),
        public: None,
    }
}

/// HTML as people write it, and as nobody does who means well.
fn html() -> impl Strategy<Value = String> {
    let written = [
        "<p>one <b>two</b></p><ul><li>a</li><li><ol start=\"3\"><li>b</li></ol></li></ul>",
        "<a href=\"https://matrix.to/#/@qq_1:hs.test\"><i>Li</i></a>: <blockquote><pre><code>x\n  y</code></pre></blockquote>",
        "<table><tr><td><span data-mx-color=\"#ff0000\" data-mx-spoiler=\"film\">he <del>dies</del></span></td></tr></table>",
    ];
    let written = anything_like(written.map(|html| html.as_bytes().to_vec()).to_vec());
    let tags = "a href=\"x\"|a href=\"https://matrix.to/#/@a:hs\"|b|b x=1|i|u|p|div|table|tr|td|object|button|li|ul|ol|blockquote|pre\
                |font color=1|font color=2|span data-mx-spoiler|h1|select|svg|math|template|marquee|script|/a|/b|/p|/div|/table|/object";
    let tag = prop::sample::select(tags.split('|').map(|tag| format!("<{tag}>")).collect::<Vec<_>>());
    let nested = prop::collection::vec(prop_oneof![4 => tag, 1 => "[a-z ]{1,3}"], 0..600);
    prop_oneof![
        written.prop_map(|html| String::from_utf8_lossy(&html).into_owned()),
        nested.prop_map(|parts| parts.concat())
    ]
}

/// Text in `reading`, in bytes.
fn length(reading: &Reading) -> usize {
    let one = |stretch: &Stretch| match stretch {
        Stretch::Text(text) => text.len(),
        Stretch::User { name, .. } => name.len(),
    };
    reading.stretches.iter().map(one).sum()
}

/// How many nodes a parser makes of `html`.
fn nodes(html: &str) -> usize {
    fn within(node: &NodeRef) -> usize {
        1 + node.children().map(|child| within(&child)).sum::<usize>()
    }
    Html::parse(html).children().map(|node| within(&node)).sum()
}

proptest! {
    #[test]
    fn html_is_read_whatever_it_is_and_not_made_more_of(html in html()) {
        if let Some(page) = html::page(&html) {
            prop_assert!(page.seen <= nodes(&html), "nothing is looked at twice");
            let reading = Reading::from(page);
            // Each line repeats the marks of the quotes and lists that it is in, and there are at most a hundred.
            let lines = html.matches(['<', '\n']).count() + 1;
            let read = length(&reading);
            prop_assert!(read <= 4 * html.len() + 300 * lines, "{} of {}", read, html.len());
        }
    }

    #[test]
    fn a_transaction_has_no_more_than_came_and_each_event_has_an_id(body in anything_like(fixtures("txn-"))) {
        if let Ok(transaction) = Transaction::parse("1", &body) {
            let kept: usize = transaction.events.iter().map(|event| event.body.len()).sum();
            prop_assert!(kept <= body.len());
            prop_assert!(transaction.ephemeral.iter().map(String::len).sum::<usize>() <= body.len());
            for event in transaction.events {
                prop_assert!(!event.event_id.is_empty());
                // Whether it can be read or not: nothing panics.
                let _ = Event::parse(&event.body);
            }
        }
    }

    #[test]
    fn an_event_is_read_whatever_it_is(body in anything_like(fixtures("me"))) {
        let text = String::from_utf8_lossy(&body);
        match Event::parse(&text) {
            Ok(event) => {
                let kept = format!("{event:?}").len();
                prop_assert!(kept <= 2_000 + 8 * text.len(), "{} of {}", kept, text.len());
            }
            Err(why) => prop_assert!(why.to_string().len() < 200),
        }
    }

    #[test]
    fn no_request_of_the_homeserver_ends_in_an_error_of_ours((method, path, header, body) in requests()) {
        let Ok(request) = Request::builder().method(method).uri(path).header("authorization", header).body(Body::from(body))
        else { return Ok(()) };
        // Bodies have a deadline, which needs a clock.
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        let _within = runtime.enter();
        let answer = router(appservice()).oneshot(request).now_or_never();
        // Nothing in these requests is worth waiting for.
        prop_assert!(answer.is_some());
        let answer = answer.unwrap().unwrap();
        prop_assert!(!answer.status().is_server_error(), "{}", answer.status());
        let body = to_bytes(answer.into_body(), 1 << 16).now_or_never().unwrap().unwrap();
        prop_assert!(serde_json::from_slice::<serde_json::Value>(&body).is_ok());
    }
}

#[tokio::test]
async fn a_path_that_is_not_text_is_answered_in_json() {
    for (method, path, status) in [
        (Method::PUT, "/transactions/%ff", StatusCode::BAD_REQUEST),
        (Method::GET, "/_matrix/app/v1/users/%ff", StatusCode::NOT_FOUND),
    ] {
        let request = Request::builder().method(method).uri(path).header("authorization", ["Bearer ", TOKEN].concat());
        let answer = router(appservice()).oneshot(request.body(Body::empty()).unwrap()).await.unwrap();
        assert_eq!(answer.status(), status);
        let body = to_bytes(answer.into_body(), 1 << 16).await.unwrap();
        assert!(serde_json::from_slice::<serde_json::Value>(&body).is_ok(), "{path}");
    }
}

#[tokio::test]
async fn a_transaction_beyond_the_limit_is_refused_before_it_is_kept() {
    let body = vec![b' '; 64 * 1024 * 1024 + 1];
    let request = Request::builder().method(Method::PUT).uri("/_matrix/app/v1/transactions/1");
    let request = request.header("authorization", ["Bearer ", TOKEN].concat()).body(Body::from(body)).unwrap();
    let answer = router(appservice()).oneshot(request).await.unwrap();
    assert_eq!(answer.status(), StatusCode::PAYLOAD_TOO_LARGE);
}

/// Each of these doubles something at every level where a reader is careless.
#[test]
fn html_that_nests_links_and_formatting_is_looked_at_once() {
    let tables = (0..200).map(|n| format!("<font color={n}><p>x<table><tr><td>")).collect::<Vec<_>>().concat();
    let fonts = (0..400).map(|n| format!("<font size={n}>")).collect::<Vec<_>>().concat();
    let cases = [
        "<a href=\"x\"><object>".repeat(450),
        "<a href=\"https://matrix.to/#/@a:hs\"><object>x".repeat(450),
        "<ul><li><blockquote>x\n".repeat(300),
        "<b><p>".repeat(450),
        tables,
        format!("{fonts}{}", "<p>x".repeat(500)),
        format!("<table>{}", "<a>x<b>".repeat(450)),
    ];
    for html in cases {
        if let Some(page) = html::page(&html) {
            let nodes = nodes(&html);
            assert!(page.seen <= nodes && nodes <= 1_000_000, "{} of {nodes}", page.seen);
            assert!(length(&Reading::from(page)) <= 4 * html.len() + 300 * 1000, "{}", html.len());
        }
    }
}
