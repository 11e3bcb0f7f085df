//! Transactions on their way from the homeserver to the sink.

use super::{Bridge, connect};
use crate::support::homeserver::PretendHomeserver;

async fn house() -> (PretendHomeserver, Bridge, String) {
    let hs = PretendHomeserver::start().await;
    let bridge = Bridge::start("hs-token-of-tests").await;
    connect(&hs).await.bot().ensure_registered().await.unwrap();
    let room = hs.user("alice").create_dm("@qqbot:hs.test");
    connect(&hs).await.bot().join(room.as_str().try_into().unwrap()).await.unwrap();
    (hs, bridge, room)
}

#[tokio::test]
async fn everything_arrives_once_and_in_order() {
    let (hs, bridge, room) = house().await;
    let alice = hs.user("alice");
    for number in 0..250 {
        alice.say(&room, &number.to_string());
    }
    hs.connect_bridge(&bridge.url);
    hs.all_is_pushed().await;
    let wanted: Vec<String> = hs.timeline(&room).into_iter().map(|event| event.id).collect();
    let taken = bridge.event_ids();
    assert_eq!(taken, wanted[wanted.len() - taken.len()..], "what concerned the bridge, and nothing else");
    assert!(taken.len() > 250 && bridge.taken.borrow().iter().all(|transaction| transaction.events.len() <= 100));
}

#[tokio::test]
async fn what_the_sink_does_not_keep_is_pushed_again() {
    let (hs, bridge, room) = house().await;
    *bridge.refusals.lock().unwrap() = 3;
    hs.connect_bridge(&bridge.url);
    let said = hs.user("alice").say(&room, "hi");
    hs.all_is_pushed().await;
    assert_eq!(*bridge.refusals.lock().unwrap(), 0);
    assert_eq!(bridge.event_ids().iter().filter(|id| **id == said).count(), 1);
}

#[tokio::test]
async fn a_transaction_id_that_is_used_again_swallows_nothing() {
    let (hs, bridge, room) = house().await;
    hs.connect_bridge(&bridge.url);
    hs.all_is_pushed().await;
    hs.restart_transaction_ids();
    let said = hs.user("alice").say(&room, "after the restart");
    hs.all_is_pushed().await;
    hs.push_again(&said);
    hs.all_is_pushed().await;
    let ids: Vec<String> = bridge.taken.borrow().iter().map(|transaction| transaction.id.clone()).collect();
    assert!(ids.iter().filter(|id| *id == "1").count() >= 2, "{ids:?}");
    assert_eq!(bridge.event_ids().iter().filter(|id| **id == said).count(), 2, "the inbox knows event ids, not we");
}

#[tokio::test]
async fn what_happens_during_an_outage_is_pushed_afterwards() {
    let (hs, bridge, room) = house().await;
    hs.connect_bridge(&bridge.url);
    hs.go_down().await;
    let alice = hs.user("alice");
    let said = alice.say(&room, "is anybody there?");
    hs.come_back().await;
    hs.all_is_pushed().await;
    assert_eq!(bridge.event_ids().last(), Some(&said));
}

#[tokio::test]
async fn typing_is_given_once_though_it_is_sent_under_two_names() {
    let (hs, bridge, room) = house().await;
    hs.connect_bridge(&bridge.url);
    hs.user("alice").types(&room);
    hs.all_is_pushed().await;
    let ephemeral: Vec<String> = bridge.taken.borrow().iter().flat_map(|push| push.ephemeral.clone()).collect();
    assert_eq!(ephemeral.len(), 1);
    assert!(ephemeral[0].contains("m.typing"));
}

#[tokio::test]
async fn people_are_seen_coming_going_and_taking_back() {
    let (hs, bridge, room) = house().await;
    let (alice, bob) = (hs.user("alice"), hs.user("bob"));
    alice.invite(&room, bob.id());
    bob.join(&room);
    let said = bob.say(&room, "oops");
    bob.redact(&room, &said);
    alice.set_state(&room, "m.room.topic", "", serde_json::json!({ "topic": "QQ" }));
    bob.leave(&room);
    hs.connect_bridge(&bridge.url);
    let last = hs.wait_for("bob to be gone", |world| {
        let last = world.timeline(&room).last()?;
        world.is_all_pushed().then(|| last.id.clone())
    });
    assert_eq!(Some(last.await), bridge.event_ids().pop());
    assert_eq!(hs.see(|world| world.said(&room)), [("@bob:hs.test".to_owned(), String::new())]);
    assert_eq!(hs.see(|world| world.membership(&room, bob.id())), "leave");
}
