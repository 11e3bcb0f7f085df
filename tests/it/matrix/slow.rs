//! Clients that say little or nothing, slowly: they are cut off, and hold up nobody.

use std::io;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::routing::get;
use futures_util::stream;
use matrix_webqq::base::Shutdown;
use matrix_webqq::matrix::listener::{Limits, serve};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;

use super::Bridge;

const FOR_EVER: Duration = Duration::from_hours(1);

/// The whole of a transaction.
fn transaction(id: &str) -> String {
    let head = format!("PUT /_matrix/app/v1/transactions/{id}?access_token=secret HTTP/1.1\r\nhost: bridge\r\n");
    [&head, "connection: close\r\ncontent-length: 2\r\n\r\n{}"].concat()
}

/// A connection on which `words` were said.
async fn say(bridge: &Bridge, words: &str) -> TcpStream {
    let mut stream = TcpStream::connect(bridge.url.trim_start_matches("http://")).await.unwrap();
    stream.write_all(words.as_bytes()).await.unwrap();
    stream
}

/// All that is said on `stream` until the bridge closes it.
async fn hear(mut stream: TcpStream) -> String {
    let mut heard = Vec::new();
    // A bridge that closes before it has read everything resets the connection.
    let _ = stream.read_to_end(&mut heard).await;
    String::from_utf8(heard).unwrap()
}

async fn is_taken(stream: TcpStream) -> bool {
    hear(stream).await.starts_with("HTTP/1.1 200 ")
}

fn taken(bridge: &Bridge) -> Vec<String> {
    bridge.taken.borrow().iter().map(|transaction| transaction.id.clone()).collect()
}

#[tokio::test]
async fn who_says_nothing_or_half_of_it_or_rests_is_cut_off() {
    let limits = Limits { patience: Duration::from_millis(20), ..Limits::default() };
    let bridge = Bridge::start_within("secret", limits).await;
    let whole = transaction("1").replace("connection: close\r\n", "");
    for words in ["", "P", "PUT /_matrix/app/v1/transactions/1 HTTP/1.1\r\nhost: bridge\r\n", &whole] {
        let heard = hear(say(&bridge, words).await).await;
        assert_eq!(heard.starts_with("HTTP/1.1 200 "), words == whole, "{words:?}: {heard:?}");
    }
}

#[tokio::test]
async fn who_says_nothing_does_not_hold_up_others_while_there_is_a_place() {
    let bridge = Bridge::start_within("secret", Limits { connections: 4, patience: FOR_EVER }).await;
    let mut silent = Vec::new();
    for words in ["", "P", "GET / HTTP/1.1\r\nx: "] {
        silent.push(say(&bridge, words).await);
    }
    for id in ["1", "2"] {
        assert!(is_taken(say(&bridge, &transaction(id)).await).await);
    }
    assert_eq!(taken(&bridge), ["1", "2"]);
}

#[tokio::test]
async fn who_comes_when_every_place_is_taken_is_served_when_one_is_free() {
    let bridge = Bridge::start_within("secret", Limits { connections: 1, patience: FOR_EVER }).await;
    let mut first = say(&bridge, "").await;
    let second = say(&bridge, &transaction("second")).await;
    first.write_all(transaction("first").as_bytes()).await.unwrap();
    assert!(is_taken(first).await && is_taken(second).await);
    assert_eq!(taken(&bridge), ["first", "second"]);
}

#[tokio::test]
async fn a_place_that_a_silent_client_held_is_free_when_it_is_cut_off() {
    let limits = Limits { connections: 1, patience: Duration::from_millis(20) };
    let bridge = Bridge::start_within("secret", limits).await;
    let silent = say(&bridge, "").await;
    assert!(is_taken(say(&bridge, &transaction("1")).await).await);
    assert_eq!(hear(silent).await, "");
}

#[tokio::test]
async fn who_reads_nothing_of_the_answer_is_cut_off() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let mut client = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
    let (ends_with_it, ended) = oneshot::channel::<()>();
    let answered = Arc::new(Mutex::new(Some(ends_with_it)));
    let endless = get(move || {
        let held = answered.lock().unwrap().take();
        let zeros = stream::repeat_with(move || {
            let _ = &held;
            Ok::<_, io::Error>(Bytes::from_static(&[0; 8192]))
        });
        std::future::ready(Body::from_stream(zeros))
    });
    let (router, shutdown) = (Router::new().route("/", endless), Shutdown::new());
    let (limits, until) = (Limits { patience: Duration::from_millis(20), ..Limits::default() }, shutdown.clone());
    shutdown.spawn(async move { serve(listener, router, limits, &until).await });
    client.write_all(b"GET / HTTP/1.1\r\nhost: bridge\r\n\r\n").await.unwrap();
    // It comes when the answer is given up: nobody sends anything there.
    assert!(ended.await.is_err());
    drop(client);
}
