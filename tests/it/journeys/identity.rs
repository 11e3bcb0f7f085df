//! Who is who after a new login, when QQ has given everybody and everything new numbers: what is certain goes on in its
//! room, what is not waits for the owner, and nothing reaches a wrong room.

use matrix_webqq::sim::{Friend, Group, World};
use serde_json::json;

use super::{FAMILY, FAMILY_CHAT};
use crate::support::house::House;

const BEIJING: &str = "李明（北京）";
const SHANGHAI: &str = "李明（上海）";

impl House {
    /// A friend says something.
    fn friend_says(&self, name: &str, text: &str) {
        self.qq.say(&format!("friend:{name}"), name, text).expect("the friend is there");
    }

    /// A friend says something; gives the room in which it is seen.
    async fn meets(&self, name: &str, text: &str) -> String {
        self.friend_says(name, text);
        self.shows(text).await.0
    }

    /// Loses the session and logs in again: QQ deals other numbers.
    async fn log_in_again(&self, control: &str) {
        let logins = self.qq.session().logins;
        let before = self.told(control, "has ended");
        self.qq.expire(100_000).expect("somebody is logged in");
        self.matrix
            .wait_until("the loss of the session to be told", |world| {
                let told = world.timeline(control).iter().filter(|event| event.body().contains("has ended")).count();
                told > before
            })
            .await;
        self.log_in_from(control).await;
        self.qq.wait_session(|session| session.logins > logins && session.polling).await;
    }

    /// What the bot asks about somebody in doubt called `name`, as soon as one of their messages waits; the `nth` time.
    async fn asked_about(&self, control: &str, name: &str, nth: usize) -> String {
        let what = format!("question {nth} about {name}");
        self.matrix
            .wait_for(&what, |world| {
                let told = world.timeline(control).iter().filter(|event| {
                    let body = event.body();
                    body.contains("A message waits") && body.contains(&format!("**{name}**"))
                });
                told.map(|event| event.body().to_owned()).nth(nth)
            })
            .await
    }
}

/// The command in `question` that names `room`, or `new` for somebody new.
fn command(question: &str, room: &str) -> String {
    let line = question.lines().find(|line| line.starts_with("- ") && line.contains(room));
    let line = line.unwrap_or_else(|| panic!("{room} is not offered: {question}"));
    line.split('`').nth(1).expect("a command").to_owned()
}

/// The number of the doubt that `command` is about.
fn number(command: &str) -> &str {
    command.split(' ').find(|word| word.parse::<u32>().is_ok()).expect("a number")
}

#[tokio::test(flavor = "multi_thread")]
async fn two_friends_of_one_nick_wait_in_order_until_the_owner_says_who_is_who() {
    let mut house = House::new().await;
    let control = house.log_in().await;
    let beijing = house.meets(BEIJING, "bj 1").await;
    let shanghai = house.meets(SHANGHAI, "sh 1").await;

    house.log_in_again(&control).await;
    house.friend_says(BEIJING, "bj 2");
    let question = house.asked_about(&control, "李明", 0).await;
    assert!(question.contains("same nick, same category"), "{question}");
    house.friend_says(BEIJING, "bj 3");
    house.owner.say(&beijing, "to bj 1");
    house.bot_says(&beijing, "Your message waits").await;
    house.owner.say(&beijing, "to bj 2");

    // What waits is on disk.
    house.kill().await;
    house.start();
    house.meets("王芳", "the bridge is back").await;
    let right = command(&question, &beijing);
    house.owner.say(&control, "matches");
    let list = house.bot_says(&control, "Messages that wait").await;
    house.friend_says(BEIJING, "bj 4");
    assert!(list.contains(&right) && list.contains("**李明**"), "{list}");

    house.owner.say(&control, &right);
    house.bot_says(&control, "arrive there now").await;
    house.shows("bj 4").await;
    let heard = house.qq.wait_heard(|heard| heard.len() == 2).await;
    assert!(heard.iter().all(|heard| heard.chat == format!("friend:{BEIJING}")));
    assert_eq!([&*heard[0].text, &*heard[1].text], ["to bj 1", "to bj 2"]);
    assert_eq!(house.said_by_ghosts(&beijing), ["bj 1", "bj 2", "bj 3", "bj 4"]);
    assert_eq!(house.said_by_ghosts(&shanghai), ["sh 1"]);
    assert_eq!(house.told(&beijing, "Your message waits"), 1, "told once");
    assert_eq!(house.told(&control, "A message waits"), 1, "asked once");

    house.friend_says(SHANGHAI, "sh 2");
    let question = house.asked_about(&control, "李明", 1).await;
    assert!(!question.contains(&beijing), "that room is taken: {question}");
    house.owner.say(&control, &command(&question, &shanghai));
    house.shows("sh 2").await;
    assert_eq!(house.said_by_ghosts(&shanghai), ["sh 1", "sh 2"]);
    assert_eq!(house.said_by_ghosts(&beijing).len(), 4);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_in_doubt_waits_for_its_owner_through_any_number_of_logins() {
    let house = House::new().await;
    let control = house.log_in().await;
    let beijing = house.meets(BEIJING, "bj 1").await;
    house.meets(SHANGHAI, "sh 1").await;
    house.log_in_again(&control).await;
    house.friend_says(BEIJING, "bj 2");
    let question = house.asked_about(&control, "李明", 0).await;
    for _ in 0..4 {
        house.log_in_again(&control).await;
    }
    house.owner.say(&control, &command(&question, &beijing));
    house.shows("bj 2").await;
    assert_eq!(house.said_by_ghosts(&beijing), ["bj 1", "bj 2"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_decision_is_taken_back_honestly() {
    let house = House::new().await;
    let control = house.log_in().await;
    let beijing = house.meets(BEIJING, "bj 1").await;
    let shanghai = house.meets(SHANGHAI, "sh 1").await;
    house.log_in_again(&control).await;
    house.friend_says(BEIJING, "bj 2");
    let question = house.asked_about(&control, "李明", 0).await;

    // The owner errs.
    let wrong = command(&question, &shanghai);
    house.owner.say(&control, &wrong);
    house.shows("bj 2").await;
    house.owner.say(&shanghai, "to whom?");
    house.qq.wait_heard(|heard| !heard.is_empty()).await;
    let undo = format!("match undo {}", number(&wrong));
    house.owner.say(&control, &undo);
    let undone = house.bot_says(&control, "Taken back").await;
    for fact in ["shown in that room: 1", "said on QQ: 1", &command(&question, &beijing)] {
        assert!(undone.contains(fact), "{fact}: {undone}");
    }
    house.owner.say(&control, &undo);
    house.bot_says(&control, "nothing to take back").await;

    house.friend_says(BEIJING, "bj 3");
    house.owner.say(&shanghai, "this waits");
    house.bot_says(&shanghai, "Your message waits").await;
    house.owner.say(&control, "matches");
    house.bot_says(&control, "Messages that wait").await;
    house.owner.say(&control, &command(&question, &beijing));
    house.shows("bj 3").await;
    assert_eq!(house.said_by_ghosts(&beijing), ["bj 1", "bj 3"]);
    assert_eq!(house.said_by_ghosts(&shanghai), ["sh 1", "bj 2"]);
    assert_eq!(house.qq.heard(0).len(), 1, "what was written to a room in doubt waits");
}

#[tokio::test(flavor = "multi_thread")]
async fn somebody_new_gets_a_room_of_their_own_and_slips_are_answered() {
    let house = House::new().await;
    let control = house.log_in().await;
    house.owner.say(&control, "matches");
    house.bot_says(&control, "Nobody is in doubt").await;
    let beijing = house.meets(BEIJING, "bj 1").await;
    house.log_in_again(&control).await;
    house.friend_says(SHANGHAI, "sh 1");
    let question = house.asked_about(&control, "李明", 0).await;
    let new = command(&question, "somebody new");
    let number = number(&new);
    for (slip, answer) in [
        ("match", "Write `match 3 a`".to_owned()),
        ("match 99 a", "Nobody in doubt has the number 99".to_owned()),
        (&format!("match {number} z"), format!("Number {number} has no candidate z")),
        (&format!("match undo {number}"), format!("nobody said who number {number} is")),
    ] {
        house.owner.say(&control, slip);
        house.bot_says(&control, &answer).await;
    }
    house.owner.say(&control, &new);
    let (room, _) = house.shows("sh 1").await;
    assert_ne!(room, beijing);
    house.owner.say(&control, &new);
    house.bot_says(&control, "You said already").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_renamed_group_is_the_same_group() {
    let house = House::new().await;
    let control = house.log_in().await;
    house.qq.say(FAMILY_CHAT, "妈妈", "before").unwrap();
    let (room, mother) = house.shows("before").await;
    house.qq.edit_world(|world| group(world, FAMILY).title = Some("大家庭".to_owned())).unwrap();
    house.log_in_again(&control).await;
    house.qq.say(FAMILY_CHAT, "妈妈", "after").unwrap();
    assert_eq!(house.shows("after").await, (room.clone(), mother), "same room, same ghost");
    assert_eq!(house.said_by_ghosts(&room), ["before", "after"]);
    assert_eq!(house.told(&control, "A message waits"), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn two_friends_of_one_nick_are_told_apart_by_their_real_numbers_while_qq_tells_them() {
    let house = House::of_2014(&json!({})).await;
    let control = house.log_in().await;
    let asked = || house.qq.session().calls.get("get_friend_uin2").copied().unwrap_or_default();
    let first = asked();
    let beijing = house.meets(BEIJING, "bj 1").await;
    let shanghai = house.meets(SHANGHAI, "sh 1").await;

    house.log_in_again(&control).await;
    assert_eq!(house.meets(BEIJING, "bj 2").await, beijing);
    assert_eq!(house.meets(SHANGHAI, "sh 2").await, shanghai);
    assert_eq!(house.said_by_ghosts(&beijing), ["bj 1", "bj 2"]);
    assert_eq!(house.told(&control, "A message waits"), 0);
    assert_eq!((first, asked()), (2, 4), "asked about the two, once in each login");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_renamed_group_is_found_by_its_real_number_when_everybody_in_it_has_changed() {
    let house = House::of_2014(&json!({})).await;
    let control = house.log_in().await;
    house.qq.say(FAMILY_CHAT, "妈妈", "before").unwrap();
    let (room, _) = house.shows("before").await;
    house
        .qq
        .edit_world(|world| {
            let strangers = group(world, "Weekend Hikers").members.clone();
            let family = group(world, FAMILY);
            (family.title, family.created) = (Some("大家庭".to_owned()), family.created + 1);
            family.owner.clone_from(&strangers[0].name);
            family.admins.clear();
            family.members = strangers;
        })
        .unwrap();
    house.log_in_again(&control).await;
    house.qq.say(FAMILY_CHAT, "Bob", "after").unwrap();
    assert_eq!(house.shows("after").await.0, room);
    assert_eq!(house.said_by_ghosts(&room), ["before", "after"]);
    assert_eq!(house.told(&control, "A message waits"), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_friend_who_left_and_came_back_is_asked_about_and_goes_on_in_the_old_room() {
    let house = House::new().await;
    let control = house.log_in().await;
    let room = house.meets("🐼 阿宝", "before").await;
    let mut friend = None;
    house
        .qq
        .edit_world(|world| {
            let at = world.friends.iter().position(|friend| friend.name == "🐼 阿宝").unwrap();
            friend = Some(world.friends.remove(at));
        })
        .unwrap();
    house.log_in_again(&control).await;
    house.owner.say(&room, "are you there?");
    house.bot_says(&room, "do not have this chat any more").await;

    house.qq.edit_world(|world| world.friends.extend(friend)).unwrap();
    house.log_in_again(&control).await;
    house.friend_says("🐼 阿宝", "I am back");
    let question = house.asked_about(&control, "🐼 阿宝", 0).await;
    assert!(question.contains("was missing from the list before"), "{question}");
    assert_eq!(house.said_by_ghosts(&room), ["before"]);
    house.owner.say(&control, &command(&question, &room));
    assert_eq!(house.shows("I am back").await.0, room);
    let heard = house.qq.wait_heard(|heard| !heard.is_empty()).await;
    assert_eq!((heard[0].chat.as_str(), heard[0].text.as_str()), ("friend:🐼 阿宝", "are you there?"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_swapped_pair_of_marknames_reaches_no_wrong_room() {
    let house = House::new().await;
    house.qq.edit_world(|world| friend(world, "Alice Chen").markname = Some("陈总".to_owned())).unwrap();
    let control = house.log_in().await;
    let fang = house.meets("王芳", "fang 1").await;
    let alice = house.meets("Alice Chen", "alice 1").await;
    house
        .qq
        .edit_world(|world| {
            friend(world, "王芳").markname = Some("陈总".to_owned());
            friend(world, "Alice Chen").markname = Some("芳芳".to_owned());
        })
        .unwrap();
    house.log_in_again(&control).await;
    house.friend_says("王芳", "fang 2");
    let question = house.asked_about(&control, "陈总", 0).await;
    assert!(question.contains(&fang) && question.contains(&alice), "either is possible: {question}");
    house.friend_says("Alice Chen", "alice 2");
    house.asked_about(&control, "芳芳", 0).await;
    house.owner.say(&control, &command(&question, &fang));
    house.shows("fang 2").await;
    let question = house.asked_about(&control, "芳芳", 0).await;
    house.owner.say(&control, &command(&question, &alice));
    house.shows("alice 2").await;
    assert_eq!(house.said_by_ghosts(&fang), ["fang 1", "fang 2"]);
    assert_eq!(house.said_by_ghosts(&alice), ["alice 1", "alice 2"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn two_groups_that_exchanged_names_reach_no_wrong_room() {
    let house = House::new().await;
    let control = house.log_in().await;
    let hikers = "group:Weekend Hikers";
    house.qq.say(FAMILY_CHAT, "妈妈", "family 1").unwrap();
    house.qq.say(hikers, "Bob", "hike 1").unwrap();
    let (family_room, _) = house.shows("family 1").await;
    let (hike_room, _) = house.shows("hike 1").await;
    house
        .qq
        .edit_world(|world| {
            group(world, FAMILY).title = Some("Weekend Hikers".to_owned());
            group(world, "Weekend Hikers").title = Some(FAMILY.to_owned());
        })
        .unwrap();
    house.log_in_again(&control).await;
    house.owner.say(&family_room, "to the family");
    let heard = house.qq.wait_heard(|heard| !heard.is_empty()).await;
    assert_eq!((heard[0].chat.as_str(), heard[0].text.as_str()), (FAMILY_CHAT, "to the family"));
    house.qq.say(hikers, "Bob", "hike 2").unwrap();
    house.qq.say(FAMILY_CHAT, "妈妈", "family 2").unwrap();
    house.shows("hike 2").await;
    house.shows("family 2").await;
    assert_eq!(house.said_by_ghosts(&family_room), ["family 1", "family 2"]);
    assert_eq!(house.said_by_ghosts(&hike_room), ["hike 1", "hike 2"]);
    assert_eq!(house.told(&control, "A message waits"), 0, "when they were made and who is in them tells");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stranger_with_the_nick_of_a_lost_friend_does_not_get_their_room() {
    let house = House::new().await;
    let control = house.log_in().await;
    let room = house.meets("🐼 阿宝", "before").await;
    house.qq.edit_world(|world| world.friends.retain(|friend| friend.name != "🐼 阿宝")).unwrap();
    house.log_in_again(&control).await;
    house
        .qq
        .edit_world(|world| {
            let mut stranger = friend(world, BEIJING).clone();
            (stranger.name, stranger.nick) = ("somebody else".to_owned(), Some("🐼 阿宝".to_owned()));
            world.friends.push(stranger);
        })
        .unwrap();
    house.log_in_again(&control).await;
    house.friend_says("somebody else", "you do not know me");
    let question = house.asked_about(&control, "🐼 阿宝", 0).await;
    assert!(question.contains(&room), "perhaps it is they: {question}");
    house.owner.say(&control, &command(&question, "somebody new"));
    assert_ne!(house.shows("you do not know me").await.0, room);
    assert_eq!(house.said_by_ghosts(&room), ["before"]);
}

fn friend<'a>(world: &'a mut World, name: &str) -> &'a mut Friend {
    world.friends.iter_mut().find(|friend| friend.name == name).expect("a friend")
}

fn group<'a>(world: &'a mut World, name: &str) -> &'a mut Group {
    world.groups.iter_mut().find(|group| group.name == name).expect("a group")
}
