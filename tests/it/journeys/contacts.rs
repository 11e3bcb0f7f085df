//! What people learn about their friends and groups.

use matrix_webqq::sim::{Fault, Trouble};

use crate::support::house::House;

#[tokio::test(flavor = "multi_thread")]
async fn friends_are_shown_with_nick_category_and_status_and_those_talked_to_last_come_first() {
    let house = House::new().await;
    house.qq.say("friend:🐼 阿宝", "🐼 阿宝", "hi").unwrap();
    let control = house.log_in().await;
    house.owner.say(&control, "friends");
    let list = house.bot_says(&control, "芳芳").await;
    let lines: Vec<&str> = list.lines().filter_map(|line| line.trim().strip_prefix("- ")).collect();
    assert!(lines[0].starts_with("🐼 阿宝 · online"), "{list}");
    assert!(lines.iter().any(|line| line.replace('\\', "") == "芳芳 (王芳) [同学] · online"), "{list}");
    assert!(lines.iter().any(|line| line.contains("张建国") && !line.contains("online")), "{list}");
}

#[tokio::test(flavor = "multi_thread")]
async fn whois_tells_the_signature_and_level_of_a_friend_and_goes_on_when_qq_refuses_one_of_them() {
    let house = House::new().await;
    let control = house.log_in().await;
    house.qq.fault(Fault::new("get_qq_level2", Trouble::Retcode(100_101)));
    house.owner.say(&control, "whois 芳芳");
    let told = house.bot_says(&control, "signature").await;
    assert!(told.contains("王芳") && told.contains("岁月静好") && told.contains("status: online"), "{told}");
    assert!(!told.contains("level"), "{told}");
    house.owner.say(&control, "whois 芳芳");
    house.bot_says(&control, "level: 19").await;
    house.owner.say(&control, "whois 2769546520");
    house.bot_says(&control, "天天向上").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn groups_show_what_is_muted_on_qq_and_who_has_a_say_in_them() {
    let house = House::new().await;
    let control = house.log_in().await;
    house.owner.say(&control, "groups");
    let list = house.bot_says(&control, "周末爬山").await;
    assert!(list.lines().any(|line| line.contains("周末爬山") && line.contains("muted on QQ")), "{list}");
    assert!(list.contains("a setting of your Matrix client"), "{list}");
    house.owner.say(&control, "whois Rust");
    let told = house.bot_says(&control, "owner").await;
    assert!(
        told.contains("Alice（组长）") && told.contains("administrators: 小明") && told.contains("members: 6"),
        "{told}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_account_calls_people_is_told_in_the_control_room_only() {
    let house = House::new().await;
    house.log_in().await;
    house.qq.say("group:相亲相爱一家人", "妈妈", "hi").unwrap();
    let (room, _) = house.sees("相亲相爱一家人", "hi").await;
    for command in ["!qq friends", "!qq groups", "!qq whois 芳芳"] {
        house.owner.say(&room, command);
    }
    let refusals = house.matrix.wait_until("three refusals", |world| {
        world.timeline(&room).iter().filter(|event| event.body().contains("in our control room")).count() == 3
    });
    refusals.await;
}
