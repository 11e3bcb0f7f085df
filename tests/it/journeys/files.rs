//! Files from friends, and to them.

use matrix_webqq::sim::{Fault, Trouble, World};
use serde_json::{Value, json};

use super::{FAMILY, FAMILY_CHAT};
use crate::support::homeserver::{Endpoint, Event, Fault as MatrixFault};
use crate::support::house::House;

const WANG: &str = "王芳";
const CHAT: &str = "friend:王芳";

/// A house in which `王芳` has said "start", and her room.
async fn friend(changes: &Value) -> (House, String) {
    let mut world = World::example().expect("the example world is good");
    // poll2 has no acknowledgement: whatever is in the air at a kill would be gone, as the promise says.
    world.options.repeat_after_hangup = true;
    let house = House::with(world, changes).await;
    let room = begun(&house).await;
    (house, room)
}

async fn begun(house: &House) -> String {
    house.log_in().await;
    house.qq.say(CHAT, WANG, "start").unwrap();
    let (room, _) = house.shows("start").await;
    house.owner_enters(&room).await;
    room
}

async fn said(house: &House, room: &str, text: &str) {
    house.matrix.wait_until(text, |world| world.timeline(room).iter().any(|event| event.body() == text)).await;
}

fn files(house: &House, room: &str) -> Vec<Event> {
    house.matrix.timeline(room).into_iter().filter(|event| event.content["msgtype"] == "m.file").collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn files_that_a_friend_leaves_or_offers_arrive_as_files() {
    let (house, room) = friend(&json!({})).await;
    house.qq.leave_file(WANG, "周末 计划.txt", b"at nine".as_slice()).unwrap();
    house.qq.offer_file(WANG, "图 纸?.bin", b"\0\x01".as_slice()).unwrap();
    house.qq.say(CHAT, WANG, "end").unwrap();
    said(&house, &room, "end").await;
    let found: Vec<(String, Vec<u8>)> = files(&house, &room)
        .iter()
        .map(|event| {
            assert_eq!(event.content["info"]["mimetype"], "application/octet-stream");
            let media = house.matrix.see(|world| world.media(event.content["url"].as_str().unwrap()).cloned());
            (event.content["filename"].as_str().unwrap().to_owned(), media.expect("it was uploaded").1)
        })
        .collect();
    assert_eq!(found, [("周末 计划.txt".to_owned(), b"at nine".to_vec()), ("图 纸?.bin".to_owned(), vec![0, 1])]);
    assert_eq!(house.said_by_ghosts(&room), ["start", "周末 计划.txt", "图 纸?.bin", "end"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn files_that_cannot_be_taken_are_refused_and_noted() {
    let (house, room) = friend(&json!({ "bridge": { "media": { "tries": 1, "max_mb": 1 } } })).await;
    let large = vec![b'x'; 1_100_000];
    house.qq.leave_file(WANG, "large.bin", large.clone()).unwrap();
    house.qq.offer_file(WANG, "also large.bin", large).unwrap();
    house.qq.fault(Fault::new("get_file2", Trouble::Delay(std::time::Duration::ZERO)));
    house.qq.fault(Fault::new("get_file2", Trouble::Retcode(102)));
    house.qq.offer_file(WANG, "gone.txt", b"gone".as_slice()).unwrap();
    house.qq.say(CHAT, WANG, "end").unwrap();
    said(&house, &room, "end").await;
    assert_eq!(
        house.said_by_ghosts(&room),
        [
            "start",
            "[离线文件] large.bin (not shown here: it is larger than 1 MB)",
            "[文件] also large.bin (not shown here: it is larger than 1 MB)",
            "[文件] gone.txt (not shown here: QQ does not hand it out any more)",
            "end",
        ]
    );
    let calls = house.qq.session().calls;
    assert_eq!((calls["notify_offfile2"], calls["refuse_file2"]), (1, 2));
    let left: Vec<_> = house.qq.spoken(0).into_iter().flat_map(|line| line.attached).collect();
    assert_eq!(left.len(), 3);
    assert!(left.iter().all(|file| house.qq.kept(&file.key).is_none()), "QQ let go of all of them");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_survives_kills_on_its_way_to_matrix() {
    let (mut house, room) = friend(&json!({})).await;
    for (endpoint, fault) in [(Endpoint::Upload, MatrixFault::DropBefore), (Endpoint::Send, MatrixFault::Drop)] {
        let before = house.matrix.see(|world| world.asked(endpoint));
        house.matrix.fail_next(endpoint, 1, fault);
        house.qq.leave_file(WANG, "plan.txt", b"at nine".as_slice()).unwrap();
        house.matrix.wait_until("the trouble", |world| world.asked(endpoint) > before).await;
        house.kill().await;
        house.start();
        let end = format!("end of {endpoint:?}");
        house.qq.say(CHAT, WANG, &end).unwrap();
        said(&house, &room, &end).await;
    }
    assert_eq!(house.said_by_ghosts(&room), ["start", "plan.txt", "end of Upload", "plan.txt", "end of Send"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_reaches_a_friend_as_a_file_and_a_group_as_an_address() {
    let changes = json!({ "bridge": { "media": { "public_address": "https://qq.example.org" } } });
    let house = House::of_2014(&changes).await;
    let room = begun(&house).await;
    let url = house.owner.upload("text/plain", b"at nine");
    house.owner.show(&room, "m.file", "周末计划.txt", &url, 7);
    house.owner.say(&room, "after");
    let heard = house.qq.wait_heard(|heard| heard.len() >= 2).await;
    assert_eq!((heard[0].text.as_str(), heard[1].text.as_str()), ("[文件] 周末计划.txt", "after"));
    assert_eq!(house.qq.kept(&heard[0].attached[0].key).unwrap().1.as_ref(), b"at nine");

    house.qq.say(FAMILY_CHAT, "妈妈", "hi").unwrap();
    let (family, _) = house.sees(FAMILY, "hi").await;
    house.owner_enters(&family).await;
    house.owner.show(&family, "m.file", "周末计划.txt", &url, 7);
    let heard = house.qq.wait_heard(|heard| heard.len() >= 3).await;
    assert!(heard[2].text.starts_with("[文件] 周末计划.txt (1 KB) https://qq.example.org/_webqq/media/hs.test/"));
}
