//! Writes, reads, and what happens to them when something goes wrong.

use super::*;

on_every_database! {
    writes_that_wait_together_share_a_commit
    writes_are_done_in_the_order_in_which_they_were_queued
    a_write_that_fails_leaves_those_beside_it_alone
    a_write_that_panics_leaves_the_store_alive
    a_statement_whose_error_was_swallowed_still_undoes_its_write
    a_write_is_kept_whole_or_not_at_all
    a_caller_that_goes_away_does_not_stop_its_write
    readers_do_not_see_what_is_not_committed
    a_reader_sees_one_moment
    a_reader_that_goes_away_harms_nobody
    a_reader_cannot_write
    what_was_answered_is_there_after_a_drop_without_closing
    what_nobody_is_in_a_hurry_for_is_kept_with_the_next_commit_or_after_a_moment
    closing_finishes_what_is_queued
    a_closed_store_says_so
    a_second_bridge_is_kept_out_until_the_first_one_is_gone
    a_newer_schema_is_refused
    a_word_that_we_never_wrote_is_reported_with_its_place
    texts_come_back_as_they_were
}

async fn writes_that_wait_together_share_a_commit(place: &Place) {
    let store = place.open().await;
    let go = hold_up(&store).await;
    let before = store.commits();
    let writes = (0..200).map(|number| {
        let batch = [arrival(&number.to_string())];
        write!(store, tx => tx.add_arrivals("qq", &batch).await)
    });
    // All are in the queue before the first may go on.
    let (done, ()) = tokio::join!(join_all(writes), async { go.send(()).unwrap() });
    assert!(done.into_iter().all(|new| new.unwrap() == 1));
    let commits = store.commits() - before;
    assert!(commits <= 4, "200 writes took {commits} commits");
    assert_eq!(due(&store).await.len(), 200);
}

async fn writes_are_done_in_the_order_in_which_they_were_queued(place: &Place) {
    let store = place.open().await;
    let names: Vec<String> = (0..300).map(|number| format!("{number:03}")).collect();
    let writes = names.iter().map(|name| {
        let batch = [arrival(name)];
        write!(store, tx => tx.add_arrivals("qq", &batch).await)
    });
    assert!(join_all(writes).await.into_iter().all(|new| new.unwrap() == 1));
    assert_eq!(due(&store).await, names);
}

async fn what_nobody_is_in_a_hurry_for_is_kept_with_the_next_commit_or_after_a_moment(place: &Place) {
    let store = place.open().await;
    let along = |key: &str| {
        let batch = [arrival(key)];
        let store = &store;
        async move { store.follow_along(move |tx| Box::pin(async move { tx.add_arrivals("qq", &batch).await })).await }
    };
    let go = hold_up(&store).await;
    let before = store.commits();
    let third = [arrival("c")];
    let write = write!(store, tx => tx.add_arrivals("qq", &third).await);
    let (first, second, third, ()) = tokio::join!(along("a"), along("b"), write, async { go.send(()).unwrap() });
    assert_eq!((first.unwrap(), second.unwrap(), third.unwrap()), (1, 1, 1));
    assert_eq!(store.commits() - before, 2, "the one that held up the others, and one for all the others");
    assert_eq!(due(&store).await, ["a", "b", "c"]);

    // Nobody writes anything else.
    assert_eq!(along("d").await.unwrap(), 1);
    let (last, ()) = tokio::join!(along("e"), async { store.close().await });
    assert_eq!(last.unwrap(), 1, "closing leaves nothing behind");
    assert_eq!(along("f").await.unwrap_err(), Error::Closed);
    assert_eq!(due(&place.open().await).await, ["a", "b", "c", "d", "e"]);
}

async fn a_write_that_fails_leaves_those_beside_it_alone(place: &Place) {
    let store = place.open().await;
    let go = hold_up(&store).await;
    let before = store.commits();
    let good = |key: &str| {
        let batch = [arrival(key)];
        write!(store, tx => tx.add_arrivals("qq", &batch).await)
    };
    let changes_mind = write!(store, tx => {
        tx.add_arrivals("qq", &[arrival("undone")]).await?;
        Err::<u64, _>(Error::Closed)
    });
    let breaks_rule = write!(store, tx => {
        let one = tx.ensure_portal("10001", "friend:1", "friend", "a", None).await?;
        let other = tx.ensure_portal("10001", "friend:2", "friend", "b", None).await?;
        tx.set_portal_room(one.id, "!a").await?;
        tx.set_portal_room(other.id, "!a").await?;
        Ok(0)
    });
    // All are in the queue before the first may go on.
    let go = async { go.send(()).unwrap() };
    let (first, mind, rule, last, ()) = tokio::join!(good("first"), changes_mind, breaks_rule, good("last"), go);
    assert_eq!((first.unwrap(), last.unwrap()), (1, 1));
    assert_eq!(mind.unwrap_err(), Error::Closed);
    let rule = rule.unwrap_err();
    assert!(matches!(rule, Error::Refused { .. }) && rule.verdict() == Verdict::GiveUp, "{rule:?}");
    assert_eq!(due(&store).await, ["first", "last"]);
    assert_eq!(read!(store, tx => tx.portals("10001").await).await.unwrap(), []);
    assert_eq!(store.commits() - before, 2, "the one that held up the others, and one for all the others");
}

async fn a_write_that_panics_leaves_the_store_alive(place: &Place) {
    let store = place.open().await;
    let panics = write!(store, tx => {
        let new = tx.add_arrivals("qq", &arrivals(&["undone"])).await?;
        assert_eq!(new, 404, "a mistake");
        Ok(())
    });
    assert_eq!(panics.await.unwrap_err(), Error::Panicked);
    assert_eq!(take_in(&store, &["kept"]).await, 1);
    assert_eq!(due(&store).await, ["kept"]);
}

async fn a_statement_whose_error_was_swallowed_still_undoes_its_write(place: &Place) {
    let store = place.open().await;
    let swallows = write!(store, tx => {
        let one = tx.ensure_portal("10001", "friend:1", "friend", "a", None).await?;
        let other = tx.ensure_portal("10001", "friend:2", "friend", "b", None).await?;
        tx.set_portal_room(one.id, "!a").await?;
        drop(tx.set_portal_room(other.id, "!a").await);
        Ok(())
    });
    assert!(matches!(swallows.await, Err(Error::Refused { .. })));
    assert_eq!(read!(store, tx => tx.portals("10001").await).await.unwrap(), []);
    assert_eq!(take_in(&store, &["a"]).await, 1);
}

async fn a_write_is_kept_whole_or_not_at_all(place: &Place) {
    let store = place.open().await;
    let half = write!(store, tx => {
        tx.add_arrivals("qq", &arrivals(&["a"])).await?;
        tx.add_departure(&departure("qq/1", "a", None)).await?;
        tx.set_portal_name(404, "nobody").await
    });
    assert_eq!(half.await.unwrap_err(), Error::Missing { table: "portal", row: "404".to_owned() });
    assert_eq!(due(&store).await, [""; 0]);
    assert_eq!(head(&store, "qq/1").await, []);
}

async fn a_caller_that_goes_away_does_not_stop_its_write(place: &Place) {
    let store = place.open().await;
    let go = hold_up(&store).await;
    let (began, beginning) = oneshot::channel();
    let write = write!(store, tx => {
        tx.add_arrivals("qq", &arrivals(&["a"])).await?;
        began.send(()).unwrap();
        tx.add_arrivals("qq", &arrivals(&["b"])).await
    });
    let mut write = Box::pin(write);
    // Polled once, the write is in the queue; then nobody waits for it any more.
    assert!(futures_util::poll!(&mut write).is_pending());
    drop(write);
    go.send(()).unwrap();
    beginning.await.unwrap();
    assert_eq!(take_in(&store, &["c"]).await, 1);
    assert_eq!(due(&store).await, ["a", "b", "c"]);
}

async fn readers_do_not_see_what_is_not_committed(place: &Place) {
    let store = place.open().await;
    take_in(&store, &["old"]).await;
    let (go, gate) = oneshot::channel::<()>();
    let (at_work, working) = oneshot::channel();
    let write = write!(store, tx => {
        tx.add_arrivals("qq", &arrivals(&["new"])).await?;
        at_work.send(()).unwrap();
        gate.await.unwrap();
        Ok(())
    });
    let reads = async {
        working.await.unwrap();
        let both = tokio::join!(due(&store), due(&store));
        go.send(()).unwrap();
        both
    };
    let (written, (one, other)) = tokio::join!(write, reads);
    written.unwrap();
    assert_eq!((one, other), (vec!["old".to_owned()], vec!["old".to_owned()]));
    assert_eq!(due(&store).await, ["old", "new"]);
}

async fn a_reader_sees_one_moment(place: &Place) {
    let store = place.open().await;
    take_in(&store, &["old"]).await;
    let writing = store.clone();
    let (before, after) = read!(store, tx => {
        let before = tx.due_arrivals("qq", 0, 10).await?.len();
        assert_eq!(take_in(&writing, &["new"]).await, 1);
        Ok((before, tx.due_arrivals("qq", 0, 10).await?.len()))
    })
    .await
    .unwrap();
    assert_eq!((before, after), (1, 1));
}

async fn a_reader_that_goes_away_harms_nobody(place: &Place) {
    let store = place.open().await;
    take_in(&store, &["a"]).await;
    for _ in 0..10 {
        let (at_work, working) = oneshot::channel();
        let read = read!(store, tx => {
            tx.due_arrivals("qq", 0, 10).await?;
            at_work.send(()).unwrap();
            std::future::pending::<Result<(), Error>>().await
        });
        tokio::select! {
            _ = read => unreachable!("it waits for ever"),
            done = working => done.unwrap(),
        }
    }
    assert_eq!(take_in(&store, &["b"]).await, 1);
    assert_eq!(due(&store).await, ["a", "b"]);
}

async fn a_reader_cannot_write(place: &Place) {
    let store = place.open().await;
    let sneaks = read!(store, tx => tx.add_arrivals("qq", &arrivals(&["a"])).await).await;
    assert!(matches!(sneaks, Err(Error::Refused { .. } | Error::Unavailable { .. })), "{sneaks:?}");
    assert_eq!(due(&store).await, [""; 0]);
}

async fn what_was_answered_is_there_after_a_drop_without_closing(place: &Place) {
    let store = place.open().await;
    take_in(&store, &["a", "b"]).await;
    send(&store, "qq/1", "c", None).await;
    drop(store);
    let store = place.open().await;
    assert_eq!(due(&store).await, ["a", "b"]);
    assert_eq!(head(&store, "qq/1").await[0].state, OutboxState::Sending);
    assert_eq!(take_in(&store, &["b", "d"]).await, 1);
}

async fn closing_finishes_what_is_queued(place: &Place) {
    let store = place.open().await;
    let go = hold_up(&store).await;
    let batch = arrivals(&["a"]);
    let mut write = Box::pin(write!(store, tx => tx.add_arrivals("qq", &batch).await));
    assert!(futures_util::poll!(&mut write).is_pending());
    let ((), (), written) = tokio::join!(store.close(), async { go.send(()).unwrap() }, write);
    assert_eq!(written.unwrap(), 1);
    if place.settings.kind == DatabaseKind::Sqlite {
        let mut files: Vec<_> = std::fs::read_dir(place.dir.path()).unwrap().map(|file| file.unwrap()).collect();
        files.retain(|file| !file.file_name().to_string_lossy().ends_with(".lock"));
        assert_eq!(files.len(), 1, "everything is in the one file: {files:?}");
    }
    assert_eq!(due(&place.open().await).await, ["a"]);
}

async fn a_closed_store_says_so(place: &Place) {
    let store = place.open().await;
    let twin = store.clone();
    store.close().await;
    twin.close().await;
    assert_eq!(write!(twin, tx => tx.set_meta("a", "b").await).await.unwrap_err(), Error::Closed);
    assert_eq!(read!(twin, tx => tx.meta("a").await).await.unwrap_err(), Error::Closed);
}

async fn a_second_bridge_is_kept_out_until_the_first_one_is_gone(place: &Place) {
    let store = place.open().await;
    let second = Store::open(&place.settings, place.clock.clone());
    assert_eq!(second.await.unwrap_err(), Error::InUse);
    store.close().await;
    place.open().await;
}

async fn a_newer_schema_is_refused(place: &Place) {
    place.open().await.close().await;
    place.meddle("UPDATE meta SET value = '999' WHERE key = 'schema'").await;
    let error = Store::open(&place.settings, place.clock.clone()).await.unwrap_err();
    assert!(matches!(error, Error::TooNew { found: 999, known: 1.. }), "{error:?}");
    assert!(error.to_string().contains("999"), "{error}");
}

async fn a_word_that_we_never_wrote_is_reported_with_its_place(place: &Place) {
    let store = place.open().await;
    take_in(&store, &["a"]).await;
    store.close().await;
    place.meddle("UPDATE inbox SET state = 'odd'").await;
    let store = place.open().await;
    let error = read!(store, tx => tx.arrival(1).await).await.unwrap_err();
    assert!(matches!(&error, Error::Corrupt { table: "inbox", column: "state", row, .. } if row == "1"), "{error:?}");
}

async fn texts_come_back_as_they_were(place: &Place) {
    let store = place.open().await;
    let texts = ["", "'; DROP TABLE inbox; --", "你好 👋🏽", "a\r\n\tb\\", "$1 ?1 %s", &"长".repeat(200_000)];
    for text in texts {
        let value = text.to_owned();
        write!(store, tx => tx.set_meta("text", &value).await).await.unwrap();
        assert_eq!(read!(store, tx => tx.meta("text").await).await.unwrap().as_deref(), Some(text));
    }
    write!(store, tx => tx.set_meta("text", "a\0b").await).await.unwrap();
    assert_eq!(read!(store, tx => tx.meta("text").await).await.unwrap().as_deref(), Some("a\u{FFFD}b"));
}

// What only a server does.

#[tokio::test]
async fn a_connection_that_the_server_cut_is_made_again() {
    let Some(place) = Place::postgres().await else { return };
    let store = place.open().await;
    take_in(&store, &["a"]).await;
    assert_eq!(due(&store).await, ["a"]);
    let cut = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity \
         WHERE datname = current_database() AND pid <> pg_backend_pid()";
    place.meddle(cut).await;
    assert_eq!(due(&store).await, ["a"]);
    assert_eq!(take_in(&store, &["b"]).await, 1);
    let cut_while_writing = write!(store, tx => {
        tx.add_arrivals("qq", &arrivals(&["undone"])).await?;
        run(&tx.meta("server").await?.unwrap(), cut).await;
        Ok(())
    });
    let url = place.settings.uri.clone();
    write!(store, tx => tx.set_meta("server", &url).await).await.unwrap();
    let error = cut_while_writing.await.unwrap_err();
    assert_eq!(error.verdict(), Verdict::Retry, "{error:?}");
    assert_eq!(take_in(&store, &["c"]).await, 1);
    assert_eq!(due(&store).await, ["a", "b", "c"]);
    place.leave().await;
}

// What only a file has.

#[cfg(unix)]
#[tokio::test]
async fn nobody_else_can_read_the_files() {
    use std::os::unix::fs::PermissionsExt as _;

    let place = Place::sqlite();
    let store = place.open().await;
    take_in(&store, &["a"]).await;
    let mut names = Vec::new();
    for file in std::fs::read_dir(place.dir.path()).unwrap() {
        let file = file.unwrap();
        assert_eq!(file.metadata().unwrap().permissions().mode() & 0o777, 0o600, "{file:?}");
        names.push(file.file_name());
    }
    assert_eq!(names.len(), 4, "the database, its log, its index of the log, and the lock: {names:?}");
}

#[tokio::test]
async fn a_file_that_is_no_database_is_refused_and_left_alone() {
    let place = Place::sqlite();
    let path = place.settings.uri.trim_start_matches("file:");
    let text = "this is a shopping list, ".repeat(100);
    std::fs::write(path, &text).unwrap();
    let error = Store::open(&place.settings, Clock::system()).await.unwrap_err();
    assert_eq!(error.verdict(), Verdict::GiveUp, "{error:?}");
    assert_eq!(std::fs::read_to_string(path).unwrap(), text);
}

#[tokio::test]
async fn a_directory_that_does_not_exist_is_named_in_the_error() {
    let settings =
        Database { kind: DatabaseKind::Sqlite, uri: "file:/nowhere/at/all.db".to_owned(), ..Database::default() };
    let error = Store::open(&settings, Clock::system()).await.unwrap_err();
    assert!(error.to_string().contains("/nowhere/at/all.db"), "{error}");
}

#[tokio::test]
async fn what_people_wrote_is_never_printed() {
    let place = Place::sqlite();
    let store = place.open().await;
    take_in(&store, &["a"]).await;
    add(&store, "qq/1", "b", None).await;
    let rows = read!(store, tx => Ok((tx.arrival(1).await?, tx.departure(1).await?))).await.unwrap();
    let printed = format!("{rows:?} {:?} {:?}", arrival("c"), departure("qq/1", "d", None));
    assert!(!printed.contains("body of"), "{printed}");
    assert!(printed.contains("qq/1"), "{printed}");
}

#[tokio::test]
async fn after_a_power_cut_it_is_known_how_far_less_may_be_known_than_happened() {
    let place = Place::sqlite();
    let store = place.open().await;
    assert_eq!(store.unsynced_until(), Unsynced::default());
    take_in(&store, &["a", "b"]).await;
    let seq = add(&store, "qq/1", "a", None).await;
    let follows = store.follow_up(move |tx| Box::pin(async move { tx.mark_sent(seq, None).await }));
    follows.await.unwrap();
    assert_eq!(row(&store, seq).await.state, OutboxState::Sent, "everybody sees it");
    store.flush().await.unwrap();
    // Nothing is left for a lull to see to, so that nobody else commits.
    let before = store.commits();
    store.flush().await.unwrap();
    assert_eq!(store.commits(), before + 1, "a commit takes with it to the disk whatever lies before it");
    drop(store);
    let store = place.open().await;
    assert_eq!(
        (store.unsynced_until(), row(&store, seq).await.state),
        (Unsynced::default(), OutboxState::Sent),
        "it outlives the process"
    );
    write!(store, tx => tx.set_meta("boot", "an earlier one").await).await.unwrap();
    drop(store);
    for _ in 0..2 {
        let until = place.open().await.unsynced_until();
        assert_eq!(until, Unsynced { departures: seq, arrivals: 2 }, "also for those that come later");
    }
}

#[tokio::test(start_paused = true)]
async fn what_need_not_be_on_the_disk_at_once_is_there_after_a_lull() {
    let place = Place::sqlite();
    let store = place.open().await;
    take_in(&store, &["a"]).await;
    let flushed = || async { read!(store, tx => tx.meta("flushed_at_ms").await).await.unwrap() };
    let lulls = || tokio::time::sleep(std::time::Duration::from_secs(10));
    lulls().await;
    assert_eq!(flushed().await, None, "all of it is there");
    for round in 1..=2 {
        place.clock.set(NOON + round);
        store.follow_up(|tx| Box::pin(async move { tx.set_meta("a", "b").await })).await.unwrap();
        // Nobody has to ask for it.
        while flushed().await != Some((NOON + round).to_string()) {
            lulls().await;
        }
    }
}
