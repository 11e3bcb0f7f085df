//! What leaves does so once, in order, and stays until it is known what became of it.

use super::*;

on_every_database! {
    the_same_departure_is_added_once
    a_lane_shows_its_unfinished_rows_in_order
    lanes_are_found_by_prefix_and_the_longest_waiting_comes_first
    a_row_goes_on_the_wire_once
    a_row_that_failed_waits_for_its_next_try
    a_dead_row_can_be_revived
    a_row_that_is_given_up_leaves_its_lane_for_ever
    what_was_on_the_wire_at_a_crash_becomes_uncertain
    what_was_marked_for_later_is_not_on_the_wire_until_its_turn
    an_echo_claims_the_oldest_row_that_fits
    an_echo_settles_an_uncertain_row
    an_echo_settles_a_row_that_was_about_to_go_once_more
    an_echo_that_comes_before_the_answer_is_not_forgotten
    the_newest_result_of_a_lane_is_known
    the_queue_is_counted_and_shown_by_login
    tidying_forgets_what_is_over_and_old
}

async fn the_same_departure_is_added_once(place: &Place) {
    let store = place.open().await;
    let seq = add(&store, "qq/1", "a", None).await;
    let again = departure("qq/2", "a", None);
    assert!(!write!(store, tx => tx.add_departure(&again).await).await.unwrap());
    write!(store, tx => tx.mark_sent(seq, None).await).await.unwrap();
    let again = departure("qq/1", "a", None);
    assert!(!write!(store, tx => tx.add_departure(&again).await).await.unwrap());
    assert_eq!(read!(store, tx => tx.waiting_lanes("").await).await.unwrap(), [""; 0]);
}

async fn a_lane_shows_its_unfinished_rows_in_order(place: &Place) {
    let store = place.open().await;
    let mut seqs = Vec::new();
    for key in ["a", "b", "c", "d", "e"] {
        seqs.push(add(&store, "qq/1", key, None).await);
    }
    add(&store, "qq/2", "elsewhere", None).await;
    let (sent, uncertain, dead, later) = (seqs[0], seqs[1], seqs[2], seqs[3]);
    let mark = write!(store, tx => {
        tx.mark_sending(&[sent, uncertain]).await?;
        tx.mark_sent(sent, Some("$a")).await?;
        tx.mark_uncertain(uncertain, "1202").await?;
        tx.mark_dead(dead, "no such chat").await?;
        tx.mark_ready(later, NOON + 5000, "busy").await
    });
    assert_eq!(mark.await.unwrap(), Some(OutboxState::Ready));
    let rows = head(&store, "qq/1").await;
    assert_eq!(keys(&rows), ["b", "d", "e"], "a row that is not due yet still blocks its lane");
    assert_eq!(rows[0].state, OutboxState::Uncertain);
    assert_eq!((rows[1].attempts, rows[1].due_at_ms), (1, NOON + 5000));
    assert_eq!((rows[2].created_at_ms, rows[2].sent_at_ms, rows[2].due_at_ms), (NOON, None, 0));
    let first = read!(store, tx => tx.lane_head("qq/1", 1).await).await.unwrap();
    assert_eq!(keys(&first), ["b"]);
}

async fn lanes_are_found_by_prefix_and_the_longest_waiting_comes_first(place: &Place) {
    let store = place.open().await;
    for (lane, key) in [("qq/z%_", "1"), ("qq/a", "2"), ("matrix/a", "3"), ("qq/z%_", "4"), ("Qq/b", "5"), ("qq", "6")]
    {
        add(&store, lane, key, None).await;
    }
    assert_eq!(read!(store, tx => tx.waiting_lanes("qq/").await).await.unwrap(), ["qq/z%_", "qq/a"]);
    assert_eq!(read!(store, tx => tx.waiting_lanes("qq/z%_").await).await.unwrap(), ["qq/z%_"]);
    assert_eq!(read!(store, tx => tx.waiting_lanes("").await).await.unwrap().len(), 5);
}

async fn a_row_goes_on_the_wire_once(place: &Place) {
    let store = place.open().await;
    let one = add(&store, "qq/1", "a", None).await;
    let two = add(&store, "qq/1", "b", None).await;
    write!(store, tx => tx.mark_sent(two, None).await).await.unwrap();
    place.clock.set(NOON + 7);
    let marked = write!(store, tx => tx.mark_sending(&[one, two, 404]).await);
    assert_eq!(marked.await.unwrap(), [one]);
    assert_eq!(row(&store, one).await.sent_at_ms, Some(NOON + 7));
    let again = write!(store, tx => tx.mark_sending(&[one]).await);
    assert_eq!(again.await.unwrap(), [0; 0]);
}

async fn a_row_that_failed_waits_for_its_next_try(place: &Place) {
    let store = place.open().await;
    let seq = send(&store, "qq/1", "a", None).await;
    let mark = write!(store, tx => tx.mark_ready(seq, NOON + 9, "busy").await);
    assert_eq!(mark.await.unwrap(), Some(OutboxState::Ready));
    let failed = row(&store, seq).await;
    assert_eq!((failed.attempts, failed.due_at_ms, failed.error.as_deref()), (1, NOON + 9, Some("busy")));
    write!(store, tx => tx.mark_sent(seq, Some("$e")).await).await.unwrap();
    let sent = row(&store, seq).await;
    assert_eq!((sent.state, sent.error, sent.result.as_deref()), (OutboxState::Sent, None, Some("$e")));
    let late = write!(store, tx => {
        Ok([
            tx.mark_ready(seq, 0, "late").await?,
            tx.mark_uncertain(seq, "late").await?,
            tx.mark_dead(seq, "late").await?,
        ])
    });
    assert_eq!(late.await.unwrap(), [None; 3], "what was delivered stays delivered");
}

async fn a_dead_row_can_be_revived(place: &Place) {
    let store = place.open().await;
    let seq = send(&store, "qq/1", "a", None).await;
    let mark = write!(store, tx => tx.mark_dead(seq, "refused").await);
    assert_eq!(mark.await.unwrap(), Some(OutboxState::Dead));
    assert_eq!(head(&store, "qq/1").await, []);
    assert_eq!(write!(store, tx => tx.mark_sending(&[seq]).await).await.unwrap(), [0; 0]);
    assert_eq!(write!(store, tx => tx.mark_ready(seq, 0, "late").await).await.unwrap(), None, "nobody asked for it");
    let waits = add(&store, "qq/1", "b", None).await;
    write!(store, tx => tx.mark_ready(waits, NOON + 9, "busy").await).await.unwrap();
    for seq in [seq, waits] {
        let revived = write!(store, tx => tx.revive(seq).await);
        assert_eq!(revived.await.unwrap(), Some(OutboxState::Ready));
    }
    let rows = head(&store, "qq/1").await;
    assert_eq!(keys(&rows), ["a", "b"], "in its place");
    assert!(rows.iter().all(|row| (row.attempts > 0, row.due_at_ms, &row.error) == (true, 0, &None)));
    for state in [OutboxState::Sending, OutboxState::Uncertain, OutboxState::Sent] {
        bring(&store, waits, state).await;
        assert_eq!(write!(store, tx => tx.revive(waits).await).await.unwrap(), None, "{state:?}");
    }
}

async fn a_row_that_is_given_up_leaves_its_lane_for_ever(place: &Place) {
    let store = place.open().await;
    let states = [OutboxState::Ready, OutboxState::Uncertain, OutboxState::Dead];
    for (key, state) in ["a", "b", "c"].into_iter().zip(states) {
        let seq = add(&store, "qq/1", key, None).await;
        bring(&store, seq, state).await;
        let dropped = write!(store, tx => tx.drop_departure(seq, "given up").await);
        assert_eq!(dropped.await.unwrap(), Some(OutboxState::Dropped));
        let late = write!(store, tx => Ok((tx.mark_sending(&[seq]).await?, tx.mark_ready(seq, 0, "x").await?,
            tx.mark_dead(seq, "x").await?, tx.mark_uncertain(seq, "x").await?, tx.revive(seq).await?)));
        assert_eq!(late.await.unwrap(), (vec![], None, None, None, None), "{state:?}");
        assert_eq!(row(&store, seq).await.error.as_deref(), Some("given up"));
    }
    assert_eq!(head(&store, "qq/1").await, []);
    assert_eq!(read!(store, tx => tx.queue("10001", 9).await).await.unwrap(), []);
    assert_eq!(read!(store, tx => tx.queue_counts().await).await.unwrap(), []);
    for (key, state) in [("d", OutboxState::Sending), ("e", OutboxState::Sent)] {
        let seq = add(&store, "qq/1", key, None).await;
        bring(&store, seq, state).await;
        assert_eq!(write!(store, tx => tx.drop_departure(seq, "x").await).await.unwrap(), None, "{state:?}");
    }
    let echoed = send(&store, "qq/1", "f", Some("hi")).await;
    write!(store, tx => tx.claim_echo("qq/1", "hi", 0).await).await.unwrap().unwrap();
    assert_eq!(write!(store, tx => tx.drop_departure(echoed, "x").await).await.unwrap(), None);
    assert_eq!(tidy(&store, NOON + 1, 2).await, 3, "forgotten after a while");
}

async fn what_was_on_the_wire_at_a_crash_becomes_uncertain(place: &Place) {
    let store = place.open().await;
    let seq = send(&store, "qq/1", "a", None).await;
    let echoed = send(&store, "qq/1", "b", Some("b")).await;
    let elsewhere = send(&store, "matrix/1", "c", None).await;
    let waiting = add(&store, "qq/1", "d", None).await;
    write!(store, tx => tx.claim_echo("qq/1", "b", 0).await).await.unwrap().unwrap();
    drop(store);
    let store = place.open().await;
    assert_eq!(write!(store, tx => tx.sending_to_uncertain("qq/").await).await.unwrap(), 2);
    let states = [seq, echoed, elsewhere, waiting];
    let mut now = Vec::new();
    for seq in states {
        now.push(row(&store, seq).await.state);
    }
    assert_eq!(now, [OutboxState::Uncertain, OutboxState::Sent, OutboxState::Sending, OutboxState::Ready]);
    assert_eq!(write!(store, tx => tx.sending_to_uncertain("qq/").await).await.unwrap(), 0);
}

async fn what_was_marked_for_later_is_not_on_the_wire_until_its_turn(place: &Place) {
    let store = place.open().await;
    let [first, second, third] = [
        add(&store, "qq/1", "a", None).await,
        add(&store, "qq/1", "b", None).await,
        add(&store, "qq/1", "c", None).await,
    ];
    let mark = write!(store, tx => {
        tx.mark_next(first, "hi").await?;
        tx.mark_next(second, "hi").await?;
        tx.mark_next(third, "hi").await?;
        tx.claim_echo("qq/1", "hi", 0).await
    });
    assert_eq!(mark.await.unwrap(), None, "nobody can have heard it");
    assert!(write!(store, tx => tx.mark_on_wire(first).await).await.unwrap());
    assert!(!write!(store, tx => tx.mark_on_wire(first).await).await.unwrap(), "once");
    let dropped = write!(store, tx => tx.drop_departure(second, "given up").await);
    assert_eq!(dropped.await.unwrap(), Some(OutboxState::Dropped));
    assert!(!write!(store, tx => tx.mark_on_wire(second).await).await.unwrap());
    let at_start = async |until: i64| {
        let settle =
            write!(store, tx => Ok((tx.unsent_to_ready("qq/", until).await?, tx.sending_to_uncertain("qq/").await?)));
        settle.await.unwrap()
    };
    assert_eq!(at_start(0).await, (1, 1));
    let states = [row(&store, first).await.state, row(&store, third).await.state];
    assert_eq!(states, [OutboxState::Uncertain, OutboxState::Ready]);
    write!(store, tx => tx.mark_next(third, "hi").await).await.unwrap();
    assert_eq!(at_start(third).await, (0, 1), "after a power cut it may have left");
    assert_eq!(row(&store, third).await.sends, 1);
    let claim = || write!(store, tx => tx.claim_echo("qq/1", "hi", 0).await);
    assert_eq!([claim().await.unwrap().unwrap().seq, claim().await.unwrap().unwrap().seq], [first, third]);
}

async fn an_echo_claims_the_oldest_row_that_fits(place: &Place) {
    let store = place.open().await;
    let old = send(&store, "qq/1", "old", Some("hi")).await;
    place.clock.set(NOON + 100);
    let first = send(&store, "qq/1", "first", Some("hi")).await;
    let second = send(&store, "qq/1", "second", Some("hi")).await;
    send(&store, "qq/2", "other lane", Some("hi")).await;
    send(&store, "qq/1", "other words", Some("ho")).await;
    add(&store, "qq/1", "not sent", Some("hi")).await;
    write!(store, tx => tx.mark_sent(second, None).await).await.unwrap();
    let claim = || write!(store, tx => tx.claim_echo("qq/1", "hi", NOON + 1).await);
    let claimed = claim().await.unwrap().unwrap();
    assert_eq!((claimed.seq, claimed.state, claimed.echoed), (first, OutboxState::Sending, true));
    let claimed = claim().await.unwrap().unwrap();
    assert_eq!((claimed.seq, claimed.state), (second, OutboxState::Sent));
    assert_eq!(claim().await.unwrap(), None);
    assert!(!row(&store, old).await.echoed);
}

async fn an_echo_settles_an_uncertain_row(place: &Place) {
    let store = place.open().await;
    let seq = send(&store, "qq/1", "a", Some("hi")).await;
    let mark = write!(store, tx => tx.mark_uncertain(seq, "1202").await);
    assert_eq!(mark.await.unwrap(), Some(OutboxState::Uncertain));
    let claimed = write!(store, tx => tx.claim_echo("qq/1", "hi", 0).await).await.unwrap().unwrap();
    assert_eq!((claimed.seq, claimed.state, claimed.error), (seq, OutboxState::Sent, None));
    assert_eq!(head(&store, "qq/1").await, []);
    let once_more = write!(store, tx => tx.mark_sending(&[seq]).await);
    assert_eq!(once_more.await.unwrap(), [0; 0], "it is not sent again");
}

async fn an_echo_settles_a_row_that_was_about_to_go_once_more(place: &Place) {
    let store = place.open().await;
    let seq = add(&store, "qq/1", "a", None).await;
    assert!(write!(store, tx => tx.mark_sending_as(seq, "hi").await).await.unwrap());
    write!(store, tx => tx.mark_ready(seq, NOON, "once more").await).await.unwrap();
    let claimed = write!(store, tx => tx.claim_echo("qq/1", "hi", 0).await).await.unwrap().unwrap();
    assert_eq!((claimed.state, claimed.sends, claimed.error), (OutboxState::Sent, 1, None));
    assert!(!write!(store, tx => tx.mark_sending_as(seq, "hi").await).await.unwrap(), "it is not sent again");

    let unsent = add(&store, "qq/1", "b", Some("ho")).await;
    assert_eq!(write!(store, tx => tx.claim_echo("qq/1", "ho", 0).await).await.unwrap(), None);
    assert_eq!(row(&store, unsent).await.state, OutboxState::Ready, "what never left has no echo");
}

async fn an_echo_that_comes_before_the_answer_is_not_forgotten(place: &Place) {
    type Mark = for<'t> fn(&'t mut Tx, i64) -> matrix_webqq::store::Work<'t, Option<OutboxState>>;
    let store = place.open().await;
    let marks: [(&str, Mark); 3] = [
        ("a", |tx, seq| Box::pin(tx.mark_uncertain(seq, "1202"))),
        ("b", |tx, seq| Box::pin(tx.mark_ready(seq, 0, "no answer"))),
        ("c", |tx, seq| Box::pin(tx.mark_dead(seq, "no answer"))),
    ];
    for (key, mark) in marks {
        let seq = send(&store, "qq/1", key, Some(key)).await;
        let claimed = write!(store, tx => tx.claim_echo("qq/1", key, 0).await);
        assert_eq!(claimed.await.unwrap().unwrap().state, OutboxState::Sending);
        let marked = store.write(move |tx| mark(tx, seq)).await.unwrap();
        assert_eq!(marked, Some(OutboxState::Sent), "{key}");
        assert_eq!(row(&store, seq).await.error, None);
    }
}

async fn the_newest_result_of_a_lane_is_known(place: &Place) {
    let store = place.open().await;
    assert_eq!(read!(store, tx => tx.last_result("matrix/1").await).await.unwrap(), None);
    for (key, result) in [("a", "$a"), ("b", "$b")] {
        let seq = send(&store, "matrix/1", key, None).await;
        write!(store, tx => tx.mark_sent(seq, Some(result)).await).await.unwrap();
    }
    send(&store, "matrix/1", "c", None).await;
    assert_eq!(read!(store, tx => tx.last_result("matrix/1").await).await.unwrap().as_deref(), Some("$b"));
}

async fn the_queue_is_counted_and_shown_by_login(place: &Place) {
    let store = place.open().await;
    let dead = send(&store, "qq/1", "a", None).await;
    let uncertain = send(&store, "qq/1", "b", None).await;
    let sent = send(&store, "qq/1", "c", None).await;
    send(&store, "qq/1", "d", None).await;
    add(&store, "qq/1", "e", None).await;
    add(&store, "qq/1", "f", None).await;
    let other = Departure { login: "10002".to_owned(), ..departure("qq/9", "g", None) };
    let mark = write!(store, tx => {
        tx.mark_dead(dead, "x").await?;
        tx.mark_uncertain(uncertain, "x").await?;
        tx.mark_sent(sent, None).await?;
        tx.add_departure(&other).await
    });
    assert!(mark.await.unwrap());
    let counts = read!(store, tx => tx.queue_counts().await).await.unwrap();
    let expected = [
        QueueCount { login: "10001".to_owned(), ready: 2, sending: 1, uncertain: 1, dead: 1 },
        QueueCount { login: "10002".to_owned(), ready: 1, sending: 0, uncertain: 0, dead: 0 },
    ];
    assert_eq!(counts, expected);
    let queue = read!(store, tx => tx.queue("10001", 4).await).await.unwrap();
    assert_eq!(keys(&queue), ["a", "b", "d", "e"]);
}

async fn tidying_forgets_what_is_over_and_old(place: &Place) {
    let store = place.open().await;
    take_in(&store, &["done", "dead", "new"]).await;
    for key in ["a", "b", "c"] {
        let seq = send(&store, "qq/1", key, None).await;
        write!(store, tx => tx.mark_sent(seq, Some(key)).await).await.unwrap();
    }
    let stuck = send(&store, "qq/1", "stuck", None).await;
    write!(store, tx => {
        tx.finish_arrival(1, None, Fate::Quiet).await?;
        tx.bury_arrival(2, "x").await
    })
    .await
    .unwrap();
    assert_eq!(tidy(&store, NOON, 10).await, 0, "nothing is older than now");
    let window = write!(store, tx => Ok((tx.tidy_inbox(NOON + 1, 0, 1).await?, tx.tidy_outbox(NOON + 1, 1, 1).await?)));
    let one = |next| Tidied { gone: 1, next: Some(next) };
    assert_eq!(window.await.unwrap(), (one(1), one(2)), "the first of what came, the second of what left");
    assert_eq!(tidy(&store, NOON + 1, 1).await, 1, "the newest that was sent stays");
    assert_eq!(tidy(&store, NOON + 1, 10).await, 0);
    assert_eq!(read!(store, tx => tx.last_result("qq/1").await).await.unwrap().as_deref(), Some("c"));
    assert_eq!(row(&store, stuck).await.state, OutboxState::Sending);
    assert_eq!(due(&store).await, ["new"]);
    assert_eq!(read!(store, tx => tx.arrivals_with_error("qq", 9).await).await.unwrap().len(), 1);
}
