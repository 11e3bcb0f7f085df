//! Pictures and files from Matrix: carried by QQ where it does, else as an address that is good for a while.

use matrix_webqq::sim::{Fault, Heard, Trouble};
use reqwest::StatusCode;
use serde_json::{Value, json};

use super::{FAMILY, FAMILY_CHAT};
use crate::support::homeserver::{Endpoint, Fault as MatrixFault};
use crate::support::house::House;

const GIF: &[u8] = b"GIF89a\x10\x00\x10\x00\x00\x00\x00";

fn with_address() -> Value {
    json!({ "bridge": { "media": { "public_address": "https://qq.example.org/bridge" } } })
}

async fn house(changes: &Value) -> House {
    let house = House::configured(changes).await;
    house.log_in().await;
    house
}

/// A house in which QQ carries pictures.
async fn carrying_house(changes: &Value) -> House {
    let house = House::of_2014(changes).await;
    house.log_in().await;
    house
}

/// The room of `chat`, in which `name` said their name.
async fn room(house: &House, chat: &str, name: &str) -> String {
    house.qq.say(chat, name, name).unwrap();
    let (room, _) = house.shows(name).await;
    house.owner_enters(&room).await;
    room
}

async fn heard(house: &House, count: usize) -> Vec<Heard> {
    house.qq.wait_heard(|heard| heard.len() >= count).await
}

/// Fetches an address from the bridge itself, as the reverse proxy would.
async fn opened(house: &House, link: &str) -> reqwest::Response {
    let path = link.strip_prefix("https://qq.example.org/bridge").expect("an address of the bridge");
    reqwest::get(format!("{}{path}", house.bridge_address())).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_picture_reaches_a_friend_a_group_and_a_discussion_as_one() {
    let house = carrying_house(&json!({})).await;
    let url = house.owner.upload("image/gif", GIF);
    for (count, (chat, speaker)) in
        [("friend:王芳", "王芳"), (FAMILY_CHAT, "妈妈"), ("discussion:项目讨论", "老张")].into_iter().enumerate()
    {
        let room = room(&house, chat, speaker).await;
        house.owner.show(&room, "m.image", "sun.gif", &url, GIF.len());
        let heard = heard(&house, count + 1).await.pop().unwrap();
        assert_eq!((heard.chat.as_str(), heard.text.as_str()), (chat, "[图片]"));
        let (kind, bytes) = house.qq.kept(&heard.attached[0].key).unwrap();
        assert_eq!((kind, bytes.as_ref()), ("image/gif", GIF));
        house.qq.say(chat, speaker, "end").unwrap();
        house
            .matrix
            .wait_until("the end", |world| world.timeline(&room).iter().any(|event| event.body() == "end"))
            .await;
        assert_eq!(house.said_by_ghosts(&room), [speaker, "end"], "it does not come back");
    }
    let calls = house.qq.session().calls;
    assert_eq!((calls["upload_offline_pic"], calls["cface_upload"], calls["get_gface_sig2"]), (1, 2, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_picture_that_qq_will_not_take_goes_as_an_address_after_several_tries() {
    let mut changes = with_address();
    changes["bridge"]["media"]["tries"] = json!(2);
    let house = carrying_house(&changes).await;
    let room = room(&house, FAMILY_CHAT, "妈妈").await;
    house.qq.fault(Fault::new("cface_upload", Trouble::Http(502)).times(2));
    let url = house.owner.upload("image/gif", GIF);
    house.owner.show(&room, "m.image", "sun.gif", &url, GIF.len());
    house.owner.say(&room, "after");
    let heard = heard(&house, 2).await;
    assert!(heard[0].text.starts_with("[图片] sun.gif (1 KB) https://qq.example.org/bridge/_webqq/media/"));
    assert_eq!(heard[1].text, "after");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_qq_does_not_carry_goes_as_an_address_that_hands_out_this_and_nothing_else() {
    let house = house(&with_address()).await;
    let room = room(&house, FAMILY_CHAT, "妈妈").await;
    let (page, film) = (b"<script>alert(1)</script>".as_slice(), b"film".as_slice());
    let (page_url, film_url) = (house.owner.upload("text/html", page), house.owner.upload("video/mp4", film));
    house.owner.show(&room, "m.file", "网页.html", &page_url, page.len());
    house.owner.show(&room, "m.video", "holiday.mp4", &film_url, film.len());
    let heard = heard(&house, 2).await;
    let link = heard[0].text.strip_prefix("[文件] 网页.html (1 KB) ").expect("a label, a name and an address");
    let page_answer = opened(&house, link).await;
    let header = |name: &str| page_answer.headers()[name].to_str().unwrap();
    assert_eq!(
        [header("content-type"), header("content-disposition"), header("x-content-type-options")],
        ["application/octet-stream", "attachment; filename=\"file.html\"", "nosniff"]
    );
    assert!(header("content-security-policy").starts_with("sandbox"));
    assert_eq!(page_answer.bytes().await.unwrap(), page);
    let film_link = heard[1].text.strip_prefix("[视频] holiday.mp4 (1 KB) ").unwrap();
    let film_answer = opened(&house, film_link).await;
    assert_eq!(film_answer.headers()["content-type"], "video/mp4");
    assert_eq!(film_answer.bytes().await.unwrap(), film);

    let other = film_url.rsplit('/').next().unwrap();
    let mine = page_url.rsplit('/').next().unwrap();
    for forged in [link.replace(mine, other), link.replace("until=1", "until=2"), link.replace("sig=", "sig=0")] {
        assert_eq!(opened(&house, &forged).await.status(), StatusCode::NOT_FOUND, "{forged}");
    }
    assert_eq!(opened(&house, link.split('?').next().unwrap()).await.status(), StatusCode::NOT_FOUND);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_hands_out_nothing_that_is_too_large_or_gone() {
    let mut changes = with_address();
    changes["bridge"]["media"]["max_mb"] = json!(1);
    let house = house(&changes).await;
    let room = room(&house, FAMILY_CHAT, "妈妈").await;
    let large = house.owner.upload("video/mp4", &vec![b'x'; 1_100_000]);
    // Its sender lies about its size.
    house.owner.show(&room, "m.video", "large.mp4", &large, 5);
    house.owner.show(&room, "m.file", "gone.txt", "mxc://hs.test/gone", 5);
    house.owner.show(&room, "m.file", "honest.bin", &large, 1_100_000);
    for said in heard(&house, 2).await {
        let (_, link) = said.text.rsplit_once(' ').unwrap();
        assert_eq!(opened(&house, link).await.status(), StatusCode::NOT_FOUND, "{}", said.text);
    }
    house.bot_says(&room, "QQ does not carry it").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_caption_is_said_after_its_picture() {
    let house = carrying_house(&json!({})).await;
    let room = room(&house, FAMILY_CHAT, "妈妈").await;
    let url = house.owner.upload("image/gif", GIF);
    let content = json!({ "msgtype": "m.image", "body": "look at *this*", "filename": "sun.gif", "url": url });
    house.owner.send(&room, "m.room.message", content);
    house.owner.say(&room, "after");
    let texts: Vec<String> = heard(&house, 3).await.into_iter().map(|heard| heard.text).collect();
    assert_eq!(texts, ["[图片]", "look at *this*", "after"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_picture_to_qq_survives_kills_and_is_said_once() {
    let mut house = carrying_house(&json!({})).await;
    let room = room(&house, FAMILY_CHAT, "妈妈").await;
    let url = house.owner.upload("image/gif", GIF);
    // Between the homeserver and QQ: the upload was taken, and nobody heard of it.
    house.qq.fault(Fault::new("cface_upload", Trouble::Drop));
    house.owner.show(&room, "m.image", "sun.gif", &url, GIF.len());
    house.owner.say(&room, "after");
    house.qq.wait_session(|session| session.calls.get("cface_upload") == Some(&1)).await;
    house.matrix.all_is_pushed().await;
    house.kill().await;
    // While the homeserver is asked again.
    let before = house.matrix.see(|world| world.asked(Endpoint::Download));
    house.matrix.fail_next(Endpoint::Download, 1, MatrixFault::DropBefore);
    house.start();
    house.matrix.wait_until("a download", |world| world.asked(Endpoint::Download) > before).await;
    house.kill().await;
    house.start();
    let heard = heard(&house, 2).await;
    assert_eq!(heard.iter().map(|heard| heard.text.as_str()).collect::<Vec<_>>(), ["[图片]", "after"]);
    assert_eq!(heard[0].chat, FAMILY_CHAT);
    house.qq.say(FAMILY_CHAT, "妈妈", "end").unwrap();
    house.sees(FAMILY, "end").await;
    assert_eq!((house.qq.heard(0).len(), house.said_by_ghosts(&room)), (2, vec!["妈妈".to_owned(), "end".to_owned()]));
}
