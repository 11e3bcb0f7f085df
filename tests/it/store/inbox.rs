//! What arrives is taken in once, in order, and stays until it was dealt with.

use super::*;

on_every_database! {
    the_same_arrival_is_taken_in_once
    arrivals_keep_their_order_even_in_large_batches
    arrivals_are_due_when_their_time_has_come
    a_clock_that_is_set_back_does_not_hold_up_arrivals
    a_finished_arrival_is_finished_once
    an_arrival_of_which_nothing_came_is_taken_up_again_and_no_other
    an_arrival_that_failed_is_found_by_its_error
    translating_is_both_or_neither
}

async fn the_same_arrival_is_taken_in_once(place: &Place) {
    let store = place.open().await;
    assert_eq!(take_in(&store, &["a", "b", "a"]).await, 2);
    assert_eq!(take_in(&store, &["b", "c"]).await, 1);
    assert_eq!(take_in(&store, &[]).await, 0);
    let elsewhere = write!(store, tx => tx.add_arrivals("matrix", &arrivals(&["a"])).await);
    assert_eq!(elsewhere.await.unwrap(), 1, "another origin has other keys");
    let first = read!(store, tx => tx.due_arrivals("qq", 0, 1).await).await.unwrap().remove(0);
    let finished = write!(store, tx => tx.finish_arrival(first.seq, None, Fate::Quiet).await);
    assert!(finished.await.unwrap());
    assert_eq!(take_in(&store, &["a"]).await, 0, "it is remembered when it is over");
    assert_eq!(due(&store).await, ["b", "c"]);
}

async fn arrivals_keep_their_order_even_in_large_batches(place: &Place) {
    let store = place.open().await;
    let names: Vec<String> = (0..1234).map(|number| format!("{:04}", (number * 7) % 1234)).collect();
    let batch: Vec<Arrival> = names.iter().map(|name| arrival(name)).collect();
    assert_eq!(write!(store, tx => tx.add_arrivals("qq", &batch).await).await.unwrap(), 1234);
    assert_eq!(due(&store).await, names);
    let rows = read!(store, tx => tx.due_arrivals("qq", 0, 2).await).await.unwrap();
    let after = rows[1].seq;
    let next = read!(store, tx => tx.due_arrivals("qq", after, 1).await).await.unwrap();
    assert_eq!(next[0].dedup_key, names[2]);
    assert_eq!(next[0].body, format!("body of {}", names[2]));
    assert_eq!((next[0].received_at_ms, next[0].attempts, next[0].state), (NOON, 0, InboxState::New));
}

async fn arrivals_are_due_when_their_time_has_come(place: &Place) {
    let store = place.open().await;
    take_in(&store, &["a", "b"]).await;
    let postponed = write!(store, tx => {
        tx.postpone_arrival(1, NOON + 1000, "no room yet").await?;
        tx.postpone_arrival(2, NOON + 2000, "no room yet").await
    });
    assert!(postponed.await.unwrap());
    assert_eq!(due(&store).await, [""; 0]);
    place.clock.set(NOON + 1000);
    assert_eq!(due(&store).await, ["a"]);
    assert_eq!(write!(store, tx => tx.wake_arrivals("matrix").await).await.unwrap(), 0);
    assert_eq!(write!(store, tx => tx.wake_arrivals("qq").await).await.unwrap(), 2);
    assert_eq!(due(&store).await, ["a", "b"]);
    let row = read!(store, tx => tx.arrival(1).await).await.unwrap().unwrap();
    assert_eq!((row.attempts, row.error.as_deref()), (1, Some("no room yet")));
}

async fn a_clock_that_is_set_back_does_not_hold_up_arrivals(place: &Place) {
    let store = place.open().await;
    take_in(&store, &["a"]).await;
    place.clock.set(5);
    assert_eq!(due(&store).await, ["a"]);
}

async fn a_finished_arrival_is_finished_once(place: &Place) {
    let store = place.open().await;
    take_in(&store, &["a"]).await;
    let twice = write!(store, tx => Ok((tx.finish_arrival(1, None, Fate::Quiet).await?, tx.finish_arrival(1, None, Fate::Quiet).await?)));
    assert_eq!(twice.await.unwrap(), (true, false));
    let late = write!(store, tx => Ok((tx.bury_arrival(1, "x").await?, tx.postpone_arrival(1, 0, "x").await?)));
    assert_eq!(late.await.unwrap(), (false, false));
    let row = read!(store, tx => tx.arrival(1).await).await.unwrap().unwrap();
    assert_eq!((row.state, row.error), (InboxState::Done, None));
}

async fn an_arrival_of_which_nothing_came_is_taken_up_again_and_no_other(place: &Place) {
    let store = place.open().await;
    take_in(&store, &["a", "b", "c"]).await;
    let finished = write!(store, tx => {
        tx.finish_arrival(1, None, Fate::Quiet).await?;
        tx.finish_arrival(2, None, Fate::Answered).await
    });
    assert!(finished.await.unwrap());
    for name in ["a", "b", "c", "d"] {
        let again = arrival(name);
        let row = write!(store, tx => {
            let seq = tx.take_up_again("qq", &again).await?;
            tx.arrival(seq).await
        });
        assert_eq!(row.await.unwrap().unwrap().dedup_key, name);
    }
    assert_eq!(due(&store).await, ["a", "c", "d"]);
}

async fn an_arrival_that_failed_is_found_by_its_error(place: &Place) {
    let store = place.open().await;
    take_in(&store, &["a", "b", "c", "d"]).await;
    let fail = write!(store, tx => {
        tx.bury_arrival(1, "unreadable").await?;
        tx.postpone_arrival(2, NOON + 1, "unmatched").await?;
        tx.postpone_arrival(3, NOON + 1, "unmatched").await?;
        tx.finish_arrival(3, None, Fate::Quiet).await
    });
    assert!(fail.await.unwrap());
    let failed = read!(store, tx => tx.arrivals_with_error("qq", 10).await).await.unwrap();
    let failed: Vec<_> = failed.into_iter().map(|row| (row.seq, row.state, row.error.unwrap())).collect();
    let expected = [(1, InboxState::Dead, "unreadable".to_owned()), (2, InboxState::New, "unmatched".to_owned())];
    assert_eq!(failed, expected);
    assert_eq!(due(&store).await, ["d"]);
}

async fn translating_is_both_or_neither(place: &Place) {
    let store = place.open().await;
    take_in(&store, &["a"]).await;
    let half = write!(store, tx => {
        tx.finish_arrival(1, None, Fate::Quiet).await?;
        tx.add_departure(&departure("matrix/1", "a", None)).await?;
        Err::<(), _>(Error::Closed)
    });
    assert!(half.await.is_err());
    assert_eq!((due(&store).await, head(&store, "matrix/1").await), (vec!["a".to_owned()], vec![]));
    let whole = write!(store, tx => {
        tx.finish_arrival(1, None, Fate::Quiet).await?;
        tx.add_departure(&departure("matrix/1", "a", None)).await
    });
    assert!(whole.await.unwrap());
    assert_eq!((due(&store).await.len(), head(&store, "matrix/1").await.len()), (0, 1));
}
