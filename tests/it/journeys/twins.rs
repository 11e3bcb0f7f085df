//! Several QQ accounts at once, of one person and of two: nothing is said twice, and nobody speaks as another.

mod accounts;

use matrix_webqq::base::failpoint::Failpoint;
use matrix_webqq::sim::{Fault, Friend, Handle, Member, Trouble, World};
use serde_json::{Value, json};

use super::{FAMILY, FAMILY_CHAT};
use crate::support::homeserver::{Human, World as Matrix};
use crate::support::house::House;

const HIS: &str = "2769546520";
const HERS: &str = "3123456780";
const GIRLFRIEND: &str = "friend:闺蜜";
const SERVICE: &str = "token-of-the-second-service";

/// The QQ of 小明, as in the example, and that of 小红, who is his friend and in his family's group.
fn worlds() -> (World, World) {
    let mut his = World::example().expect("the example world is good");
    let hers = World::parse(&format!(
        "account: {{nick: 小红, number: {HERS}}}\n\
         friends: [{{name: 闺蜜}}, {{name: 小明, number: {HIS}}}]\n\
         groups:\n\
         - name: {FAMILY}\n  \
           owner: 妈妈\n  \
           created: 1420070400\n  \
           members: [{{name: 妈妈}}, {{name: 爸爸}}, {{name: 小明, number: {HIS}}}]\n"
    ));
    let mut hers = hers.expect("a good world");
    let family = his.groups.iter_mut().find(|group| group.name == FAMILY).expect("a family");
    let number = HERS.parse().ok();
    family.members.push(Member { name: "小红".to_owned(), nick: None, card: None, number });
    let friend = hers.friends.first().cloned().expect("a friend");
    his.friends.push(Friend { name: "小红".to_owned(), number, ..friend });
    for world in [&mut his, &mut hers] {
        world.options.repeat_after_hangup = true;
        // A doubt is settled when a poll has ended that brought nothing.
        world.options.poll_hold_ms = 500;
    }
    (his, hers)
}

/// Somebody, and their phone.
struct Person {
    human: Human,
    qq: Handle,
}

/// Both neighbours of a bridge that does not run yet.
async fn neighbours() -> House {
    let (his, hers) = worlds();
    House::with_accounts(his, vec![hers]).await
}

/// Alice is logged in as both; gives her control room.
async fn one_person() -> (House, String) {
    let mut house = neighbours().await;
    house.configure(&json!({}));
    house.start();
    let control = house.log_in().await;
    house.log_in_as(&house.owner, &house.others[0], &control).await;
    (house, control)
}

/// Alice is logged in as 小明, Bob as 小红.
async fn two_people(changes: &Value) -> (House, Person, Person) {
    let mut house = neighbours().await;
    house.matrix.install_second_service(SERVICE);
    house.configure(changes);
    house.start();
    let (alice, bob) = (house.owner.clone(), house.matrix.user("bob"));
    let (his, hers) = (house.qq.clone(), house.others[0].clone());
    let alice = log_in(&house, alice, his).await;
    let bob = log_in(&house, bob, hers).await;
    (house, alice, bob)
}

async fn log_in(house: &House, human: Human, qq: Handle) -> Person {
    let control = house.control_room_of(&human).await;
    house.log_in_as(&human, &qq, &control).await;
    Person { human, qq }
}

/// Waits until `human` reads `words` in `count` rooms; gives those.
async fn rooms_of(house: &House, human: &Human, words: &str, count: usize) -> Vec<String> {
    let is_read = |world: &Matrix| {
        let reads = |room: &String| {
            world.membership(room, human.id()) == "join" && world.said(room).iter().any(|(_, said)| said == words)
        };
        let rooms: Vec<String> = world.room_ids().into_iter().filter(reads).collect();
        (rooms.len() >= count).then_some(rooms)
    };
    house.matrix.wait_for(&format!("{} to read {words:?} in {count}", human.id()), is_read).await
}

/// Waits until `human` reads `words`; gives the room.
async fn room_of(house: &House, human: &Human, words: &str) -> String {
    rooms_of(house, human, words, 1).await.remove(0)
}

/// What people and ghosts said in `room`, in order; the bot aside.
fn said(house: &House, room: &str) -> Vec<(String, String)> {
    house.matrix.see(|world| world.said(room).into_iter().filter(|(who, _)| *who != world.bot()).collect())
}

fn heard(qq: &Handle) -> Vec<(String, String)> {
    qq.heard(0).into_iter().map(|heard| (heard.chat, heard.text)).collect()
}

/// How often `words` were said in `room`, and by whom the first time.
fn once(house: &House, room: &str, words: &str) -> String {
    let all: Vec<_> = said(house, room).into_iter().filter(|(_, text)| text == words).collect();
    assert_eq!(all.len(), 1, "{words:?} in {room}: {all:?}");
    all.into_iter().next().expect("one").0
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_with_two_accounts_hears_both_and_answers_through_the_right_one_until_one_is_logged_out() {
    let (house, control) = one_person().await;
    let (alice, his, hers) = (house.owner.clone(), house.qq.clone(), house.others[0].clone());
    alice.say(&control, "list-logins");
    let list = house.bot_says(&control, &format!("小红 ({HERS}): connected")).await;
    assert!(list.contains(&format!("小明 ({HIS}): connected")), "{list}");

    his.say("friend:王芳", "王芳", "给小明").unwrap();
    hers.say(GIRLFRIEND, "闺蜜", "给小红").unwrap();
    let (his_room, her_room) = (room_of(&house, &alice, "给小明").await, room_of(&house, &alice, "给小红").await);
    alice.say(&his_room, "小明的回答");
    alice.say(&her_room, "小红的回答");
    his.wait_heard(|heard| !heard.is_empty()).await;
    hers.wait_heard(|heard| !heard.is_empty()).await;
    assert_eq!(heard(&his), [("friend:王芳".to_owned(), "小明的回答".to_owned())]);
    assert_eq!(heard(&hers), [(GIRLFRIEND.to_owned(), "小红的回答".to_owned())]);

    // Both are in the family's group, and each has a room of its own for it.
    his.say(FAMILY_CHAT, "妈妈", "吃饭了").unwrap();
    let rooms = rooms_of(&house, &alice, "吃饭了", 2).await;
    for room in &rooms {
        alice.say(room, &format!("来了 {room}"));
    }
    let (by_him, by_her) =
        (his.wait_heard(|heard| heard.len() == 2).await, hers.wait_heard(|heard| heard.len() == 2).await);
    let answers = [&by_him[1].text, &by_her[1].text];
    assert_ne!(answers[0], answers[1], "one through each account");
    for answer in answers {
        // In its own room alice said it, in that of her other account somebody in the group did.
        let speakers: Vec<String> =
            rooms_of(&house, &alice, answer, 2).await.iter().map(|room| once(&house, room, answer)).collect();
        assert_eq!(speakers.iter().filter(|who| *who == alice.id()).count(), 1, "{speakers:?}");
    }

    alice.say(&control, &format!("logout {HERS}"));
    house.bot_says(&control, &format!("Logged out 小红 ({HERS})")).await;
    assert!(!hers.session().online && his.session().online);
    his.say(FAMILY_CHAT, "妈妈", "还在吗").unwrap();
    let left = room_of(&house, &alice, "还在吗").await;
    alice.say(&left, "在");
    his.wait_heard(|heard| heard.len() == 3).await;
    let other = rooms.iter().find(|room| **room != left).unwrap();
    assert_eq!(said(&house, other).iter().filter(|(_, text)| text == "还在吗" || text == "在").count(), 0);
    alice.say(&control, "list-logins");
    let list = house.bot_says(&control, "logged out").await;
    assert!(list.contains(&format!("小明 ({HIS}): connected")), "{list}");
    assert_eq!((his.session().logins, hers.heard(0).len()), (1, 2));
}

/// Has `alice` open a room by `command`; gives it.
async fn opened(house: &House, alice: &Human, control: &str, command: &str) -> String {
    let before = house.matrix.see(|world| world.room_ids().len());
    alice.say(control, command);
    let room = house.matrix.wait_for("the room", |world| world.room_ids().get(before).cloned()).await;
    house.owner_enters(&room).await;
    room
}

#[tokio::test(flavor = "multi_thread")]
async fn lists_of_two_accounts_say_whose_a_chat_is_and_the_one_that_is_meant_is_opened() {
    let mut house = neighbours().await;
    house.configure(&json!({}));
    house.start();
    let (alice, his, hers) = (house.owner.clone(), house.qq.clone(), house.others[0].clone());
    let control = house.log_in().await;
    alice.say(&control, "groups 相亲");
    assert!(!house.bot_says(&control, "1 found").await.contains(HIS), "whose it is goes without saying");
    house.log_in_as(&alice, &hers, &control).await;
    alice.say(&control, "groups 相亲");
    let list = house.bot_says(&control, "2 found").await;
    for account in [HIS, HERS] {
        assert!(list.contains(&format!("{FAMILY} · {account}")), "{list}");
    }
    alice.say(&control, &format!("open {FAMILY}"));
    let choice = house.bot_says(&control, "may mean").await;
    let place =
        |account: &str| choice.lines().position(|line| line.ends_with(&format!("{FAMILY} · {account}"))).unwrap();

    let her_room = opened(&house, &alice, &control, &format!("open {FAMILY} {}", place(HERS))).await;
    let his_room = opened(&house, &alice, &control, &format!("open {HIS} {FAMILY}")).await;
    for (room, qq) in [(&his_room, &his), (&her_room, &hers)] {
        alice.say(room, &format!("到 {room}"));
        qq.wait_heard(|heard| !heard.is_empty()).await;
        assert_eq!(heard(qq), [(FAMILY_CHAT.to_owned(), format!("到 {room}"))]);
    }
    alice.say(&control, &format!("prefer {HERS}"));
    house.bot_says(&control, &format!("I take {HERS}")).await;
    alice.say(&control, "friends");
    let list = house.bot_says(&control, &format!("2 found in the account {HERS}")).await;
    assert!(list.contains("闺蜜") && !list.contains("芳芳"), "{list}");
}

/// What two people say and hear in their group, before and after a death; who says what their phones say is `puppets`.
async fn live_in_one_group(mut house: House, alice: Person, bob: Person, puppets: bool) {
    alice.qq.say(FAMILY_CHAT, "妈妈", "吃饭了").unwrap();
    let his_room = room_of(&house, &alice.human, "吃饭了").await;
    let her_room = room_of(&house, &bob.human, "吃饭了").await;
    assert_ne!(his_room, her_room, "each has a room of their own");
    let members = |room: &str| house.matrix.see(|world| world.members(room));
    assert!(!members(&his_room).contains(&bob.human.id().to_owned()), "{:?}", members(&his_room));
    assert!(!members(&her_room).contains(&alice.human.id().to_owned()), "{:?}", members(&her_room));

    let mut words = vec!["吃饭了".to_owned()];
    for day in ["一", "二"] {
        let here = [(&alice, &his_room, &her_room, "Alice"), (&bob, &her_room, &his_room, "Bob")];
        for (person, own, other, name) in here {
            let (typed, phoned) = (format!("{name} {day}"), format!("{name}的手机 {day}"));
            person.human.say(own, &typed);
            house.matrix.wait_until(&typed, |world| world.said(other).iter().any(|(_, text)| *text == typed)).await;
            let nick = person.qq.world().account.nick;
            person.qq.say(FAMILY_CHAT, &nick, &phoned).unwrap();
            for room in [own, other] {
                house
                    .matrix
                    .wait_until(&phoned, |world| world.said(room).iter().any(|(_, text)| *text == phoned))
                    .await;
            }
            words.extend([typed, phoned]);
        }
        house.kill().await;
        house.start();
    }
    alice.qq.say(FAMILY_CHAT, "妈妈", "晚安").unwrap();
    room_of(&house, &alice.human, "晚安").await;
    room_of(&house, &bob.human, "晚安").await;
    house.matrix.all_is_pushed().await;
    words.push("晚安".to_owned());
    for room in [&his_room, &her_room] {
        let texts: Vec<String> = said(&house, room).into_iter().map(|(_, text)| text).collect();
        assert_eq!(texts, words, "all of it once and in order");
    }
    let own = |person: &Person, room: &str, words: &str| once(&house, room, words) == person.human.id();
    for (person, room, other, name) in [(&alice, &his_room, &her_room, "Alice"), (&bob, &her_room, &his_room, "Bob")] {
        assert!(own(person, room, &format!("{name} 一")) && !own(person, other, &format!("{name} 一")));
        assert_eq!(own(person, room, &format!("{name}的手机 一")), puppets);
        assert!(!own(person, other, &format!("{name}的手机 一")), "in the room of another it is a ghost's");
        let said: Vec<String> = heard(&person.qq).into_iter().map(|(_, text)| text).collect();
        assert_eq!(said, [format!("{name} 一"), format!("{name} 二")], "nothing else, and nothing twice");
        assert_eq!(person.qq.session().logins, 1);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn two_people_in_one_group_each_have_a_room_in_which_everything_is_said_once_also_after_deaths() {
    let (house, alice, bob) = two_people(&json!({})).await;
    live_in_one_group(house, alice, bob, false).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn double_puppets_of_two_people_in_one_group_make_no_doubles() {
    let secrets = json!({ "hs.test": format!("as_token:{SERVICE}") });
    let (house, alice, bob) = two_people(&json!({ "double_puppet": { "secrets": secrets } })).await;
    live_in_one_group(house, alice, bob, true).await;
}

/// Where the bridge dies while all of a group talk.
const DEATHS: [Failpoint; 10] = [
    Failpoint::TransactionKept,
    Failpoint::BatchCame,
    Failpoint::BatchKept,
    Failpoint::EchoMatched,
    Failpoint::QqTranslated,
    Failpoint::MatrixTranslated,
    Failpoint::ToMatrixMarked,
    Failpoint::ToMatrixSent,
    Failpoint::ToQqMarked,
    Failpoint::ToQqSent,
];

#[tokio::test(flavor = "multi_thread")]
async fn wherever_the_bridge_dies_while_two_people_talk_in_their_group_both_have_every_word_once() {
    let secrets = json!({ "hs.test": format!("as_token:{SERVICE}") });
    let changes = json!({ "double_puppet": { "secrets": secrets }, "bridge": { "resend_uncertain": true } });
    let (mut house, alice, bob) = two_people(&changes).await;
    alice.qq.say(FAMILY_CHAT, "妈妈", "吃饭了").unwrap();
    let rooms = [room_of(&house, &alice.human, "吃饭了").await, room_of(&house, &bob.human, "吃饭了").await];
    let mut words = vec!["吃饭了".to_owned()];
    for point in DEATHS {
        house.kill().await;
        house.start_to_die(point, 1);
        let [mother, typed, phoned] = ["妈妈", "Alice", "Bob的手机"].map(|who| format!("{who} {}", point.name()));
        alice.human.say(&rooms[0], &typed);
        bob.qq.say(FAMILY_CHAT, "小红", &phoned).unwrap();
        alice.qq.say(FAMILY_CHAT, "妈妈", &mother).unwrap();
        house.death().await;
        house.start();
        for word in [mother, typed, phoned] {
            for room in &rooms {
                house.matrix.wait_until(&word, |world| world.said(room).iter().any(|(_, text)| *text == word)).await;
            }
            words.push(word);
        }
    }
    alice.qq.say(FAMILY_CHAT, "妈妈", "晚安").unwrap();
    words.push("晚安".to_owned());
    for person in [&alice, &bob] {
        room_of(&house, &person.human, "晚安").await;
    }
    house.matrix.all_is_pushed().await;
    words.sort();
    for room in &rooms {
        let mut texts: Vec<String> = said(&house, room).into_iter().map(|(_, text)| text).collect();
        texts.sort();
        assert_eq!(texts, words);
    }
    assert_eq!((heard(&alice.qq).len(), heard(&bob.qq).len()), (DEATHS.len(), 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_words_of_two_people_at_once_are_those_of_both_and_none_is_taken_for_an_echo_of_the_other() {
    let (house, alice, bob) = two_people(&json!({ "bridge": { "resend_uncertain": true } })).await;
    alice.qq.say(FAMILY_CHAT, "妈妈", "吃饭吗").unwrap();
    let his_room = room_of(&house, &alice.human, "吃饭吗").await;
    let her_room = room_of(&house, &bob.human, "吃饭吗").await;
    let shown = async |words: &str, times: usize| {
        for room in [&his_room, &her_room] {
            let is_shown = |world: &Matrix| world.said(room).iter().filter(|(_, text)| text == words).count() == times;
            house.matrix.wait_until(words, is_shown).await;
        }
    };
    alice.human.say(&his_room, "好");
    bob.human.say(&her_room, "好");
    shown("好", 2).await;

    // What Alice says does not come through, and nobody tells: what Bob says meanwhile is no proof that it did.
    alice.qq.fault(Fault::new("send_qun_msg2", Trouble::DropBefore));
    alice.human.say(&his_room, "同意");
    alice.qq.wait_session(|session| session.calls.get("send_qun_msg2") >= Some(&2)).await;
    bob.human.say(&her_room, "同意");
    shown("同意", 2).await;

    alice.qq.say(FAMILY_CHAT, "妈妈", "开饭").unwrap();
    shown("开饭", 1).await;
    for (person, room) in [(&alice, &his_room), (&bob, &her_room)] {
        let said = said(&house, room);
        let texts: Vec<&str> = said.iter().map(|(_, text)| text.as_str()).collect();
        assert_eq!(texts, ["吃饭吗", "好", "好", "同意", "同意", "开饭"]);
        assert_eq!(said.iter().filter(|(who, _)| who == person.human.id()).count(), 2, "{said:?}");
        assert_eq!(heard(&person.qq), ["好", "同意"].map(|text| (FAMILY_CHAT.to_owned(), text.to_owned())));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn two_friends_talk_to_each_other_from_matrix_to_matrix_and_each_word_is_there_once() {
    let (house, alice, bob) = two_people(&json!({})).await;
    bob.qq.say("friend:小明", "小红", "在吗").unwrap();
    let his_room = room_of(&house, &alice.human, "在吗").await;
    let her_room = room_of(&house, &bob.human, "在吗").await;
    assert_ne!(his_room, her_room);
    for (speaker, own, listener, other, words) in [
        (&alice, &his_room, &bob, &her_room, "在"),
        (&bob, &her_room, &alice, &his_room, "来吃饭"),
        (&alice, &his_room, &bob, &her_room, "好"),
    ] {
        speaker.human.say(own, words);
        assert_eq!(room_of(&house, &listener.human, words).await, *other);
    }
    house.matrix.all_is_pushed().await;
    for room in [&his_room, &her_room] {
        let texts: Vec<String> = said(&house, room).into_iter().map(|(_, text)| text).collect();
        assert_eq!(texts, ["在吗", "在", "来吃饭", "好"]);
    }
    assert_eq!(heard(&alice.qq), ["在", "好"].map(|text| ("friend:小红".to_owned(), text.to_owned())));
    assert_eq!(heard(&bob.qq), [("friend:小明".to_owned(), "来吃饭".to_owned())]);
}
