//! People chat: groups, friends and discussions, both ways, with faces, echoes and the phone.

use serde_json::json;

use super::{FAMILY, FAMILY_CHAT};
use crate::support::homeserver::{Endpoint, Fault};
use crate::support::house::House;

#[tokio::test(flavor = "multi_thread")]
async fn a_group_message_makes_a_room_and_an_answer_is_heard() {
    let house = House::new().await;
    house.log_in().await;

    house.qq.say(FAMILY_CHAT, "妈妈", "吃饭了吗 [微笑]").unwrap();
    let (room, mother) = house.sees(FAMILY, "吃饭了吗 🙂").await;

    house.owner_enters(&room).await;
    assert_eq!(house.matrix.see(|world| world.display_name(&mother).map(str::to_owned)).as_deref(), Some("妈妈 (QQ)"));

    house.owner.say(&room, "吃了 [呲牙]\n你呢？");
    let heard = house.qq.wait_heard(|heard| !heard.is_empty()).await;
    assert_eq!((heard[0].chat.as_str(), heard[0].text.as_str()), (FAMILY_CHAT, "吃了 [呲牙]\n你呢？"));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_said_in_a_room_before_the_bridge_knows_it_is_heard() {
    let house = House::new().await;
    house.log_in().await;
    // The room is there and its owner in it, and the bridge has not heard of it.
    house.matrix.fail_next(Endpoint::CreateRoom, 1, Fault::Drop);
    house.qq.say(FAMILY_CHAT, "妈妈", "hi").unwrap();
    let room = house
        .matrix
        .wait_for("the owner in a new room", |world| {
            let owner = house.owner.id();
            let is_new = |room: &String| world.state(room, "m.room.name", "")["name"] == FAMILY;
            world.room_ids().into_iter().find(|room| is_new(room) && world.membership(room, owner) == "join")
        })
        .await;
    house.owner.say(&room, "here already");
    let heard = house.qq.wait_heard(|heard| !heard.is_empty()).await;
    assert_eq!(heard[0].text, "here already");
    house.sees(FAMILY, "hi").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_matrix_said_is_not_doubled_by_its_echo_and_the_phone_appears_once() {
    let house = House::new().await;
    house.log_in().await;
    house.qq.say(FAMILY_CHAT, "爸爸", "开始").unwrap();
    let (room, _) = house.sees(FAMILY, "开始").await;

    house.owner.say(&room, "from Matrix <b> &lt; [Smile] and 1");
    house.qq.wait_heard(|heard| !heard.is_empty()).await;
    // The echo was queued before this, so it has been seen when this arrives.
    house.qq.say(FAMILY_CHAT, "小明", "from the phone").unwrap();
    let (_, me) = house.sees(FAMILY, "from the phone").await;

    assert_eq!(me, "@qq_2769546520:hs.test");
    assert_eq!(house.said_by_ghosts(&room), ["开始", "from the phone"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_words_from_matrix_and_from_the_phone_both_count() {
    let house = House::new().await;
    house.log_in().await;
    house.qq.say(FAMILY_CHAT, "爸爸", "开始").unwrap();
    let (room, _) = house.sees(FAMILY, "开始").await;

    house.owner.say(&room, "好");
    house.qq.wait_heard(|heard| !heard.is_empty()).await;
    house.qq.say(FAMILY_CHAT, "小明", "好").unwrap();
    house.qq.say(FAMILY_CHAT, "妈妈", "end").unwrap();
    house.sees(FAMILY, "end").await;

    assert_eq!(house.said_by_ghosts(&room), ["开始", "好", "end"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_friend_chat_is_a_direct_chat_with_the_friends_ghost() {
    let house = House::new().await;
    house.log_in().await;

    house.qq.say("friend:Alice Chen", "Alice Chen", "hi there").unwrap();
    let room = house
        .matrix
        .wait_for("the friend's message", |world| {
            let said = |room: &String| world.timeline(room).iter().any(|event| event.body() == "hi there");
            world.room_ids().into_iter().find(said)
        })
        .await;
    let invitation = house
        .matrix
        .timeline(&room)
        .into_iter()
        .find(|event| event.kind == "m.room.member" && event.state_key.as_deref() == Some("@alice:hs.test"));
    assert_eq!(invitation.expect("alice was asked in").content["is_direct"], true);
    let service = house.matrix.see(|world| world.state(&room, "io.element.functional_members", ""));
    assert_eq!(service["service_members"], json!(["@qqbot:hs.test"]));

    house.owner_enters(&room).await;
    house.owner.say(&room, "hello");
    let heard = house.qq.wait_heard(|heard| !heard.is_empty()).await;
    assert_eq!((heard[0].chat.as_str(), heard[0].text.as_str()), ("friend:Alice Chen", "hello"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_discussion_has_a_room_of_its_own() {
    let house = House::new().await;
    house.log_in().await;
    house.qq.say("discussion:项目讨论", "老张", "会议").unwrap();
    let (room, _) = house.sees("项目讨论", "会议").await;
    house.owner.say(&room, "来了");
    let heard = house.qq.wait_heard(|heard| !heard.is_empty()).await;
    assert_eq!(heard[0].chat, "discussion:项目讨论");
}

#[tokio::test(flavor = "multi_thread")]
async fn messages_bear_the_time_at_which_they_were_said() {
    let house = House::new().await;
    house.log_in().await;
    house.qq.say(FAMILY_CHAT, "妈妈", "when").unwrap();
    let (room, _) = house.sees(FAMILY, "when").await;
    let event = house.matrix.timeline(&room).into_iter().find(|event| event.body() == "when").unwrap();
    assert_eq!(event.sent_at_ms % 1000, 0, "QQ counts whole seconds");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_long_text_is_split_and_arrives_whole() {
    let house = House::new().await;
    house.log_in().await;
    house.qq.say(FAMILY_CHAT, "妈妈", "start").unwrap();
    let (room, _) = house.sees(FAMILY, "start").await;

    house.owner.say(&room, &"字".repeat(600));
    let heard =
        house.qq.wait_heard(|heard| heard.iter().map(|h| h.text.matches('字').count()).sum::<usize>() == 600).await;
    assert!(heard.len() > 1);
    assert!(heard[0].text.starts_with(&format!("(1/{}) ", heard.len())));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_sent_is_answered_with_the_reason() {
    let house = House::new().await;
    house.log_in().await;
    house.qq.say(FAMILY_CHAT, "妈妈", "start").unwrap();
    let (room, _) = house.sees(FAMILY, "start").await;

    house.owner.send(
        &room,
        "m.room.message",
        json!({ "msgtype": "m.image", "body": "a.png", "url": "mxc://hs.test/a" }),
    );
    house.bot_says(&room, "QQ does not carry it").await;
    house.owner.send(&room, "m.room.encrypted", json!({ "algorithm": "m.megolm.v1.aes-sha2" }));
    house.bot_says(&room, "cannot read encrypted").await;

    let bob = house.matrix.user("bob");
    house.owner.invite(&room, bob.id());
    bob.join(&room);
    bob.say(&room, "me too");
    house.bot_says(&room, "only the person whose QQ account").await;
    bob.say(&room, "and again");
    house.owner.send(&room, "m.room.encrypted", json!({ "algorithm": "m.megolm.v1.aes-sha2" }));
    house
        .matrix
        .wait_until("the last event to be answered", |world| {
            let answers =
                |words: &str| world.timeline(&room).iter().filter(|event| event.body().contains(words)).count();
            answers("cannot read encrypted") == 2 && answers("only the person whose QQ account") == 1
        })
        .await;
    assert_eq!(house.heard_in(FAMILY_CHAT), [""; 0]);
}
