//! Time passes, an hour without the homeserver, and jumps: nothing is lost, doubled or out of order, and nothing hangs.

use std::time::Duration;

use matrix_webqq::sim::{Fault, Trouble, World};
use serde_json::json;

use super::{FAMILY, FAMILY_CHAT, first_words};
use crate::support::homeserver::World as Matrix;
use crate::support::house::House;
use crate::support::inside::STEP;

const HOUR_MS: i64 = 60 * 60 * 1000;
const DAY_MS: i64 = 24 * HOUR_MS;

/// Much more than the longest time between two tries.
const A_DAY: Duration = Duration::from_hours(24);

/// Both neighbours; no word of QQ is lost in a connection that ends.
async fn neighbours() -> House {
    let mut world = World::example().expect("the example world is good");
    world.options.repeat_after_hangup = true;
    House::with_nobody(world).await
}

fn each_minute(what: &str) -> Vec<String> {
    (0..60).map(|minute| format!("{what} {minute}")).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_hour_without_the_homeserver_is_made_up_for_as_soon_as_it_is_back() {
    let house = neighbours().await;
    let bridge = house.start_inside(&json!({}));
    let (_, room) = first_words(&house, "start").await;
    house.matrix.go_down().await;
    bridge.stand_still().await;
    for (down, up) in each_minute("down").iter().zip(each_minute("up")) {
        house.qq.say(FAMILY_CHAT, "妈妈", down).unwrap();
        house.owner.say(&room, &up);
        bridge.live(Duration::from_mins(1)).await;
    }
    assert_eq!(house.said_by_ghosts(&room), ["start"]);
    house.matrix.come_back().await;
    let mut rest = Duration::ZERO;
    while house.said_by_ghosts(&room).len() == 1 {
        // Time passes quickly, also while a request is under way: hours may pass until a busy neighbour answers.
        assert!(rest <= A_DAY, "it should have been tried again");
        bridge.live(STEP).await;
        rest += STEP;
    }
    // The rest of it takes no time.
    house.sees(FAMILY, "down 59").await;
    house.qq.wait_heard(|heard| heard.len() >= 60).await;
    bridge.go_on().await;
    house.qq.say(FAMILY_CHAT, "妈妈", "end").unwrap();
    house.sees(FAMILY, "end").await;
    let expected = [vec!["start".to_owned()], each_minute("down"), vec!["end".to_owned()]].concat();
    assert_eq!((house.said_by_ghosts(&room), house.heard_in(FAMILY_CHAT)), (expected, each_minute("up")));
    let log = house.log();
    assert!(log.contains("forgot finished rows"), "an hour has passed for all of the bridge");
    let tries = log.matches("a lane cannot deliver; trying again").count();
    // Not much more often than once for what was said in each minute.
    assert!((1..200).contains(&tries), "{tries} tries");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_clock_that_jumps_a_day_ahead_and_back_settles_no_doubt_and_holds_up_nothing() {
    let house = neighbours().await;
    let bridge = house.start_inside(&json!({
        "bridge": { "resend_uncertain": true },
        "matrix": { "message_status_events": true },
    }));
    let (_, room) = first_words(&house, "start").await;
    let mut said = vec!["start".to_owned()];
    let mut heard = Vec::new();
    for (jump, by_ms) in [("ahead", DAY_MS), ("back", -HOUR_MS), ("far back", -DAY_MS)] {
        let [doubtful, after, down] = ["doubtful", "after", "down"].map(|words| format!("{words} {jump}"));
        // QQ takes it, and neither its answer nor its echo comes.
        house.qq.fault(Fault::new("poll2", Trouble::DropBefore).times(1000));
        house.qq.fault(Fault::new("send_qun_msg2", Trouble::Drop));
        let event = house.owner.say(&room, &doubtful);
        let is_doubted = |world: &Matrix| {
            world.timeline(&room).iter().any(|status| {
                let text = status.content["message"].as_str().unwrap_or_default();
                text.contains("echo") && status.content["m.relates_to"]["event_id"] == event.as_str()
            })
        };
        house.matrix.wait_until("the doubt", is_doubted).await;
        bridge.clock.shift(by_ms);
        bridge.stand_still().await;
        // The doubt is looked at again and again, and QQ is asked.
        bridge.live(Duration::from_secs(20)).await;
        house.qq.clear_faults();
        // No longer than one request may take: none is to fail for it.
        bridge.live(Duration::from_secs(27)).await;
        bridge.go_on().await;
        house.owner.say(&room, &after);
        house.qq.say(FAMILY_CHAT, "妈妈", &down).unwrap();
        house.sees(FAMILY, &down).await;
        heard.extend([doubtful, after]);
        said.push(down);
        house.qq.wait_heard(|all| all.len() >= heard.len()).await;
    }
    house.qq.say(FAMILY_CHAT, "妈妈", "end").unwrap();
    house.sees(FAMILY, "end").await;
    said.push("end".to_owned());
    assert_eq!((house.said_by_ghosts(&room), house.heard_in(FAMILY_CHAT)), (said, heard));
    assert_eq!(house.told(&room, "may not have been delivered"), 0);
}
