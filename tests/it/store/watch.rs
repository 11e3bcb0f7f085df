//! What is on its way and what has failed, as whoever watches the bridge sees it.

use super::*;

on_every_database! {
    what_is_on_its_way_is_counted_by_way_and_state_with_the_age_of_the_oldest
    what_was_given_up_is_listed_newest_first
}

async fn what_is_on_its_way_is_counted_by_way_and_state_with_the_age_of_the_oldest(place: &Place) {
    let store = place.open().await;
    let filled = write!(store, tx => {
        tx.add_arrivals("matrix", &arrivals(&["a", "b", "c"])).await?;
        tx.add_arrivals("qq/1", &arrivals(&["d"])).await?;
        tx.finish_arrival(1, None, Fate::Quiet).await?;
        tx.postpone_arrival(2, NOON, "later").await?;
        for (lane, key) in [("q/1/1", "e"), ("q/1/1", "f"), ("m/room/!a", "g"), ("m/room/!a", "h")] {
            tx.add_departure(&departure(lane, key, None)).await?;
        }
        tx.mark_sent(3, None).await?;
        tx.mark_uncertain(2, "1202").await
    });
    filled.await.unwrap();
    place.clock.set(NOON + 5);
    write!(store, tx => tx.add_departure(&departure("q/2/1", "i", None)).await).await.unwrap();
    let waiting = read!(store, tx => tx.waiting("matrix", "q/").await).await.unwrap();
    let mut found: Vec<_> =
        waiting.iter().map(|row| (row.matched, row.state.as_str(), row.count, row.oldest_ms)).collect();
    found.sort_unstable();
    let expected = [
        (false, "arrived", 1, NOON),
        (false, "ready", 1, NOON),
        (true, "arrived", 1, NOON),
        (true, "parked", 1, NOON),
        (true, "ready", 2, NOON),
        (true, "uncertain", 1, NOON),
    ];
    assert_eq!(found, expected);
}

async fn what_was_given_up_is_listed_newest_first(place: &Place) {
    let store = place.open().await;
    let filled = write!(store, tx => {
        tx.add_arrivals("qq/1", &arrivals(&["a", "b"])).await?;
        tx.bury_arrival(1, "odd").await?;
        for key in ["c", "d", "e"] {
            tx.add_departure(&departure("q/1/1", key, None)).await?;
        }
        tx.mark_dead(1, "first").await?;
        tx.mark_dead(2, "second").await
    });
    filled.await.unwrap();
    let (arrived, leaving) = read!(store, tx => tx.failures(1).await).await.unwrap();
    let told = |failures: &[Failure]| -> Vec<(i64, String, String)> {
        failures.iter().map(|failure| (failure.seq, failure.place.clone(), failure.why.clone())).collect()
    };
    assert_eq!(told(&arrived), [(1, "qq/1".to_owned(), "odd".to_owned())]);
    assert_eq!(told(&leaving), [(2, "q/1/1".to_owned(), "second".to_owned())]);
}
