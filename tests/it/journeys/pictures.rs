//! Pictures from QQ: shown where they stood, or a note that says why not; once each, whatever happens meanwhile.

use matrix_webqq::sim::{Fault, Trouble, World};
use serde_json::{Value, json};

use super::{FAMILY, FAMILY_CHAT};
use crate::support::homeserver::{Endpoint, Event, Fault as MatrixFault};
use crate::support::house::House;

const ALICE_CHAT: &str = "friend:Alice Chen";
const SUNSET: &str = "西湖日落.png";

/// Waits for a picture that somebody shows in any room.
async fn picture(house: &House) -> Event {
    let found = house.matrix.wait_for("a picture", |world| {
        let rooms = world.room_ids();
        let mut events = rooms.iter().flat_map(|room| world.timeline(room));
        events.find(|event| is_picture(event) && event.sender.starts_with("@qq_")).cloned()
    });
    found.await
}

fn is_picture(event: &Event) -> bool {
    event.content["msgtype"] == "m.image"
}

/// Everything that ghosts showed in `room`: texts, and pictures as `<picture>`.
fn shown(house: &House, room: &str) -> Vec<String> {
    let events = house.matrix.timeline(room);
    let ghosts = events.iter().filter(|event| event.kind == "m.room.message" && event.sender.starts_with("@qq_"));
    ghosts.map(|event| if is_picture(event) { "<picture>".to_owned() } else { event.body().to_owned() }).collect()
}

/// What the simulator keeps for a message.
fn kept(house: &House) -> Vec<u8> {
    let key = house.qq.spoken(0).iter().rev().find_map(|line| line.attached.first().cloned()).expect("a picture").key;
    house.qq.kept(&key).expect("it is kept").1.to_vec()
}

/// How often a picture was uploaded; the login's QR code is one, too.
fn uploads(house: &House) -> usize {
    house.matrix.see(|world| world.asked(Endpoint::Upload)) - 1
}

/// A house with a room for the family, in which "start" was said.
async fn family(changes: &Value) -> (House, String) {
    let mut world = World::example().expect("the example world is good");
    // poll2 has no acknowledgement: whatever is in the air at a kill would be gone, as the promise says.
    world.options.repeat_after_hangup = true;
    let house = House::with(world, changes).await;
    house.log_in().await;
    house.qq.say(FAMILY_CHAT, "妈妈", "start").unwrap();
    let (room, _) = house.sees(FAMILY, "start").await;
    (house, room)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_picture_from_a_friend_is_shown_with_its_size() {
    let house = House::new().await;
    house.log_in().await;
    house.qq.send_picture(ALICE_CHAT, "Alice Chen", SUNSET).unwrap();
    let event = picture(&house).await;
    let bytes = kept(&house);
    assert_eq!(event.content["info"], json!({ "mimetype": "image/png", "size": bytes.len(), "w": 800, "h": 500 }));
    let url = event.content["url"].as_str().unwrap();
    let media = house.matrix.see(|world| world.media(url).cloned());
    assert_eq!(media, Some(("image/png".to_owned(), bytes)));
    let name = house.matrix.see(|world| world.display_name(&event.sender).map(str::to_owned));
    assert_eq!(name.as_deref(), Some("Alice Chen (QQ)"));
    assert_eq!(house.qq.session().calls["get_offpic2"], 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn pictures_from_a_group_stand_where_they_stood() {
    let (house, room) = family(&json!({})).await;
    house.qq.keep("{A}.jpg", b"GIF89a\x10\x00\x10\x00\x00\x00\x00".as_slice());
    let cface = json!(["cface", { "name": "{A}.jpg", "file_id": 7, "key": "YkC3", "server": "119.147.15.201:443" }]);
    let content = vec![json!("look "), cface, json!(["cface_idx", 0]), json!([" ", "face", 14]), json!("nice")];
    house.qq.say_content(FAMILY_CHAT, "爸爸", content).unwrap();
    house.qq.send_picture(FAMILY_CHAT, "妈妈", SUNSET).unwrap();
    house.qq.say(FAMILY_CHAT, "妈妈", "end").unwrap();
    house.sees(FAMILY, "end").await;
    let expected = ["start", "look ", "<picture>", "<picture>", "[未知内容]nice", "<picture>", "end"];
    assert_eq!(shown(&house, &room), expected);
    assert_eq!(house.qq.session().calls["get_group_pic"], 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_picture_from_a_discussion_and_one_of_a_friends_own_collection_are_shown() {
    let house = House::new().await;
    house.log_in().await;
    house.qq.send_picture("discussion:项目讨论", "老张", SUNSET).unwrap();
    picture(&house).await;
    house.qq.keep("0A.jpg", b"GIF89a\x10\x00\x10\x00\x00\x00\x00".as_slice());
    house.qq.say_content(ALICE_CHAT, "Alice Chen", vec![json!(["cface", "0A.jpg", ""])]).unwrap();
    house
        .matrix
        .wait_until("both pictures", |world| {
            let rooms = world.room_ids();
            rooms.iter().flat_map(|room| world.timeline(room)).filter(|event| is_picture(event)).count() == 2
        })
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_picture_that_cannot_be_had_at_first_is_asked_for_again() {
    let (house, room) = family(&json!({})).await;
    house.qq.fault(Fault::new("get_group_pic", Trouble::Http(502)));
    house.qq.send_picture(FAMILY_CHAT, "妈妈", SUNSET).unwrap();
    house.qq.say(FAMILY_CHAT, "妈妈", "end").unwrap();
    house.sees(FAMILY, "end").await;
    assert_eq!(shown(&house, &room), ["start", "<picture>", "end"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_picture_that_cannot_be_had_becomes_a_note_that_says_why() {
    let (house, room) = family(&json!({ "bridge": { "media": { "tries": 1, "max_mb": 1 } } })).await;
    let large = vec![b'x'; 1_100_000];
    let elsewhere = format!("{}/_matrix/client/versions", house.matrix.address());
    let note = |why: &str| format!("[图片] (not shown here: {why})");
    let cases = [
        (Some(Trouble::Retcode(103)), b"".as_slice(), "QQ does not hand it out any more"),
        (Some(Trouble::Redirect(elsewhere)), b"", "QQ sent us to an address within a private network for it"),
        (
            Some(Trouble::Redirect("http://[::1]/".to_owned())),
            b"",
            "QQ sent us to an address within a private network for it",
        ),
        (Some(Trouble::Http(502)), b"", "QQ's server did not answer"),
        (None, &large, "it is larger than 1 MB"),
        (None, b"<html>", "what QQ sent is no picture"),
    ];
    let asked = house.matrix.see(|world| world.asked(Endpoint::Versions));
    for (trouble, bytes, _) in cases.clone() {
        house.qq.send_picture_bytes(FAMILY_CHAT, "妈妈", bytes.to_vec()).unwrap();
        if let Some(trouble) = trouble {
            house.qq.fault(Fault::new("get_group_pic", trouble));
        } else {
            house.qq.fault(Fault::new("get_group_pic", Trouble::Delay(std::time::Duration::ZERO)));
        }
    }
    house.qq.say(FAMILY_CHAT, "妈妈", "end").unwrap();
    house.sees(FAMILY, "end").await;
    let mut expected = vec!["start".to_owned()];
    expected.extend(cases.iter().map(|(_, _, why)| note(why)));
    expected.push("end".to_owned());
    assert_eq!(shown(&house, &room), expected);
    assert_eq!(house.matrix.see(|world| world.asked(Endpoint::Versions)), asked, "nobody followed the redirect");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_picture_survives_a_kill_between_its_fetching_and_its_upload() {
    let (mut house, room) = family(&json!({})).await;
    house.matrix.fail_next(Endpoint::Upload, 1, MatrixFault::DropBefore);
    house.qq.send_picture(FAMILY_CHAT, "妈妈", SUNSET).unwrap();
    house.qq.say(FAMILY_CHAT, "妈妈", "end").unwrap();
    house.matrix.wait_until("an upload", |world| world.asked(Endpoint::Upload) == 2).await;
    house.kill().await;
    house.start();
    house.sees(FAMILY, "end").await;
    assert_eq!(shown(&house, &room), ["start", "<picture>", "end"]);
    assert_eq!(uploads(&house), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_picture_survives_a_kill_between_its_upload_and_its_sending() {
    for fault in [MatrixFault::DropBefore, MatrixFault::Drop] {
        let (mut house, room) = family(&json!({})).await;
        let sent = house.matrix.see(|world| world.asked(Endpoint::Send));
        house.matrix.fail_next(Endpoint::Send, 1, fault);
        house.qq.send_picture(FAMILY_CHAT, "妈妈", SUNSET).unwrap();
        house.qq.say(FAMILY_CHAT, "妈妈", "end").unwrap();
        house.matrix.wait_until("a sending", |world| world.asked(Endpoint::Send) > sent).await;
        house.kill().await;
        house.matrix.forget_txn_ids();
        house.start();
        house.sees(FAMILY, "end").await;
        assert_eq!(shown(&house, &room), ["start", "<picture>", "end"], "{fault:?}");
        assert_eq!((uploads(&house), house.qq.session().calls["get_group_pic"]), (1, 1), "{fault:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_picture_outlives_an_outage_of_the_homeserver_without_being_fetched_again() {
    let (house, room) = family(&json!({})).await;
    house.matrix.go_down().await;
    house.qq.send_picture(FAMILY_CHAT, "妈妈", SUNSET).unwrap();
    house.qq.wait_session(|session| session.calls.get("get_group_pic") == Some(&1)).await;
    house.matrix.come_back().await;
    picture(&house).await;
    assert_eq!(shown(&house, &room), ["start", "<picture>"]);
    assert_eq!(house.qq.session().calls["get_group_pic"], 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_picture_is_not_waited_for_when_its_session_is_over() {
    let house = House::configured(&json!({ "bridge": { "media": { "tries": 1 } } })).await;
    let control = house.log_in().await;
    house.owner_chooses_chinese(&control).await;
    house.qq.say(FAMILY_CHAT, "妈妈", "start").unwrap();
    let (room, _) = house.sees(FAMILY, "start").await;
    house.qq.fault(Fault::new("get_group_pic", Trouble::Delay(std::time::Duration::from_mins(1))));
    house.qq.send_picture(FAMILY_CHAT, "妈妈", SUNSET).unwrap();
    house.qq.wait_session(|session| session.calls.get("get_group_pic") == Some(&1)).await;
    house.qq.kick("您的帐号在另一地点登录").unwrap();
    house.bot_says(&control, "的 QQ 会话已结束").await;
    house.sees(FAMILY, "[图片]（无法显示：你没有登录 QQ）").await;
    assert_eq!(shown(&house, &room).len(), 2);
}
