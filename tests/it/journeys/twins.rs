//! Several QQ accounts at once, of one person and of two: nothing is said twice, and nobody speaks as another.

use std::time::Duration;

use matrix_webqq::base::failpoint::Failpoint;
use matrix_webqq::sim::{Fault, Handle, Member, Trouble, World};
use serde_json::{Value, json};

use super::{FAMILY, FAMILY_CHAT};
use crate::support::homeserver::{Human, World as Matrix};
use crate::support::house::House;
use crate::support::inside::STEP;
use crate::support::provisioning::{Api, SECRET, ready, way_on};

const HIS: &str = "2769546520";
const HERS: &str = "3123456780";
const GIRLFRIEND: &str = "friend:闺蜜";
const SERVICE: &str = "token-of-the-second-service";

/// The QQ of 小明, as in the example, and that of 小红, who is in his family's group.
fn worlds() -> (World, World) {
    let mut his = World::example().expect("the example world is good");
    let hers = World::parse(&format!(
        "account: {{nick: 小红, number: {HERS}}}\n\
         friends: [{{name: 闺蜜}}]\n\
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
    for world in [&mut his, &mut hers] {
        world.options.repeat_after_hangup = true;
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
    let mut house = neighbours().await;
    house.configure(&json!({}));
    house.start();
    let (alice, his, hers) = (house.owner.clone(), house.qq.clone(), house.others[0].clone());
    let control = house.log_in().await;
    house.log_in_as(&alice, &hers, &control).await;
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
    let list = house.bot_says(&control, &format!("1 found in the account {HERS}")).await;
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

/// Alice logs 小明 out, and Bob logs him in: at once, or in a bridge that dies when it has kept his session.
async fn hand_over(house: &mut House, (alice, control): (&Human, &str), dies: bool) -> Human {
    alice.say(control, "logout");
    house.bot_says(control, "Logged out 小明").await;
    let bob = house.matrix.user("bob");
    if dies {
        assert!(house.stop());
        house.start_to_die(Failpoint::LoginKept, 1);
    }
    let room = house.control_room_of(&bob).await;
    let qq = house.qq.clone();
    if dies {
        let before = house.codes_asked_about();
        bob.say(&room, "login");
        house.scan_a_code(before).await;
        house.death().await;
        house.start();
    } else {
        house.log_in_as(&bob, &qq, &room).await;
    }
    bob
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_that_goes_to_another_person_begins_in_new_rooms_and_its_old_ones_hear_nothing_more() {
    for dies in [false, true] {
        let mut house = neighbours().await;
        house.configure(&json!({ "bridge": { "personal_spaces": true } }));
        house.start();
        let (alice, his) = (house.owner.clone(), house.qq.clone());
        let control = house.log_in().await;
        his.say("friend:王芳", "王芳", "给Alice").unwrap();
        let old = room_of(&house, &alice, "给Alice").await;
        let entered = house.matrix.rooms();
        let bob = hand_over(&mut house, (&alice, &control), dies).await;
        alice.say(&old, "太晚了");

        his.say("friend:王芳", "王芳", "给Bob").unwrap();
        let new = room_of(&house, &bob, "给Bob").await;
        bob.say(&new, "我是Bob");
        his.wait_heard(|heard| !heard.is_empty()).await;
        assert_eq!(heard(&his), [("friend:王芳".to_owned(), "我是Bob".to_owned())]);
        assert!(!house.matrix.see(|world| world.members(&new)).contains(&alice.id().to_owned()));
        assert_eq!(said(&house, &old).iter().filter(|(_, text)| text.contains("Bob")).count(), 0);
        let told = house.bot_says(&control, "somebody else").await;
        assert!(told.contains(HIS) && !told.contains("bob"), "{told}");
        let bot_left = |world: &Matrix| !world.members(&old).iter().any(|user| world.is_bridged(user));
        house.matrix.wait_until("the bridge to leave", bot_left).await;
        let is_not_his = |room: &String| house.matrix.see(|world| world.membership(room, bob.id()).is_empty());
        assert!(entered.iter().all(is_not_his), "he is asked into no room of hers, nor into her spaces");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_waits_for_an_account_is_told_to_its_author_when_the_account_goes_to_another_person() {
    let mut house = neighbours().await;
    house.configure(&json!({}));
    house.start();
    let (alice, his) = (house.owner.clone(), house.qq.clone());
    let control = house.log_in().await;
    his.say("friend:王芳", "王芳", "给Alice").unwrap();
    let old = room_of(&house, &alice, "给Alice").await;
    his.fault(Fault::new("send_buddy_msg2", Trouble::Retcode(1)).times(1000));
    alice.say(&old, "等着");
    let bob = hand_over(&mut house, (&alice, &control), false).await;
    his.clear_faults();
    house.bot_says(&old, "This did not go to QQ").await;
    his.say("friend:王芳", "王芳", "给Bob").unwrap();
    let new = room_of(&house, &bob, "给Bob").await;
    bob.say(&new, "我是Bob");
    his.wait_heard(|heard| !heard.is_empty()).await;
    assert_eq!(heard(&his), [("friend:王芳".to_owned(), "我是Bob".to_owned())]);
}

/// Programs that act for Alice and for Bob.
async fn programs(house: &House) -> (Api, Api) {
    ready(&house.bridge_address()).await;
    let program = |user| Api::new(&house.bridge_address(), Some(SECRET), Some(user));
    (program(house.owner.id()), program(house.matrix.user("bob").id()))
}

fn provisioning() -> Value {
    json!({ "provisioning": { "shared_secret": SECRET } })
}

/// Begins a login; the newest code is then its own.
async fn begin(api: &Api) -> Value {
    api.post("/login/start/qr", json!({})).await
}

#[tokio::test(flavor = "multi_thread")]
async fn two_logins_through_the_api_at_once_do_not_mix_and_no_login_of_another_is_used() {
    let mut house = neighbours().await;
    house.configure(&provisioning());
    house.start();
    let (alice, bob) = programs(&house).await;
    let (his, hers) = (house.qq.clone(), house.others[0].clone());
    let alices = begin(&alice).await;
    his.scan().unwrap();
    let bobs = begin(&bob).await;
    assert_ne!(alices["display_and_wait"]["data"], bobs["display_and_wait"]["data"]);
    assert_ne!(alices["login_id"], bobs["login_id"]);
    for (one, step) in [(&alice, &bobs), (&bob, &alices)] {
        assert_eq!(one.post_refused(&way_on(step), json!({})).await, (404, "M_NOT_FOUND".to_owned()));
        let cancel = format!("/login/cancel/{}", step["login_id"].as_str().unwrap());
        assert_eq!(one.post_refused(&cancel, json!({})).await, (404, "M_NOT_FOUND".to_owned()));
    }
    hers.scan().unwrap();
    hers.confirm().unwrap();
    assert_eq!(bob.until(bobs, "complete").await["complete"]["user_login_id"], HERS);
    his.confirm().unwrap();
    assert_eq!(alice.until(alices, "complete").await["complete"]["user_login_id"], HIS);

    for (one, own, other) in [(&alice, HIS, HERS), (&bob, HERS, HIS)] {
        assert_eq!(one.get("/logins").await["login_ids"], json!([own]));
        let not_found = (404, "M_NOT_FOUND".to_owned());
        for path in ["/contacts", "/resolve_identifier/1"] {
            assert_eq!(one.refused(&format!("{path}?login_id={other}")).await, not_found, "{path}");
        }
        for path in ["/search_users", "/login/start/qr", "/create_dm/1"] {
            let refused = one.post_refused(&format!("{path}?login_id={other}"), json!({ "query": "妈妈" })).await;
            assert_eq!(refused, not_found, "{path}");
        }
        assert_eq!(one.post_refused(&format!("/logout/{other}"), json!({})).await, not_found);
    }
    let friends = |contacts: Value| contacts["contacts"].as_array().unwrap().len();
    let of_each = (friends(alice.get("/contacts").await), friends(bob.get("/contacts").await));
    assert_eq!(of_each, (6, 1), "each has friends of their own");
    assert!(his.session().online && hers.session().online);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_login_that_nobody_finishes_is_over_after_half_an_hour_and_its_code_lets_nobody_in() {
    let house = neighbours().await;
    let bridge = house.start_inside(&provisioning());
    let (alice, bob) = programs(&house).await;
    let (his, hers) = (house.qq.clone(), house.others[0].clone());
    let alices = begin(&alice).await;
    his.scan().unwrap();
    bridge.stand_still().await;
    bridge.live(Duration::from_mins(20)).await;
    assert_eq!(alice.after(&alices, json!({})).await["display_and_wait"], json!({ "type": "nothing" }), "still alive");
    let bobs = begin(&bob).await;
    bridge.live(Duration::from_mins(10) + STEP).await;
    bridge.go_on().await;
    let over = (410, "FI.MAU.BRIDGE.LOGIN_TIMED_OUT".to_owned());
    assert_eq!(alice.post_refused(&way_on(&alices), json!({})).await, over);
    let asked = his.session().calls["ptqrlogin"];
    his.confirm().unwrap();

    // That of somebody else is younger.
    hers.scan().unwrap();
    hers.confirm().unwrap();
    assert_eq!(bob.until(bobs, "complete").await["complete"]["user_login_id"], HERS);
    assert_eq!(alice.get("/logins").await["login_ids"], json!([]));
    assert_eq!((his.session().logins, his.session().calls["ptqrlogin"]), (0, asked));
}
