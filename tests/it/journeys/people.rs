//! How people like to deal with the bridge, and what those do who run it.

use serde_json::{Value, json};

use super::{FAMILY, FAMILY_CHAT};
use crate::support::house::House;

/// The owner runs the bridge.
fn admin() -> Value {
    json!({ "bridge": { "permissions": { "hs.test": "user", "@alice:hs.test": "admin" } } })
}

/// Somebody is logged in and the family's group has a room; the control room and that room.
async fn talking(changes: &Value) -> (House, String, String) {
    let house = House::configured(changes).await;
    let control = house.log_in().await;
    house.qq.say(FAMILY_CHAT, "妈妈", "hi").unwrap();
    let (room, _) = house.sees(FAMILY, "hi").await;
    (house, control, room)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_control_room_has_nobody_else_in_it_and_can_be_another_one() {
    let (house, control, room) = talking(&json!({})).await;
    house.owner.say(&room, "!qq set-management-room");
    house.bot_says(&room, "This room mirrors a QQ chat").await;
    let other = house.owner.create_dm("@qqbot:hs.test");
    house.bot_says(&other, "control room").await;
    let bob = house.matrix.user("bob");
    house.owner.invite(&other, "@bob:hs.test");
    bob.join(&other);
    house.owner.say(&other, "set-management-room");
    house.bot_says(&other, "3 are in this room").await;
    bob.leave(&other);
    house.owner.say(&control, "!qq set-management-room");
    house.bot_says(&control, "This is your control room now").await;
    let named = house.owner.create_room(&json!({ "name": "Tea", "invite": ["@qqbot:hs.test"] }));
    house.bot_says(&named, "In this room commands begin with").await;
    house.owner.say(&control, "friends 芳");
    house.bot_says(&control, "芳芳").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_search_finds_friends_groups_and_discussions_alike() {
    let (house, control, room) = talking(&json!({})).await;
    house.owner.say(&control, "search");
    house.bot_says(&control, "What are you looking for?").await;
    house.owner.say(&control, "search 王");
    house.bot_says(&control, "王芳").await;
    house.owner.say(&control, "search 周末");
    house.bot_says(&control, "周末爬山").await;
    house.owner.say(&control, "search nobody-at-all");
    house.bot_says(&control, "None found").await;
    house.owner.say(&room, "!qq search 王");
    house.bot_says(&room, "control room").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_login_that_is_known_is_preferred_and_logged_in_again() {
    let house = House::new().await;
    let control = house.control_room().await;
    house.owner.say(&control, "relogin");
    house.bot_says(&control, "You are not logged in").await;
    house.owner.say(&control, "prefer 10001");
    house.is_told(&control, "You are not logged in", 2).await;
    house.log_in_from(&control).await;
    let account = "2769546520";
    house.owner.say(&control, "prefer 99999");
    house.bot_says(&control, &format!("You have no account 99999 here; you have {account}")).await;
    house.owner.say(&control, &format!("prefer {account}"));
    house.bot_says(&control, &format!("I take {account}")).await;
    house.owner.say(&control, "relogin 99999");
    house.bot_says(&control, "99999").await;
    let (before, logins) = (house.codes_asked_about(), house.qq.session().logins);
    house.owner.say(&control, "relogin");
    house.scan_a_code(before).await;
    house.qq.wait_session(|session| session.logins > logins).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_account_that_is_preferred_is_meant_wherever_a_command_names_none() {
    let house = House::new().await;
    let control = house.log_in().await;
    house.qq.edit_world(|world| world.account.number = 100_002).unwrap();
    house.log_in_from(&control).await;
    let second = "100002";
    house.owner.say(&control, "friends 芳");
    house.bot_says(&control, "2 found:").await;
    house.owner.say(&control, "open 芳芳");
    house.bot_says(&control, "芳芳 may mean").await;
    house.owner.say(&control, "set-status away");
    house.bot_says(&control, "You are logged in to several QQ accounts").await;

    house.owner.say(&control, &format!("prefer {second}"));
    house.bot_says(&control, &format!("I take {second}")).await;
    for (times, command) in [(1, "friends 芳"), (2, "search 芳")] {
        house.owner.say(&control, command);
        house.is_told(&control, &format!("1 found in the account {second}"), times).await;
    }
    house.owner.say(&control, "friends 2769546520 芳");
    house.bot_says(&control, "1 found in the account 2769546520").await;
    house.owner.say(&control, "set-status away");
    house.bot_says(&control, &format!("{second} shows as away")).await;
    for (command, account) in [("open 芳芳", second), ("open 2769546520 芳芳", "2769546520")] {
        let before = house.matrix.see(|world| world.room_ids().len());
        house.owner.say(&control, command);
        let room = house.matrix.wait_for("the room", |world| world.room_ids().get(before).cloned()).await;
        house.owner_enters(&room).await;
        house.bot_says(&control, room.trim_start_matches('!')).await;
        house.owner.say(&room, "!qq id");
        house.bot_says(&room, account).await;
    }
    // Whoever is known to another account alone is found there.
    house.owner.say(&control, "whois 2769546520");
    house.bot_says(&control, "number in this bridge: 2769546520").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pause_holds_what_people_say_in_order_through_a_restart_and_lets_what_qq_says_go_on() {
    let (mut house, control, room) = talking(&admin()).await;
    house.owner.say(&control, "pause 99999");
    house.bot_says(&control, "No account 99999 is logged in here").await;
    house.owner.say(&control, "pause all");
    house.bot_says(&control, "until you write `resume`").await;
    house.owner.say(&control, "queue");
    house.bot_says(&control, "Nothing waits and nothing failed.\n\n2769546520 is paused").await;
    for words in ["one", "two", "three"] {
        house.owner.say(&room, words);
    }
    house.qq.say(FAMILY_CHAT, "妈妈", "still there?").unwrap();
    house.sees(FAMILY, "still there?").await;
    house.matrix.all_is_pushed().await;
    house.owner.say(&control, "ping");
    house.bot_says(&control, "; paused").await;
    house.kill().await;
    house.start();
    house.qq.say(FAMILY_CHAT, "妈妈", "and now?").unwrap();
    house.sees(FAMILY, "and now?").await;
    house.owner.say(&control, "users");
    let users = house.bot_says(&control, "@alice:hs.test").await;
    assert!(users.contains("1 rooms, 3 messages on their way; paused"), "{users}");
    assert!(house.heard_in(FAMILY_CHAT).is_empty());
    house.owner.say(&control, "queue");
    let queue = house.bot_says(&control, "→ QQ: waits").await;
    assert!(queue.contains("2769546520 is paused") && queue.contains("`resume 2769546520`"), "{queue}");
    house.owner.say(&control, "resume all");
    house.bot_says(&control, "goes on").await;
    house.qq.wait_heard(|heard| heard.len() == 3).await;
    assert_eq!(house.heard_in(FAMILY_CHAT), ["one", "two", "three"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_runs_the_bridge_sees_counts_and_acts_for_others() {
    let (house, _, _) = talking(&json!({
        "bridge": { "permissions": { "hs.test": "user", "@root:hs.test": "admin" } }
    }))
    .await;
    let root = house.matrix.user("root");
    let roots = root.create_dm("@qqbot:hs.test");
    house.bot_says(&roots, "control room").await;
    root.say(&roots, "stats");
    let stats = house.bot_says(&roots, "logins").await;
    for part in ["1 logins, 1 of them live", "1 chats, 1 of them with rooms", "on the way to QQ: 0", "0 lost"] {
        assert!(stats.contains(part), "{part}: {stats}");
    }
    for words in ["sudo alice friends", "sudo @alice:hs.test"] {
        let told = house.told(&roots, "Write `sudo`");
        root.say(&roots, words);
        house.is_told(&roots, "Write `sudo`", told + 1).await;
    }
    root.say(&roots, "sudo @alice:hs.test friends 芳");
    house.bot_says(&roots, "On behalf of @alice:hs.test").await;
    house.bot_says(&roots, "芳芳").await;
    // On somebody's behalf one may do what they may, and no more.
    root.say(&roots, "sudo @alice:hs.test stats");
    house.bot_says(&roots, "@alice:hs.test has no permission to use `stats`").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_command_about_another_room_is_answered_here_and_only_by_people_who_are_there() {
    let (house, control, room) = talking(&json!({})).await;
    house.owner.say(&control, "doin somewhere id");
    house.bot_says(&control, "Write `doin`").await;
    house.owner.say(&control, "doin !nowhere:hs.test id");
    house.bot_says(&control, "no such room in which you and I are").await;
    house.owner_enters(&room).await;
    house.owner.say(&control, &format!("doin {room} id"));
    house.bot_says(&control, "This room mirrors").await;
    let bob = house.matrix.user("bob");
    let bobs = bob.create_dm("@qqbot:hs.test");
    house.bot_says(&bobs, "control room").await;
    bob.say(&bobs, &format!("doin {room} id"));
    house.bot_says(&bobs, "no such room in which you and I are").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn commands_about_other_rooms_do_not_nest_however_long_the_message_is() {
    let (house, control, room) = talking(&json!({})).await;
    house.owner_enters(&room).await;
    house.owner.say(&control, &format!("{}id", format!("doin {room} ").repeat(1_500)));
    house.bot_says(&control, "Write `doin`").await;
    house.owner.say(&control, "version");
    house.bot_says(&control, env!("CARGO_PKG_VERSION")).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_power_level_is_given_in_a_room_of_the_bridge() {
    let (house, control, room) = talking(&admin()).await;
    house.owner.say(&control, "set-pl 50");
    house.bot_says(&control, "That works in rooms of QQ chats").await;
    house.owner_enters(&room).await;
    house.owner.say(&room, "!qq set-pl high");
    house.bot_says(&room, "Write `set-pl`").await;
    house.owner.say(&room, "!qq set-pl 50");
    house.bot_says(&room, "@alice:hs.test has the power level 50 here now").await;
    house.owner.say(&control, &format!("doin {room} set-pl @bob:hs.test 25"));
    house.bot_says(&control, "@bob:hs.test has the power level 25").await;
    let levels = house.matrix.see(|world| world.state(&room, "m.room.power_levels", ""));
    assert_eq!((&levels["users"]["@alice:hs.test"], &levels["users"]["@bob:hs.test"]), (&json!(50), &json!(25)));
}
