//! People's own words, said on their phone, come from themselves: by the homeserver's arrangement or by a token of theirs.

use matrix_webqq::base::failpoint::Failpoint;
use serde_json::{Value, json};

use super::{FAMILY, FAMILY_CHAT, first_words, talking};
use crate::support::homeserver::{Endpoint, Fault, World};
use crate::support::house::House;

const SERVICE: &str = "token-of-the-second-service";
const PERSONAL: &str = "syt_personal_token";

/// A homeserver that lets the bridge act for everybody.
fn arranged() -> Value {
    json!({ "double_puppet": { "secrets": { "hs.test": format!("as_token:{SERVICE}") } } })
}

async fn arranged_house() -> House {
    let mut house = House::asleep().await;
    house.matrix.install_second_service(SERVICE);
    house.configure(&arranged());
    house.start();
    house
}

/// A house in which the owner has given the bridge a token, its control room and the family's.
async fn house_with_token() -> (House, String, String) {
    let house = House::new().await;
    let (control, room) = first_words(&house, "开始").await;
    house.matrix.give_token(house.owner.id(), PERSONAL);
    house.owner.say(&control, &format!("login-matrix {PERSONAL}"));
    house.bot_says(&control, "I speak as you, with the token that you gave me").await;
    (house, control, room)
}

/// Who said `words` in `room`, each time.
fn speakers(world: &World, room: &str, words: &str) -> Vec<String> {
    world.said(room).into_iter().filter(|(_, said)| said == words).map(|(who, _)| who).collect()
}

/// Lets a friend's words arrive, behind which everything before has been dealt with.
async fn end(house: &House) {
    house.qq.say(FAMILY_CHAT, "妈妈", "end").unwrap();
    house.sees(FAMILY, "end").await;
    house.matrix.all_is_pushed().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn by_arrangement_the_phone_speaks_as_oneself_and_rooms_need_no_click() {
    let house = arranged_house().await;
    let control = house.control_room().await;
    house.matrix.let_people_click();
    house.log_in_from(&control).await;
    house.qq.say("friend:Alice Chen", "小明", "from the phone").unwrap();
    let said = |world: &World| {
        let rooms = world.room_ids().into_iter();
        rooms
            .flat_map(|room| speakers(world, &room, "from the phone").into_iter().map(move |who| (room.clone(), who)))
            .next()
    };
    let (room, who) = house.matrix.wait_for("the words of the phone", said).await;
    assert_eq!(who, house.owner.id());
    let event = house.matrix.timeline(&room).into_iter().find(|event| event.body() == "from the phone").unwrap();
    assert_eq!(event.content["fi.mau.double_puppet_source"], "qq");
    let creator = house.matrix.timeline(&room)[0].sender.clone();
    let list = house.matrix.see(|world| world.account_data(house.owner.id(), "m.direct"));
    assert_eq!(list, json!({ creator: [room] }), "it is a direct chat with the friend, and no other is");

    // What came back from the homeserver is not said again; what the owner says here is.
    house.matrix.all_is_pushed().await;
    house.owner.say(&room, "from here");
    let heard = house.qq.wait_heard(|heard| !heard.is_empty()).await;
    assert_eq!(heard[0].text, "from here");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_room_is_muted_for_whoever_lets_the_bridge_act_for_them_and_others_are_told_how() {
    let (house, control, room) = talking(&json!({})).await;
    house.owner.say(&control, "mute");
    house.bot_says(&control, "This room mirrors no QQ chat").await;
    house.owner.say(&room, "!qq mute");
    house.bot_says(&room, "write `login-matrix` and an access token").await;
    let rule = || house.matrix.see(|world| world.room_rule(house.owner.id(), &room));
    assert_eq!(rule(), Value::Null);

    house.matrix.give_token(house.owner.id(), PERSONAL);
    house.owner.say(&control, &format!("login-matrix {PERSONAL}"));
    house.bot_says(&control, "I speak as you").await;
    house.owner.say(&room, "!qq unmute");
    house.bot_says(&room, "was not muted by me").await;
    house.owner.say(&room, "!qq mute");
    house.bot_says(&room, "nothing but mentions of you now").await;
    assert_eq!(rule(), json!({ "actions": [] }));
    house.owner.say(&control, &format!("doin {room} unmute"));
    house.bot_says(&control, "as usual again").await;
    assert_eq!(rule(), Value::Null);

    // A token that is worth nothing any more is no reason to say that it was done.
    house.matrix.revoke(PERSONAL);
    house.owner.say(&room, "!qq mute");
    house.bot_says(&room, "That did not work").await;
    house.bot_says(&control, "no longer lets me speak as you").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_is_taken_down_sealed_and_used_and_is_nowhere_in_the_clear() {
    let mut house = House::asleep().await;
    let key_file = house.configure(&json!({})).with_file_name("key");
    house.configure(&json!({ "database": { "secret_key_file": key_file }, "logging": { "min_level": "trace" } }));
    house.start();
    let (control, room) = first_words(&house, "开始").await;
    // As clients do in a direct chat that they make.
    house.owner.set_state(&control, "m.room.power_levels", "", json!({ "users": { "@qqbot:hs.test": 100 } }));
    house.owner.say(&control, "ping-matrix");
    house.bot_says(&control, "I cannot speak as you").await;
    house.matrix.give_token(house.owner.id(), PERSONAL);
    let said = house.owner.say(&control, &format!("login-matrix {PERSONAL}"));
    house.bot_says(&control, "with the token that you gave me").await;
    let is_down =
        |world: &World| world.timeline(&control).iter().any(|event| event.id == said && event.content == json!({}));
    house.matrix.wait_until("the token to be taken down", is_down).await;

    house.qq.say(FAMILY_CHAT, "小明", "from the phone").unwrap();
    let (_, who) = house.sees(FAMILY, "from the phone").await;
    assert_eq!(who, house.owner.id());
    house.kill().await;
    house.start();
    house.qq.say(FAMILY_CHAT, "小明", "after a restart").unwrap();
    let (_, who) = house.sees(FAMILY, "after a restart").await;
    assert_eq!(who, house.owner.id());
    end(&house).await;
    assert_eq!(house.heard_in(FAMILY_CHAT), [""; 0]);

    house.owner.say(&control, "logout-matrix");
    house.bot_says(&control, "I have forgotten how to speak as you").await;
    house.qq.say(FAMILY_CHAT, "小明", "by a ghost").unwrap();
    let (_, who) = house.sees(FAMILY, "by a ghost").await;
    assert!(who.starts_with("@qq_"), "{who}");
    assert!(house.stop());
    assert!(house.holds_nowhere(PERSONAL));
    assert_eq!(house.matrix.see(|world| speakers(world, &room, "after a restart").len()), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_of_somebody_else_or_of_nobody_is_refused_and_one_said_elsewhere_does_not_reach_qq() {
    let house = House::new().await;
    let (control, room) = first_words(&house, "开始").await;
    house.matrix.give_token("@bob:hs.test", "syt_of_bob");
    house.owner.say(&control, "login-matrix syt_of_bob");
    house.bot_says(&control, "That token is not yours, it is of @bob:hs.test").await;
    house.owner.say(&control, "login-matrix syt_of_nobody");
    house.bot_says(&control, "The Matrix server does not take that token").await;
    house.owner.say(&control, "login-matrix");
    house.bot_says(&control, "Write `login-matrix` with an access token").await;
    let said = house.owner.say(&room, &format!("login-matrix {PERSONAL}"));
    house.bot_says(&room, "Others could see your token here").await;
    let is_down =
        |world: &World| world.timeline(&room).iter().any(|event| event.id == said && event.content == json!({}));
    house.matrix.wait_until("the token to be taken down", is_down).await;
    house.owner.say(&room, "words");
    house.qq.wait_heard(|heard| !heard.is_empty()).await;
    assert_eq!(house.heard_in(FAMILY_CHAT), ["words"]);
    assert!(house.holds_nowhere(PERSONAL) && house.holds_nowhere("syt_of_"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_given_by_way_of_another_command_is_taken_down_too_and_is_nowhere() {
    let house = House::new().await;
    let (control, room) = first_words(&house, "开始").await;
    house.owner_enters(&room).await;
    house.owner.set_state(&control, "m.room.power_levels", "", json!({ "users": { "@qqbot:hs.test": 100 } }));
    let refused = house.owner.say(&control, &format!("sudo @bob:hs.test login-matrix {PERSONAL}"));
    house.bot_says(&control, "no permission to use `sudo`").await;
    let in_room = house.owner.say(&room, &format!("!qq DoIn {room}  Login-Matrix {PERSONAL}"));
    house.bot_says(&room, "Others could see your token here").await;
    let tried = house.owner.say(&control, &format!("doin {room} login-matrix {PERSONAL}"));
    house.bot_says(&control, "The Matrix server does not take that token").await;
    for (room, said) in [(&control, refused), (&room, in_room), (&control, tried)] {
        let is_down =
            |world: &World| world.timeline(room).iter().any(|event| event.id == said && event.content == json!({}));
        house.matrix.wait_until("the token to be taken down", is_down).await;
    }
    assert!(house.holds_nowhere(PERSONAL));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_token_is_told_once_and_a_ghost_says_what_the_puppet_cannot() {
    let (house, control, _) = house_with_token().await;
    house.matrix.revoke(PERSONAL);
    for words in ["first", "second"] {
        house.qq.say(FAMILY_CHAT, "小明", words).unwrap();
        let (room, who) = house.sees(FAMILY, words).await;
        assert!(who.starts_with("@qq_"), "{who}");
        assert_eq!(house.matrix.see(|world| speakers(world, &room, words).len()), 1);
    }
    let told = house.bot_says(&control, "no longer lets me speak as you").await;
    assert!(
        told.contains("M_UNKNOWN_TOKEN") && told.contains("login-matrix") && told.contains("Nothing is lost"),
        "{told}"
    );
    assert_eq!(house.told(&control, "no longer lets me speak as you"), 1);

    house.matrix.give_token(house.owner.id(), PERSONAL);
    house.owner.say(&control, "ping-matrix");
    house.is_told(&control, "with the token that you gave me", 2).await;
    house.qq.say(FAMILY_CHAT, "小明", "third").unwrap();
    let (_, who) = house.sees(FAMILY, "third").await;
    assert_eq!(who, house.owner.id());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_arrangement_that_does_not_work_is_told_at_the_start_and_works_again_at_another() {
    let mut house = arranged_house().await;
    let (control, _) = first_words(&house, "开始").await;
    house.kill().await;
    house.matrix.revoke(SERVICE);
    house.start();
    house.bot_says(&control, "no longer lets me speak as you").await;
    house.qq.say(FAMILY_CHAT, "小明", "by a ghost").unwrap();
    let (_, who) = house.sees(FAMILY, "by a ghost").await;
    assert!(who.starts_with("@qq_"), "{who}");
    house.kill().await;
    house.matrix.install_second_service(SERVICE);
    house.start();
    house.owner.say(&control, "ping-matrix");
    house.bot_says(&control, "as the administrator of this server has arranged").await;
    house.qq.say(FAMILY_CHAT, "小明", "by oneself").unwrap();
    let (_, who) = house.sees(FAMILY, "by oneself").await;
    assert_eq!(who, house.owner.id());
    assert_eq!(house.told(&control, "no longer lets me speak as you"), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_puppet_said_appears_once_and_comes_back_to_nobody_whenever_the_bridge_dies() {
    let (mut house, _, room) = house_with_token().await;
    for (at, point) in [Failpoint::ToMatrixMarked, Failpoint::ToMatrixSent].into_iter().enumerate() {
        house.kill().await;
        house.start_to_die(point, 1);
        let words = format!("from the phone {at}");
        house.qq.say(FAMILY_CHAT, "小明", &words).unwrap();
        house.death().await;
        house.matrix.forget_txn_ids();
        house.start();
        house.sees(FAMILY, &words).await;
    }
    // It was said, and the answer never came.
    house.matrix.fail_next(Endpoint::Send, 1, Fault::Drop);
    house.qq.say(FAMILY_CHAT, "小明", "from the phone 2").unwrap();
    end(&house).await;
    for at in 0..3 {
        let by = house.matrix.see(|world| speakers(world, &room, &format!("from the phone {at}")));
        assert_eq!(by, [house.owner.id()], "{at}");
    }
    assert_eq!(house.heard_in(FAMILY_CHAT), [""; 0], "nothing of it was said on QQ again");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_copy_of_what_a_puppet_said_is_a_persons_own_words() {
    let (house, _, room) = house_with_token().await;
    house.qq.say(FAMILY_CHAT, "小明", "from the phone").unwrap();
    end(&house).await;
    let said = house.matrix.timeline(&room).into_iter().find(|event| event.body() == "from the phone").unwrap();
    house.matrix.push_again(&said.id);
    // Element forwards a message with all that is in it.
    house.owner.send(&room, "m.room.message", said.content);
    let heard = house.qq.wait_heard(|heard| !heard.is_empty()).await;
    assert_eq!(heard.iter().map(|heard| heard.text.as_str()).collect::<Vec<_>>(), ["from the phone"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_has_left_a_room_is_not_brought_back_by_their_own_words() {
    let (house, _, room) = house_with_token().await;
    house.owner.leave(&room);
    house.qq.say(FAMILY_CHAT, "小明", "from the phone").unwrap();
    let (_, who) = house.sees(FAMILY, "from the phone").await;
    assert!(who.starts_with("@qq_"), "{who}");
    assert_eq!(house.matrix.see(|world| world.membership(&room, house.owner.id())), "leave");
}
