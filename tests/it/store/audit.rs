//! The books: everything that arrived is found again under what became of it, and what is missing is seen.

use super::*;

on_every_database! {
    whatever_arrived_is_in_the_books_under_what_became_of_it
    the_books_of_one_account_leave_out_those_of_others_and_what_is_older
    what_arrived_is_forgotten_before_what_became_of_it
    what_left_no_trace_or_became_something_unheard_of_is_lost_and_named
}

/// Takes rows in from `origin`.
async fn arrive(store: &Store, origin: &'static str, keys: &[&str]) {
    let batch = arrivals(keys);
    write!(store, tx => tx.add_arrivals(origin, &batch).await).await.unwrap();
}

/// Row `arrival` leaves as `key`, and its departure is brought into `state`.
async fn leave(store: &Store, arrival: i64, key: &'static str, state: OutboxState) -> i64 {
    let row = Departure { arrival: Some(arrival), ..departure("m/1", key, None) };
    assert!(write!(store, tx => tx.add_departure(&row).await).await.unwrap());
    let seq = read!(store, tx => tx.departure_by_key(key).await).await.unwrap().unwrap().seq;
    bring(store, seq, state).await;
    seq
}

async fn finish(store: &Store, seq: i64, login: &'static str, fate: Fate) {
    assert!(write!(store, tx => tx.finish_arrival(seq, Some(login), fate).await).await.unwrap());
}

async fn books(store: &Store, origin: &'static str, login: Option<&'static str>, since_ms: i64) -> Audit {
    read!(store, tx => tx.audit(origin, login, since_ms).await).await.unwrap()
}

async fn whatever_arrived_is_in_the_books_under_what_became_of_it(place: &Place) {
    let store = place.open().await;
    assert_eq!(books(&store, "qq/1", None, 0).await, Audit::default());
    arrive(&store, "qq/1", &["1", "2", "3", "4", "5", "6", "7", "8", "9", "10", "11", "12", "13"]).await;
    // 1 waits, 2 is in doubt, 3 could not be read.
    let odd = write!(store, tx => {
        tx.postpone_arrival(2, NOON + 9, "who is it?").await?;
        tx.bury_arrival(3, "unreadable").await
    });
    assert!(odd.await.unwrap());
    let mut dead = 0;
    for (seq, parts) in [
        (4, &[("4", OutboxState::Sent), ("4b", OutboxState::Sent)][..]),
        (5, &[("5", OutboxState::Sent), ("5b", OutboxState::Ready)]),
        (6, &[("6", OutboxState::Sending)]),
        (7, &[("7", OutboxState::Uncertain)]),
        (8, &[("8", OutboxState::Dead), ("8b", OutboxState::Ready)]),
        (9, &[("9", OutboxState::Dropped), ("9b", OutboxState::Sent)]),
    ] {
        for (key, state) in parts {
            let left = leave(&store, seq, key, *state).await;
            if *state == OutboxState::Dead {
                dead = left;
            }
        }
        finish(&store, seq, "1", Fate::Quiet).await;
    }
    for (seq, fate) in [(10, Fate::Answered), (11, Fate::Obeyed), (12, Fate::Told), (13, Fate::Echoed)] {
        finish(&store, seq, "1", fate).await;
    }
    arrive(&store, "qq/1", &["14"]).await;
    finish(&store, 14, "1", Fate::Quiet).await;
    let audit = books(&store, "qq/1", None, 0).await;
    let expected = Audit {
        received: 14,
        bridged: 1,
        answered: 1,
        obeyed: 1,
        told: 1,
        echoed: 1,
        quiet: 1,
        waiting: 3,
        parked: 2,
        failed: 2,
        dropped: 1,
        failed_arrivals: vec![3],
        failed_departures: vec![dead],
        lost_arrivals: Vec::new(),
    };
    assert_eq!((audit.lost(), audit), (0, expected));
}

async fn the_books_of_one_account_leave_out_those_of_others_and_what_is_older(place: &Place) {
    let store = place.open().await;
    arrive(&store, "matrix", &["old"]).await;
    place.clock.set(NOON + 1000);
    arrive(&store, "matrix", &["mine", "theirs", "nobody's"]).await;
    arrive(&store, "qq/1", &["elsewhere"]).await;
    for (seq, login) in [(1, "1"), (2, "1"), (3, "2")] {
        finish(&store, seq, login, Fate::Answered).await;
    }
    assert!(write!(store, tx => tx.finish_arrival(4, None, Fate::Quiet).await).await.unwrap());
    let counts = |audit: Audit| (audit.received, audit.answered, audit.lost());
    assert_eq!(counts(books(&store, "matrix", Some("1"), 0).await), (2, 2, 0));
    assert_eq!(counts(books(&store, "matrix", Some("1"), NOON + 1000).await), (1, 1, 0));
    assert_eq!(counts(books(&store, "matrix", Some("2"), 0).await), (1, 1, 0));
    assert_eq!(books(&store, "qq/1", None, NOON).await.waiting, 1);
    assert_eq!(books(&store, "qq/1", None, NOON + 1001).await, Audit::default());
}

async fn what_arrived_is_forgotten_before_what_became_of_it(place: &Place) {
    let store = place.open().await;
    arrive(&store, "qq/1", &["a", "b"]).await;
    for (seq, key) in [(1, "a"), (2, "b")] {
        leave(&store, seq, key, OutboxState::Sent).await;
        finish(&store, seq, "1", Fate::Quiet).await;
    }
    assert_eq!(write!(store, tx => tx.tidy_outbox(NOON + 1, 0, 9).await).await.unwrap().gone, 0, "not before");
    for after in [0, 1] {
        let arrived = write!(store, tx => tx.tidy_inbox(NOON + 1, after, 1).await).await.unwrap();
        let left = write!(store, tx => tx.tidy_outbox(NOON + 1, 0, 9).await).await.unwrap();
        assert_eq!((arrived.gone, arrived.next), (1, Some(after + 1)));
        assert_eq!(left.gone, 1 - u64::try_from(after).unwrap(), "the newest stays");
        assert_eq!(books(&store, "qq/1", None, 0).await.lost(), 0);
    }
    assert_eq!(books(&store, "qq/1", None, 0).await, Audit::default());
}

async fn what_left_no_trace_or_became_something_unheard_of_is_lost_and_named(place: &Place) {
    let store = place.open().await;
    arrive(&store, "qq/1", &["kept", "gone", "half", "odd"]).await;
    for (seq, keys) in [(1, &["kept"][..]), (2, &["gone"]), (3, &["half", "half gone"])] {
        for key in keys {
            leave(&store, seq, key, OutboxState::Sent).await;
        }
        finish(&store, seq, "1", Fate::Quiet).await;
    }
    finish(&store, 4, "1", Fate::Quiet).await;
    place.meddle("DELETE FROM outbox WHERE dedup_key IN ('gone', 'half gone')").await;
    place.meddle("UPDATE inbox SET outcome = 'eaten' WHERE seq = 4").await;
    let audit = books(&store, "qq/1", None, 0).await;
    assert_eq!((audit.received, audit.bridged, audit.lost(), audit.lost_arrivals), (4, 1, 3, vec![2, 3, 4]));
}
