//! Pictures are asked for as QQ's page did, of the server that the message names.

use matrix_webqq::qq::{Error, MediaRef, Network, Piece, Verdict};
use serde_json::json;

use super::*;

const GIF: &[u8] = b"GIF89a....";
const MOST: usize = 1000;

/// The picture in an event with this element.
async fn picture(qq: &Qq, network: &dyn Network, poll_type: &str, content: Value, fields: Value) -> MediaRef {
    let mut event = said(poll_type, "", &fields);
    event["value"]["content"] = content;
    qq.server.then("poll2", result(json!([event])));
    let envelope = receive(network).await.remove(0);
    match message(open(network, &envelope).await).pieces.remove(0) {
        Piece::Picture(media) => media,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn each_kind_of_picture_has_its_own_question() {
    let qq = Qq::start().await;
    let network = qq.network().await;
    let group = json!({"from_uin": 50, "group_code": 50, "send_uin": 1, "msg_id": 9});
    let discussion = json!({"from_uin": 70, "did": 70, "send_uin": 1, "msg_id": 9});
    let cface = json!([["cface", {"name": "{A}.jpg", "file_id": 8, "key": "", "server": "119.147.15.201:443"}]]);
    let image = json!([["pic_id", "5E10"], ["image", "jpg", 0]]);
    let from_group = "type=0&gid=60&uin=1&fid=8&rip=119.147.15.201&rport=443&pic={A}.jpg&vfwebqq=vf";
    let from_discussion = "type=1&gid=70&uin=1&fid=8&pic={A}.jpg";
    let offpic = json!([["offpic", {"success": 1, "file_path": "/1-2"}]]);
    let (own, friend) = (json!([["cface", "0A.jpg", ""]]), json!({"from_uin": 1, "msg_id": 9}));
    let (d, d1, web2) = ("d.web2.qq.com", "d1.web2.qq.com", "web2.qq.com");
    let offpic_query = "file_path=/1-2&f_uin=1&psessionid=one&clientid=53999199";
    let cases = [
        ("message", offpic, &friend, "get_offpic2", d, offpic_query),
        ("message", own, &friend, "get_cface2", d1, "guid=0A.jpg&lcid=9&to=1&count=5&time=1&psessionid=one"),
        ("message", image, &friend, "get_image2", d1, "guid={5E10}0.jpg&lcid=9&to=1&count=1&time=1"),
        ("group_message", cface.clone(), &group, "get_group_pic", web2, from_group),
        ("discu_message", cface, &discussion, "get_group_pic", web2, from_discussion),
    ];
    for (poll_type, content, fields, endpoint, host, query) in cases {
        qq.server.then(endpoint, body(GIF));
        let media = picture(&qq, &*network, poll_type, content, fields.clone()).await;
        assert_eq!(network.fetch(&media, MOST).await.unwrap().bytes, GIF);
        let asked = qq.server.asked(endpoint).pop().unwrap();
        assert_eq!(asked.host, host);
        for (name, value) in url::form_urlencoded::parse(query.as_bytes()) {
            assert_eq!(asked.query.get(&*name).map(String::as_str), Some(&*value), "{endpoint} {name}");
        }
    }
}

#[tokio::test]
async fn a_redirect_is_followed_without_cookies_and_refusals_are_told_apart() {
    let qq = Qq::start().await;
    let network = qq.network().await;
    let offpic = json!([["offpic", {"success": 1, "file_path": "/1-2"}]]);
    let media = picture(&qq, &*network, "message", offpic, json!({"from_uin": 1})).await;
    let fetch = || network.fetch(&media, MOST);

    qq.server.then("get_offpic2", status(302).redirect("http://103.7.29.36:80/ftn?ver=2173&rkey=ab"));
    qq.server.then("ftn", body(GIF));
    assert_eq!(fetch().await.unwrap().bytes, GIF);
    let asked = qq.server.asked("ftn").pop().unwrap();
    assert_eq!((asked.host.as_str(), asked.cookie.as_str(), &*asked.query["rkey"]), ("103.7.29.36", "", "ab"));

    qq.server.then("get_offpic2", retcode(103));
    assert!(matches!(fetch().await, Err(Error::NoMedia { .. })));
    qq.server.then("get_offpic2", body(*b""));
    assert!(matches!(fetch().await, Err(Error::NoMedia { .. })));
    qq.server.then("get_offpic2", body(vec![b'x'; MOST + 1]));
    assert!(matches!(fetch().await, Err(Error::MediaTooLarge(MOST))));
    qq.server.then("get_offpic2", body(GIF).torn());
    assert!(matches!(fetch().await, Err(Error::Unreachable { .. })));
    for to in ["http://127.0.0.1:1/", "http://[::ffff:10.0.0.1]/", "ftp://103.7.29.36/"] {
        qq.server.then("get_offpic2", status(302).redirect(to));
        assert_eq!(fetch().await.unwrap_err().verdict(), Verdict::GiveUp, "{to}");
    }
    qq.server.always("get_offpic2", status(302).redirect("/channel/get_offpic2"));
    assert!(matches!(fetch().await, Err(Error::MediaUnsafe("too many redirects"))));
}

#[tokio::test]
async fn a_picture_of_an_earlier_login_is_asked_for_in_the_numbers_of_now() {
    let qq = Qq::start().await;
    let network = qq.network().await;
    let cface = json!([["cface", {"name": "{A}.jpg", "file_id": 8, "key": "", "server": "119.147.15.201:443"}]]);
    let fields = json!({"from_uin": 50, "group_code": 50, "send_uin": 1});
    let media = picture(&qq, &*network, "group_message", cface, fields).await;

    qq.script_login("two");
    qq.script_lists(100);
    let network = qq.network().await;
    qq.server.then("get_group_pic", body(GIF));
    network.fetch(&media, MOST).await.unwrap();
    let asked = qq.server.asked("get_group_pic").pop().unwrap();
    assert_eq!((&*asked.query["gid"], &*asked.query["uin"]), ("160", "101"));
}
