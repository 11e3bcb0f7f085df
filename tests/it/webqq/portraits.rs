//! Pictures that people and groups show themselves by.

use matrix_webqq::qq::{ChatKind, ContactId, Error, Portrait};

use super::Qq;
use super::server::{body, status};

/// More than any of these pictures has.
const MOST: usize = 1000;

#[tokio::test]
async fn people_are_asked_about_by_uin_and_groups_by_code_each_at_its_own_host() {
    let qq = Qq::start().await;
    let network = qq.network().await;
    qq.server.always("getface", body("GIF89a"));
    let chats = network.chats().await.unwrap();
    let friend = chats.iter().find(|chat| chat.name == "同事").unwrap().peer.clone().unwrap();
    let group = chats.iter().find(|chat| chat.kind == ChatKind::Group).unwrap().id.clone();
    for portrait in [Portrait::Person(friend), Portrait::Group(group), Portrait::Person(ContactId::new("10001"))] {
        assert_eq!(network.portrait(&portrait, MOST).await.unwrap().bytes, b"GIF89a");
    }
    let asked = qq.server.asked("getface");
    let told: Vec<_> = asked.iter().map(|ask| (ask.host.as_str(), &*ask.query["type"], &*ask.query["uin"])).collect();
    let expected =
        [("face2.web.qq.com", "1", "2"), ("face0.web.qq.com", "4", "60"), ("face1.web.qq.com", "1", "10001")];
    assert_eq!(told, expected);
    let nobody = network.portrait(&Portrait::Person(ContactId::new("10001.99")), MOST).await;
    assert!(matches!(nobody, Err(Error::Unmatched(_))));
}

#[tokio::test]
async fn only_servers_of_qq_are_followed_to_and_a_picture_has_a_limit() {
    let qq = Qq::start().await;
    let network = qq.network().await;
    let portrait = Portrait::Person(ContactId::new("10001"));
    qq.server.always("default.gif", body("GIF89a, the default"));
    qq.server.then("getface", status(302).redirect("http://face5.web.qq.com/default.gif"));
    assert_eq!(network.portrait(&portrait, MOST).await.unwrap().bytes, b"GIF89a, the default");
    assert_eq!(qq.server.asked("default.gif")[0].cookie, "", "what follows needs no ticket");

    for elsewhere in [
        "http://example.org/default.gif",
        "http://127.0.0.1/default.gif",
        "http://192.168.0.1.nip.io/",
        "ftp://face5.web.qq.com/x",
    ] {
        qq.server.then("getface", status(302).redirect(elsewhere));
        let refused = network.portrait(&portrait, MOST).await;
        assert!(matches!(refused, Err(Error::MediaUnsafe(_))), "{elsewhere}: {refused:?}");
    }
    assert_eq!(qq.server.asked("default.gif").len(), 1);
    qq.server.always("getface", status(302).redirect("http://face5.web.qq.com/cgi/svr/face/getface"));
    assert!(matches!(network.portrait(&portrait, MOST).await, Err(Error::MediaUnsafe("too many redirects"))));
    qq.server.always("getface", body(vec![b'x'; MOST + 1]));
    assert!(matches!(network.portrait(&portrait, MOST).await, Err(Error::MediaTooLarge(MOST))));
    qq.server.always("getface", body(""));
    assert!(matches!(network.portrait(&portrait, MOST).await, Err(Error::NoMedia { .. })));
}
