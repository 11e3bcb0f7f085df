//! The contract of the store, held against every database that it can stand on.
//!
//! SQLite always; PostgreSQL when `MATRIX_WEBQQ_TEST_POSTGRES` is the URL of a server on which databases may be created.

#![cfg(test)]

use std::sync::atomic::{AtomicU64, Ordering};

use futures_util::future::join_all;
use matrix_webqq::base::{Clock, Secret, Shutdown};
use matrix_webqq::config::{Database, DatabaseKind};
use matrix_webqq::store::{
    Arrival, Departure, Error, InboxState, LoginRow, LoginState, MessageRow, NoteRow, OutboxRow, OutboxState,
    PortalState, QueueCount, Store, Tx, Verdict,
};
use sqlx::{AnyConnection, AssertSqlSafe, Connection as _};
use tokio::sync::oneshot;

/// When every test begins.
const NOON: i64 = 1_500_000_000_000;

/// Work that borrows nothing, on a write.
macro_rules! write {
    ($store:expr, $tx:ident => $work:expr) => {
        $store.write(move |$tx: &mut Tx| Box::pin(async move { $work }))
    };
}

/// Work that borrows nothing, on a read.
macro_rules! read {
    ($store:expr, $tx:ident => $work:expr) => {
        $store.read(move |$tx: &mut Tx| Box::pin(async move { $work }))
    };
}

/// A database of a test's own.
struct Place {
    settings: Database,
    clock: Clock,
    dir: tempfile::TempDir,
    server: Option<(String, String)>,
}

impl Place {
    fn sqlite() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let uri = format!("file:{}", dir.path().join("a 100%41 file?.db").display()).replace('?', "#");
        Self { settings: Database { kind: DatabaseKind::Sqlite, uri }, clock: Clock::held_at(NOON), dir, server: None }
    }

    #[expect(clippy::disallowed_methods, reason = "this says whether there is a server to test with")]
    async fn postgres() -> Option<Self> {
        static NUMBER: AtomicU64 = AtomicU64::new(0);
        let server = std::env::var("MATRIX_WEBQQ_TEST_POSTGRES").ok()?;
        let name = format!("webqq_test_{}_{}", std::process::id(), NUMBER.fetch_add(1, Ordering::Relaxed));
        run(&server, &format!("CREATE DATABASE {name}")).await;
        let mut url = url::Url::parse(&server).unwrap();
        url.set_path(&name);
        Some(Self {
            settings: Database { kind: DatabaseKind::Postgres, uri: url.into() },
            clock: Clock::held_at(NOON),
            dir: tempfile::tempdir().unwrap(),
            server: Some((server, name)),
        })
    }

    async fn open(&self) -> Store {
        Store::open(&self.settings, self.clock.clone()).await.unwrap()
    }

    /// Does something behind the store's back.
    async fn meddle(&self, statement: &str) {
        match &self.settings.kind {
            DatabaseKind::Postgres => run(&self.settings.uri, statement).await,
            DatabaseKind::Sqlite => {
                let mut url = url::Url::parse("sqlite:///").unwrap();
                url.set_path(&self.settings.uri.trim_start_matches("file:").replace('%', "%25"));
                run(url.as_str(), statement).await;
            }
        }
    }

    async fn leave(self) {
        if let Some((server, name)) = &self.server {
            run(server, &format!("DROP DATABASE {name} WITH (FORCE)")).await;
        }
        drop(self.dir);
    }
}

async fn run(url: &str, statement: &str) {
    sqlx::any::install_default_drivers();
    let mut connection = AnyConnection::connect(url).await.unwrap();
    sqlx::raw_sql(AssertSqlSafe(statement)).execute(&mut connection).await.unwrap();
    connection.close().await.unwrap();
}

/// One test for each database from each function.
macro_rules! on_every_database {
    ($($test:ident)*) => {
        mod sqlite {
            $(#[tokio::test]
            async fn $test() {
                let place = super::Place::sqlite();
                super::$test(&place).await;
                place.leave().await;
            })*
        }

        mod postgres {
            $(#[tokio::test]
            async fn $test() {
                let Some(place) = super::Place::postgres().await else { return };
                super::$test(&place).await;
                place.leave().await;
            })*
        }
    };
}

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
    closing_finishes_what_is_queued
    a_closed_store_says_so
    a_second_bridge_is_kept_out_until_the_first_one_is_gone
    a_newer_schema_is_refused
    a_word_that_we_never_wrote_is_reported_with_its_place
    texts_come_back_as_they_were
    the_same_arrival_is_taken_in_once
    arrivals_keep_their_order_even_in_large_batches
    arrivals_are_due_when_their_time_has_come
    a_clock_that_is_set_back_does_not_hold_up_arrivals
    a_finished_arrival_is_finished_once
    an_arrival_that_failed_is_found_by_its_error
    translating_is_both_or_neither
    the_same_departure_is_added_once
    a_lane_shows_its_unfinished_rows_in_order
    lanes_are_found_by_prefix_and_the_longest_waiting_comes_first
    a_row_goes_on_the_wire_once
    a_row_that_failed_waits_for_its_next_try
    a_dead_row_can_be_revived
    what_was_on_the_wire_at_a_crash_becomes_uncertain
    an_echo_claims_the_oldest_row_that_fits
    an_echo_settles_an_uncertain_row
    an_echo_that_comes_before_the_answer_is_not_forgotten
    the_newest_result_of_a_lane_is_known
    the_queue_is_counted_and_shown_by_login
    tidying_forgets_what_is_over_and_old
    a_chat_has_one_portal
    a_room_has_one_portal
    a_portal_can_lose_its_room
    a_contact_has_one_ghost
    a_room_knows_its_members
    a_login_is_saved_and_its_session_forgotten
    since_moves_only_when_the_state_changes
    a_row_that_is_not_there_cannot_be_changed
    notes_are_replaced_by_key
    a_message_is_found_by_key_and_by_event
    a_person_has_a_control_room_and_a_language
    single_values_are_kept
}

fn arrival(key: &str) -> Arrival {
    Arrival { dedup_key: key.to_owned(), body: format!("body of {key}") }
}

fn arrivals(keys: &[&str]) -> Vec<Arrival> {
    keys.iter().copied().map(arrival).collect()
}

fn departure(lane: &str, key: &str, echo: Option<&str>) -> Departure {
    Departure {
        lane: lane.to_owned(),
        login: "10001".to_owned(),
        body: format!("body of {key}"),
        dedup_key: key.to_owned(),
        echo: echo.map(str::to_owned),
    }
}

async fn take_in(store: &Store, keys: &[&str]) -> u64 {
    let batch = arrivals(keys);
    write!(store, tx => tx.add_arrivals("qq", &batch).await).await.unwrap()
}

async fn due(store: &Store) -> Vec<String> {
    let rows = read!(store, tx => tx.due_arrivals("qq", 0, 10_000).await).await.unwrap();
    rows.into_iter().map(|row| row.dedup_key).collect()
}

/// Adds a row and gives its number.
async fn add(store: &Store, lane: &'static str, key: &'static str, echo: Option<&'static str>) -> i64 {
    let row = departure(lane, key, echo);
    assert!(write!(store, tx => tx.add_departure(&row).await).await.unwrap());
    head(store, lane).await.last().unwrap().seq
}

/// Adds a row and puts it on the wire.
async fn send(store: &Store, lane: &'static str, key: &'static str, echo: Option<&'static str>) -> i64 {
    let seq = add(store, lane, key, echo).await;
    assert_eq!(write!(store, tx => tx.mark_sending(&[seq]).await).await.unwrap(), [seq]);
    seq
}

async fn head(store: &Store, lane: &'static str) -> Vec<OutboxRow> {
    read!(store, tx => tx.lane_head(lane, 100).await).await.unwrap()
}

async fn row(store: &Store, seq: i64) -> OutboxRow {
    read!(store, tx => tx.departure(seq).await).await.unwrap().unwrap()
}

fn keys(rows: &[OutboxRow]) -> Vec<&str> {
    rows.iter().map(|row| row.dedup_key.as_str()).collect()
}

/// Holds up the writer until the sender is dropped or used.
async fn hold_up(store: &Store) -> oneshot::Sender<()> {
    let (go, gate) = oneshot::channel::<()>();
    let (at_work, working) = oneshot::channel();
    let store = store.clone();
    Shutdown::new().spawn(async move {
        let held = write!(store, _tx => {
            at_work.send(()).unwrap();
            gate.await.unwrap();
            Ok(())
        });
        held.await.unwrap();
    });
    working.await.unwrap();
    go
}

// The writer and the readers.

async fn writes_that_wait_together_share_a_commit(place: &Place) {
    let store = place.open().await;
    let go = hold_up(&store).await;
    let before = store.commits();
    let writes = (0..200).map(|number| {
        let batch = [arrival(&number.to_string())];
        write!(store, tx => tx.add_arrivals("qq", &batch).await)
    });
    let ((), done) = tokio::join!(async { go.send(()).unwrap() }, join_all(writes));
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
    let ((), first, mind, rule, last) =
        tokio::join!(async { go.send(()).unwrap() }, good("first"), changes_mind, breaks_rule, good("last"));
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

// The inbox.

async fn the_same_arrival_is_taken_in_once(place: &Place) {
    let store = place.open().await;
    assert_eq!(take_in(&store, &["a", "b", "a"]).await, 2);
    assert_eq!(take_in(&store, &["b", "c"]).await, 1);
    assert_eq!(take_in(&store, &[]).await, 0);
    let elsewhere = write!(store, tx => tx.add_arrivals("matrix", &arrivals(&["a"])).await);
    assert_eq!(elsewhere.await.unwrap(), 1, "another origin has other keys");
    let first = read!(store, tx => tx.due_arrivals("qq", 0, 1).await).await.unwrap().remove(0);
    let finished = write!(store, tx => tx.finish_arrival(first.seq).await);
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
    assert_eq!(read!(store, tx => tx.next_arrival_due("qq").await).await.unwrap(), None);
    take_in(&store, &["a", "b"]).await;
    assert_eq!(read!(store, tx => tx.next_arrival_due("qq").await).await.unwrap(), Some(0));
    let postponed = write!(store, tx => {
        tx.postpone_arrival(1, NOON + 1000, "no room yet").await?;
        tx.postpone_arrival(2, NOON + 2000, "no room yet").await
    });
    assert!(postponed.await.unwrap());
    assert_eq!(due(&store).await, [""; 0]);
    assert_eq!(read!(store, tx => tx.next_arrival_due("qq").await).await.unwrap(), Some(NOON + 1000));
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
    let twice = write!(store, tx => Ok((tx.finish_arrival(1).await?, tx.finish_arrival(1).await?)));
    assert_eq!(twice.await.unwrap(), (true, false));
    let late = write!(store, tx => Ok((tx.bury_arrival(1, "x").await?, tx.postpone_arrival(1, 0, "x").await?)));
    assert_eq!(late.await.unwrap(), (false, false));
    let row = read!(store, tx => tx.arrival(1).await).await.unwrap().unwrap();
    assert_eq!((row.state, row.error), (InboxState::Done, None));
    assert_eq!(read!(store, tx => tx.next_arrival_due("qq").await).await.unwrap(), None);
}

async fn an_arrival_that_failed_is_found_by_its_error(place: &Place) {
    let store = place.open().await;
    take_in(&store, &["a", "b", "c", "d"]).await;
    let fail = write!(store, tx => {
        tx.bury_arrival(1, "unreadable").await?;
        tx.postpone_arrival(2, NOON + 1, "unmatched").await?;
        tx.postpone_arrival(3, NOON + 1, "unmatched").await?;
        tx.finish_arrival(3).await
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
        tx.finish_arrival(1).await?;
        tx.add_departure(&departure("matrix/1", "a", None)).await?;
        Err::<(), _>(Error::Closed)
    });
    assert!(half.await.is_err());
    assert_eq!((due(&store).await, head(&store, "matrix/1").await), (vec!["a".to_owned()], vec![]));
    let whole = write!(store, tx => {
        tx.finish_arrival(1).await?;
        tx.add_departure(&departure("matrix/1", "a", None)).await
    });
    assert!(whole.await.unwrap());
    assert_eq!((due(&store).await.len(), head(&store, "matrix/1").await.len()), (0, 1));
}

// The outbox.

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
    let mark = write!(store, tx => tx.mark_ready(seq, 0, "tried again").await);
    assert_eq!(mark.await.unwrap(), Some(OutboxState::Ready));
    assert_eq!(keys(&head(&store, "qq/1").await), ["a"]);
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
        tx.finish_arrival(1).await?;
        tx.bury_arrival(2, "x").await
    })
    .await
    .unwrap();
    assert_eq!(write!(store, tx => tx.tidy(NOON, 10).await).await.unwrap(), 0, "nothing is older than now");
    assert_eq!(write!(store, tx => tx.tidy(NOON + 1, 1).await).await.unwrap(), 2, "one of each at a time");
    assert_eq!(write!(store, tx => tx.tidy(NOON + 1, 10).await).await.unwrap(), 1);
    assert_eq!(write!(store, tx => tx.tidy(NOON + 1, 10).await).await.unwrap(), 0);
    assert_eq!(read!(store, tx => tx.last_result("qq/1").await).await.unwrap().as_deref(), Some("c"));
    assert_eq!(row(&store, stuck).await.state, OutboxState::Sending);
    assert_eq!(due(&store).await, ["new"]);
    assert_eq!(read!(store, tx => tx.arrivals_with_error("qq", 9).await).await.unwrap().len(), 1);
}

// The memory.

async fn a_chat_has_one_portal(place: &Place) {
    let store = place.open().await;
    let ensure = |name: &'static str| write!(store, tx => tx.ensure_portal("10001", "friend:1", "friend", name, Some("c:1")).await);
    let made = ensure("Ann").await.unwrap();
    assert_eq!((made.state, made.room_id.as_deref(), made.peer.as_deref()), (PortalState::None, None, Some("c:1")));
    assert_eq!((made.kind.as_str(), made.created_at_ms), ("friend", NOON));
    assert_eq!(ensure("Bob").await.unwrap(), made, "an existing portal is left as it is");
    let id = made.id;
    write!(store, tx => tx.set_portal_name(id, "Bob").await).await.unwrap();
    let other = write!(store, tx => tx.ensure_portal("10002", "friend:1", "friend", "Ann", None).await);
    assert_ne!(other.await.unwrap().id, id, "another login sees another chat");
    let found = read!(store, tx => tx.portal_by_chat("10001", "friend:1").await).await.unwrap().unwrap();
    assert_eq!(found.name, "Bob");
    assert_eq!(read!(store, tx => tx.portal(id).await).await.unwrap(), Some(found.clone()));
    assert_eq!(read!(store, tx => tx.portals("10001").await).await.unwrap(), [found]);
}

async fn a_room_has_one_portal(place: &Place) {
    let store = place.open().await;
    let made = write!(store, tx => {
        let one = tx.ensure_portal("10001", "friend:1", "friend", "a", None).await?;
        let other = tx.ensure_portal("10001", "friend:2", "friend", "b", None).await?;
        tx.set_portal_state(one.id, PortalState::Creating).await?;
        tx.set_portal_room(one.id, "!a").await?;
        Ok((one.id, other.id))
    });
    let (one, other) = made.await.unwrap();
    let found = read!(store, tx => tx.portal_by_room("!a").await).await.unwrap().unwrap();
    assert_eq!((found.id, found.state), (one, PortalState::Ready));
    let theft = write!(store, tx => tx.set_portal_room(other, "!a").await);
    assert!(matches!(theft.await, Err(Error::Refused { .. })));
    assert_eq!(read!(store, tx => tx.portal_by_room("!b").await).await.unwrap(), None);
}

async fn a_portal_can_lose_its_room(place: &Place) {
    let store = place.open().await;
    let lost = write!(store, tx => {
        let id = tx.ensure_portal("10001", "friend:1", "friend", "a", None).await?.id;
        tx.set_portal_room(id, "!a").await?;
        tx.set_portal_state(id, PortalState::None).await?;
        tx.portal(id).await
    });
    let lost = lost.await.unwrap().unwrap();
    assert_eq!((lost.state, lost.room_id), (PortalState::None, None));
}

async fn a_contact_has_one_ghost(place: &Place) {
    let store = place.open().await;
    let ensure = |name: &'static str| write!(store, tx => tx.ensure_ghost("c:1", "@qq_1:x", name).await);
    let made = ensure("Ann").await.unwrap();
    assert_eq!((made.registered, made.shown_name.as_deref()), (false, None));
    assert_eq!(ensure("Bob").await.unwrap(), made);
    let change = write!(store, tx => {
        tx.set_ghost_registered("c:1").await?;
        tx.set_ghost_name("c:1", "Bob").await?;
        tx.set_ghost_shown_name("c:1", "Bob (QQ)").await
    });
    change.await.unwrap();
    let ghost = read!(store, tx => tx.ghost("c:1").await).await.unwrap().unwrap();
    assert_eq!((ghost.registered, ghost.name.as_str()), (true, "Bob"));
    assert_eq!(ghost.shown_name.as_deref(), Some("Bob (QQ)"));
    let theft = write!(store, tx => tx.ensure_ghost("c:2", "@qq_1:x", "Eve").await);
    assert!(matches!(theft.await, Err(Error::Refused { .. })));
    assert_eq!(read!(store, tx => tx.ghost("c:2").await).await.unwrap(), None);
}

async fn a_room_knows_its_members(place: &Place) {
    let store = place.open().await;
    let change = write!(store, tx => {
        for user in ["@b:x", "@B:x", "@a:x", "@b:x"] {
            tx.add_member("!a", user).await?;
        }
        tx.add_member("!b", "@c:x").await?;
        tx.remove_member("!a", "@a:x").await?;
        tx.remove_member("!a", "@nobody:x").await
    });
    change.await.unwrap();
    assert_eq!(read!(store, tx => tx.members("!a").await).await.unwrap(), ["@B:x", "@b:x"]);
    let asked = read!(store, tx => Ok((tx.is_member("!a", "@b:x").await?, tx.is_member("!a", "@c:x").await?)));
    assert_eq!(asked.await.unwrap(), (true, false));
}

fn login(account: &str, owner: &str) -> LoginRow {
    LoginRow {
        account: account.to_owned(),
        owner: owner.to_owned(),
        nick: "Ann".to_owned(),
        state: LoginState::Connected,
        epoch: "1".to_owned(),
        session: Some(Secret::new("ptwebqq")),
        notice: None,
        since_ms: NOON,
    }
}

async fn a_login_is_saved_and_its_session_forgotten(place: &Place) {
    let store = place.open().await;
    let save = write!(store, tx => {
        for login in [login("2", "@a:x"), login("1", "@a:x"), login("3", "@b:x"), login("3", "@b:x")] {
            tx.save_login(&login).await?;
        }
        tx.set_login_session("1", "2", &Secret::new("renewed")).await?;
        tx.forget_session("2").await
    });
    save.await.unwrap();
    let all = read!(store, tx => tx.logins().await).await.unwrap();
    assert_eq!(all.iter().map(|login| login.account.as_str()).collect::<Vec<_>>(), ["1", "2", "3"]);
    assert_eq!((all[0].epoch.as_str(), all[0].session.as_ref().unwrap().expose()), ("2", "renewed"));
    assert_eq!(all[1].session, None);
    assert_eq!(all[2], login("3", "@b:x"));
    assert_eq!(read!(store, tx => tx.logins_of("@a:x").await).await.unwrap(), all[..2]);
    assert_eq!(read!(store, tx => tx.login("4").await).await.unwrap(), None);
    assert!(!format!("{all:?}").contains("renewed"), "a session is never printed");
}

async fn since_moves_only_when_the_state_changes(place: &Place) {
    let store = place.open().await;
    write!(store, tx => tx.save_login(&login("1", "@a:x")).await).await.unwrap();
    place.clock.set(NOON + 5);
    for (state, since_ms) in [(LoginState::Connected, NOON), (LoginState::Lost, NOON + 5), (LoginState::Lost, NOON + 5)]
    {
        write!(store, tx => tx.set_login_state("1", state).await).await.unwrap();
        let now = read!(store, tx => tx.login("1").await).await.unwrap().unwrap();
        assert_eq!((now.state, now.since_ms), (state, since_ms));
    }
}

async fn a_row_that_is_not_there_cannot_be_changed(place: &Place) {
    let store = place.open().await;
    let ghost = write!(store, tx => tx.set_ghost_registered("c:404").await);
    assert_eq!(ghost.await.unwrap_err(), Error::Missing { table: "ghost", row: "c:404".to_owned() });
    let login = write!(store, tx => tx.set_login_state("404", LoginState::Lost).await);
    assert_eq!(login.await.unwrap_err(), Error::Missing { table: "login", row: "404".to_owned() });
    let outbox = write!(store, tx => tx.mark_sent(404, None).await);
    assert_eq!(outbox.await.unwrap_err(), Error::Missing { table: "outbox", row: "404".to_owned() });
}

async fn notes_are_replaced_by_key(place: &Place) {
    let store = place.open().await;
    let note = |key: &str, body: &str| NoteRow { key: key.to_owned(), body: body.to_owned() };
    let (first, second) = ([note("b", "1"), note("a", "1"), note("B", "1")], [note("a", "2"), note("a", "3")]);
    let put = write!(store, tx => {
        tx.put_notes("10001", &first).await?;
        tx.put_notes("10001", &second).await?;
        tx.put_notes("10002", &first).await
    });
    put.await.unwrap();
    let notes = read!(store, tx => tx.notes("10001").await).await.unwrap();
    assert_eq!(notes, [note("B", "1"), note("a", "3"), note("b", "1")]);
}

async fn a_message_is_found_by_key_and_by_event(place: &Place) {
    let store = place.open().await;
    let part = |part, event_id: &str| MessageRow {
        login: "10001".to_owned(),
        message_key: "k".to_owned(),
        part,
        room_id: "!a".to_owned(),
        event_id: event_id.to_owned(),
    };
    let rows = [part(1, "$old"), part(0, "$a"), part(1, "$b")];
    let add = write!(store, tx => {
        for row in &rows {
            tx.add_message(row).await?;
        }
        Ok(())
    });
    add.await.unwrap();
    assert_eq!(read!(store, tx => tx.messages("10001", "k").await).await.unwrap(), [part(0, "$a"), part(1, "$b")]);
    assert_eq!(read!(store, tx => tx.message_by_event("$b").await).await.unwrap(), Some(part(1, "$b")));
    assert_eq!(read!(store, tx => tx.message_by_event("$old").await).await.unwrap(), None);
}

async fn a_person_has_a_control_room_and_a_language(place: &Place) {
    let store = place.open().await;
    let set = write!(store, tx => {
        tx.set_language("@a:x", "zh").await?;
        tx.set_control_room("@a:x", "!old").await?;
        tx.set_control_room("@a:x", "!new").await
    });
    set.await.unwrap();
    let user = read!(store, tx => tx.user_by_control_room("!new").await).await.unwrap().unwrap();
    assert_eq!((user.mxid.as_str(), user.language.as_deref()), ("@a:x", Some("zh")));
    assert_eq!(read!(store, tx => tx.user("@a:x").await).await.unwrap(), Some(user));
    assert_eq!(read!(store, tx => tx.user_by_control_room("!old").await).await.unwrap(), None);
}

async fn single_values_are_kept(place: &Place) {
    let store = place.open().await;
    assert_eq!(read!(store, tx => tx.meta("colour").await).await.unwrap(), None);
    for value in ["red", "blue"] {
        write!(store, tx => tx.set_meta("colour", value).await).await.unwrap();
        assert_eq!(read!(store, tx => tx.meta("colour").await).await.unwrap().as_deref(), Some(value));
    }
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
    let settings = Database { kind: DatabaseKind::Sqlite, uri: "file:/nowhere/at/all.db".to_owned() };
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
