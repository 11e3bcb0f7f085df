//! The simulator's proxy, as clients meet it that have QQ's addresses built in.

use std::fs;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;

use matrix_webqq::sim::{Fault, Options, Proxy, Simulator, Trouble};
use reqwest::{Method, StatusCode};
use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use super::browser::{Browser, LoggedIn, PTLOGIN, words};
use super::{GROUP, IN_GROUP};

async fn simulator(ca_dir: &Path) -> Simulator {
    simulator_of(ca_dir, Options { seed: Some(42), ..Options::default() }).await
}

/// A simulator with a proxy.
pub(crate) async fn simulator_of(ca_dir: &Path, options: Options) -> Simulator {
    let listen = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
    let proxy = Some(Proxy { listen, ca_dir: ca_dir.to_owned() });
    Simulator::start(Options { proxy, ..options }).await.unwrap()
}

/// A client of that proxy which trusts its authority.
pub(crate) fn browser(sim: &Simulator, ca_dir: &Path) -> Browser {
    Browser::behind(sim.proxy_addr().unwrap(), &fs::read(ca_dir.join("ca.pem")).unwrap())
}

/// What the proxy answers to `head`, and everything after it.
async fn ask_raw(sim: &Simulator, head: &str) -> String {
    let mut line = TcpStream::connect(sim.proxy_addr().unwrap()).await.unwrap();
    line.write_all(format!("{head}\r\nConnection: close\r\n\r\n").as_bytes()).await.unwrap();
    let mut answer = String::new();
    line.read_to_string(&mut answer).await.unwrap();
    answer
}

#[tokio::test]
async fn a_client_with_real_addresses_logs_in_and_talks_through_the_proxy() {
    let folder = tempfile::tempdir().unwrap();
    let sim = simulator(folder.path()).await;
    let qq = sim.handle();
    // Tunnels to four hosts, and check_sig by plain HTTP.
    let client = LoggedIn::with(browser(&sim, folder.path()), &qq).await;
    assert!(client.browser.cookie("web2.qq.com", "p_skey").is_some(), "check_sig was reached");
    let (gid, _) = client.group(GROUP).await;
    assert_eq!(client.send("send_qun_msg2", "group_uin", &gid, &words("through a tunnel")).await["errCode"], 0);
    assert_eq!(qq.heard(0)[0].text, "through a tunnel");
    qq.say(IN_GROUP, "Bob", "and back").unwrap();
    assert_eq!(client.poll_texts().await, ["through a tunnel", "and back"]);
}

#[tokio::test]
async fn pictures_come_through_the_proxy_from_the_server_that_has_them() {
    let folder = tempfile::tempdir().unwrap();
    let sim = simulator(folder.path()).await;
    let qq = sim.handle();
    let mut client = LoggedIn::with(browser(&sim, folder.path()), &qq).await;
    qq.send_picture_bytes("friend:王芳", "王芳", b"GIF89a".as_slice()).unwrap();
    let value = client.poll_json().await["result"][0]["value"].clone();
    let path = value["content"][1][1]["file_path"].as_str().unwrap();
    let picture = client.channel("get_offpic2", &format!("&file_path={path}&f_uin={}", value["from_uin"]));
    let redirect = client.browser.get(&picture).await;
    let elsewhere = redirect.headers()["location"].to_str().unwrap();
    let picture = client.browser.bare(Method::GET, elsewhere).send().await.unwrap();
    assert_eq!((picture.status(), picture.bytes().await.unwrap().as_ref()), (StatusCode::OK, b"GIF89a".as_slice()));
}

#[tokio::test]
async fn faults_cut_tunnels_as_they_cut_lines() {
    let folder = tempfile::tempdir().unwrap();
    let sim = simulator(folder.path()).await;
    let qq = sim.handle();
    let client = LoggedIn::with(browser(&sim, folder.path()), &qq).await;
    for trouble in [Trouble::Drop, Trouble::Truncate(Some(40))] {
        qq.fault(Fault::new("poll2", trouble));
        let msg_id = qq.say(IN_GROUP, "Bob", "twice").unwrap();
        let broken = match client.poll().send().await {
            Ok(response) => response.bytes().await.is_err(),
            Err(_) => true,
        };
        assert!(broken);
        assert_eq!(client.poll_json().await["result"][0]["value"]["msg_id"], json!(msg_id));
    }
}

#[tokio::test]
async fn nobody_but_qq_is_behind_the_proxy() {
    let folder = tempfile::tempdir().unwrap();
    let sim = simulator(folder.path()).await;
    let here = sim.qq_addr();
    for head in [
        "CONNECT matrix.org:443 HTTP/1.1\r\nHost: matrix.org:443".to_owned(),
        "CONNECT qq.com.evil.example:443 HTTP/1.1\r\nHost: d1.web2.qq.com".to_owned(),
        "CONNECT evilqq.com:443 HTTP/1.1\r\nHost: evilqq.com:443".to_owned(),
        "CONNECT d1.web2.qq.com:22 HTTP/1.1\r\nHost: d1.web2.qq.com:22".to_owned(),
        "CONNECT 103.7.29.36:443 HTTP/1.1\r\nHost: 103.7.29.36:443".to_owned(),
        "GET http://matrix.org/ HTTP/1.1\r\nHost: w.qq.com".to_owned(),
        format!("GET http://{here}/ptqrshow HTTP/1.1\r\nHost: {here}"),
        "GET / HTTP/1.1\r\nHost: 127.0.0.1".to_owned(),
    ] {
        assert!(ask_raw(&sim, &head).await.starts_with("HTTP/1.1 403 "), "{head}");
    }
    let known = ask_raw(&sim, "GET http://w.qq.com/ HTTP/1.1\r\nHost: w.qq.com").await;
    assert!(known.starts_with("HTTP/1.1 200 "), "{known}");
    let browser = browser(&sim, folder.path());
    let inside = browser.bare(Method::GET, &format!("{PTLOGIN}ptqrshow")).header("host", "matrix.org");
    assert_eq!(inside.send().await.unwrap().status(), StatusCode::FORBIDDEN, "in a tunnel to QQ, too");
    assert_eq!(sim.handle().qr_codes(), 0, "and nothing reached the simulator");
}

#[tokio::test]
async fn what_is_no_tls_in_a_tunnel_ends_that_tunnel_and_nothing_else() {
    let folder = tempfile::tempdir().unwrap();
    let sim = simulator(folder.path()).await;
    for noise in [b"GET / HTTP/1.1\r\n\r\n".as_slice(), &[0; 600], &[0x16, 3, 1, 0xff, 0xff, 1]] {
        let mut line = TcpStream::connect(sim.proxy_addr().unwrap()).await.unwrap();
        line.write_all(b"CONNECT w.qq.com:443 HTTP/1.1\r\nHost: w.qq.com:443\r\n\r\n").await.unwrap();
        line.write_all(noise).await.unwrap();
        line.shutdown().await.unwrap();
        let mut answer = Vec::new();
        line.read_to_end(&mut answer).await.ok();
        assert!(answer.starts_with(b"HTTP/1.1 200 "), "{noise:?}");
    }
    let browser = browser(&sim, folder.path());
    let served = browser.bare(Method::GET, "https://w.qq.com/").send().await.unwrap();
    assert_eq!(served.status(), StatusCode::OK);
}

#[tokio::test]
async fn a_client_that_does_not_trust_the_test_authority_is_not_served() {
    let (folder, another) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let (sim, other) = (simulator(folder.path()).await, simulator(another.path()).await);
    let stranger = Browser::behind(sim.proxy_addr().unwrap(), &fs::read(another.path().join("ca.pem")).unwrap());
    assert!(stranger.bare(Method::GET, &format!("{PTLOGIN}ptqrshow")).send().await.is_err());
    drop(other);
    let again = simulator(another.path()).await;
    let same = browser(&again, another.path()).bare(Method::GET, &format!("{PTLOGIN}ptqrshow")).send().await;
    assert_eq!(same.unwrap().status(), StatusCode::OK, "the authority outlives the simulator");
}

#[tokio::test]
async fn stopping_ends_polls_that_are_held_in_a_tunnel() {
    let folder = tempfile::tempdir().unwrap();
    let sim = simulator(folder.path()).await;
    let qq = sim.handle();
    let client = LoggedIn::with(browser(&sim, folder.path()), &qq).await;
    let stop = async {
        qq.wait_session(|session| session.polling).await;
        sim.stop().await;
    };
    let (reply, ()) = tokio::join!(client.poll_json(), stop);
    assert_eq!(reply["retcode"], 102);
}
